"""PO files, the message catalogues of gettext, entry by entry."""

import re
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

from typing_extensions import override

from seq2seq.data.formats.table import Column, InvalidLines, Table
from seq2seq.errors import InputError
from seq2seq.io.lines import DecodingErrors, read_lines, undecodable

# The first line of an entry, if a translation precedes it; obsolete entries are comments.
_ENTRY_START = re.compile(r"#(?!~\s*(\"|msgstr|msgid_plural))|msg(id|ctxt)\b")
_TRANSLATION = re.compile(r"(#~\s*)?msgstr\b")
# What templates have instead of a charset; UTF-8, the default, may begin with a byte order mark.
_DEFAULT_CHARSETS = {"CHARSET", "UTF-8", "UTF8"}
_LONGEST_ENTRY = 100_000


class PoTable(Table):
    """A row for each translated message, two for one with a plural: its first and its last form.

    The columns are the languages that the header names (`X-Source-Language`, `Language`), otherwise msgid and msgstr.
    """

    form = "PO"

    def __init__(self, path: Path, encoding: str = "", invalid_lines: InvalidLines = None) -> None:
        """encoding: instead of the one in the header."""
        super().__init__(path, invalid_lines)
        header = self._header()
        charset = re.search(r"charset=\s*([\w.:-]+)", header.get("Content-Type", ""))
        declared = charset[1] if charset and charset[1].upper() not in _DEFAULT_CHARSETS else ""
        self._encoding = encoding or declared
        self._msgid = (header.get("X-Source-Language") or "msgid",)
        self.columns = [self._msgid, (header.get("Language") or "msgstr",)]

    @override
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        self.omitted.clear()
        for line, lines in _entries(self.path, self._encoding, self.invalid_rows.decoding):
            if any(map(undecodable, lines)):
                self.invalid_rows.add(line, InputError(f"{self.path}, line {line}: not UTF-8"))
                continue
            try:
                entry = _parsed(lines)
            except ValueError as error:
                self.invalid_rows.add(line, InputError(f"{self.path}, line {line}: not a valid PO entry ({error})"))
                continue
            if entry is None or entry.isheader():
                continue
            if kind := _omitted_as(entry):
                self.omitted[kind] += 1
                continue
            for source, target in _forms(entry):
                yield (line, source, target) if src_column == self._msgid else (line, target, source)

    def _header(self) -> dict[str, str]:
        """The fields of the header that are ASCII: the others cannot be decoded yet."""
        from translate.storage.poheader import parseheaderstring

        try:
            first = next(_entries(self.path, ""), None)
        except InputError:  # it is not UTF-8
            first = next(_entries(self.path, "latin-1"), None)
        with suppress(ValueError):  # reported when the rows are read
            entry = _parsed(first[1]) if first else None
            if entry is not None and entry.isheader():
                fields: dict[str, str] = parseheaderstring(str(entry.target))  # type: ignore[no-untyped-call]
                return {name: value for name, value in fields.items() if value.isascii()}
        return {}


def _entries(path: Path, encoding: str, errors: DecodingErrors = "strict") -> Iterator[tuple[int, list[str]]]:
    """The lines of each entry, and the number of the first. errors: see `read_lines`."""
    start, lines, is_translated = 1, list[str](), False
    all_lines = read_lines(path, encoding=encoding, errors=errors, document="po")
    for number, line in enumerate(all_lines, start=1):
        if is_translated and _ENTRY_START.match(line):
            yield start, lines
            start, lines, is_translated = number, [], False
        if not line.isspace() and line:
            start = start if lines else number
            lines.append(line.removesuffix("\r") + "\n")
        is_translated = is_translated or bool(_TRANSLATION.match(line))
        if len(lines) > _LONGEST_ENTRY:
            raise InputError(f"{path}, line {start}: an entry of over {_LONGEST_ENTRY:,} lines; is this a PO file?")
    if lines:
        yield start, lines


def _parsed(lines: list[str]) -> Any:
    """An entry, a `pounit` of the Translate Toolkit; None if it is only a comment. Raises ValueError."""
    from translate.storage.poparser import PoParseError, PoParseState, parse_unit
    from translate.storage.pypo import pounit

    try:
        state = PoParseState(lines, pounit, "utf-8")
        entry = parse_unit(state)
    except PoParseError as error:
        raise ValueError(str(error).partition(" on line ")[0]) from None
    if not state.eof:
        raise ValueError(f"unexpected {state.next_line.strip()[:40]!r}")
    return entry if entry is not None and entry.msgid else None


def _omitted_as(entry: Any) -> str:
    """The kind of an entry that is left out; otherwise empty."""
    if entry.isobsolete():
        return "obsolete units"
    if entry.isfuzzy():
        return "fuzzy units"
    return "" if all(target.strip() for _, target in _forms(entry)) else "untranslated units"


def _forms(entry: Any) -> list[tuple[str, str]]:
    """The source and the target of an entry; of one with a plural, the first and the last form."""
    if not entry.hasplural():
        return [(str(entry.source), str(entry.target))]
    sources, targets = ([str(form) for form in text.strings] for text in (entry.source, entry.target))
    return [(sources[0], targets[0]), (sources[-1], targets[-1])]
