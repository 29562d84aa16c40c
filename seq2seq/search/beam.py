"""Batched beam search over a step function and a state; it never sees a model."""

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
) -> list[list[Hypothesis]]:
    """The `n_best` best hypotheses of B sentences, best first (fewer if the beam found fewer).

    step: last tokens [N] and the state of N hypotheses -> log_probs of the next token [N, V] and the next state.
    state: of the B sentences before their first token.
    max_lengths: most tokens in a hypothesis of each sentence, eos included, int64 [B], at least 1. One that
        gets so far is ended by eos, with the log-probability that the model gives it.
    length_penalty: exponent of the length penalty, at least 0.
    forbidden_ids: tokens that no hypothesis may contain.

    A finished hypothesis leaves the beam, which narrows by one. A sentence leaves the batch once its beam is empty or
    no live hypothesis can still overtake its n_best finished ones. Beam size 1 is greedy search.
    """
    best = _Finished(max_lengths, n_best, length_penalty)
    # Row i of everything below is sentence `open_[i]`; a beam slot whose total is -inf is empty.
    open_ = torch.arange(len(max_lengths), device=max_lengths.device)
    state = state.select(open_.repeat_interleave(beam_size))
    tokens = torch.full((len(open_), beam_size, 1), bos, device=max_lengths.device)  # [B, K, time]
    totals = torch.full((len(open_), beam_size), -torch.inf, device=max_lengths.device)
    totals[:, 0] = 0.0  # all K are the same at first: one of them is enough
    slots = torch.full_like(open_, beam_size)
    time = 0
    while len(open_):
        time += 1
        log_probs, state = step(tokens[:, :, -1].flatten(), state)
        log_probs = log_probs.float().view(*totals.shape, -1)  # [B, K, V]
        log_probs = _allow(log_probs, forbidden_ids, eos, at_limit=max_lengths[open_] <= time)
        totals, parents, words = _best_candidates(totals, log_probs, slots)
        ends = (words == eos) & totals.isfinite()
        best.add(open_, tokens, totals, parents, ends)
        totals = totals.masked_fill(ends, -torch.inf)
        slots = slots - ends.sum(dim=1)
        going = best.can_improve(open_, totals).nonzero().flatten()
        rows = going[:, None] * beam_size + parents[going]
        state = state.select(rows.flatten())
        tokens = torch.cat([tokens.flatten(0, 1)[rows], words[going][:, :, None]], dim=-1)
        totals, slots, open_ = totals[going], slots[going], open_[going]
    return best.hypotheses


def _allow(log_probs: Tensor, forbidden_ids: Sequence[int], eos: int, at_limit: Tensor) -> Tensor:
    """Exclude the forbidden tokens, and all tokens except eos in the sentences that are at their limit [B]."""
    allowed = torch.ones(log_probs.size(-1), dtype=torch.bool, device=log_probs.device)
    allowed[list(forbidden_ids)] = False
    only_eos = torch.zeros_like(allowed)
    only_eos[eos] = True
    return log_probs.masked_fill(~torch.where(at_limit[:, None], only_eos, allowed)[:, None], -torch.inf)


def _best_candidates(totals: Tensor, log_probs: Tensor, slots: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Extend K hypotheses of each sentence by every word and keep the best `slots` [B] of them.

    totals [B, K], log_probs [B, K, V] -> totals, parents (0 to K - 1) and words of the candidates, each [B, K].
    """
    beam_size, vocab = log_probs.shape[1:]
    candidates = (totals[:, :, None] + log_probs).flatten(1)  # [B, K * V]
    totals, flat = candidates.topk(beam_size)
    ranks = torch.arange(beam_size, device=slots.device)
    return totals.masked_fill(ranks >= slots[:, None], -torch.inf), flat // vocab, flat % vocab


class _Finished:
    """The finished hypotheses of every sentence, and whether a better one is still possible."""

    def __init__(self, max_lengths: Tensor, n_best: int, length_penalty: float) -> None:
        self.hypotheses: list[list[Hypothesis]] = [[] for _ in range(len(max_lengths))]
        self._n_best, self._length_penalty = n_best, length_penalty
        self._best_penalty = ((5 + max_lengths) / 6) ** length_penalty
        self._to_beat = torch.full(max_lengths.shape, -torch.inf, device=max_lengths.device)

    def add(self, sentences: Tensor, tokens: Tensor, totals: Tensor, parents: Tensor, ends: Tensor) -> None:
        """Add the candidates marked in `ends` [B, K]."""
        for row, slot in ends.nonzero().tolist():
            sentence = int(sentences[row])
            words = tokens[row, parents[row, slot], 1:].tolist()
            log_prob = float(totals[row, slot])
            score = log_prob / length_normalizer(len(words) + 1, self._length_penalty)
            hypotheses = self.hypotheses[sentence]
            hypotheses.append(Hypothesis(tuple(words), log_prob, score))
            hypotheses.sort(key=lambda hypothesis: hypothesis.score, reverse=True)
            del hypotheses[self._n_best :]
            if len(hypotheses) == self._n_best:
                self._to_beat[sentence] = hypotheses[-1].score

    def can_improve(self, sentences: Tensor, totals: Tensor) -> Tensor:
        """Whether each sentence's best live total, if it ended for free, would beat its n_best hypotheses: bool [B]."""
        return totals.amax(dim=1) / self._best_penalty[sentences] > self._to_beat[sentences]
