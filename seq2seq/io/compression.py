"""Compressed files: recognised by their content when read, chosen by the suffix when written."""

import bz2
import gzip
import io
import lzma
import re
import sys
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO, cast

from seq2seq.errors import InputError
from seq2seq.io.type_names import description_of

SUFFIXES = {".gz": "gzip", ".zst": "zstd", ".bz2": "bzip2", ".xz": "xz", ".zip": "zip"}
"""How a file of each suffix is compressed."""

HEAD = 2**16
"""Bytes of a file's decompressed content that `peek` shows at once."""

_HEAD = 512
_MAGIC = {
    "gzip": b"\x1f\x8b",
    "zstd": b"\x28\xb5\x2f\xfd",
    "bzip2": b"BZh",
    "xz": b"\xfd7zXZ\x00",
    "zip": b"PK\x03\x04",
}
# Three letters may begin a text: the mark of a block, or of the end, follows.
_BZIP2 = re.compile(rb"BZh[1-9](1AY&SY|\x17rE8P\x90)")
# A zstd file may begin with a frame of metadata: 0x184D2A50 to 0x184D2A5F, little-endian.
_SKIPPABLE, _SKIPPABLE_NUMBERS = b"\x2a\x4d\x18", range(0x50, 0x60)
_ARCHIVES = {b"7z\xbc\xaf\x27\x1c": "7z", b"Rar!\x1a\x07": "RAR"}
_LFS_POINTER = b"version https://git-lfs.github.com/spec/"
_TAR_MAGIC, _TAR_OFFSET = b"ustar", 257
_OPEN_SPREADSHEET = b"application/vnd.oasis.opendocument.spreadsheet"
_PIECE = 2**20
# Four bytes of zstd can decompress to 128 KiB of text: what is decompressed at once stays within 32 MiB.
_CHUNK = 1024
# Memory that a file may require: as much as the zstd command allows by default.
_LARGEST_WINDOW = 2**27


# What the libraries raise: bz2 an OSError, zipfile the two before MemoryError for encrypted files and other methods.
_DAMAGE = (
    *(EOFError, OSError, ValueError, NotImplementedError, RuntimeError, MemoryError),
    *(zlib.error, lzma.LZMAError, zipfile.BadZipFile),
)


class DamagedFileError(Exception):
    """A compressed file is not complete or not valid; says which kind and why."""


def compression_of(path: str | Path) -> str:
    """How the suffix says that a file is compressed; empty if it is not."""
    return SUFFIXES.get(Path(path).suffix.lower(), "")


@contextmanager
def open_decompressed(path: str | Path) -> Iterator[io.BufferedReader]:
    """The content of a file, decompressed; `-` is standard input, which is decompressed too.

    The first HEAD bytes of a file can be seen with `peek`; of a pipe, what has arrived, since more may only follow once
    these are answered. Raises InputError if it is an archive, DamagedFileError (when it is read, too) if it is
    truncated or damaged, OSError if it cannot be read.
    """
    with _open(path) as file:
        head = file.peek(_HEAD)
        if not head and compression_of(path):
            raise DamagedFileError(f"damaged {compression_of(path)} file", "the file is empty")
        kind = _kind_of(head)
        _expect_file(head, path)
        if not kind and compression_of(path):
            raise DamagedFileError(f"damaged {compression_of(path)} file", "it does not begin as one")
        with _decompressed(file, kind, path) as stream:
            _expect_file(stream.peek(_HEAD), path)
            yield stream


@contextmanager
def _damage_as(what: str) -> Iterator[None]:
    """The errors of the libraries as DamagedFileError; those of the system, which have a number, as they are."""
    try:
        yield
    except _DAMAGE as error:
        if isinstance(error, OSError) and error.errno is not None:
            raise
        raise DamagedFileError(what, str(error)) from None


def _kind_of(head: bytes) -> str:
    if head[1:4] == _SKIPPABLE and head[0] in _SKIPPABLE_NUMBERS:
        return "zstd"
    kind = next((kind for kind, magic in _MAGIC.items() if head.startswith(magic)), "")
    return "" if kind == "bzip2" and not _BZIP2.match(head) else kind


def _open(path: str | Path) -> AbstractContextManager[io.BufferedReader]:
    if str(path) != "-":
        return io.BufferedReader(open(path, "rb", buffering=0), HEAD)
    stdin = sys.stdin.buffer
    return nullcontext(stdin if isinstance(stdin, io.BufferedReader) else io.BufferedReader(cast(Any, stdin)))


def _expect_file(head: bytes, path: str | Path) -> None:
    """Raises InputError for what begins as an archive of files, or stands for a file elsewhere."""
    if head.startswith(_LFS_POINTER):
        raise InputError(f"{path}: is a Git LFS pointer, not the file; fetch that with git lfs pull")
    kind = next((kind for magic, kind in _ARCHIVES.items() if head.startswith(magic)), "")
    if kind := kind or ("tar" if head[_TAR_OFFSET:].startswith(_TAR_MAGIC) else ""):
        raise InputError(f"{path}: is a {kind} archive; extract it first")


@contextmanager
def _decompressed(file: io.BufferedReader, kind: str, path: str | Path) -> Iterator[io.BufferedReader]:
    if not kind:
        yield file
        return
    if kind == "zip":
        with _zip_member(file, path) as member:
            yield _buffered(_Explained(member, kind), file)
    elif kind == "gzip":
        yield _buffered(_Explained(gzip.GzipFile(fileobj=file), kind), file)
    else:
        yield _buffered(_Decompressor(file, kind), file)


