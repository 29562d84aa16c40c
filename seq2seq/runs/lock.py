"""A lock: one training at a time per run folder."""

import os
import stat
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq.errors import InputError
from seq2seq.io.storage import hidden_sibling, real_path, take_lock


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
        if sys.platform != "win32":  # Windows cannot delete an open file
            path.unlink(missing_ok=True)
        os.close(descriptor)


def lock_file(run_folder: Path) -> Path:
    """The lock of a run folder: a hidden file in its parent folder."""
    return hidden_sibling(real_path(run_folder), "lock")


def _open_own(path: Path) -> int:
    """Open the lock file, which is empty. Raises InputError if something of the user's has its name."""
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | getattr(os, "O_NOFOLLOW", 0))
    except OSError as error:
        if path.is_symlink() or (path.exists() and not path.is_file()):
            raise _not_a_lock(path) from None
        raise error
    status = os.fstat(descriptor)
    if not stat.S_ISREG(status.st_mode) or status.st_size:
        os.close(descriptor)
        raise _not_a_lock(path)
    return descriptor


def _not_a_lock(path: Path) -> InputError:
    return InputError(f"{path}: has the name of this run's lock, but is not one; move it elsewhere")


def _open_locked(path: Path) -> int | None:
    while True:
        descriptor = _open_own(path)
        if not take_lock(descriptor):
            os.close(descriptor)
            return None
        # The last holder may have deleted the file between these two calls: then the lock is void.
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
        os.close(descriptor)
