"""Line-exact text files: UTF-8, and only `\\n` ends a line; `-` is standard input or output.

UTF-16 and UTF-32 with a byte order mark are read too, and other encodings where one is given.
"""

import codecs
import io
import re
import sys
import unicodedata
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO, Literal

from seq2seq.errors import InputError
from seq2seq.io.compression import HEAD, DamagedFileError, compressed, open_decompressed
from seq2seq.io.file_type import expect_text
from seq2seq.io.manifest import MANIFEST
from seq2seq.io.storage import real_path, replacing

LONGEST_LINE = 16 * 2**20
"""Most bytes in a line. No text comes near it (the whole Bible has 4 MB), and binary data is reported before it fills
the memory: SentencePiece takes up to a gigabyte and ten seconds for a line of this length."""

# UTF-32 comes first: its byte order mark begins with that of UTF-16.
_BOMS = {
    codecs.BOM_UTF32_LE: "UTF-32",
    codecs.BOM_UTF32_BE: "UTF-32",
    codecs.BOM_UTF16_LE: "UTF-16",
    codecs.BOM_UTF16_BE: "UTF-16",
}
DecodingErrors = Literal["strict", "surrogateescape"]

_ENCODING_ADVICE = (
    "convert it to UTF-8, or give its encoding, such as windows-1252 (--encoding of train, data report, translate, "
    "evaluate and score)"
)
_SURROGATE = re.compile("[\ud800-\udfff]")
_CHUNK = 2**16
_MOST_CHECKED = 100_000
# Not allowed in XML, and so not in SVG.
_NONCHARACTERS = "\ufffe\uffff"
# Bytes 0x80 to 0xff of a file name in another encoding (PEP 383).
_UNDECODED = frozenset(map(chr, range(0xDC80, 0xDD00)))


def read_lines(
    path: str | Path,
    *,
    keep_bom: bool = False,
    encoding: str = "",
    errors: DecodingErrors = "strict",
    document: str = "",
) -> Iterator[str]:
    """The lines of a file without their `\\n`, which the last line may lack.

    A byte order mark (BOM) at the start is removed, unless keep_bom is set. NUL is an ordinary character.
    encoding: of the file; by default UTF-8, or UTF-16 or UTF-32 if their byte order mark says so.
    errors: with surrogateescape, bytes that are not UTF-8 become lone surrogates, for `undecodable` to find.
    document: a type of file (`file_type.py`) whose lines may be read in addition to plain text.
    Raises InputError, with file and line, if the file cannot be read, is not in that encoding or has a line over
    LONGEST_LINE.
    """
    lines = enumerate(_raw_lines(path, encoding, transcodes=True, document=document), start=1)
    for number, raw in lines:
        text = raw.removesuffix(b"\n")
        if number == 1 and not keep_bom:
            text = text.removeprefix(codecs.BOM_UTF8)
        try:
            line = text.decode("utf-8", errors)
        except UnicodeDecodeError as error:
            where = f"byte 0x{text[error.start]:02x} at column {error.start + 1}"
            advice = _encoding_advice(path, number, lines)
            raise InputError(f"{path}, line {number}: not UTF-8 ({where}); {advice}") from None
        yield line


def expect_no_returns(line: str, path: str | Path) -> None:
    """Raises InputError if the only line of a file seems to be several, whose ends are `\\r`."""
    if line.count("\r") > 1:
        raise InputError(
            f"{path}: its lines end in \\r, as old Macintosh programs write them; convert it, for example "
            "with tr '\\r' '\\n'"
        )


def undecodable(text: str) -> bool:
    """Whether a text has lone surrogates: bytes that are not UTF-8 if it was read with surrogateescape."""
    return not text.isascii() and bool(_SURROGATE.search(text))


def read_blocks(path: str | Path, encoding: str = "") -> Iterator[str]:
    """The text of a file in blocks of bounded size, without a byte order mark; otherwise as `read_lines`."""
    decoder, number = codecs.getincrementaldecoder("utf-8-sig")(), 1
    with _explained(path, encoding, lambda: number), _open_text(path, encoding) as (stream, _):
        while data := stream.read(_CHUNK):
            try:
                text = decoder.decode(data)
            except UnicodeDecodeError as error:
                number += error.object.count(b"\n", 0, error.start)
                raise
            yield text
            number += data.count(b"\n")
        decoder.decode(b"", final=True)


def read_raw_lines(path: str | Path) -> Iterator[bytes]:
    """The lines of a file as bytes, each with its `\\n`, which the last one may lack.

    Raises InputError, with file and line, if the file cannot be read, is UTF-16 or UTF-32 or has a line over
    LONGEST_LINE.
    """
    return _raw_lines(path, "", transcodes=False)


def _raw_lines(path: str | Path, encoding: str, *, transcodes: bool, document: str = "") -> Iterator[bytes]:
    number = 0
    with (
        _explained(path, encoding, lambda: number + 1),
        _open_text(path, encoding, transcodes=transcodes, document=document) as (stream, foreign),
    ):
        for number, raw in enumerate(iter(lambda: stream.readline(LONGEST_LINE + 1), b""), start=1):
            if len(raw) > LONGEST_LINE and not raw.endswith(b"\n"):
                if number == 1:
                    expect_no_returns(raw.decode("utf-8", "replace"), path)
                raise InputError(f"{path}, line {number}: over {LONGEST_LINE:,} bytes long; is this a text file?")
            if number == 1 and not (foreign and transcodes):
                _expect_no_foreign_encoding(raw, foreign, path)
            yield raw


