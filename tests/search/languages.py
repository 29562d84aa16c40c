"""Toy languages, a model for them, and two reference searches: full enumeration and a plain beam search."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import cache
from itertools import product
from typing import Self

import numpy as np
import pytest
import torch
from torch import Tensor

from seq2seq.search.options import Hypothesis

BOS, EOS, A, B, C = range(5)
VOCAB = 5
MAX_LENGTH = 4

Words = tuple[int, ...]
Language = Callable[[Words], np.ndarray]
"""Words so far -> log-probabilities [V] of the next word."""


def table_language(probabilities: dict[Words, dict[int, float]]) -> Language:
    """A language given by a table: words so far -> next word -> probability; without an entry eos is certain."""

    def log_probs(words: Words) -> np.ndarray:
        following = np.zeros(VOCAB)
        for word, probability in probabilities.get(words, {EOS: 1.0}).items():
            following[word] = probability
        with np.errstate(divide="ignore"):
            return np.log(following)

    return log_probs


def random_language(seed: int, vocab: int = VOCAB) -> Language:
    """A language in which every word depends on all words before it."""

    @cache
    def log_probs(words: Words) -> np.ndarray:
        logits = 2 * np.random.default_rng([seed, *(word + 1 for word in words)]).normal(size=vocab)
        return np.asarray(logits - np.log(np.exp(logits).sum()))

    return log_probs


@dataclass(frozen=True)
class PrefixState:
    """State of N hypotheses: the sentence of each, and its tokens so far."""

    sentences: Tensor  # [N]
    words: Tensor  # [N, time]

    def select(self, index: Tensor) -> Self:
        return type(self)(self.sentences[index], self.words[index])


@dataclass
class Model:
    """A step function with one language per sentence."""

    languages: Sequence[Language]
    rows: list[int] = field(default_factory=list)
    """Number of hypotheses at each step."""

    def step(self, tokens: Tensor, state: PrefixState) -> tuple[Tensor, PrefixState]:
        self.rows.append(len(tokens))
        prefixes = torch.cat([state.words, tokens[:, None]], dim=1)
        log_probs = [
            self.languages[sentence](tuple(prefix[1:]))
            for sentence, prefix in zip(state.sentences.tolist(), prefixes.tolist(), strict=True)
        ]
        return torch.from_numpy(np.array(log_probs)), PrefixState(state.sentences, prefixes)


def finished(words: Words, log_probs: Sequence[float], length_penalty: float) -> Hypothesis:
    """log_probs: of each word and of eos."""
    # Wu et al. 2016, equation 14, where eos counts as a word.
    penalty = (5 + len(words) + 1) ** length_penalty / (5 + 1) ** length_penalty
    return Hypothesis(words, sum(log_probs), sum(log_probs) / penalty, tuple(log_probs))


def best_of(hypotheses: list[Hypothesis], n_best: int) -> list[Hypothesis]:
    return sorted(hypotheses, key=lambda hypothesis: hypothesis.score, reverse=True)[:n_best]


def enumerate_all(
    language: Language, max_length: int, length_penalty: float, forbidden_ids: Sequence[int] = ()
) -> list[Hypothesis]:
    """Every sentence of the language with at most `max_length` words, eos included."""
    words = [word for word in range(VOCAB) if word != EOS and word not in forbidden_ids]
    return [
        finished(
            sentence,
            [float(language(sentence[:i])[word]) for i, word in enumerate((*sentence, EOS))],
            length_penalty,
        )
        for length in range(max_length)
        for sentence in product(words, repeat=length)
    ]


def plain_search(
    language: Language,
    max_length: int,
    *,
    beam_size: int,
    length_penalty: float,
    n_best: int,
    forbidden_ids: Sequence[int],
) -> list[Hypothesis]:
    """Search one sentence by the documented rules of `beam_search`, without early stopping."""
    alive: list[tuple[Words, list[float]]] = [((), [])]
    done: list[Hypothesis] = []
    for length in range(1, max_length + 1):
        candidates = [
            ((*words, word), [*log_probs, float(language(words)[word])])
            for words, log_probs in alive
            for word in range(VOCAB)
            if word not in forbidden_ids and (word == EOS or length < max_length)
        ]
        candidates.sort(key=lambda candidate: sum(candidate[1]), reverse=True)
        kept = candidates[: beam_size - len(done)]
        done += [finished(words[:-1], log_probs, length_penalty) for words, log_probs in kept if words[-1] == EOS]
        alive = [candidate for candidate in kept if candidate[0][-1] != EOS]
    return best_of(done, n_best)


def assert_same(actual: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [hypothesis.tokens for hypothesis in actual] == [hypothesis.tokens for hypothesis in expected]
    assert [hypothesis.log_prob for hypothesis in actual] == pytest.approx(
        [hypothesis.log_prob for hypothesis in expected], abs=1e-5
    )
    assert [hypothesis.score for hypothesis in actual] == pytest.approx(
        [hypothesis.score for hypothesis in expected], abs=1e-5
    )
    for ours, theirs in zip(actual, expected, strict=True):
        assert ours.token_log_probs == pytest.approx(theirs.token_log_probs, abs=1e-5)
