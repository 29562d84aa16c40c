"""An ensemble searches as one model would whose probabilities are the mean of its members'."""

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
    Said,
    Words,
    assert_same,
    best_of,
    enumerate_all,
    plain_search,
    random_language,
    spoken,
)
from torch import Tensor

from seq2seq.search.beam import beam_search
from seq2seq.search.ensemble import Ensemble
from seq2seq.search.options import Hypothesis


class Network(Model):
    """A toy model that begins with sentences: their numbers are its source."""

    def start(self, src: Tensor, src_lengths: Tensor) -> Said:
        return Said(src[:, 0], torch.empty(len(src), 0, dtype=torch.long))


def mean_of(*languages: Language) -> Language:
    return lambda words: np.log(np.mean([np.exp(language(words)) for language in languages], axis=0))


def search(
    members: Sequence[Sequence[Language]], *, beam_size: int, length_penalty: float = 0.0, n_best: int = 1
) -> list[list[Hypothesis]]:
    """members: of each model, the language that it speaks for each sentence."""
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
    for found, languages in zip(results, zip(*MEMBERS[:count], strict=True), strict=True):
        assert_same(found, best_of(enumerate_all(mean_of(*languages), MAX_LENGTH, length_penalty), 5))


@pytest.mark.parametrize("beam_size", [1, 2, 4])
def test_narrow_beam_is_that_of_the_mean_language(beam_size: int) -> None:
    results = search(MEMBERS, beam_size=beam_size, length_penalty=0.6, n_best=2)
    for found, languages in zip(results, zip(*MEMBERS, strict=True), strict=True):
        expected = plain_search(
            mean_of(*languages), MAX_LENGTH, beam_size=beam_size, length_penalty=0.6, n_best=2, forbidden_ids=()
        )
        assert_same(found, expected)


@pytest.mark.parametrize("beam_size", [1, 3])
def test_a_model_with_itself_is_the_model(beam_size: int) -> None:
    alone = search(MEMBERS[:1], beam_size=beam_size, n_best=3)
    for found, expected in zip(search([MEMBERS[0]] * 4, beam_size=beam_size, n_best=3), alone, strict=True):
        assert_same(found, expected)


@pytest.mark.parametrize(("said", "probability"), [((A,), 0.35), ((B,), 0.65)])
def test_probabilities_are_averaged_and_not_their_logarithms(said: Words, probability: float) -> None:
    """What one member thinks impossible is half as likely as the other thinks, not impossible."""
    only_b, mostly_a = spoken({(): {B: 1.0}}), spoken({(): {A: 0.7, B: 0.3}})
    (found,) = search([[only_b], [mostly_a]], beam_size=4, n_best=4)
    assert {one.tokens: one.log_prob for one in found}[said] == pytest.approx(np.log(probability), abs=1e-6)
