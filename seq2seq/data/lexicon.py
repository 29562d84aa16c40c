"""Lexical translation probabilities of pieces: IBM model 1 (Brown et al. 1993, section 4.1)."""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from seq2seq.data.corpus import Sentences
from seq2seq.tokenizer.tokenizer import EOS

_ITERATIONS = 5
# Target times source pieces that are processed at once.
_PART_CELLS = 500_000


@dataclass(frozen=True)
class Lexicon:
    """Every pair of a source and a target piece that co-occur, in the order of their ids."""

    src: np.ndarray
    """[N]; eos is the null word, which explains target pieces that no source piece does."""
    tgt: np.ndarray
    """[N]"""
    probability: np.ndarray
    """[N], p(tgt | src)."""
    tgt_vocab: int

    @classmethod
    def learn(cls, source: Sentences, target: Sentences, tgt_vocab: int, most_cells: int = 30_000_000) -> "Lexicon":
        """Learn by expectation maximisation on the encoded pairs of a corpus, or on a subset if there are many.

        most_cells: products of the lengths of a pair's sides to learn from, in total, at four bytes each.
        """
        parts = [_Cells.of(source, target, chosen, tgt_vocab) for chosen in _in_parts(source, target, most_cells)]
        codes = _distinct(np.concatenate([_distinct(part.codes) for part in parts]))
        src, tgt = np.divmod(codes, tgt_vocab)
        aligned = [part.indexed(codes) for part in parts]
        probability = np.ones(len(codes))
        for _ in range(_ITERATIONS):
            counts = np.zeros(len(codes))
            for indices, widths in aligned:
                weights = probability[indices]
                sums = np.add.reduceat(weights, np.cumsum(widths) - widths)
                counts += np.bincount(indices, weights / sums.repeat(widths), minlength=len(codes))
            probability = counts / np.bincount(src, counts)[src]
        return cls(src, tgt, probability, tgt_vocab)

    def pruned(self, least: float) -> "Lexicon":
        """Without the pairs that are less probable than `least`."""
        kept = self.probability >= least
        return Lexicon(self.src[kept], self.tgt[kept], self.probability[kept], self.tgt_vocab)

    def probabilities(self, src: np.ndarray, tgt: np.ndarray) -> np.ndarray:
        """p(tgt | src) of every source piece with every target piece, [S, T]; 0 for pairs that are not listed."""
        codes = src.astype(np.int64)[:, None] * self.tgt_vocab + tgt
        positions = np.searchsorted(self._codes, codes)
        positions[positions == len(self._codes)] = 0
        probabilities: np.ndarray = self.probability[positions] * (self._codes[positions] == codes)
        return probabilities

    @cached_property
    def _codes(self) -> np.ndarray:
        codes: np.ndarray = self.src * self.tgt_vocab + self.tgt
        return codes


@dataclass(frozen=True)
class _Cells:
    """Each target piece of some pairs with each piece of its source and eos."""

    codes: np.ndarray
    """[C], source id times the size of the target vocabulary plus the target id, grouped by target piece."""
    widths: np.ndarray
    """[T], number of codes of each target piece."""

    @classmethod
    def of(cls, source: Sentences, target: Sentences, chosen: np.ndarray, tgt_vocab: int) -> "_Cells":
        src = np.concatenate([[*source[number], EOS] for number in chosen]).astype(np.int64)
        tgt = np.concatenate([target[number] for number in chosen])
        src_lengths = source.lengths(chosen) + 1
        pair_of = np.arange(len(chosen)).repeat(target.lengths(chosen))
        widths = src_lengths[pair_of]
        within = np.arange(widths.sum()) - (np.cumsum(widths) - widths).repeat(widths)
        starts = (np.cumsum(src_lengths) - src_lengths)[pair_of]
        return cls(src[starts.repeat(widths) + within] * tgt_vocab + tgt.repeat(widths), widths)

    def indexed(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The index of each code among `codes`, and the widths."""
        return np.searchsorted(codes, self.codes).astype(np.int32), self.widths


def _distinct(codes: np.ndarray) -> np.ndarray:
    """The distinct codes, ascending. np.unique hashes them first, which takes several times longer."""
    ordered = np.sort(codes)
    return ordered[np.diff(ordered, prepend=-1) > 0]


def _in_parts(source: Sentences, target: Sentences, most_cells: int) -> Iterator[np.ndarray]:
    """The indices of the pairs to learn from, in parts of bounded size."""
    pairs = np.arange(len(source))
    cells = (source.lengths(pairs) + 1) * target.lengths(pairs)
    step = max(1, -(-int(cells.sum()) // most_cells))
    chosen = pairs[::step]
    part = np.cumsum(cells[chosen]) // _PART_CELLS
    yield from np.split(chosen, np.flatnonzero(np.diff(part)) + 1)
