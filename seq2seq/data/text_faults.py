"""Faults in the text of training pairs, as it was read: lines in a wrong encoding, with entities, tags and the like.

Each check first looks through many lines at once: clean text costs little.
"""

import re
import unicodedata
from collections.abc import Callable
from html.entities import html5
from typing import NamedTuple

from seq2seq.config import Rule
from seq2seq.data.bitext import Pair
from seq2seq.data.findings import Finding

_SIDES = ("source", "target")

_LATIN = "\u0080-\u00bf\u0152\u0153\u0160\u0161\u0178\u017d\u017e\u0192\u02c6\u02dc\u2013-\u203a\u20ac\u2122\ufffd"
_CYRILLIC = "\u0402-\u040f\u0452-\u045f\u00a0-\u00bf\u2013-\u203a\u20ac\u2116\u2122"
# What UTF-8 looks like if it is read as Windows-1252 or Windows-1251, and U+FFFD.
_LIKE_MOJIBAKE = re.compile(
    f"[\u00c2-\u00f0\u0420\u0421\ufffd](?:(?<=\ufffd)|(?<=[\u00c2-\u00df])[{_LATIN}]|(?<=[\u00e0-\u00ef])[{_LATIN}]{{2}}"
    f"|(?<=\u00f0)[{_LATIN}]{{3}}|(?<=[\u0420\u0421])[{_CYRILLIC}][\u0420\u0421][{_CYRILLIC}])"
)
# What is given to ftfy: characters on each side of a match, and parts of a text at most.
_CONTEXT, _MOST_PARTS = 200, 50
_ENTITY = re.compile(r"&(?:#\d{1,7}|#[xX][0-9a-fA-F]{1,6}|(\w{2,31}));")
_TAG = re.compile(r"</?[A-Za-z][^<>]{0,500}>")
# A number, or a verse with or without its book, before text: `12. `, `Gen 1:1 `, `b.GEN.1.1 `.
_NUMBER = re.compile(
    r"[\[(]?(?:\d{1,7}|(?:[1-4]\.?[ ._]?)?(?:[^\W\d_]+[ ._]+){0,4}\d{1,3}[:.,]\d{1,3}(?:[-\u2013]\d{1,3})?)[\])]?[.:)]?"
    r"[ \u00a0]+[^\w\s]*[^\W\d_]"
)
# Characters within which it ends.
_NUMBER_ENDS = 50
_DIGIT = re.compile(r"\d")
_JOINER = re.compile(r"\S ?@-@ ?\S|\S@@ ")
_LETTER = re.compile(r"[^\W\d_]")
_ENDS = (".", "。", "।", "။")
_SPACED_ENDS = tuple(f" {end}" for end in _ENDS)
_LEAST_ENDS = 20


