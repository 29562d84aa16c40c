"""The tables: one entry a line, cells between bars, "#" before a comment."""

from pathlib import Path

_FOLDER = Path(__file__).parent / "tables"


def rows(name: str) -> list[list[str]]:
    """The entries of a table, each a list of its cells."""
    lines = (_FOLDER / name).read_text(encoding="utf-8").splitlines()
    return [[cell.strip() for cell in line.split("|")] for line in lines if line and not line.startswith("#")]


def padded(row: list[str], cells: int) -> list[str]:
    """The entry with empty cells where the line ends early."""
    return row + [""] * (cells - len(row))
