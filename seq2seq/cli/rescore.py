"""`seq2seq rescore`."""

import math
import sys
from collections.abc import Sequence
from contextlib import nullcontext
from dataclasses import asdict
from itertools import repeat
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli.outputs import check_outputs
from seq2seq.errors import InputError
from seq2seq.io.lines import expect_rereadable, open_output, printable, read_lines
from seq2seq.scoring.moses import read_candidates

if TYPE_CHECKING:
    from seq2seq.scoring.mert import Comparison, Weights

_Refs = list[str] | None


def rescore(
    dev: Annotated[
        str | None, typer.Option(metavar="FILE", help="n-best list to learn the weights on, in Moses format.")
    ] = None,
    dev_ref: Annotated[
        _Refs, typer.Option(metavar="FILE", help="Reference translations of --dev, one per line; may be repeated.")
    ] = None,
    weights: Annotated[
        Path | None, typer.Option(metavar="FILE", help="Use these saved weights instead of learning them.")
    ] = None,
    save_weights: Annotated[str | None, typer.Option(metavar="FILE", help="Save the learnt weights, as JSON.")] = None,
    n_best: Annotated[str | None, typer.Option(metavar="FILE", help="n-best list to re-rank.")] = None,
    ref: Annotated[
        _Refs,
        typer.Option(metavar="FILE", help="Reference translations of --n-best, to measure the gain; may be repeated."),
    ] = None,
    output: Annotated[
        str, typer.Option("-o", "--output", metavar="FILE", help="The best candidate of each sentence, one per line.")
    ] = "-",
    save_list: Annotated[
        str | None, typer.Option(metavar="FILE", help="Write the re-ranked list, with its new total scores.")
    ] = None,
    restarts: Annotated[
        int,
        typer.Option(
            metavar="N",
            min=0,
            max=10_000,
            help="Random starting points of the search, in addition to the list's own weights.",
        ),
    ] = 8,
    seed: Annotated[int, typer.Option(min=0, metavar="NUMBER", help="Random seed.")] = 1,
) -> None:
    """Re-rank n-best lists with learnt feature weights.

    Learns one weight per feature by minimum error rate training (Och 2003) on --dev, to maximise BLEU of the candidates
    ranked first, and re-ranks --n-best with them. Reports BLEU before and after re-ranking, with sacreBLEU's paired
    bootstrap test. `seq2seq score --n-best` adds a model's score to a list.
    """
    if (dev is None) == (weights is None) or bool(dev) != bool(dev_ref):
        raise InputError("give --dev and --dev-ref, to learn weights, or --weights FILE")
    if save_weights is not None and dev is None:
        raise InputError("--save-weights saves learnt weights: give --dev and --dev-ref")
    if n_best is None and (dev is None or ref or save_list is not None or output != "-"):
        raise InputError("--n-best is missing: give the list to re-rank")
    inputs = (dev, *(dev_ref or ()), weights, n_best, *(ref or ()))
    check_outputs((output, save_list, save_weights), inputs)
    expect_rereadable(dev, n_best if ref else None)
    if inputs.count("-") > 1:
        raise InputError("only one input can be stdin (-)")

    from seq2seq.scoring.mert import Development, Weights, learn_weights

    if dev is not None:
        references = _read_references(dev_ref or ())
        development = Development(dev, references)
        _warn(dev, len(development.incomplete), min(development.incomplete, default=0))
        chosen = learn_weights(development, restarts=restarts, seed=seed)
        gain = _gain(dev, chosen, references)
        if save_weights is not None:
            with open_output(save_weights) as file:
                file.write(chosen.to_json({"bleu": asdict(gain)}))
    elif weights is not None:
        chosen = Weights.load(weights)
    if n_best is not None:
        _write(n_best, chosen, output, save_list)
        if ref:
            _gain(n_best, chosen, _read_references(ref))


def _write(path: str, weights: "Weights", output: str, save_list: str | None) -> None:
    """Write the best candidate per sentence, a blank line if it has none; and the re-ranked list."""
    lines, incomplete, first = 0, 0, 0
    with open_output(output) as file, open_output(save_list) if save_list is not None else nullcontext() as list_file:
        for candidates in read_candidates(path):
            ranked = weights.rank(candidates, path)
            skipped = candidates[0].sentence - lines
            file.writelines(repeat(b"\n", skipped))
            file.write(f"{ranked[0][1].text}\n".encode())
            lines += skipped + 1
            lacking = [candidate.line for score, candidate in ranked if score == -math.inf]
            incomplete, first = incomplete + len(lacking), first or min(lacking, default=0)
            if list_file is not None:
                list_file.writelines(candidate.with_total(score) for score, candidate in ranked)
    _warn(path, incomplete, first)


def _warn(path: str, incomplete: int, first: int) -> None:
    """Warn about candidates that lack a feature."""
    if incomplete:
        what = "candidates lack a feature and are" if incomplete > 1 else "candidate lacks a feature and is"
        warning = f"{path}: {incomplete:,} {what} ranked last (first: line {first:,})"
        print(printable(f"seq2seq: warning: {warning}"), file=sys.stderr)


def _gain(path: str, weights: "Weights", references: list[list[str]]) -> "Comparison":
    """BLEU before and after re-ranking, also reported on stderr."""
    from seq2seq.scoring.mert import compare, expect_reference

    before, after = ([""] * len(references[0]) for _ in range(2))
    for candidates in read_candidates(path):
        sentence = candidates[0].sentence
        expect_reference(path, candidates[0], len(before))
        before[sentence], after[sentence] = candidates[0].text, weights.rank(candidates, path)[0][1].text
    if not before:
        raise InputError(f"{path}: there are no references to compare with")
    comparison = compare(before, after, references)
    scores = f"BLEU {comparison.before:.2f} before, {comparison.after:.2f} after (p = {comparison.p_value:.4f})"
    print(printable(f"{path}: {scores}  {comparison.signature}"), file=sys.stderr)
    return comparison


def _read_references(paths: Sequence[str]) -> list[list[str]]:
    references = [list(read_lines(path)) for path in paths]
    for path, lines in zip(paths, references, strict=True):
        if len(lines) != len(references[0]):
            raise InputError(f"{paths[0]} has {len(references[0]):,} lines but {path} has {len(lines):,}")
    return references
