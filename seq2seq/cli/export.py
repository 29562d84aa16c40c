"""`seq2seq export`."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from seq2seq.cli import options
from seq2seq.errors import InputError
from seq2seq.runs.run_folder import expect_not_in_run

if TYPE_CHECKING:
    from seq2seq.inference.shortlist import Shortlist
    from seq2seq.runs.model_folder import ModelFolder


def export(
    model: options.Model,
    output: Annotated[Path, typer.Option("-o", "--output", metavar="FOLDER", help="New folder for the model.")],
    int8: Annotated[
        bool, typer.Option("--int8", help="Quantize the matrices to int8: a quarter of the size, and faster on a CPU.")
    ] = False,
    shortlist: Annotated[
        bool,
        typer.Option(
            "--shortlist",
            help="Restrict the search to likely translations of each source piece, learnt from the training pairs; "
            "faster with large vocabularies. MODEL must be a run folder.",
        ),
    ] = False,
) -> None:
    """Export a model to a standalone folder.

    It has no training state.

    `seq2seq translate` and `evaluate` accept the folder. A model in int8 or with a shortlist runs only on CPUs and
    cannot be part of an ensemble.
    """
    if output.exists() or output.is_symlink():
        raise InputError(f"{output}: already exists; give a new folder with -o")
    expect_not_in_run(output)
    from seq2seq.inference.export import export_model
    from seq2seq.runs.model_folder import open_model

    folder = open_model(model)
    listed = _shortlist(model, folder) if shortlist else None
    try:
        export_model(folder, output, int8=int8, shortlist=listed)
    except OSError as error:  # its file name is that of a temporary folder
        raise InputError(f"{output}: cannot be written ({error.strerror or error})") from None


def _shortlist(run: Path, folder: "ModelFolder") -> "Shortlist":
    """The shortlist of a run's training pairs."""
    from seq2seq.data.preparation import load_data
    from seq2seq.inference.shortlist import Shortlist
    from seq2seq.runs.run_folder import run_at

    if not run_at(run).has_checkpoint:
        raise InputError(f"{run}: not a run folder; give the one with the training pairs to learn the shortlist from")
    tokenizers = folder.tokenizers
    data = load_data(run_at(run).data, folder.config.data, folder.config.tokenizer)
    if data.tokenizers.contents() != tokenizers.contents():
        raise InputError(f"{run}: damaged (its model's vocabularies differ from those of its data)")
    return Shortlist.learn(data.train, len(tokenizers.src), len(tokenizers.tgt), tokenizers.joint)
