"""Tables as text: TSV, CSV, and lines separated by ` ||| `."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from typing_extensions import override

from seq2seq.data.formats.dialect import Cells, Dialect, infer_dialect
from seq2seq.data.formats.first_rows import (
    CELL_START,
    MOST_TITLES,
    columns_of_sentences,
    count_titles,
    describe_header,
    has_heading,
)
from seq2seq.data.formats.table import FIRST_ROWS, Column, InvalidLines, Table, listed
from seq2seq.errors import InputError
from seq2seq.io.lines import expect_no_returns, undecodable


@dataclass(frozen=True)
class Layout:
    """What is known about a TSV or CSV before it is opened; None is to be inferred."""

    delimiter: str | None = None
    quoted: bool | None = None
    """Whether cells may be quoted, as in a CSV; otherwise quotes are text."""
    header: bool | None = None
    """Whether the first row is a header."""
    names: tuple[str, ...] | None = None
    """Column names, which override the header."""
    encoding: str = ""
    """Of a text file."""


IsHeader = Callable[[Sequence[str], bool], bool]
"""Whether these cells, the first row of a CSV (True) or of a TSV, are a header."""


class Delimited(Table):
    """TSV, where a cell is anything between tabs, or CSV, where cells may be quoted. Blank lines are skipped."""

    def __init__(
        self, path: Path, named_csv: bool, is_header: IsHeader, layout: Layout, invalid_lines: InvalidLines = None
    ) -> None:
        """named_csv: whether the file's name says that it is a CSV. is_header: unless `layout` says."""
        super().__init__(path, invalid_lines)
        self._encoding = layout.encoding
        self.dialect = _dialect(path, named_csv, layout)
        is_csv = named_csv or (self.dialect.quoted and self.dialect.delimiter != "\t")
        self._titles = 0
        if layout.header is None and not self.dialect.ruled:
            self._titles = count_titles(self._first_rows(FIRST_ROWS), lambda cells: is_header(cells, is_csv))
        self.first_line, self._first = self._first_row()
        if self.dialect.ruled:
            self.has_header = True
        elif layout.header is None:
            self.has_header = is_header(self._first, is_csv) or has_heading(self._rows_of_full_width(0))
        else:
            self.has_header = layout.header
        names = layout.names or (self._first if self.has_header else None)
        if names and len(names) != len(self._first):
            raise InputError(f"{path}: {len(self._first)} columns, but the dataset names {len(names)}")
        self.is_named = names is not None
        self.columns = [(name,) for name in names or map(str, range(1, len(self._first) + 1))]

    @property
    @override
    def form(self) -> str:
        quotes = ", with quoted cells" if self.dialect.quoted and self.dialect.delimiter == "\t" else ""
        below_titles = self._titles or (self.dialect.ruled and self.first_line > 1)
        header = describe_header(self.has_header, f"line {self.first_line}" if below_titles else "")
        return f"separated by {self.dialect.delimiter_name}{quotes}, {header}"

    @property
    @override
    def description(self) -> str:
        """The columns as text; those without a name are shown with their first cell."""
        if self.is_named:
            return super().description
        return listed([f"{n} ({cell[:20]})" for n, cell in enumerate(self._first, 1)])

    @property
    @override
    def candidates(self) -> list[Column]:
        return columns_of_sentences(self.columns, self._rows_of_full_width(int(self.has_header)))

    def _rows_of_full_width(self, start: int) -> list[list[str]]:
        """The first rows, from this one on, that have as many cells as the first one."""
        return [row for row in self._first_rows(FIRST_ROWS)[start:] if len(row) == len(self._first)]

    def _first_rows(self, count: int) -> list[list[str]]:
        """The beginnings of the cells of the first rows that can be read, without those above the header."""
        rows: list[list[str]] = []
        with suppress(InputError):  # reported when the rows are read
            for _, cells in islice(self._cells(), self._titles, count):
                if not isinstance(cells, InputError):
                    rows.append([cell[:CELL_START] for cell in cells])
        return rows

    @property
    def keeps_quotes(self) -> bool:
        """Whether some of the first cells are in quotes that are read as text."""
        if self.dialect.quoted:
            return False
        rows = (row for _, row in islice(self._cells(), FIRST_ROWS) if not isinstance(row, InputError))
        cells = (cell for row in rows for cell in row)
        return any(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells)

    @override
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        src, tgt = self.columns.index(src_column), self.columns.index(tgt_column)
        strict = self.invalid_rows.decoding == "strict"
        for line, cells in self.full_rows():
            if not strict and (undecodable(cells[src]) or undecodable(cells[tgt])):
                self.invalid_rows.add(line, InputError(f"{self.path}, line {line}: not UTF-8"))
            else:
                yield line, cells[src], cells[tgt]

    def full_rows(self) -> Iterator[tuple[int, list[str]]]:
        """The line and all cells of each row; otherwise as `rows`."""
        for line, cells in islice(self._cells(), self._titles + int(self.has_header), None):
            if isinstance(cells, InputError):
                self.invalid_rows.add(line, cells)
            elif len(cells) != len(self._first):
                self.invalid_rows.add(line, self._wrong_width(line, len(cells)))
            else:
                yield line, cells

    def _first_row(self) -> tuple[int, list[str]]:
        """The header or first row, and its line. Raises InputError if it cannot be read."""
        first = islice(self._cells(), self._titles, self._titles + MOST_TITLES + 1)
        (line, cells), *later = chain(first, [(0, ["", ""])])
        if isinstance(cells, InputError):
            raise cells
        if not self.dialect.quoted:
            expect_no_returns("".join(cells), self.path)
        wider = ((number, len(row)) for number, row in later if isinstance(row, list) and len(row) > 1 and any(row))
        if len(cells) == 1 and (wide := next(wider, None)):
            raise InputError(
                f"{self.path}, line {line}: one cell, but line {wide[0]} has {wide[1]}; if a title is above the rows, "
                "remove it"
            )
        return line, cells

    def _wrong_width(self, line: int, width: int) -> InputError:
        plural, hint = "s" * (width != 1), ""
        if width > len(self._first):
            delimiter = "a tab" if self.dialect.delimiter == "\t" else f"`{self.dialect.delimiter.strip()}`"
            hint = f" ({delimiter}{' outside quotes' if self.dialect.quoted else ''} inside a sentence?)"
        expected = f"expected {len(self._first)} as in the first line{hint}"
        return InputError(f"{self.path}, line {line}: {width} column{plural}, {expected}")

    def _cells(self) -> Iterator[tuple[int, Cells]]:
        return self.dialect.cells(self.path, self._encoding, self.invalid_rows.decoding)


def _dialect(path: Path, named_csv: bool, layout: Layout) -> Dialect:
    if layout.delimiter is not None and layout.quoted is not None:
        return Dialect(layout.delimiter, layout.quoted)
    inferred = infer_dialect(path, named_csv, layout.encoding)
    if layout.delimiter is None and layout.quoted is None:
        return inferred
    quoted = inferred.quoted if layout.quoted is None else layout.quoted
    return Dialect(layout.delimiter or inferred.delimiter, quoted)
