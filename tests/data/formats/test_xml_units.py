"""Translation memories and XLIFF: which units are pairs, and their text."""

import gzip
from pathlib import Path

import pytest

from seq2seq.data.columns import ColumnHints, choose_columns
from seq2seq.data.formats.opening import open_table
from seq2seq.data.formats.table import Table, column_name
from seq2seq.errors import InputError

NO_HINTS = ColumnHints()


def opened(path: Path, content: str | bytes) -> Table:
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return open_table(path, lambda *_: False)


def pairs(table: Table, hints: ColumnHints = NO_HINTS) -> list[tuple[int, str, str]]:
    return list(table.rows(*choose_columns(table, hints)))


def tmx(*units: str, source: str = "en") -> str:
    body = "".join(f"<tu><note>n</note>{unit}</tu>\n" for unit in units)
    return f'<?xml version="1.0"?><tmx version="1.4"><header srclang="{source}"/><body>{body}</body></tmx>'


def variant(language: str, segment: str, attribute: str = "xml:lang") -> str:
    return f'<tuv {attribute}="{language}"><prop type="x">p</prop><seg>{segment}</seg></tuv>'


def test_a_memory_has_a_row_for_each_unit_with_both_languages(tmp_path: Path) -> None:
    table = opened(
        tmp_path / "a.tmx",
        tmx(
            variant("fr-CA", "un") + variant("EN-US", "one"),
            variant("EN-US", "two"),
            variant("EN-US", " ") + variant("fr-CA", "trois"),
            variant("EN-US", "four") + variant("EN-US", "fourth") + variant("fr-CA", "quatre", "lang"),
        ),
    )
    assert list(map(column_name, table.columns)) == ["en-US", "fr-CA"]  # the source language of the header is first
    for _ in range(2):
        assert pairs(table) == [(1, "one", "un"), (4, "four", "quatre")]
        assert table.omitted == {"units without a translation": 2}
    assert pairs(table, ColumnHints("fr", "en")) == [(1, "un", "one"), (4, "quatre", "four")]
    assert table.form == "TMX"


def test_inline_codes_are_text_and_empty_ones_are_dropped(tmp_path: Path) -> None:
    segment = (
        'a <bpt i="1">&lt;b></bpt>bold<ept i="1">&lt;/b></ept><ph x="1"/> <hi>high</hi> &amp;<!-- no --> <it>{0}</it>'
    )
    table = opened(tmp_path / "a.tmx", tmx(variant("en", segment) + variant("fr", "x")))
    assert pairs(table) == [(1, "a <b>bold</b> high & {0}", "x")]


@pytest.mark.parametrize("encoding", ["utf-16", "windows-1252", "utf-8"])
def test_the_declared_encoding_is_read_and_compression_too(encoding: str, tmp_path: Path) -> None:
    text = tmx(variant("en", "one") + variant("fr", "été")).replace("?>", f' encoding="{encoding}"?>', 1)
    table = opened(tmp_path / "a.tmx.gz", gzip.compress(text.encode(encoding)))
    assert pairs(table) == [(1, "one", "été")]


XLIFF_1 = """<?xml version="1.0"?><xliff version="1.2" xmlns="urn:oasis:names:tc:xliff:document:1.2">
<file source-language="en" target-language="fr"><body><group>
<trans-unit id="1"><source>one <g id="1">bold</g><x id="2"/></source><target>un <g id="1">gras</g></target>
<note>two</note><alt-trans><source>no</source><target>non</target></alt-trans></trans-unit>
<trans-unit id="2"><source>two</source><alt-trans><target>deux</target></alt-trans></trans-unit>
<trans-unit id="3"><source>three</source><target state="needs-translation">three</target></trans-unit>
<trans-unit id="4" approved="no"><source>four</source><target state="needs-review-translation">q</target></trans-unit>
<trans-unit id="5" approved="no"><source>five</source><target state="final">cinq</target></trans-unit>
</group></body></file>
<file source-language="en" target-language="de"><body>
<trans-unit id="6"><source>six</source><target>sechs</target></trans-unit></body></file></xliff>"""


