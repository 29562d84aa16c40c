"""JSON in its usual shapes gives the same pairs; what cannot be read is named."""

import json
import re
import tracemalloc
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from seq2seq.data.columns import ColumnHints, choose_columns
from seq2seq.data.formats.json_table import JsonTable
from seq2seq.data.formats.json_text import JsonText
from seq2seq.data.formats.opening import open_table
from seq2seq.errors import InputError

PAIRS = [(f"paka {n}", f"cat {n}") for n in range(30)]
OBJECTS = [{"sw": src, "en": tgt} for src, tgt in PAIRS]
ROW_NUMBERS = {name: {str(n): row[name] for n, row in enumerate(OBJECTS)} for name in ("sw", "en")}
VARIABLE = [{"translation": {"language": ["en", "sw", "en"], "translation": [t, s, "x"]}} for s, t in PAIRS]
SECOND = [{"language": "en", "value": "x"}]
SHAPES: dict[str, Callable[[], Any]] = {
    "wrapped": lambda: {"version": 1, "tags": [], "data": OBJECTS, "more": {"a": "b"}},
    "columns": lambda: {"id": list(range(30)), "sw": [s for s, _ in PAIRS], "en": [t for _, t in PAIRS]},
    "pandas columns": lambda: ROW_NUMBERS,
    "pandas split": lambda: {"columns": ["sw", "en"], "index": list(range(30)), "data": [list(p) for p in PAIRS]},
    "lists": lambda: [list(pair) for pair in PAIRS],
    "by language": lambda: [[{"lang": "en", "text": t}, {"lang": "sw", "text": s}] for s, t in PAIRS],
    "by language in a field": lambda: [
        {
            "id": n,
            "texts": [{"language": "sw", "value": s}, {"language": "en", "value": t}, {"language": "en", "value": "x"}],
        }
        for n, (s, t) in enumerate(PAIRS)
    ],
    "sentences and translations": lambda: dict(PAIRS),
    "sentences and lists of translations": lambda: {src: [tgt] for src, tgt in PAIRS},
    "rows under keys": lambda: {f"menu.item{n}": row for n, row in enumerate(OBJECTS)},
    "one reference": lambda: [{"source": src, "target": [tgt]} for src, tgt in PAIRS],
    "variable languages": lambda: VARIABLE,
}


def read(table: Any, hints: ColumnHints) -> list[tuple[str, str]]:
    return [(src, tgt) for _, src, tgt in table.rows(*choose_columns(table, hints))]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("indent", [None, 2])
