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
_ROWS_LOOKED_AT = 20
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


def open_table(
    path: Path,
    is_header: "_IsHeader",
    delimiter: str | None = None,
    names: Sequence[str] = (),
    *,
    always_quoted: bool = False,
) -> Table:
    """The table in a file.

    is_header: whether the cells of a TSV's or CSV's first row name its columns; is told whether cells may be quoted.
    delimiter: what stands between the cells of a CSV; without it, the one that fits its first rows best.
    names: those of the columns of a TSV or CSV, whatever its header says.
    always_quoted: cells of a TSV may be quoted too.
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
        return Delimited(path, is_header, delimiter or _delimiter_of(path), names, quoted=True)
    return Delimited(path, is_header, "\t", names, quoted=always_quoted)


class Delimited(Table):
    """TSV, where a cell is whatever stands between tabs, or CSV, where cells may be quoted."""

    def __init__(
        self, path: Path, is_header: "_IsHeader", delimiter: str, names: Sequence[str] = (), *, quoted: bool
    ) -> None:
        super().__init__(path)
        self.quoted = quoted
        self._delimiter = delimiter
        _, self._first = next(self._cells(), (0, ["", ""]))
        self.has_header = is_header(self._first, quoted)
        numbers = [str(n) for n in range(1, len(self._first) + 1)]
        self.columns = list(names) or (self._first if self.has_header else numbers)
        if len(self.columns) != len(self._first):
            raise InputError(f"{path}: has {len(self._first)} columns, {len(names)} names are given for them")

    @property
    def described(self) -> str:
        """The columns in words, by what the first row has in them where they have no names."""
        numbered = self.columns == [str(n) for n in range(1, len(self._first) + 1)]
        named = self.columns if not numbered else [f"{n} ({cell[:20]})" for n, cell in enumerate(self._first, 1)]
        return _listed(named)

    def rows(self, src_column: str, tgt_column: str) -> Iterator[tuple[int, str, str]]:
        """See Table."""
        src, tgt = self.columns.index(src_column), self.columns.index(tgt_column)
        for line, cells in islice(self._cells(), int(self.has_header), None):
            if len(cells) != len(self._first):
                plural = "s" * (len(cells) != 1)
                hint = " (a tab inside a sentence?)" if not self.quoted and len(cells) > len(self._first) else ""
                expected = f"expected {len(self._first)} as in the first line{hint}"
                raise InputError(f"{self.path}, line {line}: {len(cells)} column{plural}, {expected}")
            yield line, cells[src], cells[tgt]

    def _cells(self) -> Iterator[tuple[int, list[str]]]:
        if not self.quoted:
            for line, text in enumerate(read_lines(self.path), start=1):
                if row := text.removesuffix("\r"):
                    yield line, row.split(self._delimiter)
            return
        reader = csv.reader(_with_ends(self.path), delimiter=self._delimiter, strict=True)
        line = 1
        try:
            for cells in reader:
                if cells:
                    yield line, cells
                line = reader.line_num + 1
        except csv.Error as error:
            reason = "line ends of an old Macintosh: save it anew" if "new-line" in str(error) else error
            raise InputError(f"{self.path}, line {line}: not valid CSV ({reason})") from None


class JsonLines(Table):
    """A JSON object on each line, or one array of objects. `{"a": {"b": …}}` is the column `a.b`."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        _, first = next(self._objects(), (0, {}))
        # A sentence may be missing from the first row.
        self.columns = [name for name, value in _leaves(first) if value is None or isinstance(value, str)]

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
        for name in [column] if column in row else column.split("."):
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
        except (OSError, UnicodeDecodeError, pyarrow.ArrowException) as error:
            kind = self.path.suffix[1:].capitalize()
            raise InputError(f"{self.path}: not readable as {kind} ({str(error).splitlines()[0]})") from None


# The cells of a first row and whether they may be quoted -> whether they name the columns.
_IsHeader = Callable[[list[str], bool], bool]
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
    """The delimiter that makes equally many columns of a CSV's first rows, or else the most of its very first."""

    def columns(delimiter: str) -> tuple[bool, int]:
        rows = csv.reader(_with_ends(path), delimiter=delimiter)
        try:
            counts = [len(cells) for cells in islice(rows, _ROWS_LOOKED_AT) if cells]
        except csv.Error:
            return False, 0
        return len(set(counts)) == 1 and counts[0] > 1, counts[0] if counts else 0

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
        elif _is_text(field.type):
            yield path + field.name


def _is_text(kind: Any) -> bool:
    from pyarrow import types

    if types.is_dictionary(kind):
        return _is_text(kind.value_type)
    return bool(types.is_string(kind) or types.is_large_string(kind))


def _pairs(batch: Any, src_column: str, tgt_column: str) -> Iterator[tuple[str | None, str | None]]:
    return zip(_values(batch, src_column), _values(batch, tgt_column), strict=True)


def _values(batch: Any, column: str) -> list[str | None]:
    """The cells of a column, `a.b` inside a struct."""
    from pyarrow import compute

    first, *rest = [column] if column in batch.schema.names else column.split(".")
    array = batch.column(first)
    values: list[str | None] = (compute.struct_field(array, rest) if rest else array).to_pylist()
    return values
