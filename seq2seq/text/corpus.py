"""Encoded sentence pairs as flat arrays on disk, mapped into memory when they are read.

A corpus folder holds, for each side, the ids of all sentences one after another and the offset of each sentence in
them: training keeps in memory no text and no ids, only some tens of bytes a pair to plan the batches of an epoch.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path

import numpy as np

from seq2seq.errors import InputError
from seq2seq.text.bitext import Pair
from seq2seq.text.tokenizer import Tokenizer

_CHUNK = 10_000
_IDS = np.dtype("<i4")
_OFFSETS = np.dtype("<i8")


@dataclass
class LeftOut:
    """Pairs that a corpus could not take: how many for one reason, and the line of the first."""

    reason: str
    count: int = 0
    first_line: int = 0

    def add(self, line: int) -> None:
        """Count the pair of `line`."""
        self.count += 1
        self.first_line = self.first_line or line


@dataclass
class CorpusCounts:
    """What became of the pairs that were to be encoded."""

    read: int = 0
    kept: int = 0
    pieces: int = 0
    byte_pieces: int = 0
    empty: LeftOut = field(default_factory=lambda: LeftOut("with an empty side"))
    too_long: LeftOut = field(default_factory=lambda: LeftOut("over data.max_length"))


class Sentences:
    """One side of a corpus: piece ids of sentence i, without bos or eos, are `sentences[i]`."""

    def __init__(self, folder: Path, side: str) -> None:
        self._ids = _map(folder / f"{side}.ids", _IDS)
        self._offsets = _map(folder / f"{side}.offsets", _OFFSETS)
        ends_fit = len(self._offsets) and self._offsets[0] == 0 and self._offsets[-1] == len(self._ids)
        if not ends_fit or (np.diff(self._offsets) < 0).any():
            raise InputError(f"{folder / side}.offsets: damaged, delete the run folder and train again")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self._ids[self._offsets[index] : self._offsets[index + 1]]

    @property
    def lengths(self) -> np.ndarray:
        """Pieces of each sentence, int64 [N]."""
        return np.diff(self._offsets)


class Corpus:
    """The encoded pairs of a folder that `write_corpus` filled.

    Raises InputError where files are missing or do not fit one another.
    """

    def __init__(self, folder: Path) -> None:
        self.src = Sentences(folder, "src")
        self.tgt = Sentences(folder, "tgt")
        if len(self.src) != len(self.tgt):
            raise InputError(f"{folder}: damaged ({len(self.src)} source but {len(self.tgt)} target sentences)")

    def __len__(self) -> int:
        return len(self.src)


def write_corpus(
    pairs: Iterable[Pair], src_tokenizer: Tokenizer, tgt_tokenizer: Tokenizer, max_length: int, folder: Path
) -> CorpusCounts:
    """Encode `pairs` into `folder`; those with an empty side or more than `max_length` pieces are left out, counted."""
    folder.mkdir(parents=True, exist_ok=True)
    counts = CorpusCounts()
    src_bytes, tgt_bytes = src_tokenizer.byte_pieces(), tgt_tokenizer.byte_pieces()
    with _sentence_writer(folder, "src") as add_src, _sentence_writer(folder, "tgt") as add_tgt:
        for chunk in _chunks(pairs):
            src_ids = src_tokenizer.encode([pair.src for pair in chunk])
            tgt_ids = tgt_tokenizer.encode([pair.tgt for pair in chunk])
            for pair, src, tgt in zip(chunk, src_ids, tgt_ids, strict=True):
                counts.read += 1
                if not pair.usable:
                    counts.empty.add(pair.line)
                elif max(len(src), len(tgt)) > max_length:
                    counts.too_long.add(pair.line)
                else:
                    counts.kept += 1
                    counts.pieces += len(src) + len(tgt)
                    counts.byte_pieces += sum(i in src_bytes for i in src) + sum(i in tgt_bytes for i in tgt)
                    add_src(src)
                    add_tgt(tgt)
    return counts


@contextmanager
def _sentence_writer(folder: Path, side: str) -> Iterator[Callable[[list[int]], None]]:
    """A function that appends a sentence to one side of a corpus."""
    end = 0
    with open(folder / f"{side}.ids", "wb") as ids_file, open(folder / f"{side}.offsets", "wb") as offsets_file:
        offsets_file.write(np.array([end], _OFFSETS).tobytes())

        def add(ids: list[int]) -> None:
            nonlocal end
            end += len(ids)
            ids_file.write(np.array(ids, _IDS).tobytes())
            offsets_file.write(np.array([end], _OFFSETS).tobytes())

        yield add
        for file in (ids_file, offsets_file):
            file.flush()
            os.fsync(file.fileno())


def _chunks(pairs: Iterable[Pair]) -> Iterator[list[Pair]]:
    remaining = iter(pairs)
    while chunk := list(islice(remaining, _CHUNK)):
        yield chunk


def _map(path: Path, dtype: np.dtype) -> np.ndarray:
    try:
        size = path.stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: missing, delete the run folder and train again") from None
    if size % dtype.itemsize or not path.is_file():
        raise InputError(f"{path}: damaged, delete the run folder and train again")
    # An empty file cannot be mapped.
    return np.memmap(path, dtype, "r") if size else np.empty(0, dtype)
