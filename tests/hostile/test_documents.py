"""Documents made to exhaust memory or to have other files read: one line, quickly."""

import zipfile
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from workbooks import write_ods, write_xlsx

READ = """
from pathlib import Path
from seq2seq.data.formats.opening import open_table
from seq2seq.data.sentences import read_sentences
from seq2seq.errors import InputError

try:
    if argument.endswith(".sgm"):
        result = list(read_sentences(argument))
    else:
        table = open_table(Path(argument), lambda *_: False)
        result = list(table.rows(*table.columns[:2]))[:3] if len(table.columns) > 1 else []
except InputError as error:
    result = str(error)
"""
PAIR = '<tuv xml:lang="en"><seg>{}</seg></tuv><tuv xml:lang="fr"><seg>b</seg></tuv>'
LAUGHS = '<!ENTITY l0 "lol">' + "".join(f'<!ENTITY l{n} "{f"&l{n - 1};" * 10}">' for n in range(1, 12))
CELL = '<table:table-cell office:value-type="string"{}><text:p>{}</text:p></table:table-cell>'


def tmx(unit: str, entities: str = "") -> str:
    return f'<!DOCTYPE tmx [{entities}]><tmx><header srclang="en"/><body><tu>{unit}</tu></body></tmx>'


DOCUMENTS = {
    "laughs.tmx": (tmx(PAIR.format("&l11;"), LAUGHS), "entity amplification"),
    "attribute.tmx": (
        tmx(PAIR.format("a").replace("<seg>", '<seg x="&l11;">'), LAUGHS),
        "Maximum entity amplification",
    ),
    "external.tmx": (
        tmx(PAIR.format("&x;"), '<!ENTITY x SYSTEM "file:///etc/hostname">'),
        "the entity &x; is not read; write its text instead",
    ),
    "parameter.tmx": (
        tmx(PAIR.format("&y;"), '<!ENTITY % x SYSTEM "file:///etc/hostname"> %x;'),
        "the entity &y; is not read",
    ),
    "deep.tmx": (tmx(PAIR.format("<hi>" * 100_000)), "Excessive depth"),
    "long.tmx": (tmx(PAIR.format("a" * 2**25)), "Text node too long"),
    "many.tmx": (tmx("<prop>a</prop>" * 2_000_000), "is over 16,777,216 bytes"),
    "deep.xlf": ('<xliff version="1.2">' + "<group>" * 100_000, "Excessive depth"),
    "entry.po": ('msgid ""\nmsgstr ""\n' + '"a\\n"\n' * 1_000_000, "an entry of over 100,000 lines"),
    "far.sgm": ("<refset>" + "word " * 5_000_000, "over 16,777,216 bytes"),
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_xml_and_text(name: str, tmp_path: Path, run_isolated: Callable[..., Any]) -> None:
    content, message = DOCUMENTS[name]
    (tmp_path / name).write_text(content)
    result = run_isolated(READ, str(tmp_path / name), 800, seconds=20)
    assert isinstance(result, str)
    assert message in result


def test_entities_of_an_sgm_file_stay_as_they_are(tmp_path: Path, run_isolated: Callable[..., Any]) -> None:
    entities = f'{LAUGHS}<!ENTITY x SYSTEM "file:///etc/hostname">'
    (tmp_path / "a.sgm").write_text(f"<!DOCTYPE refset [{entities}]>\n<refset><seg>&x; &l11; &amp;</seg></refset>")
    assert run_isolated(READ, str(tmp_path / "a.sgm"), 800, seconds=20) == ["&x; &l11; &"]


def test_memory_does_not_grow_with_the_units(tmp_path: Path, run_isolated: Callable[..., Any]) -> None:
    with open(tmp_path / "a.tmx", "w") as file:
        file.write('<tmx><header srclang="en"/><body>')
        file.writelines(f"<tu><prop>{'p' * 2000}</prop>{PAIR.format(n)}</tu>" for n in range(50_000))
        file.write("</body></tmx>")
    code = READ.replace("list(table.rows(*table.columns[:2]))[:3]", "sum(1 for _ in table.rows(*table.columns))", 1)
    code += "\nstatus = Path('/proc/self/status').read_text()\n"
    code += "result = [result, int(status.partition('VmHWM:')[2].split()[0])]\n"
    units, kilobytes = run_isolated(code, str(tmp_path / "a.tmx"), 800)
    assert units == 50_000
    assert kilobytes < 100_000  # the file has 100 MB


def write_bomb(path: Path, stated: int) -> None:
    """Whose directory states another size of the sheet."""
    write_xlsx(path, {"A": "<row/>" * 2**21})
    with zipfile.ZipFile(path) as archive:
        size = archive.getinfo("xl/worksheets/sheet1.xml").file_size.to_bytes(4, "little")
    data = path.read_bytes()
    assert data.count(size) == 2
    path.write_bytes(data.replace(size, stated.to_bytes(4, "little")))


SHEETS: dict[str, tuple[Callable[[Path], object], str]] = {
    "far.xlsx": (
        lambda path: write_xlsx(
            path, {"A": '<row r="1"><c r="A1"><v>1</v></c></row><row r="1048576"><c r="XFD1048576"><v>1</v></c></row>'}
        ),
        "cannot be read as a spreadsheet in 2 GiB of memory",
    ),
    "bomb.xlsx": (lambda path: write_bomb(path, 2**31 - 1), "bytes decompressed; save the sheet as CSV"),
    "repeated.ods": (
        lambda path: write_ods(
            path,
            '<table:table-row table:number-rows-repeated="1000000">'
            + CELL.format(' table:number-columns-repeated="16000"', "a")
            + "</table:table-row>",
        ),
        "too large",
    ),
    "truncated.xlsx": (lambda path: path.write_bytes(b"PK\x03\x04" + bytes(200)), "unreadable zip archive"),
}


@pytest.mark.parametrize("name", SHEETS)
def test_spreadsheets(name: str, tmp_path: Path, run_isolated: Callable[..., Any]) -> None:
    write, message = SHEETS[name]
    write(tmp_path / name)
    result = run_isolated(READ, str(tmp_path / name), 3000, seconds=30)
    assert isinstance(result, str)
    assert message in result


def test_a_lying_archive_is_read_in_bounded_memory(tmp_path: Path, run_isolated: Callable[..., Any]) -> None:
    write_bomb(tmp_path / "a.xlsx", 100)
    result = run_isolated(READ, str(tmp_path / "a.xlsx"), 3000, seconds=30)
    assert isinstance(result, str)
    assert "larger than its declared uncompressed size" in result


def test_a_million_empty_rows_are_skipped(tmp_path: Path, run_isolated: Callable[..., Any]) -> None:
    rows = '<c r="A{0}" t="inlineStr"><is><t>a {0}</t></is></c><c r="B{0}" t="inlineStr"><is><t>b</t></is></c>'
    blank = "".join(f'<row r="{n}"><c r="C{n}" s="1"/></row>' for n in range(2, 2**20))
    full = [f'<row r="{n}">{rows.format(n)}</row>' for n in (1, 2**20)]
    write_xlsx(tmp_path / "a.xlsx", {"A": full[0] + blank + full[1]})
    assert run_isolated(READ, str(tmp_path / "a.xlsx"), 3000, seconds=30) == [
        [1, "a 1", "b"],
        [2**20, f"a {2**20}", "b"],
    ]
