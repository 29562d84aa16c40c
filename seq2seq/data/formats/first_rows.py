"""What the first rows of a table of cells tell: which columns may hold sentences, and whether there is a header."""

import re
from collections.abc import Callable, Sequence
from itertools import takewhile

from seq2seq.data.formats.table import Column

CELL_START = 200
"""Characters of a cell that are enough to tell columns apart; a line may have 16 MiB."""
MOST_TITLES = 5
"""Rows above a header at most."""

_ENOUGH_ROWS, _SIDES = 10, 2
# At most this share of the cells of a column of labels are different.
_FEW_VALUES = 0.05
# At most this share of the cells of a column of numbers has letters, such as its heading.
_FEW_LETTERS = 0.1
_WORDS_OF_HEADING, _LONGEST_HEADING = 3, 30
_MOSTLY = 0.9
_END = re.compile(r"[.!?…。！？।؟։။៕][\"'”’»)]*\s*$")
_NOTES = re.compile(
    r"\bCC[- ](BY|0)\b|\blicen[cs]e|\battribution\b|©|https?://|^\s*[\w.+-]+@[\w-]+\.[\w.-]+\s*$", re.IGNORECASE
)
"""A licence, a link or an address."""
_OF_TIMES = re.compile(r"\b(?:AM|PM|GMT|UTC)\b|(?<=\d)[TZ]")


def columns_of_sentences(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[Column]:
    """The columns whose cells in the first rows may be sentences; all if there are no rows."""
    cells_of = zip(*rows, strict=True) if rows else [()] * len(columns)
    return [column for column, cells in zip(columns, cells_of, strict=True) if _may_be_sentences(cells)]


def _may_be_sentences(cells: Sequence[str]) -> bool:
    """Whether most cells of a column have letters, and are neither labels, alike except for numbers, nor notes."""
    filled = [cell for cell in cells if cell.strip()]
    if not cells:
        return True
    if sum(map(_has_words, filled)) <= _FEW_LETTERS * len(cells):
        return False
    if len(cells) < _ENOUGH_ROWS:
        return True
    values = len({re.sub(r"\d+", "", cell) for cell in cells})
    return not (values <= max(1, _FEW_VALUES * len(cells)) or sum(map(_is_note, filled)) >= _MOSTLY * len(cells))


def _is_note(cell: str) -> bool:
    return bool(_NOTES.search(cell))


def _has_words(cell: str) -> bool:
    """Whether a cell has letters, other than those of a time."""
    return any(map(str.isalpha, cell)) and any(map(str.isalpha, _OF_TIMES.sub("", cell)))


def count_titles(rows: Sequence[Sequence[str]], is_header: Callable[[Sequence[str]], bool]) -> int:
    """How many of the first rows stand above the header, with fewer filled cells; without a header, the comments."""

    def begins_table(number: int) -> bool:
        below = [row for row in rows[number:] if len(row) == len(rows[number])]
        return is_header(rows[number]) or has_heading(below)

    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    header = next(filter(begins_table, range(min(len(rows), MOST_TITLES + 1))), None)
    if header is None:
        comments = sum(1 for _ in takewhile(_is_comment, rows))
        return comments if comments < len(rows) and len(rows[comments]) > 1 else 0
    return header if all(count < filled[header] for count in filled[:header]) else 0


def _is_comment(row: Sequence[str]) -> bool:
    return row[0].startswith("#") and not any(row[1:])


def describe_header(has_header: bool, below_titles: str = "") -> str:
    """Whether a table has a header, for messages. below_titles: its line or row if others stand above it."""
    if not below_titles:
        return "with a header" if has_header else "no header recognised"
    header = f"with a header in {below_titles}" if has_header else f"no header recognised, rows from {below_titles} on"
    return f"{header} (what is above it is skipped)"


def has_heading(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns.

    It does if a cell of it has words above numbers, times or addresses only, or if its cells are short, without a full
    stop, above sentences.
    """
    first, later = (rows[0], rows[1:]) if len(rows) > _ENOUGH_ROWS else ((), ())
    filled = [
        (heading.strip(), [cell for cell in cells if cell.strip()])
        for heading, *cells in zip(first, *later, strict=True)
        if heading.strip()
    ]
    if len(filled) > _SIDES and any(_is_above_values(heading, cells) for heading, cells in filled):
        return True
    columns = [(heading, cells) for heading, cells in filled if _may_be_sentences(cells)]
    return len(columns) > 1 and all(_is_heading(heading) and _are_sentences(cells) for heading, cells in columns)


def _is_above_values(heading: str, cells: Sequence[str]) -> bool:
    is_label = _has_words(heading) and not _is_note(heading)
    return is_label and len(cells) >= _ENOUGH_ROWS and all(_is_note(cell) or not _has_words(cell) for cell in cells)


def _is_heading(cell: str) -> bool:
    return len(cell.split()) <= _WORDS_OF_HEADING and len(cell) <= _LONGEST_HEADING and not _END.search(cell)


def _are_sentences(cells: Sequence[str]) -> bool:
    return sum(bool(_END.search(cell)) for cell in cells) >= _MOSTLY * len(cells)
