"""The warnings of a data report, the most important first."""

from collections.abc import Iterator

from seq2seq.data.findings import Finding, Findings, SourceReport
from seq2seq.data.overlap import OverlapReport

# Shares above which there is a warning.
_MANY_DROPPED, _MANY_BYTES, _MANY_UNUSUAL = 0.05, 0.01, 0.02
_OVERLAP, _TARGET_OVERLAP, _NEAR_OVERLAP = 0.01, 0.6, 0.3
_MANY_OF = {
    "duplicates": 0.2,
    "mojibake": 0.002,
    "markup": 0.002,
    "returns": 0.002,
    "tabs": 0.02,
    "entities": 0.005,
    "tags": 0.02,
    "decomposed": 0.02,
    "numbered": 0.5,
    "wordless": 0.5,
}
_HINTS = {"mojibake": "fix the files with ftfy, or --clean drops them"}
_ALL = 0.98
_FEW_PAIRS, _FEW_TO_VALIDATE, _MANY_TO_VALIDATE = 5_000, 100, 5_000
_EASIER = 0.6
# The faults that make a training worthless come first, those that matter for some texts last.
_GRAVE, _HARMFUL, _MINOR = range(3)


def warnings_of(findings: Findings) -> list[str]:
    """All warnings, with figures."""
    return [text for _, text in sorted(_ranked(findings), key=lambda warning: warning[0])]


def grave_warnings(findings: Findings) -> list[str]:
    """The warnings of faults that make a training worthless."""
    return [text for rank, text in _ranked(findings) if rank == _GRAVE]


def serious_warnings(findings: Findings) -> list[str]:
    """The warnings, without those that say how much a model can learn from the data alone."""
    return [text for rank, text in _ranked(findings) if rank != _MINOR]


def _ranked(findings: Findings) -> Iterator[tuple[int, str]]:
    for warning in findings.language_warnings:
        yield _GRAVE, warning
    for source in findings.sources:
        name = f"{source.name}: " if len(findings.sources) > 1 else ""
        yield from ((rank, name + text) for rank, text in _of_source(source))
    for overlap in findings.overlaps:
        yield from ((_HARMFUL, text) for text in _of_overlap(overlap))
    for language in findings.unknown_languages:
        yield _HARMFUL, f"{language} is not the name or code of a known language: is it misspelt?"
    yield from ((_MINOR, text) for text in _of_corpus(findings))


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


def _of_corpus(findings: Findings) -> Iterator[str]:
    if findings.valid_pieces_median < _EASIER * findings.src.pieces_median:
        yield (
            f"the validation sources are shorter than those of training (median {findings.valid_pieces_median:,} and "
            f"{findings.src.pieces_median:,} pieces): scores on them say little about longer text"
        )
    if findings.vocabulary.bytes > _MANY_BYTES:
        yield (
            f"{findings.vocabulary.bytes:.1%} of training tokens are byte-fallback pieces: "
            "try a larger vocabulary with --set tokenizer.vocab_size=N"
        )
    if findings.pairs < _FEW_PAIRS:
        yield f"only {findings.pairs:,} training pairs: expect phrases, not fluent sentences"
    if findings.valid.kept < _FEW_TO_VALIDATE:
        yield f"only {findings.valid.kept:,} validation pairs: scores on them are noisy"
    if findings.valid.kept > _MANY_TO_VALIDATE:
        yield f"validating on {findings.valid.kept:,} pairs is slow; 1,000 to 2,000 are enough"
