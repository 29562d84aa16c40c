"""Checks of what is scored: translations and references that make a score meaningless. They only warn."""

import unicodedata
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain

from seq2seq.evaluation.metrics import Group, Line

# sacreBLEU's limit; in a short file, half of the lines.
_TOKENIZED_LINES = 100


class LineChecks:
    """Looks at the lines as they pass, in constant memory."""

    def __init__(self, systems: Sequence[str]) -> None:
        """systems: a name for each, for the warnings."""
        self._systems = [_System(name) for name in systems]
        self._references = _Text("the references")

    def watch(self, lines: Iterable[Line[Group]]) -> Iterator[Line[Group]]:
        """Pass lines on."""
        for line in lines:
            for reference in line.references:
                self._references.add(reference.rstrip())
            is_blank = not any(reference.strip() for reference in line.references)
            for system, hypothesis in zip(self._systems, line.hypotheses, strict=True):
                system.add_hypothesis(hypothesis.rstrip(), blank_reference=is_blank)
            yield line

    def warnings(self) -> list[str]:
        """What was found in all lines so far."""
        of_systems = (system.warnings(self._references) for system in self._systems)
        return [*chain.from_iterable(of_systems), *self._references.tokenization_warnings()]


@dataclass
class _Text:
    """The lines of one side."""

    name: str
    lines: int = 0
    tokenized: int = 0
    not_nfc: int = 0
    composed: int = 0
    """Lines with characters that NFD decomposes."""
    first: str = ""
    constant: bool = True

    def add(self, line: str) -> None:
        """Add a line without trailing white space."""
        self.first = self.first if self.lines else line
        self.constant = self.constant and line == self.first
        self.lines += 1
        self.tokenized += line.endswith(" .")
        if not line.isascii():
            self.not_nfc += not unicodedata.is_normalized("NFC", line)
            self.composed += not unicodedata.is_normalized("NFD", line)

    def tokenization_warnings(self) -> Iterator[str]:
        """A warning if the lines look tokenized."""
        if self.tokenized and self.tokenized >= min(_TOKENIZED_LINES, self.lines / 2):
            yield (
                f"{self.name}: {self.tokenized:,} of {self.lines:,} lines end in a space and a period, as tokenized "
                "text does; scores are comparable only on detokenized text"
            )


@dataclass
class _System(_Text):
    """The translations of a system."""

    blank: int = 0
    """Those whose reference is not blank."""

    def add_hypothesis(self, line: str, *, blank_reference: bool) -> None:
        self.add(line)
        self.blank += not (line or blank_reference)

    def warnings(self, references: _Text) -> Iterator[str]:
        yield from self.tokenization_warnings()
        if self.blank:
            are = "is" if self.blank == 1 else "are"
            yield f"{self.name}: {self.blank:,} of {self.lines:,} translations {are} blank"
        elif self.lines > 1 and self.constant and not references.constant:
            yield f"{self.name}: all {self.lines:,} translations are the same line"
        if (self.not_nfc and references.composed) or (references.not_nfc and self.composed):
            yield (
                f"{self.name} and the references differ in Unicode normalization, and characters in different forms do "
                f"not match: {self.not_nfc:,} of {self.lines:,} translations and {references.not_nfc:,} of "
                f"{references.lines:,} references are not NFC; convert all of them to NFC"
            )
