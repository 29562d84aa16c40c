"""Tables of sentences, one pair per row: TSV, CSV, JSON lines and Parquet.

The suffix determines the format (`.tsv`, `.csv`, `.jsonl`, `.json`, `.parquet`, `.arrow`; anything else is read as
TSV); text may be compressed. In a TSV or CSV without a header the columns are named 1, 2, ….
"""

import csv
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import Any, Literal

from typing_extensions import override

from seq2seq.errors import InputError
from seq2seq.io.compression import compression_of
from seq2seq.io.lines import LONGEST_LINE, read_lines

Column = tuple[str, ...]
"""The name of a column; the field `b` of a struct `a` has the name `("a", "b")`, written `a.b`."""

_DELIMITERS = (",", ";", "\t", "|")
_ROWS_AT_ONCE = 1000
_FIRST_ROWS = 100
_LINES_LISTED = 3
_ENOUGH_ROWS = 10
# Of a cell, when columns are told apart: a line may have 16 MiB.
_CELL_START = 200
# Of fast_align and Moses.
_WORD_ALIGNMENT_DELIMITER = " ||| "
# What Excel writes before the rows to name the delimiter.
_SEPARATOR_LINE = re.compile(r"sep=([,;\t|])\r?")
_JSON_BLANKS = re.compile(r"[ \t\n\r]*")
_LONE_RETURN = re.compile(r"(?<=\r)(?!\n)")
# The csv module's own limit, 128 KiB, is short of a line that lines.py would read.
csv.field_size_limit(2**24)


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


INFERRED = Layout()


@dataclass
class InvalidRows:
    """Rows that cannot be read: the first one is an error, or all are skipped and counted."""

    policy: Literal["stop", "skip"] | None = None
    """None is `stop` where there is no option that a message could name."""
    count: int = 0
    lines: list[int] = field(default_factory=list)
    """Of the first ones."""

    def add(self, line: int, error: InputError) -> None:
        """Count a row. Raises `error` unless such rows are skipped."""
        if self.policy == "stop":
            raise InputError(f"{error}; --invalid-lines skip leaves such rows out") from None
        if self.policy is None:
            raise error
        self.count += 1
        if len(self.lines) < _LINES_LISTED:
            self.lines.append(line)


