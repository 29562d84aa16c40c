"""`seq2seq score`."""

import json
import math
import re
import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from enum import StrEnum
from functools import partial
from itertools import chain, islice
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2seq.cli import options
from seq2seq.cli.outputs import check_outputs
from seq2seq.cli.pairs import open_pairs
from seq2seq.errors import InputError
from seq2seq.io.lines import open_output, printable
from seq2seq.scoring.annotations import SAMPLE, describe_annotations
from seq2seq.scoring.moses import FeatureLine, read_n_best, read_phrase_table

if TYPE_CHECKING:
    from seq2seq.data.bitext import Bitext, Pair
    from seq2seq.runs.model_folder import ModelFolder
    from seq2seq.scoring.pairs import Score

# The smallest normal float32. Moses reads single precision and takes the logarithm.
_SMALLEST_PROBABILITY = 1.1755e-38
_SMALLEST_LOG_PROB = math.log(_SMALLEST_PROBABILITY)
_NAME = re.compile(r"[^\s|:=\ud800-\udfff]+")


class InvalidLines(StrEnum):
    """What to do with a line that cannot be scored."""

    STOP = "stop"
    SKIP = "skip"
    PASS = "pass"
    """The old name of skip."""


def score(
    context: typer.Context,
    model: options.Model,
    src: Annotated[
        str | None, typer.Option(metavar="FILE", help="Source sentences, one per line, for --tgt or --n-best.")
    ] = None,
    tgt: Annotated[str | None, typer.Option(metavar="FILE", help="Target sentences, line-aligned with --src.")] = None,
    input_: Annotated[
        str | None,
        typer.Option(
            "--input", metavar="FILE", help="Table of pairs: TSV, CSV, JSON, Parquet, spreadsheet, TMX, XLIFF or PO."
        ),
    ] = None,
    src_column: options.SrcColumn = None,
    tgt_column: options.TgtColumn = None,
    encoding: options.Encoding = None,
    phrase_table: Annotated[
        str | None, typer.Option(metavar="FILE", help="Moses phrase table to add a feature to.")
    ] = None,
    n_best: Annotated[
        str | None, typer.Option(metavar="FILE", help="Moses n-best list to add a feature to; give --src.")
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="File to write, compressed if it ends in .gz or .zst.")
    ] = "-",
    per_token: Annotated[
        bool, typer.Option("--per-token", help="One log-probability per target token, end of sentence included.")
    ] = False,
    normalize: Annotated[
        bool,
        typer.Option(
            "--normalize", help="Divide the log-probability by the number of tokens, end of sentence included."
        ),
    ] = False,
    as_json: Annotated[
        bool,
        typer.Option(
            "--json", help="One JSON object per pair: log_prob, pieces, normalized; with --per-token also tokens."
        ),
    ] = False,
    log: Annotated[
        bool, typer.Option("--log", help="Write log-probabilities into the phrase table instead of probabilities.")
    ] = False,
    feature_name: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="Name of the feature in the n-best list; default: RNNEncDec0 (RNNEncDec in the old format).",
        ),
    ] = None,
    invalid_lines: Annotated[
        InvalidLines,
        typer.Option(
            "--invalid-lines",
            metavar="stop|skip",
            help="Lines that cannot be scored: stop at the first, or keep them. In a Moses file they get the smallest "
            "score, so that Moses loads it.",
        ),
    ] = InvalidLines.STOP,
    odd_lines: Annotated[InvalidLines | None, typer.Option(hidden=True)] = None,
) -> None:
    """Compute log-probabilities of targets given their sources.

    For sentence pairs (--src and --tgt, or --input): one line per pair with log p(target | source), natural logarithm.
    For a Moses phrase table or n-best list: the file unchanged except for one extra feature per line, a probability in
    a phrase table (Moses takes the logarithm itself), a log-probability in an n-best list. Files may be compressed; -
    is stdin.
    """
    _Scoring(**context.params).run()


