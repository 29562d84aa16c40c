"""Shortlists: the few words among which the translation of a sentence is looked for."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import safetensors
import safetensors.numpy

from seq2seq.data.corpus import Corpus
from seq2seq.inference.lexicon import Lexicon
from seq2seq.tokenizer.tokenizer import EOS

_COMMON, _OF_EACH = 200, 60


@dataclass(frozen=True)
class Shortlist:
    """The most frequent target pieces, and the likeliest ones for each source piece.

    A sentence has those of its own pieces: its translation does not depend on the other sentences.
    """

    common: np.ndarray
    """[C], target ids that each sentence has."""
    starts: np.ndarray
    """[source vocabulary + 1], where those of each source piece begin in `words`."""
    words: np.ndarray
    """[N], target ids."""
    tgt_vocab: int

    @classmethod
    def learn(cls, corpus: Corpus, src_vocab: int, tgt_vocab: int, joint: bool) -> "Shortlist":
        """From encoded pairs. With a joint vocabulary each source piece may be copied as well."""
        lexicon = Lexicon.learn(corpus, tgt_vocab)
        order = np.lexsort((-lexicon.probability, lexicon.src))
        src, tgt = lexicon.src[order], lexicon.tgt[order]
        first = np.arange(len(src)) - np.searchsorted(src, src) < _OF_EACH
        src, tgt = src[first], tgt[first]
        if joint:
            src, tgt = (np.concatenate([ids, np.arange(src_vocab)]) for ids in (src, tgt))
        src, tgt = np.divmod(np.unique(src * tgt_vocab + tgt), tgt_vocab)
        often = np.argsort(-corpus.tgt.counts(tgt_vocab), kind="stable")[:_COMMON]
        return cls(np.union1d(often, [EOS]), np.searchsorted(src, np.arange(src_vocab + 1)), tgt, tgt_vocab)

    def __str__(self) -> str:
        """What it is, for those who look at a model."""
        return f"{len(self.common):,} words and {len(self.words) / (len(self.starts) - 1):.1f} for each source piece"

    def of(self, source: Sequence[int], forbidden_ids: Sequence[int]) -> np.ndarray:
        """Which target ids a sentence of these source ids may have, bool [target vocabulary]; never a forbidden one."""
        inside = np.zeros(self.tgt_vocab, bool)
        inside[self.common] = True
        for one in source:
            inside[self.words[self.starts[one] : self.starts[one + 1]]] = True
        inside[list(forbidden_ids)] = False
        return inside

    def pack(self) -> bytes:
        """The content of a file."""
        arrays = {"common": self.common, "starts": self.starts, "words": self.words}
        return bytes(safetensors.numpy.save({name: array.astype(np.int32) for name, array in arrays.items()}))

    @classmethod
    def parse(cls, data: bytes, src_vocab: int, tgt_vocab: int) -> "Shortlist":
        """From the content of a file. Raises ValueError where it is damaged or made for other vocabularies."""
        try:
            arrays = safetensors.numpy.load(data)
        except (KeyError, ValueError, safetensors.SafetensorError) as error:  # KeyError: types that numpy lacks
            raise ValueError(repr(str(error)[:200])) from None
        if set(arrays) != {"common", "starts", "words"} or any(
            array.dtype != np.int32 or array.ndim != 1 for array in arrays.values()
        ):
            raise ValueError("it does not hold the three lists of a shortlist")
        common, starts, words = arrays["common"], arrays["starts"], arrays["words"]
        if EOS not in common:
            raise ValueError("its common words lack the end of a sentence")
        starts_fit = len(starts) == src_vocab + 1 and starts[0] == 0 and starts[-1] == len(words)
        ids = np.concatenate([common, words])
        # Compared, not subtracted: a difference may not fit into 32 bits.
        if not starts_fit or (starts[1:] < starts[:-1]).any() or ids.min() < 0 or ids.max() >= tgt_vocab:
            raise ValueError("it was made for other vocabularies")
        return cls(common, starts, words, tgt_vocab)
