"""Delimiters and quotes are inferred from what the rows show, not from the suffix."""

import csv
import io
from pathlib import Path

import pytest

from seq2seq.data.formats.dialect import Dialect, infer_dialect

WORDS = ["the cat sleeps", "a red house", "we sing, they dance", "one; two", "it rains | it pours", "who came?"]
ROWS = [(f"{word} {n}", f"{word.upper()} {n}") for n in range(4) for word in WORDS]


def written(rows: list[tuple[str, str]], delimiter: str, quoting: int = csv.QUOTE_MINIMAL) -> str:
    file = io.StringIO()
    csv.writer(file, delimiter=delimiter, quoting=quoting, lineterminator="\n").writerows(rows)  # type: ignore[arg-type]
    return file.getvalue()


@pytest.mark.parametrize(
    ("name", "text", "expected"),
    [
        ("a.dat", written(ROWS, ","), Dialect(",", True)),
        ("a.txt", written(ROWS, ";"), Dialect(";", True)),
        ("a.dat", "sep=|\n" + written(ROWS, "|"), Dialect("|", True)),
        ("a.tsv", written(ROWS, "\t"), Dialect("\t", False)),
        ("a.tsv", written(ROWS, "\t", csv.QUOTE_ALL), Dialect("\t", True)),
        ("a.tsv", written([*ROWS, ("a\ttab", "b")], "\t"), Dialect("\t", True)),
        ("a.tsv", written([*ROWS, ('they say "no"', "b")], "\t"), Dialect("\t", True)),
        # Quotes of direct speech are text, also where some cells or all of a row are in quotes.
        ("a.tsv", '"Come here."\t"Viens."\na\tb\n' * 10, Dialect("\t", False)),
        ("a.csv", '"Come," he said.\t"Viens", dit-il.\n' * 10, Dialect("\t", False)),
        # A quote that is closed lines later must not swallow the rows between.
        ("a.tsv", '"How\tComment\na\tb\nare you"\tvas-tu\n' * 5, Dialect("\t", False)),
        ("a.txt", "one sentence, and no more\nanother sentence\n" * 8, Dialect("\t", False)),
        ("a.txt", "a ||| b\n" * 3, Dialect(" ||| ", False)),
        ("a.csv", "Phrases, 2023\n" + written(ROWS, ";"), Dialect(";", True)),
        ("a.txt", "Phrases\n\n" + written(ROWS, ","), Dialect(",", True)),
    ],
)
def test_the_rows_determine_the_dialect(name: str, text: str, expected: Dialect, tmp_path: Path) -> None:
    (tmp_path / name).write_text(text)
    assert infer_dialect(tmp_path / name, name.endswith(".csv"), "") == expected


def test_quotes_that_only_the_last_row_needs_are_seen(tmp_path: Path) -> None:
    rows = [*ROWS * 50, ("a\ttab", 'a "quote"')]
    (tmp_path / "a.tsv").write_text(written(rows, "\t"))
    dialect = infer_dialect(tmp_path / "a.tsv", False, "")
    assert [cells for _, cells in dialect.cells(tmp_path / "a.tsv", "")] == list(map(list, rows))


@pytest.mark.parametrize("closing", ['x,"no" 150', 'x",y 150'])
def test_a_quote_that_is_not_closed_spoils_one_row(closing: str, tmp_path: Path) -> None:
    """The rows that it swallows, up to another quote or the end, are read again."""
    lines = [f"a {n},b {n}" for n in range(200)]
    lines[10], lines[150] = '"a 10,b 10', closing
    (tmp_path / "a.csv").write_text("".join(f"{line}\n" for line in lines))
    rows = dict(Dialect(",", True).cells(tmp_path / "a.csv", ""))
    invalid = {line: str(cells) for line, cells in rows.items() if not isinstance(cells, list)}
    assert sorted(rows) == list(range(1, 201))
    assert "a cell in quotes of over 100 lines; is a quote missing?" in invalid.pop(11)
    assert list(invalid) in ([], [151])


def test_lines_are_counted_by_line_feeds(tmp_path: Path) -> None:
    """Also after carriage returns, which end a line of the csv module too."""
    (tmp_path / "a.csv").write_bytes(b'"a\rb",c\n' * 5 + b'd\n"e\nf",g\nh,i\n')
    assert [line for line, _ in Dialect(",", True).cells(tmp_path / "a.csv", "")] == [1, 2, 3, 4, 5, 6, 7, 9]
