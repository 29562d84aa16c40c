"""What `translate` reports about the lines of a file, or the rows of a table, once all are translated."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from seq2seq.data.languages import language_code, language_name, other_language
from seq2seq.tokenizer.normalization import source_form

if TYPE_CHECKING:
    from seq2seq.inference.translator import Translation

_SHOWN = 3
# Lines with text of which the language is determined, and characters of each.
_SAMPLE, _LONGEST_SAMPLE = 200, 1000
# Mean confidence from which on a text is in the language of the model.
_CONFIDENT = 50.0


@dataclass(frozen=True)
class Source:
    """What a model was trained to translate."""

    language: str = ""
    """Code or name, or empty."""
    characters: frozenset[str] = frozenset()
    """Those of the training text; empty if they are unknown."""


class Summary:
    """Watches translations as they pass, in constant memory."""

    def __init__(self, min_confidence: float, source: Source, *, unit: str = "line", advice: str = "") -> None:
        """min_confidence: below which a translation is unreliable. unit: what is counted.

        advice: what to do about unreliable translations.
        """
        self._min_confidence, self._source, self._unit, self._advice = min_confidence, source, unit, advice
        self._count = self._estimates = 0
        self._confidence = 0.0
        self._sample: list[str] = []
        self._unreliable, self._unknown, self._cut, self._long = (_Numbers(unit) for _ in range(4))

    def watch(self, translations: "Iterable[Translation]") -> "Iterator[Translation]":
        """Pass the translations of lines on."""
        for translation in translations:
            self.add([translation])
            yield translation

    def add(self, translations: "Sequence[Translation]") -> None:
        """Add those of the next line, or of the lines in the cell of the next row."""
        self._count += 1
        estimates = [translation.confidence for translation in translations if translation.confidence is not None]
        self._confidence += sum(estimates)
        self._estimates += len(estimates)
        if any(estimate < self._min_confidence for estimate in estimates):
            self._unreliable.add(self._count)
        if any(translation.reached_limit for translation in translations):
            self._cut.add(self._count)
        if any(translation.exceeds_limit for translation in translations):
            self._long.add(self._count)
        sources = [translation.source for translation in translations if translation.parts]
        if any(map(self._is_unknown, sources)):
            self._unknown.add(self._count)
        self._sample += [source[:_LONGEST_SAMPLE] for source in sources[: _SAMPLE - len(self._sample)]]

    def warnings(self) -> list[str]:
        """What was seen, most important first."""
        found = [language] if (language := self._other_language()) else []
        if self._unreliable.count:
            found.append(
                f"{self._unreliable.of(self._count)} {self._unreliable.verb('look', 'looks')} unreliable "
                f"{self._unreliable}{self._advice}"
            )
        if self._unknown.count:
            verb = self._unknown.verb("are", "is")
            found.append(
                f"{self._unknown.of(self._count)} {verb} mostly in letters that training never saw {self._unknown}"
            )
        if self._cut.count:
            found.append(
                f"{self._cut.of(self._count)} reached the length limit and may be incomplete or repetitive {self._cut}"
            )
        if self._long.count:
            found.append(
                f"{self._long.of(self._count)} {self._long.verb('have', 'has')} a sentence over the model's length "
                f"limit, which is translated in parts {self._long}"
            )
        return found

    def _is_unknown(self, text: str) -> bool:
        """Whether most letters of a text are in no case among those of training."""
        known = self._source.characters
        if not known or known.issuperset(text):
            return False
        letters = [letter for letter in source_form(text) if letter.isalpha()]
        unknown = sum(known.isdisjoint(_variants(letter)) for letter in letters)
        return 2 * unknown > len(letters)

    def _other_language(self) -> str:
        """A warning if the text is in another language than the model's, and translations are bad accordingly."""
        if self._estimates and self._confidence / self._estimates >= _CONFIDENT:
            return ""
        try:
            own = language_code(self._source.language)
            language = other_language(self._sample, own)
        except ModuleNotFoundError:  # an installation for translating only recognises no languages
            return ""
        if not language:
            return ""
        return f"the text looks like {language_name(language)}; the model translates from {language_name(own)}"


def _variants(letter: str) -> str:
    """A letter in either case, and of ordinary width."""
    return letter + letter.lower() + letter.upper() + unicodedata.normalize("NFKC", letter)


@dataclass
class _Numbers:
    """How many lines or rows are of a kind, and the numbers of the first ones."""

    unit: str
    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, number: int) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(number)

    def of(self, total: int) -> str:
        return f"{self.count:,} of {total:,} {self.unit}{'s' * (total != 1)}"

    def verb(self, plural: str, singular: str) -> str:
        return singular if self.count == 1 else plural

    def __str__(self) -> str:
        plural = f"{self.unit}s" if self.count == len(self.first) else "first:"
        label = self.unit if self.count == 1 else plural
        return f"({label} {', '.join(f'{number:,}' for number in self.first)})"
