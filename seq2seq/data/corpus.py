"""Encoded sentence pairs as flat, memory-mapped arrays on disk.

A corpus folder holds, for each side, the concatenated ids of all sentences and the offset of each sentence: training
keeps neither text nor ids in memory.
"""

import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path
from typing import Any, Self

import numpy as np
from pydantic import NonNegativeInt, TypeAdapter, ValidationError

from seq2seq.config import Weight
from seq2seq.data.bitext import Pair, chunks
from seq2seq.errors import InputError
from seq2seq.io.storage import new_file, read_json, to_json, write_file
from seq2seq.tokenizer.shared_spans import encode_pairs
from seq2seq.tokenizer.tokenizer import BOS, EOS, PAD, Tokenizer

_CHUNK = 1000
_IDS_AT_ONCE = 2**22
_PARTS = "parts.json"
_IDS = np.dtype("<i4")
_OFFSETS = np.dtype("<i8")

Ids = Sequence[int] | np.ndarray
"""Piece ids of a sentence."""


class Sentences:
    """One side of a corpus: piece ids of sentence i, without bos or eos, are `sentences[i]`."""

    def __init__(self, ids: os.PathLike[str], offsets: os.PathLike[str]) -> None:
        """Open the two files of a side. Raises InputError if they are damaged."""
        self._ids, self._offsets = _map(ids, _IDS), _map(offsets, _OFFSETS)
        ends_fit = len(self._offsets) and self._offsets[0] == 0 and self._offsets[-1] == len(self._ids)
        if not ends_fit or (np.diff(self._offsets) < 0).any():
            raise InputError(f"{offsets}: damaged, delete the run folder and train again")

    def __len__(self) -> int:
        return len(self._offsets) - 1

    def __getitem__(self, index: int) -> np.ndarray:
        return self._ids[self._offsets[index] : self._offsets[index + 1]]

    def expect(self, vocab: int, longest: int) -> None:
        """Raises ValueError if a sentence has more than `longest` pieces, or ids that no text is encoded to."""
        if len(self) and np.diff(self._offsets).max() > longest:
            raise ValueError(f"a sentence is over {longest:,} pieces long")
        for ids in self._chunks():
            if ids.min() < 0 or ids.max() >= vocab or np.isin(ids, (PAD, BOS, EOS)).any():
                raise ValueError(f"ids that are reserved, or outside the vocabulary of {vocab:,} pieces")

    def span(self, start: int, end: int) -> int:
        """Tokens of the sentences `start` to `end`, eos included."""
        return int(self._offsets[end] - self._offsets[start]) + end - start

    def lengths(self, indices: np.ndarray) -> np.ndarray:
        """Pieces of the sentences `indices`, int64."""
        lengths: np.ndarray = self._offsets[indices + 1] - self._offsets[indices]
        return lengths

    def counts(self, vocab: int) -> np.ndarray:
        """How often each piece occurs, [vocab]."""
        return sum((np.bincount(chunk, minlength=vocab) for chunk in self._chunks()), np.zeros(vocab, np.int64))

    def _chunks(self) -> Iterator[np.ndarray]:
        """The ids of all sentences, in chunks."""
        return (self._ids[start : start + _IDS_AT_ONCE] for start in range(0, len(self._ids), _IDS_AT_ONCE))


@dataclass(frozen=True)
class Part:
    """The pairs of one source, which are contiguous, and how often an epoch samples them."""

    pairs: int
    weight: float


class Corpus:
    """The encoded pairs in a folder written by CorpusWriter.

    Raises InputError if files are missing or inconsistent.
    """

    FILES = ("src.ids", "src.offsets", "tgt.ids", "tgt.offsets", "parts.json")

    def __init__(self, folder: Path, files: Mapping[str, os.PathLike[str]] | None = None) -> None:
        """files: FILES by name, if they are already open."""
        self._folder = folder
        files = files or {name: folder / name for name in self.FILES}
        self.src = Sentences(files["src.ids"], files["src.offsets"])
        self.tgt = Sentences(files["tgt.ids"], files["tgt.offsets"])
        self.parts = _read_parts(files[_PARTS])
        if not len(self.src) == len(self.tgt) == sum(part.pairs for part in self.parts):
            raise InputError(f"{folder}: damaged ({len(self.src)} source but {len(self.tgt)} target sentences)")

    def __len__(self) -> int:
        return len(self.src)

    def expect(self, src_vocab: int, tgt_vocab: int, longest: int) -> None:
        """Raises InputError if a side cannot come from a CorpusWriter with vocabularies of these sizes."""
        for side, vocab, name in ((self.src, src_vocab, "src"), (self.tgt, tgt_vocab, "tgt")):
            try:
                side.expect(vocab, longest)
            except ValueError as error:
                raise InputError(f"{self._folder / name}.ids: damaged ({error})") from None

    @property
    def target_tokens(self) -> int:
        """Target tokens of an epoch, eos included."""
        starts = np.cumsum([0, *(part.pairs for part in self.parts)])
        tokens = [self.tgt.span(start, start + part.pairs) for start, part in zip(starts, self.parts, strict=False)]
        return round(sum(part.weight * count for part, count in zip(self.parts, tokens, strict=True)))


