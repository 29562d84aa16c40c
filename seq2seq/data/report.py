"""The data report: statistics of the training pairs, how many were dropped and why, and warnings."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from seq2seq.data.cleaning import MAX_CHARACTERS, RATIO_FACTOR
from seq2seq.data.corpus import CorpusWriter, PieceCounts
from seq2seq.data.formats.table import LINES_LISTED
from seq2seq.tokenizer.tokenizer import SPECIAL, Tokenizer

_RARE = 10
# Shares above which there is a warning.
_MANY_DROPPED, _MANY_BYTES, _MANY_DUPLICATES, _MANY_UNUSUAL, _OVERLAP = 0.05, 0.01, 0.2, 0.02, 0.01
_FEW_PAIRS, _FEW_TO_VALIDATE, _MANY_TO_VALIDATE = 5_000, 100, 5_000


_EXPLANATIONS = {
    "invalid": "rows that could not be read",
    "empty": "pairs with an empty side",
    "too_long": "pairs with a side of more than data.max_length pieces",
    "identical": "pairs identical on both sides",
    "length": f"pairs with more than {MAX_CHARACTERS:,} characters on a side",
    "ratio": f"pairs with a length ratio over {RATIO_FACTOR:g} times the median, or under 1/{RATIO_FACTOR:g} of it",
    "script": "pairs with a side mostly in an unexpected script",
    "duplicates": "duplicates of an earlier pair",
}


@dataclass
class Finding:
    """The pairs that break a rule: how many, and the lines of the first few."""

    rule: str
    """A cleaning rule, or `invalid`, `empty` or `too_long`."""
    left_out: bool
    """Whether they are dropped."""
    count: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Count the pair of `line`."""
        self.count += 1
        if len(self.lines) < LINES_LISTED:
            self.lines.append(line)

    @property
    def description(self) -> str:
        """A description of the pairs, in the singular or plural of their number."""
        noun, space, rest = _EXPLANATIONS[self.rule].partition(" ")
        return f"{noun.removesuffix('s') if self.count == 1 else noun}{space}{rest}"


@dataclass
class SourceReport:
    """How many pairs of one source were kept, held out or dropped."""

    name: str
    read: int = 0
    kept: int = 0
    held_out: int = 0
    weight: float = 1.0
    findings: list[Finding] = field(default_factory=list)
    omitted: dict[str, int] = field(default_factory=dict)
    """Units that the file itself marks as no pairs, by a description in the plural; not among those read."""

    @property
    def losses(self) -> str:
        """What became of a source of which no pair is left."""
        dropped = [finding for finding in self.findings if finding.left_out and finding.count]
        reasons = [f"{finding.count:,} {finding.description}" for finding in dropped] + omissions(self.omitted)
        return f"no usable pairs: {'; '.join(reasons) or 'it is empty'}"

    def finding(self, rule: str, *, left_out: bool) -> Finding:
        """Add a new finding."""
        self.findings.append(Finding(rule, left_out))
        return self.findings[-1]


@dataclass
class SideReport:
    """One side of the training pairs."""

    characters: float
    """Per sentence, on average."""
    pieces: float
    """Per sentence, on average."""
    pieces_95: int
    """95th percentile of the pieces per sentence."""
    pieces_longest: int

    @classmethod
    def of(cls, counts: PieceCounts, characters: float) -> "SideReport":
        """characters: per sentence, on average."""
        lengths, sentences = counts.of_length, max(1, int(counts.of_length.sum()))
        mean = float((lengths * np.arange(len(lengths))).sum() / sentences)
        longest = int(lengths.nonzero()[0][-1]) if lengths.any() else 0
        return cls(characters, mean, int(np.searchsorted(lengths.cumsum(), 0.95 * sentences)), longest)