def _buffered(content: io.RawIOBase, file: io.BufferedReader) -> io.BufferedReader:
    return io.BufferedReader(_Filled(content) if file.seekable() else content, HEAD)


@contextmanager
def _zip_member(file: io.BufferedReader, path: str | Path) -> Iterator[Any]:
    if not file.seekable():
        raise InputError(f"{path}: a zip archive cannot be read from a pipe; save it to a file first")
    with _damage_as("unreadable zip archive"):
        archive = zipfile.ZipFile(file)
        names = [name for name in archive.namelist() if not name.endswith("/") and not name.startswith("__MACOSX/")]
        if document := _document(archive):
            raise InputError(f"{path}: is {description_of(document)}")
        if len(names) != 1:
            raise InputError(f"{path}: a zip archive of {len(names):,} files; extract the one you want")
        member = archive.open(names[0])
    with archive, member:
        yield member


def document_in(path: str | Path) -> str:
    """What a zip archive is if it is a document: `xlsx`, `ods`, `office` for others; otherwise empty.

    Raises OSError, DamagedFileError.
    """
    with _damage_as("unreadable zip archive"), zipfile.ZipFile(path) as archive:
        return _document(archive)


def _document(archive: zipfile.ZipFile) -> str:
    names = set(archive.namelist())
    if "[Content_Types].xml" in names:
        return "xlsx" if "xl/workbook.xml" in names else "office"
    if "mimetype" not in names or archive.getinfo("mimetype").file_size > _HEAD:
        return ""
    kind = archive.read("mimetype").strip()
    if kind.startswith(_OPEN_SPREADSHEET):
        return "ods"
    return "office" if kind.startswith(b"application/") else ""


class _Filled(io.RawIOBase):
    """A stream that reads less than is asked for only at its end, so that a short first part is not the whole head."""

    def __init__(self, stream: io.RawIOBase) -> None:
        self._stream = stream
        self._error: Exception | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """What precedes an error can still be read. Raises OSError, DamagedFileError."""
        if self._error:
            raise self._error
        size = 0
        try:
            while size < len(buffer) and (count := self._stream.readinto(buffer[size:])):
                size += count
        except (OSError, DamagedFileError) as error:
            if not size:
                raise
            self._error = error
        return size


class _Explained(io.RawIOBase):
    """A stream of a library whose errors become DamagedFileError."""

    def __init__(self, stream: Any, kind: str) -> None:
        self._stream, self._kind = stream, kind

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        with _damage_as(f"damaged {self._kind} file"):
            data = self._stream.read1(len(buffer))  # what precedes damage can be read
        buffer[: len(data)] = data
        return len(data)


class _Decompressor(io.RawIOBase):
    """The concatenated content of all streams of a file. The libraries' own readers accept truncated zstd files."""

    def __init__(self, file: BinaryIO, kind: str) -> None:
        self._chunks = _decompress(file, kind)
        self._chunk = io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._chunk.readinto(buffer)
        while not count and (chunk := next(self._chunks, None)) is not None:
            self._chunk = io.BytesIO(chunk)
            count = self._chunk.readinto(buffer)
        return count


def _decompress(file: BinaryIO, kind: str) -> Iterator[bytes]:
    stream: Any = None
    while data := file.read(_CHUNK):
        while data:
            stream = stream or _new_stream(kind)
            yield from _pieces(stream, data, kind)
            data = b""
            if stream.eof:
                # An xz file may be padded with zeros.
                data = stream.unused_data.lstrip(b"\0") if kind == "xz" else stream.unused_data
                stream = None
    if stream:
        raise DamagedFileError(f"damaged {kind} file", "it is truncated")


def _pieces(stream: Any, data: bytes, kind: str) -> Iterator[bytes]:
    """What some compressed bytes decompress to, in pieces of bounded size."""
    import zstandard

    try:
        if kind == "zstd":
            yield stream.decompress(data)
            return
        yield stream.decompress(data, _PIECE)
        while not stream.eof and not stream.needs_input:
            yield stream.decompress(b"", _PIECE)
    except (zstandard.ZstdError, *_DAMAGE) as error:
        raise DamagedFileError(f"damaged {kind} file", str(error)) from None


def _new_stream(kind: str) -> Any:
    if kind == "bzip2":
        return bz2.BZ2Decompressor()
    if kind == "xz":
        return lzma.LZMADecompressor(memlimit=_LARGEST_WINDOW)
    import zstandard

    return zstandard.ZstdDecompressor(max_window_size=_LARGEST_WINDOW).decompressobj()


def compressed(file: BinaryIO, path: str | Path) -> AbstractContextManager[BinaryIO]:
    """A stream that compresses into `file`, by suffix; the bytes depend on the text alone, not on flushes.

    Raises InputError for a kind that is only read.
    """
    kind = compression_of(path)
    if not kind:
        return nullcontext(file)
    if kind == "gzip":
        # Without name and time. The buffer keeps flushes from the compressor, whose output they would bloat.
        return io.BufferedWriter(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
    if kind == "zstd":
        import zstandard

        compressor = zstandard.ZstdCompressor(write_checksum=True)
        return io.BufferedWriter(compressor.stream_writer(file, closefd=False))  # type: ignore[type-var]
    raise InputError(f"{path}: output is written as .gz, .zst or plain text, not as {kind}")
