"""Lexical translation probabilities of pieces: IBM model 1 (Brown et al. 1993, section 4.1)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seq2seq.data.corpus import Corpus
from seq2seq.tokenizer.tokenizer import EOS

_ITERATIONS = 5
# Target times source pieces to learn from, at four bytes each, and those processed at once.
_MOST_CELLS, _PART_CELLS = 30_000_000, 500_000


@dataclass(frozen=True)
class Lexicon:
    """Every pair of a source and a target piece that co-occur, in the order of their ids."""

    src: np.ndarray
    """[N]; eos is the null word, which explains target pieces that no source piece does."""
    tgt: np.ndarray
    """[N]"""
    probability: np.ndarray
    """[N], p(tgt | src)."""

    @classmethod
    def learn(cls, corpus: Corpus, tgt_vocab: int) -> "Lexicon":
        """Learn by expectation maximisation on the encoded pairs of a corpus, or on a subset if there are many."""
        parts = [_Cells.of(corpus, chosen, tgt_vocab) for chosen in _in_parts(corpus)]
        codes = np.unique(np.concatenate([np.unique(part.codes) for part in parts]))
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
        return cls(src, tgt, probability)


@dataclass(frozen=True)
class _Cells:
    """Each target piece of some pairs with each piece of its source and eos."""

    codes: np.ndarray
    """[C], source id times the size of the target vocabulary plus the target id, grouped by target piece."""
    widths: np.ndarray
    """[T], number of codes of each target piece."""

    @classmethod
    def of(cls, corpus: Corpus, chosen: np.ndarray, tgt_vocab: int) -> "_Cells":
        src = np.concatenate([[*corpus.src[number], EOS] for number in chosen]).astype(np.int64)
        tgt = np.concatenate([corpus.tgt[number] for number in chosen])
        src_lengths = corpus.src.lengths(chosen) + 1
        pair_of = np.arange(len(chosen)).repeat(corpus.tgt.lengths(chosen))
        widths = src_lengths[pair_of]
        within = np.arange(widths.sum()) - (np.cumsum(widths) - widths).repeat(widths)
        starts = (np.cumsum(src_lengths) - src_lengths)[pair_of]
        return cls(src[starts.repeat(widths) + within] * tgt_vocab + tgt.repeat(widths), widths)

    def indexed(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The index of each code among `codes`, and the widths."""
        return np.searchsorted(codes, self.codes).astype(np.int32), self.widths


def _in_parts(corpus: Corpus) -> Iterator[np.ndarray]:
    """The indices of the pairs to learn from, in parts of bounded size."""
    pairs = np.arange(len(corpus))
    cells = (corpus.src.lengths(pairs) + 1) * corpus.tgt.lengths(pairs)
    step = max(1, -(-int(cells.sum()) // _MOST_CELLS))
    chosen = pairs[::step]
    part = np.cumsum(cells[chosen]) // _PART_CELLS
    yield from np.split(chosen, np.flatnonzero(np.diff(part)) + 1)
