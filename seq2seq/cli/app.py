"""What all commands share: how errors leave the program, and `--version`."""

import io
import signal
import sys
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

from seq2seq import InputError, __version__
from seq2seq.errors import Interrupted
from seq2seq.text.lines import printable
from seq2seq.threads import respect_quota, sleeping_under_contention

# Typer brings its own click; these are its bases of a mistake on the command line, by public names.
_UsageError: Any = typer.BadParameter.__bases__[0]
_CommandError: Any = _UsageError.__bases__[0]


class CleanErrors(TyperGroup):
    """Ends the program the way scripts expect.

    A mistake is one line on stderr and exit code 2; Ctrl-C is 130 and SIGTERM 143; where the reader went away
    (`| head`), typer ends it without a word.
    """

    def main(self, args: Sequence[str] | None = None, **kwargs: Any) -> Any:  # type: ignore[override]
        """Run the command and exit with its code; without a word on the command line, show the help."""
        words = list(sys.argv[1:] if args is None else args)
        for stream in (sys.stdout, sys.stderr):
            if isinstance(stream, io.TextIOWrapper):
                stream.reconfigure(errors="backslashreplace")  # Not every terminal writes every script.
        sys.exit(self._exit_code(words or ["--help"], **{**kwargs, "standalone_mode": False}))

    def _exit_code(self, words: list[str], **kwargs: Any) -> int:
        respect_quota()
        try:
            with _signals_raised(), sleeping_under_contention():
                result = super().main(words, **kwargs)
        except InputError as error:
            return _complain(str(error))
        except _UsageError as error:
            context = getattr(error, "ctx", None)
            return _complain(f"{error.format_message()} (see {context.command_path if context else 'seq2seq'} --help)")
        except _CommandError as error:
            return _complain(error.format_message())
        except OSError as error:  # a full disk, a folder without rights
            return _complain(f"{error.filename}: {error.strerror}" if error.filename else str(error))
        except typer.Abort:
            return _leave(Interrupted(signal.SIGINT, "interrupted"))
        except Interrupted as interruption:
            return _leave(interruption)
        return result if isinstance(result, int) else 0


def _complain(message: str) -> int:
    print(f"seq2seq: error: {printable(' '.join(message.split()))}", file=sys.stderr)
    return 2


def _leave(interruption: Interrupted) -> int:
    print(f"seq2seq: {interruption}", file=sys.stderr)
    return interruption.exit_code


@contextmanager
def _signals_raised() -> Iterator[None]:
    """Let Ctrl-C and SIGTERM end the work by an exception, so that nothing half done is left behind."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def stop(number: int, _: object) -> None:
        raise Interrupted(number, "interrupted" if number == signal.SIGINT else "terminated")

    old = {one: signal.signal(one, stop) for one in (signal.SIGINT, signal.SIGTERM)}
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
    _: Annotated[
        bool, typer.Option("--version", "-V", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """The options of `seq2seq` itself."""
