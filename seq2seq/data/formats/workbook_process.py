"""Print the sheets of a workbook as JSON lines: the name of each, then its rows. Runs as a process of its own.

Calamine holds a sheet as a full rectangle of cells, so that two cells in opposite corners, or a repeated one, would end
the process for lack of memory; damaged files can also make it panic or loop. Imports nothing of the package.
"""

import json
import sys
from collections.abc import Iterator
from contextlib import suppress
from typing import Any

MOST_MEMORY = 2**31
"""Bytes, where the system can limit them."""
MOST_SECONDS = 120
"""Of processor time."""
_MOST_NAMED = 5


def main(path: str) -> None:
    """Print the sheets, or an object with the error."""
    _limit_resources()
    try:
        for line in _lines(path):
            print(json.dumps(line))
    except BaseException as error:  # a panic in Rust is no Exception
        print(json.dumps({"error": f"{error}" or type(error).__name__}))


def _limit_resources() -> None:
    with suppress(ImportError):  # on Windows
        import resource

        for kind, limit in ((resource.RLIMIT_AS, MOST_MEMORY), (resource.RLIMIT_CPU, MOST_SECONDS)):
            with suppress(ValueError, OSError):  # macOS may refuse to limit memory
                _, hard = resource.getrlimit(kind)
                resource.setrlimit(kind, (limit if hard == resource.RLIM_INFINITY else min(limit, hard), hard))


def _lines(path: str) -> Iterator[Any]:
    """The name of each visible sheet, in quotes and with those of the others; then the number and the cells of each of
    its rows that is not blank.
    """
    from python_calamine import CalamineWorkbook, SheetTypeEnum, SheetVisibleEnum

    with open(path, "rb") as file:
        workbook = CalamineWorkbook.from_filelike(file)  # by its content, whatever its name
    names = [
        metadata.name
        for metadata in workbook.sheets_metadata
        if metadata.typ == SheetTypeEnum.WorkSheet and metadata.visible == SheetVisibleEnum.Visible
    ]
    for name in names:
        sheet = workbook.get_sheet_by_name(name)
        others = [repr(other) for other in names if other != name]
        listed = ", ".join(others[:_MOST_NAMED]) + f" and {len(others) - _MOST_NAMED} more" * (
            len(others) > _MOST_NAMED
        )
        yield f"{name!r} (not {listed}: to read another sheet, save it as a file)" if others else repr(name)
        first_row = sheet.start[0] + 1 if sheet.start else 1
        for number, row in enumerate(sheet.iter_rows(), start=first_row):
            if any(row):  # most blank rows, quickly
                cells = [_text(cell) for cell in row]
                if any(cell.strip() for cell in cells):
                    yield [number, *cells]


def _text(cell: object) -> str:
    """The text of a cell, which may be a number, a date or a Boolean."""
    return str(int(cell) if isinstance(cell, float) and cell.is_integer() else cell)


if __name__ == "__main__":
    main(sys.argv[1])
