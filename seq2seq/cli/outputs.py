"""What a command may write to."""

import os
import stat
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import TextIO

from seq2seq.errors import InputError
from seq2seq.io.storage import real_path
from seq2seq.runs.run_folder import expect_not_in_run


def check_outputs(outputs: Sequence[str | None], inputs: Sequence[str | None] = ()) -> None:
    """Raises InputError if two outputs are one file, or if an output is also read or belongs to a run.

    `-` is standard output or input, None no file; no output may lie in a folder that is an input.
    """
    written: set[Path] = set()
    for output in (path for path in outputs if path is not None):
        _expect_file_name(output)
    for output in (path for path in outputs if path is not None):
        for path in (path for path in inputs if path is not None):
            if _is_same_file(output, path):
                raise InputError(f"{_name(output)}: is also an input; give the output a file of its own")
            if output != "-" and Path(path).is_dir() and real_path(Path(output)).is_relative_to(real_path(Path(path))):
                raise InputError(f"{output}: lies in {path}, which is read; write the output elsewhere")
        target = Path("-") if output == "-" else real_path(Path(output))
        if target in written and (output == "-" or target.is_file() or not target.exists()):
            raise InputError(f"{output}: two outputs would be written there; give each a file of its own")
        written.add(target)
        if output != "-":
            expect_not_in_run(Path(output))


def _expect_file_name(path: str) -> None:
    try:
        valid = b"\0" not in os.fsencode(path)
    except UnicodeEncodeError:
        valid = False
    if not valid:
        raise InputError(f"{path!a}: not a possible file name")


def _is_same_file(output: str, path: str) -> bool:
    """Whether an output is a regular file, and the input `path` is the same."""
    written, read = _status(output, sys.stdout), _status(path, sys.stdin)
    return bool(written and read and stat.S_ISREG(written.st_mode) and os.path.samestat(written, read))


def _status(path: str, stream: TextIO) -> os.stat_result | None:
    """That of a file, or of the stream that `-` stands for; None if there is none, or it is closed."""
    try:
        return os.fstat(stream.fileno()) if path == "-" else os.stat(path)  # noqa: PTH116
    except (OSError, ValueError, AttributeError):
        return None


def _name(output: str) -> str:
    return "standard output" if output == "-" else output
