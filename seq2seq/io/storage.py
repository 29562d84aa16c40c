"""Crash-safe storage: everything that must survive a crash is written here.

A file is written completely, flushed to disk and renamed over the old one; a folder is filled in a workspace and
renamed (`manifest.py` seals it first). A reader finds the old state or the new one, never half of either.

No other module writes, flushes or renames the files of a run, so that failures of these can be tested in one place.
An OSError raised here names the file.
"""

import contextlib
import errno
import hashlib
import json
import os
import re
import secrets
import shutil
import stat
import sys
import weakref
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self

from seq2seq.errors import InputError

SMALL_JSON = 2**20
"""Most bytes in a JSON file of metadata: far more than any has, and quick to read."""

# Names in the user's folders.
_HIDDEN, _PARTIAL = ".seq2seq-", ".partial"
_LEFTOVER = re.compile(r"\.seq2seq-[0-9a-f]{16}(-[0-9a-f]{16}|\.partial)")
# Within a workspace.
_LOCK, _NEW, _OLD, _DISCARDED = "lock", "new", "old", "discarded"
_MOST_LINKS = 40


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A new file, flushed to disk at the end. Not atomic: for files inside an unpublished folder."""
    with _naming(path), open(path, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_file(path: Path, data: bytes) -> None:
    """Write `data` to `path` as `new_file` does."""
    with new_file(path) as file:
        file.write(data)


def append_to_file(path: Path, data: bytes) -> None:
    """Append `data` to `path`. It is guaranteed to be on disk only after `flush_file`."""
    with _naming(path), open(path, "ab") as file:
        file.write(data)


def flush_file(path: Path) -> None:
    """Wait until everything appended to `path` is on disk."""
    with _naming(path), open(path, "ab") as file:
        os.fsync(file.fileno())


@contextlib.contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """A stream that atomically replaces the content of `path` once it is complete and on disk.

    Only a regular file is replaced: a link to it stays a link, and its mode and owner are kept. A pipe, a device or a
    descriptor of this process (`/dev/stdout`, `/dev/fd/N`) is written directly.
    """
    descriptor = _descriptor_of(path)
    target = real_path(path)
    if descriptor is not None or (target.exists() and not target.is_file()):
        with _naming(path), open(target if descriptor is None else os.dup(descriptor), "wb") as file:
            yield file
        return
    if target.exists() and not os.access(target, os.W_OK):
        raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(path))
    partial = target.with_name(f"{_HIDDEN}{secrets.token_hex(8)}{_PARTIAL}")
    try:
        with new_file(partial) as file:
            _copy_permissions(target, partial)
            yield file
        os.replace(partial, target)
    finally:
        partial.unlink(missing_ok=True)
    flush_folder(target.parent)


def replace_file(path: Path, data: bytes) -> None:
    """Replace the content of `path` with `data`, as `replacing` does."""
    with replacing(path) as file:
        file.write(data)


def real_path(path: Path) -> Path:
    """The path with links resolved. Raises OSError for a loop of links, on which Python's versions differ."""
    real = Path(os.path.realpath(path))
    if real.is_symlink():
        raise OSError(errno.ELOOP, os.strerror(errno.ELOOP), str(path))
    return real


def _descriptor_of(path: Path) -> int | None:
    """The open descriptor that a path such as `/dev/stdout` refers to, on Linux; None for any other path."""
    for _ in range(_MOST_LINKS):
        if not path.is_symlink():
            return None
        folder = real_path(path.parent)
        if folder == Path(f"/proc/{os.getpid()}/fd"):
            return int(path.name)
        path = folder / path.readlink()
    return None


def _copy_permissions(old: Path, new: Path) -> None:
    """Copy owner and mode, before the new file has any content that not everybody may read."""
    if old.exists():
        status = old.stat()
        if hasattr(os, "chown"):
            with contextlib.suppress(PermissionError):
                os.chown(new, status.st_uid, status.st_gid)
        new.chmod(stat.S_IMODE(status.st_mode))