@dataclass
class VocabularyReport:
    """How well the vocabularies fit the text."""

    sizes: dict[str, int]
    """Pieces of each vocabulary, by its file."""
    rare: float
    """Share of pieces that occur fewer than ten times in training, byte-fallback and special pieces excluded."""
    unseen: float
    """Share of the validation text's tokens whose pieces do not occur in training."""
    bytes: float
    """Share of the training text's tokens that are byte-fallback pieces, of characters outside the vocabulary."""
    valid_bytes: float
    """The same for the validation text."""

    @classmethod
    def of(cls, tokenizers: Mapping[str, Tokenizer], train: CorpusWriter, valid: CorpusWriter) -> Self:
        """tokenizers: of both sides, or one for both, by file name."""
        train_counts, valid_counts = (
            [writer.src_pieces.of_piece, writer.tgt_pieces.of_piece] for writer in (train, valid)
        )
        if len(tokenizers) == 1:
            train_counts, valid_counts = [np.sum(train_counts, axis=0)], [np.sum(valid_counts, axis=0)]
        byte_pieces = [sorted(tokenizer.byte_pieces()) for tokenizer in tokenizers.values()]
        learnt = np.concatenate(
            [np.delete(counts, [*SPECIAL, *ids]) for counts, ids in zip(train_counts, byte_pieces, strict=True)]
        )
        unseen = sum(
            int(in_valid[in_train == 0].sum()) for in_train, in_valid in zip(train_counts, valid_counts, strict=True)
        )
        return cls(
            {name: len(tokenizer) for name, tokenizer in tokenizers.items()},
            float((learnt < _RARE).mean()),
            unseen / max(1, sum(int(counts.sum()) for counts in valid_counts)),
            _share_of(byte_pieces, train_counts),
            _share_of(byte_pieces, valid_counts),
        )


def _share_of(pieces: list[list[int]], counts: list[np.ndarray]) -> float:
    """The share of these pieces in all tokens, over the vocabularies."""
    matching = sum(int(count[ids].sum()) for ids, count in zip(pieces, counts, strict=True))
    return matching / max(1, sum(int(count.sum()) for count in counts))


@dataclass
class OverlapReport:
    """How much of an evaluation set is in the training pairs."""

    name: str
    sources: int
    """Distinct source sentences of the set."""
    in_training: int


