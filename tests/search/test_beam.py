"""Beam search on toy languages, against full enumeration and against a plain search written from the documentation."""

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
    C,
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

from seq2seq.search.beam import beam_search
from seq2seq.search.options import Hypothesis, length_normalizer


def search(
    model: Model,
    max_lengths: Sequence[int] | None = None,
    *,
    beam_size: int,
    length_penalty: float = 0.0,
    n_best: int = 1,
    forbidden_ids: Sequence[int] = (),
) -> list[list[Hypothesis]]:
    count = len(model.languages)
    return beam_search(
        model.step,
        PrefixState(torch.arange(count), torch.empty(count, 0, dtype=torch.long)),
        torch.tensor(max_lengths or [MAX_LENGTH] * count),
        beam_size=beam_size,
        length_penalty=length_penalty,
        bos=BOS,
        eos=EOS,
        forbidden_ids=forbidden_ids,
        n_best=n_best,
    )


# Greedy search takes A and ends with .24; B then eos has .40.
GARDEN_PATH = table_language({(): {A: 0.6, B: 0.4}, (A,): {EOS: 0.4, A: 0.3, C: 0.3}})


@pytest.mark.parametrize(("beam_size", "tokens", "probability"), [(1, (A,), 0.24), (2, (B,), 0.4), (9, (B,), 0.4)])
def test_beam_finds_what_greedy_search_misses(beam_size: int, tokens: Words, probability: float) -> None:
    ((best,),) = search(Model([GARDEN_PATH]), beam_size=beam_size)
    assert best.tokens == tokens
    assert best.log_prob == best.score == pytest.approx(np.log(probability), abs=1e-6)


@pytest.mark.parametrize(("length", "length_penalty", "penalty"), [(1, 1, 1), (7, 1, 2), (7, 0.5, 2**0.5), (7, 0, 1)])
def test_length_penalty_is_that_of_wu_et_al(length: int, length_penalty: float, penalty: float) -> None:
    assert length_normalizer(length, length_penalty) == pytest.approx(penalty)


@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("n_best", [1, 3])
@pytest.mark.parametrize("forbidden_ids", [(), (BOS, C)])
def test_wide_beam_finds_the_best_of_all_sentences(length_penalty: float, n_best: int, forbidden_ids: Words) -> None:
    languages = [random_language(seed) for seed in range(12)]
    # 85 sentences of at most 4 words, eos included: 128 slots hold them all.
    results = search(
        Model(languages), beam_size=128, length_penalty=length_penalty, n_best=n_best, forbidden_ids=forbidden_ids
    )
    for hypotheses, language in zip(results, languages, strict=True):
        assert_same(hypotheses, best_of(enumerate_all(language, MAX_LENGTH, length_penalty, forbidden_ids), n_best))


def test_wide_beam_finds_every_sentence_once() -> None:
    language = random_language(1)
    (hypotheses,) = search(Model([language]), beam_size=128, length_penalty=0.6, n_best=1000)
    assert_same(hypotheses, best_of(enumerate_all(language, MAX_LENGTH, 0.6), 1000))
    assert len(hypotheses) == 1 + 4 + 16 + 64


@pytest.mark.parametrize("beam_size", [1, 2, 3, 5, 8])
@pytest.mark.parametrize("length_penalty", [0.0, 0.6, 1.0])
@pytest.mark.parametrize("n_best", [1, 3])
@pytest.mark.parametrize("forbidden_ids", [(), (BOS,), (A, C)])
def test_narrow_beam_follows_the_documented_rules(
    beam_size: int, length_penalty: float, n_best: int, forbidden_ids: Words
) -> None:
    languages = [random_language(100 + seed) for seed in range(30)]
    max_lengths = [1 + seed % 7 for seed in range(30)]
    results = search(
        Model(languages),
        max_lengths,
        beam_size=beam_size,
        length_penalty=length_penalty,
        n_best=n_best,
        forbidden_ids=forbidden_ids,
    )
    for hypotheses, language, max_length in zip(results, languages, max_lengths, strict=True):
        expected = plain_search(
            language,
            max_length,
            beam_size=beam_size,
            length_penalty=length_penalty,
            n_best=n_best,
            forbidden_ids=forbidden_ids,
        )
        assert_same(hypotheses, expected)
        assert not {word for hypothesis in hypotheses for word in hypothesis.tokens} & {*forbidden_ids, EOS}


