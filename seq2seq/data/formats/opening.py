"""Which format a table of sentence pairs has: by its content, and by its suffix where that does not tell."""

import re
from pathlib import Path

from seq2seq.data.formats.columnar import ArrowTable, ParquetTable
from seq2seq.data.formats.delimited import Delimited, IsHeader, Layout
from seq2seq.data.formats.json_table import JsonTable
from seq2seq.data.formats.po import PoTable
from seq2seq.data.formats.spreadsheet import Spreadsheet
from seq2seq.data.formats.table import InvalidLines, Table
from seq2seq.data.formats.wmt_xml import WmtTable
from seq2seq.data.formats.xml_units import TmxTable, XliffTable
from seq2seq.errors import InputError
from seq2seq.io.compression import compression_of
from seq2seq.io.file_type import type_of_file
from seq2seq.io.lines import read_lines
from seq2seq.io.type_names import description_of

INFERRED = Layout()
_BY_SUFFIX = {
    **dict.fromkeys(("jsonl", "json", "ndjson"), "json"),
    **{"parquet": "parquet", "arrow": "arrow-stream"},
    **{"tmx": "tmx", "xlf": "xliff", "xliff": "xliff", "po": "po", "pot": "po"},
}
# An object or array, or the start of one that spans lines: not `[Music]` or `{0} files`.
_JSON = re.compile(r'\s*([\[{]\s*)+("|$)')


def open_table(path: Path, is_header: IsHeader, layout: Layout = INFERRED, invalid_lines: InvalidLines = None) -> Table:
    """The table in a file.

    layout: of a TSV or CSV; what it does not specify is inferred, the header by `is_header`.
    invalid_lines: see `InvalidRows`.
    Raises InputError if the file cannot be read.
    """
    match table_kind(path, layout.encoding):
        case "parquet":
            return ParquetTable(path)
        case "arrow" | "arrow-stream" as kind:
            return ArrowTable(path, is_stream=kind == "arrow-stream")
        case "json":
            return JsonTable(path, layout.encoding, invalid_lines)
        case "tmx":
            return TmxTable(path, layout.encoding, invalid_lines)
        case "xliff":
            return XliffTable(path, layout.encoding, invalid_lines)
        case "wmt":
            return WmtTable(path, layout.encoding, invalid_lines)
        case "xlsx" | "ods" | "ole":
            return Spreadsheet(path, is_header)
        case "po":
            return PoTable(path, layout.encoding, invalid_lines)
        case "":
            return Delimited(path, is_named_csv(path), is_header, layout, invalid_lines)
        case kind:
            raise InputError(f"{path}: is {description_of(kind)}")


def table_kind(path: Path, encoding: str = "") -> str:
    """The type of a table (`type_names.py`), or `json`; empty for a TSV or CSV."""
    suffix = _suffix_of(path)
    kind, named = type_of_file(path), _BY_SUFFIX.get(suffix, "")
    # The root of an XML file may follow a long comment.
    kind = named if not kind or (kind == "xml" and named in ("tmx", "xliff")) else kind
    return "json" if not kind and suffix not in ("csv", "tsv") and _is_json(path, encoding) else kind


def is_named_csv(path: Path) -> bool:
    """Whether the name of a file says that it is a CSV."""
    return _suffix_of(path) == "csv"


def _suffix_of(path: Path) -> str:
    """The suffix of a table, without that of its compression; in lower case."""
    name = path.stem if compression_of(path) else path.name
    return name.rpartition(".")[2].lower()


def _is_json(path: Path, encoding: str) -> bool:
    try:
        return bool(_JSON.match(next(read_lines(path, encoding=encoding), "")))
    except InputError:  # reported when the rows are read
        return False
