"""Pairs of lines from two aligned files and from a table, and the errors where these do not match up."""

import re
from pathlib import Path

import pytest

from seq2seq.data.bitext import AlignedFiles, Chain, Pair, TablePairs
from seq2seq.data.formats.opening import open_table
from seq2seq.errors import InputError


def aligned(folder: Path, src: str, tgt: str) -> AlignedFiles:
    (folder / "text.de").write_bytes(src.encode())
    (folder / "text.en").write_bytes(tgt.encode())
    return AlignedFiles(folder / "text.de", folder / "text.en")


def tab_separated(folder: Path, text: str) -> TablePairs:
    path = folder / "text.tsv"
    path.write_bytes(text.encode())
    return TablePairs(open_table(path, lambda *_: False), ("1",), ("2",))


def test_aligned_files_pair_line_by_line_and_can_be_read_again(tmp_path: Path) -> None:
    bitext = aligned(tmp_path, "ein Hund\n\neine\u2028Katze\n", "a dog\na bird\na cat")
    pairs = [Pair("ein Hund", "a dog", 1), Pair("", "a bird", 2), Pair("eine\u2028Katze", "a cat", 3)]
    assert list(bitext) == pairs
    assert list(bitext) == pairs


def test_tsv_pairs_columns_without_quoting(tmp_path: Path) -> None:
    bitext = tab_separated(tmp_path, '"ein\tHund"\n\ta "dog"\neine  Katze\t')
    assert list(bitext) == [Pair('"ein', 'Hund"', 1), Pair("", 'a "dog"', 2), Pair("eine  Katze", "", 3)]


@pytest.mark.parametrize("make", ["aligned", "tsv"])
def test_windows_line_endings_and_surrounding_blanks_are_stripped(tmp_path: Path, make: str) -> None:
    bitext = (
        aligned(tmp_path, "  ein Hund \r\n \r\n", "\ta dog\u3000\r\na\r\n")
        if make == "aligned"
        else tab_separated(tmp_path, "\ufeff  ein Hund \t a dog\u3000\r\n \ta\r\n")
    )
    assert list(bitext) == [Pair("ein Hund", "a dog", 1), Pair("", "a", 2)]


@pytest.mark.parametrize(("src", "tgt"), [("ein Hund\reine Katze\r", "a\n"), ("ein Hund\n", "a dog\ra cat\rtwo\n")])
def test_old_macintosh_lines_are_named(src: str, tgt: str, tmp_path: Path) -> None:
    bitext = aligned(tmp_path, src, tgt)
    named = bitext.src if "\r" in src else bitext.tgt
    with pytest.raises(InputError, match=rf"^{re.escape(str(named))}: its lines end in \\r, .*; convert it"):
        list(bitext)


def test_carriage_returns_in_a_file_with_other_line_ends_are_text(tmp_path: Path) -> None:
    assert next(iter(aligned(tmp_path, "ein\r\rHund\r\nb\n", "a\nb\n"))).src == "ein\r\rHund"


@pytest.mark.parametrize(("src", "tgt"), [(3, 2), (2, 3), (0, 1), (1, 0), (1500, 2), (2, 1500), (4, 9)])
def test_unequal_line_counts_are_reported_exactly(tmp_path: Path, src: int, tgt: int) -> None:
    bitext = aligned(tmp_path, "a\n" * src, "b\n" * tgt)
    pairs: list[Pair] = []
    message = f"{bitext.src} has {src:,} lines but {bitext.tgt} has {tgt:,}: "
    with pytest.raises(InputError, match=re.escape(message)):
        pairs.extend(bitext)
    assert pairs == [Pair("a", "b", line + 1) for line in range(min(src, tgt))]


@pytest.mark.parametrize(("line", "columns"), [("a", "1 column,"), (" ", "1 column,"), ("a\tb\tc", "3 columns,")])
def test_wrong_number_of_columns_is_reported_with_its_line(tmp_path: Path, line: str, columns: str) -> None:
    bitext = tab_separated(tmp_path, f"a\tb\nc\td\n{line}\n")
    with pytest.raises(InputError, match=re.escape(f"{bitext}, line 3: {columns} expected 2")):
        list(bitext)


def test_a_line_break_in_a_cell_becomes_a_blank(tmp_path: Path) -> None:
    path = tmp_path / "text.csv"
    path.write_bytes(b'"a \r\n b\n","c\n\nd"\r\n"\n",e\n')
    assert list(TablePairs(open_table(path, lambda *_: False), ("1",), ("2",))) == [
        Pair("a b", "c d", 1),
        Pair("", "e", 6),
    ]


def test_chain_reads_its_parts_in_order_and_repeatedly(tmp_path: Path) -> None:
    first, second = aligned(tmp_path, "a\n", "b\n"), tab_separated(tmp_path, "c\td\ne\tf\n")
    chain = Chain("both", (first, second))
    for _ in range(2):
        assert [pair.src for pair in chain] == ["a", "c", "e"]
    assert str(chain) == "both"


def test_empty_files_have_no_pairs(tmp_path: Path) -> None:
    assert list(aligned(tmp_path, "", "")) == []
    assert list(tab_separated(tmp_path, "")) == []


def test_source_names_its_files(tmp_path: Path) -> None:
    assert str(aligned(tmp_path, "", "")) == f"{tmp_path / 'text.de'} and {tmp_path / 'text.en'}"
    assert str(tab_separated(tmp_path, "")) == str(tmp_path / "text.tsv")


def test_unreadable_side_is_named(tmp_path: Path) -> None:
    bitext = aligned(tmp_path, "a\nb\n", "a\nb\n")
    bitext.tgt.write_bytes(b"a\n\xff\n")
    with pytest.raises(InputError, match=re.escape(f"{bitext.tgt}, line 2")):
        list(bitext)
