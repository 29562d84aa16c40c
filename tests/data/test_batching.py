"""An epoch has every pair once, in batches determined by lengths, seed and epoch; the target is shifted by one."""

from types import SimpleNamespace
from typing import cast

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from seq2seq.data import batching
from seq2seq.data.batching import make_batch, pad_rows, plan_batches, plan_epoch
from seq2seq.data.corpus import Corpus, Part
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD

FIRST_WORD = 4

lengths = st.lists(st.tuples(st.integers(1, 40), st.integers(1, 40)), max_size=50)
seeds = st.integers(0, 2**63 - 1)


def plan(pairs: list[tuple[int, int]], batch_tokens: int, seed: int, epoch: int) -> list[np.ndarray]:
    src, tgt = (np.array([pair[side] for pair in pairs], dtype=np.int64) for side in (0, 1))
    return plan_batches(src, tgt, batch_tokens, (seed, epoch))


def corpus_of(src: list[list[int]], tgt: list[list[int]]) -> Corpus:
    sides = ([np.array(ids, "<i4") for ids in side] for side in (src, tgt))
    return cast(Corpus, SimpleNamespace(**dict(zip(("src", "tgt"), sides, strict=True))))


def corpus_of_lengths(pairs: list[tuple[int, int]]) -> Corpus:
    return corpus_of(*([[FIRST_WORD] * pair[side] for pair in pairs] for side in (0, 1)))


def random_lengths(count: int) -> list[tuple[int, int]]:
    draw = np.random.default_rng(2)
    src = draw.integers(1, 50, count)
    return [
        (int(length), max(1, int(length) + int(difference)))
        for length, difference in zip(src, draw.integers(-5, 6, count), strict=True)
    ]


@given(lengths, st.integers(1, 300), seeds, seeds)
@settings(deadline=None)
def test_every_pair_is_in_one_batch_of_an_epoch(
    pairs: list[tuple[int, int]], batch_tokens: int, seed: int, epoch: int
) -> None:
    batches = plan(pairs, batch_tokens, seed, epoch)
    assert all(len(batch) for batch in batches)
    assert sorted(index for batch in batches for index in batch.tolist()) == list(range(len(pairs)))


# Seven wide: two fit in 14, but not once the width is rounded up.
@given(lengths, st.integers(1, 300), seeds)
@example([(6, 6)] * 4, 14, 0)
@example([(6, 1)] * 40, 70, 0)
@settings(deadline=None)
def test_batch_has_at_most_batch_tokens_or_one_pair(pairs: list[tuple[int, int]], batch_tokens: int, seed: int) -> None:
    corpus = corpus_of_lengths(pairs)
    for indices in plan(pairs, batch_tokens, seed, 0):
        batch = make_batch(corpus, indices)
        assert len(indices) == 1 or max(batch.src.size, batch.tgt_out.size) <= batch_tokens


@given(lengths, st.integers(1, 300), seeds, seeds)
@settings(deadline=None)
def test_batches_are_determined_by_lengths_seed_and_epoch(
    pairs: list[tuple[int, int]], batch_tokens: int, seed: int, epoch: int
) -> None:
    once, again = ([batch.tolist() for batch in plan(pairs, batch_tokens, seed, epoch)] for _ in range(2))
    assert once == again


@pytest.mark.parametrize(("seed", "epoch"), [(1, 1), (2, 0), (0, 1)])
def test_batches_differ_between_seeds_and_epochs(seed: int, epoch: int) -> None:
    pairs = random_lengths(500)
    first, second = ([batch.tolist() for batch in plan(pairs, 400, *which)] for which in ((1, 0), (seed, epoch)))
    assert first != second
    assert {tuple(sorted(batch)) for batch in first} != {tuple(sorted(batch)) for batch in second}
    assert [len(batch) for batch in first] != [len(batch) for batch in second]


def test_batches_are_not_sorted_by_length() -> None:
    pairs = random_lengths(500)
    longest = [max(max(pairs[i]) for i in batch) for batch in plan(pairs, 400, 1, 0)]
    assert longest not in (sorted(longest), sorted(longest, reverse=True))


def test_pairs_of_similar_length_share_a_batch() -> None:
    pairs = random_lengths(2000)
    corpus = corpus_of_lengths(pairs)
    batches = [make_batch(corpus, indices) for indices in plan(pairs, 2048, 1, 0)]
    real = sum(batch.target_tokens for batch in batches)
    assert sum(batch.tgt_out.size for batch in batches) < 1.1 * real
    assert len(batches) < 1.3 * sum(max(pair) + 1 for pair in pairs) / 2048


@pytest.mark.parametrize(
    ("batch_tokens", "sizes"),
    [(50, [5] * 12 + [4]), (80, [8] * 8), (110, [8] * 8), (170, [16] * 4), (639, [56, 8]), (640, [64]), (10**9, [64])],
)
def test_batch_sizes_are_multiples_of_eight(batch_tokens: int, sizes: list[int]) -> None:
    assert sorted((len(batch) for batch in plan([(9, 7)] * 64, batch_tokens, 1, 0)), reverse=True) == sizes


