"""What is looked for in the training pairs as they are read, source by source, before anything changes them."""

from collections.abc import Iterable, Iterator
from itertools import islice

import numpy as np

from seq2seq.config import Rule
from seq2seq.data.bitext import Pair, chunks
from seq2seq.data.findings import Finding
from seq2seq.data.line_shift import Shift, ShiftDetector, locate
from seq2seq.data.text_faults import TextFaults

_CHUNK = 1000
_BLOCK = 100
# By how much the last tenth of a corpus sorted by length differs from the first.
_SORTED_RATIO = 2.0


class Inspection:
    """The checks of all sources."""

    def __init__(self) -> None:
        self.faulty: dict[Rule, bytearray] = {"mojibake": bytearray(), "markup": bytearray()}
        """Whether each pair breaks these rules, over all sources."""
        self._faults: list[TextFaults] = []
        self._detectors: list[ShiftDetector] = []
        self._lengths: list[_Lengths] = []

    def watch(self, pairs: Iterable[Pair]) -> Iterator[Pair]:
        """Yield the pairs of the next source, and look at them on the way."""
        faults, detector, lengths = TextFaults(), ShiftDetector(), _Lengths()
        self._faults.append(faults)
        self._detectors.append(detector)
        self._lengths.append(lengths)
        for chunk in chunks(pairs, _CHUNK):
            for rule, broken in faults.inspect(chunk).items():
                self.faulty[rule] += broken
            detector.add(chunk)
            lengths.add(chunk)
            yield from chunk
        detector.finish()

    def findings(self, source: int) -> list[Finding]:
        """The faults of text in a source."""
        return self._faults[source].findings()

    def shift(self, source: int, pairs: Iterable[Pair]) -> Shift | None:
        """Whether the sides of a source are shifted. pairs: of the source, in order; read only if they are."""
        detector = self._detectors[source]
        if not detector.shift:
            return None
        return locate(islice(pairs, *detector.suspects), detector.shift)

    def is_sorted(self, source: int) -> bool:
        """Whether a source is sorted by length."""
        return self._lengths[source].are_sorted

    def has_number_sequences(self, source: int) -> bool:
        """Whether most sides of a source are sequences of numbers, as in toy tasks."""
        return self._faults[source].number_sequences > self._lengths[source].pairs

    @property
    def advice_on_few_pairs(self) -> str:
        """What may be the reason if there are few pairs; empty if nothing is known."""
        returns = sum(faults.returns for faults in self._faults)
        if not returns:
            return ""
        return (
            f". The lines contain {returns:,} carriage returns (\\r), the line ends of old Macintosh programs, but "
            "only \\n ends a line: convert the files, for example with tr '\\r' '\\n'"
        )


class _Lengths:
    """The mean length of each block of pairs, in order."""

    def __init__(self) -> None:
        self._means: list[float] = []
        self.pairs = 0

    def add(self, pairs: list[Pair]) -> None:
        """Add the next pairs."""
        self.pairs += len(pairs)
        for start in range(0, len(pairs), _BLOCK):
            block = pairs[start : start + _BLOCK]
            self._means.append(sum(len(pair.src) + len(pair.tgt) for pair in block) / len(block))

    @property
    def are_sorted(self) -> bool:
        """Whether the lengths rise or fall all the way, and by much."""
        means = np.array(self._means)
        if len(means) < 10:
            return False
        tenth = len(means) // 10
        first, last = means[:tenth].mean() + 1, means[-tenth:].mean() + 1
        steps = np.sign(np.diff(means)) * np.sign(last - first)
        return bool(max(first, last) > _SORTED_RATIO * min(first, last) and (steps >= 0).mean() > 0.95)
