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
            references = [reference.rstrip() for reference in line.references]
            for reference in references:
                self._references.add(reference)
            for system, hypothesis in zip(self._systems, line.hypotheses, strict=True):
                system.add_hypothesis(hypothesis.rstrip(), references)
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
    first: str = ""
    constant: bool = True

    def add(self, line: str) -> None:
        """Add a line without trailing white space."""
        self.first = self.first if self.lines else line
        self.constant = self.constant and line == self.first
        self.lines += 1
        self.tokenized += line.endswith(" .")
        self.not_nfc += _is_decomposed(line)

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
    form_differs: bool = False
    """Whether any has decomposed characters where its reference has composed ones, or the other way round."""

    def add_hypothesis(self, line: str, references: Sequence[str]) -> None:
        self.add(line)
        self.blank += not line and any(references)
        self.form_differs = self.form_differs or any(_differ_in_form(line, reference) for reference in references)

    def warnings(self, references: _Text) -> Iterator[str]:
        yield from self.tokenization_warnings()
        if self.blank:
            are = "is" if self.blank == 1 else "are"
            yield f"{self.name}: {self.blank:,} of {self.lines:,} translations {are} blank"
        elif self.lines > 1 and self.constant and not references.constant:
            yield f"{self.name}: all {self.lines:,} translations are the same line"
        if self.form_differs:
            yield (
                f"{self.name} and the references differ in Unicode normalization, and characters in different forms do "
                f"not match: {self.not_nfc:,} of {self.lines:,} translations and {references.not_nfc:,} of "
                f"{references.lines:,} references are not NFC; convert all of them to NFC"
            )


def _differ_in_form(hypothesis: str, reference: str) -> bool:
    if hypothesis == reference:
        return False
    return (_is_decomposed(hypothesis) and _is_composed(reference)) or (
        _is_composed(hypothesis) and _is_decomposed(reference)
    )


def _is_decomposed(line: str) -> bool:
    """Whether a line has characters that NFC composes."""
    return not unicodedata.is_normalized("NFC", line)


def _is_composed(line: str) -> bool:
    """Whether a line has characters that NFD decomposes."""
    return not unicodedata.is_normalized("NFD", line)
