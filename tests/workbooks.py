"""Small workbooks for tests: xlsx, ods, and xls of 1997."""

import struct
import zipfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from xml.sax.saxutils import escape

Rows = Sequence[Sequence[str | float | None]]

_MAIN = 'xmlns="http://schemas.openxmlformats.org/spreadsheetml/2006/main"'
_RELATIONSHIPS = "http://schemas.openxmlformats.org/{}/2006/relationships"
_ODS = "urn:oasis:names:tc:opendocument:xmlns:{}:1.0"
_END, _FREE, _FAT = 0xFFFFFFFE, 0xFFFFFFFF, 0xFFFFFFFD
_SECTOR = 512


def write_xlsx(path: Path, sheets: Mapping[str, Rows | str]) -> None:
    """sheets: by name, the rows or the XML of the sheet's data."""
    numbered = list(enumerate(sheets.items(), start=1))
    document = _RELATIONSHIPS.format("officeDocument")
    entries = "".join(f'<sheet name="{name}" sheetId="{n}" r:id="r{n}"/>' for n, (name, _) in numbered)
    targets = "".join(
        f'<Relationship Id="r{n}" Type="{document}/worksheet" Target="worksheets/sheet{n}.xml"/>' for n, _ in numbered
    )
    package = f'xmlns="{_RELATIONSHIPS.format("package")}"'
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("[Content_Types].xml", "<Types/>")
        archive.writestr(
            "_rels/.rels",
            f"<Relationships {package}>"
            f'<Relationship Id="r1" Type="{document}/officeDocument" Target="xl/workbook.xml"/></Relationships>',
        )
        archive.writestr(
            "xl/workbook.xml", f'<workbook {_MAIN} xmlns:r="{document}"><sheets>{entries}</sheets></workbook>'
        )
        archive.writestr("xl/_rels/workbook.xml.rels", f"<Relationships {package}>{targets}</Relationships>")
        for n, (_, rows) in numbered:
            data = rows if isinstance(rows, str) else "".join(_xlsx_row(r, row) for r, row in enumerate(rows, start=1))
            archive.writestr(
                f"xl/worksheets/sheet{n}.xml", f"<worksheet {_MAIN}><sheetData>{data}</sheetData></worksheet>"
            )


def _xlsx_row(number: int, row: Sequence[str | float | None]) -> str:
    cells = [
        f'<c r="{chr(ord("A") + n)}{number}" t="inlineStr"><is><t>{escape(cell)}</t></is></c>'
        if isinstance(cell, str)
        else f'<c r="{chr(ord("A") + n)}{number}"><v>{cell}</v></c>'
        for n, cell in enumerate(row)
        if cell is not None
    ]
    return f'<row r="{number}">{"".join(cells)}</row>'


def write_ods(path: Path, rows: Rows | str) -> None:
    """rows: of the only sheet, or their XML."""
    names = " ".join(f'xmlns:{name}="{_ODS.format(name)}"' for name in ("office", "table", "text"))
    cell = '<table:table-cell office:value-type="string"><text:p>{}</text:p></table:table-cell>'
    data = (
        rows
        if isinstance(rows, str)
        else "".join(
            f"<table:table-row>{''.join(cell.format(escape(str(text))) for text in row)}</table:table-row>"
            for row in rows
        )
    )
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("mimetype", "application/vnd.oasis.opendocument.spreadsheet", zipfile.ZIP_STORED)
        archive.writestr("META-INF/manifest.xml", f'<m:manifest xmlns:m="{_ODS.format("manifest")}"/>')
        archive.writestr(
            "content.xml",
            f"<office:document-content {names}><office:body><office:spreadsheet>"
            f'<table:table table:name="Sheet">{data}</table:table>'
            "</office:spreadsheet></office:body></office:document-content>",
        )


def write_xls(path: Path, rows: Rows) -> None:
    """A workbook of one sheet."""
    begin = struct.pack("<HHHHII", 0x600, 0x10, 0, 0, 0, 0x600)
    labels = b"".join(
        _record(0x204, struct.pack("<HHHHB", r, c, 0, len(text := str(cell).encode("utf-16-le")) // 2, 1) + text)
        for r, row in enumerate(rows)
        for c, cell in enumerate(row)
    )
    sheet = _record(0x809, begin) + labels + _record(0xA, b"")
    opening = _record(0x809, begin.replace(b"\x10", b"\x05", 1))
    length = len(opening) + 4 + 13 + 4
    bound = _record(0x85, struct.pack("<IBBBB", length, 0, 0, 5, 0) + b"Words")
    path.write_bytes(compound_file("Workbook", opening + bound + _record(0xA, b"") + sheet))


def _record(kind: int, data: bytes) -> bytes:
    return struct.pack("<HH", kind, len(data)) + data


def compound_file(name: str, data: bytes) -> bytes:
    """A compound file (OLE) with one stream."""
    data = data.ljust(4096, b"\0")
    count = -(-len(data) // _SECTOR)
    entries = [("Root Entry", 5, 1, _END, 0), (name, 2, _FREE, 0, len(data))]  # name, kind, child, start, size
    folder = b"".join(
        struct.pack("<64sHBBIII", title.encode("utf-16-le"), 2 * len(title) + 2, kind, 1, _FREE, _FREE, child)
        + struct.pack("<36xIQ", start, size)
        for title, kind, child, start, size in entries
    )
    table = [*range(1, count), _END, _END, _FAT]
    signature = b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"
    starts = (0, 1, count, 0, 4096, _END, 0, _END, 0, count + 1)
    header = struct.pack("<8s16xHHHHH6x10I", signature, 0x3E, 3, 0xFFFE, 9, 6, *starts)
    sectors = [
        header.ljust(_SECTOR, b"\xff"),
        data.ljust(count * _SECTOR, b"\0"),
        folder.ljust(_SECTOR, b"\0"),
        struct.pack(f"<{len(table)}I", *table).ljust(_SECTOR, b"\xff"),
    ]
    return b"".join(sectors)
