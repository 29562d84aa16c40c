"""Tables that are written again with a new last column, made from one that they have.

The text of a CSV or TSV stays as it is, byte for byte; a spreadsheet becomes a CSV or TSV.
"""

from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice, pairwise
from pathlib import Path

from typing_extensions import override

from seq2seq.data.columns import named_column
from seq2seq.data.formats.delimited import Delimited, Layout
from seq2seq.data.formats.dialect import Dialect
from seq2seq.data.formats.opening import is_named_csv, table_kind
from seq2seq.data.formats.spreadsheet import Spreadsheet
from seq2seq.data.formats.table import Table, column_name
from seq2seq.errors import InputError
from seq2seq.io.compression import compression_of
from seq2seq.io.lines import expect_rereadable, read_lines
from seq2seq.io.type_names import description_of

_SPREADSHEETS = ("xlsx", "ods", "ole")
_SPREADSHEET_SUFFIXES = ("xlsx", "xlsm", "xls", "ods")


@dataclass(frozen=True, slots=True)
class Row:
    """A row, or what stands above the rows."""

    source: str | None
    """Its cell in the column that the new one is made from; None for the header and what is above it."""
    before: str
    """Text of the file up to the new cell."""
    after: str
    """Text after the new cell: the end of the line, and blank lines."""


class ExtendedTable(ABC):
    """A table with a new column."""

    def __init__(self, table: Table, dialect: Dialect, src_column: str, new_column: str) -> None:
        """src_column: the name of a column in the header, or the number of one, from 1, in a table without a header.

        Raises InputError if there is no such column, or one named `new_column` already.
        """
        self._dialect = dialect
        names = list(map(column_name, table.columns))
        if names.count(src_column) > 1:
            raise InputError(f"{table}: has {names.count(src_column)} columns named {src_column}; rename the others")
        self._source = table.columns.index(named_column(src_column, table))
        if table.is_named and new_column in names:
            raise InputError(f"{table}: has a column {new_column} already; name the new one with --tgt-column")
        self._new_cell = dialect.delimiter + dialect.written(new_column)

    @abstractmethod
    def rows(self) -> Iterator[Row]:
        """All rows, in order. Raises InputError, with file and line, if one cannot be read."""

    def text(self, row: Row, cell: str) -> str:
        """The text of a row with its new cell."""
        return row.before + self._dialect.delimiter + self._dialect.written(cell) + row.after


def open_extended(path: str, src_column: str, new_column: str, *, encoding: str, output: str) -> ExtendedTable:
    """The table in a CSV, TSV or spreadsheet, to be written to `output` with a new column.

    encoding: of a CSV or TSV. Raises InputError if the file is something else or cannot be read; see `ExtendedTable`.
    """
    expect_rereadable(path)
    _expect_text_output(output)
    has_header = False if src_column.isdecimal() else None

    def is_header(cells: Sequence[str], _: bool) -> bool:
        return src_column in cells

    match table_kind(Path(path), encoding):
        case "":
            layout = Layout(header=has_header, encoding=encoding)
            table = Delimited(Path(path), is_named_csv(Path(path)), is_header, layout)
            return _ExtendedText(table, src_column, new_column, encoding)
        case kind if kind in _SPREADSHEETS:
            sheet = Spreadsheet(Path(path), is_header, has_header=has_header, text_columns=1)
            delimiter = "\t" if _suffix_of(output) == "tsv" else ","
            return _ExtendedSheet(sheet, Dialect(delimiter, quoted=True), src_column, new_column)
        case kind:
            what = "a JSON file" if kind == "json" else description_of(kind).split(";")[0].split(",")[0]
            raise InputError(f"{path}: is {what}; --table takes a CSV, a TSV or a spreadsheet (xlsx, ods)")


def _expect_text_output(path: str) -> None:
    if _suffix_of(path) in _SPREADSHEET_SUFFIXES:
        raise InputError(f"{path}: a table is written as CSV or TSV; let the name end in .csv or .tsv")


def _suffix_of(path: str) -> str:
    name = Path(path).stem if compression_of(path) else Path(path).name
    return name.rpartition(".")[2].lower()


class _ExtendedText(ExtendedTable):
    """A CSV or TSV: its own lines, with a cell at the end of each row."""

    def __init__(self, table: Delimited, src_column: str, new_column: str, encoding: str) -> None:
        if not table.dialect.quoted and table.dialect.delimiter != "\t":
            raise InputError(f"{table}: is separated by `{table.dialect.delimiter}`; --table takes a CSV or a TSV")
        super().__init__(table, table.dialect, src_column, new_column)
        self._table, self._encoding = table, encoding

    @override
    def rows(self) -> Iterator[Row]:
        lines = read_lines(self._table.path, keep_bom=True, encoding=self._encoding)
        starts: Iterator[tuple[int, str | None]] = (
            (line, cells[self._source]) for line, cells in self._table.full_rows()
        )
        if self._table.has_header:
            starts = chain([(self._table.first_line, None)], starts)
        first = next(starts, None)
        above = list(islice(lines, first[0] - 1 if first else None))
        yield from (Row(None, line, "\n") for line in above)
        if first:
            for (line, source), (next_line, _) in pairwise(chain([first], starts, [(0, None)])):
                yield self._row(line, source, list(islice(lines, next_line - line if next_line else None)))

    def _row(self, line: int, source: str | None, lines: list[str]) -> Row:
        """The row in some lines, which begin with it; blank lines may follow it."""
        if not lines:
            raise InputError(
                f"{self._table}, line {line}: has several rows, separated by \\r; end each with a line break"
            )
        end = next(end for end in range(len(lines), 0, -1) if not self._is_blank(lines[end - 1]) or end == 1)
        text = "\n".join(lines[:end])
        row = text.removesuffix("\r")
        closed = row.rstrip(" ")
        if self._dialect.quoted and closed.endswith('"'):  # blanks after a quote are none of the cell
            row = closed
        after = "\n".join(["\r" * text.endswith("\r"), *lines[end:]]) + "\n"
        return Row(source, row + self._new_cell * (source is None), after)

    def _is_blank(self, line: str) -> bool:
        row = line.removesuffix("\r")
        return not (row.strip(" ") if self._dialect.quoted else row)


class _ExtendedSheet(ExtendedTable):
    """A spreadsheet, as CSV or TSV."""

    def __init__(self, sheet: Spreadsheet, dialect: Dialect, src_column: str, new_column: str) -> None:
        super().__init__(sheet, dialect, src_column, new_column)
        self._sheet = sheet

    @override
    def rows(self) -> Iterator[Row]:
        header = self._sheet.header_rows
        for index, (_, cells) in enumerate(self._sheet.all_rows(), start=1):
            text = self._dialect.delimiter.join(map(self._dialect.written, cells))
            if index > header:
                yield Row(cells[self._source], text, "\n")
            else:
                yield Row(None, text + (self._new_cell if index == header else self._dialect.delimiter), "\n")
