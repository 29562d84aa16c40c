"""Where the rows of a JSON file are: one per line, in an array, or across an array per column."""

import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, suppress
from itertools import islice, zip_longest
from pathlib import Path
from typing import Any

from typing_extensions import override

from seq2seq.data.formats.json_text import JsonText
from seq2seq.data.formats.table import listed
from seq2seq.errors import InputError
from seq2seq.io.lines import LONGEST_LINE, DecodingErrors, read_blocks, read_lines

_LEAST_COLUMNS = 2
_LONGEST_PATH = 60
# Members of an object that tell whether it maps sentences to translations, and the fewest on a single line.
_FIRST_MEMBERS, _LEAST_MEMBERS = 100, 10


class JsonRows(ABC):
    """The rows of a file as JSON values."""

    form: str
    """For messages."""
    unit = "element"

    def __init__(self, path: Path, encoding: str) -> None:
        self.path, self._encoding = path, encoding

    @abstractmethod
    def values(self, columns: Collection[str] | None = None) -> Iterator[tuple[int, Any]]:
        """The number and the value of each row; an InputError instead of the value where one row alone is damaged.

        columns: those that are needed, at the top level; None for all.
        Raises InputError if nothing can be read from there on.
        """

    def fault(self, number: int, what: str) -> InputError:
        """An error about a row."""
        return InputError(f"{self.path}, {self.unit} {number}: {what}")

    def _text(self) -> JsonText:
        return JsonText(read_blocks(self.path, encoding=self._encoding), LONGEST_LINE)

    @contextmanager
    def _explained(self, number: Callable[[], int]) -> Iterator[None]:
        try:
            yield
        except RecursionError:
            raise self.fault(number(), "not valid JSON (nested too deeply)") from None
        except ValueError as error:
            raise self.fault(number(), f"not valid JSON ({error})") from None


class LineRows(JsonRows):
    """A row on each line."""

    form, unit = "JSON lines", "line"

    def __init__(self, path: Path, encoding: str, decoding: DecodingErrors) -> None:
        """decoding: of bytes that are not UTF-8, see `read_lines`."""
        super().__init__(path, encoding)
        self._decoding: DecodingErrors = decoding

    @override
    def values(self, columns: Collection[str] | None = None) -> Iterator[tuple[int, Any]]:
        for line, text in enumerate(read_lines(self.path, encoding=self._encoding, errors=self._decoding), start=1):
            if text.strip():
                try:
                    yield line, json.loads(text)
                except (ValueError, RecursionError) as error:
                    is_python = text.lstrip().startswith(("{'", "['", "('"))
                    hint = "; this looks like Python, write the rows with json.dumps" if is_python else ""
                    yield line, self.fault(line, f"not valid JSON ({error}){hint}")


class ArrayRows(JsonRows):
    """A row in each element of an array: the whole file, or a member of an object."""

    def __init__(self, path: Path, encoding: str, key: str | None = None) -> None:
        """key: of the member; None if the array is the file."""
        super().__init__(path, encoding)
        self._key = key
        self.form = "a JSON array" if key is None else f"a JSON array under {key[:40]!r}"

    @override
    def values(self, columns: Collection[str] | None = None) -> Iterator[tuple[int, Any]]:
        number = 0
        with self._explained(lambda: number + 1):
            text = self._text()
            for _ in self._positions(text):
                value = text.value()
                number += 1
                yield number, value
            text.expect_end()

    def _positions(self, text: JsonText) -> Iterator[None]:
        """The elements of the array, each of which is to be consumed."""
        if self._key is None:
            yield from text.elements()
            return
        for key in text.members():
            if key == self._key:
                yield from text.elements()
            else:
                text.skip()