def test_xliff_1_leaves_out_what_is_not_translated(tmp_path: Path) -> None:
    table = opened(tmp_path / "a.xlf", XLIFF_1)
    assert list(map(column_name, table.columns)) == ["en", "fr", "de"]
    assert pairs(table, ColumnHints("en", "fr")) == [(1, "one bold", "un gras"), (5, "five", "cinq")]
    assert table.omitted == {"untranslated units": 2, "fuzzy units": 1, "units in other languages": 1}
    assert pairs(table, ColumnHints("fr", "en"))[1] == (5, "cinq", "five")
    assert table.form == "XLIFF 1.2"


def test_xliff_offers_the_languages_of_every_file(tmp_path: Path) -> None:
    table = opened(tmp_path / "a.xlf", XLIFF_1)
    assert pairs(table, ColumnHints("en", "de")) == [(6, "six", "sechs")]
    assert table.omitted == {"units in other languages": 5}
    with pytest.raises(InputError, match="which columns are the sentences"):
        pairs(table)


def test_the_case_of_a_language_does_not_matter(tmp_path: Path) -> None:
    table = opened(
        tmp_path / "a.tmx",
        tmx(
            variant("en-us", "one") + variant("zh-hant_tw", "一"),
            variant("EN-US", "two") + variant("ZH-Hant_TW", "二"),
            source="EN-us",
        ),
    )
    assert list(map(column_name, table.columns)) == ["en-US", "zh-Hant_TW"]
    assert pairs(table) == [(1, "one", "一"), (2, "two", "二")]


def test_xliff_2_has_a_row_for_each_segment(tmp_path: Path) -> None:
    table = opened(
        tmp_path / "a.xlf",
        '<xliff xmlns="urn:oasis:names:tc:xliff:document:2.0" version="2.1" srcLang="en" trgLang="sw"><file id="f">'
        '<unit id="1"><originalData><data id="d">&lt;br/&gt;</data></originalData>'
        '<segment><source>one<ph id="1" dataRef="d"/></source><target>moja</target></segment>'
        '<ignorable><source> </source></ignorable><segment state="final"><source>two</source><target>mbili</target>'
        '</segment><segment state="initial"><source>x</source><target>x</target></segment></unit></file></xliff>',
    )
    assert pairs(table) == [(1, "one", "moja"), (2, "two", "mbili")]
    assert table.omitted == {"untranslated units": 1}


def test_a_language_that_is_not_declared_is_the_other_one(tmp_path: Path) -> None:
    first_file = XLIFF_1.partition("</file>")[0].replace(' target-language="fr"', "")
    table = opened(tmp_path / "a.xlf", f"{first_file}</file></xliff>")
    assert pairs(table, ColumnHints("fr", "en"))[0] == (1, "un gras", "one bold")
    with pytest.raises(InputError, match="none of them clearly de or fr"):
        choose_columns(table, ColumnHints("de", "fr"))


@pytest.mark.parametrize(
    ("content", "message"),
    [
        (tmx(variant("en", "one") + variant("fr", "un"))[:-10], "a.tmx: cannot be read after unit 1 (line 2: "),
        (tmx(variant("en", "&nbsp;") + variant("fr", "un")), "cannot be read after unit 0 (line 1: Entity 'nbsp'"),
        ("<tmx><body></body></tmx>", "It has no text columns"),
    ],
)
def test_errors_name_the_unit(content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(InputError) as error:
        pairs(opened(tmp_path / "a.tmx", content))
    assert message in str(error.value)


@pytest.mark.parametrize("declaration", ['<?xml version="1.0"?>', ""])
def test_the_name_tells_after_a_comment_without_end(declaration: str, tmp_path: Path) -> None:
    memory = tmx(variant("en", "one") + variant("fr", "un")).removeprefix('<?xml version="1.0"?>')
    table = opened(tmp_path / "a.tmx", f"{declaration}\n<!-- {'license ' * 10_000}-->\n{memory}".lstrip())
    assert pairs(table) == [(1, "one", "un")]
