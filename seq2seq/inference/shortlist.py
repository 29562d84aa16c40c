"""Lexical shortlists: the few target words that the translation of a sentence may contain."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import safetensors
import safetensors.numpy

from seq2seq.data.corpus import Corpus
from seq2seq.data.lexicon import Lexicon
from seq2seq.tokenizer.symbols import SYMBOLS
from seq2seq.tokenizer.tokenizer import EOS

_MOST_FREQUENT, _PER_SOURCE_PIECE = 200, 60


@dataclass(frozen=True)
class Shortlist:
    """The most frequent target pieces, and the likeliest ones for each source piece.

    The shortlist is made per sentence, from its own pieces: its translation does not depend on the other sentences.
    """

    common: np.ndarray
    """[C], target ids allowed in every sentence."""
    starts: np.ndarray
    """[source vocabulary + 1], where the target ids of each source piece begin in `words`."""
    words: np.ndarray
    """[N], target ids."""
    tgt_vocab: int

    @classmethod
    def learn(cls, corpus: Corpus, src_vocab: int, tgt_vocab: int, joint: bool) -> "Shortlist":
        """From encoded pairs. With a joint vocabulary each source piece may also be copied."""
        lexicon = Lexicon.learn(corpus.src, corpus.tgt, tgt_vocab)
        order = np.lexsort((-lexicon.probability, lexicon.src))
        src, tgt = lexicon.src[order], lexicon.tgt[order]
        best = np.arange(len(src)) - np.searchsorted(src, src) < _PER_SOURCE_PIECE
        src, tgt = src[best], tgt[best]
        if joint:
            src, tgt = (np.concatenate([ids, np.arange(src_vocab)]) for ids in (src, tgt))
        src, tgt = np.divmod(np.unique(src * tgt_vocab + tgt), tgt_vocab)
        common = np.argsort(-corpus.tgt.counts(tgt_vocab), kind="stable")[:_MOST_FREQUENT]
        return cls(np.union1d(common, [EOS]), np.searchsorted(src, np.arange(src_vocab + 1)), tgt, tgt_vocab)

    def __str__(self) -> str:
        """Its size, as `seq2seq info` shows it."""
        return f"{len(self.common):,} words and {len(self.words) / (len(self.starts) - 1):.1f} for each source piece"

    def of(self, source: Sequence[int], forbidden_ids: Sequence[int], symbols: bool = False) -> np.ndarray:
        """The target ids allowed for these source ids, bool [target vocabulary]; forbidden ones are never allowed.

        symbols: whether the vocabularies have symbols. Those of the source are then allowed, and no others.
        """
        allowed = np.zeros(self.tgt_vocab, bool)
        allowed[self.common] = True
        for piece_id in source:
            allowed[self.words[self.starts[piece_id] : self.starts[piece_id + 1]]] = True
        if symbols:
            allowed[SYMBOLS] = False
            allowed[[token for token in source if token in SYMBOLS]] = True
        allowed[list(forbidden_ids)] = False
        return allowed

    def pack(self) -> bytes:
        """The content of a file."""
        arrays = {"common": self.common, "starts": self.starts, "words": self.words}
        return bytes(safetensors.numpy.save({name: array.astype(np.int32) for name, array in arrays.items()}))

    @classmethod
    def parse(cls, data: bytes, src_vocab: int, tgt_vocab: int) -> "Shortlist":
        """From the content of a file. Raises ValueError if it is damaged or made for other vocabularies."""
        try:
            arrays = safetensors.numpy.load(data)
        except (KeyError, ValueError, safetensors.SafetensorError) as error:  # KeyError: types that numpy lacks
            raise ValueError(repr(str(error)[:200])) from None
        if set(arrays) != {"common", "starts", "words"} or any(
            array.dtype != np.int32 or array.ndim != 1 for array in arrays.values()
        ):
            raise ValueError("it does not contain the three arrays of a shortlist")
        common, starts, words = arrays["common"], arrays["starts"], arrays["words"]
        if EOS not in common:
            raise ValueError("its common words do not include eos")
        starts_fit = len(starts) == src_vocab + 1 and starts[0] == 0 and starts[-1] == len(words)
        ids = np.concatenate([common, words])
        # Compared, not subtracted: a difference may not fit into 32 bits.
        if not starts_fit or (starts[1:] < starts[:-1]).any() or ids.min() < 0 or ids.max() >= tgt_vocab:
            raise ValueError("it was made for other vocabularies")
        return cls(common, starts, words, tgt_vocab)
