"""The sentences of aligned files: lines, or the segments of SGM files."""

import gzip
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seq2seq.cli import app
from seq2seq.data.bitext import AlignedFiles
from seq2seq.data.sentences import expect_no_document, read_sentences
from seq2seq.errors import InputError

SGM = """<!DOCTYPE mteval SYSTEM "mteval.dtd">
<refset setid="a" srclang="any" trglang="en">
<DOC docid="1">
<p>
<seg id="1"> Tom &amp; Jerry & Co, Q&A, 3 &lt; 4 </seg>
<p>
<hl><seg id="2">two
lines</seg></hl>
<SEG id="3">é</SEG><seg id="4"></seg>
</DOC>
</refset>
"""
SEGMENTS = ["Tom & Jerry & Co, Q&A, 3 < 4", "two lines", "é", ""]


@pytest.mark.parametrize("name", ["a.sgm", "a.xml.gz", "a"])
def test_an_sgm_file_is_read_by_segment(name: str, tmp_path: Path) -> None:
    (tmp_path / name).write_bytes(gzip.compress(SGM.encode()) if name.endswith(".gz") else SGM.encode())
    assert list(read_sentences(tmp_path / name)) == SEGMENTS
    (tmp_path / "lines").write_text("a\nb\nc\nd\n")
    pairs = list(AlignedFiles(tmp_path / name, tmp_path / "lines"))
    assert [(pair.src, pair.tgt) for pair in pairs] == list(zip(SEGMENTS, "abcd", strict=True))


def test_other_files_are_read_line_by_line(tmp_path: Path) -> None:
    (tmp_path / "a.txt").write_bytes("\ufeffa\r\n <seg>b</seg>\u2028\n".encode())
    assert list(read_sentences(tmp_path / "a.txt")) == ["a\r", " <seg>b</seg>\u2028"]
    assert next(read_sentences(tmp_path / "a.txt", keep_bom=True)) == "\ufeffa\r"


@pytest.mark.parametrize(
    ("segments", "message"),
    [
        ("<seg>a\n<seg>b\n", "cannot be read after segment 0 (a <seg> inside another: an end tag is missing)"),
        ("<doc>" * 5000 + "<seg>a</seg>", "1 segments begin with <seg>, but only 0 can be read"),
    ],
)
def test_segments_are_not_lost(segments: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "a.sgm").write_text(f"<refset>\n{segments}\n</refset>")
    with pytest.raises(InputError) as error:
        list(read_sentences(tmp_path / "a.sgm"))
    assert str(error.value) == f"{tmp_path / 'a.sgm'}: {message}"


def test_evaluate_scores_the_segments(tmp_path: Path) -> None:
    (tmp_path / "ref.sgm").write_text(SGM)
    (tmp_path / "hyp").write_text("".join(f"{segment}\n" for segment in SEGMENTS))
    result = CliRunner().invoke(app, ["evaluate", "--ref", str(tmp_path / "ref.sgm"), "--hyp", str(tmp_path / "hyp")])
    assert result.exit_code == 0, result.output
    assert "BLEU  100.00" in result.output


@pytest.mark.parametrize(
    "command",
    [
        ["evaluate", "--ref", "a.csv", "--hyp", "a.txt"],
        ["data", "report", "--train-src", "a.txt", "--train-tgt", "a.jsonl"],
    ],
)
def test_a_table_is_not_read_as_sentences(command: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("a.csv", "a.jsonl", "a.txt"):
        (tmp_path / name).write_text("a\n")
    result = CliRunner().invoke(app, command)
    assert result.exit_code == 2
    assert "is a table of sentence pairs" in result.stderr


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("A.TSV.gz", "is a table (.TSV), not lines of text; give it with --table, and the column to translate with"),
        ("a.xlsx", "is a table (.xlsx), not lines of text"),
        ("a.po", "is a PO file (.po), which is not translated as text"),
        ("a.html", "is an HTML page (.html), which is not translated as text"),
        ("a.srt.gz", "is a file of subtitles (.srt), which is not translated as text"),
        ("a.docx", "is a formatted document (.docx), which is not translated as text"),
    ],
)
def test_translate_names_what_is_not_text(name: str, message: str, tmp_path: Path) -> None:
    (tmp_path / name).write_text("a\n")
    result = CliRunner().invoke(app, ["translate", "no-model", "-i", str(tmp_path / name)])
    assert result.exit_code == 2
    assert f"{tmp_path / name}: {message}" in result.stderr


def test_translate_reads_a_text_whatever_dots_its_name_has(tmp_path: Path) -> None:
    for name in ("csv", "my.po.txt", "a.en"):
        (tmp_path / name).write_text("a\n")
        expect_no_document(tmp_path / name)
