"""What the first rows of a table of cells tell: which columns may hold sentences, and whether there is a header."""

import re
from collections.abc import Callable, Sequence

from seq2seq.data.formats.table import Column

CELL_START = 200
"""Characters of a cell that are enough to tell columns apart; a line may have 16 MiB."""
MOST_TITLES = 5
"""Rows above a header at most."""

_ENOUGH_ROWS = 10
# At most this share of the cells of a column of labels are different.
_FEW_VALUES = 0.05
# At most this share of the cells of a column of numbers has letters, such as its heading.
_FEW_LETTERS = 0.1
_WORDS_OF_HEADING, _LONGEST_HEADING = 3, 30
_MOSTLY = 0.9
_END = re.compile(r"[.!?…。！？।؟։။៕][\"'”’»)]*\s*$")
_LICENCE = re.compile(r"\bCC[- ](BY|0)\b|\blicen[cs]e|\battribution\b|©|https?://", re.IGNORECASE)


def columns_of_sentences(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[Column]:
    """The columns whose cells in the first rows may be sentences; all if there are no rows."""
    cells_of = zip(*rows, strict=True) if rows else [()] * len(columns)
    return [column for column, cells in zip(columns, cells_of, strict=True) if _may_be_sentences(cells)]


def _may_be_sentences(cells: Sequence[str]) -> bool:
    """Whether most cells of a column have letters, and are neither labels nor licences nor alike except for numbers."""
    filled = [cell for cell in cells if cell.strip()]
    if not cells:
        return True
    if sum(any(map(str.isalpha, cell)) for cell in filled) <= _FEW_LETTERS * len(cells):
        return False
    if len(cells) < _ENOUGH_ROWS:
        return True
    alike = len({re.sub(r"\d+", "", cell) for cell in cells}) == 1
    labels = len(set(cells)) <= _FEW_VALUES * len(cells)
    return not (alike or labels or all(_LICENCE.search(cell) for cell in cells))


def count_titles(rows: Sequence[Sequence[str]], is_header: Callable[[Sequence[str]], bool]) -> int:
    """How many of the first rows stand above the header, with fewer filled cells; 0 if there is no such header."""

    def begins_table(number: int) -> bool:
        below = [row for row in rows[number:] if len(row) == len(rows[number])]
        return is_header(rows[number]) or has_heading(below)

    filled = [sum(bool(cell.strip()) for cell in row) for row in rows]
    header = next(filter(begins_table, range(min(len(rows), MOST_TITLES + 1))), 0)
    return header if all(count < filled[header] for count in filled[:header]) else 0


def describe_header(has_header: bool, below_titles: str = "") -> str:
    """Whether a table has a header, for messages. below_titles: its line or row if others stand above it."""
    if not has_header:
        return "no header recognised"
    return f"with a header in {below_titles} (what is above it is skipped)" if below_titles else "with a header"


def has_heading(rows: Sequence[Sequence[str]]) -> bool:
    """Whether the first row names the columns: short, without a full stop, above cells that are sentences."""
    first, later = (rows[0], rows[1:]) if len(rows) > _ENOUGH_ROWS else ((), ())
    columns = [
        (heading.strip(), [cell for cell in cells if cell.strip()])
        for heading, *cells in zip(first, *later, strict=True)
        if heading.strip() and _may_be_sentences(cells)
    ]
    return len(columns) > 1 and all(_is_heading(heading) and _are_sentences(cells) for heading, cells in columns)


def _is_heading(cell: str) -> bool:
    return len(cell.split()) <= _WORDS_OF_HEADING and len(cell) <= _LONGEST_HEADING and not _END.search(cell)


def _are_sentences(cells: Sequence[str]) -> bool:
    return sum(bool(_END.search(cell)) for cell in cells) >= _MOSTLY * len(cells)
