"""The encoder: it turns a source sentence into one vector, and one state per token."""

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from typing_extensions import override

from seq2seq.config import ModelConfig
from seq2seq.model.cells import CELLS, run_bidirectional
from seq2seq.model.dropout import SequenceDropout


@dataclass(frozen=True)
class Encoded:
    """B encoded source sentences."""

    context: Tensor
    """[B, C], the context vector c, or whatever else the decoder computes its first state from."""
    outputs: Tensor
    """[B, S, H], the top layer's state at each token; undefined at padding."""
    src_mask: Tensor
    """[B, S], True at real tokens."""


class LayeredEncoder(nn.Module):
    """A stack of recurrent layers. Subclasses compute c from the states of the top layer."""

    def __init__(self, config: ModelConfig) -> None:
        super().__init__()
        sizes = [config.embedding_size] + [config.hidden_size] * (config.encoder_layers - 1)
        layer = BidirectionalLayer if config.bidirectional else ForwardLayer
        self.layers = nn.ModuleList(layer(config.cell, size, config.hidden_size) for size in sizes)
        self.dropout = SequenceDropout(config.dropout)

    def forward(self, embedded: Tensor, src_lengths: Tensor) -> Encoded:
        """embedded [B, S, E], src_lengths [B] -> Encoded."""
        outputs = embedded
        for number, layer in enumerate(self.layers):
            if number:
                outputs = self.dropout(outputs)
            outputs, last = layer(outputs, src_lengths)
        src_mask = mask(src_lengths, embedded.size(1))
        return Encoded(self.make_context(last, outputs, src_mask), outputs, src_mask)

    def make_context(self, last: Tensor, outputs: Tensor, src_mask: Tensor) -> Tensor:
        """last states [B, H], outputs [B, S, H], src_mask [B, S] -> c [B, C]."""
        raise NotImplementedError


class Encoder(LayeredEncoder):
    """The default encoder: c is a tanh layer on the pooled states.

    Cho et al. 2014 (section 2.2) use the last state alone. Here the mean and the maximum over all tokens are added:
    words far from the ends reach c by a short path.
    """

    def __init__(self, config: ModelConfig) -> None:
        super().__init__(config)
        self.summary = nn.Linear(3 * config.hidden_size, config.context_size)

    @override
    def make_context(self, last: Tensor, outputs: Tensor, src_mask: Tensor) -> Tensor:
        pooled = torch.cat([last, *_mean_and_maximum(outputs, src_mask)], dim=-1)
        return torch.tanh(self.summary(self.dropout(pooled)))


def mask(lengths: Tensor, width: int) -> Tensor:
    """lengths [B] -> [B, width], True at real tokens."""
    return torch.arange(width, device=lengths.device) < lengths[:, None]


def _mean_and_maximum(outputs: Tensor, src_mask: Tensor) -> tuple[Tensor, Tensor]:
    """Over the real tokens: [B, S, H] -> [B, H] twice."""
    real = src_mask[:, :, None]
    mean = (outputs * real).sum(dim=1) / real.sum(dim=1)
    return mean, outputs.masked_fill(~real, -torch.inf).amax(dim=1)


class ForwardLayer(nn.Module):
    """One recurrence, left to right."""

    def __init__(self, cell: str, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.recurrence = CELLS[cell](input_size, hidden_size)

    def forward(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """inputs [B, S, I] -> states [B, S, H], the output at the last token of each row [B, H]."""
        outputs, last = self.recurrence(inputs, lengths=lengths)
        return outputs, last[:, : self.recurrence.hidden_size]


class BidirectionalLayer(nn.Module):
    """Two recurrences of half the width, one left to right and one right to left."""

    def __init__(self, cell: str, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.left_to_right = ForwardLayer(cell, input_size, hidden_size // 2)
        self.right_to_left = ForwardLayer(cell, input_size, hidden_size // 2)

    def forward(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """inputs [B, S, I] -> states [B, S, H], the last states of both directions [B, H]."""
        return run_bidirectional(self.left_to_right.recurrence, self.right_to_left.recurrence, inputs, lengths)
