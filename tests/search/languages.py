"""Toy languages, a model that speaks them, and two plain ways to search: full enumeration and a plain beam."""

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
"""What was said so far -> log-probabilities [V] of the next word."""


def spoken(probabilities: dict[Words, dict[int, float]]) -> Language:
    """The language of a table: what was said so far -> the next word -> its probability; else eos is certain."""

    def log_probs(words: Words) -> np.ndarray:
        following = np.zeros(VOCAB)
        for word, probability in probabilities.get(words, {EOS: 1.0}).items():
            following[word] = probability
        with np.errstate(divide="ignore"):
            return np.log(following)

    return log_probs


def random_language(seed: int) -> Language:
    """A language in which every word depends on all words before it."""

    @cache
    def log_probs(words: Words) -> np.ndarray:
        logits = 2 * np.random.default_rng([seed, *(word + 1 for word in words)]).normal(size=VOCAB)
        return np.asarray(logits - np.log(np.exp(logits).sum()))

    return log_probs


@dataclass(frozen=True)
class Said:
    """State of N hypotheses: the sentence of each, and the tokens that it was fed."""

    sentences: Tensor  # [N]
    words: Tensor  # [N, time]

    def select(self, index: Tensor) -> Self:
        return type(self)(self.sentences[index], self.words[index])


@dataclass
class Model:
    """A language for each sentence, as the step function of a search."""

    languages: Sequence[Language]
    rows: list[int] = field(default_factory=list)
    """How many hypotheses each step saw."""

    def step(self, tokens: Tensor, state: Said) -> tuple[Tensor, Said]:
        self.rows.append(len(tokens))
        said = torch.cat([state.words, tokens[:, None]], dim=1)
        log_probs = [
            self.languages[sentence](tuple(words[1:]))
            for sentence, words in zip(state.sentences.tolist(), said.tolist(), strict=True)
        ]
        return torch.from_numpy(np.array(log_probs)), Said(state.sentences, said)


def finished(words: Words, log_prob: float, length_penalty: float) -> Hypothesis:
    # Wu et al. 2016, equation 14, where the end of the sentence counts as a word.
    return Hypothesis(words, log_prob, log_prob / ((5 + len(words) + 1) ** length_penalty / (5 + 1) ** length_penalty))


def best_of(hypotheses: list[Hypothesis], n_best: int) -> list[Hypothesis]:
    return sorted(hypotheses, key=lambda one: one.score, reverse=True)[:n_best]


def enumerate_all(
    language: Language, max_length: int, length_penalty: float, forbidden_ids: Sequence[int] = ()
) -> list[Hypothesis]:
    """Every sentence of the language with at most `max_length` words, eos included."""
    words = [word for word in range(VOCAB) if word != EOS and word not in forbidden_ids]
    return [
        finished(said, float(sum(language(said[:i])[word] for i, word in enumerate((*said, EOS)))), length_penalty)
        for length in range(max_length)
        for said in product(words, repeat=length)
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
    """One sentence, by the rules that `beam_search` documents, without its early end."""
    alive: list[tuple[Words, float]] = [((), 0.0)]
    done: list[Hypothesis] = []
    for length in range(1, max_length + 1):
        candidates = [
            ((*words, word), log_prob + float(language(words)[word]))
            for words, log_prob in alive
            for word in range(VOCAB)
            if word not in forbidden_ids and (word == EOS or length < max_length)
        ]
        candidates.sort(key=lambda candidate: candidate[1], reverse=True)
        kept = candidates[: beam_size - len(done)]
        done += [finished(words[:-1], log_prob, length_penalty) for words, log_prob in kept if words[-1] == EOS]
        alive = [candidate for candidate in kept if candidate[0][-1] != EOS]
    return best_of(done, n_best)


def assert_same(found: list[Hypothesis], expected: list[Hypothesis]) -> None:
    assert [one.tokens for one in found] == [one.tokens for one in expected]
    assert [one.log_prob for one in found] == pytest.approx([one.log_prob for one in expected], abs=1e-5)
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], abs=1e-5)
