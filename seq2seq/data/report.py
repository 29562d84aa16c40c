"""The data report: what the training pairs are, what became of them, and what looks wrong, in figures."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Self

import numpy as np

from seq2seq.data.cleaning import LONGEST, RATIO
from seq2seq.data.corpus import CorpusWriter, PieceCounts
from seq2seq.tokenizer.tokenizer import SPECIAL, Tokenizer

_RARE = 10
# Shares from which on something is worth a warning.
_MUCH_LEFT_OUT, _MANY_BYTES, _MANY_REPEATED, _MANY_ODD, _OVERLAP = 0.05, 0.01, 0.2, 0.02, 0.01
_FEW_PAIRS, _FEW_TO_VALIDATE, _MANY_TO_VALIDATE = 5_000, 100, 5_000


_EXPLANATIONS = {
    "empty": "pairs with an empty side",
    "too_long": "pairs longer than data.max_length",
    "identical": "pairs identical on both sides",
    "length": f"pairs with more than {LONGEST:,} characters on a side",
    "ratio": f"pairs with an unusual length ratio ({RATIO:g} times off the median, or more)",
    "script": "pairs with a side mostly in a foreign script",
    "duplicates": "duplicates of an earlier pair",
}
_LINES_NAMED = 3


@dataclass
class Finding:
    """Pairs of which something is true: how many, and the lines of the first few."""

    rule: str
    """A cleaning rule, or `empty` or `too_long`."""
    left_out: bool
    count: int = 0
    lines: list[int] = field(default_factory=list)

    def add(self, line: int) -> None:
        """Count the pair of `line`."""
        self.count += 1
        if len(self.lines) < _LINES_NAMED:
            self.lines.append(line)

    @property
    def what(self) -> str:
        """What the pairs are, in words that go with their number."""
        noun, space, rest = _EXPLANATIONS[self.rule].partition(" ")
        return f"{noun.removesuffix('s') if self.count == 1 else noun}{space}{rest}"


@dataclass
class SourceReport:
    """What became of the pairs of one source."""

    name: str
    read: int = 0
    kept: int = 0
    held_out: int = 0
    weight: float = 1.0
    findings: list[Finding] = field(default_factory=list)

    def finding(self, rule: str, *, left_out: bool) -> Finding:
        """A new finding, to be counted."""
        self.findings.append(Finding(rule, left_out))
        return self.findings[-1]


@dataclass
class SideReport:
    """One side of the pairs that are trained on."""

    characters: float
    """A sentence, on average."""
    pieces: float
    pieces_95: int
    """Nineteen of twenty sentences have at most so many."""
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
    """Share of the pieces that training sees fewer than ten times; the single bytes and the marks do not count."""
    unseen: float
    """Share of the running pieces of the validation text that training never sees."""
    bytes: float
    """Share of the pieces of the training text that are single bytes, of characters that the vocabulary lacks."""
    valid_bytes: float
    """The same of the validation text."""

    @classmethod
    def of(cls, tokenizers: Mapping[str, Tokenizer], train: CorpusWriter, valid: CorpusWriter) -> Self:
        """tokenizers: of both sides, or one for both; by the names of their files."""
        seen, tested = ([one.src_pieces.of_piece, one.tgt_pieces.of_piece] for one in (train, valid))
        if len(tokenizers) == 1:
            seen, tested = [np.sum(seen, axis=0)], [np.sum(tested, axis=0)]
        byte_pieces = [sorted(one.byte_pieces()) for one in tokenizers.values()]
        learnt = np.concatenate(
            [np.delete(one, [*SPECIAL, *some]) for one, some in zip(seen, byte_pieces, strict=True)]
        )
        unseen = sum(int(test[known == 0].sum()) for known, test in zip(seen, tested, strict=True))
        return cls(
            {name: len(one) for name, one in tokenizers.items()},
            float((learnt < _RARE).mean()),
            unseen / max(1, sum(int(one.sum()) for one in tested)),
            _share_of(byte_pieces, seen),
            _share_of(byte_pieces, tested),
        )


def _share_of(pieces: list[list[int]], counts: list[np.ndarray]) -> float:
    found = sum(int(count[some].sum()) for some, count in zip(pieces, counts, strict=True))
    return found / max(1, sum(int(count.sum()) for count in counts))


@dataclass
class Seen:
    """How much of an evaluation set the training pairs hold already."""

    name: str
    sources: int
    """Distinct source sentences of the set."""
    in_training: int


@dataclass
class DataReport:
    """All of it; `lines` is for people, `as_json` for programs."""

    sources: list[SourceReport]
    valid: SourceReport
    src: SideReport
    tgt: SideReport
    usual_ratio: float
    """Characters of the target for each of the source, the median."""
    several_translations: int
    """Source sentences that have more than one translation."""
    overlaps: list[Seen]
    vocabulary: VocabularyReport
    examples: list[tuple[str, str]]
    """Pairs as the model sees them, pieces between blanks."""
    notes: list[str]
    language_warnings: list[str]

    @property
    def pairs(self) -> int:
        """Pairs to train on."""
        return sum(source.kept for source in self.sources)

    def as_json(self) -> dict[str, Any]:
        """Everything, and the warnings in words."""
        return asdict(self) | {"warnings": self.warnings()}

    def lines(self) -> list[str]:
        """The report as text, without the warnings."""
        rows = [*self.notes]
        for source in (*self.sources, self.valid):
            rows += _source_lines(source)
        rows += [
            _row("lengths", f"source {_side(self.src)}"),
            _row("", f"target {_side(self.tgt)}"),
            _row("length ratio", f"{self.usual_ratio:.2f} target characters for each of the source"),
            _row("translations", f"{self.several_translations:,} source sentences have more than one"),
        ]
        rows += [
            _row("overlap", f"{seen.in_training:,} of {seen.sources:,} {seen.name} sources are in the training pairs")
            for seen in self.overlaps
        ]
        vocabulary = self.vocabulary
        sizes = " and ".join(f"{size:,}" for size in vocabulary.sizes.values())
        shared = " for both languages" if len(vocabulary.sizes) == 1 else ""
        rows += [
            _row("vocabulary", f"{sizes} pieces{shared}, {vocabulary.rare:.1%} of them seen fewer than {_RARE} times"),
            _row("", f"{vocabulary.unseen:.2%} of the validation text in pieces that training never sees"),
            _row(
                "byte-fallback pieces",
                f"{vocabulary.bytes:.2%} of the training text, {vocabulary.valid_bytes:.2%} of validation",
            ),
        ]
        for src, tgt in self.examples:
            rows += [_row("as the model sees it", src), _row("", tgt)]
        return rows

    def warnings(self) -> list[str]:
        """What a person should look at, with figures."""
        found = list(self.language_warnings)
        for source in self.sources:
            if not source.kept:
                found.append(f"{source.name}: none of its pairs is used for training")
            for finding in source.findings:
                share = finding.count / max(1, source.read)
                limit = _MUCH_LEFT_OUT if finding.left_out else _MANY_ODD
                if share > (_MANY_REPEATED if finding.rule == "duplicates" else limit):
                    hint = "" if finding.left_out else "; --clean drops them"
                    found.append(f"{source.name}: {finding.count:,} {finding.what} ({share:.1%}){hint}")
        for seen in self.overlaps:
            if seen.in_training > _OVERLAP * seen.sources:
                found.append(
                    f"{seen.in_training:,} of {seen.sources:,} {seen.name} sources are training sources too: "
                    "scores on them are inflated"
                )
        if self.vocabulary.bytes > _MANY_BYTES:
            found.append(
                f"{self.vocabulary.bytes:.1%} of the text falls back to bytes: try a larger tokenizer.vocab_size"
            )
        if self.pairs < _FEW_PAIRS:
            found.append(f"only {self.pairs:,} training pairs: expect phrases, not fluent sentences")
        if self.valid.kept < _FEW_TO_VALIDATE:
            found.append(f"only {self.valid.kept:,} validation pairs: BLEU on them is noisy")
        if self.valid.kept > _MANY_TO_VALIDATE:
            found.append(f"validating on {self.valid.kept:,} pairs is slow; 1,000 to 2,000 are enough")
        return found


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
            rows.append(f"  {finding.count:>9,} {finding.what} ({share:.2%}, {lines}{more}): {fate}")
    return rows


def _side(side: SideReport) -> str:
    return (
        f"{side.characters:.0f} characters, {side.pieces:.1f} pieces per sentence; "
        f"95 % within {side.pieces_95} pieces, longest {side.pieces_longest}"
    )


def _row(name: str, text: str) -> str:
    return f"{name:<21} {text}"
