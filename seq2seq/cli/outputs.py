"""Checks of a command's output files."""

from collections.abc import Sequence
from pathlib import Path

from seq2seq.io.lines import expect_different_files
from seq2seq.runs.run_folder import expect_not_in_run


def check_outputs(outputs: Sequence[str | None], inputs: Sequence[str | None] = ()) -> None:
    """Raises InputError if two outputs are the same file, or one is also an input or belongs to a run."""
    expect_different_files(outputs, inputs)
    for output in outputs:
        if output is not None and output != "-":
            expect_not_in_run(Path(output))
