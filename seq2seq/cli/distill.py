"""`seq2seq distill`."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.cli import options

# Of the student by default: it then begins with what its teacher has learnt.
_PRESET = "attention"


def distill(
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
    teacher: Annotated[
        list[str] | None,
        typer.Option(metavar="MODEL", help="Teacher; default: one is trained. Several each translate the pairs."),
    ] = None,
    reverse_teacher: Annotated[
        list[str] | None, typer.Option(metavar="MODEL", help="Teacher of the reverse direction; likewise.")
    ] = None,
    mono_src: Annotated[
        list[str] | None,
        typer.Option(metavar="FILE", help="Sentences of the source language without translations, one per line."),
    ] = None,
    mono_tgt: Annotated[
        list[str] | None, typer.Option(metavar="FILE", help="Sentences of the target language without translations.")
    ] = None,
    minutes: Annotated[
        float | None,
        typer.Option(metavar="NUMBER", help="Time limit of the whole command, teachers included; default: 60."),
    ] = None,
    seed: options.Seed = None,
    preset: Annotated[
        str | None,
        typer.Option(metavar="NAME", help=f"Preset of the student, from `seq2seq presets`; default: {_PRESET}."),
    ] = None,
    config: options.ConfigFile = None,
    set_: options.Assignments = None,
    output: Annotated[
        Path | None,
        typer.Option(
            "-o", "--output", metavar="FOLDER", help="Folder of all runs; default: checkpoints/SRC-TGT-distilled."
        ),
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with what is in the folder.")] = False,
    quiet: Annotated[bool, typer.Option("-q", "--quiet", help="Print only errors.")] = False,
) -> None:
    """Train a model on your sentence pairs and on what other models make of them.

    Trains a teacher for each direction, unless they are given; they translate the training pairs, and the student is
    trained on the pairs and on their translations. Text of one language is used as well. The folder of the distillation
    is accepted wherever a MODEL is: it is the student.
    """
    settings = options.config_of(context.params, _PRESET)

    from seq2seq.training.distillation import Teaching, distill
    from seq2seq.training.progress import Progress

    teaching = Teaching(*(tuple(names or ()) for names in (teacher, reverse_teacher, mono_src, mono_tgt)))
    distill(settings, teaching, output, resume=resume, progress=Progress(quiet))
