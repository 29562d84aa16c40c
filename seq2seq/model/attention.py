"""Attention over the source at each target position.

The decoder's state is scored against each source token. The softmax of the scores weighs the encoder's states, whose
weighted mean is the context of that position. All target positions are computed at once.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seq2seq.model.encoder import Encoded


@dataclass(frozen=True)
class Memory:
    """What N hypotheses attend to. A is the width in which states are compared."""

    keys: Tensor
    """[N, S, A]"""
    values: Tensor
    """[N, S, H], the encoder's states."""
    src_mask: Tensor
    """[N, S], True at real tokens."""
    sentence: Tensor
    """[N], index of the sentence that each hypothesis belongs to."""

    def select(self, index: Tensor) -> "Memory":
        """The memory of the hypotheses `index` [M], which may repeat."""
        sentence = self.sentence[index]
        # In search, hypotheses are mostly reordered within their sentence: then there is nothing to copy.
        if torch.equal(sentence, self.sentence):
            return self
        return Memory(self.keys[index], self.values[index], self.src_mask[index], sentence)


class DotAttention(nn.Module):
    """score(s, h) = s h (Luong et al. 2015, section 3.1, "dot")."""

    def __init__(self, size: int) -> None:
        """size: width of the encoder's and the decoder's states."""
        super().__init__()

    def make_memory(self, encoded: Encoded) -> Memory:
        """The memory of B source sentences."""
        outputs = encoded.outputs
        sentence = torch.arange(len(outputs), device=outputs.device)
        return Memory(self.keys(outputs), outputs, encoded.src_mask, sentence)

    def forward(self, states: Tensor, memory: Memory) -> tuple[Tensor, Tensor]:
        """states [N, T, H] -> contexts [N, T, H], attn_weights [N, T, S], which are 0 at padding."""
        scores = self.scores(states, memory.keys).masked_fill(~memory.src_mask[:, None], -torch.inf)
        attn_weights = exact_softmax(scores, dim=-1)
        return torch.bmm(attn_weights, memory.values), attn_weights

    def keys(self, outputs: Tensor) -> Tensor:
        """Project the encoder's states [N, S, H] for the scores, once per sentence: [N, S, A]."""
        return outputs

    def scores(self, states: Tensor, keys: Tensor) -> Tensor:
        """states [N, T, H], keys [N, S, A] -> scores [N, T, S]."""
        return torch.bmm(states, keys.transpose(1, 2))


class GeneralAttention(DotAttention):
    """score(s, h) = s W h (Luong et al. 2015, section 3.1, "general")."""

    def __init__(self, size: int) -> None:
        super().__init__(size)
        self.key = nn.Linear(size, size, bias=False)

    def keys(self, outputs: Tensor) -> Tensor:
        """W h"""
        keys: Tensor = self.key(outputs)
        return keys


class AdditiveAttention(DotAttention):
    """score(s, h) = v tanh(W s + U h) (Bahdanau et al. 2015, appendix A.1.2)."""

    def __init__(self, size: int, source_size: int | None = None) -> None:
        """source_size: width of the encoder's states; `size` by default."""
        super().__init__(size)
        self.query = nn.Linear(size, size, bias=False)
        self.key = nn.Linear(source_size or size, size)
        self.score = nn.Linear(size, 1, bias=False)

    def keys(self, outputs: Tensor) -> Tensor:
        """U h"""
        keys: Tensor = self.key(outputs)
        return keys

    def scores(self, states: Tensor, keys: Tensor) -> Tensor:
        """The most expensive of the three: the hidden layer is [N, T, S, A]."""
        hidden = torch.tanh(self.query(states)[:, :, None] + keys[:, None])
        scores: Tensor = self.score(hidden)
        return scores[..., 0]


def exact_softmax(scores: Tensor, dim: int) -> Tensor:
    """Softmax in float32 at least: bf16 scores are too coarse for it."""
    return scores.softmax(dim, dtype=torch.promote_types(scores.dtype, torch.float32))


ATTENTIONS = {"dot": DotAttention, "general": GeneralAttention, "additive": AdditiveAttention}
