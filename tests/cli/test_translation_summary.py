"""What `translate` reports at the end."""

import pytest

from seq2seq.cli.translation_summary import Source, Summary
from seq2seq.inference.translator import Translation

ENGLISH = Source("en", frozenset("Where is the cat? It sleeps on a mat, among dogs; we run and jump over big quizzes."))
FRENCH = [f"Le chat {name} dort sur le tapis, et les chiens courent dans la rue." for name in "abcdefghijkl"]


def translation(source: str = "a", confidence: float | None = None, *, long: bool = False) -> Translation:
    return Translation(source, [], int(bool(source)), long, long, confidence)


def warnings(*translations: Translation, source: Source = ENGLISH) -> list[str]:
    summary = Summary(30, source, advice="; see --json")
    assert list(summary.watch(translations)) == list(translations)
    return summary.warnings()


@pytest.mark.parametrize(
    ("bad", "good", "message"),
    [
        (1, 2, "1 of 3 lines looks unreliable (line 1); see --json"),
        (2, 1, "2 of 3 lines look unreliable (lines 1, 2); see --json"),
        (1, 0, "1 of 1 line looks unreliable (line 1); see --json"),
        (1200, 0, "1,200 of 1,200 lines look unreliable (first: 1, 2, 3); see --json"),
    ],
)
def test_lines_are_counted_and_the_first_are_named(bad: int, good: int, message: str) -> None:
    assert warnings(*[translation("a", 29)] * bad, *[translation("a", 30)] * good) == [message]


def test_cells_of_several_lines_are_counted_once() -> None:
    summary = Summary(30, Source(), unit="row")
    for confidences in ([50], [50, 10, 10], [None, 50]):
        summary.add([translation("a", confidence) for confidence in confidences])
    summary.add([translation(long=True)])
    assert summary.warnings() == [
        "1 of 4 rows looks unreliable (row 2)",
        "1 of 4 rows reached the length limit and may be incomplete or repetitive (row 4)",
        "1 of 4 rows has a sentence over the model's length limit, which is translated in parts (row 4)",
    ]


@pytest.mark.parametrize("line", ["Где кошка?", "Cat: где эта кошка?", "猫はどこですか。", "ΠΟΥ ΕΙΝΑΙ;"])
def test_lines_in_an_unknown_script_are_named(line: str) -> None:
    known = translation("Where is the cat?")
    message = "1 of 2 lines is mostly in letters that training never saw (line 2)"
    assert warnings(known, translation(line)) == [message]
    assert warnings(known, translation(line), source=Source("en")) == []


@pytest.mark.parametrize("line", ["WHERE IS THE CAT?", "Wherё is it?", "1 = 2 😀 → ½", "", "Café", "ｃａｔ"])
def test_lines_in_a_known_script_are_not(line: str) -> None:
    assert warnings(translation(line)) == []


@pytest.mark.parametrize("confidence", [None, 20])
def test_a_text_in_another_language_is_named(confidence: float | None) -> None:
    message = "the text looks like French; the model translates from English"
    assert message in warnings(*[translation(line, confidence) for line in FRENCH])


@pytest.mark.parametrize(
    ("lines", "confidence", "source"),
    [(FRENCH, 60, ENGLISH), (FRENCH[:3], 20, ENGLISH), (FRENCH, 20, Source("fr")), (FRENCH, 20, Source())],
)
def test_otherwise_the_language_is_not_mentioned(lines: list[str], confidence: float, source: Source) -> None:
    found = warnings(*[translation(line, confidence) for line in lines], source=source)
    assert not any("looks like" in message for message in found)
