"""Cheap checks, on a sample of lines, that each side is in its language; they only warn."""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Sequence
from functools import lru_cache

_SAMPLE = 200
LANGUAGE_TAG = re.compile(r"[a-z]{2,3}([-_][A-Za-z]{2,4}|[-_][0-9]{3})*")
_LONGEST_NAME = 60
_PARENTHESIS = re.compile(r"\s*\(.*\)$")
# Characters of a name: shorter ones are ordinary words, except in scripts such as Chinese.
_SHORTEST_NAME = {True: 4, False: 2}
_LEAST_SHARE = 0.75
# A text is in a language if it has this many lines and characters, and this share of lines is in it.
_LEAST_LINES, _LEAST_CHARACTERS, _LARGE_SHARE = 5, 200, 0.9
# Share of the visible characters; program code has fewer.
_LETTERS_OF_PROSE = 0.85
# Distance of `langcodes`: 0 to 134.
_SIMILAR = 25


def language_code(text: str) -> str:
    """The shortest ISO 639 code of a language, or of its macrolanguage; empty if `text` does not denote a language.

    text: a code (`fr`, `fra`, `fr-CA`, `fra_Latn`), or a name in English or in the language itself (`French`,
    `français`).
    """
    return _language_code(text) if len(text) <= _LONGEST_NAME else ""


@lru_cache(maxsize=4096)
def _language_code(text: str) -> str:
    from langcodes import Language, find, tag_is_valid

    if LANGUAGE_TAG.fullmatch(text):
        return Language.get(text).prefer_macrolanguage().language or "" if tag_is_valid(text) else ""
    name = _PARENTHESIS.sub("", text).strip().casefold()
    if not _is_name(name) or len(name) < _SHORTEST_NAME[name.isascii()]:
        return ""
    try:
        language = find(name)
    except (LookupError, SystemError):  # the latter from the trie of names, which fails on some that it lacks
        return ""
    # It also finds rare names and languages of few speakers, which are ordinary words elsewhere: `index`, `label`.
    names = (language.display_name(), language.autonym())
    is_meant = name in map(str.casefold, names) and language.speaking_population() > 0
    return language.language or "" if is_meant else ""


def may_be_same(language: str, other: str) -> bool:
    """Whether two names or codes may denote the same language: they do, or one of them is empty."""
    return not language or not other or (language_code(language) or language) == (language_code(other) or other)


@lru_cache(maxsize=4096)
def is_spoken(code: str) -> bool:
    """Whether the language with this code is known to have speakers."""
    from langcodes import Language

    return bool(Language.get(code).speaking_population() > 0)


def _is_name(text: str) -> bool:
    """Whether a text could be the name of a language: some letters, no others than a few signs between them."""
    letters = (character.isalpha() or unicodedata.category(character)[0] == "M" for character in text)
    return bool(text) and all(is_letter or sign in " '’-" for is_letter, sign in zip(letters, text, strict=True))


def language_warnings(src: Sequence[str], tgt: Sequence[str], src_lang: str, tgt_lang: str) -> list[str]:
    """Warnings where py3langid contradicts the given languages; none for languages that it does not know."""
    import py3langid

    src, tgt = src[:_SAMPLE], tgt[:_SAMPLE]
    src_lang, tgt_lang = (language_code(name) or name for name in (src_lang, tgt_lang))
    known = {code for code, _ in py3langid.rank("")}
    try:
        if {src_lang, tgt_lang} <= known and src_lang != tgt_lang and src:
            py3langid.set_languages([src_lang, tgt_lang])
            src_share, tgt_share = _share(src, tgt_lang), _share(tgt, src_lang)
            if min(src_share, tgt_share) >= _LEAST_SHARE:
                return [
                    f"the sides look swapped: {src_share:.0%} of the source lines look like {tgt_lang} "
                    f"and {tgt_share:.0%} of the target lines like {src_lang}"
                ]
        py3langid.set_languages(None)
        warnings = []
        for side, lines, code in (("source", src, src_lang), ("target", tgt, tgt_lang)):
            if code in known and lines:
                language, count = Counter(py3langid.classify(line)[0] for line in lines).most_common(1)[0]
                if language != code and count / len(lines) >= _LEAST_SHARE:
                    warnings.append(
                        f"the {side} side looks like {language} ({count / len(lines):.0%} of lines), not {code}"
                    )
        return warnings
    finally:
        py3langid.set_languages(None)


def other_language(lines: Sequence[str], code: str) -> str:
    """The code of the language that most lines are in if it is certainly another than `code`; empty if in doubt.

    Of short texts, of program code, and where py3langid does not know `code`, it is empty.
    """
    prose = list(filter(_is_prose, dict.fromkeys(lines)))
    text = " ".join(prose)
    if not code or len(prose) < _LEAST_LINES or len(text) < _LEAST_CHARACTERS:
        return ""
    import py3langid

    language = py3langid.classify(text)[0]
    known = {name for name, _ in py3langid.rank("")}
    if code not in known or not is_spoken(language) or _are_similar(language, code):
        return ""
    try:
        py3langid.set_languages([language, code])
        return language if _share(prose, language) >= _LARGE_SHARE else ""
    finally:
        py3langid.set_languages(None)


def _is_prose(line: str) -> bool:
    """Whether nearly all of a line are letters and blanks."""
    visible = [unicodedata.category(character)[0] for character in line if not character.isspace()]
    return sum(category in "LM" for category in visible) >= _LETTERS_OF_PROSE * max(1, len(visible))


def _are_similar(language: str, other: str) -> bool:
    """Whether speakers of one language mostly read the other, such as Danish and Norwegian; Unicode CLDR's list."""
    from langcodes import tag_distance

    return min(tag_distance(language, other), tag_distance(other, language)) <= _SIMILAR


def language_name(code: str) -> str:
    """The English name of the language with this code."""
    from langcodes import Language

    return Language.get(code).display_name()


def looks_swapped(src: Sequence[str], tgt: Sequence[str], other_src: Sequence[str], other_tgt: Sequence[str]) -> bool:
    """Whether the other pairs resemble these more with their sides swapped, by character bigrams."""
    src_profile, tgt_profile = _Profile(src), _Profile(tgt)
    straight = src_profile.fit(other_src) + tgt_profile.fit(other_tgt)
    crossed = src_profile.fit(other_tgt) + tgt_profile.fit(other_src)
    return crossed > straight


class _Profile:
    """A character bigram model of some lines."""

    def __init__(self, lines: Sequence[str]) -> None:
        self._counts = _bigrams(lines)
        self._total = self._counts.total() + len(self._counts) + 1

    def fit(self, lines: Sequence[str]) -> float:
        """Mean log-probability of the character bigrams of `lines`, with add-one smoothing."""
        bigrams = _bigrams(lines)
        weighted = sum(count * math.log((self._counts[pair] + 1) / self._total) for pair, count in bigrams.items())
        return weighted / max(1, bigrams.total())


def _bigrams(lines: Sequence[str]) -> Counter[str]:
    return Counter(line[start : start + 2] for line in lines for start in range(len(line) - 1))


def _share(lines: Sequence[str], code: str) -> float:
    import py3langid

    count: int = sum(py3langid.classify(line)[0] == code for line in lines)
    return count / max(1, len(lines))
