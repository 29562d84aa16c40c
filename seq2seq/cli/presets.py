"""`seq2seq presets`."""

from typing import Annotated

import typer

from seq2seq.config import DEFAULT_PRESET
from seq2seq.presets import build_config, describe_config, preset_names, preset_text


def presets(
    name: Annotated[
        str | None, typer.Argument(metavar="NAME", help="Show this preset with every setting explained.")
    ] = None,
) -> None:
    """List the presets, or show one in full.

    `seq2seq presets NAME` prints a TOML file for `seq2seq train --config`, with every setting explained.
    """
    if name is not None:
        print(describe_config(build_config(name)), end="")
        return
    for preset in preset_names():
        summary = preset_text(preset).splitlines()[0].removeprefix("# ")
        print(f"{preset:<17} {summary}{' (default)' * (preset == DEFAULT_PRESET)}")
