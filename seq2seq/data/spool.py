"""Temporary storage of pairs while a run's data is prepared, so that each source is read through once."""

import tempfile
from collections.abc import Iterable, Iterator
from itertools import compress
from pathlib import Path
from typing import BinaryIO, NamedTuple, Self

import numpy as np

from seq2seq.data.bitext import Pair, chunks

_BLOCK = 1000


class _Block(NamedTuple):
    """Consecutive pairs in the file: the number of the first one, how many, and from where to where."""

    first: int
    pairs: int
    start: int
    end: int


class PairSpool:
    """An unnamed temporary file that holds the pairs of all sources, one source after the other.

    A context manager: the file is deleted on exit.
    """

    def __init__(self, folder: Path) -> None:
        """folder: on whose disk the file is stored."""
        self._file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._sources: list[list[_Block]] = []
        self._pairs = self._end = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """Store the pairs of the next source, and yield them. They can be read once the iterator is exhausted."""
        blocks: list[_Block] = []
        self._sources.append(blocks)
        self._file.seek(self._end)
        for chunk in chunks(pairs, _BLOCK):
            # A sentence has no line break, see `Bitext`.
            self._file.write("".join([f"{src}\n{tgt}\n{line}\n" for src, tgt, line in chunk]).encode())
            start, self._end = self._end, self._file.tell()
            blocks.append(_Block(self._pairs, len(chunk), start, self._end))
            self._pairs += len(chunk)
            yield from chunk

    def read(self, source: int, chosen: np.ndarray | None = None) -> Iterator[Pair]:
        """The pairs of a source.

        chosen: [pairs of all sources], which of them to yield; by default all.
        """
        for block in self._sources[source]:
            mask = None if chosen is None else chosen[block.first : block.first + block.pairs]
            if mask is None or mask.any():
                yield from self._read(block, mask)

    def blocks(self, source: int) -> Iterator[tuple[int, list[Pair]]]:
        """The pairs of a source in lists, each with the number of its first one among all pairs."""
        return ((block.first, self._read(block)) for block in self._sources[source])

    def count(self, source: int) -> int:
        """How many pairs a source has."""
        return sum(block.pairs for block in self._sources[source])

    def _read(self, block: _Block, chosen: np.ndarray | None = None) -> list[Pair]:
        # The position is set before each block: several readers may take turns.
        self._file.seek(block.start)
        lines = self._file.read(block.end - block.start).decode().split("\n")
        rows: Iterable[tuple[str, str, str]] = zip(lines[0::3], lines[1::3], lines[2::3], strict=False)
        if chosen is not None:
            rows = compress(rows, chosen.tolist())
        return [Pair(src, tgt, int(line)) for src, tgt, line in rows]