class Table(ABC):
    """A file of rows. `columns` lists the text columns, in the file's order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[Column] = []
        self.invalid_rows = InvalidRows()

    @property
    def sentence_columns(self) -> list[Column]:
        """The columns that may hold sentences, by their first cells."""
        return self.columns

    @property
    def description(self) -> str:
        """The columns as text, for messages."""
        return _listed(list(map(column_name, self.columns)))

    def __str__(self) -> str:
        return str(self.path)

    @abstractmethod
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        """The line (in Parquet: the row) and the two cells of each row; a missing value is an empty string.

        Raises InputError, with file and line, if a row cannot be read, and `invalid_rows` does not skip it.
        """


IsHeader = Callable[[Sequence[str], bool], bool]
"""Whether these cells, the first row of a CSV (True) or of a TSV, are a header."""


def open_table(
    path: Path,
    is_header: IsHeader,
    layout: Layout = INFERRED,
    invalid_rows: Literal["stop", "skip"] | None = None,
) -> Table:
    """The table in a file.

    layout: of a TSV or CSV; what it does not specify is inferred, the header by `is_header`.
    invalid_rows: see `InvalidRows`.
    Raises InputError if the file cannot be read.
    """
    kind = _format_of(path)
    if kind in ("jsonl", "json", "ndjson"):
        return JsonLines(path, layout.encoding, invalid_rows)
    if kind == "parquet":
        return Columnar(path, _open_parquet)
    if kind == "arrow":
        return Columnar(path, _open_arrow)
    table = Delimited(path, kind == "csv", is_header, layout)
    table.invalid_rows.policy = invalid_rows
    return table


def _format_of(path: Path) -> str:
    """The suffix of a table, without that of its compression; in lower case."""
    name = path.stem if compression_of(path) else path.name
    return name.rpartition(".")[2].lower()


def column_name(column: Column) -> str:
    """The name of a column as users write it."""
    return ".".join(column)


class Delimited(Table):
    """TSV, where a cell is anything between tabs, or CSV, where cells may be quoted. Blank lines are skipped."""

    def __init__(self, path: Path, is_csv: bool, is_header: IsHeader, layout: Layout) -> None:
        super().__init__(path)
        self.is_csv, self._encoding = is_csv, layout.encoding
        self._quoted = is_csv if layout.quoted is None else layout.quoted
        delimiter_of = _delimiter_of if is_csv else _plain_delimiter_of
        self._delimiter = layout.delimiter or delimiter_of(path, layout.encoding)
        _, self._first = next(self._cells(), (0, ["", ""]))
        self.has_header = is_header(self._first, is_csv) if layout.header is None else layout.header
        names = layout.names or (self._first if self.has_header else None)
        if names and len(names) != len(self._first):
            raise InputError(f"{path}: {len(self._first)} columns, but the dataset names {len(names)}")
        self.is_named = names is not None
        self.columns = [(name,) for name in names or map(str, range(1, len(self._first) + 1))]

    @property
    def description(self) -> str:
        """The columns as text; those without a name are shown with their first cell."""
        if self.is_named:
            return super().description
        return _listed([f"{n} ({cell[:20]})" for n, cell in enumerate(self._first, 1)])

    @property
    @override
    def sentence_columns(self) -> list[Column]:
        rows: list[list[str]] = []
        with suppress(InputError):  # reported when the rows are read
            for _, cells in islice(self._cells(), int(self.has_header), _FIRST_ROWS):
                if len(cells) == len(self.columns):
                    rows.append([cell[:_CELL_START] for cell in cells])
        cells_of = zip(*rows, strict=True) if rows else [()] * len(self.columns)
        return [column for column, cells in zip(self.columns, cells_of, strict=True) if _may_be_sentences(cells)]

    @property
    def keeps_quotes(self) -> bool:
        """Whether some of the first cells are in quotes that are read as text."""
        cells = (cell for _, row in islice(self._cells(), _FIRST_ROWS) for cell in row)
        return not self._quoted and any(len(cell) > 1 and cell[0] == cell[-1] == '"' for cell in cells)

    @override
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        src, tgt = self.columns.index(src_column), self.columns.index(tgt_column)
        for line, cells in islice(self._cells(), int(self.has_header), None):
            if len(cells) != len(self._first):
                plural = "s" * (len(cells) != 1)
                hint = ""
                if len(cells) > len(self._first):
                    delimiter = "a tab" if self._delimiter == "\t" else f"`{self._delimiter.strip()}`"
                    hint = f" ({delimiter}{' outside quotes' if self._quoted else ''} inside a sentence?)"
                expected = f"expected {len(self._first)} as in the first line{hint}"
                error = InputError(f"{self.path}, line {line}: {len(cells)} column{plural}, {expected}")
                self.invalid_rows.add(line, error)
                continue
            yield line, cells[src], cells[tgt]

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        return (_quoted_cells if self._quoted else _plain_cells)(self.path, self._delimiter, self._encoding)


class JsonLines(Table):
    """A JSON object on each line, or one array of objects. `{"a": {"b": …}}` is the column `a.b`."""

    def __init__(self, path: Path, encoding: str = "", invalid_rows: Literal["stop", "skip"] | None = None) -> None:
        super().__init__(path)
        self._unit, self._encoding = "line", encoding
        is_text: dict[Column, bool] = {}
        self.invalid_rows.policy = invalid_rows
        for _, row in islice(self._objects(), _FIRST_ROWS):
            for column, value in _leaves(row):
                is_text[column] = is_text.get(column, False) or isinstance(value, str)
        self.invalid_rows = InvalidRows(invalid_rows)
        self.columns = [column for column, has_text in is_text.items() if has_text]

    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        """In an array, the number of the element takes the place of the line."""
        for number, row in self._objects():
            try:
                src, tgt = self._text(row, src_column, number), self._text(row, tgt_column, number)
            except InputError as error:
                self.invalid_rows.add(number, error)
                continue
            yield number, src, tgt

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        lines = enumerate(read_lines(self.path, encoding=self._encoding), start=1)
        for line, text in lines:
            if text.lstrip().startswith("["):
                self._unit = "element"
                elements = JsonArray(chain([text], (rest for _, rest in lines)))
                try:
                    for number, element in enumerate(elements, start=1):
                        yield from self._checked(number, element)
                except ValueError as error:
                    raise self._fault(elements.count + 1, f"not valid JSON ({error})") from None
            elif text.strip():
                try:
                    value = self._parse(text, line)
                except InputError as error:
                    self.invalid_rows.add(line, error)
                    continue
                yield from self._checked(line, value)

    def _parse(self, text: str, line: int) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise self._fault(line, f"not valid JSON ({error})") from None

    def _checked(self, number: int, value: Any) -> Iterator[tuple[int, dict[str, Any]]]:
        if isinstance(value, dict):
            yield number, value
        else:
            self.invalid_rows.add(number, self._fault(number, "not a JSON object with the two sentences in it"))

    def _text(self, row: dict[str, Any], column: Column, number: int) -> str:
        value: Any = row
        for name in column:
            if value is None:
                return ""
            if not isinstance(value, dict) or name not in value:
                raise self._fault(number, f"has no {column_name(column)}")
            value = value[name]
        if value is None:
            return ""
        if not isinstance(value, str):
            raise self._fault(number, f"{column_name(column)} is not a string")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise self._fault(number, f"{column_name(column)} is not valid Unicode (a lone surrogate)")
        return value

    def _fault(self, number: int, what: str) -> InputError:
        return InputError(f"{self.path}, {self._unit} {number}: {what}")


class JsonArray:
    """The elements of a JSON array, one at a time, so that it may be larger than memory."""

    def __init__(self, lines: Iterator[str]) -> None:
        """lines: of the file, from the first line of the array."""
        self.count = 0
        """Elements so far."""
        self._lines, self._text, self._offset = lines, "", 0
        self._decoder = json.JSONDecoder()

    def __iter__(self) -> Iterator[Any]:
        """Raises ValueError if it is damaged."""
        self._expect("[")
        while self._next() != "]":
            if self.count:
                self._expect(",")
            yield self._decode()
            self.count += 1
        self._expect("]")
        if self._next():
            raise ValueError("text after the end of the array")

    def _next(self) -> str:
        """The next non-blank character; empty at the end."""
        while True:
            self._offset = _JSON_BLANKS.match(self._text, self._offset).end()  # type: ignore[union-attr]  # matches anything
            if self._offset < len(self._text):
                return self._text[self._offset]
            line = next(self._lines, None)
            if line is None:
                return ""
            self._text, self._offset = line, 0

    def _expect(self, character: str) -> None:
        if (actual := self._next()) != character:
            raise ValueError(f"{character!r} expected" + ("" if actual else ", but the file ends"))
        self._offset += 1

    def _decode(self) -> Any:
        """The element that begins here. It may span many lines."""
        self._next()
        while True:
            try:
                element, self._offset = self._decoder.raw_decode(self._text, self._offset)
            except RecursionError:
                raise ValueError("nested too deeply") from None
            except json.JSONDecodeError as error:
                if len(self._text) - self._offset > LONGEST_LINE or not self._read_more():
                    raise ValueError(error.msg) from None
            else:
                return element

    def _read_more(self) -> bool:
        """Double the remaining text, so that all attempts together take at most twice as long as the last one."""
        parts, target_size = [self._text[self._offset :]], 2 * (len(self._text) - self._offset)
        size = len(parts[0])
        while size < target_size and (line := next(self._lines, None)) is not None:
            parts.append(line)
            size += 1 + len(line)
        self._text, self._offset = "\n".join(parts), 0
        return len(parts) > 1


class Columnar(Table):
    """A Parquet file, or the Arrow file of a saved dataset; field `b` of a struct `a` is the column `a.b`."""

    def __init__(self, path: Path, open_batches: "_OpenBatches") -> None:
        super().__init__(path)
        self._open_batches = open_batches
        with self._explained():
            schema, _ = open_batches(path, [])
            self.columns = list(_text_fields(schema))

    @override
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        with self._explained():
            _, batches = self._open_batches(self.path, [column_name(src_column), column_name(tgt_column)])
            pairs = (pair for batch in batches for pair in _pairs(batch, src_column, tgt_column))
            for number, (src, tgt) in enumerate(pairs, start=1):
                yield number, src or "", tgt or ""

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise InputError(f"{self.path}: no such file") from None
        except InputError:
            raise
        except Exception as error:  # on damaged files pyarrow raises anything, ValueError and OverflowError included
            kind, reason = self.path.suffix[1:].capitalize(), " ".join(f"{error}".split())[:200]
            raise InputError(f"{self.path}: not readable as {kind} ({reason or type(error).__name__})") from None


# Returns the schema of a file, and its rows in batches with at least the named columns.
_OpenBatches = Callable[[Path, Sequence[str]], tuple[Any, Iterator[Any]]]


def _open_parquet(path: Path, columns: Sequence[str]) -> tuple[Any, Iterator[Any]]:
    from pyarrow import parquet

    file = parquet.ParquetFile(path)
    return file.schema_arrow, _validated(file.iter_batches(_ROWS_AT_ONCE, columns=columns))


def _open_arrow(path: Path, _: Sequence[str]) -> tuple[Any, Iterator[Any]]:
    import pyarrow

    stream = pyarrow.ipc.open_stream(pyarrow.memory_map(str(path)))
    return stream.schema, _validated(stream)


def _validated(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches, in slices of bounded size. Raises pyarrow's errors if one is damaged."""
    for batch in batches:
        batch.validate(full=True)  # otherwise out-of-range indices crash the process
        yield from (batch.slice(start, _ROWS_AT_ONCE) for start in range(0, batch.num_rows, _ROWS_AT_ONCE))


