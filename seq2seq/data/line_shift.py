"""Whether the sides of a bitext are shifted: each source line next to a neighbour of its translation.

Windows of consecutive pairs are compared with themselves at other offsets. Translations have similar lengths, and the
same words keep company: the lengths correlate, and so do the occurrences of frequent words of the two sides. No
dictionary is needed, and files that are sorted or repetitive do no harm, since the correlations at offset 0 must be
clearly the lower ones.

Not noticed: a shift that begins and ends again within 400 pairs or between two windows, or begins in the last 50.
"""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from itertools import chain, pairwise

import numpy as np

from seq2seq.data.bitext import Pair, chunks

WINDOW = 400
"""Pairs that are compared with their neighbours at a time."""
_OFFSETS = (0, *(sign * distance for distance in range(1, 6) for sign in (1, -1)))
_LAST_WINDOW, _LEAST = 100, 60
# The last windows of a long corpus are this share of it apart, its first ones are contiguous.
_SPACING, _CONTIGUOUS = 0.02, 30
_WORDS, _ROWS = 60, 64
_LEAST_SHARE, _MOST_SHARE = 0.02, 0.5
_LONGEST_TEXT = 1000
# In standard deviations of what unrelated lines give.
_MARGIN = 8.0


@dataclass(frozen=True)
class Shift:
    """From where on, and by how many lines, a source is shifted."""

    line: int
    """Near which it begins, by a window."""
    offset: int
    """Source line n goes with target line n + offset."""
    from_start: bool
    """Whether already the first pairs are shifted."""


class ShiftDetector:
    """Looks for a shift in the pairs of a source, which are added in order."""

    def __init__(self, *, sparse: bool = True) -> None:
        """sparse: whether to compare only some windows of a long source."""
        self._sparse = sparse
        self._window: list[Pair] = []
        self._pairs = self._next = self._compared = 0
        self._last_aligned = -1
        self._candidate: Shift | None = None
        self.shift: Shift | None = None
        self.suspects = 0, 0
        """The numbers of the pairs between which the shift begins."""

    def add(self, pairs: list[Pair]) -> None:
        """Add the next pairs."""
        for start in range(0, len(pairs) if self.shift is None else 0, WINDOW):
            block = [_shortened(pair) for pair in pairs[start : start + WINDOW]]
            self._window += block
            self._pairs += len(block)
            if len(self._window) >= 2 * WINDOW:
                self._compare(self._window[:WINDOW], self._pairs - len(self._window))
                self._window = self._window[WINDOW:]

    def finish(self) -> None:
        """All pairs were added. The last ones, or all of a short source, are compared in smaller windows."""
        first, count = self._pairs - len(self._window), len(self._window)
        starts = [start for start in range(0, count, _LAST_WINDOW) if count - start >= _LEAST]
        for start, end in pairwise([*starts, count]):
            self._next = 0
            self._compare(self._window[start:end], first + start)
        self.shift = self.shift or self._candidate

    def _compare(self, window: list[Pair], first: int) -> None:
        """Two windows in a row, or the last one, must have the same shift."""
        if first < self._next or self.shift is not None:
            return
        self._compared += 1
        offset = shifted_by(window)
        if self._candidate and offset == self._candidate.offset:
            self.shift = self._candidate
            return
        self._candidate = None
        if offset:
            self._candidate = Shift(window[0].line, offset, self._last_aligned < 0)
            self.suspects = max(0, self._last_aligned), first + 2 * WINDOW
        elif offset == 0:
            self._last_aligned = first
        if self._sparse and self._compared > _CONTIGUOUS and not self._candidate:
            self._next = first + max(WINDOW, int(_SPACING * first))


def locate(pairs: Iterable[Pair], shift: Shift) -> Shift:
    """The same shift, with its line as exact as a window. pairs: those between which it begins."""
    detector = ShiftDetector(sparse=False)
    for chunk in chunks(pairs, WINDOW):
        detector.add(chunk)
    detector.finish()
    located = detector.shift
    return Shift(located.line, located.offset, shift.from_start) if located else shift


