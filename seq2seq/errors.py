"""Exceptions that are reported to the user in one line; they are not bugs."""

_LONGEST = 900


class InputError(Exception):
    """The user's input cannot be used.

    The message is one line: what is wrong, where (file and line, option, config key) and, unless it is
    obvious, what to do. The command line prints it and exits with 2. A long message, which may quote a file, is
    shortened in the middle.
    """

    def __init__(self, message: str) -> None:
        line = " ".join(message.splitlines())
        super().__init__(line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 4 :]}")


class Interrupted(BaseException):
    """A signal ended the work early; like KeyboardInterrupt it is not caught by `except Exception`.

    The message is one line: what was saved and how to continue. The command line prints it and exits with 128 plus the
    signal number, as a shell reports a program that the signal killed.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
