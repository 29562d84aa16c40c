"""Which columns of a table hold the sentences, and whether its first row is a header."""

import re
from pathlib import Path

import pytest

from seq2seq.data.columns import ColumnHints, choose_columns, is_header, language_of
from seq2seq.data.formats.opening import open_table
from seq2seq.data.formats.table import column_name
from seq2seq.errors import InputError


@pytest.mark.parametrize(
    ("first_row", "hints", "expected"),
    [
        (["sw", "en"], ColumnHints("sw", "en"), True),
        (["id", "en", "sw"], ColumnHints("sw", "en"), True),
        (["sentence_swh", "sentence_eng"], ColumnHints("swh", "eng"), True),
        (["Source", "TARGET"], ColumnHints(), True),
        (["Kiswahili", "Kiingereza"], ColumnHints("", "", "Kiswahili", "Kiingereza"), True),
        (["English", "French"], ColumnHints(), True),
        (["english", "Français", "note"], ColumnHints(), True),
        (["eng", "fra"], ColumnHints(), True),
        (["eng_Latn", "sw-TZ"], ColumnHints(), True),
        (["English sentence", "French sentence"], ColumnHints(), True),
        (["text_en", "text_fr", "Score"], ColumnHints(), True),
        (["I speak English", "Je parle français"], ColumnHints(), False),
        (["nr", "English", "French"], ColumnHints("", "", "2", "3"), True),
        (["No", "English", "Swahili"], ColumnHints(), True),
        (["EN", "SW"], ColumnHints("en", "sw"), True),
        (["English", "Anglais"], ColumnHints(), False),
        (["English", "eng"], ColumnHints(), False),
        # Two short words are a pair, not a header.
        (["to", "de"], ColumnHints(), False),
        (["Habari", "Hello"], ColumnHints("sw", "en"), False),
        (["Habari", "Hello"], ColumnHints("", "", "1", "2"), False),
        (["en", "sw"], ColumnHints("en"), True),
        (["en", "sw"], ColumnHints("en", "fr"), True),
        (["en", "sw"], ColumnHints("de", "fr"), False),
    ],
)
def test_header_is_distinguished_from_a_pair(first_row: list[str], hints: ColumnHints, expected: bool) -> None:
    assert is_header(first_row, hints) is expected


