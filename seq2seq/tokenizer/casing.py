"""The case of words in training text, and lines in another case brought back to it.

A word is written as it mostly is in training, away from the start of a sentence: "Haus" in German, "NATO", "Paris".
"""

import re
from collections import Counter
from collections.abc import Iterator
from enum import Enum, auto
from functools import cached_property
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

from seq2seq.tokenizer.letter_case import WORD, LetterCase
from seq2seq.tokenizer.spans import SPAN_MARK, TAG_MARK

_MOST_WORDS = 20_000
_LONGEST_WORD = 40
# Words that are counted at the same time; beyond them, those that occurred once are forgotten.
_MOST_COUNTED = 400_000
# A case is usual from this share of lines on.
_USUAL = 0.1
_ALWAYS = 0.9
_LOWER_CASED = 0.98
_SHORTEST_SHOUT, _LONGEST_PARTICLE = 4, 3
_SENTENCE_END = re.compile(rf"[.!?:…][\"'”’»)\]{TAG_MARK}]*\s+")

_Words = Annotated[str, Field(max_length=_MOST_WORDS * (_LONGEST_WORD + 1))]
_Count = Annotated[int, Field(ge=0, le=2**53)]


class CasePattern(Enum):
    """How a line differs in case from those of training."""

    USUAL = auto()
    UPPER = auto()
    LOWER = auto()
    TITLE = auto()
    UNCAPITALIZED = auto()
    """It starts with a lower-case letter; otherwise it is as usual."""


class Casing(BaseModel):
    """The case of one side's training lines and of their words."""

    model_config = ConfigDict(frozen=True, extra="forbid", strict=True)

    lines: _Count = 0
    """With letters that have case."""
    upper: _Count = 0
    """Of these, lines in capitals."""
    lower: _Count = 0
    capitalized: _Count = 0
    """Lines that start with a capital."""
    capital_words: _Words = ""
    """Words that mostly have a capital, in the form that they mostly have, separated by blanks."""
    lower_words: _Words = ""
    """Words that are mostly in lower case."""
    capitalize_unknown: bool = False
    """Whether rare words mostly have a capital, as in German, so that unknown ones get one."""

    @property
    def is_lower_cased(self) -> bool:
        """Whether training was in lower case throughout."""
        return self.lines > 0 and self.lower >= _LOWER_CASED * self.lines

    @property
    def capitalizes_sentences(self) -> bool:
        """Whether nearly all lines start with a capital."""
        return self.lines > 0 and self.capitalized >= _ALWAYS * self.lines

    @property
    def expects_upper(self) -> bool:
        """Whether lines in capitals are usual."""
        return self.upper >= _USUAL * self.lines

    @property
    def expects_lower(self) -> bool:
        """Whether lines in lower case are usual."""
        return self.lower >= _USUAL * self.lines


class CasingLearner:
    """Collects the `Casing` of lines."""

    def __init__(self) -> None:
        self._words: Counter[str] = Counter()
        self._lines = self._upper = self._lower = self._capitalized = 0

    def add(self, line: str) -> None:
        """Count the words of a line."""
        for sentence in _SENTENCE_END.split(line):
            self._words.update(WORD.findall(sentence)[1:])
        if line.islower():
            self._lines += 1
            self._lower += 1
        elif line != line.lower():
            self._lines += 1
            self._upper += line.isupper()
            first = WORD.search(line)
            self._capitalized += first is not None and not first[0][0].islower()
        if len(self._words) > _MOST_COUNTED:
            self._words = Counter({word: count for word, count in self._words.items() if count > 1})

    def finish(self, letter_case: LetterCase) -> Casing:
        """The casing of all lines."""
        by_key: dict[str, Counter[str]] = {}
        for word, count in self._words.items():
            if len(word) <= _LONGEST_WORD:
                by_key.setdefault(letter_case.lower(word), Counter())[word] += count
        totals = Counter({key: forms.total() for key, forms in by_key.items()})
        usual = {key: max(forms, key=lambda form: (forms[form], form)) for key, forms in by_key.items()}
        known = [usual[key] for key, _ in totals.most_common()]
        rare = [form for key, form in usual.items() if totals[key] == 1]
        return Casing(
            lines=self._lines,
            upper=self._upper,
            lower=self._lower,
            capitalized=self._capitalized,
            capital_words=" ".join(
                [form for form in known if not form.islower() and form.lower() != form][:_MOST_WORDS]
            ),
            lower_words=" ".join([form for form in known if form.islower()][:_MOST_WORDS]),
            capitalize_unknown=2 * sum(not form.islower() for form in rare) > len(rare),
        )


