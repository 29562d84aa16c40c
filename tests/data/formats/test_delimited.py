"""Rows above the header of a text table."""

from pathlib import Path

import pytest

from seq2seq.data.columns import ColumnHints, choose_columns, is_header
from seq2seq.data.formats.opening import open_table
from seq2seq.data.formats.table import Table
from seq2seq.errors import InputError

PAIRS = [(f"Where is cat {n}?", f"O\u00f9 est le chat {n} ?") for n in range(12)]
WORDS = ["cat", "dog", "tree", "house", "river", "stone", "child", "bread", "night", "song", "road", "hand"]
SENTENCES = [(f"Where is the {word}?", f"Ani {word[::-1]} ri?") for word in WORDS]
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
    text = "".join(f"{n};{src};{tgt}\n" for n, (src, tgt) in enumerate(SENTENCES))
    table = opened(tmp_path / "a.csv", f"Our village\n;;\n#;In English;Our words\n{text}", ColumnHints())
    pairs = [(line, *pair) for line, pair in enumerate(SENTENCES, start=4)]
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
    with pytest.raises(InputError, match="line 1: one cell, but line 2 has 3; if a title is above"):
        opened(tmp_path / "a.csv", f"Phrasebook\n{ROWS}", ColumnHints())


@pytest.mark.parametrize(
    ("heading", "values"),
    [
        ("No.", [str(n) for n in range(12)]),
        ("Time", [f"2024/03/{n + 1:02} {n}:15:30 AM GMT+1" for n in range(12)]),
        ("E-mail", [f"user{n}@example.org" for n in range(12)]),
    ],
)
def test_words_above_values_show_a_header(heading: str, values: list[str], tmp_path: Path) -> None:
    """Also where the headings of the sentences are sentences, as the questions of a form are."""
    rows = [f'{value},"{src}","{tgt}"\n' for value, (src, tgt) in zip(values, SENTENCES, strict=True)]
    header = f"{heading},Please write a sentence in English.,Now translate it into our language.\n"
    table = opened(tmp_path / "a.csv", header + "".join(rows), ColumnHints())
    columns = choose_columns(table, ColumnHints())
    assert list(table.rows(*columns)) == [(line, *pair) for line, pair in enumerate(SENTENCES, start=2)]
    assert not opened(tmp_path / "a.csv", "".join(rows), ColumnHints()).is_named


def test_numbers_and_their_names_have_no_header(tmp_path: Path) -> None:
    rows = "".join(f"{n}\t{word}\n" for n, (word, _) in enumerate(SENTENCES))
    assert not opened(tmp_path / "a.tsv", f"twelve\tzwolf\n{rows}", ColumnHints()).is_named


def test_comments_above_the_rows_are_skipped(tmp_path: Path) -> None:
    """As the notes of Anki begin; a # at the start of a sentence does not make it one."""
    rows = "".join(f"#{src}\t{tgt}\n" for src, tgt in SENTENCES)
    table = opened(tmp_path / "a.txt", f"#separator:tab\n#html:false\n{rows}", ColumnHints())
    assert next(iter(table.rows(("1",), ("2",)))) == (3, f"#{SENTENCES[0][0]}", SENTENCES[0][1])
    assert table.form == "separated by tabs, no header recognised, rows from line 3 on (what is above it is skipped)"


MARKDOWN = """# Our phrases
Collected in 2023.

| In English | Our words |
| :--- | ---: |
"""
PSQL = " english  |  our words  \n----------+-------------\n"
MYSQL = "+---------+-----------+\n| english | our words |\n+---------+-----------+\n"


@pytest.mark.parametrize(
    ("above", "row", "first_line"),
    [
        (MARKDOWN, "| {} | {} |", 6),
        ("In English | Our words\n--- | ---\n", "{} | {}", 3),
        (PSQL, " {} | {}", 3),
        (MYSQL, "| {} | {} |", 4),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_ruled_tables_are_read_without_their_rules(
    above: str, row: str, first_line: int, end: str, tmp_path: Path
) -> None:
    pairs = [*SENTENCES, ('"No," she said -- twice', "a \\| b")]
    text = above + "".join(f"{row.format(*pair)}\n" for pair in pairs)
    table = opened(tmp_path / "a.md", text.replace("\n", end), ColumnHints())
    expected = [(src, tgt.replace("\\|", "|")) for src, tgt in pairs]
    assert [(src, tgt) for _, src, tgt in table.rows(*choose_columns(table, ColumnHints()))] == expected
    assert next(iter(table.rows(*choose_columns(table, ColumnHints()))))[0] == first_line


def test_dashes_for_missing_cells_are_no_rule(tmp_path: Path) -> None:
    rows = "".join(f'"{src}"|{tgt}\n' for src, tgt in SENTENCES)
    table = opened(tmp_path / "a.txt", f"One.|Un.\n-|-\n{rows}", ColumnHints())
    assert [(src, tgt) for _, src, tgt in table.rows(("1",), ("2",))] == [("One.", "Un."), ("-", "-"), *SENTENCES]
