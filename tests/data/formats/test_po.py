"""PO files: which entries are pairs."""

from pathlib import Path

import pytest

from seq2seq.data.columns import ColumnHints, choose_columns
from seq2seq.data.formats.opening import open_table
from seq2seq.data.formats.table import Table, column_name
from seq2seq.errors import InputError

HEADER = '# A comment\n\nmsgid ""\nmsgstr ""\n"Content-Type: text/plain; charset={}\\n"\n"Language: fr\\n"\n'
ENTRIES = r"""
#: a.c:1
msgid "one \"quoted\""
msgstr "un « cité »"

#, fuzzy
msgid "two"
msgstr "deux ?"
#. without a blank line before it
msgctxt "numbers"
msgid ""
"three\n"
"lines"
msgstr "trois"

msgid "a file"
msgid_plural "files"
msgstr[0] "un fichier"
msgstr[1] "des fichiers"

msgid "untranslated"
msgstr ""

#~ msgid "old"
#~ msgid_plural "old ones"
#~ msgstr[0] "vieux"
#~ msgstr[1] "vieilles"
"""

NO_HINTS = ColumnHints()


def opened(path: Path, text: str, encoding: str = "utf-8") -> Table:
    path.write_bytes(text.encode(encoding))
    return open_table(path, lambda *_: False)


def pairs(table: Table, hints: ColumnHints = NO_HINTS) -> list[tuple[str, str]]:
    return [row[1:] for row in table.rows(*choose_columns(table, hints))]


EXPECTED = [
    ('one "quoted"', "un « cité »"),
    ("three\nlines", "trois"),
    ("a file", "un fichier"),
    ("files", "des fichiers"),
]


@pytest.mark.parametrize(
    ("charset", "encoding"),
    [("UTF-8", "utf-8"), ("UTF-8", "utf-8-sig"), ("ISO-8859-1", "latin-1"), ("CP1252", "cp1252"), ("CHARSET", "utf-8")],
)
@pytest.mark.parametrize("end", ["\n", "\r\n"])
def test_translated_entries_are_pairs(charset: str, encoding: str, end: str, tmp_path: Path) -> None:
    table = opened(tmp_path / "a.po", (HEADER.format(charset) + ENTRIES).replace("\n", end), encoding)
    assert list(map(column_name, table.columns)) == ["msgid", "fr"]
    for _ in range(2):
        assert pairs(table) == EXPECTED
        assert table.omitted == {"fuzzy units": 1, "untranslated units": 1, "obsolete units": 1}
    assert next(table.rows(*table.columns))[0] == 8


@pytest.mark.parametrize(
    ("declared", "hints", "swapped"),
    [
        ("", ColumnHints("en", "fr"), False),
        ("", ColumnHints("fr", "en"), True),
        ("", ColumnHints("en"), False),
        ("", ColumnHints("fr"), True),
        ("", ColumnHints("", "en"), True),
        ("", ColumnHints("", "fr"), False),
        ('"X-Source-Language: de\\n"\n', ColumnHints("fr", "de"), True),
        ('"X-Source-Language: de\\n"\n', ColumnHints(), False),
    ],
)
def test_the_direction_is_that_of_the_languages(
    declared: str, hints: ColumnHints, swapped: bool, tmp_path: Path
) -> None:
    table = opened(tmp_path / "a.po", HEADER.format("UTF-8") + declared + ENTRIES)
    assert pairs(table, hints) == [pair[::-1] if swapped else pair for pair in EXPECTED]


def test_languages_of_another_file_are_an_error(tmp_path: Path) -> None:
    table = opened(tmp_path / "a.po", HEADER.format("UTF-8") + ENTRIES)
    with pytest.raises(InputError, match="none of them clearly en or de"):
        choose_columns(table, ColumnHints("en", "de"))


def test_a_damaged_entry_is_one_line_or_skipped(tmp_path: Path) -> None:
    text = HEADER.format("UTF-8") + '\nmsgid "one\nmsgstr "un"\n\nmsgid "two"\nmsgstr "deux"\n'
    with pytest.raises(InputError, match=r"a\.po, line 8: not a valid PO entry \(end-of-line within string"):
        pairs(opened(tmp_path / "a.po", text))
    table = open_table(tmp_path / "a.po", lambda *_: False, invalid_lines="skip")
    assert pairs(table) == [("two", "deux")]
    assert table.invalid_rows.lines == [8]


def test_an_entry_that_is_not_utf_8_is_one_line_or_skipped(tmp_path: Path) -> None:
    text = HEADER.format("UTF-8") + '\nmsgid "one"\nmsgstr "été"\n\nmsgid "two"\nmsgstr "deux"\n'
    with pytest.raises(InputError, match=r"a\.po, line 9: not UTF-8 .*--invalid-lines skip"):
        pairs(opened(tmp_path / "a.po", text, "latin-1"))
    table = open_table(tmp_path / "a.po", lambda *_: False, invalid_lines="skip")
    assert pairs(table) == [("two", "deux")]
    assert table.invalid_rows.count == 1


def test_an_unknown_charset_is_one_line(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="no encoding 'x-none'"):
        pairs(opened(tmp_path / "a.po", HEADER.format("x-none") + ENTRIES))


def test_the_name_tells_after_a_head_without_end(tmp_path: Path) -> None:
    text = "# A translator.\n" * 6000 + HEADER.format("UTF-8") + ENTRIES
    assert pairs(opened(tmp_path / "a.po", text)) == EXPECTED
