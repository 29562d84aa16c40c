"""Summaries: a fixed number of vectors that the decoder reads in addition to the context vector."""

import torch
from torch import Tensor, nn

from seq2seq.model.attention import exact_softmax
from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.encoder import Encoded


class Summaries(nn.Module):
    """K summaries of a sentence, and a gate that mixes them for each decoder step.

    A summary is a weighted mean of the encoder's states, with weights that are learnt for each summary (Lin et al.
    2017, section 2.1, with one layer). The gate depends on the decoder's state alone, never on the content of the
    summaries. So this is not attention: what a step costs and sees does not grow with the source.
    """

    def __init__(self, hidden_size: int, count: int, dropout: float) -> None:
        super().__init__()
        self.weigh = nn.Linear(hidden_size, count, bias=False)
        self.gate = nn.Linear(hidden_size, count)
        self.dropout = SequenceDropout(dropout)

    def summarise(self, encoded: Encoded) -> Tensor:
        """The summaries of B sentences [B, K, H]."""
        outputs = self.dropout(encoded.outputs)
        return torch.bmm(self.weights(outputs, encoded.src_mask), outputs)

    def weights(self, outputs: Tensor, src_mask: Tensor) -> Tensor:
        """outputs [B, S, H], src_mask [B, S] -> the weight of each state in each summary [B, K, S]."""
        weights = self.weigh(outputs).masked_fill(~src_mask[:, :, None], -torch.inf)
        return exact_softmax(weights, dim=1).transpose(1, 2)

    def mixture_weights(self, states: Tensor) -> Tensor:
        """states [N, T, H] -> the weight of each summary in each step [N, T, K]."""
        return exact_softmax(self.gate(states), dim=-1)

    def forward(self, states: Tensor, summaries: Tensor) -> Tensor:
        """states [N, T, H], summaries [N, K, H] -> the mixture of each step [N, T, H]."""
        return torch.bmm(self.mixture_weights(states), summaries)
