"""`seq2seq score`."""

import json
import math
import re
import sys
from collections.abc import Callable, Iterable, Iterator, Sequence
from enum import StrEnum
from functools import partial
from operator import attrgetter
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from seq2seq.cli.pairs import open_pairs
from seq2seq.errors import InputError
from seq2seq.io.lines import expect_different_files, open_output, printable
from seq2seq.scoring.moses import FeatureLine, read_n_best, read_phrase_table

if TYPE_CHECKING:
    from seq2seq.data.bitext import Bitext, Pair
    from seq2seq.runs.model_folder import ModelFolder
    from seq2seq.scoring.pairs import Score

# The smallest number that single precision holds in full. Moses reads such numbers and takes their logarithm.
_LEAST_PROBABILITY = 1.1755e-38
_NAME = re.compile(r"[^\s|:=]+")


class OddLines(StrEnum):
    """What becomes of a line that cannot be scored."""

    STOP = "stop"
    PASS = "pass"


def score(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder: then its best step.")],
    src: Annotated[
        str | None, typer.Option(metavar="FILE", help="Sources, one per line; those of --n-best too.")
    ] = None,
    tgt: Annotated[str | None, typer.Option(metavar="FILE", help="Their translations, line by line.")] = None,
    input_: Annotated[
        str | None,
        typer.Option("--input", metavar="FILE", help="Table of pairs: TSV, CSV, JSON lines or Parquet."),
    ] = None,
    src_column: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the source in the table.")] = "",
    tgt_column: Annotated[str, typer.Option(metavar="COLUMN", help="Column of the target.")] = "",
    phrase_table: Annotated[
        str | None, typer.Option(metavar="FILE", help="Moses phrase table, to add a score to each line.")
    ] = None,
    n_best: Annotated[
        str | None, typer.Option(metavar="FILE", help="Moses n-best list, to add a feature to each line; give --src.")
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="File to write, packed if it ends in .gz or .zst.")
    ] = "-",
    per_token: Annotated[
        bool, typer.Option("--per-token", help="A number for each piece of the target and for its end.")
    ] = False,
    normalize: Annotated[
        bool, typer.Option("--normalize", help="Divide the log-probability by the pieces, the end counted.")
    ] = False,
    as_json: Annotated[
        bool, typer.Option("--json", help="One JSON object a pair: log_prob, pieces, normalized; tokens if asked for.")
    ] = False,
    log: Annotated[
        bool, typer.Option("--log", help="Write log-probabilities into the phrase table, not probabilities.")
    ] = False,
    feature_name: Annotated[
        str | None,
        typer.Option(metavar="NAME", help="Of the feature in the n-best list, RNNEncDec0 (old form: RNNEncDec)."),
    ] = None,
    odd_lines: Annotated[
        OddLines, typer.Option(help="Lines that cannot be scored: stop with the line, or pass them on without a score.")
    ] = OddLines.STOP,
) -> None:
    """Tell how probable targets are, given their sources.

    Of sentence pairs (--src and --tgt, or --input): a line a pair with log p(target | source), natural logarithm.
    A Moses phrase table or n-best list comes back with one feature more in each line and everything else as it was,
    byte for byte: in the table a probability, as Moses takes the logarithm itself, in the list its logarithm. Files
    may be packed as .gz or .zst; - is stdin.
    """
    inputs = [tgt, input_, phrase_table, n_best]
    if sum(one is not None for one in inputs) != 1 or (src is None) != (tgt is None and n_best is None):
        raise InputError("give one of: --src and --tgt; --input; --phrase-table; --n-best and --src")
    if [src, *inputs].count("-") > 1:
        raise InputError("stdin (-) can be read only once")
    expect_different_files([output], [src, *inputs])
    if (per_token or as_json) and (phrase_table or n_best):
        raise InputError("--per-token and --json are for sentence pairs; a Moses file keeps its form")
    if normalize and (per_token or as_json):
        raise InputError("--normalize applies to one number per line; JSON has both")
    if log and phrase_table is None:
        raise InputError("--log is for a phrase table; everything else has logarithms")
    if feature_name is not None and (n_best is None or not _NAME.fullmatch(feature_name)):
        raise InputError("--feature-name is for an n-best list; no blank, |, : or = may be in it")

    from seq2seq.data.bitext import AlignedFiles
    from seq2seq.runs.model_folder import open_model

    folder = open_model(model)  # A damaged one is told before torch is loaded.
    value: Callable[[Score], float] = attrgetter("normalized" if normalize else "log_prob")
    items: Iterable[FeatureLine | Pair]
    if phrase_table is not None:
        name, items = phrase_table, read_phrase_table(phrase_table)
        layout: _Layout = partial(_with_feature, value, _logarithm if log else _probability)
    elif n_best is not None and src is not None:
        name, items = n_best, read_n_best(n_best, src, feature_name)
        layout = partial(_with_feature, value, _logarithm)
    else:
        pairs: Bitext
        if src is not None and tgt is not None:
            pairs = AlignedFiles(Path(src), Path(tgt))
        else:
            pairs = open_pairs("score", folder, train=input_, src_column=src_column, tgt_column=tgt_column)
        name, items = str(pairs), pairs
        pieces = folder.tokenizers.tgt.pieces if per_token else None
        layout = partial(_as_json, pieces) if as_json else _as_logarithms if per_token else partial(_as_line, value)
    _score(folder, _checked(items, name, odd_lines), layout, output)


