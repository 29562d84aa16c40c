"""How the cells of a text table are separated and quoted, inferred from its lines."""

import csv
import re
from collections import deque
from collections.abc import Iterable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from itertools import chain, dropwhile, islice
from pathlib import Path

from seq2seq.data.formats.first_rows import MOST_TITLES
from seq2seq.data.formats.table import FIRST_ROWS
from seq2seq.errors import InputError
from seq2seq.io.lines import DecodingErrors, read_lines

Cells = list[str] | InputError
"""The cells of a row, or why it cannot be read."""

_DELIMITERS = (",", ";", "\t", "|")
_NAMES = {",": "commas", ";": "semicolons", "\t": "tabs", "|": "|"}
_LEAST_ROWS = 10
# Lines that a row may span, by line breaks in its cells.
_LONGEST_ROW = 100
# Of fast_align and Moses.
_WORD_ALIGNMENT_DELIMITER = " ||| "
# What Excel writes before the rows to name the delimiter.
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\r?")
# Between the header and the rows of Markdown, Org, psql and MySQL.
_RULE = re.compile(r"[ \t|+:-]*\r?")
_CELL_BORDER = re.compile(r"(?<!\\)\|")
_LONE_RETURN = re.compile(r"(?<=\r)(?!\n)")
# The csv module's own limit, 128 KiB, is short of a line that lines.py would read.
csv.field_size_limit(2**24)


@dataclass(frozen=True)
class Dialect:
    """The delimiter of a table's cells, and whether cells may be quoted; otherwise quotes are text."""

    delimiter: str
    quoted: bool
    ruled: bool = False
    """Whether a line of dashes separates the header from the rows, as in Markdown: `|---|---|`."""

    @property
    def delimiter_name(self) -> str:
        """The delimiter in words."""
        return _NAMES.get(self.delimiter, self.delimiter.strip() or "blanks")

    def written(self, text: str) -> str:
        """A cell with this text, in quotes if it needs them; without a tab where cells are never quoted."""
        if not self.quoted:
            return text.replace("\t", " ")
        needs_quotes = text != text.strip(" ") or not {self.delimiter, '"', "\n", "\r"}.isdisjoint(text)
        return '"' + text.replace('"', '""') + '"' if needs_quotes else text

    def cells(self, path: Path, encoding: str, errors: DecodingErrors = "strict") -> Iterator[tuple[int, Cells]]:
        """The rows of a file, each with the line that it begins on. Blank lines are skipped.

        errors: see `read_lines`.
        """
        lines = read_lines(path, encoding=encoding, errors=errors)
        if self.ruled:
            return _ruled_cells(lines)
        return (_quoted_cells if self.quoted else _plain_cells)(lines, self.delimiter, path)


def infer_dialect(path: Path, is_csv: bool, encoding: str) -> Dialect:
    """The dialect of a table.

    is_csv: whether its name says that it is a CSV. If so, cells may be quoted unless this cannot be; if not, the
        delimiter is a tab or ` ||| ` if the lines have one, and quotes are text unless the rows show otherwise.
    """
    first = _first_lines(path, encoding)
    if _are_ruled(first):
        return Dialect("|", quoted=False, ruled=True)
    if is_csv:
        delimiter = _csv_delimiter_of(path, encoding)
        return Dialect(delimiter, delimiter != "\t" or _reads_quoted(path, encoding))
    if named := _SEPARATOR_LINE.fullmatch(first[0] if first else ""):
        return Dialect(named[1], True)
    if first and all(_WORD_ALIGNMENT_DELIMITER in line for line in first) and not any("\t" in line for line in first):
        return Dialect(_WORD_ALIGNMENT_DELIMITER, False)
    if not any("\t" in line for line in first) and (delimiter := _consistent_delimiter(path, encoding)):
        return Dialect(delimiter, True)
    return Dialect("\t", _is_quoted(path, encoding))


