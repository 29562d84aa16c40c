"""How likely a target piece translates a source piece: IBM model 1 (Brown et al. 1993, section 4.1)."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from seq2seq.data.corpus import Corpus
from seq2seq.tokenizer.tokenizer import EOS

_ROUNDS = 5
# Target times source pieces that are looked at: four bytes of memory each, and in parts that are much smaller.
_MOST_CELLS, _PART_CELLS = 30_000_000, 500_000


@dataclass(frozen=True)
class Lexicon:
    """Every source piece with every target piece that it was seen with, in the order of their ids."""

    src: np.ndarray
    """[N]; the end is what explains pieces that no piece of the source does."""
    tgt: np.ndarray
    """[N]"""
    probability: np.ndarray
    """[N], p(tgt | src)."""

    @classmethod
    def learn(cls, corpus: Corpus, tgt_vocab: int) -> "Lexicon":
        """By expectation maximisation on the encoded pairs of a corpus, or where those are many, on some of them."""
        parts = [_Cells.of(corpus, chosen, tgt_vocab) for chosen in _in_parts(corpus)]
        codes = np.unique(np.concatenate([np.unique(part.codes) for part in parts]))
        src, tgt = np.divmod(codes, tgt_vocab)
        aligned = [part.placed(codes) for part in parts]
        probability = np.ones(len(codes))
        for _ in range(_ROUNDS):
            counts = np.zeros(len(codes))
            for places, widths in aligned:
                weights = probability[places]
                sums = np.add.reduceat(weights, np.cumsum(widths) - widths)
                counts += np.bincount(places, weights / sums.repeat(widths), minlength=len(codes))
            probability = counts / np.bincount(src, counts)[src]
        return cls(src, tgt, probability)


@dataclass(frozen=True)
class _Cells:
    """Each target piece of some pairs beside each piece of its source and the end."""

    codes: np.ndarray
    """[C], source id times the size of the target vocabulary, and the target id; those of a target piece together."""
    widths: np.ndarray
    """[T], how many that are for each target piece."""

    @classmethod
    def of(cls, corpus: Corpus, chosen: np.ndarray, tgt_vocab: int) -> "_Cells":
        src = np.concatenate([[*corpus.src[number], EOS] for number in chosen]).astype(np.int64)
        tgt = np.concatenate([corpus.tgt[number] for number in chosen])
        src_lengths = corpus.src.lengths(chosen) + 1
        owners = np.arange(len(chosen)).repeat(corpus.tgt.lengths(chosen))
        widths = src_lengths[owners]
        within = np.arange(widths.sum()) - (np.cumsum(widths) - widths).repeat(widths)
        starts = (np.cumsum(src_lengths) - src_lengths)[owners]
        return cls(src[starts.repeat(widths) + within] * tgt_vocab + tgt.repeat(widths), widths)

    def placed(self, codes: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """The index of each code among `codes`, and the widths."""
        return np.searchsorted(codes, self.codes).astype(np.int32), self.widths


def _in_parts(corpus: Corpus) -> Iterator[np.ndarray]:
    """The numbers of the pairs that are looked at, some at a time."""
    everything = np.arange(len(corpus))
    cells = (corpus.src.lengths(everything) + 1) * corpus.tgt.lengths(everything)
    step = max(1, -(-int(cells.sum()) // _MOST_CELLS))
    chosen = everything[::step]
    part = np.cumsum(cells[chosen]) // _PART_CELLS
    yield from np.split(chosen, np.flatnonzero(np.diff(part)) + 1)
