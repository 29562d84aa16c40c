"""Batched beam search over any step function and state; it does not depend on a model.

`native/beam.hpp` is the same search in C++, for the compiled engine.
"""

from collections.abc import Callable, Sequence
from typing import Protocol, Self, TypeVar

import torch
from torch import Tensor

from seq2seq.search.options import Hypothesis, length_normalizer


class SearchState(Protocol):
    """The state of N hypotheses."""

    def select(self, index: Tensor) -> Self:
        """The state of the hypotheses `index` [M], which may repeat."""
        ...


class Constraint(Protocol):
    """How tokens may follow a hypothesis."""

    def constrain(self, log_probs: Tensor, sentences: Tensor, tokens: Tensor, room: Tensor) -> None:
        """Change log_probs [B, K, V], in place, to what hypotheses are ranked by: -inf for tokens that may not follow.

        sentences [B]: of all those searched; tokens [B, K, time]: of each hypothesis, from bos on; room [B]: tokens
        that may come after the next one, eos included. At 0 log_probs already permit only eos.
        """
        ...


S = TypeVar("S", bound=SearchState)


@torch.inference_mode()
def beam_search(
    step: Callable[[Tensor, S], tuple[Tensor, S]],
    state: S,
    max_lengths: Tensor,
    *,
    beam_size: int,
    length_penalty: float,
    bos: int,
    eos: int,
    forbidden_ids: Sequence[int] = (),
    n_best: int = 1,
    constraint: Constraint | None = None,
) -> list[list[Hypothesis]]:
    """The `n_best` best hypotheses of each of B sentences, best first (fewer if the search finds fewer).

    step: last tokens [N] and state of N hypotheses -> log_probs of the next token [N, V] and the next state.
    state: the state of the B sentences before their first token.
    max_lengths: maximum length of the hypotheses of each sentence, eos included, int64 [B], at least 1. At the
        maximum, eos is forced and scored with the log-probability that the model gives it.
    length_penalty: exponent of the length penalty, at least 0.
    forbidden_ids: tokens that no hypothesis may contain.
    constraint: what else a hypothesis may not contain, and what it is ranked by.

    A finished hypothesis leaves the beam, which narrows by one. A sentence leaves the batch once its beam is empty or
    no live hypothesis can still outscore its n_best finished ones. Beam size 1 is greedy search.
    """
    n_best_lists = _NBestLists(max_lengths, n_best, length_penalty)
    # Row i of each tensor below is sentence `active[i]`; a beam slot whose total is -inf is empty.
    active = torch.arange(len(max_lengths), device=max_lengths.device)
    state = state.select(active.repeat_interleave(beam_size))
    tokens = torch.full((len(active), beam_size, 1), bos, device=max_lengths.device)  # [B, K, time]
    token_log_probs = torch.zeros(tokens.shape, device=max_lengths.device)  # [B, K, time]; 0 for bos
    totals = torch.full((len(active), beam_size), -torch.inf, device=max_lengths.device)
    totals[:, 0] = 0.0  # the K slots start out identical: use one
    slots = torch.full_like(active, beam_size)
    time = 0
    while len(active):
        time += 1
        log_probs, state = step(tokens[:, :, -1].flatten(), state)
        log_probs = log_probs.float().view(*totals.shape, -1)  # [B, K, V]
        room = max_lengths[active] - time
        constrained = _mask(log_probs, forbidden_ids, eos, at_limit=room <= 0)
        if constraint:
            constraint.constrain(constrained, active, tokens, room)
        totals, parents, next_tokens = _best_candidates(totals, constrained, slots)
        next_log_probs = log_probs[torch.arange(len(active), device=active.device)[:, None], parents, next_tokens]
        tokens = _extend(tokens, parents, next_tokens)
        token_log_probs = _extend(token_log_probs, parents, next_log_probs)
        ends = (next_tokens == eos) & totals.isfinite()
        n_best_lists.add(active, tokens, token_log_probs, totals, ends)
        totals = totals.masked_fill(ends, -torch.inf)
        slots = slots - ends.sum(dim=1)
        continuing = n_best_lists.can_improve(active, totals).nonzero().flatten()
        rows = continuing[:, None] * beam_size + parents[continuing]
        state = state.select(rows.flatten())
        tokens, token_log_probs = tokens[continuing], token_log_probs[continuing]
        totals, slots, active = totals[continuing], slots[continuing], active[continuing]
    return n_best_lists.hypotheses()


