"""Which columns of a table of cells may hold sentences, by their first cells."""

import re
from collections.abc import Sequence

from seq2seq.data.formats.table import Column

CELL_START = 200
"""Characters of a cell that are enough to tell columns apart; a line may have 16 MiB."""

_ENOUGH_ROWS = 10
# At most this share of the cells of a column of labels are different.
_FEW_VALUES = 0.05
_LICENCE = re.compile(r"\bCC[- ](BY|0)\b|\blicen[cs]e|\battribution\b|©|https?://", re.IGNORECASE)


def sentence_columns(columns: Sequence[Column], rows: Sequence[Sequence[str]]) -> list[Column]:
    """The columns whose cells in the first rows may be sentences; all if there are no rows."""
    cells_of = zip(*rows, strict=True) if rows else [()] * len(columns)
    return [column for column, cells in zip(columns, cells_of, strict=True) if _may_be_sentences(cells)]


def _may_be_sentences(cells: Sequence[str]) -> bool:
    """Whether the first cells of a column are none of: blank, without letters, alike except for numbers, labels."""
    if not cells:
        return True
    if not any(character.isalpha() for cell in cells for character in cell):
        return False
    if len(cells) < _ENOUGH_ROWS:
        return True
    alike = len({re.sub(r"\d+", "", cell) for cell in cells}) == 1
    labels = len(set(cells)) <= _FEW_VALUES * len(cells)
    return not (alike or labels or all(_LICENCE.search(cell) for cell in cells))