rows = st.lists(st.lists(st.integers(FIRST_WORD, 400), min_size=1, max_size=12), min_size=1, max_size=9)


@given(rows, st.data())
@settings(deadline=None)
def test_batch_holds_its_pairs_with_the_target_shifted(src: list[list[int]], data: st.DataObject) -> None:
    tgt = data.draw(st.lists(rows.map(lambda drawn: drawn[0]), min_size=len(src), max_size=len(src)))
    indices = np.array(data.draw(st.permutations(range(len(src)))))
    batch = make_batch(corpus_of(src, tgt), indices)
    indices = np.array(sorted(indices, key=lambda i: -len(src[i])))  # the longest sources come first
    assert batch.src_lengths.tolist() == [len(src[i]) + 1 for i in indices]
    assert batch.target_tokens == sum(len(ids) + 1 for ids in tgt)
    assert batch.tgt_in.shape == batch.tgt_out.shape
    assert {array.dtype for array in (batch.src, batch.tgt_in, batch.tgt_out)} == {np.dtype(np.int64)}
    for row, i in enumerate(indices):
        expected = {"src": [*src[i], EOS], "tgt_in": [BOS, *tgt[i]], "tgt_out": [*tgt[i], EOS]}
        for name, ids in expected.items():
            padded = getattr(batch, name)[row].tolist()
            assert padded == ids + [PAD] * (len(padded) - len(ids))
        real = len(tgt[i]) + 1
        assert batch.tgt_in[row, 1:real].tolist() == batch.tgt_out[row, : real - 1].tolist()


@pytest.mark.parametrize(("longest", "width"), [(1, 2), (2, 2), (3, 4), (4, 4), (9, 10)])
def test_rows_are_padded_to_an_even_width(longest: int, width: int) -> None:
    padded = pad_rows([np.arange(1, longest + 1), np.array([7])])
    assert padded.shape == (2, width)
    assert padded[0].tolist() == list(range(1, longest + 1)) + [PAD] * (width - longest)
    assert padded[1].tolist() == [7] + [PAD] * (width - 1)


class Lengths:
    """Stand-in for the sentences of one side: planning an epoch needs only their lengths."""

    def __init__(self, lengths: list[int]) -> None:
        self._lengths = np.array(lengths)

    def lengths(self, indices: np.ndarray) -> np.ndarray:
        selected: np.ndarray = self._lengths[indices]
        return selected


def corpus_to_plan(pairs: list[tuple[int, int]], parts: list[Part]) -> Corpus:
    src, tgt = (Lengths([pair[side] for pair in pairs]) for side in (0, 1))
    return cast(Corpus, SimpleNamespace(src=src, tgt=tgt, parts=parts))


def times_drawn(corpus: Corpus, count: int, epoch: int, seed: int = 3) -> np.ndarray:
    batches = list(plan_epoch(corpus, 100, seed, epoch))
    return np.bincount(np.concatenate(batches), minlength=count)


@pytest.mark.parametrize("at_once", [2**20, 1000, 37, 10])
def test_an_epoch_has_every_pair_once_for_any_block_size(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "_PAIRS_PLANNED_AT_ONCE", at_once)
    corpus = corpus_to_plan(random_lengths(300), [Part(200, 1.0), Part(0, 1.0), Part(100, 1.0)])
    assert (times_drawn(corpus, 300, epoch=0) == 1).all()
    first, again, other = ([batch.tolist() for batch in plan_epoch(corpus, 100, 3, epoch)] for epoch in (0, 0, 1))
    assert first == again
    assert first != other


@pytest.mark.parametrize("at_once", [2**20, 500])
def test_a_part_is_drawn_according_to_its_weight(at_once: int, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(batching, "_PAIRS_PLANNED_AT_ONCE", at_once)
    corpus = corpus_to_plan(random_lengths(3000), [Part(1000, 3.0), Part(1000, 0.25), Part(1000, 1.5)])
    epochs = [times_drawn(corpus, 3000, epoch) for epoch in range(8)]
    total = np.sum(epochs, axis=0)
    assert (epochs[0][:1000] == 3).all()
    assert set(epochs[0][1000:2000]) == {0, 1}
    assert set(epochs[0][2000:]) == {1, 2}
    # 8 epochs of 1,000 pairs each: far more than four standard deviations.
    assert abs(total[1000:2000].mean() / 8 - 0.25) < 0.02
    assert abs(total[2000:].mean() / 8 - 1.5) < 0.03
    assert (total[1000:2000] > 0).mean() > 0.85


def test_blocks_are_drawn_from_the_whole_corpus(monkeypatch: pytest.MonkeyPatch) -> None:
    """A file may be sorted by topic, so contiguous blocks would be a poor shuffle."""
    monkeypatch.setattr(batching, "_PAIRS_PLANNED_AT_ONCE", 250)
    corpus = corpus_to_plan(random_lengths(1000), [Part(1000, 1.0)])
    order = np.concatenate(list(plan_epoch(corpus, 100, 3, 0)))
    assert (np.bincount(order[:200] // 250, minlength=4) > 20).all()
