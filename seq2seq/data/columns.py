"""Which two columns of a table hold the sentences: as given, or inferred from the languages and from common names."""

import re
from collections import Counter
from collections.abc import Sequence
from contextlib import suppress
from copy import copy
from dataclasses import dataclass
from itertools import combinations, islice

from seq2seq.data.formats.table import FIRST_ROWS, Column, InvalidRows, Table, column_name
from seq2seq.data.languages import LANGUAGE_TAG, language_code
from seq2seq.errors import InputError

_COMMON_NAMES = [
    ("source", "target"),
    ("src", "tgt"),
    ("src", "trg"),
    ("source_text", "target_text"),
    ("source_sentence", "target_sentence"),
    ("sentence", "translation"),
    ("text", "translation"),
]
# Columns of PO and XLIFF files that do not say their languages.
_UNNAMED_LANGUAGES = [("msgid",), ("msgstr",), ("source",), ("target",)]
_ROW_NUMBERS = {"id", "idx", "index", "line", "no", "nr", "number", "row"}
_NOT_LANGUAGES = {"src", "tgt", "trg"}
# Words of a header that may stand next to a language.
_HEADER_WORDS = {"sentence", "sentences", "text", "source", "target", "src", "tgt", "translation", "segment", "phrase"}
_WORD_BREAK = re.compile(r"[\s._()-]+")
_CAPITALS = re.compile(r"\s*[A-Z]{2,3}([-_][A-Z]{2})?\s*")
_READINGS = 2
# Characters of a cell in a message, and of one that are looked at.
_SHOWN, _MOST_READ = 50, 1000


@dataclass(frozen=True)
class ColumnHints:
    """What is known about the columns before a table is opened; empty if unknown."""

    src_lang: str = ""
    tgt_lang: str = ""
    src_column: str = ""
    tgt_column: str = ""

    @property
    def languages(self) -> list[str]:
        """The known languages."""
        return [code for code in (self.src_lang, self.tgt_lang) if code]


def is_header(cells: Sequence[str], hints: ColumnHints, *, usual: bool = False) -> bool:
    """Whether the first row of a table is a header: it has the given columns, the languages, or common names.

    usual: tables of this kind mostly have a header, so that two language codes are one and not a pair of words.
    """
    given = {hints.src_column, hints.tgt_column} - {""}
    if given and (given <= set(cells) or not all(map(str.isdecimal, given))):
        return given <= set(cells)
    columns = [(cell,) for cell in cells]
    return bool(_are_languages(cells, hints, usual) or _by_languages(columns, hints) or _by_common_names(columns))


def _are_languages(cells: Sequence[str], hints: ColumnHints, usual: bool) -> bool:
    """Whether two or more cells, next to others that are no language, name different ones. Short codes may be words."""
    codes = {cell.strip(): _header_language(cell) for cell in cells}
    named = {cell: code for cell, code in codes.items() if code}
    if len(named) > 2:
        named = {cell: code for cell, code in named.items() if cell.lower() not in _ROW_NUMBERS}
    if len(named) < 2 or len(set(named.values())) != len(named):
        return False
    known = {_language(name) or name for name in hints.languages}
    is_usual = usual and len(named) == 2
    return is_usual or not known.isdisjoint(named.values()) or all(len(cell) > 2 for cell in named)


def _header_language(cell: str) -> str:
    """The language that a cell names, alone or with words of a header: `fra`, `French sentence`, `text_en`."""
    words = [word for word in _WORD_BREAK.split(cell.strip().lower()) if word not in _HEADER_WORDS]
    return _language(cell) or (_language(words[0]) if len(words) == 1 else "")


def choose_columns(table: Table, hints: ColumnHints) -> tuple[Column, Column]:
    """The source and the target column. Raises InputError if they cannot be inferred."""
    columns = table.columns
    if hints.src_column and hints.tgt_column:
        named = named_column(hints.src_column, table), named_column(hints.tgt_column, table)
        if named[0] == named[1]:
            raise InputError(f"{table}: --src-column and --tgt-column are the same column, {hints.src_column}")
        return named
    # A column of numbers may have the name of a language: "No".
    for candidates in (table.candidates, columns):
        chosen = (
            _by_languages(candidates, hints)
            or _only_languages(candidates, hints)
            or _with_unnamed_language(candidates, hints)
            or _by_common_names(candidates)
            or _only_two(candidates, hints)
        )
        if chosen:
            return chosen
    raise _ambiguous(table, hints)


def _ambiguous(table: Table, hints: ColumnHints) -> InputError:
    if len(table.columns) == 1 and not table.is_named:
        return InputError(
            f"{table}: only one column, {table.description}; one pair per line is expected, its sentences separated by "
            "a tab, a comma, a semicolon, | or |||"
        )
    missing = [code for code in hints.languages if not _of_language(table.columns, code)]
    lacks = f", none of them clearly {' or '.join(missing)}" if missing else ""
    readings = [
        f"--src-column {column_name(src)} --tgt-column {column_name(tgt)} gives {first}"
        for src, tgt in islice(combinations(table.candidates, 2), _READINGS)
        if (first := first_cells(table, src, tgt))
    ]
    shown = f" ({'; '.join(readings)})" if readings else ""
    languages = [column for column in table.columns if table.is_named and language_of(column_name(column))]
    may_choose = len(languages) > 1 and not hints.languages
    by_language = "choose with --src-lang and --tgt-lang, or " if may_choose else ""
    return InputError(
        f"{table}: which columns are the sentences? It has {table.description}{lacks}; "
        f"{by_language}name them with --src-column and --tgt-column{shown}"
    )


