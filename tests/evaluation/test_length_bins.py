"""Bins of sentences by length: the unit of length, and the bin of each length."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seq2seq.evaluation.length_bins import LengthBin, length_bins, length_thirds


def names(sources: list[str]) -> list[str]:
    return [str(length_bin) for length_bin in length_bins(sources)]


@pytest.mark.parametrize(
    ("words", "name"),
    [
        (0, "up to 5 words"),
        (5, "up to 5 words"),
        (6, "6-10 words"),
        (30, "26-30 words"),
        (31, "31-40 words"),
        (60, "51-60 words"),
        (61, "61-80 words"),
        (100, "81-100 words"),
        (101, "over 100 words"),
        (9999, "over 100 words"),
    ],
)
def test_words_fall_into_bins(words: int, name: str) -> None:
    assert names(["a " * words]) == [name]


@pytest.mark.parametrize(
    ("source", "name"),
    [
        ("一只猫坐在垫子上。", "up to 10 characters"),
        ("一只 猫 坐在 垫子 上 看着 外面。", "11-20 characters"),
        ("ねこがマットのうえにすわっています", "11-20 characters"),
        ("แมวนั่งอยู่บนเสื่อ", "11-20 characters"),
        ("고양이가 매트 위에 앉아 있다 그리고", "6-10 words"),
        ("Con mèo ngồi trên tấm thảm", "6-10 words"),
        ("1 2 3 4 5 6", "6-10 words"),
        ("猫" * 201, "over 200 characters"),
    ],
)
def test_the_script_determines_the_unit(source: str, name: str) -> None:
    assert names([source]) == [name]


def test_all_sources_share_one_unit() -> None:
    assert names(["猫 and a dog", "the cat sat on the mat"]) == ["up to 5 words", "6-10 words"]
    assert names(["OK", "一只猫坐在垫子上"]) == ["up to 10 characters"] * 2
    # The first thousand sources decide.
    assert set(names([*["a"] * 1000, *["猫" * 50] * 1000])) == {"up to 5 words"}


@settings(deadline=None)
@given(st.lists(st.integers(0, 300), min_size=1))
def test_each_length_lies_within_its_bin_and_bins_are_in_order(lengths: list[int]) -> None:
    bins = list(length_bins(["x " * length for length in lengths]))
    for length, length_bin in zip(lengths, bins, strict=True):
        assert length_bin.least <= length
        assert length_bin.most is None or length <= length_bin.most
    by_length = [length_bin for _, length_bin in sorted(zip(lengths, bins, strict=True))]
    assert by_length == sorted(bins)
    assert [length_bin for length_bin in bins if length_bin.least == 0] == [LengthBin(0, 5, "words")] * sum(
        n <= 5 for n in lengths
    )


def test_thirds_have_about_as_many_sources_each() -> None:
    thirds = length_thirds(["x " * length for length in range(1, 10)])
    assert [str(third) for third in thirds] == ["up to 3 words"] * 3 + ["4-6 words"] * 3 + ["over 6 words"] * 3
    few_lengths = length_thirds([*["a b c"] * 3, *["a b c d"] * 3, *["a b c d e"] * 3])
    assert [str(third) for third in few_lengths[::3]] == ["up to 3 words", "4 words", "over 4 words"]
    assert {str(third) for third in length_thirds([*["a"] * 3, *["a b"] * 3])} == {"up to 1 word", "over 1 word"}
    assert length_thirds([]) == []
    assert {str(third) for third in length_thirds(["a b"] * 9)} == {"any number of words"}


@settings(deadline=None)
@given(st.lists(st.integers(0, 50), min_size=1))
def test_each_length_lies_within_its_third(lengths: list[int]) -> None:
    thirds = length_thirds(["x " * length for length in lengths])
    assert all(third.least <= n <= (third.most or n) for third, n in zip(thirds, lengths, strict=True))
    assert len(set(thirds)) <= 3
