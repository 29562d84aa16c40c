"""A survey of all training pairs: what cleaning, holding out and tokenizer training need beforehand.

Memory does not grow with the corpus, except for ten bytes per pair: duplicates are found by hashes on disk.
"""

import math
import sys
import tempfile
from array import array
from collections import Counter
from collections.abc import Iterable
from contextlib import ExitStack
from dataclasses import dataclass, field
from hashlib import blake2b
from itertools import compress
from pathlib import Path
from typing import Self

import numpy as np

from seq2seq.data.bitext import Pair, chunks

SAMPLE = 2000
"""Usable pairs that are kept as a sample."""

_BINS_PER_UNIT, _BINS = 20, 400
# To both lengths of a ratio, as short sentences vary.
_ADDED = 5
_CHUNK = 1000
# The hashes decide which pairs are held out: models with different seeds share a validation set.
_KEY = b"held out"
_ODD = np.uint64(0x9E3779B97F4A7C15)
_LEAST_GROUPS = 1000
_PARTS = 64
_RECORD = np.dtype([("src", "<u8"), ("pair", "<u8"), ("number", "<i8")])


@dataclass
class Survey:
    """Statistics of the training pairs."""

    read: int = 0
    usable: int = 0
    src_characters: Counter[str] = field(default_factory=Counter)
    """In the order of their first occurrence."""
    tgt_characters: Counter[str] = field(default_factory=Counter)
    sample: list[Pair] = field(default_factory=list)
    is_usable: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    """[read]"""
    src_hashes: np.ndarray = field(default_factory=lambda: np.zeros(0, np.uint64))
    """[read], of each source sentence, the same in every run."""
    seen_before: np.ndarray = field(default_factory=lambda: np.zeros(0, bool))
    """[read], whether each pair is a duplicate of an earlier one."""
    several_translations: int = 0
    """Source sentences with more than one translation."""
    _ratios: np.ndarray = field(default_factory=lambda: np.zeros(_BINS, np.int64))

    @property
    def usual_ratio(self) -> float:
        """The median of `length_ratios`, within 5 %."""
        middle = int(np.searchsorted(self._ratios.cumsum(), self._ratios.sum() / 2))
        return math.exp((middle + 0.5 - _BINS / 2) / _BINS_PER_UNIT)

    def _add_ratios(self, src_lengths: np.ndarray, tgt_lengths: np.ndarray) -> None:
        ratios = np.log(length_ratios(src_lengths, tgt_lengths))
        bins = np.rint(ratios * _BINS_PER_UNIT - 0.5).astype(np.int64) + _BINS // 2
        self._ratios += np.bincount(bins.clip(0, _BINS - 1), minlength=_BINS)


def survey(pairs: Iterable[Pair], folder: Path) -> Survey:
    """Survey all pairs. folder: for temporary files."""
    result = Survey()
    is_usable, hashes = bytearray(), array("Q")
    src_characters, tgt_characters = _CharacterCounts(), _CharacterCounts()
    with _DuplicateFinder(folder) as duplicates:
        for chunk in chunks(pairs, _CHUNK):
            chunk_usable = np.array([pair.usable for pair in chunk])
            usable = list(compress(chunk, chunk_usable.tolist()))
            sources, targets = [pair.src for pair in usable], [pair.tgt for pair in usable]
            chunk_hashes = np.zeros(len(chunk), np.uint64)
            chunk_hashes[chunk_usable] = _hashes_of(sources)
            duplicates.add(result.read + chunk_usable.nonzero()[0], chunk_hashes[chunk_usable], targets)
            result._add_ratios(src_characters.add(sources), tgt_characters.add(targets))
            result.sample += usable[: SAMPLE - len(result.sample)]
            is_usable += chunk_usable.tobytes()
            hashes.frombytes(chunk_hashes.tobytes())
            result.read += len(chunk)
            result.usable += len(usable)
        result.seen_before, result.several_translations = duplicates.find(result.read)
    result.src_characters, result.tgt_characters = src_characters.counter(), tgt_characters.counter()
    result.is_usable, result.src_hashes = np.frombuffer(is_usable, bool), np.frombuffer(hashes, np.uint64)
    return result