class Truecaser:
    """Brings lines of an unusual case into that of training."""

    def __init__(self, casing: Casing, letter_case: LetterCase) -> None:
        self.casing = casing
        self._letter_case = letter_case

    @cached_property
    def _forms(self) -> dict[str, str]:
        """The usual form of each known word in lower case."""
        words = [*self.casing.lower_words.split(), *self.casing.capital_words.split()]
        return {self._letter_case.lower(word): word for word in words}

    @cached_property
    def _forms_of_capitals(self) -> dict[str, str]:
        """The usual form of each word that has other letters in capitals, such as "ß"."""
        lowered = ((self._letter_case.lower(self._letter_case.upper(form)), form) for form in self._forms.values())
        return {word: form for word, form in lowered if word not in self._forms}

    def pattern(self, text: str) -> CasePattern:
        """How the text differs from training; usual if nothing known in it shows that."""
        if not self._forms:
            return CasePattern.USUAL
        if text.isupper():
            return CasePattern.UPPER if not self.casing.expects_upper and self._is_shouted(text) else CasePattern.USUAL
        if text.islower():
            return self._lower_pattern(text)
        if self._starts_lower(text):
            return CasePattern.UNCAPITALIZED
        return CasePattern.TITLE if self._is_title(text) else CasePattern.USUAL

    def truecase(self, text: str) -> str:
        """The text with each word in its usual form, and a capital at the start of sentences if that is usual."""
        words = WORD.sub(lambda match: self._form(match[0]), text)
        return self.capitalize(words) if self.casing.capitalizes_sentences else words

    def capitalize(self, text: str) -> str:
        """The text with a capital at the start of each sentence."""
        sentences, start = [], 0
        for end in (*(match.end() for match in _SENTENCE_END.finditer(text)), len(text)):
            sentences.append(self.capitalize_first(text[start:end]))
            start = end
        return "".join(sentences)

    def capitalize_first(self, text: str) -> str:
        """The text with a capital at the start of its first word."""
        first = _first_word(text)
        if not first or not first[0].islower():
            return text
        return text[: first.start()] + self._letter_case.capitalize(first[0]) + text[first.end() :]

    def uncapitalize_first(self, text: str, kept: str) -> str:
        """The text with its first word in lower case, unless that mostly has a capital, or is unknown and in `kept`."""
        first = _first_word(text)
        if not first:
            return text
        word = self._letter_case.uncapitalize(first[0])
        form = self._forms.get(word)
        if form is None and (self.casing.capitalize_unknown or first[0] in kept):
            return text
        return text[: first.start()] + word + text[first.end() :] if form in (None, word) else text

    def _form(self, word: str) -> str:
        key = self._letter_case.lower(word)
        form = self._known_form(word, key)
        if form is None:
            return self._letter_case.capitalize(key) if self.casing.capitalize_unknown else key
        return form

    def _known_form(self, word: str, key: str) -> str | None:
        """key: the word in lower case."""
        return self._forms.get(key) or (self._forms_of_capitals.get(key) if word.isupper() else None)

    def _is_shouted(self, text: str) -> bool:
        """Whether a line in capitals has a word that is not usually written so. A short word alone may be a name."""
        words = [word for word in WORD.findall(text) if len(word) > 1]
        if len(words) == 1 and len(words[0]) < _SHORTEST_SHOUT:
            return False
        return any(not form.isupper() for form in self._known_forms(words))

    def _lower_pattern(self, text: str) -> CasePattern:
        if self.casing.expects_lower:
            return CasePattern.USUAL
        sentences = [WORD.findall(sentence) for sentence in _SENTENCE_END.split(text)]
        has_lost_capitals = any(not form.islower() for words in sentences for form in self._known_forms(words[1:]))
        starts_lower = self.casing.capitalizes_sentences
        if has_lost_capitals or (starts_lower and len(sentences) > 1):
            return CasePattern.LOWER
        return CasePattern.UNCAPITALIZED if starts_lower and self._starts_lower(text) else CasePattern.USUAL

    def _starts_lower(self, text: str) -> bool:
        if not self.casing.capitalizes_sentences:
            return False
        first = _first_word(text)
        return first is not None and first[0].islower()

    def _is_title(self, text: str) -> bool:
        """Whether a line has a capital at every word but short ones, most of which are usually without."""
        words = []
        for match in WORD.finditer(text):
            word = match[0]
            if len(word) > _LONGEST_PARTICLE and word.islower():
                return False
            words.append(word)
        raised = [word for word in words[1:] if word[0].isupper() and len(word) > 1]
        usually_lower = sum(form.islower() for form in self._known_forms(raised))
        return usually_lower > max(1, sum(map(str.islower, words))) and 2 * usually_lower >= len(raised)

    def _known_forms(self, words: list[str]) -> Iterator[str]:
        for word in words:
            if form := self._known_form(word, self._letter_case.lower(word)):
                yield form


def _first_word(text: str) -> re.Match[str] | None:
    """The first word, if only signs are before it, and it is not part of an address or a name of a file."""
    first = WORD.search(text)
    if not first or any(character.isalnum() or character == SPAN_MARK for character in text[: first.start()]):
        return None
    after = text[first.end() : first.end() + 2]
    return None if after[:1] in ("@", "/", "\\", "_") or (after[:1] == "." and after[1:].isalnum()) else first