@pytest.mark.parametrize("beam_size", [1, 4])
def test_sentence_does_not_depend_on_its_neighbours(beam_size: int) -> None:
    languages = [random_language(seed) for seed in range(20)]
    max_lengths = [1 + seed % 5 for seed in range(20)]
    together = search(Model(languages), max_lengths, beam_size=beam_size, length_penalty=1.0, n_best=2)
    alone = [
        search(Model([language]), [max_length], beam_size=beam_size, length_penalty=1.0, n_best=2)[0]
        for language, max_length in zip(languages, max_lengths, strict=True)
    ]
    assert together == alone


@pytest.mark.parametrize("max_length", [1, 2, 3, 6])
@pytest.mark.parametrize("beam_size", [1, 2])
def test_sentence_at_its_limit_ends_at_the_cost_of_eos(max_length: int, beam_size: int) -> None:
    chatter = table_language({(A,) * length: {A: 0.9, B: 0.09, EOS: 0.01} for length in range(10)})
    model = Model([chatter])
    ((best,),) = search(model, [max_length], beam_size=beam_size)
    assert len(model.rows) == max_length
    if beam_size == 1:
        assert best.tokens == (A,) * (max_length - 1)
        assert best.log_prob == pytest.approx((max_length - 1) * np.log(0.9) + np.log(0.01), abs=1e-5)
    else:
        assert len(best.tokens) <= max_length - 1


@pytest.mark.parametrize("beam_size", [1, 3])
def test_forbidden_token_is_never_chosen(beam_size: int) -> None:
    language = table_language({(): {A: 0.98, B: 0.02}, (B,): {A: 0.9, EOS: 0.1}})
    ((best,),) = search(Model([language]), beam_size=beam_size, forbidden_ids=[A])
    assert best.tokens == (B,)
    assert best.log_prob == pytest.approx(np.log(0.002), abs=1e-5)


def test_impossible_sentences_are_not_found() -> None:
    language = table_language({(): {A: 0.5, EOS: 0.5}})
    (hypotheses,) = search(Model([language]), beam_size=4, n_best=4)
    assert {(hypothesis.tokens, round(hypothesis.log_prob, 4)) for hypothesis in hypotheses} == {
        ((), -0.6931),
        ((A,), -0.6931),
    }
    endless = table_language({(): {A: 1.0}, (A,): {A: 1.0}})
    assert search(Model([endless, language]), [2, 2], beam_size=2)[0] == []


def test_length_penalty_can_favour_a_longer_sentence() -> None:
    language = table_language({(): {EOS: 0.52, A: 0.48}})
    results = [
        search(Model([language]), beam_size=2, length_penalty=length_penalty)[0][0].tokens
        for length_penalty in (0.0, 1.0)
    ]
    assert results == [(), (A,)]


def test_finished_sentence_leaves_the_batch() -> None:
    # Nothing can overtake an empty sentence of .99; the other two go on to their limits of 5 and 3.
    short = table_language({(): {EOS: 0.99, A: 0.01}})
    long = table_language({(A,) * length: {A: 0.9, B: 0.1} for length in range(10)} | {(A,) * 4: {EOS: 1.0}})
    model = Model([long, short, long])
    results = search(model, [5, 5, 3], beam_size=2, length_penalty=1.0)
    assert results[1][0].tokens == ()
    assert results[0][0].tokens == (A,) * 4
    assert model.rows == [6, 4, 4, 2, 2]


def test_search_ends_when_the_beam_is_full_of_finished_hypotheses() -> None:
    # Both slots are taken by step 2, though the third best, alive, would go on.
    language = table_language({(): {A: 0.6, EOS: 0.4}, (A,): {EOS: 0.5, B: 0.3, C: 0.2}})
    model = Model([language])
    (hypotheses,) = search(model, [9], beam_size=2, length_penalty=0.0, n_best=2)
    assert [hypothesis.tokens for hypothesis in hypotheses] == [(), (A,)]
    assert model.rows == [2, 2]


def test_empty_batch_takes_no_step() -> None:
    model = Model([])
    assert search(model, beam_size=2) == []
    assert model.rows == []