@dataclass
class DataReport:
    """The complete report; `lines` is for people, `as_json` for programs."""

    sources: list[SourceReport]
    valid: SourceReport
    src: SideReport
    tgt: SideReport
    usual_ratio: float
    """Median of the target characters per source character."""
    several_translations: int
    """Source sentences with more than one translation."""
    unspaced_targets: bool
    """Whether the targets are written without spaces between words."""
    overlaps: list[OverlapReport]
    vocabulary: VocabularyReport
    examples: list[tuple[str, str]]
    """Pairs as the model sees them, with blanks between the pieces."""
    notes: list[str]
    language_warnings: list[str]

    @property
    def pairs(self) -> int:
        """Pairs to train on."""
        return sum(source.kept for source in self.sources)

    def as_json(self) -> dict[str, Any]:
        """All fields, and the warnings as text."""
        return asdict(self) | {"warnings": self.warnings()}

    def lines(self) -> list[str]:
        """The report as text, without the warnings."""
        rows = [*self.notes]
        for source in (*self.sources, self.valid):
            rows += _source_lines(source)
        rows += [
            _row("lengths", f"source {_side(self.src)}"),
            _row("", f"target {_side(self.tgt)}"),
            _row("length ratio", f"{self.usual_ratio:.2f} target characters per source character (median)"),
            _row("translations", f"{self.several_translations:,} source sentences with more than one"),
        ]
        rows += [
            _row(
                "overlap",
                f"{overlap.in_training:,} of {overlap.sources:,} distinct {overlap.name} sources are also in training",
            )
            for overlap in self.overlaps
        ]
        vocabulary = self.vocabulary
        sizes = " and ".join(f"{size:,}" for size in vocabulary.sizes.values())
        shared = " shared by both languages" if len(vocabulary.sizes) == 1 else ""
        rows += [
            _row(
                "vocabulary",
                f"{sizes} pieces{shared}, {vocabulary.rare:.1%} occur fewer than {_RARE} times (without bytes)",
            ),
            _row("", f"{vocabulary.unseen:.2%} of validation tokens are pieces that do not occur in training"),
            _row(
                "byte-fallback pieces",
                f"{vocabulary.bytes:.2%} of training tokens, {vocabulary.valid_bytes:.2%} of validation tokens",
            ),
        ]
        for src, tgt in self.examples:
            rows += [_row("as the model sees it", src), _row("", tgt)]
        return rows

    def warnings(self) -> list[str]:
        """Warnings, with figures."""
        warnings = list(self.language_warnings)
        for source in self.sources:
            if not source.kept:
                warnings.append(f"{source.name}: none of its pairs are used for training")
            for finding in source.findings:
                share = finding.count / max(1, source.read)
                limit = _MANY_DROPPED if finding.left_out else _MANY_UNUSUAL
                if share > (_MANY_DUPLICATES if finding.rule == "duplicates" else limit):
                    hint = "" if finding.left_out else "; --clean drops them"
                    warnings.append(f"{source.name}: {finding.count:,} {finding.description} ({share:.1%}){hint}")
        for overlap in self.overlaps:
            if overlap.in_training > _OVERLAP * overlap.sources:
                warnings.append(
                    f"{overlap.in_training:,} of {overlap.sources:,} {overlap.name} sources are also in the training "
                    "data, so scores on them are inflated; remove them from one of the two"
                )
        if self.vocabulary.bytes > _MANY_BYTES:
            warnings.append(
                f"{self.vocabulary.bytes:.1%} of training tokens are byte-fallback pieces: "
                "try a larger vocabulary with --set tokenizer.vocab_size=N"
            )
        if self.pairs < _FEW_PAIRS:
            warnings.append(f"only {self.pairs:,} training pairs: expect phrases, not fluent sentences")
        if self.valid.kept < _FEW_TO_VALIDATE:
            warnings.append(f"only {self.valid.kept:,} validation pairs: BLEU on them is noisy")
        if self.valid.kept > _MANY_TO_VALIDATE:
            warnings.append(f"validating on {self.valid.kept:,} pairs is slow; 1,000 to 2,000 are enough")
        return warnings


def _source_lines(source: SourceReport) -> list[str]:
    weight = f", sampled {source.weight:g} times per epoch" if source.weight != 1 else ""
    held = f", {source.held_out:,} held out for validation" if source.held_out else ""
    rows = [f"{source.name}: {source.read:,} pairs read, {source.kept:,} kept{held}{weight}"]
    for finding in source.findings:
        if finding.count:
            share = finding.count / max(1, source.read)
            fate = "dropped" if finding.left_out else "kept; --clean drops them"
            lines = f"line{'s' * (finding.count > 1)} {', '.join(f'{line:,}' for line in finding.lines)}"
            more = ", ..." if finding.count > len(finding.lines) else ""
            rows.append(f"  {finding.count:>9,} {finding.description} ({share:.2%}, {lines}{more}): {fate}")
    for kind in omissions(source.omitted):
        count, _, description = kind.partition(" ")
        rows.append(f"  {count:>9} {description}: left out")
    return rows


def omissions(omitted: Mapping[str, int]) -> list[str]:
    """Kinds of units with their numbers: `12 fuzzy units`."""
    return [f"{count:,} {kind.replace('units', 'unit') if count == 1 else kind}" for kind, count in omitted.items()]


def _side(side: SideReport) -> str:
    return (
        f"mean {side.characters:.0f} characters, {side.pieces:.1f} pieces; "
        f"95% of sentences have at most {side.pieces_95} pieces, the longest {side.pieces_longest}"
    )


def _row(name: str, text: str) -> str:
    return f"{name:<21} {text}"