_Layout = Callable[[Any, "Score | None"], bytes]
"""What is written of an item that was read, with its score if it has one."""


def _score(folder: "ModelFolder", items: "Iterable[FeatureLine | Pair]", layout: _Layout, output: str) -> None:
    from seq2seq.runs.trained_model import TrainedModel
    from seq2seq.scoring.pairs import Scorer

    scorer = Scorer(TrainedModel.load(folder))
    with open_output(output) as file:
        for item, score in scorer.stream(items):
            file.write(layout(item, score))


def _checked(items: "Iterable[FeatureLine | Pair]", name: str, odd_lines: OddLines) -> "Iterator[FeatureLine | Pair]":
    """Pass items on; the first that cannot be scored stops the run, or is told on stderr."""
    from seq2seq.scoring.pairs import fault_of

    told = False
    for item in items:
        if not told and (fault := fault_of(item)):
            where = f"{name}, line {item.line}: {fault}"
            if odd_lines is OddLines.STOP:
                raise InputError(f"{where}; --odd-lines pass lets such lines through without a score")
            warning = f"seq2seq: warning: {where}; it has no score, nor has any such line after it"
            print(printable(warning), file=sys.stderr)
            told = True
        yield item


def _with_feature(
    value: "Callable[[Score], float]", written: Callable[[float], str], line: FeatureLine, score: "Score | None"
) -> bytes:
    return line.with_feature(written(value(score))) if score else line.raw


def _as_line(value: "Callable[[Score], float]", _: object, score: "Score | None") -> bytes:
    return (_logarithm(value(score)) if score else "").encode() + b"\n"


def _as_logarithms(_: object, score: "Score | None") -> bytes:
    return " ".join(map(_logarithm, score.log_probs if score else ())).encode() + b"\n"


def _as_json(pieces: "Callable[[Sequence[int]], list[str]] | None", _: object, score: "Score | None") -> bytes:
    content: dict[str, Any] = {name: getattr(score, name, None) for name in ("log_prob", "pieces", "normalized")}
    if pieces and score:
        tokens = zip(pieces(score.ids), score.log_probs.tolist(), strict=True)
        content["tokens"] = [{"piece": piece, "log_prob": log_prob} for piece, log_prob in tokens]
    return json.dumps(content, ensure_ascii=False).encode() + b"\n"


def _logarithm(log_prob: float) -> str:
    return f"{log_prob:.6f}"


def _probability(log_prob: float) -> str:
    return f"{max(math.exp(log_prob), _LEAST_PROBABILITY):.6g}"