class ColumnRows(JsonRows):
    """An array for each column, or an object with the same keys for each, as pandas writes them."""

    form, unit = "a JSON array for each column", "row"

    def __init__(self, path: Path, encoding: str, columns: Collection[str]) -> None:
        super().__init__(path, encoding)
        self._columns = columns

    @override
    def values(self, columns: Collection[str] | None = None) -> Iterator[tuple[int, Any]]:
        names = [name for name in self._columns if columns is None or name in columns]
        # A reader for each column, so that none has to be in memory.
        for number, entries in enumerate(zip_longest(*map(self._column, names)), start=1):
            if None in entries:
                short = names[entries.index(None)]
                raise InputError(f"{self.path}: the columns differ in length; {short} has {number - 1:,} values")
            keys, cells = zip(*entries, strict=True)
            for name, key, cell in zip(names, keys, cells, strict=True):
                if isinstance(cell, dict):
                    raise _nested(self.path, _path_of_text(f"{name}.{key}", cell))
            if len(set(keys)) > 1:
                differ = f"its key is {keys[0]!r} in {names[0]}, but {keys[-1]!r} in {names[-1]}"
                raise self.fault(number, f"{differ}; all need the same keys in the same order")
            yield number, dict(zip(names, cells, strict=True))

    def _column(self, name: str) -> Iterator[tuple[str, Any]]:
        """The values of a column, each with its key, which is empty in an array."""
        number = 0
        with self._explained(lambda: number + 1):
            text = self._text()
            for key in text.members():
                if key != name:
                    text.skip()
                    continue
                for row_key in text.elements() if text.next() == "[" else text.members():
                    value = text.value()
                    number += 1
                    yield row_key or "", value
                return


class MemberRows(JsonRows):
    """A row in each member of an object, as its value; the key is a name, such as that of a message."""

    form, unit = "a JSON object of rows", "member"

    @override
    def values(self, columns: Collection[str] | None = None) -> Iterator[tuple[int, Any]]:
        number = 0
        with self._explained(lambda: number + 1):
            text = self._text()
            for key in text.members():
                value = text.value()
                number += 1
                yield number, self._row(key, value)
            text.expect_end()

    def first(self) -> list[Any]:
        """The first rows."""
        rows: list[Any] = []
        with suppress(InputError):  # reported when the rows are read
            rows.extend(row for _, row in islice(self.values(), _FIRST_MEMBERS))
        return rows

    def _row(self, _: str, value: Any) -> Any:
        return value


class TranslatedMembers(MemberRows):
    """A row in each member of an object: a sentence as its key and the translation, or several, as its value."""

    form = "a JSON object of sentences and their translations"

    @override
    def _row(self, key: str, value: Any) -> Any:
        return [key, value]


def find_rows(path: Path, encoding: str, decoding: DecodingErrors) -> JsonRows:
    """The rows of a JSON file. Raises InputError if it cannot be read, or there is no or more than one place for them.

    decoding: of lines that are not UTF-8.
    """
    lines = LineRows(path, encoding, decoding)
    first, second = _first_two_lines(path, encoding)
    if not second and _is_object_of_many(first):
        return _member_rows(path, encoding)
    if _is_row(first, second):
        return lines
    whole = ArrayRows(path, encoding)
    arrays: list[str] = []
    columns: dict[str, int] = {}
    with whole._explained(lambda: 1):
        text = whole._text()
        if text.next() == "[":
            return whole
        try:
            _find_arrays(text, arrays, columns)
            if len(columns) <= _FIRST_MEMBERS:
                text.expect_end()
        except ValueError:
            if not arrays:
                raise
            # Reported with its number when the rows are read.
    if len(arrays) > 1:
        raise InputError(f"{path}: a JSON object with several arrays of rows ({listed(arrays)}); write each to a file")
    if arrays:
        return ArrayRows(path, encoding, arrays[0])
    if len(columns) >= _LEAST_MEMBERS and max(columns.values()) < len(columns):
        return _member_rows(path, encoding)
    if len(columns) >= _LEAST_COLUMNS:
        return ColumnRows(path, encoding, columns)
    if isinstance(_parsed(first), dict):
        return lines
    return _member_rows(path, encoding)


