"""The readout: the features that predict the next word, from the decoder's state, the previous word and the source."""

import torch
from torch import Tensor, nn

from seq2seq.config import ModelConfig
from seq2seq.model.dropout import SequenceDropout


class Readout(nn.Module):
    """A tanh layer on the state, the previous word and the contexts of the source. F is E."""

    def __init__(self, config: ModelConfig, *context_sizes: int) -> None:
        """context_sizes: widths of the contexts."""
        super().__init__()
        width = self.width(config)
        self.features = config.embedding_size
        self.hidden = nn.Linear(config.hidden_size, width)
        self.word = nn.Linear(config.embedding_size, width, bias=False)
        self.contexts = nn.ModuleList(nn.Linear(size, width, bias=False) for size in context_sizes)
        self.dropout = SequenceDropout(config.dropout)

    def forward(self, outputs: Tensor, embedded: Tensor, *contexts: Tensor) -> Tensor:
        """outputs [N, T, H], embedded [N, T, E], each of contexts [N, T or 1, size] -> features [N, T, F]."""
        summed = self.hidden(self.dropout(outputs)) + self.word(embedded)
        for layer, context in zip(self.contexts, contexts, strict=True):
            summed = summed + layer(context)
        features: Tensor = self.dropout(self.activate(summed))
        return features

    @staticmethod
    def width(config: ModelConfig) -> int:
        """Width of the layer before its activation."""
        return config.embedding_size

    def activate(self, summed: Tensor) -> Tensor:
        """[N, T, width] -> [N, T, F]"""
        return torch.tanh(summed)


class MaxoutReadout(Readout):
    """H/2 maxout units, each the larger of two inputs (Goodfellow et al. 2013, 1302.4389). F is H/2.

    With H = 1,000 these are the 500 units of Cho et al. 2014 (section 4.1) and of Bahdanau et al. 2015.
    """

    def __init__(self, config: ModelConfig, *context_sizes: int) -> None:
        super().__init__(config, *context_sizes)
        self.features = config.hidden_size // 2

    @staticmethod
    def width(config: ModelConfig) -> int:
        """Two inputs per unit."""
        return 2 * (config.hidden_size // 2)

    def activate(self, summed: Tensor) -> Tensor:
        """[N, T, 2 * units] -> [N, T, units]"""
        return torch.maximum(summed[..., ::2], summed[..., 1::2])


class FactoredMaxoutReadout(MaxoutReadout):
    """Maxout units, and the first factor of an output matrix of rank E (Cho et al. 2014, section 4.1). F is E."""

    def __init__(self, config: ModelConfig, *context_sizes: int) -> None:
        super().__init__(config, *context_sizes)
        self.factor = nn.Linear(self.features, config.embedding_size, bias=False)
        self.features = config.embedding_size

    def activate(self, summed: Tensor) -> Tensor:
        """[N, T, 2 * units] -> [N, T, E]"""
        features: Tensor = self.factor(super().activate(summed))
        return features
