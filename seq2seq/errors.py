"""The exceptions that are the user's business rather than ours."""

_LONGEST = 900


class InputError(Exception):
    """Something the user gave cannot be used.

    The message is one line: what is wrong, where (file and line, option, config key) and, where it is not
    obvious, what to do. The command line prints it and leaves with exit code 2. It may quote a file, so
    its middle is left out where it is long.
    """

    def __init__(self, message: str) -> None:
        line = " ".join(message.splitlines())
        super().__init__(line if len(line) <= _LONGEST else f"{line[: _LONGEST // 2]} … {line[-_LONGEST // 4 :]}")


class Interrupted(BaseException):
    """A signal ended the work early; like KeyboardInterrupt it passes everything that catches errors.

    The message is one line: what was saved and how to go on. The command line prints it and leaves with 128 and the
    number of the signal, as a shell reports a program that was killed by it.
    """

    def __init__(self, signal_number: int, message: str) -> None:
        super().__init__(message)
        self.exit_code = 128 + signal_number
