"""Splitting text into sentences, with sentencex."""

import re
from collections.abc import Iterator
from itertools import accumulate

import sentencex

_WIDE_BLANK = re.compile(r"[^\S ]")
# German and others have ordinals with a full stop, so it never ends a sentence before a digit. After a word of four
# letters, longer than abbreviations are, it decides as before a capital.
_NUMBER_AFTER_WORD = re.compile(r"(?<=[^\W\d_]{4}\. )\d")
# sentencex takes quadratic time on text that is full of quotation marks.
_BLOCK = 10_000


def split_sentences(text: str, language: str) -> list[str]:
    """The sentences of a text, each with the blanks after it: joined, they are the text.

    language: a two- or three-letter code. For an unknown or empty one, the rules of most languages apply.
    """
    return list(_sentences(text, language))


def _sentences(text: str, language: str) -> Iterator[str]:
    start = end = 0
    while end < len(text):
        # It fails on blanks of several bytes after an initial. The lengths of the sentences stay the same.
        block = _NUMBER_AFTER_WORD.sub("X", _WIDE_BLANK.sub(" ", text[end : end + _BLOCK]))
        ends = [end + length for length in accumulate(map(len, sentencex.segment(language, block)))]
        if ends[-1] < len(text):
            # The last sentence may go on in the next block; if it is the only one, it does.
            end = ends[-2] if len(ends) > 1 else ends[-1]
            ends = ends[:-1]
        else:
            end = ends[-1]
        for sentence_end in ends:
            yield text[start:sentence_end]
            start = sentence_end
