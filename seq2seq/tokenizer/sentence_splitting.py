"""Splitting text into sentences, with sentencex."""

import re
from collections.abc import Iterator

import sentencex

_WIDE_BLANK = re.compile(r"[^\S ]")
# sentencex takes quadratic time on text that is full of quotation marks.
_BLOCK = 10_000


def split_sentences(text: str, language: str) -> list[str]:
    """The sentences of a text, each with the blanks after it: joined, they are the text.

    language: a two- or three-letter code. For an unknown or empty one, the rules of most languages apply.
    """
    return list(_sentences(text, language))


def _sentences(text: str, language: str) -> Iterator[str]:
    start = 0
    while start < len(text):
        # It fails on blanks of several bytes after an initial. The lengths of the sentences stay the same.
        block = _WIDE_BLANK.sub(" ", text[start : start + _BLOCK])
        lengths = [len(sentence) for sentence in sentencex.segment(language, block)]
        if len(lengths) > 1 and start + _BLOCK < len(text):
            del lengths[-1]  # it may go on in the next block
        for length in lengths:
            yield text[start : start + length]
            start += length