def first_cells(table: Table, src: Column, tgt: Column) -> str:
    """The first pair of a table without a blank side, for messages; empty if there is none among the first rows."""
    # A copy, so that rows which are skipped on the way are counted once.
    probe = copy(table)
    probe.invalid_rows, probe.omitted = InvalidRows("skip"), Counter()
    with suppress(InputError):
        for _, *cells in islice(probe.rows(src, tgt), FIRST_ROWS):
            if all(cell.strip() for cell in cells):
                return " → ".join(map(_shortened, cells))
    return ""


def _shortened(cell: str) -> str:
    text = " ".join(cell[:_MOST_READ].split())
    return text if len(text) <= _SHOWN else f"{text[: _SHOWN - 1]}…"


def language_of(name: str) -> str:
    """The language in the name of a column or file, as in `en`, `train.swh_Latn`, `French` or `text_fr`.

    Empty if there is none.

    A code stays as it is.
    """
    leaf = name.rpartition(".")[2].strip()
    code = _language(leaf)
    return leaf if code and LANGUAGE_TAG.fullmatch(leaf) else code or _header_language(leaf)


def _language(name: str) -> str:
    """The code of a language, also in capitals; empty for what is none, or mostly means something else."""
    if name.strip().lower() in _NOT_LANGUAGES:
        return ""
    return language_code(name.strip()) or (language_code(name.strip().lower()) if _CAPITALS.fullmatch(name) else "")


def named_column(name: str, table: Table) -> Column:
    """The column with this name, or this number from 1. Raises InputError if there is none."""
    by_name = {column_name(column): column for column in reversed(table.columns)}
    by_position = {str(position): column for position, column in enumerate(table.columns, start=1)}
    column = by_name.get(name) or by_position.get(name)
    if column is None:
        raise InputError(f"{table}: no text column {name}; it has {table.description}")
    return column


def _by_languages(columns: Sequence[Column], hints: ColumnHints) -> tuple[Column, Column] | None:
    src, tgt = (_of_language(columns, code) for code in (hints.src_lang, hints.tgt_lang))
    return (src, tgt) if src and tgt and src != tgt else None


def _of_language(columns: Sequence[Column], language: str) -> Column | None:
    """The only column with a language in its name: `sw`, `Swahili`, `sentence_swh_Latn`, `sw_text`."""
    if not language:
        return None
    wanted = _language(language) or language.lower()

    def names(text: str) -> bool:
        return text.lower() == language.lower() or _language(text) == wanted

    exact = [column for column in columns if names(_leaf(column))]
    named = re.compile(rf"(.*[._ -])?{re.escape(language)}([._ -].*)?", re.IGNORECASE)
    matches = exact or [
        column
        for column in columns
        if named.fullmatch(column_name(column)) or any(map(names, re.split(r"[._ -]", column_name(column))))
    ]
    return matches[0] if len(matches) == 1 else None


def _only_languages(columns: Sequence[Column], hints: ColumnHints) -> tuple[Column, Column] | None:
    """The only two columns that are named by a language, where the known languages do not say otherwise."""
    named = [column for column in columns if _language(_leaf(column)) and _leaf(column) not in _ROW_NUMBERS]
    return _directed(named, hints) if len(named) == 2 else None


def _with_unnamed_language(columns: Sequence[Column], hints: ColumnHints) -> tuple[Column, Column] | None:
    """Two columns of which one is not named by a language: it is in the other one of the known languages."""
    named = [column for column in columns if column not in _UNNAMED_LANGUAGES]
    if len(columns) != 2 or len(named) != 1 or not hints.languages or not _language(_leaf(named[0])):
        return None
    unnamed = columns[1 - columns.index(named[0])]
    if _of_language(named, hints.src_lang) or (not hints.src_lang and not _of_language(named, hints.tgt_lang)):
        return named[0], unnamed
    return (unnamed, named[0]) if not hints.tgt_lang or _of_language(named, hints.tgt_lang) else None


def _by_common_names(columns: Sequence[Column]) -> tuple[Column, Column] | None:
    lower = {column_name(column).lower(): column for column in columns}
    return next(((lower[src], lower[tgt]) for src, tgt in _COMMON_NAMES if src in lower and tgt in lower), None)


def _only_two(columns: Sequence[Column], hints: ColumnHints) -> tuple[Column, Column] | None:
    """The only two columns, or the two of a struct: in the direction of a known language, or in their order.

    None if they are named by languages, but not by the known ones.
    """
    sentences = [column for column in columns if _leaf(column) not in _ROW_NUMBERS or _leaf(column) in hints.languages]
    fields = [column for column in sentences if len(column) > 1]
    pair = next((candidates for candidates in (sentences, fields) if len(candidates) == 2), None)
    if not pair:
        return None
    if hints.languages and any(language_of(column_name(column)) for column in pair):
        return _directed(pair, hints)
    return _directed(pair, hints) or (pair[0], pair[1])


def _directed(pair: Sequence[Column], hints: ColumnHints) -> tuple[Column, Column] | None:
    """Two columns in the direction of the known languages, or in their order; None if the known ones are others."""
    first, second = pair
    if not hints.languages:
        return first, second
    src, tgt = (_of_language(pair, language) for language in (hints.src_lang, hints.tgt_lang))
    if src and not hints.tgt_lang:
        return src, second if src == first else first
    if tgt and not hints.src_lang:
        return second if tgt == first else first, tgt
    return (src, tgt) if src and tgt and src != tgt else None


def _leaf(column: Column) -> str:
    return column_name(column).rpartition(".")[2].lower()
