"""Test sets of WMT in XML: the sources of a document, and its translations in another element."""

from collections.abc import Iterator
from itertools import islice
from typing import TYPE_CHECKING

from typing_extensions import override

from seq2seq.data.formats.table import FIRST_ROWS, Column
from seq2seq.data.formats.xml_units import XmlTable
from seq2seq.errors import InputError
from seq2seq.io.xml_stream import inline_text

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_SIDES = {"src": "source", "ref": "target"}
"""The elements that are read, and their names where they do not tell the language."""


class WmtTable(XmlTable):
    """A row for each segment of `<src>` and the first `<ref>` of a language in each `<doc>`."""

    form = "WMT test set"
    tags = ("doc",)

    @override
    def _column_names(self) -> list[str]:
        names: dict[str, None] = {}
        for document in islice(self._elements(*self.tags), FIRST_ROWS):
            names |= dict.fromkeys(_by_language(document))
        return list(names)

    @override
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        self.omitted.clear()
        number = 0
        for document in self._elements(*self.tags):
            sides = _by_language(document)
            src, tgt = (_segments(sides.get(column[0])) for column in (src_column, tgt_column))
            for identifier in src | tgt:
                number += 1
                if identifier not in src or identifier not in tgt:
                    self.omitted["units without a translation"] += 1
                    continue
                try:
                    yield number, inline_text(src[identifier]), inline_text(tgt[identifier])
                except ValueError as error:
                    self.invalid_rows.add(number, InputError(f"{self.path}, segment {number}: {error}"))


def _by_language(document: "Element") -> "dict[str, Element]":
    """The source of a document and its first translation into each language, by language."""
    sides: dict[str, Element] = {}
    for tag, name in _SIDES.items():
        for side in document.iterfind(tag):
            sides.setdefault(side.get("lang") or name, side)
    return sides


def _segments(side: "Element | None") -> "dict[str, Element]":
    """By their ids, or by their positions if they have none."""
    segments = () if side is None else side.iter("seg")
    return {segment.get("id") or str(position): segment for position, segment in enumerate(segments, start=1)}