class TextFaults:
    """The faults of one source."""

    def __init__(self) -> None:
        self._findings = {
            (name, side): Finding(name, False, side=side) for side in _SIDES for name in (*_CHECKS, "tokenised")
        }
        self._ends = dict.fromkeys(_SIDES, 0)
        self._joiners = dict.fromkeys(_SIDES, 0)
        self.returns = 0
        """Carriage returns inside lines."""
        self.number_sequences = 0
        """Sides that are several numbers."""

    def inspect(self, pairs: list[Pair]) -> dict[Rule, bytearray]:
        """Count the faults of the next pairs. Returns whether each breaks a cleaning rule, by rule."""
        broken: dict[Rule, bytearray] = {"mojibake": bytearray(len(pairs)), "markup": bytearray(len(pairs))}
        for side, texts in zip(_SIDES, ([pair.src for pair in pairs], [pair.tgt for pair in pairs]), strict=True):
            whole = "\n".join(texts)
            for number in _where(_MOJIBAKE, texts, whole):
                broken["mojibake"][number] = True
            for name, check in _CHECKS.items():
                for number in _where(check, texts, whole):
                    if name == "tags" and _is_only_markup(texts[number]):
                        broken["markup"][number] = True
                        continue
                    self._findings[name, side].add(pairs[number].line)
                    self.number_sequences += name == "wordless" and " " in texts[number]
            self.returns += whole.count("\r")
            self._count_ends(side, pairs, texts, whole)
        return broken

    def findings(self) -> list[Finding]:
        """What was found."""
        findings = [finding for finding in self._findings.values() if finding.count]
        return [finding for finding in findings if finding.rule != "tokenised" or self._is_tokenised(finding)]

    def _count_ends(self, side: str, pairs: list[Pair], texts: list[str], whole: str) -> None:
        """Count the lines that are tokenised, as far as their ends or the marks of a tokenizer show it."""
        finding = self._findings["tokenised", side]
        marked = "@" in whole
        for pair, text in zip(pairs, texts, strict=True):
            has_end = text.endswith(_ENDS)
            self._ends[side] += has_end
            joined = marked and bool(_JOINER.search(text))
            self._joiners[side] += joined
            if joined or (has_end and text.endswith(_SPACED_ENDS)):
                finding.add(pair.line)

    def _is_tokenised(self, finding: Finding) -> bool:
        """Whether most lines that end in a full stop have a blank before it, or some the marks of a tokenizer."""
        ends = self._ends[finding.side]
        return self._joiners[finding.side] > _LEAST_ENDS or (finding.count > ends / 2 and ends >= _LEAST_ENDS)


class _Check(NamedTuple):
    """A fault that a text may have."""

    is_possible: Callable[[str], bool]
    """Whether any of the lines of a text may have it."""
    is_in: Callable[[str], bool]


def _where(check: _Check, texts: list[str], whole: str) -> list[int]:
    """The numbers of the texts that have a fault. whole: all of them, one per line."""
    if not check.is_possible(whole):
        return []
    return [number for number, text in enumerate(texts) if check.is_in(text)]


def _has_entity(text: str) -> bool:
    return "&" in text and any(not name or f"{name};" in html5 for name in _ENTITY.findall(text))


def _is_only_markup(text: str) -> bool:
    rest = _TAG.sub("", text)
    return not any(map(str.isalnum, rest))


def _is_nfc(text: str) -> bool:
    return unicodedata.is_normalized("NFC", text)


def _is_wordless(text: str) -> bool:
    """Whether a text that is not blank has no letter; most begin with one."""
    return bool(text) and not text[0].isalpha() and not _LETTER.search(text)


def _is_numbered(text: str) -> bool:
    return bool(_DIGIT.search(text, 0, _NUMBER_ENDS) and _NUMBER.match(text, 0, _NUMBER_ENDS))


def _is_mojibake(text: str) -> bool:
    """Whether ftfy would decode part of a text anew, or a character of it was lost."""
    start = 0
    for _ in range(_MOST_PARTS):
        match = _LIKE_MOJIBAKE.search(text, start)
        if not match:
            return False
        start = match.end() + _CONTEXT // 2
        if _would_change(text[max(0, match.start() - _CONTEXT) : match.end() + _CONTEXT]):
            return True
    return False


def _would_change(part: str) -> bool:
    from ftfy import fix_encoding

    return "\ufffd" in part or fix_encoding(part) != part


_MOJIBAKE = _Check(lambda whole: not whole.isascii() and bool(_LIKE_MOJIBAKE.search(whole)), _is_mojibake)
_CHECKS = {
    "returns": _Check(lambda whole: "\r" in whole, lambda text: "\r" in text),
    "tabs": _Check(lambda whole: "\t" in whole, lambda text: "\t" in text),
    "entities": _Check(_has_entity, _has_entity),
    "tags": _Check(lambda whole: "<" in whole, lambda text: bool(_TAG.search(text))),
    "decomposed": _Check(lambda whole: not _is_nfc(whole), lambda text: not _is_nfc(text)),
    "numbered": _Check(lambda whole: bool(_DIGIT.search(whole)), _is_numbered),
    "wordless": _Check(lambda _: True, _is_wordless),
}
