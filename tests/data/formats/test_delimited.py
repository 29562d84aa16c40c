"""Rows above the header of a text table."""

from pathlib import Path

import pytest

from seq2seq.data.columns import ColumnHints, choose_columns, is_header
from seq2seq.data.formats.opening import open_table
from seq2seq.data.formats.table import Table
from seq2seq.errors import InputError

PAIRS = [(f"Where is cat {n}?", f"O\u00f9 est le chat {n} ?") for n in range(12)]
ROWS = "".join(f"{n};{src};{tgt}\n" for n, (src, tgt) in enumerate(PAIRS))


def opened(path: Path, text: str, hints: ColumnHints) -> Table:
    path.write_text(text, encoding="utf-8")
    return open_table(path, lambda cells, usual: is_header(cells, hints, usual=usual))


@pytest.mark.parametrize(
    ("above", "line"), [("Phrasebook\n", 2), ("Phrasebook;;\n;2023;\n", 3), ("Phrases, 2023\n\n", 3), ("", 1)]
)
def test_rows_above_a_header_are_skipped(above: str, line: int, tmp_path: Path) -> None:
    hints = ColumnHints("en", "fr")
    table = opened(tmp_path / "a.csv", f"{above}No.;English;French\n{ROWS}", hints)
    rows = list(table.rows(*choose_columns(table, hints)))
    assert rows == [(number, *pair) for number, pair in enumerate(PAIRS, start=line + 1)]
    place = f" in line {line} (what is above it is skipped)" if above else ""
    assert table.form == f"separated by semicolons, with a header{place}"


def test_a_header_is_found_by_the_given_columns(tmp_path: Path) -> None:
    hints = ColumnHints(src_column="A", tgt_column="B")
    table = opened(tmp_path / "a.tsv", "Title\nA\tB\na\tb\n", hints)
    assert list(table.rows(("A",), ("B",))) == [(3, "a", "b")]


def test_a_heading_that_names_no_language_is_found_below_a_title(tmp_path: Path) -> None:
    words = ["cat", "dog", "tree", "house", "river", "stone", "child", "bread", "night", "song", "road", "hand"]
    rows = [(f"Where is the {word}?", f"Ani {word[::-1]} ri?") for word in words]
    text = "".join(f"{n};{src};{tgt}\n" for n, (src, tgt) in enumerate(rows))
    table = opened(tmp_path / "a.csv", f"Our village\n;;\n#;In English;Our words\n{text}", ColumnHints())
    pairs = [(line, *pair) for line, pair in enumerate(rows, start=4)]
    assert list(table.rows(*choose_columns(table, ColumnHints()))) == pairs


def test_several_languages_are_chosen_by_the_options_for_languages(tmp_path: Path) -> None:
    table = opened(tmp_path / "a.csv", "English;French;Swahili\n" + "One.;Un.;Moja.\n" * 12, ColumnHints())
    with pytest.raises(
        InputError, match="has English, French, Swahili; choose with --src-lang and --tgt-lang, or name"
    ):
        choose_columns(table, ColumnHints())


@pytest.mark.parametrize("above", ["Where?;Here.;x\n", "x;Good morning.;Bonjour.\n" * 6])
def test_full_rows_above_a_header_are_pairs(above: str, tmp_path: Path) -> None:
    table = opened(tmp_path / "a.csv", f"{above}No.;English;French\n{ROWS}", ColumnHints("en", "fr"))
    assert not table.is_named


def test_a_title_without_a_header_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="line 1: one cell, but the next row has 3; if it is a title"):
        opened(tmp_path / "a.csv", f"Phrasebook\n{ROWS}", ColumnHints())