def _first_lines(path: Path, encoding: str) -> list[str]:
    lines: list[str] = []
    with suppress(InputError):  # reported when the rows are read
        lines.extend(line for line in islice(read_lines(path, encoding=encoding), FIRST_ROWS) if line.strip())
    return lines


def _are_ruled(lines: list[str]) -> bool:
    """Whether one of the first lines is a rule between two rows of cells."""
    neighbours = zip(lines[: MOST_TITLES + 1], lines[1:], lines[2:], strict=False)
    return any("|" in above and _is_rule(line) and "|" in below for above, line, below in neighbours)


def _is_rule(line: str) -> bool:
    return "--" in line and ("|" in line or "+" in line) and bool(_RULE.fullmatch(line))


def _csv_delimiter_of(path: Path, encoding: str) -> str:
    """The delimiter of a CSV: as its first line says, or that with which most rows have as many cells as the first."""
    with suppress(InputError):
        if named := _SEPARATOR_LINE.fullmatch(next(read_lines(path, encoding=encoding), "")):
            return named[1]

    def fit(dialect: Dialect) -> tuple[int, int]:
        widths = _widths_below_titles(path, dialect, encoding)
        return (widths.count(widths[0]), widths[0]) if widths and widths[0] > 1 else (0, 0)

    candidates = [*(Dialect(delimiter, True) for delimiter in _DELIMITERS), Dialect("\t", False)]
    return max(candidates, key=fit).delimiter


def _consistent_delimiter(path: Path, encoding: str) -> str:
    """The delimiter of a CSV with another suffix: all of the first rows have the same number of cells."""
    widths = {delimiter: _widths_below_titles(path, Dialect(delimiter, True), encoding) for delimiter in _DELIMITERS}
    fitting = [
        delimiter
        for delimiter, counts in widths.items()
        if len(counts) >= _LEAST_ROWS and counts[0] > 1 and len(set(counts)) == 1
    ]
    return fitting[0] if len(fitting) == 1 else ""


def _widths_below_titles(path: Path, dialect: Dialect, encoding: str) -> list[int]:
    """How many cells each of the first rows has, from the first one that has several, or from the first row."""
    widths = _widths(path, dialect, encoding)
    titles = next((number for number, width in enumerate(widths[: MOST_TITLES + 1]) if width > 1), 0)
    return widths[titles:]


def _widths(path: Path, dialect: Dialect, encoding: str) -> list[int]:
    """How many cells each of the first rows has."""
    widths: list[int] = []
    with suppress(InputError):  # reported when the rows are read; the rows before it count
        for _, cells in islice(dialect.cells(path, encoding), FIRST_ROWS):
            if isinstance(cells, InputError):
                break
            widths.append(len(cells))
    return widths


def _reads_quoted(path: Path, encoding: str) -> bool:
    """Whether tab-separated rows can be read with quoted cells, and have as many cells as the first one."""
    width = None
    with suppress(InputError):
        for _, cells in Dialect("\t", True).cells(path, encoding):
            if isinstance(cells, InputError):
                return False
            width = width or len(cells)
            if len(cells) != width:
                return False
        return True
    return False


def _is_quoted(path: Path, encoding: str) -> bool:
    """Whether the cells of a TSV are quoted as in a CSV: a quoted cell has a tab, or doubled quotes, or all are quoted.

    Otherwise a quote at the start of a cell is one of the sentence.
    """
    width = rows = quoted = 0
    shown = False
    with suppress(InputError):
        for line in read_lines(path, encoding=encoding):
            row = line.removesuffix("\r")
            if not row:
                continue
            width, rows = width or row.count("\t") + 1, rows + 1
            if '"' not in row:
                continue
            cells = row.split("\t")
            quoted += all(map(_is_in_quotes, cells))
            doubled = any(_is_in_quotes(cell) and '""' in cell[1:-1] for cell in cells)
            shown = shown or doubled or (len(cells) != width and _quoted_width("\t".join(cells)) == width)
    return (shown or (rows >= _LEAST_ROWS and quoted == rows)) and _reads_quoted(path, encoding)


