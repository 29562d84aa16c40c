"""What is known about the pairs of a corpus: how many are kept, what breaks a rule, lengths and vocabularies."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Self

import numpy as np

from seq2seq.data.cleaning import MAX_CHARACTERS, RATIO_FACTOR
from seq2seq.data.corpus import CorpusWriter, PieceCounts
from seq2seq.data.formats.table import LINES_LISTED
from seq2seq.data.line_shift import Shift
from seq2seq.data.overlap import OverlapReport
from seq2seq.tokenizer.symbols import SYMBOLS
from seq2seq.tokenizer.tokenizer import SPECIAL, Tokenizer

RARE = 10
"""Occurrences in training below which a piece is rare."""

# Times data.max_length.
_PARAGRAPH = 2
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
    "tabs": "lines with a tab inside",
    "entities": "lines with HTML entities",
    "tags": "lines with tags",
    "tokenised": "lines of tokenised text",
    "decomposed": "lines not in Unicode's NFC",
    "numbered": "lines that begin with a number or a verse",
    "wordless": "lines without a letter",
}
_ADVICE = {
    "returns": "split the lines there, or remove them",
    "tabs": "if the first part is a number or a reference, remove it",
    "entities": "decode them (html.unescape in Python)",
    "tags": "remove unwanted ones",
    "tokenised": "use the text before tokenisation, or detokenise it",
    "decomposed": "data.normalize composes them",
    "numbered": "unless it is part of the sentences, remove it",
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
            float((learnt < RARE).mean()),
            unseen / max(1, sum(int(counts.sum()) for counts in valid_counts)),
            _share_of(byte_pieces, train_counts),
            _share_of(byte_pieces, valid_counts),
        )


def _share_of(pieces: list[list[int]], counts: list[np.ndarray]) -> float:
    """The share of these pieces in all tokens, over the vocabularies."""
    matching = sum(int(count[ids].sum()) for ids, count in zip(pieces, counts, strict=True))
    return matching / max(1, sum(int(count.sum()) for count in counts))


@dataclass
class Findings:
    """All that a report on a corpus is about."""

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
    unknown_languages: list[str]
    """Given languages that are not the name or code of any."""
    valid_pieces_median: int
    """Pieces of a validation source."""

    @property
    def pairs(self) -> int:
        """Pairs to train on."""
        return sum(source.kept for source in self.sources)


def omissions(omitted: Mapping[str, int]) -> list[str]:
    """Kinds of units with their numbers: `12 fuzzy units`."""
    return [f"{count:,} {kind.replace('units', 'unit') if count == 1 else kind}" for kind, count in omitted.items()]
