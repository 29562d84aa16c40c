"""A table is written again with a column of translations, and nothing else in it changes."""

import csv
import io
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result
from workbooks import write_ods, write_xlsx

from seq2seq import Translator
from seq2seq.cli import app

Run = Callable[..., Result]


@pytest.fixture
def run(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Translate a table with this name and content, in the current folder."""
    monkeypatch.chdir(tmp_path)

    def invoke(name: str, content: str | bytes | None, *options: str) -> Result:
        if content is not None:
            Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
        words = ["translate", str(trained), "--beam-size", "1", "--table", name, *options]
        return CliRunner().invoke(app, words)

    return invoke


def translate(trained: Path, *lines: str) -> list[str]:
    return Translator.load(trained).translate(lines, beam_size=1)


@pytest.mark.parametrize(
    ("name", "content", "expected"),
    [
        ("a.csv", "id,text\n1,un\n2,deux\n", "id,text,en\n1,un,{un}\n2,deux,{deux}\n"),
        ("a.tsv", "id\ttext\n1\tun\n2\tdeux\n", "id\ttext\ten\n1\tun\t{un}\n2\tdeux\t{deux}\n"),
        ("a.csv", '"id";"text"\r\n"1";"un"\r\n2;deux\r\n', '"id";"text";en\r\n"1";"un";{un}\r\n2;deux;{deux}\r\n'),
        ("a.csv", "\ufeffsep=;\nid;text\n\n 1; un \n\n2;\n", "\ufeffsep=;\nid;text;en\n\n 1; un ;{un}\n\n2;;\n"),
        ("a.csv", 'id,text\n1,"un\n\ndeux"  \n', 'id,text,en\n1,"un\n\ndeux","{un}\n\n{deux}"\n'),
        ("a.csv", 'text,"n,""m"\nun,"x,""y"\n', 'text,"n,""m",en\nun,"x,""y",{un}\n'),
        ("a.tsv", 'text\tn\nun\t"x" y"\n', 'text\tn\ten\nun\t"x" y"\t{un}\n'),
        ("a.txt", "text\nun\ndeux", "text\ten\nun\t{un}\ndeux\t{deux}\n"),
        ("a.csv", "text,n\n", "text,n,en\n"),
    ],
)
def test_a_column_is_added_and_nothing_changes(name: str, content: str, expected: str, run: Run, trained: Path) -> None:
    result = run(name, content, "--src-column", "text", "-o", "out")
    assert (result.exit_code, result.stdout) == (0, ""), result.stderr
    un, deux = translate(trained, "un", "deux")
    assert Path("out").read_bytes().decode() == expected.replace("{un}", un).replace("{deux}", deux)


def test_without_a_header_the_column_has_a_number(run: Run, trained: Path) -> None:
    un, deux = translate(trained, "un", "deux")
    result = run("a.csv", "fr,un\nen,deux\n", "--src-column", "2")
    assert result.stdout == f"fr,un,{un}\nen,deux,{deux}\n"


def test_thousands_of_rows_stay_in_order(run: Run, trained: Path) -> None:
    words = [("un", "deux", "", "trois\nsix")[n % 4] for n in range(2000)]
    file = io.StringIO()
    csv.writer(file).writerows([("n", "text"), *enumerate(words)])
    result = run("a.csv", file.getvalue(), "--src-column", "text", "--tgt-column", "new, one", "--buffer-size", "7")
    rows = list(csv.reader(io.StringIO(result.stdout)))
    assert rows[0] == ["n", "text", "new, one"]
    known = dict(zip(("un", "deux", "trois", "six"), translate(trained, "un", "deux", "trois", "six"), strict=True))
    expected = ["\n".join(known.get(line, "") for line in word.split("\n")) for word in words]
    assert rows[1:] == [[str(n), word, cell] for n, (word, cell) in enumerate(zip(words, expected, strict=True))]


@pytest.mark.parametrize(("otherwise", "cell"), [("blank", ""), ("source", '"un\nsix six six deux"')])
def test_an_unreliable_line_leaves_out_its_cell(otherwise: str, cell: str, run: Run) -> None:
    content = 'text,n\n"un\nsix six six deux",1\n,2\n'
    result = run("a.csv", content, "--src-column", "text", "--min-confidence", "100", "--else", otherwise)
    assert result.stdout == f'text,n,en\n"un\nsix six six deux",1,{cell}\n,2,\n'
    assert result.stderr == "seq2seq: 1 of 2 rows looks unreliable (row 1)\n"


@pytest.mark.parametrize("form", ["xlsx", "ods"])
@pytest.mark.parametrize(("output", "delimiter"), [("out.csv", ","), ("OUT.TSV", "\t")])
def test_a_spreadsheet_becomes_a_text_table(form: str, output: str, delimiter: str, run: Run, trained: Path) -> None:
    rows = [["n", "text"], ["1", 'un, "deux"'], ["2", "deux\ntrois"]]
    if form == "xlsx":
        write_xlsx(Path("a.xlsx"), {"Numbers": [[1, 2]], "Words": rows})
    else:
        write_ods(Path("a.ods"), [[cell.replace("\n", "") for cell in row] for row in rows])
        rows[2][1] = "deuxtrois"
    assert run(f"a.{form}", None, "--src-column", "text", "-o", output).exit_code == 0
    with open(output, newline="") as file:
        written = list(csv.reader(file, delimiter=delimiter, strict=True))
    cells = ["\n".join(translate(trained, *row[1].split("\n"))) for row in rows[1:]]
    assert written == [[*row, cell] for row, cell in zip(rows, ["en", *cells], strict=True)]


def test_what_is_above_the_header_stays(run: Run) -> None:
    result = run("a.csv", "Numbers\n\nid,text\n1,un\n2,un\n", "--src-column", "text")
    assert result.stdout.startswith("Numbers\n\nid,text,en\n1,un,"), result.stderr
    write_xlsx(Path("a.xlsx"), {"Words": [["Numbers", None], ["id", "text"], [1, "un"]]})
    assert run("a.xlsx", None, "--src-column", "text").stdout.startswith("Numbers,,\nid,text,en\n1,un,")


PO = 'msgid "un"\nmsgstr "one"\n'
TEXT = ("--src-column", "text")


@pytest.mark.parametrize(
    ("name", "content", "options", "message"),
    [
        ("a.csv", "id,text\n1,un\n2\n", TEXT, "a.csv, line 3: 1 column, expected 2 as in the first line"),
        ("a.csv", 'id,text\n1,un\n2,"a"b\n', TEXT, "a.csv, line 3: not valid CSV"),
        ("a.csv", b"id,text\n1,un\n2,\xff\n3,un\n", TEXT, "a.csv, line 3: not UTF-8"),
        ("a.csv", "text,en\nun,one\n", TEXT, "a.csv: has a column en already; name the new one with --tgt-column"),
        ("a.csv", "text,text\nun,deux\n", TEXT, "a.csv: has 2 columns named text"),
        ("a.csv", "id,texte\n1,un\n", TEXT, "a.csv: no text column text; it has 1 (id), 2 (texte)"),
        ("a.csv", "1,un\n", ("--src-column", "3"), "a.csv: no text column 3; it has 1 (1), 2 (un)"),
        ("a.csv", "id,text\r1,un\r2,deux\r", TEXT, "has several rows, separated by \\r"),
        ("a.po", PO, TEXT, "a.po: is a PO file; --table takes a CSV, a TSV or a spreadsheet"),
        ("a.jsonl", '{"text": "un"}\n', TEXT, "a.jsonl: is a JSON file; --table takes"),
        ("a.txt", "un ||| 1\n", ("--src-column", "1"), "a.txt: is separated by ` ||| `; --table takes"),
        ("a.csv", "", (), "--table needs --src-column"),
        ("a.csv", "", ("--src-column", "1", "--tgt-column", "en"), "leave out --tgt-column"),
        ("a.csv", "", (*TEXT, "--json"), "leave out --n-best, --scores and --json"),
        ("a.csv", "", (*TEXT, "-i", "b"), "--table and -i cannot be combined"),
        ("a.csv", "", (*TEXT, "-o", "a.csv"), "a.csv: is also an input"),
        ("a.csv", "", (*TEXT, "-o", "b.xlsx"), "b.xlsx: a table is written as CSV or TSV"),
        ("-", None, TEXT, "-: is read several times"),
        ("no.csv", None, TEXT, "no.csv: no such file"),
    ],
)
def test_error_line(name: str, content: str | None, options: tuple[str, ...], message: str, run: Run) -> None:
    result = run(name, content, *options)
    assert result.exit_code == 2
    (line,) = result.stderr.splitlines()
    assert message in line


def test_columns_without_a_table_are_an_error(trained: Path) -> None:
    result = CliRunner().invoke(app, ["translate", str(trained), "--src-column", "text"], input="un\n")
    assert (result.exit_code, "--src-column is for a --table, which is missing" in result.stderr) == (2, True)
