"""Arrow and Parquet files with a few bytes changed are read or refused; the process that reads them lives on."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pyarrow
import pytest
from pyarrow import parquet

FUZZ = """
import random
from pathlib import Path
from seq2seq.errors import InputError
from seq2seq.text.tables import open_table

whole, result = Path(argument["file"]).read_bytes(), {"refused": 0, "works": 0}
path = Path(argument["file"]).with_name("mutated" + Path(argument["file"]).suffix)
for seed in range(argument["count"]):
    draw, data = random.Random(seed), bytearray(whole)
    for _ in range(draw.randrange(1, 6)):
        data[draw.randrange(len(data))] = draw.choice([0, 1, 0x7F, 0x80, 0xFF, draw.randrange(256)])
    path.write_bytes(data)
    try:
        table = open_table(path, lambda *_: False)
        for column in table.columns:
            for line, src, tgt in table.rows(column, column):
                assert isinstance(src, str) and isinstance(tgt, str)
        result["works"] += 1
    except InputError as error:
        assert str(error).startswith(str(path)) and "\\n" not in str(error) and len(str(error)) < 600, (seed, error)
        result["refused"] += 1
"""


def table() -> pyarrow.Table:
    texts = [f"sentence {number} é" for number in range(40)]
    return pyarrow.table(
        {
            "src": texts,
            "tgt": pyarrow.array(texts[::-1], pyarrow.large_string()),
            "kind": pyarrow.array(["a", "b", None, "a"] * 10).dictionary_encode(),
            "translation": [{"de": text, "en": text.upper()} for text in texts],
        }
    )


def write_arrow(path: Path) -> None:
    with pyarrow.OSFile(str(path), "wb") as sink, pyarrow.ipc.new_stream(sink, table().schema) as writer:
        writer.write_table(table(), max_chunksize=15)


@pytest.mark.parametrize("kind", ["arrow", "parquet"])
def test_mutated_tables_are_refused_or_read(kind: str, tmp_path: Path, contained: Callable[..., Any]) -> None:
    """Of files in Arrow's format an eighth ended in a memory fault."""
    path = tmp_path / f"table.{kind}"
    if kind == "arrow":
        write_arrow(path)
    else:
        parquet.write_table(table(), path)
    counts = contained(FUZZ, {"file": str(path), "count": 500}, 4000)
    assert sum(counts.values()) == 500
    assert min(counts.values()) > 20
