"""A table has the same pairs in every file format; an error in a row names its line."""

import csv
import io
import json
import re
import tracemalloc
from collections.abc import Callable, Iterator, Sequence
from itertools import chain
from pathlib import Path
from typing import Any
from xml.sax.saxutils import escape

import pyarrow
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pyarrow import parquet
from workbooks import write_ods, write_xls, write_xlsx

from seq2seq.data.columns import ColumnHints, choose_columns, is_header
from seq2seq.data.formats.delimited import Delimited
from seq2seq.data.formats.json_text import JsonText
from seq2seq.data.formats.opening import open_table
from seq2seq.errors import InputError

# Quotes, delimiters, Unicode line separators, and values that other readers treat as missing.
SENTENCES = [
    ("Habari ya asubuhi.", "Good morning."),
    ('Alisema "ndiyo", kisha akaondoka; haraka', 'He said "yes", then left; quickly'),
    ("NA", "null"),
    ("NaN", "None"),
    ("a\u2028b\u0085c\x0cd", "it's ünïcödé 日本語 😀"),
    ("", "empty source"),
    ("007", "1e5"),
    ("= SUM(A1)", "'quoted'"),
]


def write_csv(path: Path, rows: list[tuple[str, str]], delimiter: str, header: bool = True) -> None:
    with open(path, "w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, delimiter=delimiter)
        writer.writerows([*([("sw", "en")] if header else []), *rows])


def write_jsonl(path: Path, rows: list[tuple[str, str]], nested: bool) -> None:
    objects = [{"sw": src, "en": tgt} for src, tgt in rows]
    path.write_text(
        "".join(json.dumps({"id": 1, "translation": row} if nested else row) + "\n" for row in objects), "utf-8"
    )


def write_array(path: Path, rows: list[tuple[str, str]]) -> None:
    path.write_text(json.dumps([{"sw": src, "en": tgt} for src, tgt in rows], ensure_ascii=False, indent=1), "utf-8")


def write_parquet(path: Path, rows: list[tuple[str, str]], nested: bool) -> None:
    objects = [{"sw": src, "en": tgt} for src, tgt in rows]
    columns = {"translation": objects} if nested else {side: [row[side] for row in objects] for side in ("sw", "en")}
    parquet.write_table(pyarrow.table({"id": list(range(len(rows))), **columns}), path, row_group_size=3)


NO_FORM_FEEDS = [(src.replace("\x0c", ""), tgt) for src, tgt in SENTENCES]


def write_tmx(path: Path) -> None:
    units = "".join(
        f'<tu><tuv xml:lang="sw"><seg>{escape(src)}</seg></tuv><tuv xml:lang="en"><seg>{escape(tgt)}</seg></tuv></tu>'
        for src, tgt in NO_FORM_FEEDS
    )
    path.write_text(f'<tmx><header srclang="*all*"/><body>{units}</body></tmx>', "utf-8")


def write_xliff(path: Path) -> None:
    units = "".join(
        f"<trans-unit><source>{escape(src)}</source><target>{escape(tgt)}</target></trans-unit>"
        for src, tgt in NO_FORM_FEEDS
    )
    languages = 'source-language="sw" target-language="en"'
    path.write_text(f'<xliff version="1.2"><file {languages}><body>{units}</body></file></xliff>', "utf-8")


def write_po(path: Path) -> None:
    entries = "".join(
        f"msgid {json.dumps(src, ensure_ascii=False)}\nmsgstr {json.dumps(tgt, ensure_ascii=False)}\n\n"
        for src, tgt in NO_FORM_FEEDS
        if src
    )
    path.write_text(f'msgid ""\nmsgstr ""\n"X-Source-Language: sw\\n"\n"Language: en\\n"\n\n{entries}', "utf-8")


FORMATS: dict[str, Callable[[Path], object]] = {
    "pairs.tsv": lambda path: path.write_text("".join(f"{s}\t{t}\n" for s, t in SENTENCES), "utf-8"),
    "comma.csv": lambda path: write_csv(path, SENTENCES, ","),
    "semicolon.csv": lambda path: write_csv(path, SENTENCES, ";"),
    "tab.csv": lambda path: write_csv(path, SENTENCES, "\t"),
    "flat.jsonl": lambda path: write_jsonl(path, SENTENCES, nested=False),
    "nested.json": lambda path: write_jsonl(path, SENTENCES, nested=True),
    "array.json": lambda path: write_array(path, SENTENCES),
    "flat.parquet": lambda path: write_parquet(path, SENTENCES, nested=False),
    "nested.parquet": lambda path: write_parquet(path, SENTENCES, nested=True),
    "pairs.ods": lambda path: write_ods(path, [("sw", "en"), *NO_FORM_FEEDS]),
    "pairs.xls": lambda path: write_xls(path, [("sw", "en"), *SENTENCES]),
    "pairs.xlsx": lambda path: write_xlsx(path, {"Sheet": [("sw", "en"), *NO_FORM_FEEDS]}),
    "memory.tmx": write_tmx,
    "strings.xlf": write_xliff,
    "strings.po": write_po,
}
SWAHILI_ENGLISH = ColumnHints("sw", "en")


def read(path: Path, hints: ColumnHints = SWAHILI_ENGLISH) -> list[tuple[str, str]]:
    table = open_table(path, lambda cells, _: is_header(cells, hints))
    return [(src, tgt) for _, src, tgt in table.rows(*choose_columns(table, hints))]


def expected(name: str) -> list[tuple[str, str]]:
    """XML and PO files have no form feeds, and units with an empty side are no pairs."""
    pairs = SENTENCES if name.endswith(("sv", "json", "jsonl", "parquet", "xls")) else NO_FORM_FEEDS
    return [pair for pair in pairs if all(pair)] if name.endswith(("tmx", "xlf", "po")) else pairs


@pytest.mark.parametrize("name", FORMATS)
def test_every_format_gives_the_same_pairs(name: str, tmp_path: Path) -> None:
    FORMATS[name](tmp_path / name)
    assert read(tmp_path / name) == expected(name)


@pytest.mark.parametrize("name", [name for name in FORMATS if name != "pairs.tsv"])
def test_swapped_languages_swap_the_sides(name: str, tmp_path: Path) -> None:
    FORMATS[name](tmp_path / name)
    assert read(tmp_path / name, ColumnHints("en", "sw")) == [(tgt, src) for src, tgt in expected(name)]


cells = st.text(st.characters(codec="utf-8"), max_size=12)


@given(rows=st.lists(st.tuples(cells, cells), max_size=8), delimiter=st.sampled_from([",", ";"]))
@settings(deadline=None)
def test_csv_matches_the_standard_library(
    rows: list[tuple[str, str]], delimiter: str, tmp_path_factory: pytest.TempPathFactory
) -> None:
    path = tmp_path_factory.mktemp("csv") / "pairs.csv"
    write_csv(path, rows, delimiter)
    expected = list(csv.reader(io.StringIO(path.read_bytes().decode(), newline=""), delimiter=delimiter))[1:]
    # White space at the ends of cells, and of lines in cells, is not part of a sentence.
    assert list(map(one_line, read(path))) == list(map(one_line, expected))


def one_line(row: Sequence[str]) -> list[str]:
    return [re.sub(r"\s*\n\s*", " ", cell).strip() for cell in row]


@pytest.mark.parametrize(
    ("header", "hints"),
    [
        ("sw\ten", SWAHILI_ENGLISH),
        ("sw\ten", ColumnHints("sw")),
        ("source\ttarget", ColumnHints()),
        ("Kiswahili\tKiingereza", ColumnHints("", "", "Kiswahili", "Kiingereza")),
        ("", ColumnHints()),
        ("", ColumnHints("", "", "1", "2")),
    ],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_tsv_accepts_either_line_ending(header: str, hints: ColumnHints, end: str, tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes("".join(f"{line}{end}" for line in [header, "a\tb", "", "c\td", ""]).encode())
    assert read(tmp_path / "a.tsv", hints) == [("a", "b"), ("c", "d")]


def test_csv_accepts_carriage_returns_as_line_endings(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_bytes(b'sw,en\ra,"b\rc"\rd,e\r')
    table = open_table(tmp_path / "a.csv", lambda *_: True)
    assert list(table.rows(("sw",), ("en",))) == [(2, "a", "b\rc"), (4, "d", "e")]


@pytest.mark.parametrize(
    ("lines", "expected"),
    [
        (["hello, friend;bonjour", "a;b", "c;d"], ("hello, friend", "bonjour")),
        (["hello;bonjour, toi", "a, b;c", "d;e"], ("hello", "bonjour, toi")),
        (["hello; you,bonjour", "a,b"], ("hello; you", "bonjour")),
        (['"hello, friend";"bonjour"', '"a";"b"'], ("hello, friend", "bonjour")),
        (["a,b\tc", "d\te, f, g"], ("a,b", "c")),
        (["a;b", "c;d", '"e'], ("a", "b")),
    ],
)
def test_the_delimiter_is_inferred_from_the_first_rows(
    lines: list[str], expected: tuple[str, str], tmp_path: Path
) -> None:
    (tmp_path / "a.csv").write_text("\n".join(lines) + "\n")
    table = open_table(tmp_path / "a.csv", lambda *_: False)
    assert next(table.rows(("1",), ("2",)))[1:] == expected


@pytest.mark.parametrize("indent", [None, 0, 1, 4])
@pytest.mark.parametrize("count", [0, 1, 2, 300])
def test_an_array_is_read_element_by_element(indent: int | None, count: int, tmp_path: Path) -> None:
    """Whatever its line breaks and the sizes of its elements."""
    rows = [{"sw": f"[{'a,]' * (n % 50)}", "more": [1, {"b": "}\\"}], "en": "c\n" * (n % 7)} for n in range(count)]
    text = json.dumps(rows, indent=indent)
    for padded in (text, f" {text}\n \n\t"):
        for size in (1, 7, 100, 2**16):
            chunks = (padded[start : start + size] for start in range(0, len(padded), size))
            assert list(elements(chunks)) == rows


def elements(chunks: Iterator[str]) -> Iterator[Any]:
    text = JsonText(chunks, longest=10_000)
    yield from (text.value() for _ in text.elements())
    text.expect_end()


def test_reading_an_array_takes_the_memory_of_one_element() -> None:
    element = json.dumps({"sw": "a" * 1000, "en": "b"})
    lines = chain(["["], (f"{element}," for _ in range(3000)), [element, "]"])
    tracemalloc.start()
    assert sum(1 for _ in elements(lines)) == 3001
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 50 * len(element)


def test_a_json_column_is_text_if_any_row_has_text(tmp_path: Path) -> None:
    rows = [{"id": 1, "t": None}, {"id": 2, "t": {"sw": None, "en": "b"}}, {"id": 3, "t": {"sw": "c", "en": "d"}}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    assert read(tmp_path / "a.jsonl") == [("", ""), ("", "b"), ("c", "d")]


def test_dots_in_column_names_are_literal(tmp_path: Path) -> None:
    (tmp_path / "a.jsonl").write_text('{"s.sw": "a", "s.en": "b", "s": {"x.y": "c"}}\n')
    schema = {"s.sw": ["a"], "s.en": ["b"], "s": [{"x.y": "c"}]}
    parquet.write_table(pyarrow.table(schema), tmp_path / "a.parquet")
    for name in ("a.jsonl", "a.parquet"):
        assert read(tmp_path / name) == [("a", "b")]
        assert read(tmp_path / name, ColumnHints("", "", "s.x.y", "s.en")) == [("c", "b")]


def test_dictionary_encoded_values_are_text(tmp_path: Path) -> None:
    category = pyarrow.array(["a", "a", None]).dictionary_encode()
    parquet.write_table(pyarrow.table({"sw": category, "en": ["b", "c", "d"]}), tmp_path / "a.parquet")
    assert read(tmp_path / "a.parquet") == [("a", "b"), ("a", "c"), ("", "d")]


@pytest.mark.parametrize(
    "table",
    [
        pyarrow.table({"sw": pyarrow.array([b"\xff"]).view(pyarrow.string()), "en": ["b"]}),
        pyarrow.Table.from_arrays([pyarrow.array(["a"]), pyarrow.array(["b"])], names=["sw", "sw"]),
    ],
)
def test_unreadable_parquet_is_a_one_line_error(table: pyarrow.Table, tmp_path: Path) -> None:
    parquet.write_table(table, tmp_path / "a.parquet")
    with pytest.raises(InputError, match=r"a\.parquet: "):
        read(tmp_path / "a.parquet")


def test_unterminated_quote_is_a_one_line_error(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('"' + ("word" * 2**21 + "\n") * 3)
    with pytest.raises(InputError, match=r"a\.csv, line 1: not valid CSV \(field larger than field limit"):
        read(tmp_path / "a.csv")


def test_rows_report_the_line_they_begin_on(tmp_path: Path) -> None:
    (tmp_path / "a.csv").write_text('sw,en\n"a\nb",c\n\nd,e\n')
    table = open_table(tmp_path / "a.csv", lambda *_: True)
    assert [line for line, *_ in table.rows(("sw",), ("en",))] == [2, 5]
    (tmp_path / "a.jsonl").write_text('\n{"sw": "a", "en": "b"}\n\n{"sw": null, "en": "c"}\n')
    assert list(open_table(tmp_path / "a.jsonl", lambda *_: True).rows(("sw",), ("en",))) == [
        (2, "a", "b"),
        (4, "", "c"),
    ]


def test_old_macintosh_lines_of_a_tsv_are_named(tmp_path: Path) -> None:
    (tmp_path / "a.tsv").write_bytes(b"".join(b"The %d is here.\tHapa kuna %d.\r" % (n, n) for n in range(20)))
    with pytest.raises(InputError, match=r"its lines end in \\r, as old Macintosh programs write them"):
        open_table(tmp_path / "a.tsv", lambda *_: False)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("a.csv", b'sw,en\na,b\n"c,d\n', "a.csv, line 3: not valid CSV (unexpected end of data)"),
        ("a.csv", b'sw,en\na,"b"x\n', "a.csv, line 2: not valid CSV ("),
        ("a.csv", b"sw,en\na,b\nc\n", "a.csv, line 3: 1 column, expected 2 as in the first line"),
        ("a.csv", b"sw,en\na,b\nc,\xff\n", "a.csv, line 3: not UTF-8"),
        ("a.jsonl", b'{"sw": "a", "en": "b"}\n{"sw": \n', "a.jsonl, line 2: not valid JSON ("),
        ("a.jsonl", b'{"sw": "a", "en": "b"}\n{"sw": "a"}\n', "a.jsonl, line 2: has no en"),
        ("a.jsonl", b'{"sw": "a", "en": "b"}\n{"sw": 3, "en": "b"}\n', "a.jsonl, line 2: sw is not a string"),
        ("a.jsonl", b'{"sw": "a", "en": "b"}\n"a"\n', "a.jsonl, line 2: not a JSON object"),
        (
            "a.jsonl",
            b'{"sw": "a", "en": "b"}\n{"sw": "\\ud800", "en": "b"}\n',
            "line 2: sw is not valid Unicode (a lone surrogate)",
        ),
        ("a.json", b'[{"sw": "a", "en": "b"}, 3]', "a.json, element 2: not a JSON object"),
        ("a.json", b'[{"sw": "a", "en": "b"}', "a.json, element 2: not valid JSON (',' expected, but the file ends)"),
        ("a.jsonl", b"[" * 100_000, "a.jsonl, element 1: not valid JSON (nested too deeply)"),
        ("a.json", b'[{"sw": "a", "en": "b"},]', "a.json, element 2: not valid JSON (Expecting value)"),
        ("a.json", b'[{"sw": "a", "en": "b"}]\n[]', "a.json, element 2: not valid JSON (text after the end"),
        ("a.json", b'[{"sw": "a", "en": "b"} {}]', "a.json, element 2: not valid JSON (',' expected)"),
        ("a.parquet", b"PAR1 it is not", "a.parquet: not readable as Parquet ("),
        ("a.parquet", b"", "a.parquet: not readable as Parquet ("),
    ],
)
def test_errors_name_the_bad_row(name: str, content: bytes, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(content)
    with pytest.raises(InputError, match=re.escape(message)):
        read(tmp_path / name)


def test_corrupt_parquet_pages_are_an_input_error(tmp_path: Path) -> None:
    path = tmp_path / "a.parquet"
    write_parquet(path, SENTENCES * 50, nested=True)
    content = bytearray(path.read_bytes())
    for index in range(4, len(content) // 2, 7):
        content[index] ^= 0xFF
    path.write_bytes(content)
    with pytest.raises(InputError, match=re.escape(f"{path}: not readable as Parquet")):
        read(path)


@pytest.mark.parametrize("name", ["a.tsv", "a.csv", "a.jsonl"])
def test_empty_tables_have_no_rows(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(b"")
    table = open_table(tmp_path / name, lambda *_: False)
    if isinstance(table, Delimited):
        assert list(table.rows(("1",), ("2",))) == []
    else:
        with pytest.raises(InputError, match="It has no text columns"):
            choose_columns(table, ColumnHints())


SPOKEN = [("Where is the cat?", "Où est le chat ?"), ("I like tea, too.", "Moi aussi, j'aime le thé.")] * 10


@pytest.mark.parametrize(
    ("name", "lines", "pairs"),
    [
        ("pipe.csv", [f"{a}|{b}" for a, b in SPOKEN], SPOKEN),
        ("aligned.txt", [f"{a} ||| {b}" for a, b in SPOKEN], SPOKEN),
        ("excel.csv", ["sep=;\r", "source;target\r", *(f"{a};{b}\r" for a, b in SPOKEN)], SPOKEN),
        ("commas.csv", ["sep=;", *(f"{a};{b}, x" for a, b in SPOKEN)], [(a, f"{b}, x") for a, b in SPOKEN]),
        ("spaced.csv", ["source, target", *(f'"{a}", "{b}"' for a, b in SPOKEN)], SPOKEN),
        ("trailing.csv", [f'"{a}","{b}" ' for a, b in SPOKEN], SPOKEN),
        ("empty.csv", [f'"{a}","{b}",,' for a, b in SPOKEN], SPOKEN),
        ("index.csv", [",english,french", *(f'{n},"{a}","{b}"' for n, (a, b) in enumerate(SPOKEN))], SPOKEN),
        ("licence.txt", [f"{a}\t{b}\tCC-BY 2.0 #{n}" for n, (a, b) in enumerate(SPOKEN)], SPOKEN),
        ("numbers.tsv", [f"{n}\t{a}\t{n / 7:.2f}\t{b}" for n, (a, b) in enumerate(SPOKEN)], SPOKEN),
        ("digits.tsv", [f"line {n}\tligne {n}" for n in range(20)], [(f"line {n}", f"ligne {n}") for n in range(20)]),
        ("words.tsv", ["English\tFrench", *(f"{a}\t{b}" for a, b in SPOKEN)], SPOKEN),
        ("both.tsv", [f"{a} ||| x\t{b}" for a, b in SPOKEN], [(f"{a} ||| x", b) for a, b in SPOKEN]),
    ],
)
def test_tables_are_read_as_a_person_sees_them(
    name: str, lines: list[str], pairs: list[tuple[str, str]], tmp_path: Path
) -> None:
    (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    hints = ColumnHints()
    table = open_table(tmp_path / name, lambda cells, is_csv: is_header(cells, hints, usual=is_csv))
    rows = table.rows(*choose_columns(table, hints))
    assert [(src.strip(), tgt.strip()) for _, src, tgt in rows] == pairs


def test_long_cells_are_read_in_bounded_time_and_memory(tmp_path: Path) -> None:
    """Runs of blanks and brackets, for which a regular expression would take quadratic time."""
    (tmp_path / "a.csv").write_text("".join(f"{' ' * 300_000}x,{'(' * 300_000}{n}\n" for n in range(12)))
    (tmp_path / "a.tsv").write_text("".join(f"{'a' * 300_000}{n}\t{'b ' * 300_000}{n}\n" for n in range(12)))
    hints = ColumnHints()
    for name in ("a.csv", "a.tsv"):
        tracemalloc.start()
        table = open_table(tmp_path / name, lambda cells, is_csv: is_header(cells, hints, usual=is_csv))
        assert sum(1 for _ in table.rows(*choose_columns(table, hints))) == 12
        assert tracemalloc.get_traced_memory()[1] < 20_000_000
        tracemalloc.stop()


def test_elements_of_an_array_that_are_no_objects_are_skipped(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_text('[{"de": "a", "en": "b"}, 5, {"de": "c", "en": "d"}]')
    table = open_table(tmp_path / "a.json", lambda *_: True, invalid_lines="skip")
    assert [row[1:] for row in table.rows(("de",), ("en",))] == [("a", "b"), ("c", "d")]
    assert (table.invalid_rows.count, table.invalid_rows.lines) == (1, [2])
    with pytest.raises(InputError, match=r"element 2: not a JSON object .*; --invalid-lines skip leaves such rows out"):
        open_table(tmp_path / "a.json", lambda *_: True, invalid_lines="stop")
