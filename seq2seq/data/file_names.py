"""Languages that the names of files tell: `train.en` and `train.fr`, `en.txt` and `fr.txt`, `news.en-fr.tsv`."""

import re
from collections.abc import Collection, Iterable
from itertools import product
from pathlib import Path

from seq2seq.data.columns import language_of
from seq2seq.data.languages import is_spoken, language_code
from seq2seq.io.compression import compression_of

Direction = tuple[str, str]
"""Source and target language; both are empty if they are unknown."""

UNKNOWN: Direction = "", ""

_NO_LANGUAGE = {"txt", "src", "tgt", "trg", "tok", "raw"}
_WORD_BREAK = re.compile(r"[\W_]+")
_SIDES = set(product(("src", "source"), ("tgt", "trg", "target", "ref")))
_DIRECTION = re.compile(r"(?<![a-z])(?:([a-z]{2})(?:-to-|_to_|[-_2])([a-z]{2})|([a-z]{3})[-_]([a-z]{3}))(?![a-z])")
# Codes of languages that are more often words in the name of a file: `as-is`, `run-may`.
_ENGLISH_WORD = re.compile(
    "am|an|as|be|do|go|he|id|in|is|it|my|no|of|or|so|to|us|we|age|all|and|any|are|bad|ban|bar|big|bin|but|can|for|get"
    "|her|him|his|mad|man|mas|may|men|mix|new|not|now|old|one|out|raw|run|set|sun|tab|ten|the|top|toy|try|two|use|war"
    "|was|yes|you",
    re.IGNORECASE,
)
# Variants of a language, not two languages.
_LOCALES = {("pt", "br"), ("zh", "tw")}


def languages_of_files(src: str, tgt: str, known: Collection[str] = ()) -> Direction:
    """The languages of two aligned files; one may be empty.

    They are in the ends of the names, or else where the names differ; or the names differ only in `src` and `tgt`, and
    both have a direction such as `fr-en`. known: as in `direction_of_file`; two words differ without naming languages.
    """
    ends = _language_at_end(src), _language_at_end(tgt)
    if all(ends) and ends[0] != ends[1]:
        return ends
    differences, of_paths = _differences(Path(src).name, Path(tgt).name), _differences(src, tgt)
    for pairs in (differences, _lower(differences), of_paths, _lower(of_paths)):
        named = {
            (language_of(first), language_of(second))
            for first, second in pairs
            if _are_languages(first, second) and _count_words((first, second), known) < 2
        }
        if len(named) == 1:
            return named.pop()
    direction = direction_of_file(src, known)
    if differences and _SIDES.issuperset(differences) and direction == direction_of_file(tgt, known):
        return direction
    return ends if ends[0] != ends[1] else UNKNOWN


def direction_of_file(name: str, known: Collection[str] = ()) -> Direction:
    """The direction in the name of a file, such as `en-fr` or `eng-fra`.

    known: languages that the user named. Of the others, a code that is an English word counts only next to one that is
    not: `en-my`, but not `as-is`.
    """
    codes = {tuple(filter(None, match.groups())) for match in _DIRECTION.finditer(Path(name).name)} - _LOCALES
    named = {
        (first, second)
        for first, second in codes
        if _are_languages(first, second) and _count_words((first, second), known) < 2
    }
    return named.pop() if len(named) == 1 else UNKNOWN


def _language_at_end(name: str) -> str:
    suffix = Path(Path(name).stem if compression_of(name) else name).suffix
    code = language_of(suffix)
    return "" if code in _NO_LANGUAGE else code


def _differences(src: str, tgt: str) -> list[tuple[str, str]]:
    """The words in which two names differ; none if the names differ in their number of words."""
    words = _WORD_BREAK.split(src), _WORD_BREAK.split(tgt)
    if len(words[0]) != len(words[1]):
        return []
    return list(dict.fromkeys((first, second) for first, second in zip(*words, strict=True) if first != second))


def _lower(pairs: Iterable[tuple[str, str]]) -> list[tuple[str, str]]:
    return [(first.lower(), second.lower()) for first, second in pairs]


def _count_words(codes: Direction, known: Collection[str]) -> int:
    """How many of two codes are English words, and not languages that are known."""
    known_codes = {language_code(language) for language in known if language}
    return sum(bool(_ENGLISH_WORD.fullmatch(code)) and language_code(code) not in known_codes for code in codes)


def _are_languages(*words: str) -> bool:
    """Whether words denote different languages."""
    codes = [language_code(word) for word in words]
    # Many words of three letters, such as `one` and `two`, are the code of a language without known speakers.
    known = all(code and (len(word) == 2 or is_spoken(code)) for word, code in zip(words, codes, strict=True))
    return known and len(set(codes)) == len(codes)
