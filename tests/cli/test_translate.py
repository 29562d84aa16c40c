"""`seq2seq translate`: what it keeps, what it warns of, what it refuses."""

import json
import os
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from seq2seq import Translator
from seq2seq.cli import app

LINES = ["un deux", "", "zzz qqq %$ www", "12 - 3", "cinq {0} <b>six</b>"]
STDIN = "".join(f"{line}\n" for line in LINES)


def translate(model: Path, *options: object, stdin: str = STDIN) -> Result:
    return CliRunner().invoke(app, ["translate", str(model), *map(str, options)], input=stdin)


def test_spans_are_kept_and_lines_without_letters_copied(trained: Path) -> None:
    lines = translate(trained).stdout.split("\n")
    assert len(lines) == len(LINES) + 1
    assert (lines[1], lines[3]) == ("", "12 - 3")
    for span in ("{0}", "<b>", "</b>"):
        assert lines[4].count(span) == 1
    assert lines[4].index("<b>") < lines[4].index("</b>")


def test_copied_lines_lose_carriage_returns(trained: Path) -> None:
    assert translate(trained, stdin="12\r\n 3\r4\r\n").stdout_bytes == b"12\n 3 4\n"
    options = ("--min-confidence", 100, "--else", "source")
    assert translate(trained, *options, stdin=f"{LINES[2]}\rx\r\n").stdout_bytes == f"{LINES[2]} x\n".encode()


def test_what_is_asked_for_is_kept(trained: Path, tmp_path: Path) -> None:
    names = tmp_path / "names.txt"
    names.write_text("Cinq Six\n\n")
    line = translate(trained, "--keep-from", names, "--keep", r"ab+", stdin="un Cinq Six abb deux\n").stdout
    assert line.count("Cinq Six") == line.count("abb") == 1


def test_terms_are_translated_as_given(trained: Path, tmp_path: Path) -> None:
    glossary = tmp_path / "terms.tsv"
    glossary.write_text("deux\tcouple\n")
    lines = translate(trained, "--glossary", glossary, stdin="un deux trois\nDEUX un\n").stdout.split("\n")
    assert "couple" in lines[0]
    assert "couple" in lines[1]  # training was in lower case throughout


def test_confidence_is_in_json_and_summed_up(trained: Path) -> None:
    expected = [translation.confidence for translation in Translator.load(trained).stream(LINES)]
    result = translate(trained, "--json")
    found = [json.loads(line)["confidence"] for line in result.stdout.splitlines()]
    assert found == [None if value is None else round(value, 1) for value in expected]
    low = [number for number, value in enumerate(expected, start=1) if value is not None and value < 30]
    assert 3 in low
    assert f"{len(low)} of {len(LINES)} lines" in result.stderr


def test_unreliable_translations_are_left_out(trained: Path) -> None:
    plain = translate(trained).stdout.split("\n")
    for options, expected in (((), ""), (("--else", "source"), LINES[2])):
        lines = translate(trained, "--min-confidence", 100, *options).stdout.split("\n")
        assert (lines[2], lines[1], lines[3]) == (expected, "", "12 - 3")
    assert translate(trained, "--min-confidence", 0).stdout.split("\n") == plain


@pytest.mark.parametrize(
    ("options", "message"),
    [
        (("--else", "source"), "--min-confidence, which is missing"),
        (("--min-confidence", 5, "--json"), "needs plain output"),
        (("--keep", "("), "is not a regular expression"),
        (("--keep", "a*"), "matches the empty text"),
        (("--keep-from", "nowhere.txt"), "nowhere.txt: no such file"),
        (("--keep-from", os.devnull), "has no names"),
        (("--glossary", "nowhere.tsv"), "nowhere.tsv: no such file"),
    ],
)
def test_mistakes_are_one_line(options: tuple[object, ...], message: str, trained: Path) -> None:
    result = translate(trained, *options)
    assert (result.exit_code, result.stdout) == (2, "")
    assert message in result.stderr
    assert result.stderr.count("\n") == 1
