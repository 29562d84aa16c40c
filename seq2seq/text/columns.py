"""Which two columns of a table hold the sentences: as named, or guessed from the languages and from common names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq.errors import InputError
from seq2seq.text.tables import Table

_USUAL_NAMES = [
    ("source", "target"),
    ("src", "tgt"),
    ("src", "trg"),
    ("source_text", "target_text"),
    ("source_sentence", "target_sentence"),
    ("sentence", "translation"),
    ("text", "translation"),
]
# What a column is called that holds no sentences. As a code, `id` is Indonesian: with its language given it is found.
_NUMBERS = {"id", "idx", "index", "key", "no", "number", "line"}
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?")


@dataclass(frozen=True)
class Wanted:
    """What is known about the columns before a table is opened; empty where it is not."""

    src_lang: str = ""
    tgt_lang: str = ""
    src_column: str = ""
    tgt_column: str = ""


def is_header(cells: Sequence[str], wanted: Wanted, *, usual: bool = False) -> bool:
    """Whether the first row of a table names its columns: as asked for, by the languages, or by usual names.

    usual: tables of this kind mostly have such a row, so that two language codes are one and not a pair of words.
    """
    named = {wanted.src_column, wanted.tgt_column} - {""}
    if named:
        return named <= set(cells)
    codes = usual and len(cells) == 2 and all(map(language_of, cells))
    by_languages = _by_languages(cells, wanted)
    languages = by_languages and all(map(language_of, by_languages))
    return bool(codes or languages or _both_named(cells, wanted) or _by_usual_names(cells))


def choose_columns(table: Table, wanted: Wanted) -> tuple[str, str]:
    """The source's and the target's column. Raises InputError where it takes a person to tell."""
    columns = table.columns
    for name in (wanted.src_column, wanted.tgt_column):
        if name and name not in columns:
            raise InputError(f"{table}: no text column {name}; it has {table.described}")
    if wanted.src_column and wanted.tgt_column:
        return wanted.src_column, wanted.tgt_column
    chosen = _by_languages(columns, wanted) or _by_usual_names(columns)
    if not chosen and not _of_other_languages(columns, wanted):
        chosen = _if_two(columns) or _if_two([name for name in columns if "." in name])
    if not chosen:
        raise InputError(
            f"{table}: which columns are the sentences? It has {table.described}; "
            "name them with --src-column and --tgt-column"
        )
    return chosen


def language_of(column: str) -> str:
    """The language code that a column is named by, as in `en` or `translation.en`; empty where it is not one."""
    leaf = column.rpartition(".")[2]
    return leaf if _LANGUAGE_CODE.fullmatch(leaf) and leaf not in {"src", "tgt", "trg"} else ""


def _by_languages(columns: Sequence[str], wanted: Wanted) -> tuple[str, str] | None:
    """The columns that the languages name; where one is not named, or not known, the other column of two."""
    src, tgt = (_of_language(columns, code) for code in (wanted.src_lang, wanted.tgt_lang))
    src = src or (_beside(columns, tgt, wanted.src_lang) if tgt else None)
    tgt = tgt or (_beside(columns, src, wanted.tgt_lang) if src else None)
    return (src, tgt) if src and tgt and src != tgt else None


def _both_named(columns: Sequence[str], wanted: Wanted) -> bool:
    src, tgt = (_of_language(columns, code) for code in (wanted.src_lang, wanted.tgt_lang))
    return bool(src and tgt and src != tgt)


def _beside(columns: Sequence[str], column: str, code: str) -> str | None:
    """The other column of two, or of the two in a struct, unless it is plainly not of the language `code`."""
    within = column.rpartition(".")[0]
    others = [name for name in columns if name != column and name.rpartition(".")[0] == within]
    if len(others) != 1 or (code and language_of(others[0])):
        return None
    return None if others[0].lower() in _NUMBERS else others[0]


def _of_other_languages(columns: Sequence[str], wanted: Wanted) -> bool:
    """Whether both languages are known and a column is named by a language all the same: then position says nothing."""
    return bool(wanted.src_lang and wanted.tgt_lang and any(map(language_of, columns)))


def _of_language(columns: Sequence[str], code: str) -> str | None:
    """The one column that is named by a language: `sw`, `translation.sw`, `sentence_sw`, `sw_text`."""
    if not code:
        return None
    named = re.compile(rf"(.*[._-])?{re.escape(code)}([._-].*)?", re.IGNORECASE)
    exact = [name for name in columns if name.rpartition(".")[2].lower() == code.lower()]
    found = exact or [name for name in columns if named.fullmatch(name)]
    return found[0] if len(found) == 1 else None


def _by_usual_names(columns: Sequence[str]) -> tuple[str, str] | None:
    lower = {name.lower(): name for name in columns}
    return next(((lower[src], lower[tgt]) for src, tgt in _USUAL_NAMES if src in lower and tgt in lower), None)


def _if_two(columns: Sequence[str]) -> tuple[str, str] | None:
    numbered = any(name.lower() in _NUMBERS for name in columns)
    return (columns[0], columns[1]) if len(columns) == 2 and not numbered else None
