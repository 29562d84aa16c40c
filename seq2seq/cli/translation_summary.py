"""What `translate` reports about the lines of a file once all are translated."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from seq2seq.inference.translator import Translation

_SHOWN = 3


class Summary:
    """Watches translations as they pass, in constant memory."""

    def __init__(self, min_confidence: float) -> None:
        """min_confidence: below which a translation is unreliable."""
        self._min_confidence = min_confidence
        self._lines = 0
        self._unreliable, self._cut, self._long = _Lines(), _Lines(), _Lines()

    def watch(self, translations: "Iterable[Translation]") -> "Iterator[Translation]":
        """Pass translations on."""
        for translation in translations:
            self._lines += 1
            if translation.confidence is not None and translation.confidence < self._min_confidence:
                self._unreliable.add(self._lines)
            if translation.reached_limit:
                self._cut.add(self._lines)
            if translation.exceeds_limit:
                self._long.add(self._lines)
            yield translation

    def warnings(self) -> list[str]:
        """What was seen, most important first."""
        found = []
        if self._unreliable.count:
            found.append(f"{self._unreliable.of(self._lines)} look unreliable {self._unreliable}; see --json")
        if self._cut.count:
            found.append(
                f"{self._cut.of(self._lines)} reached the length limit and may be incomplete or repetitive {self._cut}"
            )
        if self._long.count:
            found.append(
                f"{self._long.of(self._lines)} have a sentence over the model's length limit, which is translated in "
                f"parts {self._long}"
            )
        return found


@dataclass
class _Lines:
    """The number of some lines, and the first of them."""

    count: int = 0
    first: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        self.count += 1
        if len(self.first) < _SHOWN:
            self.first.append(line)

    def of(self, total: int) -> str:
        return f"{self.count:,} of {total:,} lines"

    def __str__(self) -> str:
        label = "line" if self.count == 1 else "lines" if self.count == len(self.first) else "first:"
        return f"({label} {', '.join(f'{line:,}' for line in self.first)})"