def _mask(log_probs: Tensor, forbidden_ids: Sequence[int], eos: int, at_limit: Tensor) -> Tensor:
    """Mask the forbidden tokens, and all tokens except eos for the sentences that are at their limit [B]."""
    allowed = torch.ones(log_probs.size(-1), dtype=torch.bool, device=log_probs.device)
    allowed[list(forbidden_ids)] = False
    only_eos = torch.zeros_like(allowed)
    only_eos[eos] = True
    return log_probs.masked_fill(~torch.where(at_limit[:, None], only_eos, allowed)[:, None], -torch.inf)


def _best_candidates(totals: Tensor, log_probs: Tensor, slots: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Extend the K hypotheses of each sentence by every token and keep the best `slots` [B] candidates.

    totals [B, K], log_probs [B, K, V] -> totals, parents (0 to K - 1) and last tokens of the candidates, each [B, K].
    """
    beam_size, vocab = log_probs.shape[1:]
    candidates = (totals[:, :, None] + log_probs).flatten(1)  # [B, K * V]
    totals, flat = candidates.topk(beam_size)
    ranks = torch.arange(beam_size, device=slots.device)
    totals = totals.masked_fill(ranks >= slots[:, None], -torch.inf)
    return totals, flat // vocab, flat % vocab


def _extend(histories: Tensor, parents: Tensor, last: Tensor) -> Tensor:
    """The histories [B, K, time] of the candidates' parents [B, K], each extended by its `last` [B, K]."""
    return torch.cat([histories.take_along_dim(parents[:, :, None], dim=1), last[:, :, None]], dim=-1)


class _NBestLists:
    """The n_best finished hypotheses of each sentence, and whether a better one is still possible."""

    def __init__(self, max_lengths: Tensor, n_best: int, length_penalty: float) -> None:
        # Each with its total as constrained over the length penalty, by which they are ranked.
        self._ranked: list[list[tuple[float, Hypothesis]]] = [[] for _ in range(len(max_lengths))]
        self._n_best, self._length_penalty = n_best, length_penalty
        self._max_penalty = ((5 + max_lengths) / 6) ** length_penalty
        self._thresholds = torch.full(max_lengths.shape, -torch.inf, device=max_lengths.device)

    def add(self, sentences: Tensor, tokens: Tensor, token_log_probs: Tensor, totals: Tensor, ends: Tensor) -> None:
        """Add the candidates marked in `ends` [B, K]. tokens, token_log_probs [B, K, time]: from bos to eos."""
        for row, slot in ends.nonzero().tolist():
            sentence = int(sentences[row])
            target = tuple(tokens[row, slot, 1:-1].tolist())
            normalizer = length_normalizer(len(target) + 1, self._length_penalty)
            log_probs = tuple(token_log_probs[row, slot, 1:].tolist())
            hypothesis = Hypothesis(target, sum(log_probs), sum(log_probs) / normalizer, log_probs)
            ranked = self._ranked[sentence]
            ranked.append((float(totals[row, slot]) / normalizer, hypothesis))
            ranked.sort(key=lambda item: item[0], reverse=True)
            del ranked[self._n_best :]
            if len(ranked) == self._n_best:
                self._thresholds[sentence] = ranked[-1][0]

    def hypotheses(self) -> list[list[Hypothesis]]:
        """The hypotheses of each sentence, best first."""
        return [[hypothesis for _, hypothesis in ranked] for ranked in self._ranked]

    def can_improve(self, sentences: Tensor, totals: Tensor) -> Tensor:
        """Whether the best live hypothesis of each sentence could still enter its n_best list: bool [B].

        The bound assumes that the rest of the hypothesis costs nothing and that it reaches the maximum length.
        """
        return totals.amax(dim=1) / self._max_penalty[sentences] > self._thresholds[sentences]
