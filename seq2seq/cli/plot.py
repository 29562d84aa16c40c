"""`seq2seq plot`."""

import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Literal

import typer

from seq2seq.cli import options
from seq2seq.cli.outputs import check_outputs
from seq2seq.errors import InputError
from seq2seq.io.lines import read_lines

plot = typer.Typer(
    help="Plot training curves, alignments and embedding maps.",
    rich_markup_mode=None,
)

MAX_POINTS = 2_000
"""Points in a map; more would be illegible."""

_MAX_PIECES = 150

Image = Annotated[str, typer.Option("-o", "--output", metavar="FILE", help="Image to write, .png or .svg.")]


@plot.command()
def curves(
    runs: Annotated[list[Path], typer.Argument(metavar="RUN", help="Run folders.")],
    output: Image,
    x_axis: Annotated[
        Literal["step", "minutes"],
        typer.Option(help="X axis: steps, or minutes of training, excluding validation."),
    ] = "step",
) -> None:
    """Plot training loss and validation scores of one or more runs."""
    from seq2seq.analysis.curves import read_curves
    from seq2seq.analysis.plotting import draw_series, open_chart

    check_outputs([output])
    read = {_name(run, runs): read_curves(run, x_axis) for run in runs}
    with open_chart(output, panels=2) as (losses, scores):
        draw_series(losses, {name: run.loss for name, run in read.items()}, x_axis, "training loss, nats per token")
        metrics = " or ".join(sorted({run.metric for run in read.values()}))
        draw_series(scores, {name: run.scores for name, run in read.items()}, x_axis, f"validation {metrics}")


@plot.command()
def alignment(
    model: options.Model,
    output: Image,
    src: Annotated[str, typer.Option(metavar="TEXT", help="Source sentence.")],
    tgt: Annotated[str | None, typer.Option(metavar="TEXT", help="Its translation; default: the model's own.")] = None,
) -> None:
    """Plot the soft alignment of a sentence pair.

    Rows are target pieces, columns source pieces, like figure 3 of Bahdanau et al. 2015.
    """
    from seq2seq.analysis.alignment import align
    from seq2seq.analysis.plotting import draw_matrix, open_chart
    from seq2seq.inference.translator import Translator
    from seq2seq.runs.trained_model import load_model

    check_outputs([output])
    _expect_unicode(src=src, tgt=tgt or "")
    loaded = load_model(model)
    tokenizers = loaded.tokenizers
    if not tokenizers.source_text(src):
        raise InputError("--src is empty: give a sentence")
    _expect_few_pieces(tokenizers.encode_sources([src])[0])
    if tgt is None:
        tgt = Translator(loaded).translate([src])[0]
    _expect_few_pieces(tokenizers.encode_targets([tgt])[0])
    result = align(loaded, src, tgt)
    inches = [1.5 + 0.3 * len(pieces) for pieces in (result.src, result.tgt)]
    with open_chart(output, size=(inches[0], inches[1])) as (axes,):
        draw_matrix(axes, result.weights, result.src, result.tgt)


@plot.command()
def words(
    model: options.Model,
    output: Image,
    input_: Annotated[str, typer.Option("-i", "--input", metavar="FILE", help="Text to take the words from.")] = "-",
    side: Annotated[Literal["src", "tgt"], typer.Option(help="Language of the text: source or target.")] = "src",
    count: Annotated[
        int, typer.Option(metavar="N", min=4, max=MAX_POINTS, help="Number of words, the most frequent ones.")
    ] = 150,
) -> None:
    """Plot a map of word embeddings.

    Like figure 4 of Cho et al. 2014.

    Shows the words of a text that are a single piece of the vocabulary.
    """
    from seq2seq.analysis.maps import frequent_words, lay_out, word_vectors
    from seq2seq.analysis.plotting import draw_map, open_chart
    from seq2seq.runs.trained_model import load_model

    check_outputs([output], [input_])
    with open_chart(output, size=(12, 12)) as (axes,):
        loaded = load_model(model)
        tokenizers = loaded.tokenizers
        tokenizer, form = {
            "src": (tokenizers.src, tokenizers.source_text),
            "tgt": (tokenizers.tgt, tokenizers.target_text),
        }[side]
        word_ids = frequent_words(tokenizer, map(form, read_lines(input_)), count)
        _report_hidden(draw_map(axes, lay_out(word_vectors(loaded, side, list(word_ids.values()))), list(word_ids)))


@plot.command()
def phrases(
    model: options.Model,
    output: Image,
    input_: Annotated[str, typer.Option("-i", "--input", metavar="FILE", help="Source phrases, one per line.")] = "-",
) -> None:
    """Plot a map of phrases by their context vectors.

    Like figure 5 of Cho et al. 2014.
    """
    from seq2seq.analysis.maps import lay_out, phrase_vectors
    from seq2seq.analysis.plotting import draw_map, open_chart
    from seq2seq.runs.trained_model import load_model

    check_outputs([output], [input_])
    with open_chart(output, size=(12, 12)) as (axes,):
        loaded = load_model(model)
        lines = list(dict.fromkeys(filter(None, map(loaded.tokenizers.source_text, read_lines(input_)))))
        if len(lines) > MAX_POINTS:
            raise InputError(f"{input_}: {len(lines):,} different phrases; a map shows at most {MAX_POINTS:,}")
        _report_hidden(draw_map(axes, lay_out(phrase_vectors(loaded, lines)), lines))


def _expect_few_pieces(ids: Sequence[int]) -> None:
    """Raises InputError for a sentence that is too long to be aligned, before that takes its time and memory."""
    pieces = len(ids) + 1
    if pieces > _MAX_PIECES:
        raise InputError(f"a sentence of {pieces:,} pieces; an alignment plot shows at most {_MAX_PIECES} per side")


def _report_hidden(labels: int) -> None:
    """Report how many labels of a map found no room."""
    if labels:
        print(f"seq2seq: labels left out because they would overlap: {labels:,}", file=sys.stderr)


def _expect_unicode(**texts: str) -> None:
    """Raises InputError if an option's text is not valid Unicode."""
    for name, text in texts.items():
        try:
            text.encode()
        except UnicodeEncodeError:
            raise InputError(f"--{name} is not valid Unicode in this locale") from None


def _name(run: Path, runs: list[Path]) -> str:
    """The folder's name, or its path if another run has the same name."""
    return run.name if [other.name for other in runs].count(run.name) == 1 else str(run)
