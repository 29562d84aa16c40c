"""A network as the compiled engine takes it: its tensors by name, and its settings."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import safetensors

from seq2seq.config import ModelConfig
from seq2seq.inference.shortlist import Shortlist
from seq2seq.native.engine import ATTENTIONS, CELLS, UnsupportedModelError
from seq2seq.native.structures import Network

# As safetensors names them.
_TYPES = ("F32", "I8")


def is_supported(config: ModelConfig) -> bool:
    """Whether the engine has this kind of network."""
    return config.architecture == "default" and config.cell in CELLS and config.attention in ATTENTIONS


@dataclass(frozen=True)
class NetworkTensors:
    """The parameters of p(target | source)."""

    tensors: Mapping[str, np.ndarray]
    """In float32, or matrices in int8 with a scale per row in NAME.scales."""
    config: ModelConfig
    src_vocab: int
    tgt_vocab: int
    joint: bool
    """Whether both languages have the same vocabulary and embedding."""
    shortlist: Shortlist | None = None
    """The tokens that a translation may contain; None allows all."""
    origin: str = ""
    """The file, for errors."""

    @classmethod
    def read(cls, path: os.PathLike[str], config: ModelConfig, src_vocab: int, tgt_vocab: int, joint: bool) -> Self:
        """From a safetensors file. Raises UnsupportedModelError if the engine does not have this kind of network."""
        if not is_supported(config):
            raise UnsupportedModelError(config.architecture)
        file: Any = safetensors.safe_open(path, framework="np")
        names = list(file.keys())
        if other := next((name for name in names if file.get_slice(name).get_dtype() not in _TYPES), None):
            raise UnsupportedModelError(other)
        tensors = {name: file.get_tensor(name) for name in names}
        return cls(tensors, config, src_vocab, tgt_vocab, joint, origin=str(path))

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
