"""The search of `seq2seq/search/beam.py` in numpy, with the same results. Only living hypotheses are computed."""

from collections.abc import Sequence

import numpy as np

from seq2seq.export.network import Network
from seq2seq.search.request import Hypothesis, Request, Sources, length_penalty
from seq2seq.text.tokenizer import BOS, EOS


@np.errstate(all="ignore")  # weights that are no numbers give no hypotheses: that is told, not each sum
def search_batch(network: Network, sources: Sources, request: Request) -> list[list[Hypothesis]]:
    """The best hypotheses of B sentences, best first."""
    states, source = network.decoder.start(network.encoder(sources))
    limits = np.array([request.max_length(len(ids)) for ids in sources])
    finished = [_Finished(request, int(limit)) for limit in limits]
    # Row i of everything below is a living hypothesis; those of a sentence are side by side, best first.
    sentence = np.arange(len(sources))
    tokens = np.full((len(sources), 1), BOS)
    totals = np.zeros(len(sources), np.float32)
    # Hypotheses that each sentence may still have: the beam narrows by those that have ended.
    slots = np.full(len(sources), request.beam_size)
    outside = _outside(network, sources, request.forbidden)
    forbidden = np.array(request.forbidden, np.int64)
    time = 0
    while len(sentence):
        time += 1
        logits, states = network.decoder.step(tokens[:, -1], states, source, sentence)
        if outside is not None:
            logits[outside[sentence]] = -np.inf
        words, scores = _best_words(logits, forbidden, limits[sentence] <= time, request.beam_size)
        candidates = totals[:, None] + scores  # [N, K]
        parents, words, totals = _best_candidates(sentence, words, candidates, slots, request.beam_size)
        ends = words == EOS
        for parent, total in zip(parents[ends], totals[ends], strict=True):
            slots[sentence[parent]] -= 1
            finished[sentence[parent]].add(tokens[parent, 1:], float(total))
        best = np.full(len(sources), -np.inf)
        np.maximum.at(best, sentence[parents[~ends]], totals[~ends])
        goes_on = np.array([one.can_improve(total) for one, total in zip(finished, best, strict=True)])
        alive = np.flatnonzero(~ends & goes_on[sentence[parents]])
        parents, words, totals = parents[alive], words[alive], totals[alive]
        sentence, states = sentence[parents], states[parents]
        tokens = np.concatenate([tokens[parents], words[:, None]], axis=1)
    return [one.hypotheses for one in finished]


def _outside(network: Network, sources: Sources, forbidden: Sequence[int]) -> np.ndarray | None:
    """Which words the shortlist of each sentence lacks, [B, V]; None: there are no shortlists."""
    if network.shortlist is None:
        return None
    return ~np.stack([network.shortlist.of(source, forbidden) for source in sources])


def _best_words(
    logits: np.ndarray, forbidden: np.ndarray, at_limit: np.ndarray, count: int
) -> tuple[np.ndarray, np.ndarray]:
    """The `count` likeliest allowed words of each row: logits [N, V], which are spent -> words, log_probs [N, count].

    A row that is at its limit [N] has eos alone.
    """
    highest = logits.max(axis=1, keepdims=True)
    logits -= highest
    log_sum = np.log(np.exp(logits).sum(axis=1, keepdims=True))
    end = logits[:, EOS].copy()
    logits[:, forbidden] = -np.inf
    logits[at_limit] = -np.inf
    logits[at_limit, EOS] = end[at_limit]
    count = min(count, logits.shape[1])
    words = np.argpartition(logits, -count, axis=1)[:, -count:]
    return words, np.take_along_axis(logits, words, axis=1) - log_sum


def _best_candidates(
    sentence: np.ndarray, words: np.ndarray, candidates: np.ndarray, slots: np.ndarray, beam_size: int
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """The best continuations of each sentence, as many as there are slots.

    sentence [N], words and candidates (totals) [N, K], slots [B] -> parents, words, totals, each [M], sentence by
    sentence, the best first.
    """
    parents = np.repeat(np.arange(len(sentence)), candidates.shape[1])
    order = np.lexsort((-candidates.ravel(), sentence[parents]))
    owners = sentence[parents[order]]
    starts = np.searchsorted(owners, owners)
    kept = order[(np.arange(len(order)) - starts < slots[owners]) & np.isfinite(candidates.ravel()[order])]
    return parents[kept], words.ravel()[kept], candidates.ravel()[kept]


class _Finished:
    """The finished hypotheses of a sentence, and whether another could still get among the best."""

    def __init__(self, request: Request, limit: int) -> None:
        self.hypotheses: list[Hypothesis] = []
        self._request = request
        self._best_penalty = length_penalty(limit, request.alpha)

    def add(self, tokens: np.ndarray, log_prob: float) -> None:
        """Take in a hypothesis. tokens: without bos and eos."""
        score = log_prob / length_penalty(len(tokens) + 1, self._request.alpha)
        self.hypotheses.append(Hypothesis(tuple(tokens.tolist()), log_prob, score))
        self.hypotheses.sort(key=lambda one: one.score, reverse=True)
        del self.hypotheses[self._request.n_best :]

    def can_improve(self, total: float) -> bool:
        """Whether a living hypothesis of this total (-inf: there is none), were it to end for free, would get in."""
        if len(self.hypotheses) < self._request.n_best:
            return total > -np.inf
        return total / self._best_penalty > self.hypotheses[-1].score
