"""Dropout for sequences."""

import torch
from torch import Tensor, nn


class SequenceDropout(nn.Module):
    """Dropout with the same mask at each position of a sequence (Gal & Ghahramani 2016)."""

    def __init__(self, rate: float) -> None:
        super().__init__()
        self.rate = rate

    def forward(self, vectors: Tensor) -> Tensor:
        """vectors [B, T, H] or [B, H] -> the same shape; what is kept is scaled up."""
        if not self.training or not self.rate:
            return vectors
        shape = (len(vectors), *(1 for _ in vectors.shape[2:]), vectors.size(-1))
        keep = 1 - self.rate
        mask = torch.rand(shape, device=vectors.device).lt_(keep).div_(keep)  # half the time of bernoulli_
        return vectors * mask.to(vectors.dtype)
