"""Which words of a sentence pair translate each other, by the lexical probabilities of their pieces.

A link needs the agreement of both directions (Liang et al. 2006); among equal words the nearest in relative position is
preferred, by the prior of fast_align (Dyer et al. 2013).
"""

import unicodedata
from collections import Counter
from dataclasses import dataclass
from itertools import pairwise

import numpy as np

from seq2seq.data.corpus import Corpus
from seq2seq.data.lexicon import Lexicon
from seq2seq.tokenizer.scripts import is_unspaced
from seq2seq.tokenizer.tokenizer import EOS, Tokenizer, Tokenizers

_CELLS = 8_000_000
_LEAST_PROBABILITY = 1e-4
# How fast the prior falls with the distance, and that of the null word.
_DIAGONAL, _NULL = 4.0, 0.1
# Least probability of the pieces of a word that is its own translation: names and numbers are rare.
_IDENTICAL = 0.1
_CERTAIN, _POSSIBLE = 0.5, 0.2


@dataclass(frozen=True)
class WordAlignment:
    """The words of a pair, as lists of piece ids, and the links between them, as their numbers in source and target."""

    src: list[list[int]]
    tgt: list[list[int]]
    certain: list[tuple[int, int]]
    """At most one of each word."""
    possible: list[tuple[int, int]]
    """All words that may well translate each other, the certain ones too."""


class WordAligner:
    """Aligns the words of encoded pairs."""

    def __init__(self, corpus: Corpus, tokenizers: Tokenizers) -> None:
        """Learn from a corpus, or from a subset if it is large. corpus: of the ids of these tokenizers."""
        src, tgt = tokenizers.src, tokenizers.tgt
        self._src_words = _Words(src, corpus.src.counts(len(src)))
        self._tgt_words = _Words(tgt, corpus.tgt.counts(len(tgt)))
        forwards = Lexicon.learn(corpus.src, corpus.tgt, len(tgt), _CELLS)
        backwards = Lexicon.learn(corpus.tgt, corpus.src, len(src), _CELLS)
        self._forwards, self._backwards = (table.pruned(_LEAST_PROBABILITY) for table in (forwards, backwards))
        ids = {piece: number for number, piece in enumerate(tgt.pieces(range(len(tgt))))}
        self._identical = np.array([ids.get(piece, -1) for piece in src.pieces(range(len(src)))])
        """[source vocabulary], the target id of the same piece, or -1."""

    def align(self, src: np.ndarray, tgt: np.ndarray) -> WordAlignment:
        """The words and links of a pair of id sequences."""
        src_starts, tgt_starts = self._src_words.starts(src), self._tgt_words.starts(tgt)
        src_words, tgt_words = _split(src, src_starts), _split(tgt, tgt_starts)
        if not (src_words and tgt_words):
            return WordAlignment(src_words, tgt_words, [], [])
        floor = self._floor(src_words, tgt_words)
        distance = np.abs((np.arange(len(src)) + 0.5)[:, None] / len(src) - (np.arange(len(tgt)) + 0.5) / len(tgt))
        prior = np.exp(-_DIAGONAL * distance)
        forwards = _word_posteriors(self._forwards, src, tgt, floor, prior, src_starts, tgt_starts)
        backwards = _word_posteriors(self._backwards, tgt, src, floor.T, prior.T, tgt_starts, src_starts).T
        agreement = np.sqrt(forwards * backwards)
        best = (agreement == agreement.max(axis=1, keepdims=True)) & (agreement == agreement.max(axis=0))
        certain = best & (agreement >= _CERTAIN)
        # Equal words at equal distances: the first.
        certain &= (certain.cumsum(axis=1) == 1) & (certain.cumsum(axis=0) == 1)
        possible = certain | (forwards >= _POSSIBLE) | (backwards >= _POSSIBLE)
        return WordAlignment(src_words, tgt_words, _links(certain), _links(possible))

    def _floor(self, src_words: list[list[int]], tgt_words: list[list[int]]) -> np.ndarray:
        """The least probability of each piece with each, [S, T]."""
        in_target = [self._identical[word].tolist() for word in src_words]
        equal = np.array([[word == other for other in tgt_words] for word in in_target])
        by_piece = equal.repeat([len(word) for word in src_words], axis=0)
        return _IDENTICAL * by_piece.repeat([len(word) for word in tgt_words], axis=1)


def _word_posteriors(
    lexicon: Lexicon,
    src: np.ndarray,
    tgt: np.ndarray,
    floor: np.ndarray,
    prior: np.ndarray,
    src_starts: np.ndarray,
    tgt_starts: np.ndarray,
) -> np.ndarray:
    """The probability that a target word stems from each source word, the mean of its pieces, [words, words]."""
    scores = np.maximum(lexicon.probabilities(src, tgt), floor) * prior
    null = lexicon.probabilities(np.array([EOS]), tgt) * _NULL
    pieces = scores / np.maximum(scores.sum(axis=0) + null, _LEAST_PROBABILITY)
    words = np.add.reduceat(np.add.reduceat(pieces, src_starts, axis=0), tgt_starts, axis=1)
    posteriors: np.ndarray = words / np.diff([*tgt_starts, len(tgt)])
    return posteriors


def _links(matrix: np.ndarray) -> list[tuple[int, int]]:
    return list(zip(*(numbers.tolist() for numbers in matrix.nonzero()), strict=True))


def _split(ids: np.ndarray, starts: np.ndarray) -> list[list[int]]:
    listed, bounds = ids.tolist(), [*starts.tolist(), len(ids)]
    return [listed[start:end] for start, end in pairwise(bounds)]


class _Words:
    """Where the words of a language begin. Punctuation at the end of a word is separate from it."""

    def __init__(self, tokenizer: Tokenizer, counts: np.ndarray) -> None:
        """counts: of each piece in the corpus. In a script without blanks between words each piece is a word."""
        pieces = tokenizer.pieces(range(len(tokenizer)))
        bytes_ = list(tokenizer.byte_pieces())
        self._starts = np.array([tokenizer.starts_word(piece) for piece in range(len(tokenizer))])
        self._closes = np.array([_is_punctuation(piece) for piece in pieces])
        characters: Counter[str] = Counter()
        for number in np.setdiff1d(counts.nonzero()[0], bytes_):
            characters.update(dict.fromkeys(pieces[number], int(counts[number])))
        if is_unspaced(characters):
            self._starts[:] = True
            self._starts[bytes_] = False

    def starts(self, ids: np.ndarray) -> np.ndarray:
        """The positions of the first pieces of words."""
        starts, closes = self._starts[ids], self._closes[ids]
        starts[:1] = True
        for position in range(len(ids) - 1, 0, -1):
            starts[position] |= closes[position] and (position + 1 == len(ids) or starts[position + 1])
        return np.flatnonzero(starts)


def _is_punctuation(piece: str) -> bool:
    """Whether a piece is signs and no-break spaces only; an apostrophe belongs to a word."""
    return all(unicodedata.category(character)[0] in "PSZ" and character not in "'’" for character in piece)
