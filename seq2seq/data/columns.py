"""Which two columns of a table hold the sentences: as named, or guessed from the languages and from common names."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from seq2seq.data.tables import Column, Table, written
from seq2seq.errors import InputError

_USUAL_NAMES = [
    ("source", "target"),
    ("src", "tgt"),
    ("src", "trg"),
    ("source_text", "target_text"),
    ("source_sentence", "target_sentence"),
    ("sentence", "translation"),
    ("text", "translation"),
]
_ROW_NUMBERS = {"id", "idx", "index", "line", "number", "row"}
_LANGUAGE_CODE = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4})?")


@dataclass(frozen=True)
class ColumnHints:
    """What is known about the columns before a table is opened; empty if it is not."""

    src_lang: str = ""
    tgt_lang: str = ""
    src_column: str = ""
    tgt_column: str = ""

    @property
    def languages(self) -> list[str]:
        """Those that are known."""
        return [code for code in (self.src_lang, self.tgt_lang) if code]


def is_header(cells: Sequence[str], hints: ColumnHints, *, usual: bool = False) -> bool:
    """Whether the first row of a table names its columns: as asked for, by the languages, or by usual names.

    usual: tables of this kind mostly have such a row, so that two language codes are one and not a pair of words.
    """
    named = {hints.src_column, hints.tgt_column} - {""}
    if named:
        return named <= set(cells)
    codes = len(cells) == 2 and all(map(language_of, cells)) and (usual or not set(cells).isdisjoint(hints.languages))
    columns = [(cell,) for cell in cells]
    return bool(codes or _by_languages(columns, hints) or _by_usual_names(columns))


def choose_columns(table: Table, hints: ColumnHints) -> tuple[Column, Column]:
    """The source's and the target's column. Raises InputError if it takes a person to tell."""
    columns = table.columns
    if hints.src_column and hints.tgt_column:
        named = _named(hints.src_column, table), _named(hints.tgt_column, table)
        if named[0] == named[1]:
            raise InputError(f"{table}: --src-column and --tgt-column are the same: {hints.src_column}")
        return named
    chosen = _by_languages(columns, hints) or _by_usual_names(columns) or _of_two(columns, hints)
    if not chosen:
        missing = [code for code in hints.languages if not _of_language(columns, code)]
        raise InputError(
            f"{table}: which columns are the sentences? It has {table.described}"
            f"{', none of them clearly ' + ' or '.join(missing) if missing else ''}; "
            "name them with --src-column and --tgt-column"
        )
    return chosen


def language_of(name: str) -> str:
    """The language code that a column or file is named by, as in `en` or `train.en`; empty if it is not one."""
    leaf = name.rpartition(".")[2]
    return leaf if _LANGUAGE_CODE.fullmatch(leaf) and leaf not in {"src", "tgt", "trg"} else ""


def _named(name: str, table: Table) -> Column:
    found = next((column for column in table.columns if written(column) == name), None)
    if found is None:
        raise InputError(f"{table}: no text column {name}; it has {table.described}")
    return found


def _by_languages(columns: Sequence[Column], hints: ColumnHints) -> tuple[Column, Column] | None:
    src, tgt = (_of_language(columns, code) for code in (hints.src_lang, hints.tgt_lang))
    return (src, tgt) if src and tgt and src != tgt else None


def _of_language(columns: Sequence[Column], code: str) -> Column | None:
    """The one column that is named by a language: `sw`, `translation.sw`, `sentence_sw`, `sw_text`."""
    if not code:
        return None
    named = re.compile(rf"(.*[._-])?{re.escape(code)}([._-].*)?", re.IGNORECASE)
    exact = [column for column in columns if _leaf(column) == code.lower()]
    found = exact or [column for column in columns if named.fullmatch(written(column))]
    return found[0] if len(found) == 1 else None


def _by_usual_names(columns: Sequence[Column]) -> tuple[Column, Column] | None:
    lower = {written(column).lower(): column for column in columns}
    return next(((lower[src], lower[tgt]) for src, tgt in _USUAL_NAMES if src in lower and tgt in lower), None)


def _of_two(columns: Sequence[Column], hints: ColumnHints) -> tuple[Column, Column] | None:
    """The only two columns, or the two of a struct: in the direction of a language that is known, or in their order.

    None where they are named by languages, but not by those that are known.
    """
    sentences = [one for one in columns if _leaf(one) not in _ROW_NUMBERS or _leaf(one) in hints.languages]
    fields = [one for one in sentences if len(one) > 1]
    two = next((some for some in (sentences, fields) if len(some) == 2), None)
    if not two:
        return None
    first, second = two
    if not hints.languages:
        return first, second
    src, tgt = (_of_language(two, code) for code in (hints.src_lang, hints.tgt_lang))
    if src and not hints.tgt_lang:
        return src, second if src == first else first
    if tgt and not hints.src_lang:
        return second if tgt == first else first, tgt
    return None if src or tgt or any(language_of(written(one)) for one in two) else (first, second)


def _leaf(column: Column) -> str:
    return written(column).rpartition(".")[2].lower()