class _CharacterCounts:
    """Counts characters."""

    def __init__(self) -> None:
        self._counts = np.zeros(sys.maxunicode + 1, np.int64)
        self._order: list[int] = []

    def add(self, texts: list[str]) -> np.ndarray:
        """Count the characters of these texts; return the length of each."""
        text = "".join(texts)
        codes = np.frombuffer(text.encode("utf-32-le"), np.uint32)
        counts = np.bincount(codes)
        before = self._counts[: len(counts)]
        new = {chr(code) for code in ((counts > 0) & (before == 0)).nonzero()[0]}
        self._order += map(ord, dict.fromkeys(filter(new.__contains__, text))) if new else ()
        before += counts
        return np.fromiter(map(len, texts), np.int64, len(texts))

    def counter(self) -> Counter[str]:
        """How often each character occurs, in the order of their first occurrence."""
        return Counter({chr(code): int(self._counts[code]) for code in self._order})


def length_ratios(src_lengths: np.ndarray, tgt_lengths: np.ndarray) -> np.ndarray:
    """Target characters over source characters, plus 5 on each side, as short sentences vary."""
    ratios: np.ndarray = (tgt_lengths + _ADDED) / (src_lengths + _ADDED)
    return ratios


def _hashes_of(texts: list[str]) -> np.ndarray:
    """A 64-bit hash of each text."""
    digests = [blake2b(text.encode(), digest_size=8, key=_KEY).digest() for text in texts]
    return np.frombuffer(b"".join(digests), "<u8")


class _DuplicateFinder:
    """Finds duplicate pairs. Records are partitioned into files by their source; each file fits into memory."""

    def __init__(self, folder: Path) -> None:
        self._folder, self._files = folder, ExitStack()

    def __enter__(self) -> Self:
        unnamed = (tempfile.TemporaryFile(dir=self._folder) for _ in range(_PARTS))  # noqa: SIM115
        self._parts = [self._files.enter_context(file) for file in unnamed]
        return self

    def __exit__(self, *error: object) -> None:
        self._files.close()

    def add(self, numbers: np.ndarray, src_hashes: np.ndarray, targets: list[str]) -> None:
        """Add pairs: their numbers, the hashes of their sources, and their targets."""
        records = np.empty(len(targets), _RECORD)
        tgt_hashes = np.fromiter(map(hash, targets), np.int64, len(targets)).view(np.uint64)
        records["src"], records["pair"], records["number"] = src_hashes, src_hashes * _ODD + tgt_hashes, numbers
        parts = src_hashes % _PARTS
        for part in np.unique(parts):
            self._parts[part].write(records[parts == part].tobytes())

    def find(self, count: int) -> tuple[np.ndarray, int]:
        """Whether each of `count` pairs is a duplicate, and how many sources have several translations."""
        seen_before, several = np.zeros(count, bool), 0
        for part in self._parts:
            part.seek(0)
            records = np.frombuffer(part.read(), _RECORD)
            _, first = np.unique(records["pair"], return_index=True)
            is_duplicate = np.ones(len(records), bool)
            is_duplicate[first] = False
            seen_before[records["number"][is_duplicate]] = True
            _, translations = np.unique(records["src"][first], return_counts=True)
            several += int((translations > 1).sum())
        return seen_before, several


def draw_groups(hashes: Iterable[int], count: int) -> set[int]:
    """The smallest hashes that together occur at most `count` times: a random draw of groups of equal hashes.

    If each occurs more often, the one that occurs least; none if there is only one.
    """
    groups: Counter[int] = Counter()
    most, bound = max(4 * count, _LEAST_GROUPS), 2**64
    for value in hashes:
        if value < bound:
            groups[value] += 1
            if len(groups) > most:
                kept = sorted(groups)[: most // 2]
                groups, bound = Counter({key: groups[key] for key in kept}), kept[-1] + 1
    chosen: set[int] = set()
    for value in sorted(groups):
        if groups[value] <= count:
            chosen.add(value)
            count -= groups[value]
    if not chosen and len(groups) > 1:
        chosen.add(min(groups, key=lambda value: (groups[value], value)))
    return chosen
