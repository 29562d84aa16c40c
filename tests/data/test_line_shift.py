"""Shifted sides are noticed and located, in any order of the pairs; pairs that match give no shift."""

import random
from collections.abc import Callable

import pytest

from seq2seq.data.bitext import Pair
from seq2seq.data.line_shift import WINDOW, Shift, ShiftDetector, locate, shifted_by

Rows = list[tuple[str, str]]
SRC_WORDS = [f"{a}{b}" for a in ("ka", "lo", "mi", "ne", "tu") for b in ("ro", "sel", "van", "ti", "pok", "zu")]
TGT_WORDS = dict(zip(SRC_WORDS, random.Random(2).sample([f"{word[::-1]}en" for word in SRC_WORDS], 30), strict=True))


def made_up(count: int, seed: int = 1) -> Rows:
    draw = random.Random(seed)
    sources = [draw.choices(SRC_WORDS, k=draw.randint(2, 14)) for _ in range(count)]
    return [(" ".join(words), " ".join(TGT_WORDS[word] for word in reversed(words))) for words in sources]


def shifted(rows: Rows, start: int, offset: int = 1) -> Rows:
    """Without `offset` source lines from `start` on; target lines if it is negative."""
    src, tgt = [row[0] for row in rows], [row[1] for row in rows]
    del (src if offset > 0 else tgt)[start : start + abs(offset)]
    return list(zip(src, tgt, strict=False))


def pairs_of(rows: Rows) -> list[Pair]:
    return [Pair(src, tgt, line) for line, (src, tgt) in enumerate(rows, start=1)]


def found_in(rows: Rows) -> Shift | None:
    detector, pairs = ShiftDetector(), pairs_of(rows)
    for start in range(0, len(pairs), 777):
        detector.add(pairs[start : start + 777])
    detector.finish()
    return locate(pairs[slice(*detector.suspects)], detector.shift) if detector.shift else None


ORDERS: dict[str, Callable[[Rows], Rows]] = {
    "as it is": lambda rows: rows,
    "by source length": lambda rows: sorted(rows, key=lambda row: len(row[0])),
    "by total length": lambda rows: sorted(rows, key=lambda row: len(row[0]) + len(row[1])),
    "by source": sorted,
    "three times each": lambda rows: [row for row in rows[: len(rows) // 3] for _ in range(3)],
    "copied": lambda rows: [(src, src) for src, _ in rows],
    "numbers": lambda rows: [(str(n), str(n)) for n in range(len(rows))],
    "unrelated": lambda rows: [(src, tgt) for (src, _), (_, tgt) in zip(rows, made_up(len(rows), 7), strict=True)],
    "the same": lambda rows: [("a b", "c d")] * len(rows),
    "blanks": lambda rows: [(src * bool(n % 3), tgt if n % 5 else "<range>") for n, (src, tgt) in enumerate(rows)],
}


@pytest.mark.parametrize("order", ORDERS)
def test_pairs_that_match_are_not_shifted(order: str) -> None:
    assert found_in(ORDERS[order](made_up(3000))) is None


@pytest.mark.parametrize("order", ORDERS)
@pytest.mark.parametrize("count", [60, 150, 350, 700])
def test_a_few_pairs_that_match_are_not_shifted(order: str, count: int) -> None:
    assert found_in(ORDERS[order](made_up(count))) is None


@pytest.mark.parametrize(("count", "start"), [(70, 0), (200, 80), (350, 150), (700, 500)])
def test_a_shift_within_a_short_source_is_noticed(count: int, start: int) -> None:
    shift = found_in(shifted(made_up(count), start))
    assert shift is not None
    assert (shift.offset, shift.from_start) == (1, start == 0)
    assert abs(shift.line - start) <= 100


@pytest.mark.parametrize("order", ["as it is", "by source length", "by source", "copied", "blanks"])
@pytest.mark.parametrize("offset", [1, -1, 3])
def test_a_shift_is_noticed_in_any_order(order: str, offset: int) -> None:
    shift = found_in(shifted(ORDERS[order](made_up(3000)), 0, offset))
    assert shift == Shift(1, offset, True)


@pytest.mark.parametrize("count", [5_000, 60_000])
def test_a_shift_is_located_within_a_window(count: int) -> None:
    start = count * 7 // 10
    shift = found_in(shifted((made_up(5000) * 12)[:count], start))
    assert shift is not None
    assert (shift.offset, shift.from_start) == (1, False)
    assert abs(shift.line - start) <= WINDOW


def test_a_shift_that_ends_again_soon_or_begins_in_the_last_pairs_is_not_noticed() -> None:
    """The limits that the documentation states."""
    rows = made_up(3000)
    assert found_in([*rows[:1000], *shifted(rows[1000:1200], 0), *rows[1200:]]) is None
    assert found_in(shifted(rows, 2960)) is None


def test_a_few_pairs_and_no_pairs() -> None:
    assert found_in([]) is None
    assert found_in(shifted(made_up(30), 0)) is None
    assert found_in(shifted(made_up(150), 0)) == Shift(1, 1, True)


def test_long_lines_and_texts_without_blanks() -> None:
    rows = [(src.replace(" ", "") * 300, tgt.replace(" ", "") * 300) for src, tgt in made_up(100)]
    assert shifted_by(pairs_of(rows)) == 0
