"""The scripts that a text is written in, and whether it has spaces between words."""

import unicodedata
from collections import Counter
from collections.abc import Collection, Mapping
from functools import lru_cache

_GROUPS = {"CJK": "HAN", "IDEOGRAPHIC": "HAN", "HIRAGANA": "KANA", "KATAKANA": "KANA", "KATAKANA-HIRAGANA": "KANA"}
_UNSPACED_SCRIPTS = {"HAN", "KANA", "THAI", "LAO", "KHMER", "MYANMAR", "TIBETAN"}
# A quarter of the letters: an ideograph says as much as several Latin letters of the names between them.
_LEAST_SHARE = 0.25


def main_scripts(characters: Counter[str]) -> set[str]:
    """The scripts of at least a twentieth of a side's letters; Han as well if Kana or Hangul is among them."""
    scripts: Counter[str] = Counter()
    for character, count in characters.items():
        if name := script(character):
            scripts[name] += count
    main = {name for name, count in scripts.items() if count >= scripts.total() / 20}
    return main | {"HAN"} if main & {"KANA", "HANGUL"} else main


def is_unspaced(characters: Mapping[str, int]) -> bool:
    """Whether a text is written without spaces between words, by the scripts of its letters.

    characters: how often each occurs.
    """
    return is_written_in(characters, _UNSPACED_SCRIPTS)


def is_written_in(characters: Mapping[str, int], scripts: Collection[str]) -> bool:
    """Whether at least a quarter of the letters of a text are of these scripts."""
    letters: Counter[bool] = Counter()
    for character, count in characters.items():
        if name := script(character):
            letters[name in scripts] += count
    return letters[True] > 0 and letters[True] >= _LEAST_SHARE * letters.total()


@lru_cache(maxsize=2**16)
def script(character: str) -> str:
    """The script of a letter, such as LATIN or HAN, by the first word of its Unicode name; empty if it is not a letter.

    Hiragana and katakana are one script here, KANA; full-width and half-width letters count as their normal forms.
    """
    letter = unicodedata.normalize("NFKC", character)[0]
    if not (character.isalpha() and letter.isalpha()):
        return ""
    name = unicodedata.name(letter, "").partition(" ")[0]
    return _GROUPS.get(name, name)