@dataclass(frozen=True, kw_only=True)
class _Scoring:
    """The options of `score`, validated."""

    model: Path
    src: str | None
    tgt: str | None
    input_: str | None
    src_column: str | None
    tgt_column: str | None
    encoding: str | None
    phrase_table: str | None
    n_best: str | None
    output: str
    per_token: bool
    normalize: bool
    as_json: bool
    log: bool
    feature_name: str | None
    invalid_lines: InvalidLines
    odd_lines: InvalidLines | None

    def __post_init__(self) -> None:
        """Raises InputError if options are missing or exclude each other."""
        inputs = [self.tgt, self.input_, self.phrase_table, self.n_best]
        needs_src = self.tgt is not None or self.n_best is not None
        if sum(path is not None for path in inputs) != 1 or (self.src is not None) != needs_src:
            raise InputError("give one of: --src and --tgt; --input; --phrase-table; --n-best and --src")
        if [self.src, *inputs].count("-") > 1:
            raise InputError("stdin (-) can be read only once")
        check_outputs([self.output], [self.src, *inputs])
        if (self.per_token or self.as_json) and (self.phrase_table or self.n_best):
            raise InputError("--per-token and --json are for sentence pairs; a Moses file keeps its format")
        if self.encoding and (self.phrase_table or self.n_best):
            raise InputError("--encoding is for sentence pairs; Moses files and their sources are UTF-8")
        if self.normalize and (self.per_token or self.as_json):
            raise InputError("--normalize cannot be combined with --per-token or --json, which has both scores")
        if self.log and self.phrase_table is None:
            raise InputError("--log is for a phrase table; all other output is in logarithms")
        if self.feature_name is not None and (self.n_best is None or not _NAME.fullmatch(self.feature_name)):
            raise InputError("--feature-name is for an n-best list; it is Unicode text without spaces, |, : or =")

    def run(self) -> None:
        """Score, and write the output."""
        from seq2seq.runs.model_folder import open_model

        folder = open_model(self.model)  # A damaged one is reported before torch is loaded.
        name, items, layout = self._items(folder)
        faults = _Faults(name, stops=(self.odd_lines or self.invalid_lines) is InvalidLines.STOP)
        _score(folder, items, layout, self.output, faults)
        faults.report()

    def _items(self, folder: "ModelFolder") -> "tuple[str, Iterable[FeatureLine | Pair], _Layout]":
        """The name of the input, its items, and the layout of the output."""
        from seq2seq.data.bitext import AlignedFiles

        value: Callable[[Score], float] = attrgetter("normalized" if self.normalize else "log_prob")
        if self.phrase_table is not None:
            layout: _Layout = partial(_with_feature, value, _format_log_prob if self.log else _format_probability)
            lines = read_phrase_table(self.phrase_table)
            return self.phrase_table, _checked_words(lines, self.phrase_table), layout
        if self.n_best is not None and self.src is not None:
            lines = read_n_best(self.n_best, self.src, self.feature_name)
            return self.n_best, _checked_words(lines, self.n_best), partial(_with_feature, value, _format_log_prob)
        pairs: Bitext
        if self.src is not None and self.tgt is not None:
            pairs = AlignedFiles(Path(self.src), Path(self.tgt), self.encoding or "")
        else:
            columns = {"src_column": self.src_column, "tgt_column": self.tgt_column}
            pairs = open_pairs("score", folder, train=self.input_, encoding=self.encoding, **columns)
        if self.as_json:
            return str(pairs), pairs, partial(_as_json, folder.tokenizers.tgt.pieces if self.per_token else None)
        return str(pairs), pairs, _as_log_probs if self.per_token else partial(_as_line, value)


_Layout = Callable[[Any, "Score | None"], bytes]
"""Formats an item of the input and its score, if it has one."""


def _score(
    folder: "ModelFolder", items: "Iterable[FeatureLine | Pair]", layout: _Layout, output: str, faults: "_Faults"
) -> None:
    from seq2seq.runs.trained_model import TrainedModel
    from seq2seq.scoring.pairs import Scorer

    scorer = Scorer(TrainedModel.load(folder))
    with open_output(output) as file:
        for item, score in scorer.stream(items, faults.add):
            file.write(layout(item, score))


class _Faults:
    """Lines that cannot be scored: the first one stops the run, or all are counted."""

    def __init__(self, name: str, *, stops: bool) -> None:
        """name: of the input."""
        self._name, self._stops = name, stops
        self._first: dict[str, str] = {}
        self._counts: Counter[str] = Counter()

    def add(self, item: "FeatureLine | Pair", fault: str) -> None:
        fate, where = _fate(item), f"line {item.line}: {fault}"
        if self._stops:
            raise InputError(f"{self._name}, {where}; with --invalid-lines skip such lines are {fate}")
        self._first.setdefault(fate, where)
        self._counts[fate] += 1

    def report(self) -> None:
        """Warn about lines without a score."""
        for fate, count in self._counts.items():
            _warn(f"{self._name}: lines {fate}: {count:,} (first: {self._first[fate]})")


def _fate(item: "FeatureLine | Pair") -> str:
    """What becomes of lines that cannot be scored."""
    if not isinstance(item, FeatureLine):
        return "left without a score"
    if item.features_end:
        return "given the smallest score"
    return "left as they are, which Moses cannot load"


def _checked_words(lines: Iterator[FeatureLine], name: str) -> Iterator[FeatureLine]:
    """Pass lines on; warn if the first ones hold more than plain words."""
    sample = list(islice(lines, SAMPLE))
    if annotations := describe_annotations(sample):
        _warn(f"{name}: has {annotations}; they are scored as plain words, which the model was hardly trained on")
    return chain(sample, lines)


def _warn(text: str) -> None:
    print(printable(f"seq2seq: warning: {text}"), file=sys.stderr)


def _with_feature(
    value: "Callable[[Score], float]", format_value: Callable[[float], str], line: FeatureLine, score: "Score | None"
) -> bytes:
    if not line.features_end:
        return line.raw
    return line.with_feature(format_value(value(score) if score else _SMALLEST_LOG_PROB))


def _as_line(value: "Callable[[Score], float]", _: object, score: "Score | None") -> bytes:
    return (_format_log_prob(value(score)) if score else "").encode() + b"\n"


def _as_log_probs(_: object, score: "Score | None") -> bytes:
    return " ".join(map(_format_log_prob, score.log_probs if score else ())).encode() + b"\n"


def _as_json(pieces: "Callable[[Sequence[int]], list[str]] | None", _: object, score: "Score | None") -> bytes:
    content: dict[str, Any] = {name: getattr(score, name, None) for name in ("log_prob", "pieces", "normalized")}
    if pieces and score:
        tokens = zip(pieces(score.ids), score.log_probs.tolist(), strict=True)
        content["tokens"] = [{"piece": piece, "log_prob": log_prob} for piece, log_prob in tokens]
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def _format_log_prob(log_prob: float) -> str:
    return f"{log_prob:.6f}"


def _format_probability(log_prob: float) -> str:
    return f"{max(math.exp(log_prob), _SMALLEST_PROBABILITY):.6g}"
