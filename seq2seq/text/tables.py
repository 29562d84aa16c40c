"""Tables of sentences, a row a pair: TSV, CSV, JSON lines and Parquet.

The file's name says what it is (`.tsv`, `.csv`, `.jsonl`, `.json`, `.parquet`, `.arrow`; anything else is read as TSV)
and how it is packed (`.gz`, `.zst`). A row is read by the names of its columns; in a TSV or CSV without a header these
are the numbers 1, 2, ….
"""

import csv
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from itertools import chain, islice
from pathlib import Path
from typing import Any

from seq2seq.errors import InputError
from seq2seq.text.lines import read_lines

_DELIMITERS = (",", ";", "\t")
_ROWS_AT_ONCE = 1000
# The csv module's own limit, 128 KiB, is short of a line that lines.py would read.
csv.field_size_limit(2**24)


class Table(ABC):
    """A file of rows. `columns` holds the names of those that can hold text, in the file's order."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.columns: list[str] = []

    @property
    def described(self) -> str:
        """The columns in words."""
        return _listed(self.columns)

    def __str__(self) -> str:
        return str(self.path)

    @abstractmethod
    def rows(self, src_column: str, tgt_column: str) -> Iterator[tuple[int, str, str]]:
        """The line (in Parquet: the row) and the two cells of each row; a missing value is an empty string.

        Raises InputError, with file and line, for a row that cannot be read.
        """


def open_table(path: Path, is_header: Callable[[list[str]], bool], delimiter: str | None = None) -> Table:
    """The table in a file.

    is_header: whether the cells of a TSV's or CSV's first row name its columns.
    delimiter: what stands between the cells of a CSV; without it, the one that makes the most columns.
    Raises InputError where the file cannot be read.
    """
    kind = path.name.removesuffix(".gz").removesuffix(".zst").rpartition(".")[2].lower()
    if kind in ("jsonl", "json", "ndjson"):
        return JsonLines(path)
    if kind == "parquet":
        return Columnar(path, _open_parquet)
    if kind == "arrow":
        return Columnar(path, _open_arrow)
    if kind == "csv":
        return Delimited(path, is_header, delimiter or _delimiter_of(path), quoted=True)
    return Delimited(path, is_header, "\t", quoted=False)


class Delimited(Table):
    """TSV, where a cell is whatever stands between tabs, or CSV, where cells may be quoted."""

    def __init__(self, path: Path, is_header: Callable[[list[str]], bool], delimiter: str, *, quoted: bool) -> None:
        super().__init__(path)
        self._delimiter, self._quoted = delimiter, quoted
        _, self._first = next(self._cells(), (0, ["", ""]))
        self.has_header = is_header(self._first)
        self.columns = self._first if self.has_header else [str(n) for n in range(1, len(self._first) + 1)]

    @property
    def described(self) -> str:
        """The columns in words, by what the first row has in them where they have no names."""
        named = self.columns if self.has_header else [f"{n} ({cell[:20]})" for n, cell in enumerate(self._first, 1)]
        return _listed(named)

    def rows(self, src_column: str, tgt_column: str) -> Iterator[tuple[int, str, str]]:
        """See Table."""
        src, tgt = self.columns.index(src_column), self.columns.index(tgt_column)
        for line, cells in islice(self._cells(), int(self.has_header), None):
            if len(cells) != len(self._first):
                plural = "s" * (len(cells) != 1)
                hint = " (a tab inside a sentence?)" if not self._quoted and len(cells) > len(self._first) else ""
                expected = f"expected {len(self._first)} as in the first line{hint}"
                raise InputError(f"{self.path}, line {line}: {len(cells)} column{plural}, {expected}")
            yield line, cells[src], cells[tgt]

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        if not self._quoted:
            for line, text in enumerate(read_lines(self.path), start=1):
                yield line, text.split(self._delimiter)
            return
        reader = csv.reader(_with_ends(self.path), delimiter=self._delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            raise InputError(f"{self.path}, line {line}: not valid CSV ({error})") from None


class JsonLines(Table):
    """A JSON object on each line, or one array of objects. `{"a": {"b": …}}` is the column `a.b`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        _, first = next(self._objects(), (0, {}))
        self.columns = [name for name, value in _leaves(first) if isinstance(value, str)]

    def rows(self, src_column: str, tgt_column: str) -> Iterator[tuple[int, str, str]]:
        """See Table."""
        for line, row in self._objects():
            yield line, self._text(row, src_column, line), self._text(row, tgt_column, line)

    def _objects(self) -> Iterator[tuple[int, dict[str, Any]]]:
        lines = enumerate(read_lines(self.path), start=1)
        for line, text in lines:
            if text.lstrip().startswith("["):
                # Written as one value, it can only be read as one.
                whole = self._parse("\n".join(chain([text], (rest for _, rest in lines))), line)
                yield from ((number, self._object(row, number)) for number, row in enumerate(whole, start=1))
            elif text.strip():
                yield line, self._object(self._parse(text, line), line)

    def _parse(self, text: str, line: int) -> Any:
        try:
            return json.loads(text)
        except (ValueError, RecursionError) as error:
            raise InputError(f"{self.path}, line {line}: not valid JSON ({error})") from None

    def _object(self, value: Any, line: int) -> dict[str, Any]:
        if not isinstance(value, dict):
            raise InputError(f"{self.path}, line {line}: not a JSON object with the two sentences in it")
        return value

    def _text(self, row: dict[str, Any], column: str, line: int) -> str:
        value: Any = row
        for name in column.split("."):
            if not isinstance(value, dict) or name not in value:
                raise InputError(f"{self.path}, line {line}: has no {column}")
            value = value[name]
        if value is None:
            return ""
        if not isinstance(value, str):
            raise InputError(f"{self.path}, line {line}: {column} is not a text")
        if any("\ud800" <= character <= "\udfff" for character in value):
            raise InputError(f"{self.path}, line {line}: {column} holds half a character (a lone surrogate)")
        return value


