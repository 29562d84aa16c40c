"""Line-exact text files: UTF-8, and only `\\n` ends a line.

The suffix determines the compression (`.gz`, `.zst` or none); `-` is standard input or output.
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
"""Most bytes in a line. No text comes near it (the whole Bible has 4 MB), and binary data is reported before it fills
the memory: SentencePiece takes up to a gigabyte and ten seconds for a line of this length."""

# UTF-32 comes first: its byte order mark begins with that of UTF-16.
_FOREIGN_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
# Not allowed in XML, and so not in SVG.
_NONCHARACTERS = "\ufffe\uffff"
# Four bytes of zstd can decompress to 128 KiB of text: what is decompressed at once stays within 32 MiB.
_ZSTD_CHUNK = 1024
# Largest window of a file: as much as the zstd command allows by default.
_ZSTD_WINDOW = 2**27


def read_lines(path: str | Path, *, keep_bom: bool = False) -> Iterator[str]:
    """The lines of a file without their `\\n`, which the last line may lack.

    A byte order mark (BOM) at the start is removed, unless keep_bom is set. NUL is an ordinary character.
    Raises InputError, with file and line, if the file cannot be read, is not UTF-8 or has a line over LONGEST_LINE.
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
    """The lines of a file as bytes, each with its `\\n`, which the last one may lack.

    Raises InputError, with file and line, if the file cannot be read, is UTF-16 or UTF-32 or has a line over
    LONGEST_LINE.
    """
    number = 0
    try:
        if Path(path).suffix in _EMPTY_FILE_ERRORS and Path(path).is_file() and not Path(path).stat().st_size:
            raise _EMPTY_FILE_ERRORS[Path(path).suffix]("the file is empty")
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
    """A binary stream to write to. A file is created, or replaced, only once its content is complete.

    Anything except a regular file is written directly (`storage.replacing`). Raises InputError if writing fails.
    """
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = real_path(Path(path))
    if target.is_file() and (target.parent / MANIFEST).exists():
        raise InputError(f"{path}: belongs to a model; give the output another name")
    try:
        with replacing(Path(path)) as file, _compressed(file, Path(path).suffix) as stream:
            yield stream
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def expect_rereadable(*inputs: str | Path | None) -> None:
    """Raises InputError for stdin, a pipe or a device: they can be read only once. None means no file."""
    for path in (path for path in inputs if path is not None):
        if path == "-" or (Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir()):
            raise InputError(f"{path}: is read several times, which only works with a file; save it to a file first")


def _expect_no_foreign_encoding(first_line: bytes, path: str | Path) -> None:
    """Detect UTF-16 and UTF-32, whose Latin letters and NULs are valid UTF-8."""
    encoding = next((name for bom, name in _FOREIGN_BOMS.items() if first_line.startswith(bom)), None)
    if encoding is None and len(first_line) >= 8:
        nuls = [first_line[start::2].count(0) / len(first_line[start::2]) for start in (0, 1)]
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


def _compressed(file: BinaryIO, suffix: str) -> AbstractContextManager[BinaryIO]:
    """A stream that compresses into `file`, by suffix; the bytes depend on the text alone, not on flushes."""
    if suffix == ".gz":
        # Without name and time. The buffer keeps flushes from the compressor, whose output they would bloat.
        return io.BufferedWriter(gzip.GzipFile("", "wb", fileobj=file, mtime=0))
    if suffix == ".zst":
        import zstandard

        compressor = zstandard.ZstdCompressor(write_checksum=True)
        return io.BufferedWriter(compressor.stream_writer(file, closefd=False))  # type: ignore[type-var]
    return nullcontext(file)


def printable(text: str) -> str:
    """Untrusted text without characters that control the terminal or cannot be written to it."""
    return "".join(
        "\ufffd" if unicodedata.category(character) in ("Cc", "Cs") or character in _NONCHARACTERS else character
        for character in text
    )


class _DamagedZstdError(Exception):
    """A file does not consist of complete zstd frames."""


# The decompressors would read an empty file as an empty text.
_EMPTY_FILE_ERRORS: dict[str, type[Exception]] = {".gz": EOFError, ".zst": _DamagedZstdError}


class _ZstdReader(io.RawIOBase):
    """The text of a zstd file. The library's own reader accepts truncated files."""

    def __init__(self, path: str) -> None:
        self._chunks = _decompress_zstd(path)
        self._chunk = io.BytesIO()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        count = self._chunk.readinto(buffer)
        while not count and (chunk := next(self._chunks, None)) is not None:
            self._chunk = io.BytesIO(chunk)
            count = self._chunk.readinto(buffer)
        return count


def _decompress_zstd(path: str) -> Iterator[bytes]:
    """The concatenated content of all frames."""
    import zstandard

    decompressor = zstandard.ZstdDecompressor(max_window_size=_ZSTD_WINDOW)
    frame = None
    with open(path, "rb") as file:
        try:
            while compressed := file.read(_ZSTD_CHUNK):
                while compressed:
                    frame = frame or decompressor.decompressobj()
                    yield frame.decompress(compressed)
                    compressed = frame.unused_data
                    if frame.eof:
                        frame = None
        except zstandard.ZstdError as error:
            raise _DamagedZstdError(error) from None
    if frame:
        raise _DamagedZstdError("it is truncated")
