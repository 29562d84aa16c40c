"""What all commands share: error reporting, exit codes, `--version` and `--debug`."""

import errno
import io
import os
import signal
import sys
import threading
import traceback
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from seq2seq import InputError, __version__
from seq2seq.errors import Interrupted
from seq2seq.io.lines import printable
from seq2seq.signals import describe_signal, stop_signals
from seq2seq.threads import configure_libraries, sleeping_under_contention

# Typer bundles its own click: the base classes of its command-line errors, reached by public names.
_UsageError: Any = typer.BadParameter.__bases__[0]
_CommandError: Any = _UsageError.__bases__[0]


class CleanErrors(TyperGroup):
    """Turns exceptions into one-line messages and the exit codes that scripts expect.

    A user error, a full disk or a lack of memory prints one line on stderr and exits with 2; Ctrl-C exits with 130,
    SIGTERM with 143, a closed terminal with 129. On a closed pipe (`| head`) typer exits silently. An internal error
    prints one line and exits with 1; `--debug` adds the traceback.
    """

    def main(self, args: Sequence[str] | None = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Run the command and exit with its code; without arguments, show the help."""
        arguments = list(sys.argv[1:] if args is None else args)
        _open_closed_streams()
        try:
            Path.cwd()
        except FileNotFoundError:
            sys.exit(_report_error("the current folder no longer exists: change to another one"))
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # Not every terminal encoding has every script.
        sys.exit(self._exit_code(arguments or ["--help"], **{**kwargs, "standalone_mode": False}))

    def _exit_code(self, arguments: list[str], **kwargs: Any) -> int:
        configure_libraries()
        try:
            with _signals_raised(), sleeping_under_contention():
                result = super().main(arguments, **kwargs)
                sys.stdout.flush()
        except InputError as error:
            return _report_error(str(error))
        except _UsageError as error:
            return _report_error(f"{error.format_message()} (see {self._command_path(error, arguments)} --help)")
        except _CommandError as error:
            return _report_error(error.format_message())
        except OSError as error:  # a full disk, a folder without rights
            return _report_error(_describe(error))
        except MemoryError:
            return _report_error(_OUT_OF_MEMORY)
        except typer.Abort:
            return _report_interruption(Interrupted(signal.SIGINT, "interrupted"))
        except Interrupted as interruption:
            return _report_interruption(interruption)
        except Exception as error:
            if "--debug" in arguments:
                traceback.print_exc()
            if _is_out_of_memory(error):
                return _report_error(_OUT_OF_MEMORY)
            if package := _missing_package(error):
                return _report_error(
                    f"this needs the package {package}, which is not installed: install seq2seq with all that it "
                    "requires, by pip without --no-deps"
                )
            return _report_internal_error(error)
        return result if isinstance(result, int) else 0

    def _command_path(self, error: Any, arguments: list[str]) -> str:
        """The command that the error is about, as it was called."""
        if context := getattr(error, "ctx", None):
            return str(context.command_path)
        return " ".join(["seq2seq", *[word for word in arguments if word in self.commands][:1]])


def _report_error(message: str) -> int:
    print(f"seq2seq: error: {printable(' '.join(message.split()))}", file=sys.stderr)
    return 2


def _describe(error: OSError) -> str:
    reason = error.strerror or str(error)
    if error.filename:
        return f"{os.fsdecode(error.filename)}: {reason}"
    if error.errno in (errno.ENOSPC, errno.EBADF, errno.EIO, errno.EFBIG):
        os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # else flushing the buffer fails again at exit
        return f"standard input or output: {reason}"
    return reason


def _missing_package(error: Exception) -> str:
    """The package that is not installed, as in an installation for translating only; empty if that is not the error."""
    package = ((error.name or "") if isinstance(error, ModuleNotFoundError) else "").partition(".")[0]
    return package if package and package != "seq2seq" and not find_spec(package) else ""


_OUT_OF_MEMORY_SIGNS = (
    "not enough memory: you tried to allocate",
    "failed to map segment",
    "error return without exception set",
)
_OUT_OF_MEMORY = "out of memory: use a smaller model, batch or beam, or a machine with more memory"


def _is_out_of_memory(error: Exception) -> bool:
    """Whether a library failed to allocate: on a CPU torch raises a plain RuntimeError, and its import may fail."""
    return type(error).__name__ == "OutOfMemoryError" or any(sign in str(error) for sign in _OUT_OF_MEMORY_SIGNS)


def _report_internal_error(error: Exception) -> int:
    what = " ".join(f"{type(error).__name__}: {error}".split())
    print(
        f"seq2seq: internal error: {printable(what[:500])}; please report it with the output of "
        "`seq2seq --debug` followed by the same command and options",
        file=sys.stderr,
    )
    return 1


def _open_closed_streams() -> None:
    """Replace each standard stream that the caller closed (`<&-`) by one that fails when used.

    Otherwise the next opened file would get its descriptor, and what a library prints would end up in that file.
    """
    for descriptor, name, flags in ((0, "stdin", os.O_WRONLY), (1, "stdout", os.O_RDONLY), (2, "stderr", os.O_WRONLY)):
        try:
            os.fstat(descriptor)
        except OSError:
            os.open(os.devnull, flags)
        if getattr(sys, name) is None:
            raw: Any = io.FileIO(descriptor, "r" if name == "stdin" else "w", closefd=False)
            setattr(sys, name, io.TextIOWrapper(io.BufferedReader(raw) if name == "stdin" else io.BufferedWriter(raw)))


def _report_interruption(interruption: Interrupted) -> int:
    print(f"seq2seq: {interruption}", file=sys.stderr)
    return interruption.exit_code


@contextmanager
def _signals_raised() -> Iterator[None]:
    """Raise Interrupted on Ctrl-C, SIGTERM and a closed terminal, so that nothing is left half done."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        raise Interrupted(number, describe_signal(number))

    old = {number: signal.signal(number, stop) for number in stop_signals()}
    try:
        yield
    finally:
        for number, handler in old.items():
            signal.signal(number, handler)


def _print_version(value: bool) -> None:
    if value:
        print(f"seq2seq {__version__}")
        raise typer.Exit


def show_version(
    version: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
    debug: Annotated[bool, typer.Option("--debug", help="Print the traceback of an internal error.")] = False,
) -> None:
    """The options of `seq2seq` itself."""
