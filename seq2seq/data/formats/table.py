"""What all tables of sentence pairs have in common: columns of text, and rows."""

from abc import ABC, abstractmethod
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal

from seq2seq.errors import InputError
from seq2seq.io.lines import DecodingErrors

Column = tuple[str, ...]
"""The name of a column; the field `b` of a struct `a` has the name `("a", "b")`, written `a.b`."""

FIRST_ROWS = 100
"""Rows from which a table's layout and columns are inferred."""
LINES_LISTED = 3
"""How many line numbers a message lists."""

InvalidLines = Literal["stop", "skip"] | None

_COLUMNS_LISTED, _LONGEST_NAME = 8, 40


@dataclass
class InvalidRows:
    """Rows that cannot be read: the first one is an error, or all are skipped and counted."""

    policy: InvalidLines = None
    """None is `stop` where there is no option that a message could name."""
    count: int = 0
    lines: list[int] = field(default_factory=list)
    """Of the first ones."""

    @property
    def decoding(self) -> DecodingErrors:
        """How to read text, so that lines which are not UTF-8 can be skipped."""
        return "surrogateescape" if self.policy == "skip" else "strict"

    def add(self, line: int, error: InputError) -> None:
        """Count a row. Raises `error` unless such rows are skipped."""
        if self.policy == "stop":
            raise InputError(f"{error}; --invalid-lines skip leaves such rows out") from None
        if self.policy is None:
            raise error
        self.count += 1
        if len(self.lines) < LINES_LISTED:
            self.lines.append(line)


class Table(ABC):
    """A file of rows. `columns` lists the text columns, in the file's order."""

    is_named = True
    """Whether the file names its columns; otherwise they are 1, 2, …."""

    def __init__(self, path: Path, invalid_lines: InvalidLines = None) -> None:
        self.path = path
        self.columns: list[Column] = []
        self.invalid_rows = InvalidRows(invalid_lines)
        self.omitted: Counter[str] = Counter()
        """Units that the file itself marks as unusable, such as fuzzy ones, by a description in the plural;
        complete once the rows are read."""

    @property
    @abstractmethod
    def form(self) -> str:
        """How the file is read, for messages: `TSV with a header`."""

    @property
    def candidates(self) -> list[Column]:
        """The columns that may hold sentences, by their first cells."""
        return self.columns

    @property
    def description(self) -> str:
        """The columns as text, for messages."""
        return listed(list(map(column_name, self.columns)))

    def __str__(self) -> str:
        return str(self.path)

    @abstractmethod
    def rows(self, src_column: Column, tgt_column: Column) -> Iterator[tuple[int, str, str]]:
        """The number and the two cells of each row; a missing value is an empty string.

        Raises InputError, with file and line, if a row cannot be read, and `invalid_rows` does not skip it.
        """


def column_name(column: Column) -> str:
    """The name of a column as users write it."""
    return ".".join(column)


def listed(columns: Sequence[str]) -> str:
    """Names of columns as text, not all if they are many."""
    rest = len(columns) - _COLUMNS_LISTED
    shown = (name if len(name) <= _LONGEST_NAME else f"{name[: _LONGEST_NAME - 1]}…" for name in columns[:8])
    return ", ".join(shown) + (f" and {rest} more" if rest > 0 else "") if columns else "no text columns"