def shifted_by(window: list[Pair]) -> int | None:
    """By how many lines the target is shifted; 0 if the sides match, None if no offset is clearly the best."""
    src, tgt = [pair.src for pair in window], [pair.tgt for pair in window]
    src_lengths, tgt_lengths = _lengths(window, "src"), _lengths(window, "tgt")
    src_words, tgt_words = _standardised(_occurrences(src)), _standardised(_occurrences(tgt))
    scores = {
        offset: _length_score(*_overlapping(src_lengths, tgt_lengths, offset))
        + _word_score(*_overlapping(src_words, tgt_words, offset))
        for offset in _OFFSETS
    }
    best = max(_OFFSETS, key=lambda offset: scores[offset])
    if best and scores[best] > scores[0] + _MARGIN + abs(scores[0]) / 4:
        return best
    return 0 if best == 0 and scores[0] > _MARGIN else None


def _shortened(pair: Pair) -> Pair:
    if len(pair.src) + len(pair.tgt) <= _LONGEST_TEXT:
        return pair
    return Pair(pair.src[:_LONGEST_TEXT], pair.tgt[:_LONGEST_TEXT], pair.line)


def _overlapping(src: np.ndarray, tgt: np.ndarray, offset: int) -> tuple[np.ndarray, np.ndarray]:
    """The rows n of the source and n + offset of the target, where both exist."""
    count = len(src) - abs(offset)
    return src[max(0, -offset) :][:count], tgt[max(0, offset) :][:count]


def _length_score(src: np.ndarray, tgt: np.ndarray) -> float:
    """The correlation of lengths in standard deviations; [N] each, NaN for blank lines."""
    both = ~(np.isnan(src) | np.isnan(tgt))
    src, tgt = src[both], tgt[both]
    if len(src) < _LEAST // 2 or min(src.std(), tgt.std()) < 1e-9:
        return 0.0
    correlation = float(np.corrcoef(src, tgt)[0, 1])
    # In a file that is sorted by the length of whole pairs, the sides of neighbours make up for each other.
    return math.atanh(min(max(correlation, 0.0), 0.999)) * math.sqrt(len(src) - 3)


def _word_score(src: np.ndarray, tgt: np.ndarray) -> float:
    """How far the standardised occurrences of words depend on each other, in standard deviations; [N, words] each."""
    cells = src.shape[1] * tgt.shape[1]
    if not cells:
        return 0.0
    # Products of few rows: BLAS would share larger ones among threads, which costs more than it saves.
    products = (src[n : n + _ROWS].T @ tgt[n : n + _ROWS] for n in range(0, len(src), _ROWS))
    chi_square = float(np.square(sum(products)).sum()) / len(src)
    # Words of a side depend on each other: twice the deviation of independent cells.
    return float((chi_square - cells) / (2 * math.sqrt(2 * cells)))


def _standardised(side: np.ndarray) -> np.ndarray:
    """The columns that vary, with mean 0 and deviation 1."""
    side = side[:, side.min(axis=0) < side.max(axis=0)]
    means: np.ndarray = side.mean(axis=0)
    standardised: np.ndarray = (side - means) / np.sqrt(means * (1 - means))
    return standardised


def _lengths(window: list[Pair], side: str) -> np.ndarray:
    lengths = (len(getattr(pair, side)) for pair in window)
    return np.array([math.log(length) if length else math.nan for length in lengths])


def _occurrences(texts: list[str]) -> np.ndarray:
    """Which of the most frequent words, except those in most lines, are in each text, [texts, words]."""
    rows = [set(_words_of(text)) for text in texts]
    counts = Counter(chain.from_iterable(rows))
    least, most = max(4, _LEAST_SHARE * len(texts)), _MOST_SHARE * len(texts)
    frequent = [(word, count) for word, count in counts.items() if least <= count <= most]
    frequent.sort(key=lambda item: (-item[1], item[0]))
    columns = {word: column for column, (word, _) in enumerate(frequent[:_WORDS])}
    occurrences = np.zeros((len(texts), len(columns)), np.float32)
    cells = [(number, columns[word]) for number, row in enumerate(rows) for word in row.intersection(columns)]
    occurrences[tuple(zip(*cells, strict=True)) or ([], [])] = 1
    return occurrences


def _words_of(text: str) -> list[str]:
    """The words; characters where there are few blanks."""
    words = text.lower().split()
    return words if len(text) < 12 * len(words) else list(text)
