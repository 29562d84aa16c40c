"""`seq2seq export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli import options
from seq2seq.errors import InputError

if TYPE_CHECKING:
    from seq2seq.inference.shortlist import Shortlist
    from seq2seq.runs.model_folder import ModelFolder


def export(
    model: options.Model,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="Where the model goes; new.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Round the matrices to int8: a quarter of the size, and faster on a CPU.")
    ] = False,
    shortlist: Annotated[
        bool,
        typer.Option(
            "--shortlist",
            help="Learn from the training pairs of the run folder MODEL which words a source may become, and look for "
            "no others: faster with large vocabularies.",
        ),
    ] = False,
) -> None:
    """Write a model as a folder of its own, apart from its run.

    `seq2seq translate` and `evaluate` take the folder. A model in int8 or with a shortlist translates alone and on a
    CPU.
    """
    if output.exists() or output.is_symlink():
        raise InputError(f"{output}: exists already; name a new folder with -o")
    from seq2seq.inference.export import export_model
    from seq2seq.runs.model_folder import open_model

    folder = open_model(model)
    export_model(folder, output, int8=int8, shortlist=_shortlist(model, folder) if shortlist else None)


def _shortlist(run: Path, folder: "ModelFolder") -> "Shortlist":
    """The shortlist of a run's training pairs."""
    from seq2seq.data.preparation import load_data
    from seq2seq.inference.shortlist import Shortlist
    from seq2seq.runs.run_folder import RunFolder

    if not RunFolder(run).has_checkpoint:
        raise InputError(f"{run}: a shortlist is learnt from training pairs, which a run folder has; name that")
    own = folder.tokenizers
    data = load_data(RunFolder(run).data, own.joint, folder.config.data.max_length)
    if data.tokenizers.contents() != own.contents():
        raise InputError(f"{run}: damaged (its model's vocabularies are not those of its data)")
    return Shortlist.learn(data.train, len(own.src), len(own.tgt), own.joint)
