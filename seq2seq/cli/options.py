"""Options that several commands share, and the configuration that they make."""

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated, Any, Literal

import typer

from seq2seq.config import CLEANING_RULES, DEFAULT_PRESET, Config, DataConfig
from seq2seq.errors import InputError
from seq2seq.presets import build_config

# A model, and how it searches.

Model = Annotated[Path, typer.Argument(metavar="MODEL", help="Model folder, or run folder (its best step is used).")]
BeamSize = Annotated[
    int | None, typer.Option(metavar="N", min=1, max=1000, help="Hypotheses kept per step; 1 is greedy search.")
]
LengthPenalty = Annotated[
    float | None,
    typer.Option(
        metavar="NUMBER", min=0.0, max=10.0, help="Exponent of the length penalty; 0 ranks by log-probability alone."
    ),
]
BatchSize = Annotated[
    int, typer.Option(metavar="N", min=1, max=65536, help="Sentences per batch; does not change the translations.")
]

# A table or a dataset that is read with a model.

Subset = Annotated[str | None, typer.Option(metavar="NAME", help="Configuration of the dataset, if it has several.")]
SrcColumn = Annotated[
    str | None,
    typer.Option(metavar="COLUMN", help="Source column of tables: its name, or its number if there is no header."),
]
TgtColumn = Annotated[str | None, typer.Option(metavar="COLUMN", help="Target column of tables.")]

# Training pairs. Each option sets the key of its name in the configuration's section `data`.

TrainSrc = Annotated[
    list[str] | None, typer.Option(metavar="FILE", help="Training sentences of the source language, one per line.")
]
TrainTgt = Annotated[
    list[str] | None, typer.Option(metavar="FILE", help="Target sentences, line-aligned with --train-src.")
]
Train = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FILE", help="Table of training pairs: TSV, CSV, JSON, Parquet, spreadsheet, TMX, XLIFF or PO."
    ),
]
Dataset = Annotated[
    list[str] | None,
    typer.Option(
        metavar="FOLDER|NAME", help="Hugging Face dataset: a folder in the hub's layout, or a name on the hub."
    ),
]
TrainSplit = Annotated[str | None, typer.Option(metavar="NAME", help="Split of the dataset; default: train.")]
Weights = Annotated[
    list[float] | None,
    typer.Option(
        "--weight",
        metavar="NUMBER",
        help="How often an epoch samples each pair of a training set, such as 0.5 or 3. Give one for each training "
        "set: first aligned files, then tables, then datasets.",
    ),
]
ValidSrc = Annotated[
    str | None,
    typer.Option(metavar="FILE", help="Validation sentences. Without validation data, training pairs are held out."),
]
ValidTgt = Annotated[str | None, typer.Option(metavar="FILE", help="Target sentences, line-aligned with --valid-src.")]
Valid = Annotated[str | None, typer.Option(metavar="FILE", help="Table of validation pairs.")]
SrcLang = Annotated[
    str | None,
    typer.Option(
        metavar="CODE", help="Source language, a code or a name (sw, Swahili); default: by file or column names."
    ),
]
TgtLang = Annotated[str | None, typer.Option(metavar="CODE", help="Target language; likewise.")]
InvalidRows = Annotated[
    Literal["stop", "skip"] | None,
    typer.Option(
        "--invalid-lines",
        metavar="stop|skip",
        help="Rows that cannot be read: stop at the first (default), or skip and count them, at most a tenth.",
    ),
]
Encoding = Annotated[
    str | None,
    typer.Option(
        metavar="NAME",
        help="Encoding of text files, such as windows-1252; default: UTF-8, or what a byte order mark says.",
    ),
]
Clean = Annotated[
    bool,
    typer.Option(
        "--clean",
        help="Drop training pairs that are duplicates, identical on both sides, over 1,000 characters, of an unusual "
        "length ratio, in the wrong script, nothing but tags, or mojibake.",
    ),
]

# The rest of a configuration.

Seed = Annotated[int | None, typer.Option(metavar="NUMBER", help="Random seed.")]
Preset = Annotated[str | None, typer.Option(metavar="NAME", help="Name from `seq2seq presets`; default: context.")]
ConfigFile = Annotated[
    Path | None, typer.Option(metavar="FILE", help="TOML file with settings.", exists=True, dir_okay=False)
]
Assignments = Annotated[
    list[str] | None,
    typer.Option(
        "--set", metavar="SECTION.KEY=VALUE", help="One setting, such as model.hidden_size=256; may be repeated."
    ),
]

_TRAINING = ("seed", "minutes")


def config_of(options: Mapping[str, Any], default_preset: str = DEFAULT_PRESET) -> Config:
    """Build the configuration from a command's options (`typer.Context.params`).

    Raises InputError that names the option, the file or the key at fault.
    """
    data = {f"data.{name}": options[name] or None for name in DataConfig.model_fields if name in options}
    training = {f"training.{name}": options[name] for name in _TRAINING if name in options}
    if options["clean"]:
        data["data.clean"] = CLEANING_RULES
    config = build_config(
        options["preset"], options["config"], options["set_"] or (), data | training, default_preset=default_preset
    )
    if not config.data.dataset and (options["subset"] or options["split"]):
        raise InputError("--subset and --split choose a part of a dataset: give --dataset")
    return config
