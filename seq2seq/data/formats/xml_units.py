"""Translation units in XML: translation memories (TMX) and XLIFF.

Of inline markup the text is kept, also that of the codes of the translated document, which the translation has too:
`<bpt i="1">&lt;b&gt;</bpt>` is `<b>`. Elements without text, such as `<ph x="1"/>`, are dropped.
"""

import re
from abc import abstractmethod
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import lru_cache
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from typing_extensions import override

from seq2seq.data.formats.table import FIRST_ROWS, Column, InvalidLines, Table
from seq2seq.errors import InputError
from seq2seq.io.compression import DamagedFileError, open_decompressed
from seq2seq.io.xml_stream import inline_text, xml_elements

if TYPE_CHECKING:
    from lxml.etree import _Element as Element

_CHUNK = 2**16
_XML_LANG = "{http://www.w3.org/XML/1998/namespace}lang"
_UNTRANSLATED_STATES = {"new", "initial", "needs-translation"}
_FUZZY_STATE = re.compile(r"needs-(review|adaptation|l10n)")


class XmlTable(Table):
    """Rows in elements with one of the names `tags`."""

    tags: tuple[str, ...]

    def __init__(self, path: Path, encoding: str = "", invalid_lines: InvalidLines = None) -> None:
        """encoding: instead of the one that the file declares."""
        super().__init__(path, invalid_lines)
        self._encoding = encoding
        self.columns = [(name,) for name in self._column_names()]

    @abstractmethod
    def _column_names(self) -> list[str]:
        """The languages; the source first if the file says which it is."""

    def _elements(self, *tags: str) -> "Iterator[Element]":
        number = 0
        with _explained(self.path, lambda: number), open_decompressed(self.path) as stream:
            chunks = iter(lambda: stream.read(_CHUNK), b"")
            for element in xml_elements(chunks, tags, self._encoding):
                number += not str(element.tag).endswith("header")
                yield element


class XmlUnits(XmlTable):
    """A row for each translated unit."""

    @abstractmethod
    def _sides(self, unit: "Element", src: str, tgt: str) -> tuple[str, str] | str:
        """The text in two languages, or the kind of a unit that is left out. Raises ValueError if it is invalid."""

    @override
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        self.omitted.clear()
        for number, unit in enumerate(self._elements(*self.tags), start=1):
            try:
                sides = self._sides(unit, src_column[0], tgt_column[0])
            except ValueError as error:
                self.invalid_rows.add(number, InputError(f"{self.path}, unit {number}: {error}"))
                continue
            if isinstance(sides, str):
                self.omitted[sides] += 1
            else:
                yield number, *sides


class TmxTable(XmlUnits):
    """A translation memory: of several variants of a unit in one language, the first."""

    form = "TMX"
    tags = ("tu",)

    @override
    def _column_names(self) -> list[str]:
        source, names = "", dict[str, None]()
        for element in islice(self._elements("header", *self.tags), FIRST_ROWS):
            source = source or _language(element.get("srclang", ""))
            names |= dict.fromkeys(name for name, _ in _variants(element))
        # The header may say `en` where the units have `en-GB`.
        return sorted(names, key=lambda name: name != source and _primary(name) != _primary(source))

    @override
    def _sides(self, unit: "Element", src: str, tgt: str) -> tuple[str, str] | str:
        variants = dict(reversed([*_variants(unit)]))
        if src in variants and tgt in variants:
            sides = inline_text(variants[src]), inline_text(variants[tgt])
            if all(map(str.strip, sides)):
                return sides
        return "units without a translation"


class XliffTable(XmlUnits):
    """XLIFF 1.2 or 2: of the latter each segment is a unit. Suggestions and notes are not read."""

    tags = ("trans-unit", "segment")

    @property
    @override
    def form(self) -> str:
        return f"XLIFF {self._version}".strip()

    @override
    def _column_names(self) -> list[str]:
        self._version, names = "", dict[str, None]()
        for unit in islice(self._elements(*self.tags), FIRST_ROWS):
            self._version = self._version or _inherited(unit, "version")
            names |= dict.fromkeys(_languages(unit))
        return list(names)

    @override
    def _sides(self, unit: "Element", src: str, tgt: str) -> tuple[str, str] | str:
        languages = _languages(unit)
        if {src, tgt} != set(languages):
            return "units in other languages"
        source, target = unit.find("{*}source"), unit.find("{*}target")
        state = unit.get("state") or (target is not None and target.get("state")) or ""
        if target is None or source is None or state in _UNTRANSLATED_STATES:
            return "untranslated units"
        texts = dict(zip(languages, map(inline_text, (source, target)), strict=True))
        if not all(map(str.strip, texts.values())):
            return "untranslated units"
        return "fuzzy units" if _FUZZY_STATE.match(state) else (texts[src], texts[tgt])


def _variants(unit: "Element") -> "Iterator[tuple[str, Element]]":
    """The languages of a TMX unit, and the text in each."""
    for variant in unit.iterfind("{*}tuv"):
        name, segment = variant.get(_XML_LANG) or variant.get("lang"), variant.find("{*}seg")
        if name and segment is not None:
            yield _language(name), segment


def _languages(unit: "Element") -> list[str]:
    """The source and the target language of an XLIFF unit; `source` or `target` where the file does not say."""
    source = _inherited(unit, "source-language", "srcLang") or "source"
    target = _inherited(unit, "target-language", "trgLang") or "target"
    return [_language(source), _language(target)]


def _inherited(element: "Element", *attributes: str) -> str:
    """The first of these attributes that an ancestor has, the closest first."""
    ancestors = list(element.iterancestors())
    return next((value for node in ancestors for name in attributes if (value := node.get(name))), "")


@lru_cache
def _language(tag: str) -> str:
    """A language tag as the file writes it, but in the usual case: `EN-us` is `en-US`, `zh-hans` is `zh-Hans`."""
    primary, *subtags = re.split("([-_])", tag)
    return primary.lower() + "".join(map(_in_usual_case, subtags))


def _in_usual_case(subtag: str) -> str:
    """A region has two letters, a script four."""
    return {2: str.upper, 4: str.title}.get(len(subtag), str.lower)(subtag)


def _primary(tag: str) -> str:
    return re.split("[-_]", tag, maxsplit=1)[0]


@contextmanager
def _explained(path: Path, count: Callable[[], int]) -> Iterator[None]:
    """Errors as InputError. count: the units that were read."""
    try:
        yield
    except DamagedFileError as error:
        what, reason = error.args
    except (ValueError, OSError) as error:
        what, reason = "cannot be read", str(error)
    else:
        return
    raise InputError(f"{path}: {what} after unit {count():,} ({reason})") from None
