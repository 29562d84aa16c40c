r"""Recognition of what a translation must keep as it is: URLs, file names, placeholders, tags, long numbers, emoji.

Prose is not mistaken for it: "and/or", "e.g.", "3.5", "50% discount" and "a < b" contain no span. All patterns take
linear time; a quantifier with `+` after it never gives back what it has matched.
"""

import re
from bisect import bisect_right
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from enum import Enum
from typing import NamedTuple

from seq2seq.errors import InputError
from seq2seq.tokenizer.normalization import source_form

SPAN_MARK, TAG_MARK = "\U0010fffd", "\U0010fffc"
"""Private characters that stand for a span, and for a tag, while the text around it is changed."""
MARK = re.compile(f"[{SPAN_MARK}{TAG_MARK}]")
"""One of them."""

_Range = tuple[int, int]


class Kind(Enum):
    """How a span relates to the others of its text."""

    STANDALONE = "standalone"
    """May be anywhere in a translation, like a word."""
    OPENING = "opening"
    """A tag with a closing tag of the same name; such pairs are nested."""
    CLOSING = "closing"
    UNPAIRED = "unpaired"
    """A tag without a counterpart."""


class Span(NamedTuple):
    """Characters `start` to `end` of a text, to be kept."""

    start: int
    end: int
    kind: Kind = Kind.STANDALONE
    pair: int = -1
    """The number of the pair that the tag belongs to, in the order of opening; -1 if it belongs to none."""
    translation: str | None = None
    """What a translation has instead, if it is a term of a glossary."""


# Kinds of files by the end of their names. Words that often begin a sentence, such as "so" and "go", are none.
_SUFFIXES = (
    "7z|apk|avi|bak|bat|bmp|bz2|cfg|conf|cpp|css|csv|dat|deb|dll|dmg|docx?|epub|exe|flac|gif|gz|hpp|html?|ico|ini|ipynb"
    "|iso|jar|java|jpe?g|jsonl?|jsx?|kt|lock|log|md|mkv|mov|mp3|mp4|msi|od[pst]|ogg|otf|parquet|pdf|php|png|pptx?|ps1"
    "|pyc?|rar|rpm|rs|rst|rtf|safetensors|scss|sql|sqlite|srt|svg|tar|tbx|tex|tiff?|tmp|tmx|toml|tsv|tsx?|ttf|txt|vtt"
    "|wav|webm|webp|woff2?|xliff|xlf|xlsx?|xml|xz|ya?ml|zip|zst"
)
_SUFFIX = rf"\.(?:{_SUFFIXES}|{_SUFFIXES.upper()})(?!\.?\w)"
# A component of a path, which does not end in a full stop.
_COMPONENT = r"\.?+[\w+@\-]++(?:\.[\w+@\-]++)*+"
# Up to the marks that typography puts around an address; scripts without blanks begin after U+2000.
_ADDRESS = r"[^\s<>\"`|^\\\xab\xbb\u2000-\U0010ffff]"
_FORMAT = r"[-+#0]*+(?:\d++|\*)?+(?:\.(?:\d++|\*))?+(?:hh|ll|[hlqLzjt])?+[sdifFeEgGxXoucpaAnr@]"
_FIELD = r"\w[\w.\-]*+(?:\[\w*+\])?+"
_NAME = r"[A-Za-z_][\w:.\-]*+"
_VALUE = r"""\s*+=\s*+(?:"[^"<]*+"|'[^'<]*+'|[^\s"'=<>`/]++)"""
# An emoji that is shown in colour by default, or another one before U+FE0F; a skin tone; letters of a region's flag.
_PICTURE = (
    "(?:[\U0001f000-\U0001f1e5\U0001f200-\U0001faff\u231a\u231b\u23e9-\u23f3\u25fd\u25fe\u2600-\u27bf\u2b1b\u2b1c\u2b50"
    "\u2b55]\ufe0f?+|[\u00a9\u00ae\u203c\u2049\u2122\u2139\u2190-\u2bff\u3030\u303d\u3297\u3299]\ufe0f)"
    "[\U0001f3fb-\U0001f3ff]?+[\U000e0020-\U000e007f]*+"
)

