"""`seq2seq export`."""

from pathlib import Path
from typing import Annotated

import typer

from seq2seq.errors import InputError


def export(
    model: Annotated[Path, typer.Argument(help="A model folder, or a run folder: then its best step.")],
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the model goes; new.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Round the matrices to int8: a quarter of the size, and faster on a CPU.")
    ] = False,
) -> None:
    """Write a model as a folder of its own, apart from its run.

    `seq2seq translate` and `evaluate` take the folder. A model in int8 translates alone and on a CPU.
    """
    if output.exists():
        raise InputError(f"{output}: exists already; name a new folder with -o")
    from seq2seq.export.quantize import export_model
    from seq2seq.model_folder import open_model

    export_model(open_model(model), output, int8=int8)
