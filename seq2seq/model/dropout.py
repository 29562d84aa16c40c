"""Dropout for sequences."""

import torch
from torch import Tensor, nn


class SequenceDropout(nn.Module):
    """Dropout that zeroes the same numbers at each position of a sequence (Gal & Ghahramani 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, vectors: Tensor) -> Tensor:
        """vectors [B, T, H] or [B, H] -> the same, scaled up where it is kept."""
        if not self.training or not self.rate:
            return vectors
        shape = (len(vectors), *(1 for _ in vectors.shape[2:]), vectors.size(-1))
        return vectors * _mask(shape, self.rate, vectors)


class WordDropout(nn.Module):
    """Dropout of whole positions of a sequence (Iyyer et al. 2015; Sennrich & Zhang 2019)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, embedded: Tensor) -> Tensor:
        """embedded [B, T, E] -> the same, with some words all zero and the others scaled up."""
        if not self.training or not self.rate:
            return embedded
        return embedded * _mask((*embedded.shape[:2], 1), self.rate, embedded)


def _mask(shape: tuple[int, ...], rate: float, like: Tensor) -> Tensor:
    return torch.empty(shape, dtype=like.dtype, device=like.device).bernoulli_(1 - rate).div_(1 - rate)
