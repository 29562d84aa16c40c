"""Signs that a model never learnt, replaced by equivalents that it did: quotes, dashes, ellipses, full-width forms.

Which signs are usual follows from how often each occurs in the training sources. Where training has both of two
equivalents, both stay. Letters stay, except where one letter has two codes: Arabic and Persian kaf and yeh, Romanian
ş and ț, ligatures and other compatibility forms.
"""

import re
import unicodedata
from collections.abc import Iterable, Mapping

SEQUENCES = ("...", "…", "« ", "«", "?", " ?", "!", " !", ";", " ;", ":", " :")
"""Of which a model also needs to know how often they occur."""

# A sign that occurs less often was not learnt.
_LEAST_COUNT = 5
# A sign is usual if it occurs at least a tenth as often as its commonest equivalent.
_LEAST_SHARE = 0.1
# Opening single quotes are rare beside apostrophes.
_LEAST_OPENING = 0.001
# From which shares of blanks before a punctuation mark on they are the rule, or a mistake.
_ALWAYS, _NEVER, _LEAST_MARKS = 0.95, 0.02, 20

_SINGLE = "'’‘‛‚‹›`´ʼʻ′＇"
_DOUBLE = '"“”„‟«»″＂'
_QUOTE_STYLES = ('""', "“”", "„“", "„”", "«»", "»«", "””")
_HYPHENS, _DASHES = "-‐‑⁃−－﹣", "–—―‒﹘"
_LETTERS = ("يی", "كک", "şș", "ŞȘ", "ţț", "ŢȚ")
_BEFORE_OPENING = re.compile(r"[\s(\[{<–—/'\"“‘„«¿¡]")
_AFTER_CLOSING = re.compile(r"\s|$|[,;:!?)\]]|\.(?!\.)")
# Compatibility forms of another meaning: superscripts, fractions, numbers in circles.
_DIFFERENT = {"<super>", "<sub>", "<fraction>", "<circle>", "<noBreak>"}


