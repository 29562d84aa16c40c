"""A lock: one training at a time per run folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq.errors import InputError
from seq2seq.io.storage import real_path, take_lock


@contextmanager
def locked(run_folder: Path) -> Iterator[None]:
    """Hold a lock file next to `run_folder` within this context; the system releases it when the process ends.

    Raises InputError if another process holds it.
    """
    path = lock_file(run_folder)
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _open_locked(path)
    if descriptor is None:
        raise InputError(
            f"{run_folder}: another training is running in this folder; wait for it, or give another folder with -o"
        )
    try:
        yield
    finally:
        if sys.platform != "win32" and not os.fstat(descriptor).st_size:  # Windows cannot delete an open file
            path.unlink(missing_ok=True)
        os.close(descriptor)


def lock_file(run_folder: Path) -> Path:
    """The lock of a run folder: a hidden file in its parent folder."""
    folder = real_path(run_folder)
    return folder.with_name(f".{folder.name}.seq2seq-lock")


def _open_locked(path: Path) -> int | None:
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
        if not take_lock(descriptor):
            os.close(descriptor)
            return None
        # The last holder may have deleted the file between these two calls: then the lock is void.
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
        os.close(descriptor)