def _is_in_quotes(cell: str) -> bool:
    return len(cell) > 1 and cell[0] == cell[-1] == '"'


def _quoted_width(line: str) -> int:
    """How many cells a line of a TSV has if they may be quoted; 0 if it cannot be read so."""
    with suppress(csv.Error):
        return sum(map(len, csv.reader([line], delimiter="\t", strict=True)))
    return 0


def _plain_cells(lines: Iterable[str], delimiter: str, _: Path) -> Iterator[tuple[int, list[str]]]:
    """The rows of a TSV, each with its line."""
    for line, text in enumerate(lines, start=1):
        if row := text.removesuffix("\r"):
            yield line, row.split(delimiter)


def _ruled_cells(lines: Iterable[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows of a ruled table, the header first, each with its line; without the rules, and the text above it."""
    rows = ((line, text) for line, text in enumerate(lines, start=1) if text.strip() and not _is_rule(text))
    for line, text in dropwhile(lambda row: "|" not in row[1], rows):
        yield line, [cell.replace("\\|", "|").strip() for cell in _CELL_BORDER.split(text)]


def _quoted_cells(lines: Iterable[str], delimiter: str, path: Path) -> Iterator[tuple[int, Cells]]:
    """The rows of a CSV, each with the line that it begins on."""

    def new_reader() -> Iterator[list[str]]:
        # A blank after the delimiter would hide a quote.
        return csv.reader(pieces, delimiter=delimiter, strict=True, skipinitialspace=delimiter != " ")

    pieces = _RowPieces(lines)
    reader = new_reader()
    while True:
        pieces.row.clear()
        try:
            cells = next(reader)
        except StopIteration:
            return
        except csv.Error as error:
            line = pieces.row[0][0]
            yield line, InputError(f"{path}, line {line}: not valid CSV ({error})")
            pieces.skip_first()
            reader = new_reader()
        else:
            line = pieces.row[0][0]
            if cells and not (line == 1 and _SEPARATOR_LINE.fullmatch(delimiter.join(cells))):
                yield line, cells


class _RowPieces:
    """The lines of a CSV with their ends, for the csv module. `row` holds those of the current row, with numbers.

    A row that cannot be read may have swallowed valid ones, from a quote that is not closed: after `skip_first` its
    lines but the first are read again.
    """

    def __init__(self, lines: Iterable[str]) -> None:
        self.row: list[tuple[int, str]] = []
        self._new = _with_ends(lines)
        self._again: deque[tuple[int, str]] = deque()

    def __iter__(self) -> Iterator[str]:
        return self

    def __next__(self) -> str:
        if len(self.row) > _LONGEST_ROW:
            raise csv.Error(f"a cell in quotes of over {_LONGEST_ROW} lines; is a quote missing?")
        piece = self._again.popleft() if self._again else next(self._new)
        self.row.append(piece)
        return piece[1]

    def skip_first(self) -> None:
        self._again.extendleft(reversed(self.row[1:]))


def _with_ends(lines: Iterable[str]) -> Iterator[tuple[int, str]]:
    """Lines with their numbers and ends, which a cell may contain; `\\r` alone ends a line of the csv module too.

    In a file of old Macintosh programs, which has no other line ends, it also counts as one.
    """
    remaining = iter(lines)
    first = list(islice(remaining, 2))
    if len(first) == 1:
        yield from enumerate(_pieces(first[0]), start=1)
        return
    for number, line in enumerate(chain(first, remaining), start=1):
        for piece in _pieces(line):
            yield number, piece


def _pieces(line: str) -> list[str]:
    text = line.removesuffix("\r")
    return _LONE_RETURN.split(f"{text.rstrip(' ')}{line[len(text) :]}\n")
