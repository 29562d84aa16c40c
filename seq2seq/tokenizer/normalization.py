"""One form of text for the model, however a line was typed: NFC, plain blanks, no stray invisible characters.

Marks of direction, soft hyphens, byte order marks and other characters without width are removed. Zero-width joiners
and non-joiners stay where a script or an emoji needs them. Text that is printable ASCII only loses the blanks at its
ends. Both functions are idempotent.
"""

import re
import unicodedata
from collections.abc import Iterator

_SOURCE_BLANK = re.compile(r"[^\S\n ]")
_TARGET_BLANK = re.compile("[^\\S\n \u00a0\u202f]")
_SPACE, _NON_JOINER, _JOINER = "\u200b", "\u200c", "\u200d"
_ZERO_WIDTH = re.compile("[\u00ad\u061c\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff]")
_SEPARATORS = re.compile(f"([{_SPACE}{_NON_JOINER}{_JOINER}]+)")

# Blocks of scripts whose letters change their form next to a joiner or a non-joiner: Arabic, Syriac, N'Ko, Mandaic;
# those of India, Sinhala, Tibetan, Myanmar; Khmer, Mongolian; Balinese and others of Indonesia; Adlam and older ones.
_JOINING = re.compile(
    "[\u0600-\u077f\u07c0-\u07ff\u0840-\u109f\u1780-\u18af\u1a00-\u1c4f\u1cd0-\u1cff\ua800-\uabff\ufb50-\ufdff"
    "\ufe70-\ufefe\U00010a00-\U00011fff\U0001e900-\U0001e95f]"
)
# Thai and Lao, Myanmar, Khmer: written without blanks; a zero-width space is where a line may break.
_UNSPACED = re.compile("[\u0e00-\u0eff\u1000-\u109f\u1780-\u17ff]")
_PICTOGRAPH = re.compile("[\u2190-\u21ff\u2600-\u27bf\u2b00-\u2bff\U0001f000-\U0001faff]")
_VIRAMA = 9
"""The canonical combining class of the signs that join Indic consonants."""

# Controls, blanks, fillers, variation selectors, tags and others that show nothing by themselves.
_INVISIBLE = re.compile(
    "[\\s\0-\x1f\x7f-\x9f\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f"
    "\u2800\u3164\ufe00-\ufe0f\ufeff\uffa0\ufff9-\ufffb\U0001d173-\U0001d17a\U000e0000-\U000e0fff]*"
)


def source_form(text: str) -> str:
    """A line as the encoder reads it, without blanks at the ends: each other white space in it is one plain blank.

    Empty if nothing in it is visible.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    if not text.isprintable():
        text = _remove_strays(_SOURCE_BLANK.sub(" ", text).replace(_SPACE, ""))
    return _composed(text)


def target_form(text: str) -> str:
    """A line as the decoder learns it: like `source_form`, with what belongs to a well-set text of its language.

    No-break spaces stay, and zero-width spaces within Thai, Lao, Burmese and Khmer.
    """
    if text.isascii() and text.isprintable():
        return text.strip()
    if not text.isprintable():
        text = _remove_strays(_TARGET_BLANK.sub(" ", text))
    return _composed(text)


def _composed(text: str) -> str:
    text = unicodedata.normalize("NFC", text).strip()
    return "" if _INVISIBLE.fullmatch(text) else text


def _remove_strays(text: str) -> str:
    """The text without characters of no width that nothing next to them needs."""
    parts = _SEPARATORS.split(_ZERO_WIDTH.sub("", text))
    for index in range(1, len(parts), 2):
        before, after = _cluster(reversed(parts[index - 1])), _cluster(iter(parts[index + 1]))
        parts[index] = next((sign for sign in parts[index] if _is_needed(sign, before, after)), "")
    return "".join(parts)


def _cluster(characters: Iterator[str]) -> str:
    """The combining marks at the start, and the character that follows."""
    cluster = []
    for character in characters:
        cluster.append(character)
        if not _is_a(character, "M"):
            break
    return "".join(cluster)


def _is_needed(sign: str, before: str, after: str) -> bool:
    """Whether a zero-width space, joiner or non-joiner has a meaning here.

    before: the character that it follows, preceded by the marks on it. after: the marks and the character that follow.
    The answer does not depend on the order of marks, which NFC changes.
    """
    if sign == _JOINER and _PICTOGRAPH.match(before[-1:]) and _PICTOGRAPH.match(after):
        return True
    script = _UNSPACED if sign == _SPACE else _JOINING
    if not (script.match(before[-1:]) and _is_a(before[-1], "LN")):
        return False
    after_virama = sign != _SPACE and any(unicodedata.combining(mark) == _VIRAMA for mark in before[:-1])
    return after_virama or any(script.match(character) and _is_a(character, "LMN") for character in after)


def _is_a(character: str, categories: str) -> bool:
    """Whether a character is a letter (L), a mark (M) or a number (N), as listed."""
    return unicodedata.category(character)[0] in categories
