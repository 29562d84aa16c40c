"""Which pairs form a batch, and how a batch is laid out.

The batches of an epoch are a pure function of (lengths, seed, epoch), so that a resumed training sees the same ones.
This is also the only place where the target is shifted: the decoder reads `tgt_in` and predicts `tgt_out`.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq.data.corpus import Corpus
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD

# Few distinct shapes: matrix libraries compile a kernel for each, and are fastest with multiples of 8 rows.
_ROWS_MULTIPLE = 8
_LENGTH_MULTIPLE = 2
_PAIRS_PLANNED_AT_ONCE = 2**20


@dataclass(frozen=True)
class Batch:
    """Padded sentence pairs as int64 arrays."""

    src: np.ndarray
    """[B, S], each row ended by eos."""
    src_lengths: np.ndarray
    """[B], eos included."""
    tgt_in: np.ndarray
    """[B, T], bos and the target."""
    tgt_out: np.ndarray
    """[B, T], the target and eos."""

    @property
    def target_tokens(self) -> int:
        """Target tokens without padding, eos included."""
        return int((self.tgt_out != PAD).sum())


def plan_epoch(corpus: Corpus, batch_tokens: int, seed: int, epoch: int) -> Iterator[np.ndarray]:
    """The pair indices of each batch of an epoch, in training order, sampled according to the weights of the parts.

    A large corpus is split at random into blocks that are planned one after another, so that memory stays bounded.
    """
    blocks = math.ceil(sum(part.pairs * part.weight for part in corpus.parts) / _PAIRS_PLANNED_AT_ONCE)
    for block in range(blocks):
        pairs = _draw_block(corpus, block, blocks, seed, epoch)
        lengths = corpus.src.lengths(pairs), corpus.tgt.lengths(pairs)
        yield from (pairs[batch] for batch in plan_batches(*lengths, batch_tokens, (seed, epoch, block)))


def _draw_block(corpus: Corpus, block: int, blocks: int, seed: int, epoch: int) -> np.ndarray:
    """The pair indices of a block, ascending, each repeated as often as it is drawn."""
    drawn, start = [], 0
    for part in corpus.parts:
        for first in range(start, start + part.pairs, _PAIRS_PLANNED_AT_ONCE):
            pairs = np.arange(first, min(first + _PAIRS_PLANNED_AT_ONCE, start + part.pairs))
            position = _uniform(pairs, seed, epoch) * blocks
            in_block = position.astype(np.int64) == block
            # The fractional part decides whether the fraction of the weight draws one more copy.
            copies = math.floor(part.weight) + (position % 1 < part.weight % 1)
            drawn.append(np.repeat(pairs[in_block], copies[in_block]))
        start += part.pairs
    return np.concatenate(drawn)


def _uniform(numbers: np.ndarray, seed: int, epoch: int) -> np.ndarray:
    """A uniform number in [0, 1) for each of `numbers`, a function of it, the seed and the epoch alone (splitmix64)."""
    key = np.random.SeedSequence((seed, epoch)).generate_state(1, np.uint64)
    bits = numbers.astype(np.uint64) * np.uint64(0x9E3779B97F4A7C15) + key
    bits = (bits ^ (bits >> np.uint64(30))) * np.uint64(0xBF58476D1CE4E5B9)
    bits = (bits ^ (bits >> np.uint64(27))) * np.uint64(0x94D049BB133111EB)
    return ((bits ^ (bits >> np.uint64(31))) >> np.uint64(11)) * 2.0**-53


def plan_batches(
    src_lengths: np.ndarray, tgt_lengths: np.ndarray, batch_tokens: int, seed: int | Sequence[int]
) -> list[np.ndarray]:
    """The pair indices of each batch, in training order.

    Pairs of similar lengths are batched together, those of equal lengths in random order, and the batches are shuffled.
    A batch holds at most `batch_tokens` padded tokens on its longer side, or a single pair.
    """
    random = np.random.default_rng(seed)
    # Source lengths alternately rise and fall from one target length to the next, so that neighbours stay similar.
    alternating = np.where(tgt_lengths % 2, src_lengths, -src_lengths)
    order = np.lexsort((random.random(len(src_lengths)), alternating, tgt_lengths))
    longest = _padded_width(np.maximum(src_lengths, tgt_lengths)[order] + 1)
    batches, start = [], 0
    while start < len(order):
        end = start + _rows_within(longest[start:], batch_tokens)
        batches.append(order[start:end])
        start = end
    random.shuffle(batches)
    return batches


def _rows_within(longest: np.ndarray, batch_tokens: int) -> int:
    """How many of the next pairs fill a batch; a multiple of 8 if more than 8 fit."""
    # All rows are at least as wide as the first, so no more rows than this can fit.
    window = np.maximum.accumulate(longest[: batch_tokens // longest[0] + 1])
    rows = int(np.searchsorted(window * np.arange(1, len(window) + 1), batch_tokens, side="right"))
    if rows == len(longest):
        return rows
    return max(rows - rows % _ROWS_MULTIPLE if rows > _ROWS_MULTIPLE else rows, 1)


def _padded_width(length: np.ndarray) -> np.ndarray:
    return -(-length // _LENGTH_MULTIPLE) * _LENGTH_MULTIPLE


def make_batch(corpus: Corpus, indices: np.ndarray) -> Batch:
    """Pad and shift the pairs `indices` of `corpus`, longest sources first, so that a recurrence can drop rows."""
    pairs = sorted(((corpus.src[i], corpus.tgt[i]) for i in indices), key=lambda pair: -len(pair[0]))
    src, tgt_out = (pad_rows(side, EOS) for side in zip(*pairs, strict=True))
    tgt_in = np.roll(tgt_out, 1, axis=1)
    tgt_in[tgt_in == EOS] = PAD
    tgt_in[:, 0] = BOS
    return Batch(src, np.array([len(ids) + 1 for ids, _ in pairs]), tgt_in, tgt_out)


def pad_rows(rows: Sequence[np.ndarray], *end: int) -> np.ndarray:
    """Append `end` to each row of ids and pad the rows to a common, even width: [N, width]."""
    ending = np.array(end, dtype=np.int64)
    lengths = np.array([len(row) for row in rows]) + len(ending)
    padded = np.full((len(rows), _padded_width(lengths.max())), PAD, dtype=np.int64)
    real = np.arange(padded.shape[1]) < lengths[:, None]
    padded[real] = np.concatenate([ids for row in rows for ids in (row, ending)])
    return padded
