"""What all commands share: how errors leave the program, `--version` and `--debug`."""

import errno
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from seq2seq import InputError, __version__
from seq2seq.errors import Interrupted
from seq2seq.io.lines import printable
from seq2seq.signals import describe_signal, stop_signals
from seq2seq.threads import configure_libraries, sleeping_under_contention

# Typer brings its own click; these are its bases of a mistake on the command line, by public names.
_UsageError: Any = typer.BadParameter.__bases__[0]
_CommandError: Any = _UsageError.__bases__[0]


class CleanErrors(TyperGroup):
    """Ends the program the way scripts expect.

    A mistake, a full disk and a lack of memory are one line on stderr and exit code 2; Ctrl-C is 130, SIGTERM 143 and a
    closed terminal 129; where the reader went away (`| head`), typer ends it without a word. A fault of the program is
    one line and exit code 1, its traceback under `--debug`.
    """

    def main(self, args: Sequence[str] | None = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Run the command and exit with its code; without a word on the command line, show the help."""
        words = list(sys.argv[1:] if args is None else args)
        _open_closed_streams()
        try:
            Path.cwd()
        except FileNotFoundError:
            sys.exit(_complain("the current folder no longer exists: change to another one"))
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # Not every terminal writes every script.
        sys.exit(self._exit_code(words or ["--help"], **{**kwargs, "standalone_mode": False}))

    def _exit_code(self, words: list[str], **kwargs: Any) -> int:
        configure_libraries()
        try:
            with _signals_raised(), sleeping_under_contention():
                result = super().main(words, **kwargs)
                sys.stdout.flush()
        except InputError as error:
            return _complain(str(error))
        except _UsageError as error:
            return _complain(f"{error.format_message()} (see {self._path_of(error, words)} --help)")
        except _CommandError as error:
            return _complain(error.format_message())
        except OSError as error:  # a full disk, a folder without rights
            return _complain(_describe(error))
        except MemoryError:
            return _complain(_OUT_OF_MEMORY)
        except typer.Abort:
            return _leave(Interrupted(signal.SIGINT, "interrupted"))
        except Interrupted as interruption:
            return _leave(interruption)
        except Exception as error:
            if "--debug" in words:
                traceback.print_exc()
            if _is_lack_of_memory(error):
                return _complain(_OUT_OF_MEMORY)
            return _report(error)
        return result if isinstance(result, int) else 0

    def _path_of(self, error: Any, words: list[str]) -> str:
        """The command that a mistake is about, as it is called."""
        if context := getattr(error, "ctx", None):
            return str(context.command_path)
        return " ".join(["seq2seq", *[word for word in words if word in self.commands][:1]])


def _complain(message: str) -> int:
    print(f"seq2seq: error: {printable(' '.join(message.split()))}", file=sys.stderr)
    return 2


def _describe(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename:
        return f"{os.fsdecode(error.filename)}: {reason}"
    if error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO, errno.EFBIG):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else what is still buffered fails once more at the end
        return f"standard input or output: {reason}"
    return reason


_SIGNS_OF_LACK = (
    "not enough memory: you tried to allocate",
    "failed to map segment",
    "error return without exception set",
)
_OUT_OF_MEMORY = "out of memory: take a smaller model, batch or beam, or a computer with more"


def _is_lack_of_memory(error: Exception) -> bool:
    """Whether a library could not allocate: torch on a CPU raises a plain RuntimeError, and may fail to be loaded."""
    return type(error).__name__ == "OutOfMemoryError" or any(sign in str(error) for sign in _SIGNS_OF_LACK)


def _report(error: Exception) -> int:
    what = " ".join(f"{type(error).__name__}: {error}".split())
    print(
        f"seq2seq: internal error: {printable(what[:500])}; please report it, with what the same command prints as "
        "seq2seq --debug ...",
        file=sys.stderr,
    )
    return 1


def _open_closed_streams() -> None:
    """Where the caller closed a standard stream (`<&-`), put one there that fails when it is used.

    Else the next file that is opened would get its number, and what a library prints would end in that file.
    """
    for descriptor, name, way in ((0, "stdin", os.O_WRONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, way)
        if getattr(sys, name) is None:
            raw: Any = io.FileIO(descriptor, "r" if name == "stdin" else "w", closefd=False)
            setattr(sys, name, io.TextIOWrapper(io.BufferedReader(raw) if name == "stdin" else io.BufferedWriter(raw)))


def _leave(interruption: Interrupted) -> int:
    print(f"seq2seq: {interruption}", file=sys.stderr)
    return interruption.exit_code


@contextmanager
def _signals_raised() -> Iterator[None]:
    """Let Ctrl-C, SIGTERM and a closed terminal end the work by an exception: nothing half done is left."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        raise Interrupted(number, describe_signal(number))

    old = {number: signal.signal(number, stop) for number in stop_signals()}
    try:
        yield
    finally:
        for one, handler in old.items():
            signal.signal(one, handler)


def _print_version(value: bool) -> None:
    if value:
        print(f"seq2seq {__version__}")
        raise typer.Exit


def show_version(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[
        bool, typer.Option("--debug", help="Where the program itself is at fault, print where it happened.")
    ] = False,
) -> None:
    """The options of `seq2seq` itself."""
