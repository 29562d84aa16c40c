"""`seq2seq train`."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli import options
from seq2seq.errors import InputError


def train(
    context: typer.Context,
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
    minutes: Annotated[
        float | None,
        typer.Option(
            metavar="NUMBER",
            help="Time limit of the whole command, data preparation and validation included; default: 15, or none "
            "if training.max_steps is set.",
        ),
    ] = None,
    seed: options.Seed = None,
    preset: options.Preset = None,
    config: options.ConfigFile = None,
    set_: options.Assignments = None,
    output: Annotated[
        Path | None,
        typer.Option("-o", "--output", metavar="FOLDER", help="Run folder; default: checkpoints/SRC-TGT-PRESET."),
    ] = None,
    resume: Annotated[
        bool, typer.Option("--resume", help="Resume from the last checkpoint in the run folder.")
    ] = False,
    overwrite: Annotated[
        bool, typer.Option("--overwrite", help="Replace the run in the run folder, its model included.")
    ] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only errors.")] = False,
) -> None:
    """Train a translation model on your sentence pairs.

    The pairs are two aligned files, a table or a Hugging Face dataset, or several of them mixed; text
    files may be compressed. Prints a data report, trains the tokenizer and the model, validates with BLEU (chrF if the
    targets have no spaces between words) and keeps the best checkpoint, all in one run folder.
    """
    if resume and overwrite:
        raise InputError("--resume and --overwrite cannot be combined")
    settings = options.config_of(context.params)

    from seq2seq.training.progress import Progress
    from seq2seq.training.run import train as run_training

    run_training(settings, output, resume=resume, overwrite=overwrite, progress=Progress(quiet))