def _listed(columns: list[str]) -> str:
    more = f" and {len(columns) - 8} more" if len(columns) > 8 else ""
    shown = (column if len(column) <= 40 else f"{column[:39]}…" for column in columns[:8])
    return ", ".join(shown) + more if columns else "no text columns"


def _may_be_sentences(cells: Sequence[str]) -> bool:
    """Whether the first cells of a column are not all blank, without letters, or alike except for numbers."""
    if not cells:
        return True
    alike = len(cells) >= _ENOUGH_ROWS and len({re.sub(r"\d+", "", cell) for cell in cells}) == 1
    return not alike and any(character.isalpha() for cell in cells for character in cell)


def _plain_delimiter_of(path: Path, encoding: str) -> str:
    """The delimiter of a file without quotes: a tab, or ` ||| ` if that is in each of the first lines, and no tab."""
    with suppress(InputError):
        lines = islice(read_lines(path, encoding=encoding), _FIRST_ROWS)
        marks = {(_WORD_ALIGNMENT_DELIMITER in line, "\t" in line) for line in lines}
        if marks == {(True, False)}:
            return _WORD_ALIGNMENT_DELIMITER
    return "\t"


def _delimiter_of(path: Path, encoding: str) -> str:
    """The delimiter of a CSV: as its first line says, or that with which most rows have as many cells as the first."""
    with suppress(InputError):
        if named := _SEPARATOR_LINE.fullmatch(next(read_lines(path, encoding=encoding), "")):
            return named[1]

    def fit(delimiter: str) -> tuple[int, int]:
        widths: list[int] = []
        with suppress(InputError):  # reported when the rows are read; the rows before it count
            for _, cells in islice(_quoted_cells(path, delimiter, encoding), _FIRST_ROWS):
                widths.append(len(cells))
        return (widths.count(widths[0]), widths[0]) if widths and widths[0] > 1 else (0, 0)

    return max(_DELIMITERS, key=fit)