@pytest.mark.parametrize(
    ("columns", "hints", "expected"),
    [
        ("id\ttranslation.de\ttranslation.sw", ColumnHints("sw", "de"), "translation.sw translation.de"),
        ("id\ttranslation.de\ttranslation.sw", ColumnHints(), "translation.de translation.sw"),
        (
            "id\tsentence_eng_Latn\tsentence_swh_Latn",
            ColumnHints("swh_Latn", "eng_Latn"),
            "sentence_swh_Latn sentence_eng_Latn",
        ),
        ("a\tb\tc", ColumnHints("", "", "c", "a"), "c a"),
        ("a\tb\tc", ColumnHints("", "", "3", "1"), "c a"),
        ("2\t1\tc", ColumnHints("", "", "1", "3"), "1 c"),
        ("source\ttarget\ten\tfr", ColumnHints(), "en fr"),
        ("English\tFrench", ColumnHints("fra", "eng_Latn"), "French English"),
        ("nr\tSwahili\tEnglish", ColumnHints("swh", "en-GB"), "Swahili English"),
        ("translation.eng\ttranslation.fra", ColumnHints("fr", "en"), "translation.fra translation.eng"),
        ("french_text\ten_text\tid", ColumnHints("en", "fr"), "en_text french_text"),
        ("note\tsrc\ttgt", ColumnHints("sw", "en"), "src tgt"),
        ("Swahili\tEnglish", ColumnHints("sw", "en"), "Swahili English"),
        ("fr\ten", ColumnHints("en"), "en fr"),
        ("fr\ten", ColumnHints("", "fr"), "en fr"),
        ("id\tfr\ten", ColumnHints("", "fr"), "en fr"),
        ("sentence\tsentence_sw", ColumnHints("sw"), "sentence_sw sentence"),
        ("id\ten", ColumnHints("en", "id"), "en id"),
        ("text\ttranslation\ten", ColumnHints("en", "fr"), "text translation"),
    ],
)
def test_columns_are_chosen(columns: str, hints: ColumnHints, expected: str, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text(columns + "\n")
    table = open_table(tmp_path / "t.tsv", lambda *_: True)
    assert list(map(column_name, choose_columns(table, hints))) == expected.split()


@pytest.mark.parametrize(
    ("columns", "hints", "message"),
    [
        ("a\tb\tc", ColumnHints(), "which columns are the sentences? It has a, b, c; name them with --src-column"),
        ("a\tb\tc", ColumnHints("", "", "d", "a"), "no text column d; it has a, b, c"),
        ("en\ten_old\tsw_1\tsw_2", ColumnHints("en", "sw"), "which columns are the sentences?"),
        ("id\ten", ColumnHints(), "which columns are the sentences? It has id, en;"),
        ("id\ten", ColumnHints("en", "fr"), "which columns are the sentences? It has id, en, none of them clearly fr;"),
        ("id\ten", ColumnHints("", "en"), "which columns are the sentences?"),
        ("en\tsw", ColumnHints("en", "fr"), "which columns are the sentences? It has en, sw, none of them clearly fr;"),
        ("en\tsw", ColumnHints("fr"), "none of them clearly fr;"),
        ("de\tsw", ColumnHints("en", "fr"), "none of them clearly en or fr;"),
        ("en\tnotes", ColumnHints("en", "fr"), "none of them clearly fr;"),
        ("only", ColumnHints(), "which columns are the sentences? It has only;"),
        ("\t".join(f"c{n}" for n in range(20)), ColumnHints(), "c7 and 12 more"),
    ],
)
def test_ambiguous_columns_are_an_error(columns: str, hints: ColumnHints, message: str, tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text(columns + "\n")
    with pytest.raises(InputError, match=re.escape(message)):
        choose_columns(open_table(tmp_path / "t.tsv", lambda *_: True), hints)


WORDS = [first + second for first in ["", *"abcde"] for second in "abcdefgh"]


def test_two_readings_are_shown_with_the_options_that_choose(tmp_path: Path) -> None:
    (tmp_path / "t.tsv").write_text("".join(f"dog {word}\thund {word}\tchien {word}\t7\n" for word in WORDS))
    readings = (
        "(--src-column 1 --tgt-column 2 gives dog a → hund a; --src-column 1 --tgt-column 3 gives dog a → chien a)"
    )
    with pytest.raises(InputError, match=re.escape(readings)):
        choose_columns(open_table(tmp_path / "t.tsv", lambda *_: False), ColumnHints())


SENTENCES_OF_WORDS = [(str(n), f"The {w} is here.", f"Hapa kuna {w}.") for n, w in enumerate(WORDS)]


@pytest.mark.parametrize(
    ("name", "header", "expected"),
    [
        ("a.csv", "No,English,Kidigo", ("English", "Kidigo")),
        ("a.csv", "No.,Kiswahili,Kiingereza", ("Kiswahili", "Kiingereza")),
        ("a.tsv", "#\tOriginal\tTranslated text", ("Original", "Translated text")),
        ("a.tsv", "1\tHello\tHabari!", ("2", "3")),
    ],
)
def test_headings_above_sentences_are_no_pair(
    name: str, header: str, expected: tuple[str, str], tmp_path: Path
) -> None:
    delimiter = "," if name == "a.csv" else "\t"
    rows = [header, *(delimiter.join(row) for row in SENTENCES_OF_WORDS)]
    (tmp_path / name).write_text("".join(f"{row}\n" for row in rows))
    hints = ColumnHints()
    table = open_table(tmp_path / name, lambda cells, is_csv: is_header(cells, hints, usual=is_csv))
    chosen = choose_columns(table, hints)
    assert tuple(map(column_name, chosen)) == expected
    assert len(list(table.rows(*chosen))) == len(SENTENCES_OF_WORDS) + (expected == ("2", "3"))


def test_a_table_of_one_sentence_per_row_is_no_bitext(tmp_path: Path) -> None:
    rows = [f"{n},{lang},The {w} is here." for n, w in enumerate(WORDS) for lang in ("en", "sw")]
    (tmp_path / "a.csv").write_text("\n".join(["sentence_id,lang,text", *rows]))
    hints = ColumnHints()
    table = open_table(tmp_path / "a.csv", lambda cells, is_csv: is_header(cells, hints, usual=is_csv))
    with pytest.raises(InputError, match=r"which columns are the sentences\?"):
        choose_columns(table, hints)


def test_labels_and_links_are_no_sentences(tmp_path: Path) -> None:
    rows = [("train", f"dog {w}", f"see https://example.org/{w}", f"chien {w}", "CC BY") for w in WORDS]
    (tmp_path / "t.tsv").write_text("".join("\t".join(row) + "\n" for row in rows))
    assert choose_columns(open_table(tmp_path / "t.tsv", lambda *_: False), ColumnHints()) == (("2",), ("4",))


@pytest.mark.parametrize(
    ("column", "code"),
    [
        ("en", "en"),
        ("translation.swh_Latn", "swh_Latn"),
        ("src", ""),
        ("text", ""),
        ("English", "en"),
        ("train.fra", "fra"),
        ("text_fr", "fr"),
        ("French sentence", "fr"),
        ("my_note", ""),
        ("index", ""),
    ],
)
def test_language_of_a_column(column: str, code: str) -> None:
    assert language_of(column) == code
