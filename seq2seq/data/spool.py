"""Temporary storage of pairs while a run's data is prepared, so that each source is read through once."""

import tempfile
from collections.abc import Iterable, Iterator
from itertools import compress
from pathlib import Path
from typing import BinaryIO, Self

import numpy as np

from seq2seq.data.bitext import Pair

_BLOCK = 2**20


class PairSpool:
    """An unnamed temporary file that holds the pairs of all sources, one source after the other.

    A context manager: the file is deleted on exit.
    """

    def __init__(self, folder: Path) -> None:
        """folder: on whose disk the file is stored."""
        self._file: BinaryIO = tempfile.TemporaryFile(dir=folder)  # noqa: SIM115
        self._ends = [0]
        self._counts: list[int] = []

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self._file.close()

    def write(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """Store the pairs of the next source, and yield them. They can be read once the iterator is exhausted."""
        self._file.seek(self._ends[-1])
        self._counts.append(0)
        for pair in pairs:
            # A sentence has no line break, see `Bitext`.
            self._file.write(f"{pair.src}\n{pair.tgt}\n{pair.line}\n".encode())
            self._counts[-1] += 1
            yield pair
        self._ends.append(self._file.tell())

    def read(self, source: int, chosen: np.ndarray | None = None) -> Iterator[tuple[int, Pair]]:
        """The pairs of a source, each with its number among all pairs.

        chosen: [pairs of all sources], which of them to yield; by default all.
        """
        first = sum(self._counts[:source])
        lines = self._lines(self._ends[source], self._ends[source + 1])
        rows: Iterator[tuple[int, tuple[bytes, ...]]] = enumerate(zip(lines, lines, lines, strict=True), first)
        if chosen is not None:
            rows = compress(rows, chosen[first : first + self._counts[source]].tobytes())
        for number, (src, tgt, line) in rows:
            yield number, Pair(src.decode(), tgt.decode(), int(line))

    def count(self, source: int) -> int:
        """How many pairs a source has."""
        return self._counts[source]

    def _lines(self, start: int, end: int) -> Iterator[bytes]:
        # The position is set before each block: several readers may take turns.
        rest = b""
        while start < end:
            self._file.seek(start)
            block = self._file.read(min(_BLOCK, end - start))
            start += len(block)
            *lines, rest = (rest + block).split(b"\n")
            yield from lines