class Columnar(Table):
    """A Parquet file, or the Arrow file of a saved data set; the field `b` of a struct `a` is the column `a.b`."""

    def __init__(self, path: Path, open_batches: "_OpenBatches") -> None:
        super().__init__(path)
        self._open_batches = open_batches
        with self._explained():
            schema, _ = open_batches(path, [])
        self.columns = list(_text_fields(schema))

    def rows(self, src_column: str, tgt_column: str) -> Iterator[tuple[int, str, str]]:
        """See Table."""
        with self._explained():
            _, batches = self._open_batches(self.path, [src_column, tgt_column])
            pairs = (pair for batch in batches for pair in _pairs(batch, src_column, tgt_column))
            for number, (src, tgt) in enumerate(pairs, start=1):
                yield number, src or "", tgt or ""

    @contextmanager
    def _explained(self) -> Iterator[None]:
        import pyarrow

        try:
            yield
        except FileNotFoundError:
            raise InputError(f"{self.path}: no such file") from None
        except (OSError, pyarrow.ArrowException) as error:
            kind = self.path.suffix[1:].capitalize()
            raise InputError(f"{self.path}: not readable as {kind} ({str(error).splitlines()[0]})") from None


# The schema of a file, and its rows in batches that have at least the columns named.
_OpenBatches = Callable[[Path, Sequence[str]], tuple[Any, Iterator[Any]]]


def _open_parquet(path: Path, columns: Sequence[str]) -> tuple[Any, Iterator[Any]]:
    from pyarrow import parquet

    file = parquet.ParquetFile(path)
    return file.schema_arrow, file.iter_batches(_ROWS_AT_ONCE, columns=columns)


def _open_arrow(path: Path, _: Sequence[str]) -> tuple[Any, Iterator[Any]]:
    import pyarrow

    stream = pyarrow.ipc.open_stream(pyarrow.memory_map(str(path)))
    return stream.schema, iter(stream)


def _listed(columns: list[str]) -> str:
    more = f" and {len(columns) - 8} more" if len(columns) > 8 else ""
    return ", ".join(columns[:8]) + more if columns else "no columns of text"


def _delimiter_of(path: Path) -> str:
    """The delimiter that makes the most columns of a CSV's first row."""

    def columns(delimiter: str) -> int:
        return len(next(csv.reader(_with_ends(path), delimiter=delimiter), []))

    return max(_DELIMITERS, key=columns)


def _with_ends(path: Path) -> Iterator[str]:
    """Lines as the csv module wants them: a cell may hold their ends."""
    return (f"{line}\n" for line in read_lines(path))


def _leaves(value: Mapping[str, Any], path: str = "") -> Iterator[tuple[str, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner, f"{path}{name}.")
        else:
            yield path + name, inner


def _text_fields(fields: Any, path: str = "") -> Iterator[str]:
    """The names of the text columns in an Arrow schema or struct type."""
    from pyarrow import types

    for field in fields:
        if types.is_struct(field.type):
            yield from _text_fields(field.type.fields, f"{path}{field.name}.")
        elif types.is_string(field.type) or types.is_large_string(field.type):
            yield path + field.name


def _pairs(batch: Any, src_column: str, tgt_column: str) -> Iterator[tuple[str | None, str | None]]:
    return zip(_values(batch, src_column), _values(batch, tgt_column), strict=True)


def _values(batch: Any, column: str) -> list[str | None]:
    """The cells of a column, `a.b` inside a struct."""
    from pyarrow import compute

    first, *rest = column.split(".")
    array = batch.column(first)
    values: list[str | None] = (compute.struct_field(array, rest) if rest else array).to_pylist()
    return values
