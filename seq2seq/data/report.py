"""The data report: statistics of the training pairs, how many were dropped and why, and warnings (`advice.py`)."""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from seq2seq.data import advice
from seq2seq.data.cleaning import MAX_CHARACTERS, RATIO_FACTOR
from seq2seq.data.corpus import CorpusWriter, PieceCounts
from seq2seq.data.formats.table import LINES_LISTED
from seq2seq.data.line_shift import Shift
from seq2seq.data.overlap import OverlapReport
from seq2seq.tokenizer.symbols import SYMBOLS
from seq2seq.tokenizer.tokenizer import SPECIAL, Tokenizer

_RARE = 10
_COLUMNS, _ROWS = 120, 40
_MOST_WARNINGS = 10
_MANY_WORDLESS = 0.05
# Times data.max_length.
_PARAGRAPH = 2
# Lines with fewer words per piece are in a script without blanks.
_WORDS_PER_PIECE = 0.2
_EXPLANATIONS = {
    "invalid": "rows that could not be read",
    "empty": "pairs with an empty side",
    "too_long": "pairs with a side of more than data.max_length pieces",
    "identical": "pairs identical on both sides",
    "length": f"pairs with more than {MAX_CHARACTERS:,} characters on a side",
    "ratio": f"pairs with an unusual length ratio (over {RATIO_FACTOR:g} times the median, under 1/{RATIO_FACTOR:g})",
    "script": "pairs with a side mostly in an unexpected script",
    "mojibake": "pairs with mojibake",
    "markup": "pairs with a side of nothing but tags (<range>)",
    "duplicates": "duplicates of an earlier pair",
    "returns": "lines with a carriage return (\\r) inside",
    "entities": "lines with HTML entities",
    "tags": "lines with tags",
    "tokenised": "lines of tokenised text",
    "decomposed": "lines not in Unicode's NFC",
    "wordless": "lines without a letter",
}
_ADVICE = {
    "returns": "split the lines there, or remove them",
    "entities": "decode them (html.unescape in Python)",
    "tags": "remove unwanted ones",
    "tokenised": "use the text before tokenisation, or detokenise it",
    "decomposed": "data.normalize composes them",
    "wordless": "are these the right columns?",
}
"""What to do about faults of lines, by rule."""


@dataclass
class Finding:
    """The pairs that break a rule: how many, and the lines of the first few."""

    rule: str
    """A cleaning rule, a fault of lines, or `invalid`, `empty` or `too_long`."""
    left_out: bool
    """Whether they are dropped."""
    count: int = 0
    lines: list[int] = field(default_factory=list)
    side: str = ""
    """`source` or `target`, for a fault of lines."""

    def add(self, line: int) -> None:
        """Count the pair of `line`."""
        self.count += 1
        if len(self.lines) < LINES_LISTED:
            self.lines.append(line)

    @property
    def description(self) -> str:
        """A description of the pairs, in the singular or plural of their number."""
        noun, space, rest = _EXPLANATIONS[self.rule].partition(" ")
        side = f"{self.side} " if self.side else ""
        return f"{side}{noun.removesuffix('s') if self.count == 1 else noun}{space}{rest}"

    @property
    def advice(self) -> str:
        """What to do about them if they are kept."""
        return _ADVICE.get(self.rule, "--clean drops them")


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
    """Units that the file itself marks as unusable, by a description in the plural; not among those read."""
    shift: Shift | None = None
    sorted_by_length: bool = False
    toy: bool = False
    """Whether sides are sequences of numbers."""
    max_length: int = 0
    """Of a side, in pieces."""
    too_long_median: int = 0
    """Pieces of the longer sides of the first pairs that are over `max_length`; 0 if none is."""

    @property
    def losses(self) -> str:
        """What became of a source of which no pair is left."""
        dropped = [finding for finding in self.findings if finding.left_out and finding.count]
        reasons = [f"{finding.count:,} {finding.description}" for finding in dropped] + omissions(self.omitted)
        advice = f". Of {self.read:,} pairs read, {self.advice_on_long_pairs}" if self.too_long_median else ""
        return f"no usable pairs: {'; '.join(reasons) or 'it is empty'}{advice}"

    @property
    def advice_on_long_pairs(self) -> str:
        """What the pairs that are too long seem to be, and what to do."""
        if self.too_long_median < _PARAGRAPH * self.max_length:
            return f"the long ones have {self.too_long_median:,} pieces (median): raise data.max_length"
        return (
            f"the long ones have {self.too_long_median:,} pieces (median) instead of at most {self.max_length:,} and "
            "look like paragraphs, but one sentence per line is expected: split them, or raise data.max_length"
        )

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
    pieces_median: int
    pieces_95: int
    """95th percentile of the pieces per sentence."""
    pieces_longest: int
    words_longest: int
    """Most words in a sentence, by blanks."""

    @classmethod
    def of(cls, counts: PieceCounts, characters: float) -> "SideReport":
        """characters: per sentence, on average."""
        lengths, sentences = counts.of_length, max(1, int(counts.of_length.sum()))
        mean = float((lengths * np.arange(len(lengths))).sum() / sentences)
        longest = int(lengths.nonzero()[0][-1]) if lengths.any() else 0
        return cls(characters, mean, counts.quantile(0.5), counts.quantile(0.95), longest, counts.most_words)


@dataclass
class VocabularyReport:
    """How well the vocabularies fit the text."""

    sizes: dict[str, int]
    """Pieces of each vocabulary, by its file."""
    rare: float
    """Share of pieces that occur fewer than ten times in training, except byte-fallback and special pieces and symbols.
    """
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
        symbols = [list(SYMBOLS) if tokenizer.has_symbols else [] for tokenizer in tokenizers.values()]
        learnt = np.concatenate(
            [
                np.delete(counts, [*SPECIAL, *ids, *own_symbols])
                for counts, ids, own_symbols in zip(train_counts, byte_pieces, symbols, strict=True)
            ]
        )
        unseen = sum(
            int(np.delete(in_valid * (in_train == 0), own_symbols).sum())
            for in_train, in_valid, own_symbols in zip(train_counts, valid_counts, symbols, strict=True)
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
    valid_pieces_median: int
    """Pieces of a validation source."""

    @property
    def pairs(self) -> int:
        """Pairs to train on."""
        return sum(source.kept for source in self.sources)

    def as_json(self) -> dict[str, Any]:
        """All fields, and the warnings as text."""
        return asdict(self) | {"warnings": self.warnings()}

    def warnings(self) -> list[str]:
        """Warnings, with figures, the most important first."""
        return advice.warnings_of(self)

    def main_warnings(self) -> list[str]:
        """The warnings, or the most important ones if there are many."""
        warnings = self.warnings()
        rest = len(warnings) - _MOST_WARNINGS
        if rest <= 1:
            return warnings
        return [*warnings[:_MOST_WARNINGS], f"{rest} further warnings (`seq2seq data report --json` has all)"]

    def lines(self) -> list[str]:
        """The report as text, without the warnings: a screen with them, if there is one source."""
        rows = [*self.notes]
        for source in (*self.sources, self.valid):
            rows += _source_lines(source)
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
                f"{sizes} pieces{shared}, {vocabulary.rare:.1%} occur fewer than {_RARE} times (without bytes)",
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


def omissions(omitted: Mapping[str, int]) -> list[str]:
    """Kinds of units with their numbers: `12 fuzzy units`."""
    return [f"{count:,} {kind.replace('units', 'unit') if count == 1 else kind}" for kind, count in omitted.items()]


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
