"""`seq2seq tune`."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli import options
from seq2seq.errors import InputError

# What `--set` may name: of the data, all that the model does not decide.
_SETTINGS = ("training.", "data.held_out=", "data.max_invalid=")


def tune(
    context: typer.Context,
    model: options.Model,
    train_src: options.TrainSrc = None,
    train_tgt: options.TrainTgt = None,
    train: options.Train = None,
    dataset: options.Dataset = None,
    subset: options.Subset = None,
    split: options.TrainSplit = None,
    weights: options.Weights = None,
    valid_src: options.ValidSrc = None,
    valid_tgt: options.ValidTgt = None,
    valid: options.Valid = None,
    src_lang: options.SrcLang = None,
    tgt_lang: options.TgtLang = None,
    encoding: options.Encoding = None,
    invalid_lines: options.InvalidRows = None,
    src_column: options.SrcColumn = None,
    tgt_column: options.TgtColumn = None,
    clean: options.Clean = False,
    max_loss: Annotated[
        float,
        typer.Option(
            metavar="POINTS",
            min=0.0,
            help="How much the score on the old validation pairs may fall; the model is moved back towards the old one "
            "if it falls further.",
        ),
    ] = 1.0,
    minutes: Annotated[
        float | None, typer.Option(metavar="NUMBER", help="Time limit of the training; default: 1.")
    ] = None,
    seed: options.Seed = None,
    set_: options.Assignments = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Run folder; default: checkpoints/SRC-TGT-tuned."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from the last checkpoint in the run folder.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run in the run folder, its model included.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only errors.")] = False,
) -> None:
    """Train a finished model further, on corrections or on pairs of another kind.

    Vocabularies and network are kept. Given the run folder of the model, its own pairs are replayed, so that it keeps
    what it knows. Prints the scores before and after: on the new pairs, on the old validation pairs, and how many of
    the corrected words are in the output.
    """
    if resume and overwrite:
        raise InputError("--resume and --overwrite cannot be combined")
    settings = options.config_of({**context.params, "preset": None, "config": None})
    if others := [key for key in set_ or () if not key.startswith(_SETTINGS)]:
        names = "training.*, data.held_out and data.max_invalid"
        raise InputError(f"--set {others[0]}: tuning keeps the model, so only {names} can be set")

    from seq2seq.training.fine_tuning import fine_tune
    from seq2seq.training.progress import Progress

    progress = Progress(quiet)
    fine_tune(model, settings, output, max_loss=max_loss, resume=resume, overwrite=overwrite, progress=progress)
