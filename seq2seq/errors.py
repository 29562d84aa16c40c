"""The one exception that is the user's business rather than ours."""


class InputError(Exception):
    """Something the user gave cannot be used.

    The message is one line: what is wrong, where (file and line, option, config key) and, where it is not
    obvious, what to do. The command line prints it and leaves with exit code 2.
    """