_TAG = re.compile(
    rf"<(?:/(?P<closed>{_NAME})\s*+>"
    # The first attribute has a value: "a<b and c>d" is no tag.
    rf"|(?P<opened>{_NAME})(?:\s++{_NAME}{_VALUE}(?:\s++{_NAME}(?:{_VALUE})?+)*+)?+\s*+(?P<complete>/?+)>)"
)
_VOID = {"area", "base", "br", "col", "embed", "hr", "img", "input", "link", "meta", "source", "track", "wbr"}
"""Elements of HTML that have no closing tag."""
_BRACE = re.compile(r"[{}]")
_ICU = re.compile(r"\{\s*+[\w.\-]++\s*+,\s*+(?:plural|selectordinal|select|number|date|time|choice|list)\s*+[,}]")
_URL = re.compile(
    rf"(?<![A-Za-z0-9])(?i:(?:https?|ftps?|sftp|file|wss?|git|ssh)://|mailto:|www\.(?=\w)){_ADDRESS}++"
    rf"|(?<![\w@.\-/])(?:[A-Za-z0-9\-]++\.)+(?i:com|org|net|edu|gov|io)\b(?!\.?\w|@)(?:[/?#]{_ADDRESS}*+)?+"
)
_BRACKETS = {")": "(", "]": "[", "}": "{"}
# Latin, Arabic, Persian, Devanagari, Bengali, Thai, full-width.
_DIGITS = "0-9\u0660-\u0669\u06f0-\u06f9\u0966-\u096f\u09e6-\u09ef\u0e50-\u0e59\uff10-\uff19"
_DIGIT = f"[{_DIGITS}]"
# The first digit stands alone so that the search skips to it.
_NUMBER = re.compile(
    f"{_DIGIT}(?:(?<!\\w.){_DIGIT}{{0,2}}(?:[ \u00a0\u202f]{_DIGIT}{{3}}(?!{_DIGIT}))++(?:[.,]{_DIGIT}++)?+"
    f"|{_DIGIT}*+(?:[.,:/'\u2019_\\-]{_DIGIT}++)*+)"
)
_FEWEST_DIGITS = 3
_INNER_DOT = re.compile(r"\.\w")
_FILE = re.compile(rf"(?<![\w.\-@+~/\\])(?:[\w\-@+~.]++[/\\])*+(?:\*|[\w\-+~][\w\-+~.]*?){_SUFFIX}")
"""Names of files, also in a folder."""
# Each after the characters of which a text needs one.
_OTHERS = [
    # Comments and processing instructions; entities.
    ("<", re.compile(r"<!--[^<>]*+(?<=--)>|<\?[A-Za-z][^<>]*+(?<=\?)>")),
    ("&", re.compile(r"&(?:[A-Za-z][A-Za-z0-9]{1,31}|#\d{1,7}|#[xX][0-9A-Fa-f]{1,6});")),
    # E-mail addresses, mentions, hashtags.
    ("@", re.compile(r"(?<![A-Za-z0-9._%+\-])[A-Za-z0-9._%+\-]++@[A-Za-z0-9\-]++(?:\.[A-Za-z0-9\-]++)++")),
    ("@#", re.compile(r"(?<![\w@./])@[A-Za-z0-9_]{2,30}+(?![\w@])|(?<![\w#&/])#[^\W\d]\w++")),
    # Paths.
    (
        "/",
        re.compile(rf"(?<![\w./\\<:~+@\-])(?:(?:~|\.{{1,2}})(?:/{_COMPONENT})++|/{_COMPONENT}(?:/{_COMPONENT})++)/?+"),
    ),
    ("\\", re.compile(rf"(?<!\w)[A-Za-z]:\\(?:{_COMPONENT}(?:\\{_COMPONENT})*+\\?+)?+")),
    # Placeholders in braces, of printf and others; escapes.
    ("{", re.compile(r"\{\{\{?+[^{}]{0,200}+\}\}\}?+|\{%[^{}%]{0,200}+%\}|[$%#]\{[^{}]{1,80}+\}")),
    ("{", re.compile(rf"\{{\s*+(?:{_FIELD})?+(?:![rsa])?+(?::[^{{}}\s]{{0,20}}+)?+\s*+\}}")),
    (
        "%",
        re.compile(
            rf"(?<![\d%])%(?:\d++\$)?+{_FORMAT}(?![^\W\d_]{{2}})|%\([\w.\-]++\){_FORMAT}|%%|(?<![\d%])%[1-9](?!\d)"
        ),
    ),
    ("%_\\", re.compile(r"%[A-Z][A-Z0-9_]++%|(?<!\w)__\w+?__(?!\w)|\\[nrt]")),
]
# As many emoji as stand together.
_EMOJI = re.compile(f"(?:[\U0001f1e6-\U0001f1ff]{{2}}|[0-9#*]\ufe0f?+\u20e3|{_PICTURE}(?:\u200d{_PICTURE})*+)++")
# Each emoji has one of these.
_EMOJI_SIGNS = "\u00a9\u00ae\u203c\u2049\u20e3\u2122-\u2bff\u3030-\u3299\ufe0f\U0001f000-\U0001faff"
# A character that begins a span or is part of it, and what follows: most texts have none. Ranges make this fast.
_SIGN = re.compile(
    f"[@<{{%&\\\\#{_DIGITS}./_{_EMOJI_SIGNS}]"
    f"(?:(?<=[^{_DIGITS}./_])|(?<={_DIGIT})(?:[ \u00a0\u202f.,:/'\u2019_\\-]?{_DIGIT}){{2}}"
    r"|(?<=\.)[A-Za-z0-9]{2}|(?<=/)[\w.]|(?<=_)_)"
)
# The same for all spans but numbers.
_SIGN_OF_OTHERS = re.compile(rf"[@<{{%&\\#/_:{_EMOJI_SIGNS}]|\.\w")


