"""`seq2seq translate --table`: a column of translations."""

import re
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from seq2seq.cli.translation_summary import Summary
from seq2seq.errors import InputError

if TYPE_CHECKING:
    from seq2seq.data.new_column import ExtendedTable, Row
    from seq2seq.inference.translator import Translation

_LINE_BREAK = re.compile(r"(\r\n|\r|\n)")


def check_options(
    table: str | None, src_column: str | None, tgt_column: str | None, *, has_input: bool, is_plain: bool
) -> None:
    """Raises InputError if options of a table are missing, or do not go with each other or with the others.

    is_plain: whether one translation per line is to be written, and nothing else.
    """
    if not table:
        if src_column or tgt_column:
            raise InputError(f"{'--src-column' if src_column else '--tgt-column'} is for a --table, which is missing")
        return
    if has_input:
        raise InputError("--table and -i cannot be combined: give either a table or a text")
    if not src_column:
        raise InputError("--table needs --src-column: the name of the column to translate, or its number")
    if not is_plain:
        raise InputError("--table has one translation per row: leave out --n-best, --scores and --json")
    if tgt_column and src_column.isdecimal():
        raise InputError("--src-column is a number, which means that the table has no header: leave out --tgt-column")


@dataclass(frozen=True)
class Threshold:
    """Below which confidence a translation is left out."""

    min_confidence: float | None = None
    keeps_source: bool = False
    """Whether the source is written instead; otherwise nothing."""

    def accepts(self, translation: "Translation") -> bool:
        """Whether a translation is written."""
        confidence = translation.confidence
        return self.min_confidence is None or confidence is None or confidence >= self.min_confidence


def translated_table(
    table: "ExtendedTable",
    translate: "Callable[[Iterator[str]], Iterator[Translation]]",
    threshold: Threshold,
    summary: Summary,
) -> Iterator[str]:
    """The text of each row with its translation; of a cell of several lines, each is translated.

    translate: lines, in bounded memory. summary: takes the translations.
    """
    read: deque[tuple[Row, list[str]]] = deque()

    def lines() -> Iterator[str]:
        for row in table.rows():
            parts = [] if row.source is None else _LINE_BREAK.split(row.source)
            read.append((row, parts))
            yield from parts[::2]

    translations = translate(lines())
    for translation in translations:
        yield from _above(read)
        row, parts = read.popleft()
        cell = [translation, *(next(translations) for _ in parts[2::2])]
        summary.add(cell)
        yield table.text(row, _cell(row.source or "", cell, parts[1::2], threshold))
    yield from _above(read)


def _above(read: "deque[tuple[Row, list[str]]]") -> Iterator[str]:
    """The text of the next rows, up to one with a cell to translate."""
    while read and not read[0][1]:
        row, _ = read.popleft()
        yield row.before + row.after


def _cell(source: str, translations: "list[Translation]", breaks: list[str], threshold: Threshold) -> str:
    """The translation of a cell; a line that is not reliable enough leaves out all of it."""
    if not all(map(threshold.accepts, translations)):
        return source if threshold.keeps_source else ""
    texts = [translation.hypotheses[0].text for translation in translations]
    return "".join(text + end for text, end in zip(texts, [*breaks, ""], strict=True))
