"""The data report: statistics of the training pairs, how many were dropped and why, and warnings (`advice.py`)."""

import math
from dataclasses import asdict
from typing import Any

from seq2seq.data.advice import grave_warnings, serious_warnings, warnings_of
from seq2seq.data.findings import RARE, Findings, SideReport, SourceReport, omissions
from seq2seq.data.overlap import OverlapReport

_COLUMNS, _ROWS = 120, 40
_MOST_WARNINGS = 10
_MANY_WORDLESS = 0.05
# Lines with fewer words per piece are in a script without blanks.
_WORDS_PER_PIECE = 0.2


class DataReport(Findings):
    """The complete report; `lines` is for people, `as_json` for programs."""

    def as_json(self) -> dict[str, Any]:
        """All fields, and the warnings as text."""
        return asdict(self) | {"warnings": self.warnings(), "grave_warnings": grave_warnings(self)}

    def warnings(self) -> list[str]:
        """Warnings, with figures, the most important first."""
        return warnings_of(self)

    def main_warnings(self) -> list[str]:
        """The warnings, or the most important ones if there are many."""
        warnings = self.warnings()
        rest = len(warnings) - _MOST_WARNINGS
        if rest <= 1:
            return warnings
        return [*warnings[:_MOST_WARNINGS], f"{rest} further warnings (`seq2seq data report --json` has all)"]

    def serious_warnings(self) -> list[str]:
        """Warnings of what is wrong with the pairs, not of their number and kind."""
        return serious_warnings(self)

    def source_lines(self) -> list[str]:
        """How the sources were read, and how many of their pairs are used."""
        return [*self.notes, *(line for source in (*self.sources, self.valid) for line in _source_lines(source))]

    def lines(self) -> list[str]:
        """The report as text, without the warnings: a screen with them, if there is one source."""
        rows = self.source_lines()
        rows += [
            _row("lengths", f"source {_side(self.src)}"),
            _row("", f"target {_side(self.tgt)}"),
            _row("longest source", f"{_longest(self.src)}; longer sentences are unlikely to be translated well"),
            _row("length ratio", f"{self.usual_ratio:.2f} target characters per source character (median)"),
            _row("translations", f"{self.several_translations:,} source sentences with more than one"),
        ]
        rows += map(_overlap_line, self.overlaps)
        vocabulary = self.vocabulary
        sizes = " and ".join(f"{size:,}" for size in vocabulary.sizes.values())
        shared = " shared by both languages" if len(vocabulary.sizes) == 1 else ""
        rows += [
            _row(
                "vocabulary",
                f"{sizes} pieces{shared}, {vocabulary.rare:.1%} occur fewer than {RARE} times (without bytes)",
            ),
            _row("", f"{vocabulary.unseen:.2%} of validation tokens are pieces that do not occur in training"),
            _row(
                "byte-fallback pieces",
                f"{vocabulary.bytes:.2%} of training tokens, {vocabulary.valid_bytes:.2%} of validation tokens",
            ),
        ]
        left = _ROWS - _height([*rows, *(f"warning: {warning}" for warning in self.main_warnings())])
        for src, tgt in self.examples[: max(1, left // 2)]:
            rows += [_shortened(_row("as the model sees it", src)), _shortened(_row("", tgt))]
        return rows


def _source_lines(source: SourceReport) -> list[str]:
    weight = f", sampled {source.weight:g} times per epoch" if source.weight != 1 else ""
    held = f", {source.held_out:,} held out for validation" if source.held_out else ""
    kind = ", sequences of numbers" * source.toy + ", sorted by length" * source.sorted_by_length
    rows = [f"{source.name}: {source.read:,} pairs read, {source.kept:,} kept{held}{weight}{kind}"]
    for finding in source.findings:
        # Some numbers among the sentences are usual, and in toy tasks there is nothing else.
        usual = finding.rule == "wordless" and (source.toy or finding.count < _MANY_WORDLESS * source.read)
        if finding.count and not usual:
            share = finding.count / max(1, source.read)
            lines = f"line{'s' * (finding.count > 1)} {', '.join(f'{line:,}' for line in finding.lines)}"
            fate = "dropped" if finding.left_out else f"kept; {finding.advice}"
            more = ", ..." if finding.count > len(finding.lines) else ""
            rows.append(f"  {finding.count:>9,} {finding.description} ({share:.2%}, {lines}{more}): {fate}")
    for kind in omissions(source.omitted):
        count, _, description = kind.partition(" ")
        rows.append(f"  {count:>9} {description}: left out")
    return rows


def _overlap_line(overlap: OverlapReport) -> str:
    sources = f"{overlap.in_training:,} of {overlap.sources:,} distinct {overlap.name} sources"
    near = (
        f" ({overlap.near_in_training:,} more up to case, punctuation and digits)" if overlap.near_in_training else ""
    )
    targets = f"{overlap.targets_in_training:,} of {overlap.targets:,} targets"
    return _row("overlap", f"{sources}{near} and {targets} are also in training")


def _side(side: SideReport) -> str:
    return (
        f"mean {side.characters:.0f} characters, {side.pieces:.1f} pieces; "
        f"95% of sentences have at most {side.pieces_95} pieces, the longest {side.pieces_longest}"
    )


def _longest(side: SideReport) -> str:
    """The longest sentence, in words where blanks separate them."""
    words = side.words_longest
    if words < _WORDS_PER_PIECE * side.pieces_longest:
        return f"{side.pieces_longest:,} pieces"
    return f"{words:,} word{'s' * (words != 1)}"


def _row(name: str, text: str) -> str:
    return f"{name:<21} {text}"


def _shortened(row: str) -> str:
    return row if len(row) <= _COLUMNS else f"{row[: _COLUMNS - 1]}…"


def _height(rows: list[str]) -> int:
    """The rows of a terminal that they fill."""
    return sum(math.ceil(len(row) / _COLUMNS) for row in rows)