class CorpusWriter:
    """Encodes pairs into a folder, in a stream. A context manager: the corpus is complete on exit."""

    def __init__(self, folder: Path, src_tokenizer: Tokenizer, tgt_tokenizer: Tokenizer, max_length: int) -> None:
        """max_length: most pieces in a sentence."""
        folder.mkdir(parents=True, exist_ok=True)
        self._folder, self._max_length = folder, max_length
        self._src_tokenizer, self._tgt_tokenizer = src_tokenizer, tgt_tokenizer
        self.src_pieces = PieceCounts(src_tokenizer, max_length)
        self.tgt_pieces = PieceCounts(tgt_tokenizer, max_length)
        self._parts: list[Part] = []
        self._files = ExitStack()

    def __enter__(self) -> Self:
        self._write_src, self._write_tgt = (
            self._files.enter_context(_sentence_writer(self._folder, side)) for side in ("src", "tgt")
        )
        return self

    def __exit__(self, *error: Any) -> None:
        self._files.__exit__(*error)
        _write_parts(self._folder, self._parts)

    def add(self, pairs: Iterable[Pair], too_long: Callable[[int, int], None], weight: float = 1.0) -> int:
        """Append the pairs of a source and return how many.

        too_long: called with the line of each pair that is dropped because it is over the limit, and the pieces of its
            longer side.
        weight: how often an epoch samples these pairs.
        """
        count = 0
        for chunk in chunks(pairs, _CHUNK):
            encoded = encode_pairs(self._src_tokenizer, self._tgt_tokenizer, [(pair.src, pair.tgt) for pair in chunk])
            src_kept, tgt_kept = [], []
            for pair, src, tgt in zip(chunk, *encoded, strict=True):
                longest = max(len(src), len(tgt))
                if longest > self._max_length:
                    too_long(pair.line, longest)
                else:
                    src_kept.append(src)
                    tgt_kept.append(tgt)
            for sentences, write, pieces in (
                (src_kept, self._write_src, self.src_pieces),
                (tgt_kept, self._write_tgt, self.tgt_pieces),
            ):
                ids = np.fromiter(chain.from_iterable(sentences), _IDS)
                lengths = np.fromiter(map(len, sentences), np.int64, len(sentences))
                write(ids, lengths)
                pieces.add(ids, lengths)
            count += len(src_kept)
        self._parts.append(Part(count, weight))
        return count


def write_encoded(folder: Path, pairs: Iterable[tuple[Ids, Ids]], parts: Sequence[Part]) -> None:
    """Write a corpus of piece ids, in a stream."""
    folder.mkdir(parents=True, exist_ok=True)
    remaining = iter(pairs)
    with _sentence_writer(folder, "src") as write_src, _sentence_writer(folder, "tgt") as write_tgt:
        while chunk := list(islice(remaining, _CHUNK)):
            for sentences, write in zip(zip(*chunk, strict=True), (write_src, write_tgt), strict=True):
                ids = np.concatenate([np.asarray(sentence, _IDS) for sentence in sentences])
                write(ids, np.fromiter(map(len, sentences), np.int64, len(sentences)))
    _write_parts(folder, parts)


class PieceCounts:
    """How often each piece occurs on one side of a corpus, and how long its sentences are."""

    def __init__(self, tokenizer: Tokenizer, max_length: int) -> None:
        self._starts_word = np.array([tokenizer.starts_word(piece) for piece in range(len(tokenizer))])
        self.of_piece = np.zeros(len(tokenizer), np.int64)
        """[V]"""
        self.of_length = np.zeros(max_length + 1, np.int64)
        """Sentences of each length."""
        self.most_words = 0
        """In a sentence; a word begins with a blank."""

    def add(self, ids: np.ndarray, lengths: np.ndarray) -> None:
        """Count the pieces of sentences. ids: of all, one after the other. lengths: of each."""
        self.of_piece += np.bincount(ids, minlength=len(self.of_piece))
        self.of_length += np.bincount(lengths, minlength=len(self.of_length)).astype(np.int64)
        words = np.concatenate([[0], self._starts_word[ids].cumsum()])
        ends = lengths.cumsum()
        self.most_words = max(self.most_words, int((words[ends] - words[ends - lengths]).max(initial=0)))

    def quantile(self, share: float) -> int:
        """The length that this share of the sentences have at most."""
        return int(np.searchsorted(self.of_length.cumsum(), share * max(1, int(self.of_length.sum()))))


@contextmanager
def _sentence_writer(folder: Path, side: str) -> Iterator[Callable[[np.ndarray, np.ndarray], None]]:
    """A function that appends sentences, as their ids and lengths, to one side of a corpus."""
    end = 0
    with new_file(folder / f"{side}.ids") as ids_file, new_file(folder / f"{side}.offsets") as offsets_file:
        offsets_file.write(np.array([end], _OFFSETS).tobytes())

        def add(ids: np.ndarray, lengths: np.ndarray) -> None:
            nonlocal end
            ids_file.write(ids.tobytes())
            offsets_file.write((end + np.cumsum(lengths, dtype=_OFFSETS)).tobytes())
            end += len(ids)

        yield add


def _write_parts(folder: Path, parts: Sequence[Part]) -> None:
    write_file(folder / _PARTS, to_json([[part.pairs, part.weight] for part in parts]))


def _read_parts(path: os.PathLike[str]) -> list[Part]:
    rows = read_json(path)
    try:
        return [Part(*row) for row in TypeAdapter(list[tuple[NonNegativeInt, Weight]]).validate_python(rows)]
    except ValidationError:
        raise InputError(f"{path}: damaged (expected [pairs, weight] for each source)") from None


def _map(path: os.PathLike[str], dtype: np.dtype) -> np.ndarray:
    try:
        size = Path(path).stat().st_size
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: missing, delete the run folder and train again") from None
    if size % dtype.itemsize or not Path(path).is_file():
        raise InputError(f"{path}: damaged, delete the run folder and train again")
    # An empty file cannot be mapped; slices of a plain array cost less than those of a memmap.
    return np.asarray(np.memmap(os.fspath(path), dtype, "r")) if size else np.empty(0, dtype)
