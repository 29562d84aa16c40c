"""One training at a time in a run folder."""

import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from seq2seq.errors import InputError


@contextmanager
def locked(run_folder: Path) -> Iterator[None]:
    """Hold a file beside `run_folder` for as long as the context lasts; the system lets go of it with the process.

    Raises InputError where another process holds it.
    """
    path = Path(f"{run_folder.resolve()}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = _open_locked(path)
    if descriptor is None:
        raise InputError(f"{run_folder}: another training is at work in this folder; wait for it, or give another -o")
    try:
        yield
    finally:
        if sys.platform != "win32":  # which deletes no open file
            path.unlink(missing_ok=True)
        os.close(descriptor)


def _open_locked(path: Path) -> int | None:
    while True:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR)
        if not _take(descriptor):
            os.close(descriptor)
            return None
        # Its last holder may have deleted the file between our two calls: then it guards nothing.
        if path.exists() and os.path.samestat(os.fstat(descriptor), path.stat()):
            return descriptor
        os.close(descriptor)


def _take(descriptor: int) -> bool:
    """Whether the lock was free."""
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(descriptor, msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except (BlockingIOError, PermissionError):  # the latter on Windows
        return False
    return True
