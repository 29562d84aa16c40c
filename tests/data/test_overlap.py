"""How much of an evaluation set training holds, exactly and nearly."""

import pytest

from seq2seq.data.bitext import Pair
from seq2seq.data.overlap import Overlap, OverlapReport, letters_of


def pairs_of(*rows: tuple[str, str]) -> list[Pair]:
    return [Pair(src, tgt, line) for line, (src, tgt) in enumerate(rows, start=1)]


def test_distinct_sentences_are_counted() -> None:
    overlap = Overlap("test", pairs_of(("a", "x"), ("b", "x"), ("b", "y"), ("c", "z"), ("", "w")))
    overlap.add(pairs_of(("b", "z"), ("d", "w")))
    overlap.add(pairs_of(("b", "q"), ("a", "y")))
    assert overlap.report() == OverlapReport("test", 3, 2, 0, 3, 2)


def test_near_duplicates_are_counted_unless_they_are_exact() -> None:
    overlap = Overlap("test", pairs_of(("It is 5.", "x"), ("It is here!", "x"), ("Go", "x"), ("12", "x")))
    overlap.add(pairs_of(("it is 7", "y"), ("It is here!", "y"), ("It is here", "y"), ("Gone", "y"), ("13", "y")))
    assert (overlap.report().in_training, overlap.report().near_in_training) == (1, 1)


@pytest.mark.parametrize(
    ("text", "other"),
    [("« L’ÉTÉ » !", "l'été"), ("你好，世界。", "你好世界"), ("क्या? ५", "क्या ५।"), ("A  1\u00a0b", "ab")],
)
def test_case_blanks_and_punctuation_do_not_count(text: str, other: str) -> None:
    letters = letters_of(["", text, other])
    assert letters == [b"", letters[1], letters[1]]


def test_letters_and_vowel_signs_count() -> None:
    assert len(set(letters_of(["की", "का", "été", "ete"]))) == 4
