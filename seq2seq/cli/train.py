"""`seq2seq train`."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.config import build_config


def train(
    train_src: Annotated[
        str | None, typer.Option(help="Training sentences of the source language, one a line.")
    ] = None,
    train_tgt: Annotated[str | None, typer.Option(help="Their translations, line by line.")] = None,
    train: Annotated[str | None, typer.Option(help="TSV of training pairs, instead of the two files.")] = None,
    valid_src: Annotated[
        str | None, typer.Option(help="Validation sentences; without them, training pairs are held out.")
    ] = None,
    valid_tgt: Annotated[str | None, typer.Option(help="Their translations.")] = None,
    valid: Annotated[str | None, typer.Option(help="TSV of validation pairs.")] = None,
    src_lang: Annotated[str | None, typer.Option(help="Code of the source language, such as de.")] = None,
    tgt_lang: Annotated[str | None, typer.Option(help="Code of the target language, such as en.")] = None,
    minutes: Annotated[
        float | None, typer.Option(help="Wall time of the training, 15 unless training.max_steps is set.")
    ] = None,
    preset: Annotated[str | None, typer.Option(help="A model from `seq2seq presets`, context by default.")] = None,
    config: Annotated[Path | None, typer.Option(help="TOML file with settings.", exists=True, dir_okay=False)] = None,
    set_: Annotated[
        list[str] | None,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting, such as model.hidden_size=256; repeat."),
    ] = None,
    seed: Annotated[int | None, typer.Option(help="Seed of everything random.")] = None,
    output: Annotated[
        Path | None, typer.Option("-o", "--output", help="Run folder, by default in checkpoints/.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on from the folder's last checkpoint.")] = False,
    overwrite: Annotated[bool, typer.Option("--overwrite", help="Delete the run that the folder holds.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print nothing but errors.")] = False,
) -> None:
    """Train a translator on your sentence pairs.

    The pairs are two aligned files or a TSV, plain or .gz. Trains the tokenizer, encodes the data, trains the model,
    validates with BLEU and keeps the best, all in one run folder.
    """
    settings = build_config(
        preset,
        config,
        set_ or (),
        {
            "data.train": train,
            "data.train_src": train_src,
            "data.train_tgt": train_tgt,
            "data.valid": valid,
            "data.valid_src": valid_src,
            "data.valid_tgt": valid_tgt,
            "data.src_lang": src_lang,
            "data.tgt_lang": tgt_lang,
            "training.minutes": minutes,
            "training.seed": seed,
        },
    )
    languages = [code for code in (settings.data.src_lang, settings.data.tgt_lang) if code]
    folder = output or Path("checkpoints") / "-".join([*languages, settings.preset])

    from seq2seq.training.progress import Progress
    from seq2seq.training.run import train as run_training

    run_training(settings, folder, resume=resume, overwrite=overwrite, progress=Progress(quiet))
