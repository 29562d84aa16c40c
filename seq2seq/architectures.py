"""The parts of each architecture, and its requirements on the configuration.

To add one, write its classes in `seq2seq/model/` and add an entry here. Parts are given by name, not imported, so that
a configuration is validated without torch.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

Requirement = Callable[[Any], str]
"""Takes the model section of a configuration; returns the violation, empty if there is none."""


@dataclass(frozen=True)
class Architecture:
    """The parts of a network, each as `module:name` in `seq2seq.model`."""

    encoder: str
    """Called with the model section of the configuration."""
    decoder: str
    """Called likewise."""
    initialise: str | None = None
    """Called with the network to initialise its parameters; None keeps the defaults of its layers."""
    tied: bool = False
    """Whether the output layer is the target's embedding, transposed (Press & Wolf 2017)."""
    requirements: tuple[Requirement, ...] = ()
    unused: frozenset[str] = frozenset()
    """Keys of the model section that it does not depend on."""

    def violation(self, config: Any) -> str:
        """The first requirement that the model section of a configuration violates; empty if it meets all."""
        return next(filter(None, (requirement(config) for requirement in self.requirements)), "")

    def unused_keys(self, config: Any) -> frozenset[str]:
        """Keys of the model section that a network with these settings does not depend on."""
        return self.unused | ({"summaries"} if config.attention != "none" else set())


def load_part(name: str) -> Any:
    """The class or function that an Architecture names."""
    return resolve_name(f"seq2seq.model.{name}")


def _fixed(**settings: object) -> Requirement:
    def requirement(config: Any) -> str:
        wrong = (key for key, value in settings.items() if getattr(config, key) != value)
        return next((f"needs {key} = {json.dumps(settings[key]).strip(chr(34))}" for key in wrong), "")

    return requirement


def _equal(first: str, second: str, reason: str) -> Requirement:
    return lambda config: (
        "" if getattr(config, first) == getattr(config, second) else f"needs {first} = {second}: {reason}"
    )


def _even_hidden_size(config: Any) -> str:
    if config.bidirectional and config.hidden_size % 2:
        return f"needs an even hidden_size, not {config.hidden_size}: a bidirectional encoder halves it"
    return ""


def _any_attention(config: Any) -> str:
    return "needs attention = dot, general or additive" if config.attention == "none" else ""


_ONE_LAYER = {"cell": "gru-reset-before", "encoder_layers": 1, "decoder_layers": 1}
_FORWARD_ONLY = _fixed(attention="none", bidirectional=False)
_EQUAL_DEPTH = _equal(
    "encoder_layers", "decoder_layers", "the final states of all encoder layers initialise the decoder"
)

ARCHITECTURES = {
    "default": Architecture("encoder:Encoder", "decoder:default_decoder", tied=True, requirements=(_even_hidden_size,)),
    "cho2014": Architecture(
        "papers:Cho2014Encoder",
        "papers:Cho2014Decoder",
        initialise="initialisation:normal_and_orthogonal",
        requirements=(_fixed(**_ONE_LAYER), _FORWARD_ONLY),
        unused=frozenset({"summaries"}),
    ),
    "cho2014-released": Architecture(
        "papers:Cho2014ReleasedEncoder",
        "papers:Cho2014ReleasedDecoder",
        initialise="initialisation:normal_and_orthogonal",
        requirements=(
            _fixed(**_ONE_LAYER),
            _FORWARD_ONLY,
            _equal("context_size", "hidden_size", "the context vector is the encoder's final state"),
        ),
        unused=frozenset({"summaries"}),
    ),
    "sutskever2014": Architecture(
        "papers:ReversedEncoder",
        "papers:Sutskever2014Decoder",
        initialise="initialisation:uniform_008",
        requirements=(_FORWARD_ONLY, _EQUAL_DEPTH),
        unused=frozenset({"summaries", "context_size"}),
    ),
    "bahdanau2015": Architecture(
        "papers:Bahdanau2015Encoder",
        "papers:Bahdanau2015Decoder",
        initialise="initialisation:uniform_attention",
        requirements=(_fixed(**_ONE_LAYER, attention="additive", bidirectional=True),),
        unused=frozenset({"context_size"}),
    ),
    "luong2015": Architecture(
        "papers:ReversedEncoder",
        "papers:Luong2015Decoder",
        initialise="initialisation:uniform_01",
        requirements=(_any_attention, _fixed(bidirectional=False), _EQUAL_DEPTH),
        unused=frozenset({"context_size"}),
    ),
}
