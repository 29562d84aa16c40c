"""Every byte that must survive a crash goes through here.

A file is written whole, flushed to the disk and renamed over the old one; a folder is filled under a temporary
name, sealed with a manifest and renamed. A reader finds the old state or the new one, never half of either.

No other module writes, flushes or renames the files of a run: so a failure of any of these can be tried in one place.
An OSError raised here names the file.
"""

import contextlib
import hashlib
import json
import os
import shutil
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, BinaryIO, Self

from seq2seq.errors import InputError

MANIFEST = "manifest.json"
SMALL_JSON = 2**20
"""Bytes of a JSON file that tells about other files: far more than any has, and little to read."""

_LARGEST_JSON = 2**30
_MOST_FILES = 1000
_PARTIAL, _OLD = ".partial", ".old"


@contextlib.contextmanager
def new_file(path: Path) -> Iterator[BinaryIO]:
    """A file to fill, flushed to the disk at the end. Not atomic: for files inside an unpublished folder."""
    with _naming(path), open(path, "wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())


def write_file(path: Path, data: bytes) -> None:
    """Write `data` to `path` as `new_file` does."""
    with new_file(path) as file:
        file.write(data)


def append_to_file(path: Path, data: bytes) -> None:
    """Add `data` to the end of `path`. It is on the disk for sure only after `flush_file`."""
    with _naming(path), open(path, "ab") as file:
        file.write(data)


def flush_file(path: Path) -> None:
    """Wait until what was appended to `path` is on the disk."""
    with _naming(path), open(path, "ab") as file:
        os.fsync(file.fileno())


def replace_file(path: Path, data: bytes) -> None:
    """Put `data` in the place of `path`, atomically."""
    partial = path.with_name(path.name + _PARTIAL)
    try:
        write_file(partial, data)
        os.replace(partial, path)
    finally:
        partial.unlink(missing_ok=True)
    _flush_folder(path.parent)


def replace_folder(new: Path, path: Path) -> None:
    """Give the folder `new`, which is on the disk, the name `path`, and delete what had that name.

    No system can do it in one step: for a moment what stood there is called `.old`, and `standing` finds it.
    """
    old = path.with_name(path.name + _OLD)
    if path.exists():
        shutil.rmtree(old, ignore_errors=True)
        os.replace(path, old)
    try:
        os.replace(new, path)
        _flush_folder(path.parent)
    finally:
        put_back(path)
        shutil.rmtree(old, ignore_errors=True)


def standing(path: Path) -> Path:
    """`path`, or its older self where a crash in `replace_folder` left only that."""
    old = path.with_name(path.name + _OLD)
    return old if old.is_dir() and not path.exists() else path


def put_back(path: Path) -> None:
    """Undo what a crash in `replace_folder` left half done at `path`."""
    if (left := standing(path)) != path:
        os.replace(left, path)


def to_json(value: object) -> bytes:
    """The bytes of `value` as indented JSON, the same on every machine."""
    return (json.dumps(value, indent=2, ensure_ascii=False) + "\n").encode()


def read_json(path: Path, largest: int = _LARGEST_JSON) -> Any:
    """The value in a JSON file. Raises InputError where it is missing, damaged or over `largest` bytes."""
    try:
        with open(path, "rb") as file:
            data = file.read(largest + 1)
        if len(data) > largest:
            raise InputError(f"{path}: over {largest:,} bytes, which is no such file of this program")
        return json.loads(data)
    except FileNotFoundError:
        raise InputError(f"{path}: no such file") from None
    except (OSError, ValueError, RecursionError) as error:
        raise InputError(f"{path}: not readable as JSON ({_first_line(error)})") from None


class FolderWriter:
    """Fills a folder out of sight; `publish` seals it and puts it in the place of `path`.

    As a context it leaves nothing behind where it was not published.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._partial = path.with_name(path.name + _PARTIAL)
        shutil.rmtree(self._partial, ignore_errors=True)
        self._partial.mkdir(parents=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        shutil.rmtree(self._partial, ignore_errors=True)

    def write(self, name: str, data: bytes) -> None:
        """Add the file `name` (relative, may lie in a sub-folder)."""
        target = self._partial / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_file(target, data)

    def seal(self, name: str) -> None:
        """Give the sub-folder `name` a manifest of its own; that of the folder then leaves it out."""
        seal_folder(self._partial / name)

    def publish(self) -> Path:
        """Seal the folder and give it its name, in the place of a folder that has it."""
        seal_folder(self._partial)
        replace_folder(self._partial, self.path)
        return self.path


def seal_folder(folder: Path) -> None:
    """Write the manifest of a folder whose files are on the disk. Sub-folders that are sealed already are left out."""
    paths = sorted(path for path in folder.rglob("*") if not _is_sealed_within(folder, path))
    files = {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}
    entries = {name: {"bytes": path.stat().st_size, "sha256": _sha256(path)} for name, path in files.items()}
    write_file(folder / MANIFEST, to_json({"files": entries}))
    for path in (*paths, folder):
        if path.is_dir():
            _flush_folder(path)


def verify_folder(folder: Path, required: Iterable[str], largest: int | None = None) -> dict[str, int]:
    """Check a sealed folder against its manifest: names, sizes, SHA-256. Gives the size of each file, in bytes.

    required: files that it must list.
    largest: bytes that its files may have together, looked at before they are read.
    Raises InputError naming the first file that is missing, reached by a link, of another size or altered.
    """
    if not (folder / MANIFEST).is_file():
        raise InputError(f"{folder}: missing or not complete (it has no {MANIFEST})")
    _expect_no_link(folder, MANIFEST)
    manifest = read_json(folder / MANIFEST, SMALL_JSON)
    files = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(files, dict) or len(files) > _MOST_FILES:
        raise InputError(f"{folder / MANIFEST}: damaged (no table of at most {_MOST_FILES} files)")
    for name in required:
        if name not in files:
            raise InputError(f"{folder / MANIFEST}: damaged (it does not list {name})")
    try:
        sizes = {name: _expect_size(folder, name, entry) for name, entry in files.items()}
        if largest is not None and sum(sizes.values()) > largest:
            raise InputError(f"{folder}: {sum(sizes.values()):,} bytes, more than the {largest:,} that it may have")
        for name, entry in files.items():
            if _sha256(folder / name) != entry["sha256"]:
                raise InputError(f"{folder / name}: altered since it was written (SHA-256 differs from the manifest)")
    except OSError as error:
        raise InputError(f"{error.filename or folder}: {error.strerror}") from None
    return sizes


def _expect_size(folder: Path, name: str, entry: object) -> int:
    """The size of a plain file of the folder, which must be that of its entry."""
    path = folder / name
    if not _is_plain(name):
        raise InputError(f"{folder / MANIFEST}: lists {name[:200]!r}, which is not a plain file of this folder")
    if not isinstance(entry, dict) or type(entry.get("bytes")) is not int or not isinstance(entry.get("sha256"), str):
        raise InputError(f"{folder / MANIFEST}: damaged (entry of {name})")
    _expect_no_link(folder, name)
    if not path.is_file():
        raise InputError(f"{path}: missing, though the manifest lists it, or not a plain file")
    if path.stat().st_size != entry["bytes"]:
        raise InputError(f"{path}: {path.stat().st_size} bytes, the manifest says {entry['bytes']}: damaged copy?")
    return path.stat().st_size


def _is_plain(name: str) -> bool:
    """Whether this is the one way to write a path that stays within a folder."""
    path = Path(name)
    inside = path.parts and ".." not in path.parts and not path.anchor
    return bool(inside) and path.as_posix() == name and name.isprintable() and len(name) < 256


def _expect_no_link(folder: Path, name: str) -> None:
    """Links may lead out of the folder. Caches of model hubs are made of them."""
    path = folder / name
    if any(step.is_symlink() for step in [path, *path.parents][: len(Path(name).parts)]):
        raise InputError(f"{path}: is reached by a link; make a copy without links (cp -rL) and use that")


def _is_sealed_within(folder: Path, path: Path) -> bool:
    return any((parent / MANIFEST).is_file() for parent in (path, *path.parents) if folder in parent.parents)


def _sha256(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _flush_folder(folder: Path) -> None:
    # Windows cannot open a folder; its rename is durable enough without.
    with contextlib.suppress(PermissionError), _naming(folder):
        descriptor = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(descriptor)
        finally:
            os.close(descriptor)


@contextlib.contextmanager
def _naming(path: Path) -> Iterator[None]:
    """Name the file in an OSError that does not: those of a write and a flush, on a full disk above all."""
    try:
        yield
    except OSError as error:
        error.filename = error.filename or str(path)
        raise


def _first_line(error: BaseException) -> str:
    return (str(error) or type(error).__name__).splitlines()[0]
