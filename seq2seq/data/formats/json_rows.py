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
            if len(set(keys)) > 1:
                raise self.fault(number, f"its key is {keys[0]!r} in {names[0]}, but {keys[-1]!r} in {names[-1]}")
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
    """A row in each member of an object: a sentence as its key and the translation as its value."""

    form, unit = "a JSON object of sentences and their translations", "member"

    @override
    def values(self, columns: Collection[str] | None = None) -> Iterator[tuple[int, Any]]:
        number = 0
        with self._explained(lambda: number + 1):
            text = self._text()
            for key in text.members():
                value = text.value()
                number += 1
                yield number, [key, value]
            text.expect_end()

    def keys(self) -> list[str]:
        """The first keys if all first values are strings; otherwise none."""
        keys: list[str] = []
        with suppress(InputError):  # reported when the rows are read
            for _, (key, value) in islice(self.values(), _FIRST_MEMBERS):
                if not isinstance(value, str):
                    return []
                keys.append(key)
        return keys


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
    columns: list[str] = []
    with whole._explained(lambda: 1):
        text = whole._text()
        if text.next() == "[":
            return whole
        try:
            _find_arrays(text, arrays, columns)
            text.expect_end()
        except ValueError:
            if not arrays:
                raise
            # Reported with its number when the rows are read.
    if len(arrays) > 1:
        raise InputError(f"{path}: a JSON object with several arrays of rows ({listed(arrays)}); write each to a file")
    if arrays:
        return ArrayRows(path, encoding, arrays[0])
    if len(columns) >= _LEAST_COLUMNS:
        return ColumnRows(path, encoding, columns)
    if isinstance(_parsed(first), dict):
        return lines
    return _member_rows(path, encoding)


def _member_rows(path: Path, encoding: str) -> JsonRows:
    """The rows of an object that maps sentences to translations. Raises InputError if it does not."""
    rows = MemberRows(path, encoding)
    keys = rows.keys()
    if not keys:
        raise InputError(
            f"{path}: a JSON object without an array of rows at its top level; "
            'expected [{"en": "…", "fr": "…"}, …], or such rows one per line'
        )
    if sum(any(map(str.isspace, key)) or not key.isascii() for key in keys) * 2 < len(keys):
        raise InputError(
            f"{path}: a JSON object of strings whose keys look like names, not sentences ({listed(keys[:2])}); "
            'expected {"sentence": "translation", …} or [{"en": "…", "fr": "…"}, …]'
        )
    return rows


def _is_object_of_many(line: str) -> bool:
    """Whether a line is an object of many strings: too many for a row."""
    value = _parsed(line)
    return isinstance(value, dict) and len(value) >= _LEAST_MEMBERS and all(isinstance(v, str) for v in value.values())


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


def _find_arrays(text: JsonText, arrays: list[str], columns: list[str]) -> None:
    """Add the members of the object that begins here: arrays of rows to `arrays`, columns of strings to `columns`."""
    for key in text.members():
        if (opening := text.next()) not in ("[", "{"):
            text.skip()
            continue
        for index, _ in enumerate(text.elements() if opening == "[" else text.members()):
            if index:
                text.skip()
                continue
            first = text.value()
            if opening == "[" and isinstance(first, dict | list):
                arrays.append(key)
            elif isinstance(first, str):
                columns.append(key)
