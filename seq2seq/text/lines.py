"""Line-exact text files: UTF-8, and only `\\n` ends a line.

A file's name says how it is packed (`.gz` or plain); `-` is standard input or output.
"""

import gzip
import os
import sys
import zlib
from collections.abc import Iterator
from contextlib import AbstractContextManager, contextmanager, nullcontext
from pathlib import Path
from typing import BinaryIO

from seq2seq.errors import InputError

_BOM = b"\xef\xbb\xbf"


def read_lines(path: str | Path, *, keep_mark: bool = False) -> Iterator[str]:
    """The lines of a file without their `\\n`; a last line that lacks one counts too.

    A byte order mark at the start is not text and is left out, unless keep_mark is set.
    Raises InputError, with file and line, where the file cannot be read or is not UTF-8.
    """
    number = 0
    try:
        with _open_binary(str(path)) as file:
            for number, raw in enumerate(file, start=1):
                if number == 1 and not keep_mark:
                    raw = raw.removeprefix(_BOM)
                yield raw.removesuffix(b"\n").decode("utf-8")
    except UnicodeDecodeError as error:
        raise InputError(
            f"{path}, line {number}: not UTF-8 (byte 0x{error.object[error.start]:02x} at column {error.start + 1}); "
            "convert the file, for example with iconv -f WINDOWS-1252 -t UTF-8"
        ) from None
    except (gzip.BadGzipFile, EOFError, zlib.error) as error:
        raise InputError(f"{path}: damaged gzip file after line {number} ({error})") from None
    except (FileNotFoundError, NotADirectoryError):
        raise InputError(f"{path}: no such file") from None
    except IsADirectoryError:
        raise InputError(f"{path}: is a folder, not a text file") from None
    except (OSError, ValueError) as error:
        raise InputError(f"{path!s}: cannot be read ({error})") from None


@contextmanager
def open_output(path: str | Path) -> Iterator[BinaryIO]:
    """A binary stream to write to. A file appears, or replaces its older self, only when the work is whole.

    A pipe or a device is written to as it is; a link stays one. Raises InputError where the file cannot be written.
    """
    if str(path) == "-":
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    target = Path(path).resolve()
    special = target.exists() and not target.is_file()
    partial = target if special else target.with_name(f"{target.name}.{os.getpid()}.partial")
    try:
        with open(partial, "wb") as file:
            if target.suffix == ".gz":
                # No name and no time inside: the same text gives the same bytes.
                with gzip.GzipFile("", "wb", fileobj=file, mtime=0) as packed:
                    yield packed  # type: ignore[misc]
            else:
                yield file
        if not special:
            os.replace(partial, target)
    except OSError as error:
        raise InputError(f"{path}: cannot be written ({error.strerror or error})") from None
    finally:
        if not special:
            partial.unlink(missing_ok=True)


def _open_binary(path: str) -> AbstractContextManager[BinaryIO]:
    if path == "-":
        return nullcontext(sys.stdin.buffer)
    if path.endswith(".gz"):
        return gzip.open(path, "rb")  # type: ignore[return-value]
    return open(path, "rb")
