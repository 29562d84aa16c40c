"""`seq2seq plot`."""

import json
from pathlib import Path
from typing import Annotated, Any, Literal, cast

import typer

from seq2seq.cli import options
from seq2seq.cli.outputs import check_outputs
from seq2seq.errors import InputError
from seq2seq.io.lines import read_lines
from seq2seq.runs.run_folder import RunFolder

plot = typer.Typer(
    help="Draw training curves, alignments and maps of embeddings.",
    rich_markup_mode=None,
)

MOST_POINTS = 2_000
"""Of a map; more could not be read."""

_MOST_PIECES = 150
_LARGEST_NUMBER = 1e100

Picture = Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="The picture, .png or .svg.")]


@plot.command()
def curves(runs: Annotated[list[Path], typer.Argument(metavar="run...", help="Run folders.")], output: Picture) -> None:
    """Training loss and validation BLEU, step by step, of one or more runs."""
    from seq2seq.analysis.plotting import draw_series, open_chart

    check_outputs([output])
    metrics = {_name(run, runs): _read_metrics(run) for run in runs}
    with open_chart(output, panels=2) as (losses, bleus):
        draw_series(losses, _series(metrics, "loss"), "step", "training loss, nats per token")
        draw_series(bleus, _series(metrics, "valid_bleu"), "step", "validation BLEU")


@plot.command()
def alignment(
    model: options.Model,
    output: Picture,
    src: Annotated[str, typer.Option(metavar="TEXT", help="A sentence of the source language.")],
    tgt: Annotated[
        str | None, typer.Option(metavar="TEXT", help="Its translation; the model's own where none is given.")
    ] = None,
) -> None:
    """What each piece of a translation takes from each piece of the source: like Bahdanau et al. 2015, figure 3."""
    from seq2seq.analysis.alignment import align
    from seq2seq.analysis.plotting import draw_matrix, open_chart
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.trained_model import load_model

    check_outputs([output])
    if not src.strip():
        raise InputError("--src is blank: give a sentence")
    _expect_unicode(src=src, tgt=tgt or "")
    loaded = load_model(model)
    found = align(loaded, src, Translator(loaded).translate([src])[0] if tgt is None else tgt)
    longest = max(len(found.src), len(found.tgt))
    if longest > _MOST_PIECES:
        raise InputError(f"{longest:,} pieces in a sentence; a picture takes at most {_MOST_PIECES} of each")
    inches = [1.5 + 0.3 * len(pieces) for pieces in (found.src, found.tgt)]
    with open_chart(output, size=(inches[0], inches[1])) as (axes,):
        draw_matrix(axes, found.weights, found.src, found.tgt)


@plot.command()
def words(
    model: options.Model,
    output: Picture,
    input_: Annotated[str, typer.Option("-i", "--input", metavar="FILE", help="Text that the words are from.")] = "-",
    side: Annotated[Literal["src", "tgt"], typer.Option(help="Language of the text: source or target.")] = "src",
    count: Annotated[
        int, typer.Option(metavar="N", min=4, max=MOST_POINTS, help="How many; the most frequent ones.")
    ] = 150,
) -> None:
    """A map of words by their vectors: like Cho et al. 2014, figure 4.

    Shows the words of a text that the vocabulary has as one piece.
    """
    from seq2seq.analysis.maps import frequent_words, lay_out, word_vectors
    from seq2seq.analysis.plotting import draw_map, open_chart
    from seq2seq.runs.trained_model import load_model

    check_outputs([output])
    with open_chart(output, size=(12, 12)) as (axes,):
        loaded = load_model(model)
        found = frequent_words(getattr(loaded.tokenizers, side), read_lines(input_), count)
        draw_map(axes, lay_out(word_vectors(loaded, side, list(found.values()))), list(found))


@plot.command()
def phrases(
    model: options.Model,
    output: Picture,
    input_: Annotated[str, typer.Option("-i", "--input", metavar="FILE", help="Source phrases, one per line.")] = "-",
) -> None:
    """A map of phrases by their context vectors: like Cho et al. 2014, figure 5."""
    from seq2seq.analysis.maps import lay_out, phrase_vectors
    from seq2seq.analysis.plotting import draw_map, open_chart
    from seq2seq.runs.trained_model import load_model

    check_outputs([output])
    with open_chart(output, size=(12, 12)) as (axes,):
        loaded = load_model(model)
        lines = list(dict.fromkeys(line.strip() for line in read_lines(input_) if line.strip()))
        if len(lines) > MOST_POINTS:
            raise InputError(f"{input_}: {len(lines):,} different phrases; a map takes at most {MOST_POINTS:,}")
        draw_map(axes, lay_out(phrase_vectors(loaded, lines)), lines)


def _expect_unicode(**texts: str) -> None:
    """Raises InputError where the bytes of an option's text were not valid Unicode."""
    for name, text in texts.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InputError(f"--{name} is not valid Unicode in this locale") from None


def _name(run: Path, runs: list[Path]) -> str:
    """The folder's name, or its path where others have the same name."""
    return run.name if [one.name for one in runs].count(run.name) == 1 else str(run)


def _read_metrics(run: Path) -> list[dict[str, Any]]:
    path = RunFolder(run).metrics
    if not path.is_file():
        raise InputError(f"{run}: no run folder, metrics.jsonl is missing")
    return [_parse_record(line, f"{path}, line {number}") for number, line in enumerate(read_lines(path), start=1)]


def _parse_record(line: str, where: str) -> dict[str, Any]:
    """A record of a training. Raises InputError where it is not one."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: not JSON") from None
    if not isinstance(record, dict) or not _can_be_drawn(record.get("step")):
        raise InputError(f"{where}: not a training record (no usable `step`)")
    return record


def _can_be_drawn(value: object) -> bool:
    return type(value) in (int, float) and abs(cast(float, value)) < _LARGEST_NUMBER


def _series(metrics: dict[str, list[dict[str, Any]]], key: str) -> dict[str, list[tuple[float, float]]]:
    """Name of the run -> what its records say of `key`, by step; values that cannot be drawn are left out."""
    return {
        name: [(record["step"], record[key]) for record in records if _can_be_drawn(record.get(key))]
        for name, records in metrics.items()
    }
