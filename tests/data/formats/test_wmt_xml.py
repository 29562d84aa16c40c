"""Test sets of WMT: segments of sources next to those of the first reference in a language."""

from pathlib import Path

import pytest

from seq2seq.data.columns import ColumnHints, choose_columns
from seq2seq.data.formats.opening import open_table
from seq2seq.data.formats.table import Table, column_name
from seq2seq.errors import InputError

DOCUMENTS = """<doc origlang="en" id="a">
<src lang="en"><p><seg id="1">One &amp; two.</seg><seg id="2">Three.</seg></p><p><seg id="3">Four.</seg></p></src>
<ref lang="fr" translator="A"><p><seg id="1">Un et <b>deux</b>.</seg></p><p><seg id="3">Quatre.</seg></p></ref>
<ref lang="fr" translator="B"><p><seg id="1">no</seg></p></ref>
<hyp system="x" lang="fr"><p><seg id="2">no</seg></p></hyp>
</doc>
<doc id="b"><src lang="en"><p><seg id="1">Five.</seg></p></src><ref lang="fr"><p><seg id="1">Cinq.</seg></p></ref></doc>
"""
PAIRS = [(1, "One & two.", "Un et deux."), (3, "Four.", "Quatre."), (4, "Five.", "Cinq.")]


def opened(path: Path, documents: str = DOCUMENTS) -> Table:
    path.write_text(f'<?xml version="1.0"?>\n<dataset id="t"><collection id="c">{documents}</collection></dataset>')
    return open_table(path, lambda *_: False)


@pytest.mark.parametrize("name", ["a.xml", "a.en-fr.txt"])
def test_segments_are_paired_by_id(name: str, tmp_path: Path) -> None:
    table = opened(tmp_path / name)
    assert list(map(column_name, table.columns)) == ["en", "fr"]
    for _ in range(2):
        assert list(table.rows(*choose_columns(table, ColumnHints()))) == PAIRS
        assert table.omitted == {"units without a translation": 1}
    assert next(table.rows(*choose_columns(table, ColumnHints("fr", "en")))) == (1, "Un et deux.", "One & two.")


def test_segments_without_ids_and_languages_are_paired_in_order(tmp_path: Path) -> None:
    side = "<{0}><p><seg>a {0}</seg><seg>b {0}</seg></p></{0}>"
    table = opened(tmp_path / "a.xml", f"<doc>{side.format('src')}{side.format('ref')}</doc>")
    assert list(table.rows(("source",), ("target",))) == [(1, "a src", "a ref"), (2, "b src", "b ref")]


def test_damage_is_one_line(tmp_path: Path) -> None:
    table = opened(tmp_path / "a.xml")
    table.path.write_text(table.path.read_text()[:-40])
    with pytest.raises(InputError, match=r"a.xml: cannot be read after unit 1 \("):
        list(table.rows(("en",), ("fr",)))
