"""What each architecture is made of, and what it demands of the configuration.

To add one, write its classes in `seq2seq/model/` and add an entry here. Parts are named instead of imported, so that a
configuration is checked without torch.
"""

import json
from collections.abc import Callable
from dataclasses import dataclass
from pkgutil import resolve_name
from typing import Any

Demand = Callable[[Any], str]
"""Takes the model section of a configuration; returns what it violates, empty where it does not."""


@dataclass(frozen=True)
class Architecture:
    """The parts of a network, each as `module:name` in `seq2seq.model`."""

    encoder: str
    """Made from the model section of the configuration."""
    decoder: str
    """The same."""
    initialise: str | None = None
    """Called with the network, to give its parameters other first values than its layers do."""
    tied: bool = False
    """Whether the output layer is the target's embedding, transposed (Press & Wolf 2017)."""
    demands: tuple[Demand, ...] = ()

    def violation(self, config: Any) -> str:
        """The first demand that the model section of a configuration violates; empty where it meets all."""
        return next(filter(None, (demand(config) for demand in self.demands)), "")


def load_part(name: str) -> Any:
    """The class or function that an Architecture names."""
    return resolve_name(f"seq2seq.model.{name}")


def _fixed(**settings: object) -> Demand:
    def demand(config: Any) -> str:
        wrong = (key for key, value in settings.items() if getattr(config, key) != value)
        return next((f"needs {key} = {json.dumps(settings[key]).strip(chr(34))}" for key in wrong), "")

    return demand


def _equal(first: str, second: str, reason: str) -> Demand:
    return lambda config: (
        "" if getattr(config, first) == getattr(config, second) else f"needs {first} = {second}: {reason}"
    )


def _even_halves(config: Any) -> str:
    if config.bidirectional and config.hidden_size % 2:
        return f"needs an even hidden_size, not {config.hidden_size}: a bidirectional encoder halves it"
    return ""


def _some_attention(config: Any) -> str:
    return "needs attention = dot, general or additive" if config.attention == "none" else ""


_ONE_LAYER = {"cell": "gru-reset-before", "encoder_layers": 1, "decoder_layers": 1}
_FORWARD_ONLY = _fixed(attention="none", bidirectional=False)
_ALL_STATES = _equal("encoder_layers", "decoder_layers", "all states of the encoder start the decoder")

ARCHITECTURES = {
    "default": Architecture("encoder:Encoder", "decoder:default_decoder", tied=True, demands=(_even_halves,)),
    "cho2014": Architecture(
        "papers:Cho2014Encoder",
        "papers:Cho2014Decoder",
        initialise="initialisation:normal_and_orthogonal",
        demands=(_fixed(**_ONE_LAYER), _FORWARD_ONLY),
    ),
    "cho2014-released": Architecture(
        "papers:Cho2014ReleasedEncoder",
        "papers:Cho2014ReleasedDecoder",
        initialise="initialisation:normal_and_orthogonal",
        demands=(
            _fixed(**_ONE_LAYER),
            _FORWARD_ONLY,
            _equal("context_size", "hidden_size", "the context vector is the encoder's last state"),
        ),
    ),
    "sutskever2014": Architecture(
        "papers:ReversedEncoder",
        "papers:Sutskever2014Decoder",
        initialise="initialisation:uniform_008",
        demands=(_FORWARD_ONLY, _ALL_STATES),
    ),
    "bahdanau2015": Architecture(
        "papers:Bahdanau2015Encoder",
        "papers:Bahdanau2015Decoder",
        initialise="initialisation:uniform_attention",
        demands=(_fixed(**_ONE_LAYER, attention="additive", bidirectional=True),),
    ),
    "luong2015": Architecture(
        "papers:ReversedEncoder",
        "papers:Luong2015Decoder",
        initialise="initialisation:uniform_01",
        demands=(_some_attention, _fixed(bidirectional=False), _ALL_STATES),
    ),
}
