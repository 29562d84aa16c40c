"""Sentence pairs: from two aligned files, or from the rows of a table."""

import re
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain, islice
from pathlib import Path
from typing import NamedTuple, Protocol, TypeVar

from seq2seq.data.formats.table import Column, InvalidRows, Table
from seq2seq.data.sentences import read_sentences
from seq2seq.errors import InputError
from seq2seq.io.lines import expect_no_returns, undecodable
from seq2seq.tokenizer.normalization import source_form, target_form

_MOST_COUNTED = 10_000_000
_CHUNK_CHARACTERS = 2**23
_LINE_BREAK = re.compile(r"\s*\n\s*")


class Pair(NamedTuple):
    """A sentence and its translation, stripped of white space, and their line or row."""

    src: str
    tgt: str
    line: int

    @property
    def usable(self) -> bool:
        """Whether neither side is blank."""
        return bool(self.src and self.tgt)

    @property
    def fault(self) -> str:
        """Which side is blank; empty if neither is."""
        return "the source is blank" if not self.src else "the target is blank" if not self.tgt else ""


class Bitext(Protocol):
    """Sentence pairs in order, without line breaks in a sentence. `str` names their origin."""

    def __iter__(self) -> Iterator[Pair]:
        """The pairs. Raises InputError, with file and line, if one cannot be read."""


@dataclass
class AlignedFiles:
    """Two files; line n of one, or segment n of an SGM file, is the translation of line n of the other."""

    src: Path
    tgt: Path
    encoding: str = ""
    invalid_rows: InvalidRows = field(default_factory=InvalidRows)
    """Pairs with a side that is not UTF-8."""

    def __str__(self) -> str:
        return f"{self.src} and {self.tgt}"

    def __iter__(self) -> Iterator[Pair]:
        src_lines, tgt_lines = (
            _with_line_ends(path, read_sentences(path, encoding=self.encoding, errors=self.invalid_rows.decoding))
            for path in (self.src, self.tgt)
        )
        line = 0
        for line, src in enumerate(src_lines, start=1):
            tgt = next(tgt_lines, None)
            if tgt is None:
                raise self._unequal(line + _count(src_lines), line - 1)
            if undecodable(src) or undecodable(tgt):
                file = self.src if undecodable(src) else self.tgt
                self.invalid_rows.add(line, InputError(f"{file}, line {line}: not UTF-8"))
                continue
            yield Pair(src.strip(), tgt.strip(), line)
        if next(tgt_lines, None) is not None:
            raise self._unequal(line, line + 1 + _count(tgt_lines))

    def _unequal(self, src_count: int, tgt_count: int) -> InputError:
        return InputError(
            f"{self.src} has {src_count:,} lines but {self.tgt} has {tgt_count:,}: "
            "aligned files need one translation per line"
        )


@dataclass(frozen=True)
class TablePairs:
    """Two columns of a table. A line break inside a cell becomes a blank: a sentence is one line."""

    table: Table
    src_column: Column
    tgt_column: Column

    def __str__(self) -> str:
        return str(self.table)

    def __iter__(self) -> Iterator[Pair]:
        for line, src, tgt in self.table.rows(self.src_column, self.tgt_column):
            yield Pair(_one_line(src), _one_line(tgt), line)


@dataclass(frozen=True)
class Chain:
    """The concatenated parts of a bitext, such as the shards of a dataset."""

    name: str
    parts: tuple[Bitext, ...]

    def __str__(self) -> str:
        return self.name

    def __iter__(self) -> Iterator[Pair]:
        for part in self.parts:
            yield from part


@dataclass
class LazyBitext:
    """A bitext that is opened, and downloaded if necessary, only when it is read."""

    name: str
    open: Callable[[], Bitext]
    opened: Bitext | None = None

    def __str__(self) -> str:
        return self.name

    def __iter__(self) -> Iterator[Pair]:
        self.opened = self.open()
        return iter(self.opened)


def normalized(pairs: Iterable[Pair]) -> Iterator[Pair]:
    """The pairs in the form that a model reads and learns."""
    return (Pair(source_form(pair.src), target_form(pair.tgt), pair.line) for pair in pairs)


class HasSides(Protocol):
    """What has a source and a target; it may have further attributes."""

    @property
    def src(self) -> str:
        """The source."""
        ...

    @property
    def tgt(self) -> str:
        """The target."""
        ...


PairT = TypeVar("PairT", bound=HasSides)


def chunks(pairs: Iterable[PairT], size: int, *, most_characters: int = _CHUNK_CHARACTERS) -> Iterator[list[PairT]]:
    """The pairs in lists of at most `size`; one that has more than `most_characters` ends there."""
    chunk: list[PairT] = []
    characters = 0
    for pair in pairs:
        chunk.append(pair)
        characters += len(pair.src) + len(pair.tgt)
        if len(chunk) == size or characters > most_characters:
            yield chunk
            chunk, characters = [], 0
    if chunk:
        yield chunk


def _with_line_ends(path: Path, lines: Iterator[str]) -> Iterator[str]:
    """The lines of a file. Raises InputError if it is one line, but one whose line ends are `\\r`."""
    first = list(islice(lines, 2))
    if len(first) == 1:
        expect_no_returns(first[0], path)
    return chain(first, lines)


def _count(lines: Iterator[str]) -> int:
    """How many lines are left; a pipe may have no end."""
    return sum(1 for _ in islice(lines, _MOST_COUNTED))


def invalid_rows(bitext: Bitext) -> list[InvalidRows]:
    """Those of the files of a bitext, counted once it was read."""
    match bitext:
        case AlignedFiles():
            return [bitext.invalid_rows]
        case TablePairs():
            return [bitext.table.invalid_rows]
        case Chain():
            return [rows for part in bitext.parts for rows in invalid_rows(part)]
        case LazyBitext() if bitext.opened is not None:
            return invalid_rows(bitext.opened)
    return []


def omitted_units(bitext: Bitext) -> Counter[str]:
    """The units that the tables of a bitext mark as unusable, by kind, counted once it was read."""
    match bitext:
        case TablePairs():
            return bitext.table.omitted
        case Chain():
            return sum(map(omitted_units, bitext.parts), Counter())
        case LazyBitext() if bitext.opened is not None:
            return omitted_units(bitext.opened)
    return Counter()


def _one_line(text: str) -> str:
    return _LINE_BREAK.sub(" ", text).strip() if "\n" in text else text.strip()
