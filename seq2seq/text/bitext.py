"""Sentence pairs from the forms that bitext comes in: two aligned files, or a TSV."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seq2seq.errors import InputError
from seq2seq.text.lines import read_lines


@dataclass(frozen=True, slots=True)
class Pair:
    """A sentence and its translation, without white space at the ends, and the line that they stand on."""

    src: str
    tgt: str
    line: int

    @property
    def usable(self) -> bool:
        """Whether both sides say something."""
        return bool(self.src and self.tgt)


@dataclass(frozen=True)
class AlignedFiles:
    """Two files; line n of one translates line n of the other."""

    src: Path
    tgt: Path

    def __str__(self) -> str:
        return f"{self.src} and {self.tgt}"

    def __iter__(self) -> Iterator[Pair]:
        src_lines, tgt_lines = read_lines(self.src), read_lines(self.tgt)
        line = 0
        for line, src in enumerate(src_lines, start=1):
            tgt = next(tgt_lines, None)
            if tgt is None:
                raise self._unequal(line + sum(1 for _ in src_lines), line - 1)
            yield Pair(src.strip(), tgt.strip(), line)
        if next(tgt_lines, None) is not None:
            raise self._unequal(line, line + 1 + sum(1 for _ in tgt_lines))

    def _unequal(self, src_count: int, tgt_count: int) -> InputError:
        return InputError(
            f"{self.src} has {src_count:,} lines but {self.tgt} has {tgt_count:,}: "
            "aligned files need one translation a line"
        )


@dataclass(frozen=True)
class TabSeparated:
    """A file with `source<TAB>target` on each line; no quoting."""

    path: Path

    def __str__(self) -> str:
        return str(self.path)

    def __iter__(self) -> Iterator[Pair]:
        for line, text in enumerate(read_lines(self.path), start=1):
            fields = text.split("\t")
            if len(fields) != 2:
                raise InputError(
                    f"{self.path}, line {line}: {len(fields)} column{'s' * (len(fields) != 1)}, "
                    "expected 2 (source, tab, target)"
                )
            yield Pair(fields[0].strip(), fields[1].strip(), line)


Bitext = AlignedFiles | TabSeparated
