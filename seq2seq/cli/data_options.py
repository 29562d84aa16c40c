"""The options that say what the pairs are, the same for each command that reads training data."""

import inspect
from collections.abc import Callable
from functools import wraps
from pathlib import Path
from typing import Annotated, Any

import typer

from seq2seq.config import CLEANING_RULES, build_config

_Text = str | None
_Texts = list[str] | None
# By the key in the configuration's section `data` that an option sets.
_DATA: dict[str, Any] = {
    "train_src": Annotated[
        _Texts, typer.Option(metavar="FILE", help="Training sentences of the source language, one per line.")
    ],
    "train_tgt": Annotated[_Texts, typer.Option(metavar="FILE", help="Their translations, line by line.")],
    "train": Annotated[
        _Texts, typer.Option(metavar="FILE", help="Table of training pairs: TSV, CSV, JSON lines or Parquet.")
    ],
    "dataset": Annotated[
        _Texts,
        typer.Option(
            metavar="FOLDER|NAME", help="Hugging Face data set: a folder in the hub's layout, or a name on the hub."
        ),
    ],
    "subset": Annotated[
        _Text, typer.Option(metavar="NAME", help="Configuration of the data set, where it has several.")
    ],
    "split": Annotated[_Text, typer.Option(metavar="NAME", help="Split of the data set, train unless given.")],
    "weights": Annotated[
        list[float] | None,
        typer.Option(
            "--weight",
            metavar="NUMBER",
            help="How often an epoch samples a source. One per source: aligned files, then tables, then data sets.",
        ),
    ],
    "valid_src": Annotated[
        _Text,
        typer.Option(
            metavar="FILE", help="Validation sentences. Without validation data, training pairs are held out."
        ),
    ],
    "valid_tgt": Annotated[_Text, typer.Option(metavar="FILE", help="Their translations.")],
    "valid": Annotated[_Text, typer.Option(metavar="FILE", help="Table of validation pairs.")],
    "src_lang": Annotated[_Text, typer.Option(metavar="CODE", help="Code of the source language, such as sw.")],
    "tgt_lang": Annotated[_Text, typer.Option(metavar="CODE", help="Code of the target language, such as en.")],
    "src_column": Annotated[
        _Text,
        typer.Option(
            metavar="COLUMN", help="Column of the source in tables: its name, or its number if there is no header."
        ),
    ],
    "tgt_column": Annotated[_Text, typer.Option(metavar="COLUMN", help="Column of the target.")],
    "clean": Annotated[bool, typer.Option("--clean", help="Drop duplicates and pairs that look wrong.")],
}
_SEED = Annotated[int | None, typer.Option(metavar="NUMBER", help="Seed of everything random.")]
_ORIGIN: dict[str, Any] = {
    "preset": Annotated[
        _Text, typer.Option(metavar="NAME", help="A model from `seq2seq presets`, context by default.")
    ],
    "config": Annotated[
        Path | None, typer.Option(metavar="FILE", help="TOML file with settings.", exists=True, dir_okay=False)
    ],
    "set_": Annotated[
        _Texts,
        typer.Option("--set", metavar="SECTION.KEY=VALUE", help="One setting, such as model.hidden_size=256; repeat."),
    ],
}


def takes_data(**settings: Any) -> Callable[[Callable[..., None]], Callable[..., None]]:
    """Give a command the options above, and `settings`: by a key of section `training`, the option that sets it.

    What they say reaches the command as its first argument, a Config; its own options follow.
    """
    training = {"seed": _SEED, **settings}

    def add_options(command: Callable[..., None]) -> Callable[..., None]:
        config, *own = inspect.signature(command, eval_str=True).parameters.values()
        shared = [
            inspect.Parameter(name, config.kind, default=False if name == "clean" else None, annotation=annotation)
            for name, annotation in (_DATA | training | _ORIGIN).items()
        ]

        @wraps(command)
        def with_config(**given: Any) -> None:
            options = {f"data.{name}": given.pop(name) or None for name in _DATA}
            options["data.clean"] = CLEANING_RULES if options["data.clean"] else None
            options |= {f"training.{name}": given.pop(name) for name in training}
            preset, file, assignments = (given.pop(name) for name in _ORIGIN)
            command(build_config(preset, file, assignments or (), options), **given)

        with_config.__signature__ = inspect.Signature([*shared, *own])  # type: ignore[attr-defined]
        with_config.__annotations__ = {one.name: one.annotation for one in (*shared, *own)}
        return with_config

    return add_options
