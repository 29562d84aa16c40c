"""One training at a time in a run folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq.errors import InputError
from seq2seq.io.storage import real_path, take_lock


@contextmanager
def locked(run_folder: Path) -> Iterator[None]:
    """Hold a file beside `run_folder` for as long as the context lasts; the system lets go of it with the process.

    Raises InputError where another process holds it.
    """
    path = lock_file(run_folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _open_locked(path)
    if descriptor is None:
        raise InputError(f"{run_folder}: another training is at work in this folder; wait for it, or give another -o")
    try:
        yield
    finally:
        if sys.platform != "win32" and not os.fstat(descriptor).st_size:  # Windows deletes no open file
            path.unlink(missing_ok=True)
        os.close(descriptor)


def lock_file(run_folder: Path) -> Path:
    """The lock of a run folder: a hidden file in the folder that holds it."""
    folder = real_path(run_folder)
    return folder.with_name(f".{folder.name}.seq2seq-lock")


def _open_locked(path: Path) -> int | None:
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
        if not take_lock(descriptor):
            os.close(descriptor)
            return None
        # Its last holder may have deleted the file between our two calls: then it guards nothing.
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
        os.close(descriptor)
