"""Which encoder, decoder and start values make a network, by the name in `model.architecture`."""

from collections.abc import Callable
from dataclasses import dataclass
from functools import partial

from torch import nn

from seq2seq.config import ModelConfig
from seq2seq.model import papers
from seq2seq.model.decoder import Decoder, default_decoder
from seq2seq.model.encoder import Encoder


@dataclass(frozen=True)
class Architecture:
    """How a network is put together."""

    encoder: Callable[[ModelConfig], nn.Module]
    decoder: Callable[[ModelConfig], Decoder]
    tied: bool = False
    """Whether the output layer is the target's embedding, transposed (Press & Wolf 2017)."""
    initialise: Callable[[nn.Module], None] = lambda network: None
    """Gives the parameters their first values, where the layers' own will not do."""


def normal_and_orthogonal(network: nn.Module) -> None:
    """N(0, 0.01^2), recurrent matrices orthogonal as they are, biases 0 (Cho et al. 2014, section 4.1.1)."""
    for name, parameter in network.named_parameters():
        if "bias" in name:
            nn.init.zeros_(parameter)
        elif "weight_hh" not in name:
            nn.init.normal_(parameter, std=0.01)


def faint_attention(network: nn.Module) -> None:
    """The same, but attention begins even: its matrices N(0, 0.001^2), its vector 0 (Bahdanau et al. 2015, B.1)."""
    normal_and_orthogonal(network)
    for name, parameter in network.named_parameters():
        if ".attention." in name and name.endswith("weight"):
            nn.init.normal_(parameter, std=0.0 if ".score." in name else 0.001)


def uniform(network: nn.Module, bound: float) -> None:
    """All parameters evenly between -bound and bound."""
    for parameter in network.parameters():
        nn.init.uniform_(parameter, -bound, bound)


ARCHITECTURES = {
    "default": Architecture(Encoder, default_decoder, tied=True),
    "cho2014": Architecture(papers.Cho2014Encoder, papers.Cho2014Decoder, initialise=normal_and_orthogonal),
    "cho2014-released": Architecture(
        papers.Cho2014ReleasedEncoder, papers.Cho2014ReleasedDecoder, initialise=normal_and_orthogonal
    ),
    "sutskever2014": Architecture(
        papers.ReversedEncoder, papers.Sutskever2014Decoder, initialise=partial(uniform, bound=0.08)
    ),
    "bahdanau2015": Architecture(papers.Bahdanau2015Encoder, papers.Bahdanau2015Decoder, initialise=faint_attention),
    "luong2015": Architecture(papers.ReversedEncoder, papers.Luong2015Decoder, initialise=partial(uniform, bound=0.1)),
}
