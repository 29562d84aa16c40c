"""Tables as JSON: a row is an object, or an array of its cells."""

from collections.abc import Iterator, Mapping, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

from typing_extensions import override

from seq2seq.data.formats.json_rows import find_rows
from seq2seq.data.formats.table import FIRST_ROWS, Column, InvalidLines, InvalidRows, Table, column_name, listed
from seq2seq.errors import InputError
from seq2seq.io.lines import undecodable

_SIDES = 2
# Fields of the `TranslationVariableLanguages` of the datasets library.
_LANGUAGES, _TRANSLATIONS = "language", "translation"
# Fields of a text in one language, `{"lang": "en", "text": "…"}`.
_LANGUAGE_FIELDS = ("lang", "language", "lang_code", "language_code", "locale", "code")
_TEXT_FIELDS = ("text", "sentence", "translation", "value", "content", "string")


class JsonTable(Table):
    """`{"a": {"b": …}}` is the column `a.b`; the cells of an array are the columns 1, 2, ….

    A cell may be a list of translations: the row stands for a pair with each. A list of texts that name their
    language, as a row or as a cell, is an object by language.
    """

    def __init__(self, path: Path, encoding: str = "", invalid_lines: InvalidLines = None) -> None:
        super().__init__(path, invalid_lines)
        self._rows = find_rows(path, encoding, self.invalid_rows.decoding)
        is_text: dict[Column, bool] = {}
        nested: dict[Column, None] = {}
        for _, row in islice(self._objects(), FIRST_ROWS):
            for column, value in _leaves(row):
                is_text[column] = is_text.get(column, False) or _is_text(value)
                if isinstance(value, list) and any(isinstance(entry, dict) for entry in value):
                    nested[column] = None
        if sum(is_text.values()) < _SIDES and nested:
            names = listed(list(map(column_name, nested)))
            raise InputError(
                f"{path}: its rows hold arrays of objects ({names}), not two sentences; "
                'write the pairs as one array, [{"en": "…", "fr": "…"}, …]'
            )
        self.invalid_rows = InvalidRows(invalid_lines)
        self.columns = [column for column, has_text in is_text.items() if has_text]
        self.is_named = not all(column_name(column).isdecimal() for column in self.columns)

    @property
    @override
    def form(self) -> str:
        return self._rows.form

    @override
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        for number, row in self._objects({src_column[0], tgt_column[0]}):
            try:
                src, tgt = (self._texts(row, column, number) for column in (src_column, tgt_column))
                if len(src) != len(tgt) and 1 not in (len(src), len(tgt)):
                    raise self._rows.fault(number, f"{len(src)} source sentences but {len(tgt)} target sentences")
            except InputError as error:
                self.invalid_rows.add(number, error)
                continue
            count = max(len(src), len(tgt))
            for src_text, tgt_text in zip(src * (count // len(src)), tgt * (count // len(tgt)), strict=True):
                yield number, src_text, tgt_text

    def _objects(self, columns: set[str] | None = None) -> Iterator[tuple[int, Mapping[str, Any]]]:
        """The rows that are objects or arrays, as objects; any other is invalid."""
        for number, value in self._rows.values(columns):
            if isinstance(value, dict):
                yield number, {name: _by_language(cell) for name, cell in value.items()}
            elif by_language := _texts_by_language(value):
                yield number, by_language
            elif isinstance(value, list):
                yield number, {str(index): cell for index, cell in enumerate(value, start=1)}
            else:
                error = self._rows.fault(number, "not a JSON object with the two sentences in it")
                self.invalid_rows.add(number, value if isinstance(value, InputError) else error)

    def _texts(self, row: Mapping[str, Any], column: Column, number: int) -> list[str]:
        """The text of a cell, or those of a list."""
        value: Any = row
        for name in column:
            if value is None:
                return [""]
            if not isinstance(value, Mapping) or name not in value:
                raise self._rows.fault(number, f"has no {column_name(column)}")
            value = value[name]
        texts = value if isinstance(value, list) and value else [value]
        return ["" if text is None or text == [] else self._checked(text, column, number) for text in texts]

    def _checked(self, value: Any, column: Column, number: int) -> str:
        if not isinstance(value, str):
            raise self._rows.fault(number, f"{column_name(column)} is not a string")
        if undecodable(value):
            raise self._rows.fault(number, f"{column_name(column)} is not valid Unicode (a lone surrogate)")
        return value


def _leaves(value: Mapping[str, Any], path: Column = ()) -> Iterator[tuple[Column, Any]]:
    for name, inner in value.items():
        if isinstance(inner, dict):
            yield from _leaves(inner, (*path, name))
        else:
            yield (*path, name), inner


def _is_text(value: Any) -> bool:
    return isinstance(value, str) or (isinstance(value, list) and any(isinstance(text, str) for text in value))


def _by_language(value: Any) -> Any:
    """Texts in several languages, as an object by language; anything else as it is."""
    if by_language := _texts_by_language(value):
        return by_language
    if not isinstance(value, dict) or value.keys() != {_LANGUAGES, _TRANSLATIONS}:
        return value
    languages, translations = value[_LANGUAGES], value[_TRANSLATIONS]
    if not isinstance(languages, list) or not isinstance(translations, list):
        return value
    # The first of several translations into a language.
    return dict(reversed([*zip(map(str, languages), translations, strict=False)]))


def _texts_by_language(value: Any) -> dict[str, Any]:
    """A list of texts that name their language, the first text in each; empty if it is anything else."""
    if not isinstance(value, list) or not all(isinstance(entry, dict) for entry in value):
        return {}
    texts = [(_field(entry, _LANGUAGE_FIELDS), _field(entry, _TEXT_FIELDS)) for entry in value]
    is_by_language = all(language and isinstance(text, str) for language, text in texts)
    return {str(language): text for language, text in reversed(texts)} if is_by_language else {}


def _field(entry: Mapping[str, Any], names: Sequence[str]) -> Any:
    """The first of these fields that an object has."""
    return next((entry[name] for name in names if name in entry), None)