@pytest.mark.parametrize("name", ["a.json", "a.data"])
def test_every_shape_gives_the_same_pairs(shape: str, indent: int | None, name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text(json.dumps(SHAPES[shape](), indent=indent))
    table = open_table(tmp_path / name, lambda *_: False)
    assert (
        read(table, ColumnHints("sw", "en") if table.is_named and shape != "one reference" else ColumnHints()) == PAIRS
    )


def test_lines_may_be_arrays(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(pair)}\n" for pair in PAIRS))
    assert read(JsonTable(tmp_path / "a.jsonl"), ColumnHints()) == PAIRS


def test_lines_may_be_texts_by_language(tmp_path: Path) -> None:
    rows = [[{"text": t, "lang": "en"}, {"text": s, "lang": "sw"}] for s, t in PAIRS]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert read(JsonTable(tmp_path / "a.jsonl"), ColumnHints("sw", "en")) == PAIRS


@pytest.mark.parametrize("indent", [None, 2])
def test_strings_under_names_are_no_pairs(indent: int | None, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(
        json.dumps({f"menu.item{n}": text for n, (_, text) in enumerate(PAIRS)}, indent=indent)
    )
    with pytest.raises(InputError, match=r"keys look like names, not sentences \(menu.item0, menu.item1\); expected"):
        JsonTable(tmp_path / "a.json")


def test_pairs_within_rows_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(json.dumps({"units": [{"name": "a", "phrases": OBJECTS}] * 2}))
    with pytest.raises(InputError, match=r"its rows hold arrays of objects \(phrases\), not two sentences; write"):
        open_table(tmp_path / "a.json", lambda *_: False)


def test_a_list_of_translations_is_a_pair_with_each(tmp_path: Path) -> None:
    rows = [{"src": "a", "tgt": ["b", "c"]}, {"src": ["d", "e"], "tgt": ["f", "g"]}, {"src": "h", "tgt": []}]
    (tmp_path / "a.jsonl").write_text("".join(f"{json.dumps(row)}\n" for row in rows))
    assert read(JsonTable(tmp_path / "a.jsonl"), ColumnHints()) == [
        ("a", "b"), ("a", "c"), ("d", "f"), ("e", "g"), ("h", "")
    ]  # fmt: skip


def test_one_line_may_be_longer_than_a_line_of_text(tmp_path: Path) -> None:
    """An array on one line of over 16 MiB, in memory that does not grow with it."""
    rows = [{"sw": f"{n} " + "a" * 1000, "en": "b"} for n in range(17_000)]
    (tmp_path / "a.json").write_text(json.dumps(rows))
    table = JsonTable(tmp_path / "a.json")
    tracemalloc.start()
    assert sum(1 for _ in table.rows(("sw",), ("en",))) == len(rows)
    assert tracemalloc.get_traced_memory()[1] < 2_000_000
    tracemalloc.stop()


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (
            '{"train": [{"sw": "a"}], "test": [{"sw": "a"}]}',
            "several arrays of rows (train, test); write each to a file",
        ),
        ('{"sw": ["a", "b"], "en": ["c"]}', "the columns differ in length; en has 1"),
        (
            "{'sw': 'a', 'en': 'b'}",
            "line 1: not valid JSON (.*); this looks like Python, write the rows with json.dumps",
        ),
        ('{"src": ["a", "b"], "tgt": ["c", "d", "e"]}\n' * 2, "line 1: 2 source sentences but 3 target sentences"),
        (
            '{"sw": {"hi": "a", "bye": "b"}, "en": {"bye": "c", "hi": "d"}}',
            "row 1: its key is 'hi' in sw, but 'bye' in en",
        ),
        (
            json.dumps({language: {"menu": {"open": "a", "close": "b"}} for language in ("en", "sw")}, indent=1),
            'nested messages (such as en.menu.open), not of rows; write each message with its translation, {"open": {',
        ),
        (
            json.dumps({language: {"ok": "a", "menu": {"open": "b"}} for language in ("en", "sw")}, indent=1),
            "such as en.menu.open",
        ),
        (json.dumps({f"part{n}": {f"title{n}": "a", "more": {}} for n in range(12)}), "such as part0.title0"),
        ('{"data": {"rows": [{"sw": "a"}]},\n "n": 1}', "a JSON object without an array of rows at its top level"),
        ('{"data": [{"sw": "a", "en": "b"}]} more', "not valid JSON (text after the end)"),
        ('{"data": [{"sw": "a", "en": "b"}, {"sw": ', "element 2: not valid JSON"),
        ('{"data": ' + "[" * 100_000, "element 1: not valid JSON (nested too deeply)"),
    ],
)
def test_what_cannot_be_read_is_named(content: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text(content)
    with pytest.raises(InputError, match=re.escape(message).replace(r"\.\*", ".*")):
        read(JsonTable(tmp_path / "a.json"), ColumnHints())


def test_lines_that_are_no_json_are_skipped_wherever_they_are(tmp_path: Path) -> None:
    lines = [f"{json.dumps(row)}\n".encode() for row in OBJECTS]
    for number in (0, 1, 20):
        for damaged in (b'{"sw": "a", "en": "b"\n', b'{"sw": "caf\xe9", "en": "b"}\n'):
            (tmp_path / "a.jsonl").write_bytes(b"".join([*lines[:number], damaged, *lines[number:]]))
            table = JsonTable(tmp_path / "a.jsonl", invalid_lines="skip")
            assert read(table, ColumnHints("sw", "en")) == PAIRS
            assert table.invalid_rows.lines == [number + 1]


@pytest.mark.parametrize("number", ["1.5", "1e5", "-1", "12"])
def test_a_number_may_lie_across_blocks(number: str) -> None:
    for split in range(1, len(number) + 1):
        text = JsonText(iter([f"[{number[:split]}", number[split:], "]"]), longest=100)
        assert [text.value() for _ in text.elements()] == [json.loads(number)]


def test_an_error_of_encoding_names_its_line(tmp_path: Path) -> None:
    rows = [{"sw": f"a{n}", "en": "b"} for n in range(200)]
    content = json.dumps(rows, indent=1).encode().replace(b"a150", b"a\xff")
    (tmp_path / "a.json").write_bytes(content)
    line = content[: content.index(b"\xff")].count(b"\n") + 1
    with pytest.raises(InputError, match=rf"line {line}: not UTF-8"):
        list(JsonTable(tmp_path / "a.json").rows(("sw",), ("en",)))


def test_more_rows_under_keys_than_a_table_has_columns(tmp_path: Path) -> None:
    rows = {f"key{n}": {"sw": f"a {n}", "note": n, "en": f"b {n}"} for n in range(500)}
    (tmp_path / "a.json").write_text(json.dumps(rows))
    assert read(JsonTable(tmp_path / "a.json"), ColumnHints()) == [(f"a {n}", f"b {n}") for n in range(500)]
    (tmp_path / "a.json").write_text(json.dumps(rows, indent=1) + "x")
    with pytest.raises(InputError, match="member 501: not valid JSON"):
        read(JsonTable(tmp_path / "a.json"), ColumnHints())
