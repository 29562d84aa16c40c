"""The warnings of a data report, the most important first."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator

    from seq2seq.data.overlap import OverlapReport
    from seq2seq.data.report import DataReport, Finding, SourceReport

# Shares above which there is a warning.
_MANY_DROPPED, _MANY_BYTES, _MANY_UNUSUAL = 0.05, 0.01, 0.02
_OVERLAP, _TARGET_OVERLAP, _NEAR_OVERLAP = 0.01, 0.6, 0.3
_MANY_OF = {
    "duplicates": 0.2,
    "mojibake": 0.002,
    "markup": 0.002,
    "returns": 0.002,
    "entities": 0.005,
    "tags": 0.02,
    "decomposed": 0.02,
    "wordless": 0.5,
}
_HINTS = {"mojibake": "fix the files with ftfy, or --clean drops them"}
_ALL = 0.98
_FEW_PAIRS, _FEW_TO_VALIDATE, _MANY_TO_VALIDATE = 5_000, 100, 5_000
_EASIER = 0.6
# The faults that make a training worthless come first, those that matter for some texts last.
_GRAVE, _HARMFUL, _MINOR = range(3)


def warnings_of(report: DataReport) -> list[str]:
    """Warnings, with figures."""
    warnings = [(_GRAVE, warning) for warning in report.language_warnings]
    for source in report.sources:
        name = f"{source.name}: " if len(report.sources) > 1 else ""
        warnings += [(rank, name + text) for rank, text in _of_source(source)]
    for overlap in report.overlaps:
        warnings += [(_HARMFUL, text) for text in _of_overlap(overlap)]
    warnings += [(_MINOR, text) for text in _of_corpus(report)]
    return [text for _, text in sorted(warnings, key=lambda warning: warning[0])]


def _of_source(source: SourceReport) -> Iterator[tuple[int, str]]:
    if source.shift:
        where = "from the first lines" if source.shift.from_start else f"from near line {source.shift.line:,}"
        yield (
            _GRAVE,
            f"the sides are shifted {where} on: line n of the source is translated in line n{source.shift.offset:+} of "
            "the target; look for a line that is missing or too many there",
        )
    if not source.kept:
        yield _GRAVE, "none of its pairs are used for training"
    for finding in source.findings:
        share = finding.count / max(1, source.read)
        if share > _limit(finding) and not (source.toy and finding.rule in ("wordless", "identical")):
            rank = _MINOR if finding.rule in ("tags", "tokenised", "decomposed", "duplicates") else _HARMFUL
            yield rank, f"{finding.count:,} {finding.description} ({share:.1%}){_hint(finding, share, source)}"


def _limit(finding: Finding) -> float:
    """The share above which there is a warning."""
    if finding.rule == "tokenised":  # found only where most lines are
        return 0.0
    return _MANY_OF.get(finding.rule, _MANY_DROPPED if finding.left_out else _MANY_UNUSUAL)


def _hint(finding: Finding, share: float, source: SourceReport) -> str:
    """What to do about a finding."""
    if finding.rule == "too_long":
        return f"; {source.advice_on_long_pairs}"
    if finding.rule == "identical" and share > _ALL:
        return "; is the same file given twice?"
    if finding.rule == "decomposed" and share > _ALL:
        return ""
    if finding.left_out:
        return ""
    return f"; {_HINTS.get(finding.rule) or finding.advice}"


def _of_overlap(overlap: OverlapReport) -> Iterator[str]:
    if overlap.in_training > _OVERLAP * overlap.sources:
        yield (
            f"{overlap.in_training:,} of {overlap.sources:,} {overlap.name} sources are also in the training "
            "data, so scores on them are inflated; remove them from one of the two"
        )
    elif overlap.in_training + overlap.near_in_training > _NEAR_OVERLAP * overlap.sources:
        yield (
            f"{overlap.near_in_training:,} of {overlap.sources:,} {overlap.name} sources are also in the training data "
            "up to case, punctuation and digits, so scores on them are inflated"
        )
    if overlap.targets_in_training > _TARGET_OVERLAP * overlap.targets:
        yield (
            f"{overlap.targets_in_training:,} of {overlap.targets:,} {overlap.name} targets are also in the training "
            "data, so scores on them are inflated"
        )


def _of_corpus(report: DataReport) -> Iterator[str]:
    if report.valid_pieces_median < _EASIER * report.src.pieces_median:
        yield (
            f"the validation sources are shorter than those of training (median {report.valid_pieces_median:,} and "
            f"{report.src.pieces_median:,} pieces): scores on them say little about longer text"
        )
    if report.vocabulary.bytes > _MANY_BYTES:
        yield (
            f"{report.vocabulary.bytes:.1%} of training tokens are byte-fallback pieces: "
            "try a larger vocabulary with --set tokenizer.vocab_size=N"
        )
    if report.pairs < _FEW_PAIRS:
        yield f"only {report.pairs:,} training pairs: expect phrases, not fluent sentences"
    if report.valid.kept < _FEW_TO_VALIDATE:
        yield f"only {report.valid.kept:,} validation pairs: scores on them are noisy"
    if report.valid.kept > _MANY_TO_VALIDATE:
        yield f"validating on {report.valid.kept:,} pairs is slow; 1,000 to 2,000 are enough"
