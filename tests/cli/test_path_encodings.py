"""Files and folders whose names are not UTF-8, in every command."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seq2seq.cli import app
from seq2seq.io.lines import printable
from seq2seq.runs.model_folder import open_model

NAME = os.fsdecode(b"d\xe9")
SHOWN = r"d\xe9"
TINY = [f"--set={setting}" for setting in ("training.max_steps=2", "tokenizer.vocab_size=300", "model.hidden_size=8")]


@pytest.fixture
def folder(bitext: tuple[Path, Path], trained: Path, tmp_path: Path) -> Path:
    """A folder of such a name with sentences, a table of them, and a run."""
    folder = tmp_path / NAME
    try:
        folder.mkdir()
    except OSError:
        pytest.skip("this file system has only Unicode names")
    lines = [path.read_text().splitlines()[:60] for path in bitext]
    (folder / f"{NAME}.fr").write_text("".join(f"{line}\n" for line in lines[0]))
    (folder / f"{NAME}.en").write_text("".join(f"{line}\n" for line in lines[1]))
    (folder / f"{NAME}.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in zip(*lines, strict=True)))
    shutil.copytree(trained, folder / "run")
    return folder


def run(*arguments: object, exit_code: int = 0) -> str:
    """What the command prints, stderr after stdout."""
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    assert result.exit_code == exit_code, result.output
    assert "internal error" not in result.stderr
    return str(result.stdout + result.stderr)


def test_data_report(folder: Path) -> None:
    table = folder / f"{NAME}.tsv"
    assert f"{SHOWN}.tsv: 60 pairs read" in run("data", "report", "--train", table)
    assert json.loads(run("data", "report", "--train", table, "--json"))["sources"][0]["name"] == str(table)
    assert f"{SHOWN}.csv: no such file" in run("data", "report", "--train", folder / f"{NAME}.csv", exit_code=2)


def test_training_records_the_names(folder: Path) -> None:
    src, tgt, output = folder / f"{NAME}.fr", folder / f"{NAME}.en", folder / NAME
    shown = run("train", "--train-src", src, "--train-tgt", tgt, *TINY, "-o", output)
    assert f", in {printable(str(output))}" in shown
    assert open_model(output).config.data.train_src == (str(src),)
    assert rf"| training data | {SHOWN}.fr, {SHOWN}.en |" in (open_model(output).path / "README.md").read_text("utf-8")
    assert "nothing left to do" in run("train", "--resume", "-o", output)
    assert "already holds a run" in run("train", "--train-src", src, "--train-tgt", tgt, "-o", output, exit_code=2)


def test_commands_with_a_model(folder: Path) -> None:
    model, src, tgt = folder / "run", folder / f"{NAME}.fr", folder / f"{NAME}.en"
    run("translate", model, "-i", src, "-o", folder / f"{NAME}.out")
    assert len((folder / f"{NAME}.out").read_text().splitlines()) == 60
    assert "BLEU" in run("evaluate", model, "--src", src, "--ref", tgt, "-o", folder / f"{NAME}.hyp")
    run("score", model, "--src", src, "--tgt", tgt, "-o", folder / f"{NAME}.scores")
    assert len((folder / f"{NAME}.scores").read_text().splitlines()) == 60
    assert SHOWN in run("info", model)
    assert NAME in json.loads(run("info", model, "--json"))["folder"]
    run("export", model, "-o", folder / f"{NAME}-int8", "--int8")
    assert "already exists" in run("export", model, "-o", folder / f"{NAME}-int8", exit_code=2)
    run("plot", "curves", model, "-o", folder / f"{NAME}.svg")
    run("plot", "words", model, "-i", src, "-o", folder / f"{NAME}.png")
    assert "no preset" in run("presets", NAME, exit_code=2)


@pytest.mark.parametrize("name", [NAME, "dé"])
@pytest.mark.skipif(sys.platform == "win32", reason="has no such locales")
def test_a_terminal_of_ascii(name: str, folder: Path) -> None:
    (folder / f"{NAME}.tsv").rename(folder / f"{name}.tsv")
    environment = {**os.environ, "LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    code = "from seq2seq.cli import app; app()"
    command: list[str | bytes] = [
        sys.executable,
        "-c",
        code,
        "data",
        "report",
        "--train",
        os.fsencode(folder / f"{name}.tsv"),
    ]
    result = subprocess.run(command, env=environment, capture_output=True, timeout=100, check=False)
    assert (result.returncode, result.stderr) == (0, b"")
    shown = {NAME: rb"d\xe9", "dé": rb"d\xc3\xa9"}[name]
    assert shown + b".tsv: 60 pairs read" in result.stdout


def test_printable_text() -> None:
    assert (
        printable("a\x1b[0m\u202e\ufffe\ud800" + os.fsdecode(b"\x80\xff"))
        == "a\ufffd[0m\u202e\ufffd\ufffd" + r"\x80\xff"
    )