class Workspace:
    """A hidden folder next to `path`, in which the folder `new` is filled before it is renamed to `path`.

    Its name is a hash of that name and a random number: nothing else next to a user's folder is ever touched. A lock
    tells a workspace in use from a leftover of a crash. As a context manager it leaves nothing behind.
    """

    def __init__(self, path: Path) -> None:
        recover_folder(path)
        self.path = path
        self._folder = hidden_sibling(path, secrets.token_hex(8))
        self.new = self._folder / _NEW
        self.new.mkdir(parents=True)
        descriptor = os.open(self._folder / _LOCK, os.O_CREAT | os.O_RDWR)
        take_lock(descriptor)
        self._unlock = weakref.finalize(self, os.close, descriptor)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Delete the workspace, with everything that was not committed."""
        self._unlock()
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def remains(self) -> Path | None:
        """What `close` could not delete, if anything."""
        return self._folder if self._folder.exists() else None

    def commit(self, *, replace: bool = True) -> None:
        """Rename `new`, which is on disk, to `path`, and delete the older folder.

        No system can do it in one step: for a moment only the workspace holds the older folder, where
        `current_or_backup` finds it. replace: whether the older folder may have content; FileExistsError otherwise.
        """
        old = self._folder / _OLD
        if self.path.exists() and not replace and any(self.path.iterdir()):
            raise FileExistsError(errno.EEXIST, os.strerror(errno.EEXIST), str(self.path))
        if self.path.exists():
            _copy_permissions(self.path, self.new)
            os.replace(self.path, old)
        try:
            os.replace(self.new, self.path)
            flush_folder(self.path.parent)
        finally:
            if old.exists() and not self.path.exists():
                os.replace(old, self.path)
        if old.exists():  # from here on nothing restores it
            os.replace(old, self._folder / _DISCARDED)


def expect_replaceable(folder: Path) -> None:
    """Raises InputError if a workspace cannot replace a folder: the current folder, one above it, or a mount point."""
    if Path.cwd().is_relative_to(real_path(folder)):
        raise InputError(f"{folder}: is or contains the current folder, so it cannot be replaced; name a new folder")
    if folder.is_mount():
        raise InputError(f"{folder}: is a mount point, so it cannot be replaced; name a folder in it")


def expect_no_mounts(folder: Path) -> None:
    """Raises InputError if something is mounted in a folder that is to be replaced. Only Linux can tell."""
    try:
        table = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="surrogateescape")
    except OSError:
        return
    for line in filter(None, table.split("\n")):
        mount = Path(re.sub(r"\\([0-7]{3})", lambda octal: chr(int(octal[1], 8)), line.split(" ")[4]))
        if mount.is_relative_to(real_path(folder)):
            raise InputError(f"{mount}: is a mount point, so {folder} cannot be replaced; name another folder")


def current_or_backup(path: Path) -> Path:
    """`path`, or its older version if a crash in `Workspace.commit` left only that."""
    if path.exists():
        return path
    return next((backup for folder in _workspaces(path) if (backup := folder / _OLD).is_dir()), path)


def recover_folder(path: Path) -> None:
    """Restore the older version of `path` after a crash in `Workspace.commit`, and delete leftover workspaces."""
    for folder in _workspaces(path):
        if _is_in_use(folder):
            continue
        if (folder / _OLD).is_dir() and not path.exists():
            os.replace(folder / _OLD, path)
        shutil.rmtree(folder, ignore_errors=True)


def clear_leftovers(folder: Path) -> None:
    """Delete all leftovers of a crash in a folder that nobody else writes to; call `recover_folder` first."""
    for path in folder.iterdir():
        if _LEFTOVER.fullmatch(path.name) and path.is_dir() and not _is_in_use(path):
            shutil.rmtree(path, ignore_errors=True)
        elif _LEFTOVER.fullmatch(path.name) and path.is_file():
            path.unlink()


def identity_of(folder: Path) -> tuple[int, int] | None:
    """Device and inode, which tell a folder from another one that takes its name; None if it does not exist."""
    try:
        status = folder.stat()
    except FileNotFoundError:
        return None
    return status.st_dev, status.st_ino


def is_leftover(path: Path) -> bool:
    """Whether the name is that of a temporary file or folder of seq2seq."""
    return bool(_LEFTOVER.fullmatch(path.name))


def discard(folder: Path) -> None:
    """Delete a folder after renaming it, so that a crash never leaves half of it."""
    hidden = hidden_sibling(folder, secrets.token_hex(8))
    os.replace(folder, hidden)
    shutil.rmtree(hidden)


def hidden_sibling(path: Path, suffix: str) -> Path:
    """A hidden name next to `path` that depends on its own name, however long that is."""
    return path.with_name(f"{_HIDDEN}{hashlib.sha256(os.fsencode(path.name)).hexdigest()[:16]}-{suffix}")


def _workspaces(path: Path) -> list[Path]:
    """Those of `path`, in use or left by a crash."""
    return [folder for folder in path.parent.glob(hidden_sibling(path, "*").name) if _LEFTOVER.fullmatch(folder.name)]


def _is_in_use(workspace: Path) -> bool:
    try:
        with open(workspace / _LOCK, "rb") as lock:
            return not take_lock(lock.fileno())
    except FileNotFoundError:
        return False


def take_lock(descriptor: int) -> bool:
    """Lock an open file until it is closed; returns whether it was free."""
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


def to_json(value: object) -> bytes:
    """`value` as indented JSON, the same on every machine.

    Lone surrogates, as in file names that are not UTF-8, become JSON escapes and are read back unchanged.
    """
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode(errors="backslashreplace")


def read_json(path: os.PathLike[str]) -> Any:
    """The value in a JSON file. Raises InputError if it is missing, damaged or over SMALL_JSON bytes."""
    try:
        if Path(path).exists() and not Path(path).is_file():
            raise InputError(f"{path}: not a regular file")
        with open(path, "rb") as file:
            data = file.read(SMALL_JSON + 1)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror})") from None
    if len(data) > SMALL_JSON:
        raise InputError(f"{path}: over {SMALL_JSON:,} bytes, larger than any such file that seq2seq writes")
    return parse_json(data, path)


def parse_json(data: bytes, name: object) -> Any:
    """The value in the content of a JSON file. Raises InputError, prefixed with `name`, if it is damaged."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError) as error:
        raise InputError(f"{name}: not readable as JSON ({_first_line(error)})") from None


def flush_folder(folder: Path) -> None:
    """Wait until the names of a folder's files are on disk."""
    # Windows cannot open a folder; its renames are durable enough.
    with contextlib.suppress(PermissionError), _naming(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Add the file name to an OSError without one: that of a write or flush, mostly on a full disk."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
