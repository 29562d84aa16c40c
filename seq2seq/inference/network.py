"""A network as the compiled engine takes it: its tensors by name, and its settings."""

import ctypes
from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

from seq2seq.config import ModelConfig
from seq2seq.io.tensor_file import header_size, parse_layout
from seq2seq.native.engine import ATTENTIONS, CELLS, RawTensor
from seq2seq.native.structures import Network

if TYPE_CHECKING:
    from seq2seq.inference.shortlist import Shortlist


def is_supported(config: ModelConfig) -> bool:
    """Whether the engine has this kind of network."""
    return config.architecture == "default" and config.cell in CELLS and config.attention in ATTENTIONS


@dataclass(frozen=True)
class NetworkTensors:
    """The parameters of p(target | source)."""

    tensors: Mapping[str, RawTensor]
    """In float32, or matrices in int8 with a scale per row in NAME.scales."""
    config: ModelConfig
    src_vocab: int
    tgt_vocab: int
    joint: bool
    """Whether both languages have the same vocabulary and embedding."""
    shortlist: "Shortlist | None" = None
    """The tokens that a translation may contain; None allows all."""
    origin: str = ""
    """The file, for errors."""

    @classmethod
    def parse(cls, content: bytes, config: ModelConfig, src_vocab: int, tgt_vocab: int, joint: bool) -> Self:
        """From the content of a safetensors file. Raises ValueError if it is damaged."""
        layout = parse_layout(content[: 8 + header_size(content)], len(content))
        # The first tensor begins after a header of any length, but floats must be at multiples of their size.
        padding = -(8 + header_size(content)) % 8
        content = bytes(padding) + content if padding else content
        start = padding + (ctypes.cast(ctypes.c_char_p(content), ctypes.c_void_p).value or 0)
        tensors = {
            name: RawTensor(entry.dtype, entry.shape, start + entry.start, content) for name, entry in layout.items()
        }
        return cls(tensors, config, src_vocab, tgt_vocab, joint)

    def settings(self) -> Network:
        """What the engine needs to know besides the tensors."""
        config = self.config
        return Network(
            CELLS.index(config.cell),
            ATTENTIONS.index(config.attention),
            config.embedding_size,
            config.hidden_size,
            config.context_size,
            config.encoder_layers,
            config.decoder_layers,
            config.bidirectional,
            config.summaries,
            self.src_vocab,
            self.tgt_vocab,
            self.joint,
        )
