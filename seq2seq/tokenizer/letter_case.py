"""Upper, lower and title case by the rules of a language."""

import re

WORD = re.compile(r"[^\W\d_]+")
"""A word, or a part of one between apostrophes and hyphens."""

_DOTTED = {"tr", "az", "crh", "tt-Latn"}
_TO_UPPER, _TO_LOWER = str.maketrans({"i": "İ"}), str.maketrans({"I": "ı", "İ": "i"})
_CONTRACTED = {"t", "s", "d", "m", "ll", "re", "ve"}
"""What follows an apostrophe in English and stays in lower case."""


class LetterCase:
    """The letters of a language in upper and lower case."""

    def __init__(self, language: str) -> None:
        """language: its ISO 639 code; of effect for those with a dotted and a dotless i."""
        self._is_dotted = language in _DOTTED

    def upper(self, text: str) -> str:
        """The text in capitals."""
        return (text.translate(_TO_UPPER) if self._is_dotted else text).upper()

    def lower(self, text: str) -> str:
        """The text in lower case."""
        return (text.translate(_TO_LOWER) if self._is_dotted else text).lower()

    def capitalize(self, word: str) -> str:
        """The word with its first letter as a capital; the other letters stay."""
        first = self.upper(word[:1])
        # Not "SS" for "ß".
        return (first if len(first) == 1 else word[:1].title()) + word[1:]

    def capitalize_first(self, text: str) -> str:
        """The text with a capital at its start, unless its first word has others, as in "iPhone"."""
        first = WORD.match(text)
        return self.capitalize(text) if first and first[0].islower() else text

    def uncapitalize(self, word: str) -> str:
        """The word with its first letter in lower case; the other letters stay."""
        return self.lower(word[:1]) + word[1:]

    def title(self, text: str) -> str:
        """The text with a capital at each word; in "don't" the part after the apostrophe stays."""

        def capital(match: re.Match[str]) -> str:
            word, before = match[0], match.string[max(0, match.start() - 2) : match.start()]
            is_contracted = before[-1:] in ("'", "’") and before[:1].isalpha() and word in _CONTRACTED
            return word if is_contracted else self.capitalize(word)

        return WORD.sub(capital, text)
