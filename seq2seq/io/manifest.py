"""Sealed folders: their manifest lists each file with its size and SHA-256.

A folder is sealed before it gets its name, so that one without a manifest is incomplete. `SealedFolder` opens each of
its files once and checks the open file, so that later changes of the name have no effect.
"""

import contextlib
import hashlib
import os
import stat
import weakref
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path, PurePath
from typing import Self

from seq2seq.errors import InputError
from seq2seq.io.storage import SMALL_JSON, Workspace, flush_folder, parse_json, to_json, write_file

MANIFEST = "manifest.json"

_MOST_FILES = 1000
_BY_DESCRIPTOR = {os.open, os.stat} <= os.supports_dir_fd
# O_NONBLOCK: do not wait for the other end of a pipe. (Python sets O_CLOEXEC itself.)
_READ_ONLY = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_BINARY", 0)


class FolderWriter(Workspace):
    """Fills a hidden folder; `publish` seals it and renames it to `path`."""

    def write(self, name: str, data: bytes) -> None:
        """Add the file `name` (relative, may be in a subfolder)."""
        target = self.new / name
        target.parent.mkdir(parents=True, exist_ok=True)
        write_file(target, data)

    def seal(self, name: str) -> None:
        """Give the subfolder `name` a manifest of its own; the folder's manifest then excludes it."""
        seal_folder(self.new / name)

    def publish(self, *, replace: bool = True) -> Path:
        """Seal the folder and rename it to `path`, replacing an existing folder.

        replace: whether that folder may have files; FileExistsError otherwise.
        """
        seal_folder(self.new)
        self.commit(replace=replace)
        self.close()
        return self.path


def seal_folder(folder: Path) -> None:
    """Write the manifest of a folder whose files are on disk. Subfolders that are already sealed are excluded."""
    paths = sorted(path for path in folder.rglob("*") if not _is_sealed_within(folder, path))
    files = {path.relative_to(folder).as_posix(): path for path in paths if path.is_file()}
    entries = {name: {"bytes": path.stat().st_size, "sha256": _sha256_of(path)} for name, path in files.items()}
    write_file(folder / MANIFEST, to_json({"files": entries}))
    for path in (*paths, folder):
        if path.is_dir():
            flush_folder(path)


class HeldFile(os.PathLike[str]):
    """An open file, with a path that refers to it even after another file has taken its name. `str` gives the name."""

    def __init__(self, name: Path, descriptor: int) -> None:
        """Takes over the descriptor."""
        self._name, self.descriptor = name, descriptor
        weakref.finalize(self, os.close, descriptor)

    def __str__(self) -> str:
        return str(self._name)

    def __fspath__(self) -> str:
        # Without such a path, as on Windows, an open file keeps its name. A file opened by this path may share its
        # position with the descriptor (macOS).
        path = f"/dev/fd/{self.descriptor}"
        return path if os.path.exists(path) else str(self._name)  # noqa: PTH110  # Path would call this method

    def head(self, size: int) -> bytes:
        """Its first bytes."""
        with open(self.descriptor, "rb", closefd=False) as file:
            file.seek(0)
            return file.read(size)

    @property
    def size(self) -> int:
        """Its bytes."""
        return os.fstat(self.descriptor).st_size

    def read(self, largest: int) -> bytes:
        """Its content. Raises InputError if it is over `largest` bytes."""
        if self.size > largest:
            raise InputError(f"{self}: over {largest:,} bytes, larger than any such file that seq2seq writes")
        return self.head(self.size)

    def sha256(self) -> str:
        """The checksum of its content."""
        with open(self.descriptor, "rb", closefd=False) as file:
            file.seek(0)
            return hashlib.file_digest(file, "sha256").hexdigest()


class SealedFolder:
    """A folder whose files have been checked against its manifest."""

    def __init__(
        self, path: Path, *, required: Collection[str], optional: Collection[str] = (), largest: int | None = None
    ) -> None:
        """Check all files: names, sizes, checksums.

        required: files that the manifest must list.
        optional: files that `file` and `read` also give access to, if it lists them.
        largest: most bytes in all files together, checked before they are read.
        Raises InputError naming the first file that is missing, reached by a link, of another size or altered.
        """
        self.path = path
        with _explained(path), _Folder(path) as folder:
            entries = _read_manifest(folder, required)
            for name, entry in entries.items():
                folder.expect_size(name, entry.size)
            self.sizes = {name: entry.size for name, entry in entries.items()}
            if largest is not None and sum(self.sizes.values()) > largest:
                total = sum(self.sizes.values())
                raise InputError(f"{path}: {total:,} bytes, more than the limit of {largest:,}")
            self._files: dict[str, HeldFile] = {}
            for name, entry in entries.items():
                file = folder.open(name)
                if file.sha256() != entry.sha256:
                    raise InputError(f"{file}: altered since it was written (SHA-256 differs from the manifest)")
                if name in required or name in optional:
                    self._files[name] = file
            self._checksums = {name: entry.sha256 for name, entry in entries.items()}

    @property
    def sha256(self) -> str:
        """One checksum for the names and contents of all files."""
        lines = (f"{checksum}  {name}\n" for name, checksum in sorted(self._checksums.items()))
        return hashlib.sha256("".join(lines).encode()).hexdigest()

    def file(self, name: str) -> HeldFile:
        """One of the files, open as long as it is in use. Raises InputError if the manifest does not list it."""
        if name not in self._files:
            raise InputError(f"{self.path / MANIFEST}: damaged (it does not list {name})")
        return self._files[name]

    def read(self, name: str, largest: int) -> bytes:
        """Its content.

        Raises InputError if the manifest does not list it, it is over `largest` bytes, or altered meanwhile.
        """
        file = self.file(name)
        content = file.read(largest)
        if hashlib.sha256(content).hexdigest() != self._checksums[name]:
            raise InputError(f"{file}: altered while it was being read")
        return content