@contextmanager
def _open_text(
    path: str | Path, encoding: str, *, transcodes: bool = True, document: str = ""
) -> Iterator[tuple[io.BufferedReader, str]]:
    """The decompressed bytes of a text, in UTF-8 if `transcodes`, and its encoding; empty for UTF-8."""
    with open_decompressed(path) as stream:
        head = stream.peek(HEAD)
        expect_text(head, path, document)
        encoding = encoding or next((name for bom, name in _BOMS.items() if head.startswith(bom)), "")
        if encoding and transcodes:
            _expect_codec(encoding)
            stream = io.BufferedReader(_Transcoder(stream, encoding))
        yield stream, encoding


@contextmanager
def _explained(path: str | Path, encoding: str, line: Callable[[], int]) -> Iterator[None]:
    """Errors as InputError. line: that is being read."""
    try:
        yield
    except DamagedFileError as error:
        what, reason = error.args
        raise InputError(f"{path}: {what} after line {line() - 1} ({reason})") from None
    except UnicodeDecodeError as error:
        name = encoding or error.encoding.upper()
        raise InputError(f"{path}, line {line()}: not {name} ({error.reason})") from None
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, not a text file (a dataset folder is given with --dataset)") from None
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
        with replacing(Path(path)) as file, compressed(file, path) as stream:
            yield stream
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None


def expect_rereadable(*inputs: str | Path | None) -> None:
    """Raises InputError for stdin, a pipe or a device: they can be read only once. None means no file."""
    for path in (path for path in inputs if path is not None):
        if path == "-" or (Path(path).exists() and not Path(path).is_file() and not Path(path).is_dir()):
            raise InputError(f"{path}: is read several times, which only works with a file; save it to a file first")


def _expect_no_foreign_encoding(first_line: bytes, encoding: str, path: str | Path) -> None:
    """Detect UTF-16 without a byte order mark, whose Latin letters and NULs are valid UTF-8."""
    if not encoding and len(first_line) >= 8:
        nuls = [first_line[start::2].count(0) / len(first_line[start::2]) for start in (0, 1)]
        if max(nuls) > 0.75 and min(nuls) < 0.25:
            encoding = "UTF-16BE" if nuls[0] > nuls[1] else "UTF-16LE"
    if encoding:
        raise InputError(f"{path}, line 1: not UTF-8 but {encoding}; {_ENCODING_ADVICE}")


def _expect_codec(encoding: str) -> None:
    try:
        "".encode(encoding)
    except (LookupError, ValueError):
        raise InputError(f"no encoding {encoding!r}; use a name such as windows-1252, shift_jis or utf-16") from None


def _encoding_advice(path: str | Path, number: int, later: Iterator[tuple[int, bytes]]) -> str:
    """What to do about a line that is not UTF-8, by whether it is the only one of several."""
    with suppress(InputError):  # about a later line
        checked = [_is_utf8(raw) for _, raw in islice(later, _MOST_CHECKED)]
        if Path(path).is_file() and all(checked) and (checked or number > 1):
            some = "no other line is" if next(later, None) is None else f"none of the next {_MOST_CHECKED:,} lines is"
            return f"{some} like that, so correct that one (--invalid-lines skip of train and data report drops it)"
    return _ENCODING_ADVICE


def _is_utf8(raw: bytes) -> bool:
    try:
        raw.decode("utf-8")
    except UnicodeDecodeError:
        return False
    return True


class _Transcoder(io.RawIOBase):
    """A stream in another encoding, as UTF-8."""

    def __init__(self, stream: BinaryIO, encoding: str) -> None:
        self._stream, self._decoder = stream, codecs.getincrementaldecoder(encoding)()
        self._text = io.BytesIO()
        self._error: UnicodeDecodeError | None = None

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        """What precedes an error can still be read. Raises UnicodeDecodeError."""
        count = self._text.readinto(buffer)
        while not count and not self._error:
            data = self._stream.read(_CHUNK)
            text = self._decode(data)
            self._text = io.BytesIO(text.encode())
            count = self._text.readinto(buffer)
            if not data:
                break
        if not count and self._error:
            raise self._error
        return count

    def _decode(self, data: bytes) -> str:
        try:
            return self._decoder.decode(data, final=not data)
        except UnicodeDecodeError as error:
            self._error = error
            return error.object[: error.start].decode(error.encoding)


def printable(text: str) -> str:
    """Untrusted text without characters that control the terminal or cannot be written to it.

    Bytes of a file name that are not valid Unicode, which Python keeps as lone surrogates, are escaped: `d\\xe9.txt`.
    """
    return "".join(map(_printable_character, text))


def _printable_character(character: str) -> str:
    if character in _UNDECODED:
        return f"\\x{ord(character) - 0xDC00:02x}"
    is_printable = unicodedata.category(character) not in ("Cc", "Cs") and character not in _NONCHARACTERS
    return character if is_printable else "\ufffd"
