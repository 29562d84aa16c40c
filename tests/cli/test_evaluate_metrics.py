"""The options of `evaluate` that choose metrics, against the sacreBLEU command with the same options."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seq2seq.cli import app
from seq2seq.evaluation import tokenizers

ENGLISH = {
    "hyp": ["The Cat sat on a mat.", "", "a dog (barks) loudly, 3,000 times", "nothing alike"],
    "ref": ["the cat is on the mat .", "something", "a Dog (barks)  loudly, 3,000 times!", "two things"],
}
CHINESE = {
    "hyp": ["我是一只狗。", "你好世界！今天 Linux 天气好。"],
    "ref": ["我是一只猫。", "你好，世界！今天天气很好。"],
}


def write(folder: Path, texts: dict[str, list[str]]) -> list[str]:
    """The options that name the files."""
    for name, lines in texts.items():
        (folder / name).write_text("".join(f"{line}\n" for line in lines), encoding="utf-8")
    return ["--hyp", str(folder / "hyp"), "--ref", str(folder / "ref")]


def evaluate(*words: str) -> tuple[str, str]:
    result = CliRunner().invoke(app, ["evaluate", *words])
    assert result.exit_code == 0, result.stderr
    return result.stdout, result.stderr


def sacrebleu(folder: Path, *options: str) -> str:
    command = [sys.executable, "-m", "sacrebleu", str(folder / "ref"), "-i", str(folder / "hyp"), *options, "-w", "4"]
    return subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout


def shown(row: dict[str, Any]) -> tuple[str, float, str]:
    return row["name"].replace("chrF2", "chrF"), round(row["score"], 4), row["signature"]


@pytest.mark.parametrize(
    ("texts", "ours", "theirs"),
    [
        (ENGLISH, "--metrics bleu --metrics ter --tokenize intl --lowercase", "-m bleu ter -tok intl -lc"),
        (ENGLISH, "--metrics bleu,chrf++", "-m bleu chrf --chrf-word-order 2"),
        (ENGLISH, "--tokenize none --lowercase", "-m bleu chrf ter -tok none -lc"),
        (CHINESE, "--metrics BLEU", "-tok zh"),
        (CHINESE, "--tokenize char --metrics bleu", "-tok char"),
    ],
)
def test_options_equal_those_of_the_sacrebleu_command(
    texts: dict[str, list[str]], ours: str, theirs: str, tmp_path: Path
) -> None:
    files = write(tmp_path, texts)
    expected = json.loads(sacrebleu(tmp_path, *theirs.split(), "-f", "json"))
    printed = json.loads(evaluate(*files, *ours.split(), "--json")[0])
    assert [shown(row) for row in printed] == [
        shown(row) for row in (expected if isinstance(expected, list) else [expected])
    ]


def test_metrics_come_in_the_order_given_and_once(tmp_path: Path) -> None:
    printed, reported = evaluate(*write(tmp_path, ENGLISH), "--metrics", "ter, chrf++", "--metrics", "chrf chrF++")
    assert [line.split()[0] for line in printed.splitlines()] == ["TER", "chrF++", "chrF"]
    assert "tokenizer" not in reported


@pytest.mark.parametrize(("metric", "options"), [("bleu", ["-lc"]), ("chrf", []), ("ter", [])])
def test_sentence_scores_equal_those_of_the_sacrebleu_command(metric: str, options: list[str], tmp_path: Path) -> None:
    files = write(tmp_path, ENGLISH)
    lines = sacrebleu(tmp_path, "-m", metric, "--sentence-level", *options).splitlines()
    lowercase = ["--lowercase"] if options else []
    printed, reported = evaluate(*files, "--sentence", "--metrics", metric, *lowercase, "--json")
    rows = [json.loads(line) for line in printed.splitlines()]
    assert [f"{score:.4f}" for row in rows for score in row.values()] == [
        line.split(" = ")[1].split(" ")[0] for line in lines
    ]
    assert lines[0].split(" = ")[0].partition("|")[2] in reported


def test_sentence_scores_are_columns(tmp_path: Path) -> None:
    printed, _ = evaluate(*write(tmp_path, ENGLISH), "--sentence")
    rows = [line.split("\t") for line in printed.splitlines()]
    assert [len(row) for row in rows] == [3] * 4
    assert rows[1] == ["0.00", "0.00", "100.00"]


def test_the_tokenizer_is_reported_where_it_is_not_the_default(tmp_path: Path) -> None:
    reported = evaluate(*write(tmp_path, CHINESE))[1]
    expected = "seq2seq: BLEU with tokenizer zh: the references look Chinese; --tokenize NAME chooses another\n"
    assert reported == expected
    reported = evaluate(*write(tmp_path, CHINESE), "--tokenize", "13a")[1]
    assert reported.startswith("seq2seq: warning: BLEU with tokenizer 13a: the references look Chinese")
    assert reported.count("\n") == 1


def test_the_language_of_the_model_decides_on_the_tokenizer(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    seen = []

    def watch(given: str | None, language: str, references: list[str]) -> tokenizers.Tokenization:
        seen.append((given, language, references))
        return tokenizers.Tokenization("char")

    monkeypatch.setattr(tokenizers, "choose_tokenizer", watch)
    for name in ("src", "ref"):
        (tmp_path / name).write_text("un\ndeux\n")
    printed, _ = evaluate(str(trained), "--src", str(tmp_path / "src"), "--ref", str(tmp_path / "ref"))
    assert seen == [(None, "en", ["un", "deux"])]
    assert "tok:char" in printed


def test_the_paired_test_is_printed_and_in_the_json(tmp_path: Path) -> None:
    (tmp_path / "base").write_text("the cat\nsomething\na dog\ntwo\n")
    words = [*write(tmp_path, ENGLISH), "--baseline", str(tmp_path / "base"), "--metrics", "bleu,chrf"]
    rows = json.loads(evaluate(*words, "--json")[0])
    printed = evaluate(*words)[0].splitlines()
    assert printed[3].split() == ["95", "%", "confidence", "system", "baseline", "p"]
    for row, line in zip(rows, printed[4:], strict=True):
        test = row["test"]
        numbers = [f"{test[side][key]:.2f}" for side in ("system", "baseline") for key in ("mean", "margin")]
        values = [word for word in line.split() if word != "±"]
        assert values == [row["name"], *numbers, f"{test['p_value']:.4f}", test["signature"]]
        assert "bs:1000|seed:12345" in line


def test_warnings_are_lines_on_stderr_and_scores_stay(tmp_path: Path) -> None:
    printed, reported = evaluate(*write(tmp_path, {**ENGLISH, "hyp": ["", "", "x", "y"]}))
    assert reported == f"seq2seq: warning: {tmp_path / 'hyp'}: 2 of 4 translations are blank\n"
    assert printed.startswith("BLEU ")


def test_references_from_a_pipe_are_read_once(tmp_path: Path) -> None:
    """Their first lines decide on the tokenizer, and are scored too."""
    write(tmp_path, CHINESE)
    command = f"{sys.executable} -m seq2seq evaluate --hyp ref --ref <(cat ref) --metrics bleu"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert result.stdout.split()[:2] == ["BLEU", "100.00"]
    assert "tok:zh" in result.stdout


def test_files_in_another_encoding_have_the_same_scores(tmp_path: Path) -> None:
    texts = {"hyp": ["h\u00e9 \u00fc", "\u00e0 b"], "ref": ["h\u00e9 u", "\u00e0 b"], "by": ["\u00e9", "f"]}
    results = []
    for encoding in ("utf-8", "latin-1"):
        files = write(tmp_path, texts)
        for name, lines in texts.items():
            (tmp_path / name).write_bytes("".join(f"{line}\n" for line in lines).encode(encoding))
        results.append(evaluate(*files, "--by", str(tmp_path / "by"), "--encoding", encoding, "--json")[0])
    assert results[0] == results[1]
    assert {row.get("group") for row in json.loads(results[0])} == {None, "\u00e9", "f"}