def may_have_spans(text: str) -> bool:
    """A quick check: without the signs of any span, `find_spans` finds none."""
    return _SIGN.search(text) is not None


def find_spans(text: str, keep: Sequence[re.Pattern[str]] = ()) -> list[Span]:
    """The spans of a text, in order and without overlap.

    keep: further patterns, which come before all others where they overlap; `keep_patterns` makes them.
    """
    kept = _disjoint(match.span() for pattern in keep for match in pattern.finditer(text)) if keep else []
    candidates = _candidates(text) if may_have_spans(text) else ()
    found = _disjoint(_outside(kept, candidates) if kept else candidates)
    ranges = sorted([*kept, *found]) if kept else found
    return _with_kinds(text, ranges) if ranges else []


def is_translatable(text: str, spans: Iterable[Span]) -> bool:
    """Whether any letter stands outside the spans."""
    position = 0
    for span in spans:
        if any(map(str.isalpha, text[position : span.start])):
            return True
        position = span.end
    return any(map(str.isalpha, text[position:]))


def keep_patterns(regexes: Iterable[str], names: Iterable[str] = ()) -> list[re.Pattern[str]]:
    """The patterns for `find_spans` of regular expressions, and of names that are kept where they are whole words.

    Raises InputError if an expression is invalid or matches the empty text.
    """
    patterns = [_compiled(regex) for regex in regexes]
    # The longest name first: "New York City" before "New York".
    alternatives = sorted({form for name in names if (form := source_form(name))}, key=lambda name: (-len(name), name))
    if alternatives:
        patterns.append(re.compile(rf"(?<!\w)(?:{'|'.join(map(re.escape, alternatives))})(?!\w)"))
    return patterns


def _compiled(regex: str) -> re.Pattern[str]:
    try:
        pattern = re.compile(regex)
    except (re.error, OverflowError, RecursionError) as error:
        raise InputError(f"{regex!r} is not a regular expression ({error})") from None
    if pattern.search("") or pattern.fullmatch(""):
        raise InputError(f"the regular expression {regex!r} matches the empty text: it must match what is to be kept")
    return pattern


def _disjoint(ranges: Iterable[_Range]) -> list[_Range]:
    """Ranges without overlap, in order: of those that overlap the first, and of those that begin together the longest.

    Empty ones are left out.
    """
    disjoint: list[_Range] = []
    position = 0
    for start, end in sorted(ranges, key=lambda range_: (range_[0], -range_[1])):
        if position <= start < end:
            disjoint.append((start, end))
            position = end
    return disjoint


