"""The closing lines of a training: each piece of advice follows from figures, and none is given without them."""

import math
from typing import Any

import pytest

from seq2seq.training.advice import Figures, Group, closing_lines

SOUND = Figures(
    metric="BLEU",
    score=40.0,
    valid_pairs=300,
    lengths=[Group("up to 7 words", 42.0, 100), Group("8-12 words", 40.0, 101), Group("over 12 words", 37.5, 99)],
    kinds=[Group("questions", 39.0, 44), Group("sentences with numbers", 36.0, 30)],
    curve=[(step, 40.0 - 30.0 / step) for step in range(1, 21)],
    steps=2000,
    warmup_steps=200,
    max_steps=2000,
    ran_out_of_patience=False,
    minutes=None,
    has_attention=False,
    training_pairs=20_000,
    training_loss=1.0,
    valid_loss=1.4,
    unusual="pairs identical on both sides",
    unusual_share=0.004,
    data_warning="",
)


def advice(**changes: Any) -> str:
    return closing_lines(Figures(**{**vars(SOUND), **changes}))["advice"]


def lengths(*scores: float) -> list[Group]:
    return [Group(group.name, score, group.pairs) for group, score in zip(SOUND.lengths, scores, strict=True)]


def test_three_lines_for_a_sound_run() -> None:
    assert closing_lines(SOUND) == {
        "by_length": "BLEU 42.0 (up to 7 words), 40.0 (8-12 words), 37.5 (over 12 words)",
        "hardest": "sentences with numbers: BLEU 36.0 (30 of 300 validation pairs; 40.0 on all)",
        "advice": "nothing in the figures of this run stands out",
    }


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"curve": [(step, 2.0 * step) for step in range(1, 21)]},
            "train longer, with --set training.max_steps=4000: BLEU still rose from 30.0 to 40.0 in the last quarter",
        ),
        (
            {"curve": [(step, 2.0 * step) for step in range(1, 21)], "minutes": 15.0, "max_steps": 9000},
            "train longer, with --minutes 30: BLEU still rose",
        ),
        ({"steps": 150, "minutes": 2.5, "max_steps": 2400}, "train longer, with --minutes 5: 150 steps are too few"),
        ({"training_loss": math.log(64)}, "train longer, with --set training.max_steps=4000: even its own training"),
        (
            {"lengths": lengths(42, 38, 20)},
            "train with --preset attention, which translates long sentences better: BLEU 20.0 (over 12 words) against "
            "42.0 (up to 7 words); collect more",
        ),
        ({"unusual_share": 0.03}, "train with --clean: 3.0% of the pairs look wrong (pairs identical on both sides)"),
        (
            {"valid_loss": 2.0, "training_pairs": 3000},
            "collect more sentence pairs: the model knows its 3,000 pairs almost by heart (perplexity 2.7), but not "
            "new ones (7.4)",
        ),
        (
            {"kinds": [Group("sentences with numbers", 20.0, 30)]},
            "collect more sentences with numbers: BLEU 20.0 on them, 40.0 on all",
        ),
        (
            {"lengths": lengths(42, 38, 20), "has_attention": True},
            "collect more sentences of over 12 words: BLEU 20.0 on them, 40.0 on all",
        ),
    ],
)
def test_each_advice_follows_from_a_figure(changes: dict[str, Any], expected: str) -> None:
    assert advice(**changes).startswith(expected)


@pytest.mark.parametrize(
    "changes",
    [
        {"curve": [(1, 1.0), (2, 30.0), (3, 40.0)]},  # too few validations to tell
        {"curve": []},
        {"curve": [(step, float(step)) for step in range(80, 101)]},  # none in the first three quarters
        {"curve": [(step, 2.0 * step) for step in range(1, 21)], "ran_out_of_patience": True},
        {"training_loss": math.log(64), "minutes": 15.0, "max_steps": 9000, "ran_out_of_patience": True},
        {"curve": [(step, 39.0 + step / 20) for step in range(1, 21)]},
        {"lengths": lengths(20, 38, 42)},
        {"lengths": lengths(42, 38, 37)},
        {"lengths": [], "kinds": []},
        {"kinds": [Group("questions", 60.0, 44)]},
        {"valid_loss": 0.9},
    ],
)
def test_no_advice_without_a_figure(changes: dict[str, Any]) -> None:
    assert advice(**changes) == "nothing in the figures of this run stands out"


def test_at_most_two_pieces_of_advice_the_likeliest_first() -> None:
    text = advice(steps=100, unusual_share=0.5, valid_loss=5.0, lengths=lengths(42, 30, 10))
    assert [part.split(",")[0].split(":")[0] for part in text.split("; ")] == [
        "train longer",
        "train with --preset attention",
    ]


@pytest.mark.parametrize("kinds", [[Group("questions", 60.0, 44)], [Group("questions", 40.0, 44)]])
def test_a_kind_that_scores_as_all_pairs_do_is_not_the_hardest(kinds: list[Group]) -> None:
    lines = closing_lines(Figures(**{**vars(SOUND), "lengths": [], "kinds": kinds}))
    assert lines["hardest"] == "no kind of sentence stands out: none scores below the BLEU 40.0 on all"


def test_few_validation_pairs_say_nothing() -> None:
    lines = closing_lines(Figures(**{**vars(SOUND), "lengths": [], "kinds": [], "valid_pairs": 12}))
    assert lines["by_length"] == lines["hardest"] == "12 validation pairs are too few to tell"


def test_a_grave_fault_of_the_data_comes_first() -> None:
    lines = closing_lines(Figures(**{**vars(SOUND), "data_warning": "the sides look swapped"}))
    assert next(iter(lines.items())) == ("data_warning", "the sides look swapped")
    assert len(lines) == 4