class Typography:
    """Replaces the unusual signs of a text."""

    def __init__(self, characters: Mapping[str, int], sequences: Mapping[str, int]) -> None:
        """characters: how often each occurs in the training sources. sequences: the same for SEQUENCES, in a sample."""
        self._counts, self._sequences = characters, sequences
        self._replacements = self._find_replacements()
        self._double = self._quote_style()
        self._single = self._single_style()
        self._unusual_double, self._unusual_single = self._unusual(_DOUBLE), self._unusual(_SINGLE) - {self._single[0]}
        unusual = {*self._replacements, *self._unusual_double, *self._unusual_single}
        self._usual = frozenset(character for character, count in characters.items() if count >= _LEAST_COUNT) - unusual
        self._writes_ellipsis = not self._is_rare("…", "...") and self._is_rare("...", "…")
        self._spacing = self._find_spacing()

    def adapt(self, text: str) -> str:
        """The text with usual signs; a text without any other is returned as it is."""
        if not self._usual.issuperset(text):
            text = self._replace(text)
        if self._writes_ellipsis and "..." in text:
            text = text.replace("...", "…")
        for pattern, replacement in self._spacing:
            text = pattern.sub(replacement, text)
        return text

    def _replace(self, text: str) -> str:
        # A mark that closes in „this“ style opens in “this”: if one of a pair is unusual, both are replaced.
        if not self._unusual_double.isdisjoint(text):
            text = _marks(_DOUBLE).sub(self._quote, text)
        if not self._unusual_single.isdisjoint(text):
            text = _marks(self._unusual_single).sub(self._quote, text)
        return "".join(self._replacement(text, index) for index in range(len(text)))

    def _replacement(self, text: str, index: int) -> str:
        character = text[index]
        if character in self._usual:
            return character
        replacement = self._replacements.get(character)
        if replacement is None:
            return self._compatible(character)
        if character in _DASHES and replacement in _HYPHENS:
            is_between_words = text[index - 1 : index].isalpha() and text[index + 1 : index + 2].isalpha()
            return f" {replacement} " if is_between_words else replacement
        return replacement

    def _compatible(self, character: str) -> str:
        """The compatibility form of a character that training lacks, if it has all characters of that."""
        tag = unicodedata.decomposition(character).partition(" ")[0]
        if not tag.startswith("<") or tag in _DIFFERENT:
            return character
        form = unicodedata.normalize("NFKC", character)
        return form if self._usual.issuperset(form) and not form.startswith(" ") else character

    def _quote(self, match: re.Match[str]) -> str:
        before, mark, after = match.groups()
        style = self._double if mark in _DOUBLE else self._single
        start = match.start() + len(before)
        opens = start == 0 or bool(
            _BEFORE_OPENING.match(match.string, start - 1)
            and (mark == "«" or not _AFTER_CLOSING.match(match.string, start + 1))
        )
        inside = after if opens else before
        if mark in "«»":
            inside = ""
        if style[not opens] in "«»" and self._has_spaced_guillemets:
            inside = " "
        return before + style[0] + inside if opens else inside + style[1] + after

    def _is_rare(self, sequence: str, other: str) -> bool:
        count = self._sequences.get(sequence, 0)
        return count < _LEAST_COUNT or count < _LEAST_SHARE * self._sequences.get(other, 0)

    def _commonest(self, family: str) -> tuple[str, int]:
        commonest = max(family, key=lambda character: self._counts.get(character, 0))
        return commonest, self._counts.get(commonest, 0)

    def _unusual(self, family: str) -> set[str]:
        """The members of a family that are rare beside the commonest; none if training has none of them."""
        most = self._commonest(family)[1]
        if most < _LEAST_COUNT:
            return set()
        least = max(_LEAST_COUNT, _LEAST_SHARE * most)
        return {character for character in family if self._counts.get(character, 0) < least}

    def _find_replacements(self) -> dict[str, str]:
        """The replacement of each unusual sign, except quotes."""
        replacements = {
            character: self._commonest(family)[0]
            for family in (_HYPHENS, _DASHES, *_LETTERS)
            for character in self._unusual(family)
        }
        hyphen, hyphens = self._commonest(_HYPHENS)
        if self._commonest(_DASHES)[1] < _LEAST_COUNT <= hyphens:
            replacements |= dict.fromkeys(_DASHES, hyphen)
        return replacements

    def _quote_style(self) -> str:
        """The usual opening and closing double quote."""

        def pairs(style: str) -> float:
            counts = [self._counts.get(mark, 0) for mark in style]
            return counts[0] / 2 if style[0] == style[1] else min(counts)

        return max(_QUOTE_STYLES, key=pairs)

    def _single_style(self) -> str:
        """The usual opening single quote, and the usual apostrophe."""
        apostrophe, count = self._commonest(_SINGLE)
        opens = apostrophe == "’" and self._counts.get("‘", 0) >= max(_LEAST_COUNT, _LEAST_OPENING * count)
        return ("‘" if opens else apostrophe) + apostrophe

    @property
    def _has_spaced_guillemets(self) -> bool:
        return 2 * self._sequences.get("« ", 0) > self._sequences.get("«", 0)

    def _find_spacing(self) -> list[tuple[re.Pattern[str], str]]:
        """What to do with blanks before punctuation marks."""
        marks = {mark: self._sequences.get(mark, 0) for mark in "?!;:"}
        shares = {
            mark: self._sequences.get(f" {mark}", 0) / count for mark, count in marks.items() if count >= _LEAST_MARKS
        }
        spaced = "".join(mark for mark, share in shares.items() if share >= _ALWAYS)
        close = "".join(mark for mark, share in shares.items() if share <= _NEVER)
        rules = []
        if spaced:
            rules.append((re.compile(rf"([{spaced}](?<=[^\W\d].)[?!;:]*)(?=\s|$)"), r" \1"))
        if close:
            rules.append((re.compile(rf" (?<=[^\W\d] )([{close}])(?=\s|$)"), r"\1"))
        return rules


def _marks(marks: Iterable[str]) -> re.Pattern[str]:
    """One of the quotes, with the blanks around it."""
    return re.compile(f"( ?)([{re.escape(''.join(sorted(marks)))}])( ?)")
