"""Several networks that search as one: a word's probability is the mean of theirs."""

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Generic, Protocol, Self, TypeVar

import torch
from torch import Tensor

from seq2seq.search.beam import SearchState

S = TypeVar("S", bound=SearchState)


class SearchableNetwork(Protocol[S]):
    """The interface of a network that search needs."""

    def start(self, src: Tensor, src_lengths: Tensor) -> S:
        """The state of B hypotheses before their first word. src [B, S], src_lengths [B]."""
        ...

    def step(self, tokens: Tensor, state: S) -> tuple[Tensor, S]:
        """tokens [N] -> log_probs of the next [N, V], next state."""
        ...


@dataclass(frozen=True)
class EnsembleState(Generic[S]):
    """The states of the same N hypotheses in each member."""

    members: tuple[S, ...]

    def select(self, index: Tensor) -> Self:
        """The hypotheses `index` [M], which may repeat."""
        return type(self)(tuple(member.select(index) for member in self.members))


class Ensemble(Generic[S]):
    """Networks with the same vocabularies, as one network."""

    def __init__(self, members: Sequence[SearchableNetwork[S]]) -> None:
        self._members = members

    def start(self, src: Tensor, src_lengths: Tensor) -> EnsembleState[S]:
        """The state of B hypotheses before their first word. src [B, S], src_lengths [B]."""
        return EnsembleState(tuple(member.start(src, src_lengths) for member in self._members))

    def step(self, tokens: Tensor, state: EnsembleState[S]) -> tuple[Tensor, EnsembleState[S]]:
        """tokens [N] -> log of the mean probability of the next [N, V], next state."""
        steps = [
            member.step(tokens, member_state) for member, member_state in zip(self._members, state.members, strict=True)
        ]
        log_probs = torch.stack([member_log_probs.float() for member_log_probs, _ in steps])  # [members, N, V]
        next_state = EnsembleState(tuple(member_state for _, member_state in steps))
        return log_probs.logsumexp(dim=0) - math.log(len(steps)), next_state