def _plain_cells(path: Path, delimiter: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a TSV, each with its line."""
    for line, text in enumerate(read_lines(path, encoding=encoding), start=1):
        if row := text.removesuffix("\r"):
            yield line, row.split(delimiter)


def _quoted_cells(path: Path, delimiter: str, encoding: str) -> Iterator[tuple[int, list[str]]]:
    """The rows of a CSV, each with the line that it begins on."""
    # A blank after the delimiter would hide a quote.
    reader = csv.reader(_with_ends(path, encoding), delimiter=delimiter, strict=True, skipinitialspace=delimiter != " ")
    line = 1
    try:
        for cells in reader:
            if cells and not (line == 1 and _SEPARATOR_LINE.fullmatch(delimiter.join(cells))):
                yield line, cells
            line = reader.line_num + 1
    except csv.Error as error:
        raise InputError(f"{path}, line {line}: not valid CSV ({error})") from None


def _with_ends(path: Path, encoding: str) -> Iterator[str]:
    """Lines with their ends, which a cell may contain, as the csv module needs them; `\\r` alone ends one too."""
    for line in read_lines(path, encoding=encoding):
        text = line.removesuffix("\r")
        yield from _LONE_RETURN.split(f"{text.rstrip(' ')}{line[len(text) :]}\n")


def _leaves(value: Mapping[str, Any], path: Column = ()) -> Iterator[tuple[Column, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner, (*path, name))
        else:
            yield (*path, name), inner


def _text_fields(fields: Any, path: Column = ()) -> Iterator[Column]:
    """The text columns of an Arrow schema or struct type."""
    from pyarrow import types

    for entry in fields:
        # A pandas categorical is stored as a dictionary.
        of_type = entry.type.value_type if types.is_dictionary(entry.type) else entry.type
        if types.is_struct(of_type):
            yield from _text_fields(of_type.fields, (*path, entry.name))
        elif types.is_string(of_type) or types.is_large_string(of_type):
            yield (*path, entry.name)


def _pairs(batch: Any, src_column: Column, tgt_column: Column) -> Iterator[tuple[str | None, str | None]]:
    return zip(_values(batch, src_column), _values(batch, tgt_column), strict=True)


def _values(batch: Any, column: Column) -> list[str | None]:
    """The cells of a column."""
    from pyarrow import compute

    first, *rest = column
    array = batch.column(first)
    values: list[str | None] = (compute.struct_field(array, rest) if rest else array).to_pylist()
    return values