def _outside(kept: Sequence[_Range], ranges: Iterable[_Range]) -> Iterator[_Range]:
    """The ranges that overlap none of `kept`, which are disjoint and in order."""
    ends = [end for _, end in kept]
    for start, end in ranges:
        index = bisect_right(ends, start)
        if index == len(kept) or kept[index][0] >= end:
            yield start, end


def _candidates(text: str) -> Iterator[_Range]:
    for match in _NUMBER.finditer(text):
        if _has_enough_digits(match[0]):
            yield match.span()
    if _SIGN_OF_OTHERS.search(text):
        yield from _others(text)


def _has_enough_digits(number: str) -> bool:
    if number.isdecimal():
        return len(number) >= _FEWEST_DIGITS
    return sum(map(str.isdecimal, number)) >= _FEWEST_DIGITS


def _others(text: str) -> Iterator[_Range]:
    """The candidates that are not numbers."""
    characters = set(text)
    for signs, pattern in (("<", _TAG), *_OTHERS):
        if not characters.isdisjoint(signs):
            yield from (match.span() for match in pattern.finditer(text))
    if not text.isascii():
        yield from (match.span() for match in _EMOJI.finditer(text))
    has_inner_dot = _INNER_DOT.search(text) is not None
    if has_inner_dot:
        yield from (match.span() for match in _FILE.finditer(text))
    if has_inner_dot or ":" in characters:
        yield from (_trimmed(text, *match.span()) for match in _URL.finditer(text))
    yield from _icu_arguments(text)


def _trimmed(text: str, start: int, end: int) -> _Range:
    """An address without the punctuation after it; brackets stay if the address contains their counterparts."""
    excess = {
        close: text.count(close, start, end) - text.count(open_, start, end) for close, open_ in _BRACKETS.items()
    }
    while end > start and (text[end - 1] in ".,;:!?'*_~" or excess.get(text[end - 1], 0) > 0):
        end -= 1
        if text[end] in excess:
            excess[text[end]] -= 1
    # Nothing but the scheme.
    return (start, start) if text[end - 1] == "/" and text[end - 3 : end] == "://" else (start, end)


def _icu_arguments(text: str) -> Iterator[_Range]:
    """Arguments of ICU messages, such as plurals, with all that is nested in them."""
    open_braces: list[int] = []
    for brace in _BRACE.finditer(text):
        if brace[0] == "{":
            open_braces.append(brace.start())
        elif open_braces:
            start = open_braces.pop()
            if _ICU.match(text, start):
                yield start, brace.end()


def _with_kinds(text: str, ranges: Sequence[_Range]) -> list[Span]:
    """The spans of these ranges; tags form pairs by their names, as far as those are nested."""
    if "<" not in text:
        return [Span(start, end) for start, end in ranges]
    kinds: dict[int, tuple[Kind, int]] = {}
    opened: list[tuple[str, int]] = []
    names: Counter[str] = Counter()
    for index, (start, end) in enumerate(ranges):
        tag = _TAG.fullmatch(text, start, end)
        if tag is None or tag["complete"] or tag["opened"] in _VOID:
            continue
        kinds[index] = (Kind.UNPAIRED, -1)
        if tag["opened"]:
            opened.append((tag["opened"], index))
            names[tag["opened"]] += 1
        elif names[tag["closed"]]:
            # Tags that were opened since then and are not closed yet stay unpaired.
            name = ""
            while name != tag["closed"]:
                name, opening = opened.pop()
                names[name] -= 1
            kinds[opening], kinds[index] = (Kind.OPENING, opening), (Kind.CLOSING, opening)
    numbers = {
        opening: number for number, opening in enumerate(sorted(o for k, o in kinds.values() if k is Kind.OPENING))
    }
    return [
        Span(start, end, kind, numbers.get(opening, -1))
        for index, (start, end) in enumerate(ranges)
        for kind, opening in [kinds.get(index, (Kind.STANDALONE, -1))]
    ]
