"""Random networks, for torch and for the engine."""

import math
import random
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch

from seq2seq.config import ModelConfig
from seq2seq.inference.network import NetworkTensors
from seq2seq.model.network import EncoderDecoder
from seq2seq.model.weights import pack_weights
from seq2seq.search import batch
from seq2seq.search.options import Hypothesis, SearchOptions, SourceIds
from seq2seq.tokenizer.tokenizer import EOS

SRC_VOCAB, TGT_VOCAB = 37, 41


@dataclass(frozen=True)
class RandomNetwork:
    """A random network with confident predictions, and its weights as a file."""

    network: EncoderDecoder
    path: Path
    config: ModelConfig
    joint: bool

    @classmethod
    def create(cls, path: Path, seed: int = 2, joint: bool = False, **settings: Any) -> "RandomNetwork":
        torch.manual_seed(seed)
        config = ModelConfig(**{"embedding_size": 6, "hidden_size": 8, "context_size": 5, **settings})
        network = EncoderDecoder(config, TGT_VOCAB if joint else SRC_VOCAB, TGT_VOCAB, joint).eval()
        for parameter in network.parameters():
            fan_in = parameter.shape[-1] if parameter.dim() > 1 else 8
            torch.nn.init.normal_(parameter, std=1.4 / math.sqrt(fan_in))
        path.write_bytes(pack_weights(network))
        return cls(network, path, config, joint)

    def to_engine(self) -> NetworkTensors:
        """The engine's version of the network."""
        src_vocab = TGT_VOCAB if self.joint else SRC_VOCAB
        return NetworkTensors.parse(self.path.read_bytes(), self.config, src_vocab, TGT_VOCAB, self.joint)

    def reference(self, sources: SourceIds, options: SearchOptions) -> list[list[Hypothesis]]:
        """The result of the reference search on the torch network."""
        return batch.search_batch(self.network, sources, options, torch.device("cpu"))


def sentences(count: int, seed: int = 5) -> list[list[int]]:
    draw = random.Random(seed)
    return [[*(draw.randrange(4, SRC_VOCAB) for _ in range(draw.randrange(12))), EOS] for _ in range(count)]
