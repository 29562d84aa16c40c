"""Spreadsheets: which sheet and columns are read."""

import json
from pathlib import Path

import pytest
from workbooks import Rows, compound_file, write_ods, write_xls, write_xlsx

from seq2seq.data.columns import ColumnHints, choose_columns, is_header
from seq2seq.data.formats import workbook_process
from seq2seq.data.formats.opening import open_table
from seq2seq.data.formats.table import Table, column_name
from seq2seq.errors import InputError

PAIRS = [(f"Where is cat {n}?", f"Où est le chat {n} & co ?") for n in range(12)]


def opened(path: Path) -> Table:
    return open_table(path, lambda cells, usual: is_header(cells, ColumnHints(), usual=usual))


def pairs(table: Table) -> list[tuple[int, str, str]]:
    return list(table.rows(*choose_columns(table, ColumnHints())))


def test_the_first_sheet_with_two_columns_of_text_is_read(tmp_path: Path) -> None:
    words: Rows = [("n", "English", "French"), (None,), *((n, *pair) for n, pair in enumerate(PAIRS))]
    write_xlsx(tmp_path / "a.xlsx", {"Notes": [["only", 1.5], ["notes", 2]], "Words": words, "More": PAIRS})
    table = opened(tmp_path / "a.xlsx")
    for _ in range(2):
        assert pairs(table) == [(row, *pair) for row, pair in enumerate(PAIRS, start=3)]
    assert table.form == (
        "spreadsheet, sheet 'Words' (not 'Notes', 'More': to read another sheet, save it as a file), with a header"
    )


def test_rows_above_a_header_are_skipped(tmp_path: Path) -> None:
    rows: Rows = [("Phrases", None, 2023.0), (None,), ("English", "French", "Note"), *((*pair, "n") for pair in PAIRS)]
    write_xlsx(tmp_path / "a.xlsx", {"Words": rows})
    table = opened(tmp_path / "a.xlsx")
    assert pairs(table) == [(row, *pair) for row, pair in enumerate(PAIRS, start=4)]
    assert table.form == "spreadsheet, sheet 'Words', with a header in row 3 (what is above it is skipped)"


@pytest.mark.parametrize(("name", "write"), [("a.ods", write_ods), ("a.xls", write_xls), ("xlsx.xls", None)])
def test_every_kind_of_workbook_is_read(name: str, write: object, tmp_path: Path) -> None:
    if callable(write):
        write(tmp_path / name, PAIRS)
    else:
        write_xlsx(tmp_path / name, {"Sheet": PAIRS})
    table = opened(tmp_path / name)
    assert pairs(table) == [(row, *pair) for row, pair in enumerate(PAIRS, start=1)]
    assert list(map(column_name, table.columns)) == ["1", "2"]
    assert table.description == "1 (Where is cat 0?), 2 (Où est le chat 0 & c)"


def test_numbers_in_a_column_of_text_are_its_text(tmp_path: Path) -> None:
    write_xlsx(tmp_path / "a.xlsx", {"Sheet": [*PAIRS, (7.0, "sept"), ("half", 0.5)]})
    assert pairs(opened(tmp_path / "a.xlsx"))[-2:] == [(13, "7", "sept"), (14, "half", "0.5")]


@pytest.mark.parametrize("content", [compound_file("WordDocument", b"text"), b"\xd0\xcf\x11\xe0 damaged"])
def test_other_office_documents_are_one_line(content: bytes, tmp_path: Path) -> None:
    (tmp_path / "a.doc").write_bytes(content)
    with pytest.raises(InputError, match="not readable as a spreadsheet: another Office document, damaged,"):
        opened(tmp_path / "a.doc")


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_a_system_that_refuses_limits_reads_workbooks(
    error: type[Exception], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    resource = pytest.importorskip("resource")

    def refuse(*_: object) -> None:
        raise error("current limit exceeds maximum limit")

    monkeypatch.setattr(resource, "setrlimit", refuse)
    write_xlsx(tmp_path / "a.xlsx", {"Words": PAIRS[:1]})
    workbook_process.main(str(tmp_path / "a.xlsx"))
    assert list(map(json.loads, capsys.readouterr().out.splitlines())) == ["'Words'", [1, *PAIRS[0]]]
