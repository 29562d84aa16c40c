"""The sentences of one side of aligned files: lines, or the segments of an SGM file."""

import re
from collections.abc import Iterator
from pathlib import Path

from seq2seq.errors import InputError
from seq2seq.io.compression import compression_of
from seq2seq.io.file_type import type_of_file
from seq2seq.io.lines import DecodingErrors, read_lines
from seq2seq.io.xml_stream import inline_text, sgml_elements

_TABLE_SUFFIXES = (
    *("csv", "tsv", "json", "jsonl", "ndjson", "parquet", "arrow", "xlsx", "xls", "ods"),
    *("tmx", "xlf", "xliff", "po", "pot"),
)
# Those of which `translate` takes a column.
_COLUMN_SUFFIXES = ("csv", "tsv", "xlsx", "xls", "ods")
_DOCUMENTS = {
    **dict.fromkeys(("json", "jsonl", "ndjson"), "a JSON file"),
    **dict.fromkeys(("parquet", "arrow"), "a columnar table"),
    **dict.fromkeys(("po", "pot"), "a PO file"),
    **dict.fromkeys(("xlf", "xliff"), "an XLIFF file"),
    **dict.fromkeys(("htm", "html", "xhtml"), "an HTML page"),
    **dict.fromkeys(("srt", "vtt"), "a file of subtitles"),
    **dict.fromkeys(("doc", "docx", "odt", "rtf", "ppt", "pptx", "odp", "epub", "pdf"), "a formatted document"),
    **{"tmx": "a translation memory", "tbx": "a glossary"},
}
_SEGMENT = re.compile(r"<seg\b", re.IGNORECASE)


def read_sentences(
    path: str | Path, *, keep_bom: bool = False, encoding: str = "", errors: DecodingErrors = "strict"
) -> Iterator[str]:
    """The segments (`<seg>`) of an SGM file, as of WMT and IWSLT; the lines of any other, exactly as `read_lines`.

    Raises InputError if the file cannot be read, or is a table by its name.
    """
    expect_no_table(path)
    if Path(path).is_file() and type_of_file(path) == "sgm":
        return _segments(path, encoding)
    return read_lines(path, keep_bom=keep_bom, encoding=encoding, errors=errors)


def expect_no_table(path: str | Path) -> None:
    """Raises InputError if a file of sentences is a table of pairs by its suffix."""
    suffix = _suffix_of(path)
    if suffix.lower() in _TABLE_SUFFIXES:
        raise InputError(
            f"{path}: is a table of sentence pairs (.{suffix}), not a file with one sentence per line; "
            "tables are given with --train, --valid or --input"
        )


def expect_no_document(path: str | Path) -> None:
    """Raises InputError if a text to translate is a table or a document by its suffix."""
    suffix = _suffix_of(path)
    if suffix.lower() in _COLUMN_SUFFIXES:
        raise InputError(
            f"{path}: is a table (.{suffix}), not lines of text; give it with --table, and the column to "
            "translate with --src-column"
        )
    if document := _DOCUMENTS.get(suffix.lower()):
        raise InputError(
            f"{path}: is {document} (.{suffix}), which is not translated as text; save its text first, "
            "one sentence per line"
        )


def _suffix_of(path: str | Path) -> str:
    """The suffix of a file without a dot, or without that of its compression; empty if there is none."""
    name = Path(path).stem if compression_of(path) else Path(path).name
    return name.rpartition(".")[2] if "." in name else ""


def _segments(path: str | Path, encoding: str) -> Iterator[str]:
    expected = count = 0

    def chunks() -> Iterator[bytes]:
        nonlocal expected
        for line in read_lines(path, encoding=encoding, document="sgm"):
            expected += len(_SEGMENT.findall(line))
            yield f"{line}\n".encode()

    try:
        for element in sgml_elements(chunks(), "seg"):
            count += 1
            yield " ".join(inline_text(element).split("\n")).strip()
    except ValueError as error:
        raise InputError(f"{path}: cannot be read after segment {count:,} ({error})") from None
    if count != expected:
        raise InputError(f"{path}: {expected:,} segments begin with <seg>, but only {count:,} can be read")
