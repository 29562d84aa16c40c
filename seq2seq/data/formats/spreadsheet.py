"""Spreadsheets (xlsx, ods, xls), read by calamine."""

import json
import os
import subprocess
import sys
import tempfile
import weakref
import zipfile
from collections.abc import Generator, Iterator
from contextlib import closing
from itertools import islice
from pathlib import Path
from typing import IO

from typing_extensions import override

from seq2seq.data.formats import workbook_process
from seq2seq.data.formats.delimited import IsHeader
from seq2seq.data.formats.first_rows import (
    CELL_START,
    columns_of_sentences,
    count_titles,
    describe_header,
    has_heading,
)
from seq2seq.data.formats.table import FIRST_ROWS, Column, Table, listed
from seq2seq.errors import InputError

_SIDES = 2
_BLOCK = 2**20
_MOST_BYTES = 2**29
"""Of all parts of a workbook, decompressed."""
_NOT_READABLE = "not readable as a spreadsheet: another Office document, damaged, too large or with a password"
_NO_MEMORY = (
    f"cannot be read as a spreadsheet in {workbook_process.MOST_MEMORY // 2**30} GiB of memory and "
    f"{workbook_process.MOST_SECONDS} s; save the sheet as CSV"
)


class Spreadsheet(Table):
    """The first visible sheet of a workbook that has enough columns of text; blank rows are skipped."""

    def __init__(
        self, path: Path, is_header: IsHeader, *, has_header: bool | None = None, text_columns: int = _SIDES
    ) -> None:
        """is_header: unless `has_header` says. text_columns: that the sheet has at least."""
        super().__init__(path)
        _expect_bounded(path)
        self._file = tempfile.TemporaryFile()  # noqa: SIM115  # closed with the table
        weakref.finalize(self, self._file.close)
        self._sheet = _copy_sheet_of_text(path, self._file, text_columns)
        rows = list(islice(self.all_rows(), FIRST_ROWS))
        self._titles = 0
        if has_header is None:
            self._titles = count_titles(_starts([cells for _, cells in rows]), lambda cells: is_header(cells, True))
        self._first_number, self._first = rows[self._titles] if rows else (1, [])
        first = [cells for _, cells in rows[self._titles :]]
        self.is_named = bool(first) and bool(
            (is_header(self._first, True) or has_heading(_starts(first))) if has_header is None else has_header
        )
        names = self._first if self.is_named else map(str, range(1, len(self._first) + 1))
        self.columns = [(name,) for name in names]
        self._candidates = columns_of_sentences(self.columns, _starts(first[int(self.is_named) :]))

    @property
    @override
    def form(self) -> str:
        below = f"row {self._first_number}" if self._titles else ""
        return f"spreadsheet, sheet {self._sheet}, {describe_header(self.is_named, below)}"

    @property
    @override
    def description(self) -> str:
        """The columns as text; those without a name are shown with their first cell."""
        if self.is_named:
            return super().description
        return listed([f"{number} ({cell[:20]})" for number, cell in enumerate(self._first, 1)])

    @property
    @override
    def candidates(self) -> list[Column]:
        return self._candidates

    @override
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        src, tgt = self.columns.index(src_column), self.columns.index(tgt_column)
        for number, cells in islice(self.all_rows(), self.header_rows, None):
            yield number, cells[src], cells[tgt]

    @property
    def header_rows(self) -> int:
        """Rows up to the header."""
        return self._titles + int(self.is_named)

    def all_rows(self) -> Iterator[tuple[int, list[str]]]:
        """The rows and their numbers, header included. Each iterator has its own position in the file."""
        position = 0
        while True:
            self._file.seek(position)
            lines = self._file.readlines(_BLOCK)
            position = self._file.tell()
            if not lines:
                return
            for number, *cells in map(json.loads, lines):
                yield number, cells


def _expect_bounded(path: Path) -> None:
    """Raises InputError for a zip bomb; one with wrong sizes in its directory is left to the limits of the process."""
    if zipfile.is_zipfile(path):
        with zipfile.ZipFile(path) as archive:
            size = sum(part.file_size for part in archive.infolist())
        if size > _MOST_BYTES:
            raise InputError(f"{path}: a spreadsheet of {size:,} bytes decompressed; save the sheet as CSV")


def _copy_sheet_of_text(path: Path, file: IO[bytes], text_columns: int) -> str:
    """Write the rows of the first sheet with enough columns of text, or of the last one; return its name."""
    name = ""
    with closing(_printed(path)) as lines:
        for line in lines:
            if line.startswith(b"["):
                file.write(line)
                continue
            if not line.endswith(b"\n"):  # the process ended early, and its exit status is reported
                continue
            content = json.loads(line)
            if isinstance(content, dict):
                raise InputError(f"{path}: {_NOT_READABLE} ({' '.join(content['error'].split())[:200]})")
            if _count_text_columns(file) >= text_columns:
                break
            name = content
            file.seek(0)
            file.truncate()
    return name


def _count_text_columns(file: IO[bytes]) -> int:
    file.seek(0)
    rows = [json.loads(line)[1:] for line in islice(file, FIRST_ROWS)]
    file.seek(0, os.SEEK_END)
    columns = [(str(number),) for number in range(len(rows[0]))] if rows else []
    return len(columns_of_sentences(columns, _starts(rows)))


def _starts(rows: list[list[str]]) -> list[list[str]]:
    return [[cell[:CELL_START] for cell in row] for row in rows]


def _printed(path: Path) -> Generator[bytes, None, None]:
    """What the process prints that reads a workbook. Raises InputError if it ends for lack of memory or time."""
    command = [sys.executable, "-P", workbook_process.__file__, str(path)]
    with subprocess.Popen(
        command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL
    ) as process:
        try:
            assert process.stdout
            yield from process.stdout
            if process.wait():
                raise InputError(f"{path}: {_NO_MEMORY}")
        finally:
            process.kill()
