"""Columnar tables, read by pyarrow: Parquet, and the Arrow files of saved datasets and of Feather."""

from abc import abstractmethod
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from typing_extensions import override

from seq2seq.data.formats.table import Column, Table, column_name
from seq2seq.errors import InputError

_ROWS_AT_ONCE = 1000
_SIDES = 2
# Fields of the `TranslationVariableLanguages` of the datasets library: the language and the text of each translation.
_LANGUAGE, _TRANSLATION = "language", "translation"


class ColumnarTable(Table):
    """Batches of columns; field `b` of a struct `a` is the column `a.b`, and a language is one of a translation."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        with self._explained():
            schema, batches = self._open(None)
            self._variable = list(_variable_fields(schema))
            self.columns = list(_fields(schema, _is_text))
            if len(self.columns) + len(self._variable) < _SIDES:
                self.columns = list(_fields(schema, lambda of_type: _is_text(of_type) or _is_bytes(of_type)))
            if self._variable:
                first = next(batches, None)
                self.columns += [] if first is None else _languages(first, self._variable)

    @abstractmethod
    def _open(self, columns: Sequence[str] | None) -> tuple[Any, Iterator[Any]]:
        """The schema of the file, and its rows in batches with at least the named columns; None for all."""

    @override
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        with self._explained():
            names = {column_name(self._stored(column)) for column in (src_column, tgt_column)}
            _, batches = self._open(sorted(names))
            sides = ((src, tgt) for batch in batches for src, tgt in self._pairs(batch, src_column, tgt_column))
            for number, (src, tgt) in enumerate(sides, start=1):
                yield number, src or "", tgt or ""

    def _stored(self, column: Column) -> Column:
        """The column of the file that holds a column of the table."""
        return next((field for field in self._variable if column[:-1] == field), column)

    def _pairs(self, batch: Any, src_column: Column, tgt_column: Column) -> Iterator[tuple[str | None, str | None]]:
        return zip(self._values(batch, src_column), self._values(batch, tgt_column), strict=True)

    def _values(self, batch: Any, column: Column) -> list[str | None]:
        """The cells of a column."""
        if (stored := self._stored(column)) != column:
            return [_of_language(value, column[-1]) for value in _array(batch, stored).to_pylist()]
        return [_text(value) for value in _array(batch, column).to_pylist()]

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except FileNotFoundError:
            raise InputError(f"{self.path}: no such file") from None
        except UnicodeDecodeError:
            raise InputError(f"{self.path}: a column of bytes is not UTF-8 text") from None
        except InputError:
            raise
        except Exception as error:  # on damaged files pyarrow raises anything, ValueError and OverflowError included
            reason = " ".join(f"{error}".split())[:200]
            raise InputError(f"{self.path}: not readable as {self.form} ({reason or type(error).__name__})") from None


class ParquetTable(ColumnarTable):
    """A Parquet file."""

    form = "Parquet"

    @override
    def _open(self, columns: Sequence[str] | None) -> tuple[Any, Iterator[Any]]:
        from pyarrow import parquet

        file = parquet.ParquetFile(self.path)
        return file.schema_arrow, _validated(file.iter_batches(_ROWS_AT_ONCE, columns=columns))


class ArrowTable(ColumnarTable):
    """An Arrow file, or the stream that the datasets library saves."""

    form = "Arrow"

    def __init__(self, path: Path, *, is_stream: bool) -> None:
        self._is_stream = is_stream
        super().__init__(path)

    @override
    def _open(self, columns: Sequence[str] | None) -> tuple[Any, Iterator[Any]]:
        import pyarrow

        source = pyarrow.memory_map(str(self.path))
        if self._is_stream:
            stream = pyarrow.ipc.open_stream(source)
            return stream.schema, _validated(stream)
        file = pyarrow.ipc.open_file(source)
        return file.schema, _validated(map(file.get_batch, range(file.num_record_batches)))


def _validated(batches: Iterable[Any]) -> Iterator[Any]:
    """The batches, in slices of bounded size. Raises pyarrow's errors if one is damaged."""
    for batch in batches:
        batch.validate(full=True)  # otherwise out-of-range indices crash the process
        yield from (batch.slice(start, _ROWS_AT_ONCE) for start in range(0, batch.num_rows, _ROWS_AT_ONCE))


def _array(batch: Any, column: Column) -> Any:
    from pyarrow import compute

    first, *rest = column
    return compute.struct_field(batch.column(first), rest) if rest else batch.column(first)


def _text(value: str | bytes | None) -> str | None:
    return value.decode() if isinstance(value, bytes) else value


def _is_text(of_type: Any) -> bool:
    from pyarrow import types

    return bool(types.is_string(of_type) or types.is_large_string(of_type) or types.is_string_view(of_type))


def _is_bytes(of_type: Any) -> bool:
    from pyarrow import types

    return bool(types.is_binary(of_type) or types.is_large_binary(of_type) or types.is_binary_view(of_type))


def _fields(fields: Any, matches: Callable[[Any], bool], path: Column = ()) -> Iterator[Column]:
    """The columns of an Arrow schema or struct type whose type matches."""
    from pyarrow import types

    for entry in fields:
        # A pandas categorical is stored as a dictionary.
        of_type = entry.type.value_type if types.is_dictionary(entry.type) else entry.type
        if types.is_struct(of_type):
            yield from _fields(of_type.fields, matches, (*path, entry.name))
        elif matches(of_type):
            yield (*path, entry.name)


def _variable_fields(fields: Any, path: Column = ()) -> Iterator[Column]:
    """The structs of an Arrow schema that hold a list of languages and one of translations."""
    from pyarrow import types

    for entry in fields:
        if types.is_struct(entry.type):
            inner = {field.name: field.type for field in entry.type.fields}
            if inner.keys() == {_LANGUAGE, _TRANSLATION} and all(map(types.is_list, inner.values())):
                yield (*path, entry.name)


def _languages(batch: Any, fields: Iterable[Column]) -> list[Column]:
    """A column for each language of the first rows."""
    columns: dict[Column, None] = {}
    for field in fields:
        for value in _array(batch, field).to_pylist():
            columns |= {(*field, language): None for language in (value or {}).get(_LANGUAGE) or () if language}
    return list(columns)


def _of_language(value: dict[str, list[str | None]] | None, language: str) -> str | None:
    """The first translation into a language."""
    pairs = zip((value or {}).get(_LANGUAGE) or (), (value or {}).get(_TRANSLATION) or (), strict=False)
    return next((text for code, text in pairs if code == language), None)
