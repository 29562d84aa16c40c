"""Terms whose translations are given."""

import re
from collections.abc import Iterator, Mapping, Sequence
from functools import lru_cache
from pathlib import Path
from typing import Self

from seq2seq.data.languages import language_code
from seq2seq.errors import InputError
from seq2seq.inference.termbase import read_termbase
from seq2seq.io.file_type import type_of_file
from seq2seq.io.lines import read_lines
from seq2seq.tokenizer.letter_case import LetterCase
from seq2seq.tokenizer.normalization import source_form, target_form
from seq2seq.tokenizer.spans import MARK, SPAN_MARK, Span

# Scripts without blanks between words: Thai, Lao, Burmese, Khmer, Kana, Han.
_UNSPACED = re.compile(
    "[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff]"
)
_APOSTROPHES = re.compile("['\u2019]")


class Glossary:
    """Finds terms on word boundaries: as given, and those in lower case also with a capital or in capitals."""

    def __init__(self, terms: Mapping[str, str], src_lang: str = "", tgt_lang: str = "") -> None:
        """terms: their translations; both in the form of `tokenizer.normalization`.

        src_lang, tgt_lang: ISO 639 codes, for the case of letters. Raises InputError for a translation with a
        character that stands for spans.
        """
        for term, translation in terms.items():
            if mark := MARK.search(translation):
                raise InputError(f"the translation of {term!r} has the private character {mark[0]!a}: leave it out")
        cases = LetterCase(src_lang), LetterCase(tgt_lang)
        self._translations = {_key(term): translation for term, translation in terms.items()}
        for term, translation in terms.items():
            for form, translated in _other_cases(term, translation, *cases):
                self._translations.setdefault(_key(form), translated)
        by_length = sorted(self._translations, key=len, reverse=True)
        spaced = [form for form in by_length if not _UNSPACED.match(form)]
        unspaced = [form for form in by_length if _UNSPACED.match(form)]
        self._patterns = [
            re.compile(pattern.format("|".join(map(_pattern, forms))))
            for pattern, forms in ((r"(?<!\w)(?:{})(?!\w)", spaced), ("(?:{})", unspaced))
            if forms
        ]

    @classmethod
    def load(cls, path: Path, src_lang: str = "", tgt_lang: str = "") -> Self:
        """Read a file of one term per line: the term, a tab, its translation; or a TBX.

        src_lang, tgt_lang: names or codes, of effect for the case of letters and for which terms of a TBX are read.
        Raises InputError naming a line that is something else, or gives a term a second translation.
        """
        src_lang, tgt_lang = language_code(src_lang), language_code(tgt_lang)
        if type_of_file(path) == "tbx":
            return cls(read_termbase(path, src_lang, tgt_lang), src_lang, tgt_lang)
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
        return cls(terms, src_lang, tgt_lang)

    def find(self, text: str) -> list[Span]:
        """The terms in a text, in order and without overlap; of those that overlap, the first and then the longest."""
        matches = [match for pattern in self._patterns for match in pattern.finditer(text)]
        spans: list[Span] = []
        for match in sorted(matches, key=lambda match: (match.start(), -match.end())):
            if not spans or match.start() >= spans[-1].end:
                spans.append(Span(*match.span(), translation=self._translations[_key(match[0])]))
        return spans


def has_terms(translation: str, terms: Sequence[str]) -> bool:
    """Whether a translation has all of these, on word boundaries, in their case or with a capital at its start."""
    longest_first = sorted(terms, key=len, reverse=True)
    return any(_has_each(text, longest_first) for text in (translation, translation[:1].lower() + translation[1:]))


def _has_each(text: str, terms: Sequence[str]) -> bool:
    """Whether a text has these, each at a place of its own."""
    for term in terms:
        text, found = _occurrences(term).subn(SPAN_MARK, text, count=1)
        if not found:
            return False
    return True


@lru_cache
def _occurrences(term: str) -> re.Pattern[str]:
    is_word = re.match(r"\w", term), re.search(r"\w$", term)
    before, after = (r"(?<!\w)" if is_word[0] else ""), (r"(?!\w)" if is_word[1] else "")
    unspaced = _UNSPACED.match(term)
    return re.compile(re.escape(term) if unspaced else before + re.escape(term) + after)


def _other_cases(term: str, translation: str, src: LetterCase, tgt: LetterCase) -> Iterator[tuple[str, str]]:
    """A term in other cases, with its translation in these; a term with capitals inside has none."""
    if term[1:] == src.lower(term[1:]):
        yield src.capitalize(term), tgt.capitalize_first(translation)
        if len(term) > 1:
            yield src.upper(term), tgt.upper(translation)


def _key(form: str) -> str:
    """Equal for forms that differ in their apostrophes and in the number of blanks."""
    return re.sub(" +", " ", _APOSTROPHES.sub("'", form))


def _pattern(key: str) -> str:
    return re.escape(key).replace(r"\ ", " +").replace("'", "['\u2019]")
