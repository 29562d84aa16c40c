"""Summaries: what the decoder reads of the source beside the context vector, always the same number of vectors."""

import torch
from torch import Tensor, nn

from seq2seq.model.attention import exact_softmax
from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.encoder import Encoded


class Summaries(nn.Module):
    """K summaries of a sentence, and a gate that says how much of each a decoder step reads.

    A summary is a weighted mean of the encoder's states; how much a state weighs is learnt, for each summary
    differently (Lin et al. 2017, section 2.1, with one layer). The gate follows from the decoder's state alone, never
    from what the summaries hold. So this is no attention: what a step costs and sees does not grow with the source.
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
        """outputs [B, S, H], src_mask [B, S] -> how much each state weighs in each summary [B, K, S]."""
        weights = self.weigh(outputs).masked_fill(~src_mask[:, :, None], -torch.inf)
        return exact_softmax(weights, dim=1).transpose(1, 2)

    def shares(self, states: Tensor) -> Tensor:
        """states [N, T, H] -> how much of each summary a step reads [N, T, K]."""
        return exact_softmax(self.gate(states), dim=-1)

    def forward(self, states: Tensor, summaries: Tensor) -> Tensor:
        """states [N, T, H], summaries [N, K, H] -> what each step reads [N, T, H]."""
        return torch.bmm(self.shares(states), summaries)
