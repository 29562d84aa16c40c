"""Parquet and Arrow with every kind of text."""

from collections.abc import Callable
from pathlib import Path

import pyarrow
import pytest
from pyarrow import feather, parquet

from seq2seq.data.columns import ColumnHints, choose_columns
from seq2seq.data.formats.opening import open_table
from seq2seq.errors import InputError

PAIRS = [("paka", "cat"), ("mbwa", "dog"), ("ndege wa angani", "bird in the sky, quite a long one")]


def columns(of_type: pyarrow.DataType) -> pyarrow.Table:
    sides = zip(*PAIRS, strict=True)
    return pyarrow.table(
        {name: pyarrow.array(side).cast(of_type) for name, side in zip(("sw", "en"), sides, strict=True)}
    )


def write_stream(table: pyarrow.Table, path: Path) -> None:
    with pyarrow.ipc.new_stream(path, table.schema) as writer:
        writer.write_table(table)


WRITERS: dict[str, Callable[[pyarrow.Table, Path], None]] = {
    "parquet": parquet.write_table,
    "arrow stream": write_stream,
    "feather": lambda table, path: feather.write_feather(table, str(path), compression="uncompressed"),
}
TYPES = [
    *(pyarrow.string(), pyarrow.large_string(), pyarrow.string_view()),
    *(pyarrow.binary(), pyarrow.large_binary(), pyarrow.binary_view()),
]


@pytest.mark.parametrize("writer", WRITERS)
@pytest.mark.parametrize("of_type", TYPES, ids=str)
def test_every_type_of_text_is_read(writer: str, of_type: pyarrow.DataType, tmp_path: Path) -> None:
    """Whatever the suffix: the content decides."""
    WRITERS[writer](columns(of_type), tmp_path / "pairs.bin")
    table = open_table(tmp_path / "pairs.bin", lambda *_: False)
    rows = list(table.rows(*choose_columns(table, ColumnHints("sw", "en"))))
    assert rows == [(number, *pair) for number, pair in enumerate(PAIRS, start=1)]


def test_translations_with_a_list_of_languages(tmp_path: Path) -> None:
    rows = [{"language": ["en", "sw"], "translation": [tgt, src]} for src, tgt in PAIRS]
    rows += [{"language": ["sw"], "translation": ["pekee"]}]
    parquet.write_table(pyarrow.table({"id": list("abcd"), "translation": rows}), tmp_path / "a.parquet")
    table = open_table(tmp_path / "a.parquet", lambda *_: False)
    assert [row[1:] for row in table.rows(*choose_columns(table, ColumnHints("sw", "en")))] == [*PAIRS, ("pekee", "")]


def test_bytes_are_no_text_next_to_two_columns_of_text(tmp_path: Path) -> None:
    table = columns(pyarrow.string()).append_column("image", pyarrow.array([b"\xff", b"\x00", b"\x89PNG"]))
    parquet.write_table(table, tmp_path / "a.parquet")
    opened = open_table(tmp_path / "a.parquet", lambda *_: False)
    assert opened.columns == [("sw",), ("en",)]


def test_bytes_that_are_not_utf8_are_an_error(tmp_path: Path) -> None:
    table = pyarrow.table({"sw": [b"a", b"\xff"], "en": [b"b", b"c"]})
    parquet.write_table(table, tmp_path / "a.parquet")
    opened = open_table(tmp_path / "a.parquet", lambda *_: False)
    with pytest.raises(InputError, match=r"a\.parquet: a column of bytes is not UTF-8 text"):
        list(opened.rows(("sw",), ("en",)))
