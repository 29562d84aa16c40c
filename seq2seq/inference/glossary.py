"""Terms whose translations are given."""

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Self

from seq2seq.errors import InputError
from seq2seq.inference.termbase import read_termbase
from seq2seq.io.file_type import type_of_file
from seq2seq.io.lines import read_lines
from seq2seq.tokenizer.normalization import source_form, target_form
from seq2seq.tokenizer.spans import Span

# Scripts without blanks between words: Thai, Lao, Burmese, Khmer, Kana, Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)


class Glossary:
    """Finds terms on word boundaries, in any case."""

    def __init__(self, terms: Mapping[str, str]) -> None:
        """terms: their translations; both in the form of `tokenizer.normalization`."""
        self._terms = {term.lower(): (term, translation) for term, translation in terms.items()}
        by_length = sorted(self._terms, key=len, reverse=True)
        spaced = [term for term in by_length if not _UNSPACED.match(term)]
        unspaced = [term for term in by_length if _UNSPACED.match(term)]
        self._patterns = [
            re.compile(pattern.format("|".join(map(re.escape, terms))), re.IGNORECASE)
            for pattern, terms in ((r"(?<!\w)(?:{})(?!\w)", spaced), ("(?:{})", unspaced))
            if terms
        ]

    @classmethod
    def load(cls, path: Path, src_lang: str = "", tgt_lang: str = "") -> Self:
        """Read a file of one term per line: the term, a tab, its translation; or a TBX.

        src_lang, tgt_lang: languages of a TBX that are read.
        Raises InputError naming a line that is something else, or gives a term a second translation.
        """
        if type_of_file(path) == "tbx":
            return cls(read_termbase(path, src_lang, tgt_lang))
        terms: dict[str, str] = {}
        for number, line in enumerate(read_lines(path), start=1):
            if not line.strip():
                continue
            fields = line.split("\t")
            term, translation = (source_form(fields[0]), target_form(fields[1])) if len(fields) == 2 else ("", "")
            if not term or not translation:
                raise InputError(f"{path}, line {number:,}: not a term, a tab and its translation")
            if terms.setdefault(term, translation) != translation:
                raise InputError(f"{path}, line {number:,}: {term!r} has another translation above")
        if not terms:
            raise InputError(f"{path}: has no terms")
        return cls(terms)

    def find(self, text: str) -> list[Span]:
        """The terms in a text, in order and without overlap; of those that overlap, the first and then the longest."""
        matches = [match for pattern in self._patterns for match in pattern.finditer(text)]
        spans: list[Span] = []
        for match in sorted(matches, key=lambda match: (match.start(), -match.end())):
            known = self._terms.get(match[0].lower())
            if known and (not spans or match.start() >= spans[-1].end):
                spans.append(Span(*match.span(), translation=_in_case(*known, match[0])))
        return spans


def _in_case(term: str, translation: str, occurrence: str) -> str:
    """The translation of a term in the case of an occurrence."""
    if occurrence == term:
        return translation
    if occurrence.isupper() and len(occurrence) > 1:
        return translation.upper()
    if occurrence[0].isupper() and not term[0].isupper():
        return capitalized(translation)
    return translation


def capitalized(text: str) -> str:
    """The text with a capital at its start."""
    return text[:1].upper() + text[1:]