def _member_rows(path: Path, encoding: str) -> JsonRows:
    """The rows of an object of objects, or of one that maps sentences to translations.

    Raises InputError if it is neither.
    """
    members = TranslatedMembers(path, encoding).first()
    values = [value for _, value in members]
    if values and all(isinstance(value, dict) for value in values):
        texts = [{name for name, text in value.items() if isinstance(text, str)} for value in values]
        if not set.intersection(*texts):
            raise _nested(path, _path_of_text(*members[0]))
        return MemberRows(path, encoding)
    if not values or not all(isinstance(text, str) for value in values for text in _as_list(value)):
        raise InputError(
            f"{path}: a JSON object without an array of rows at its top level; "
            'expected [{"en": "…", "fr": "…"}, …], or such rows one per line'
        )
    keys = [key for key, _ in members]
    if sum(any(map(str.isspace, key)) or not key.isascii() for key in keys) * 2 < len(keys):
        raise InputError(
            f"{path}: a JSON object of strings whose keys look like names, not sentences ({listed(keys[:2])}); "
            'expected {"sentence": "translation", …} or [{"en": "…", "fr": "…"}, …]'
        )
    return TranslatedMembers(path, encoding)


def _nested(path: Path, example: str) -> InputError:
    return InputError(
        f"{path}: a JSON object of nested messages (such as {example}), not of rows; write each message with its "
        'translation, {"' + example.rpartition(".")[2] + '": {"en": "…", "fr": "…"}, …}'
    )


def _path_of_text(key: str, value: Any) -> str:
    """The keys of the first text in an object, shortened: `menu.file.open`."""
    while isinstance(value, dict) and value:
        name, value = next(iter(value.items()))
        key = f"{key}.{name}"
    return key[:_LONGEST_PATH]


def _as_list(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _is_object_of_many(line: str) -> bool:
    """Whether a line is an object of many strings, or of many objects: too many for a row."""
    value = _parsed(line)
    if not isinstance(value, dict) or len(value) < _LEAST_MEMBERS:
        return False
    return any(all(isinstance(member, kind) for member in value.values()) for kind in (str, dict))


def _first_two_lines(path: Path, encoding: str) -> tuple[str, str]:
    """Empty if there are none, or they are so long that the file must be one array."""
    with suppress(InputError):
        lines = (line.strip() for line in read_lines(path, encoding=encoding, errors="surrogateescape"))
        filled = filter(None, lines)
        return next(filled, ""), next(filled, "")
    return "[", ""


def _is_row(first: str, second: str) -> bool:
    """Whether the first line is a row, or cannot be the beginning of anything else."""
    if first.startswith("{") and second.startswith("{"):
        return True  # even if one of them is damaged
    value = _parsed(first)
    if value is None:
        return first[:1] not in ("{", "[") or first[1:2] == "'"
    if isinstance(value, list):
        is_text = all(isinstance(cell, str | None) for cell in value)
        return bool(second) if is_text else bool(_parsed(second))
    return not isinstance(value, dict) or not any(isinstance(cell, list | dict) for cell in value.values())


def _parsed(line: str) -> Any:
    """The value on a line; None if it is not JSON."""
    try:
        return json.loads(line)
    except (ValueError, RecursionError):
        return None


def _find_arrays(text: JsonText, arrays: list[str], columns: dict[str, int]) -> None:
    """Add the members of the object that begins here: arrays of rows to `arrays`, columns of strings to `columns`.

    columns: with their lengths. Ends early if there are more of them than a table has.
    """
    for key in text.members():
        if (opening := text.next()) not in ("[", "{"):
            text.skip()
            continue
        if len(columns) > _FIRST_MEMBERS:
            return
        for index, _ in enumerate(text.elements() if opening == "[" else text.members()):
            if index:
                text.skip()
                if key in columns:
                    columns[key] += 1
                continue
            first = text.value()
            if opening == "[" and isinstance(first, dict | list):
                arrays.append(key)
            elif isinstance(first, str):
                columns[key] = 1
