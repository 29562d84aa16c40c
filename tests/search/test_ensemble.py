"""An ensemble searches like one model whose probabilities are the mean of its members'."""

from collections.abc import Sequence

import numpy as np
import pytest
import torch
from languages import (
    BOS,
    EOS,
    MAX_LENGTH,
    A,
    B,
    Language,
    Model,
    PrefixState,
    Words,
    assert_same,
    best_of,
    enumerate_all,
    plain_search,
    random_language,
    table_language,
)
from torch import Tensor

from seq2seq.search.beam import beam_search
from seq2seq.search.ensemble import Ensemble
from seq2seq.search.options import Hypothesis


class Network(Model):
    """A toy model with a `start`; the source of a sentence is its number."""

    def start(self, src: Tensor, src_lengths: Tensor) -> PrefixState:
        return PrefixState(src[:, 0], torch.empty(len(src), 0, dtype=torch.long))


def mean_of(*languages: Language) -> Language:
    return lambda words: np.log(np.mean([np.exp(language(words)) for language in languages], axis=0))


def search(
    members: Sequence[Sequence[Language]], *, beam_size: int, length_penalty: float = 0.0, n_best: int = 1
) -> list[list[Hypothesis]]:
    """members: for each model, its language for each sentence."""
    ensemble = Ensemble([Network(languages) for languages in members])
    count = len(members[0])
    return beam_search(
        ensemble.step,
        ensemble.start(torch.arange(count)[:, None], torch.ones(count, dtype=torch.long)),
        torch.full((count,), MAX_LENGTH),
        beam_size=beam_size,
        length_penalty=length_penalty,
        bos=BOS,
        eos=EOS,
        n_best=n_best,
    )


MEMBERS = [[random_language(100 * member + sentence) for sentence in range(10)] for member in range(3)]


@pytest.mark.parametrize("count", [1, 2, 3])
@pytest.mark.parametrize("length_penalty", [0.0, 1.0])
def test_wide_beam_finds_the_best_of_all_sentences(count: int, length_penalty: float) -> None:
    results = search(MEMBERS[:count], beam_size=128, length_penalty=length_penalty, n_best=5)
    for hypotheses, languages in zip(results, zip(*MEMBERS[:count], strict=True), strict=True):
        assert_same(hypotheses, best_of(enumerate_all(mean_of(*languages), MAX_LENGTH, length_penalty), 5))


@pytest.mark.parametrize("beam_size", [1, 2, 4])
def test_narrow_beam_matches_the_mean_language(beam_size: int) -> None:
    results = search(MEMBERS, beam_size=beam_size, length_penalty=0.6, n_best=2)
    for hypotheses, languages in zip(results, zip(*MEMBERS, strict=True), strict=True):
        expected = plain_search(
            mean_of(*languages), MAX_LENGTH, beam_size=beam_size, length_penalty=0.6, n_best=2, forbidden_ids=()
        )
        assert_same(hypotheses, expected)


@pytest.mark.parametrize("beam_size", [1, 3])
def test_an_ensemble_of_one_model_equals_the_model(beam_size: int) -> None:
    alone = search(MEMBERS[:1], beam_size=beam_size, n_best=3)
    for hypotheses, expected in zip(search([MEMBERS[0]] * 4, beam_size=beam_size, n_best=3), alone, strict=True):
        assert_same(hypotheses, expected)


@pytest.mark.parametrize(("tokens", "probability"), [((A,), 0.35), ((B,), 0.65)])
def test_probabilities_are_averaged_rather_than_log_probabilities(tokens: Words, probability: float) -> None:
    """A token that one member excludes gets half the probability that the other gives it, not zero."""
    only_b, mostly_a = table_language({(): {B: 1.0}}), table_language({(): {A: 0.7, B: 0.3}})
    (hypotheses,) = search([[only_b], [mostly_a]], beam_size=4, n_best=4)
    assert {hypothesis.tokens: hypothesis.log_prob for hypothesis in hypotheses}[tokens] == pytest.approx(
        np.log(probability), abs=1e-6
    )
