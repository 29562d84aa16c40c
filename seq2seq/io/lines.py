"""Line-exact text files: UTF-8, and only `\\n` ends a line.

A file's name says how it is compressed (`.gz`, `.zst` or plain); `-` is standard input or output.
"""

import codecs
import gzip
import io
import sys
import unicodedata
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import Any, BinaryIO

from seq2seq.errors import InputError
from seq2seq.io.manifest import MANIFEST
from seq2seq.io.storage import real_path, replacing

LONGEST_LINE = 16 * 2**20
"""Bytes that a line may have. No text comes near it (the whole Bible has 4 MB), and what is not text is reported before
it fills the memory: SentencePiece takes up to a gigabyte and ten seconds for a line of this length."""

# A mark of UTF-32 begins as one of UTF-16 does: it comes first.
_FOREIGN_MARKS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
# No XML, and so no SVG, may have them.
_NO_CHARACTERS = "\ufffe\uffff"
# Four bytes of zstd can decompress to 128 KiB of text: what is decompressed at once stays within 32 MiB.
_ZSTD_CHUNK = 1024
# What a file may ask to keep of its text while it is decompressed: as much as the zstd command allows unless told to.
_ZSTD_WINDOW = 2**27


def read_lines(path: str | Path, *, keep_bom: bool = False) -> Iterator[str]:
    """The lines of a file without their `\\n`; a last line that lacks one counts too.

    A byte order mark (BOM) at the start is not text and is left out, unless keep_bom is set. NUL is a character like
    others.
    Raises InputError, with file and line, where the file cannot be read, is not UTF-8 or has a line over LONGEST_LINE.
    """
    for number, raw in enumerate(read_raw_lines(path), start=1):
        text = raw.removesuffix(b"\n")
        if number == 1 and not keep_bom:
            text = text.removeprefix(codecs.BOM_UTF8)
        try:
            line = text.decode("utf-8")
        except UnicodeDecodeError as error:
            raise InputError(
                f"{path}, line {number}: not UTF-8 (byte 0x{text[error.start]:02x} at column {error.start + 1}); "
                "convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8"
            ) from None
        yield line


def read_raw_lines(path: str | Path) -> Iterator[bytes]:
    """The lines of a file byte for byte, each with its `\\n`, which the last one may lack.

    Raises InputError, with file and line, where the file cannot be read, is UTF-16 or UTF-32 or has a line over
    LONGEST_LINE.
    """
    number = 0
    try:
        if Path(path).suffix in _EMPTY and Path(path).is_file() and not Path(path).stat().st_size:
            raise _EMPTY[Path(path).suffix]("it has no bytes")
        with _open_binary(str(path)) as file:
            for number, raw in enumerate(iter(lambda: file.readline(LONGEST_LINE + 1), b""), start=1):
                if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
                    raise InputError(f"{path}, line {number}: over {LONGEST_LINE:,} bytes long; is this a text file?")
                if number == 1:
                    _expect_no_foreign_encoding(raw, path)
                yield raw
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file after line {number} ({error})") from None
    except _DamagedZstdError as error:
        raise InputError(f"{path}: damaged zstd file after line {number} ({error})") from None
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, not a text file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path!s}: cannot be read ({error})") from None


@contextmanager
def open_output(path: str | Path) -> Iterator[BinaryIO]:
    """A binary stream to write to. A file appears, or replaces its older self, only when the work is whole.

    Anything but a regular file is written as it comes (`storage.replacing`). Raises InputError if that fails.
    """
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = real_path(Path(path))
    if target.is_file() and (target.parent / MANIFEST).exists():
        raise InputError(f"{path}: belongs to a model; give the output another name")
    try:
        with replacing(Path(path)) as file, _packing(file, Path(path).suffix) as stream:
            yield stream
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def expect_rereadable(*inputs: str | Path | None) -> None:
    """Raises InputError for stdin, a pipe or a device: they can be read only once. None means no file."""
    for path in (path for path in inputs if path is not None):
        if path == "-" or (Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir()):
            raise InputError(f"{path}: is read several times, which works for files alone; save it to a file first")


def _expect_no_foreign_encoding(first_line: bytes, path: str | Path) -> None:
    """Tell what shows itself to be UTF-16 or UTF-32. Latin letters in it, and NULs, would pass for UTF-8."""
    encoding = next((name for mark, name in _FOREIGN_MARKS.items() if first_line.startswith(mark)), None)
    if encoding is None and len(first_line) >= 8:
        nuls = [first_line[side::2].count(0) / len(first_line[side::2]) for side in (0, 1)]
        if max(nuls) > 0.75 and min(nuls) < 0.25:
            encoding = "UTF-16BE" if nuls[0] > nuls[1] else "UTF-16LE"
    if encoding:
        raise InputError(
            f"{path}, line 1: not UTF-8 but {encoding}; convert the file, for example with iconv -f {encoding} -t UTF-8"
        )


def _open_binary(path: str) -> AbstractContextManager[BinaryIO]:
    if path == "-":
        return nullcontext(sys.stdin.buffer)
    if path.endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    if path.endswith(".zst"):
        return io.BufferedReader(_ZstdReader(path))
    return open(path, "rb")


def _packing(file: BinaryIO, suffix: str) -> AbstractContextManager[BinaryIO]:
    """A stream that packs into `file` as `suffix` says; the same text gives the same bytes, whenever it is flushed."""
    if suffix == ".gz":
        # With no name and no time inside. The buffer keeps flushes from the packer, whose output they would bloat.
        return io.BufferedWriter(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
    if suffix == ".zst":
        import zstandard

        packer = zstandard.ZstdCompressor(write_checksum=True)
        return io.BufferedWriter(packer.stream_writer(file, closefd=False))  # type: ignore[type-var]
    return nullcontext(file)


def printable(text: str) -> str:
    """The text without what would steer the terminal or cannot be written to it: a stranger may have made it."""
    return "".join(
        "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") or character in _NO_CHARACTERS else character
        for character in text
    )


class _DamagedZstdError(Exception):
    """A file is not, or not only, whole zstd frames."""


# What the readers take for an empty text.
_EMPTY: dict[str, type[Exception]] = {".gz": EOFError, ".zst": _DamagedZstdError}


class _ZstdReader(io.RawIOBase):
    """The text of a zstd file. The library's own reader takes a file that was cut off for a whole one."""

    def __init__(self, path: str) -> None:
        self._chunks = _unpack_zstd(path)
        self._chunk = io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._chunk.readinto(buffer)
        while not count and (chunk := next(self._chunks, None)) is not None:
            self._chunk = io.BytesIO(chunk)
            count = self._chunk.readinto(buffer)
        return count


def _unpack_zstd(path: str) -> Iterator[bytes]:
    """The content of all frames, one after another."""
    import zstandard

    unpacker = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = None
    with open(path, "rb") as file:
        try:
            while packed := file.read(_ZSTD_CHUNK):
                while packed:
                    frame = frame or unpacker.decompressobj()
                    yield frame.decompress(packed)
                    packed = frame.unused_data
                    if frame.eof:
                        frame = None
        except zstandard.ZstdError as error:
            raise _DamagedZstdError(error) from None
    if frame:
        raise _DamagedZstdError("its end is missing")
