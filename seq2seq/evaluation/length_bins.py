"""Bins of source length, for BLEU as a function of sentence length (Cho et al. 2014b)."""

from bisect import bisect_left
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain, islice

from seq2seq.tokenizer.scripts import is_unspaced

_SAMPLE = 1000


@dataclass(frozen=True, order=True)
class LengthBin:
    """Lengths from `least` to `most`; unbounded if that is None."""

    least: int
    most: int | None
    unit: str
    """words or characters"""

    @property
    def range(self) -> str:
        """The range without the unit."""
        if self.most is None:
            return f"over {self.least - 1}" if self.least else "any number of"
        if self.least == self.most:
            return str(self.most)
        return f"{self.least}-{self.most}" if self.least else f"up to {self.most}"

    def __str__(self) -> str:
        is_one = self.range.split()[-1] == "1"
        return f"{self.range} {self.unit.removesuffix('s') if is_one else self.unit}"


@dataclass(frozen=True)
class _Unit:
    name: str
    length: Callable[[str], int]
    ends: tuple[int, ...]
    """The greatest length of each bin except the last."""


_WORDS = _Unit("words", lambda line: len(line.split()), (5, 10, 15, 20, 25, 30, 40, 50, 60, 80, 100))
_CHARACTERS = _Unit(
    "characters", lambda line: sum(map(len, line.split())), (10, 20, 30, 40, 50, 60, 80, 100, 120, 160, 200)
)


def length_bins(sources: Iterable[str]) -> Iterator[LengthBin]:
    """The bin of each source; the sources are read twice.

    Lengths are in words separated by blanks, or in non-blank characters if the first thousand sources are written
    without blanks between words.
    """
    unit = _unit(sources)
    starts = (0, *(end + 1 for end in unit.ends))
    bins = [LengthBin(start, end, unit.name) for start, end in zip(starts, (*unit.ends, None), strict=True)]
    for source in sources:
        yield bins[bisect_left(unit.ends, unit.length(source))]


def length_thirds(sources: Sequence[str]) -> list[LengthBin]:
    """The bin of each source among three, or fewer where many lengths are equal, of about as many sources each."""
    unit = _unit(sources)
    lengths = [unit.length(source) for source in sources]
    in_order = sorted(lengths)
    ends = sorted({in_order[(len(in_order) - 1) * third // 3] for third in (1, 2)} - {in_order[-1]}) if lengths else []
    starts = (0, *(end + 1 for end in ends))
    bins = [LengthBin(start, end, unit.name) for start, end in zip(starts, (*ends, None), strict=True)]
    return [bins[bisect_left(ends, length)] for length in lengths]


def _unit(sources: Iterable[str]) -> _Unit:
    sample = Counter(chain.from_iterable(islice(sources, _SAMPLE)))
    return _CHARACTERS if is_unspaced(sample) else _WORDS