class _Folder:
    """An open folder. If the system supports it, files are opened relative to it, not by its name."""

    def __init__(self, path: Path) -> None:
        self.path = path
        # O_PATH does not need permission to list the folder.
        self._descriptor = os.open(path, getattr(os, "O_PATH", os.O_RDONLY)) if _BY_DESCRIPTOR else None

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        if self._descriptor is not None:
            os.close(self._descriptor)

    def open(self, name: str) -> HeldFile:
        """Open a regular file. Raises FileNotFoundError, or InputError if it is anything else."""
        self._status(name)
        path, folder = self._relative(name)
        try:
            file = HeldFile(self.path / name, os.open(path, _READ_ONLY, dir_fd=folder))
        except PermissionError as error:
            raise InputError(f"{self.path / name}: not readable ({error.strerror})") from None
        if not stat.S_ISREG(os.fstat(file.descriptor).st_mode):
            raise InputError(f"{file}: not a regular file")
        return file

    def expect_size(self, name: str, size: int) -> None:
        """Raises InputError if a regular file is missing or is not of this size."""
        try:
            actual = self._status(name).st_size
        except (FileNotFoundError, NotADirectoryError):
            raise InputError(f"{self.path / name}: missing, though the manifest lists it") from None
        if actual != size:
            raise InputError(f"{self.path / name}: {actual} bytes, the manifest says {size}: damaged copy?")

    def _status(self, name: str) -> os.stat_result:
        """The status of a regular file. Links are refused, as they may lead out of the folder; hub caches use them."""
        for part in (*reversed(PurePath(name).parents), PurePath(name)):
            path, folder = self._relative(part.as_posix())
            status = os.stat(path, dir_fd=folder, follow_symlinks=False)
            if stat.S_ISLNK(status.st_mode):
                raise InputError(
                    f"{self.path / name}: is reached through a link; make a copy without links (cp -rL) and use that"
                )
        if not stat.S_ISREG(status.st_mode):
            raise InputError(f"{self.path / name}: not a regular file")
        return status

    def _relative(self, name: str) -> tuple[str | Path, int | None]:
        """A path and the descriptor of the folder that it is relative to, for functions of `os`."""
        return (self.path / name if self._descriptor is None else name), self._descriptor


@dataclass(frozen=True)
class _Entry:
    """A manifest's entry for a file."""

    size: int
    """In bytes."""
    sha256: str


def _read_manifest(folder: _Folder, required: Collection[str]) -> dict[str, _Entry]:
    where = folder.path / MANIFEST
    manifest = parse_json(folder.open(MANIFEST).read(SMALL_JSON), where)
    entries = manifest.get("files") if isinstance(manifest, dict) else None
    if not isinstance(entries, dict) or len(entries) > _MOST_FILES:
        raise InputError(f"{where}: damaged (no list of at most {_MOST_FILES} files)")
    for name in required:
        if name not in entries:
            raise InputError(f"{where}: damaged (it does not list {name})")
    return {name: _read_entry(name, entry, where) for name, entry in entries.items()}


def _read_entry(name: str, entry: object, where: Path) -> _Entry:
    if not _is_inside(name):
        raise InputError(f"{where}: lists {name[:200]!r}, which is not a valid file name in this folder")
    size, checksum = (entry.get("bytes"), entry.get("sha256")) if isinstance(entry, dict) else (None, None)
    if type(size) is not int or not isinstance(checksum, str):
        raise InputError(f"{where}: damaged (entry of {name})")
    return _Entry(size, checksum)


@contextlib.contextmanager
def _explained(path: Path) -> Iterator[None]:
    try:
        yield
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: missing or incomplete (it has no {MANIFEST})") from None
    except OSError as error:
        raise InputError(f"{path}: not readable ({error.strerror or error})") from None


def _is_inside(name: str) -> bool:
    """Whether this is the normal form of a path that stays within a folder."""
    path = Path(name)
    inside = path.parts and ".." not in path.parts and not path.anchor
    return bool(inside) and path.as_posix() == name and name.isprintable() and len(name) < 256


def _is_sealed_within(folder: Path, path: Path) -> bool:
    return any((parent / MANIFEST).is_file() for parent in (path, *path.parents) if folder in parent.parents)


def _sha256_of(path: Path) -> str:
    with open(path, "rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
