"""Promise 8: a user error is one clear line on stderr and exit code 2, and nothing is lost."""

import gzip
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from typer.testing import CliRunner

from seq2seq.cli import app
from seq2seq.errors import InputError
from seq2seq.io.manifest import MANIFEST, seal_folder


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """Run a command line in a folder with invalid files; return the one line that it prints on stderr."""
    monkeypatch.chdir(tmp_path)
    Path("two.txt").write_text("a b\nc d\n")
    Path("three.txt").write_text("a\nb\nc\n")
    Path("empty.txt").write_text("")
    Path("blank.txt").write_text("\n\n\n")
    Path("latin.txt").write_bytes("ein\nschön\n".encode("latin-1"))
    Path("cut.gz").write_bytes(gzip.compress(b"a\n" * 1000)[:-9])
    Path("one-column.tsv").write_text("a\tb\nc\n")
    Path("three-columns.tsv").write_text("a\tb\tc\n")
    Path("same.tsv").write_text("a\tb\n" * 40)
    Path("preset.toml").write_text("preset = 3\n")
    Path("typo.toml").write_text("[model]\nhiden_size = 3\n")
    Path("broken.toml").write_text("[model\n")
    Path("section.toml").write_text("[modle]\nhidden_size = 4\n")
    Path("list.txt").write_text("0 ||| a ||| lm: 1 ||| 1\n")
    Path("folder").mkdir()

    def invoke(command: str | list[str]) -> str:
        result = CliRunner().invoke(app, command.split() if isinstance(command, str) else command)
        assert result.exit_code == 2, result.output
        assert result.stdout == ""
        *notes, line = result.stderr.strip().split("\n")
        # How a table was understood may precede the error.
        assert all(": separated by tabs" in note for note in notes)
        return line

    return invoke


# Three dots stand for the rest of a message that typer or another library words.
NOT_A_MODEL = "folder: not a model folder (it has no manifest.json); give one that train or export wrote"
ERRORS = {
    # the data
    "train": "no training data: give --train-src and --train-tgt, or --train FILE, or --dataset",
    "train --train-src two.txt": "configuration: --train-tgt is missing: aligned files must be given together",
    "train --train one-column.tsv --train same.tsv --weight 2": (
        "configuration: --weight: 1 for 2 training sets; give one for each, or none"
    ),
    "train --train same.tsv --split test": ("--subset and --split choose a part of a dataset: give --dataset"),
    "train --train-src /dev/null --train-tgt /dev/null": (
        "/dev/null: is given 2 times but can be read only once; save it to a file first"
    ),
    "train --train-src - --train-tgt -": "-: is given 2 times but can be read only once; save it to a file first",
    "train --train same.tsv --weight 0": "configuration: data.weights.0 = 0.0: ...",
    "train --train same.tsv --valid same.tsv --valid-src two.txt --valid-tgt two.txt": (
        "configuration: data: give --valid, or --valid-src and --valid-tgt, not both"
    ),
    "train --train same.tsv --src-column a": "configuration: --src-column and --tgt-column must be given together",
    "train --train same.tsv --set data.clean=duplicate": "configuration: data.clean.0 = 'duplicate': ...",
    "train --train-src two.txt --train-tgt three.txt": (
        "two.txt has 2 lines but three.txt has 3: aligned files need one translation per line"
    ),
    "train --train-src three.txt --train-tgt two.txt": (
        "three.txt has 3 lines but two.txt has 2: aligned files need one translation per line"
    ),
    "train --train-src two.txt --train-tgt latin.txt": (
        "latin.txt, line 2: not UTF-8 (byte 0xf6 at column 4); no other line is like that, so correct that one "
        "(--invalid-lines skip of train and data report drops it)"
    ),
    "train --train-src nowhere.txt --train-tgt two.txt": "nowhere.txt: no such file",
    "train --train-src folder --train-tgt two.txt": (
        "folder: is a folder, not a text file (a dataset folder is given with --dataset)"
    ),
    "train --train-src empty.txt --train-tgt empty.txt": (
        "empty.txt and empty.txt: usable pairs: 0 of 0; training needs at least 10"
    ),
    "train --train-src blank.txt --train-tgt blank.txt": (
        "blank.txt and blank.txt: usable pairs: 0 of 3; training needs at least 10"
    ),
    "train --train-src cut.gz --train-tgt two.txt": (
        "cut.gz: damaged gzip file after line 1000 (Compressed file ended before the end-of-stream marker was reached)"
    ),
    "train --train -": "-: is read several times, which only works with a file; save it to a file first",
    "train --train same.tsv": (
        "same.tsv: no pairs can be held out, because all share one source sentence, 'a'; is it of the right column? If "
        "so, give validation files"
    ),
    "train --train same.tsv --weight 1e-300": "configuration: data.weights.0 = 1e-300: ...",
    "train --train same.tsv --set tokenizer.vocab_size=3000000000": (
        "configuration: tokenizer.vocab_size = 3000000000: ..."
    ),
    "translate folder -o \0": "'\\x00': not a possible file name",
    "train --train one-column.tsv": (
        "one-column.tsv, line 2: 1 column, expected 2 as in the first line; --invalid-lines skip leaves such rows out"
    ),
    "train --train three-columns.tsv": (
        "three-columns.tsv: which columns are the sentences? It has 1 (a), 2 (b), 3 (c); "
        "name them with --src-column and --tgt-column "
        "(--src-column 1 --tgt-column 2 gives a → b; --src-column 1 --tgt-column 3 gives a → c)"
    ),
    # settings
    "train --set model.hiden_size=3": "configuration: unknown key model.hiden_size, did you mean model.hidden_size?",
    "train --set modle.hidden_size=3": "configuration: unknown key modle, did you mean model?",
    "train --config typo.toml": "typo.toml: unknown key model.hiden_size, did you mean model.hidden_size?",
    "train --config section.toml": "section.toml: unknown key modle, did you mean model?",
    "train --config broken.toml": "broken.toml: not valid TOML (Expected ...",
    "train --set hidden_size=3": ("--set hidden_size=3: expected section.key=value, for example model.hidden_size=256"),
    "train --set model.hidden_size": (
        "--set model.hidden_size: expected section.key=value, for example model.hidden_size=256"
    ),
    "train --set model.hidden_size=-1": (
        "configuration: model.hidden_size = -1: input should be greater than or equal to 1"
    ),
    "train --set model.hidden_size=7": (
        "configuration: model: architecture default needs an even hidden_size, not 7: a bidirectional encoder halves it"
    ),
    "train --set model.dropout=1": "configuration: model.dropout = 1: input should be less than 1",
    "train --preset contxt": "no preset 'contxt', did you mean context? (`seq2seq presets` lists them)",
    "train --minutes 0": "configuration: training.minutes = 0.0: input should be greater than 0",
    "train --config latin.txt": "latin.txt: not readable as UTF-8 text (...",
    "train --config folder": "Invalid value for '--config': ...",
    "train --config preset.toml": "no preset '3' (`seq2seq presets` lists them)",
    "train --seed 99999999999999999999": "configuration: training.seed = 99999999999999999999: ...",
    "train --resume --overwrite": "--resume and --overwrite cannot be combined",
    # the command line
    "train --minuts 3": "No such option: --minuts ...",
    "train --minutes three": "Invalid value for '--minutes': ...",
    "trian": "No such command 'trian'. ...",
    "evaluate --hyp": "Option '--hyp' requires an argument. (see seq2seq evaluate --help)",
    "translate": "Missing argument 'MODEL'. (see seq2seq translate --help)",
    "translate two.txt": "two.txt: is a file; give the model folder first, and text with an option such as -i",
    "translate folder": NOT_A_MODEL,
    "translate folder --scores --json": "--scores and --json cannot be combined: JSON includes the scores",
    "info folder": NOT_A_MODEL,
    "presets contxt": "no preset 'contxt', did you mean context? (`seq2seq presets` lists them)",
    # evaluation
    "evaluate --hyp two.txt": "give the references: --ref FILE, or --input with a table, or --dataset",
    "evaluate --hyp two.txt --ref two.txt --input same.tsv": (
        "give the references: --ref FILE, or --input with a table, or --dataset"
    ),
    "evaluate folder --src two.txt --input same.tsv": (
        "--src goes with --ref; a table or a dataset has its own sources"
    ),
    "evaluate --ref two.txt": "give either a MODEL that translates, or --hyp with a file of translations",
    "evaluate --hyp two.txt --ref two.txt --beam-size 3": (
        "-o, --beam-size and --length-penalty are for a MODEL; --hyp is scored as it is"
    ),
    "evaluate --hyp two.txt --ref two.txt --src two.txt": (
        "--src is for a MODEL that translates it, or for --by-length; --hyp is scored as it is"
    ),
    "evaluate --hyp two.txt --ref two.txt --by-length": "--src is missing: give the file of sources",
    "evaluate --hyp two.txt --ref two.txt --src two.txt --by-length --by two.txt": (
        "--by and --by-length cannot be combined"
    ),
    "evaluate folder --ref two.txt --src - --by-length": (
        "-: is read several times, which only works with a file; save it to a file first"
    ),
    "evaluate --hyp two.txt --ref two.txt --src three.txt --by-length": "three.txt has 3 lines but two.txt has 2",
    "evaluate --hyp two.txt --ref two.txt --plot chart.png": "--plot draws scores by length: give --by-length too",
    "evaluate --hyp two.txt --ref two.txt --src two.txt --by-length --plot chart.pdf": (
        "chart.pdf: charts are .png or .svg files"
    ),
    "evaluate --hyp two.txt --ref two.txt --src two.txt --by-length --plot nowhere/chart.png": (
        "nowhere/chart.png: cannot be written (No such file or directory)"
    ),
    "evaluate --hyp empty.txt --ref empty.txt --src empty.txt --by-length --plot chart.png": (
        "nothing to score: the files are empty"
    ),
    "evaluate --hyp two.txt --ref two.txt --baseline three.txt": "two.txt has 2 lines but three.txt has 3",
    "evaluate --hyp two.txt --ref two.txt --metrics bleu,meteor": (
        "there is no metric 'meteor'; give some of bleu, chrf, chrf++, ter"
    ),
    "evaluate --hyp two.txt --ref two.txt --metrics bleu chrf++": (
        "separate the metrics by commas: --metrics bleu,chrf++"
    ),
    "evaluate --hyp two.txt --ref two.txt --tokenize moses": "--tokenize: sacreBLEU has no tokenizer 'moses'; give ...",
    "evaluate --hyp two.txt --ref two.txt --metrics ter --lowercase": (
        "--tokenize and --lowercase are for BLEU: add it to --metrics"
    ),
    "evaluate --hyp two.txt --ref two.txt --sentence --baseline two.txt": (
        "--sentence prints one line per sentence; leave out --by, --by-length and --baseline"
    ),
    "evaluate --hyp empty.txt --ref empty.txt --sentence": "nothing to score: the files are empty",
    "evaluate --hyp empty.txt --ref empty.txt --baseline empty.txt": "nothing to score: the files are empty",
    "evaluate --hyp - --ref two.txt --baseline -": "stdin (-) can be read only once",
    "evaluate folder folder --src two.txt --ref two.txt": NOT_A_MODEL,
    "translate folder folder": NOT_A_MODEL,
    "evaluate --hyp - --ref -": "stdin (-) can be read only once",
    "evaluate folder --ref two.txt": "--src is missing: give the file for MODEL to translate",
    "evaluate --hyp two.txt --ref three.txt": "two.txt has 2 lines but three.txt has 3",
    "evaluate folder --src two.txt --ref two.txt": NOT_A_MODEL,
    "evaluate --hyp two.txt --ref two.txt --by three.txt": "two.txt has 2 lines but three.txt has 3",
    "evaluate --hyp two.txt --input same.tsv --src-column 1": (
        "evaluate: --src-column and --tgt-column must be given together"
    ),
    "evaluate --hyp two.txt --dataset same.tsv": (
        "--dataset same.tsv: is a file, not a dataset; give a table with --train or --input"
    ),
    "evaluate --hyp three.txt --input same.tsv": "same.tsv has 40 lines but three.txt has 3",
    "evaluate --hyp empty.txt --ref empty.txt": "nothing to score: the files are empty",
    # scoring
    "score folder": "give one of: --src and --tgt; --input; --phrase-table; --n-best and --src",
    "score folder --src two.txt": "give one of: --src and --tgt; --input; --phrase-table; --n-best and --src",
    "score folder --n-best list.txt": "give one of: --src and --tgt; --input; --phrase-table; --n-best and --src",
    "score folder --src two.txt --phrase-table list.txt": (
        "give one of: --src and --tgt; --input; --phrase-table; --n-best and --src"
    ),
    "score folder --src - --tgt -": "stdin (-) can be read only once",
    "score folder --phrase-table list.txt --json": (
        "--per-token and --json are for sentence pairs; a Moses file keeps its format"
    ),
    "score folder --input same.tsv --json --normalize": (
        "--normalize cannot be combined with --per-token or --json, which has both scores"
    ),
    "score folder --input same.tsv --log": "--log is for a phrase table; all other output is in logarithms",
    "score folder --input same.tsv --feature-name F": (
        "--feature-name is for an n-best list; it is Unicode text without spaces, |, : or ="
    ),
    "score folder --n-best list.txt --src two.txt --feature-name F=": (
        "--feature-name is for an n-best list; it is Unicode text without spaces, |, : or ="
    ),
    "score folder --input same.tsv --invalid-lines drop": "Invalid value for '--invalid-lines': ...",
    "score folder --input same.tsv": NOT_A_MODEL,
    # rescoring
    "rescore": "give --dev and --dev-ref, to learn weights, or --weights FILE",
    "rescore --dev list.txt": "give --dev and --dev-ref, to learn weights, or --weights FILE",
    "rescore --dev list.txt --dev-ref two.txt --weights two.txt": (
        "give --dev and --dev-ref, to learn weights, or --weights FILE"
    ),
    "rescore --weights two.txt": "--n-best is missing: give the list to re-rank",
    "rescore --weights two.txt --n-best list.txt": "two.txt: not readable as JSON (...",
    "rescore --weights two.txt --n-best list.txt --save-weights w.json": (
        "--save-weights saves learnt weights: give --dev and --dev-ref"
    ),
    "rescore --dev list.txt --dev-ref two.txt -o best.txt": "--n-best is missing: give the list to re-rank",
    "rescore --weights two.txt --n-best list.txt --save-list -": (
        "-: two outputs would be written there; give each a file of its own"
    ),
    "rescore --dev - --dev-ref two.txt": (
        "-: is read several times, which only works with a file; save it to a file first"
    ),
    "rescore --dev list.txt --dev-ref - --n-best -": "only one input can be stdin (-)",
    "rescore --dev list.txt --dev-ref empty.txt": (
        "list.txt, line 1: sentence 0 (counted from 0), but there are 0 references"
    ),
    "rescore --dev empty.txt --dev-ref two.txt": "empty.txt: empty",
    "rescore --dev list.txt --dev-ref two.txt --dev-ref three.txt": "two.txt has 2 lines but three.txt has 3",
    "rescore --dev two.txt --dev-ref two.txt": "two.txt, line 1: 1 field, expected id ||| hypothesis ||| features",
}


@pytest.mark.parametrize("command", ERRORS)
def test_error_line(command: str, run: Callable[..., str], tmp_path: Path) -> None:
    before = sorted(tmp_path.iterdir())
    expected, line = f"seq2seq: error: {ERRORS[command]}", run(command)
    if expected.endswith("..."):
        assert line.startswith(expected.removesuffix("..."))
    else:
        assert line == expected
    assert [path for path in tmp_path.rglob("*") if path not in before] in ([], [tmp_path / "checkpoints"])


@pytest.mark.parametrize("debug", [False, True])
def test_an_internal_error_is_one_line_and_exit_code_1(debug: bool, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> str:
        raise ZeroDivisionError("of\nours")

    monkeypatch.setattr("seq2seq.cli.presets.preset_text", broken)
    result = CliRunner().invoke(app, [*["--debug"][:debug], "presets"])
    assert result.exit_code == 1
    lines = result.stderr.splitlines()
    assert lines[-1].startswith("seq2seq: internal error: ZeroDivisionError: of ours; please report it")
    assert (lines[0] == "Traceback (most recent call last):") == debug
    assert len(lines) == 1 or debug


@pytest.mark.parametrize(
    "error",
    [
        MemoryError(),
        RuntimeError(
            "[enforce fail at alloc_cpu.cpp:132] . DefaultCPUAllocator: not enough memory: you tried to allocate 9"
        ),
    ],
    ids=["Python", "torch"],
)
def test_running_out_of_memory_is_one_line(error: Exception, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_: str) -> str:
        raise error

    monkeypatch.setattr("seq2seq.cli.presets.preset_text", broken)
    result = CliRunner().invoke(app, ["presets"])
    assert (result.exit_code, result.stderr.count("\n")) == (2, 1)
    assert result.stderr.startswith("seq2seq: error: out of memory")


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("[" * 3000, "training.max_steps"),
        ("1" * 5000, "training.max_steps"),
        ("1e30", "training.max_steps"),
        ("nan", "training.max_steps"),
        ("\udcff", "training.max_steps"),
    ],
    ids=["brackets", "digits", "large", "nan", "lone surrogate"],
)
def test_invalid_values_of_settings(value: str, expected: str, run: Callable[..., str]) -> None:
    line = run(["train", "--train", "same.tsv", "--set", f"training.max_steps={value}"])
    assert line.startswith(f"seq2seq: error: configuration: {expected}")
    assert len(line) < 300


def test_a_configuration_with_a_byte_order_mark(run: Callable[..., str]) -> None:
    """Windows Notepad may write one."""
    Path("mark.toml").write_bytes(b"\xef\xbb\xbf[model]\nhiden_size = 3\n")
    assert "did you mean model.hidden_size" in run("train --config mark.toml --train same.tsv")


def test_an_endless_configuration(run: Callable[..., str]) -> None:
    assert run("train --config /dev/zero --train same.tsv") == (
        "seq2seq: error: /dev/zero: larger than any configuration file (over 1,048,576 bytes)"
    )


@pytest.mark.parametrize(
    ("closed", "command", "code", "message"),
    [
        ("<&-", "translate MODEL", 2, "seq2seq: error: "),
        (">&-", "presets", 2, "seq2seq: error: standard input or output: Bad file descriptor\n"),
        ("2>&-", "presets nonsense", 2, ""),
        (">/dev/full", "presets", 2, "seq2seq: error: standard input or output: No space left on device\n"),
        ("<&- >&- 2>&-", "presets nonsense", 2, ""),
    ],
)
def test_closed_and_full_streams(closed: str, command: str, code: int, message: str, trained: Path) -> None:
    words = command.replace("MODEL", str(trained))
    result = subprocess.run(
        ["sh", "-c", f'exec "$0" -m seq2seq {words} {closed}', sys.executable],
        capture_output=True,
        text=True,
        timeout=60,
    )
    assert result.returncode == code
    assert result.stdout == ""
    assert result.stderr.startswith(message)
    assert bool(result.stderr) == bool(message)
    assert "Traceback" not in result.stderr
    assert result.stderr.count("\n") <= 1


@pytest.mark.parametrize("output", ["loop", "loop/file", "/"])
def test_impossible_outputs(output: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A loop of links, and the root folder."""
    monkeypatch.chdir(tmp_path)
    Path("loop").symlink_to("loop")
    Path("lines").write_text("un\n")
    for command in (
        ["translate", str(trained), "-i", "lines", "-o", output],
        ["train", "--train-src", "lines", "--train-tgt", "lines", "-o", output],
        ["export", str(trained), "-o", output],
        ["info", output],
        ["translate", str(trained), "-i", output],
        ["train", "--train", output, "-o", "run"],
    ):
        result = CliRunner().invoke(app, command)
        assert result.exit_code == 2, (command, result.output)
        assert result.stderr.startswith("seq2seq: error: "), (command, result.stderr)
        assert result.stderr.count("\n") == 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["lines", "loop"]


def test_names_of_groups_escape_control_characters(run: Callable[..., str]) -> None:
    Path("groups").write_text("\x1b[2J\nb\n")
    result = CliRunner().invoke(app, ["evaluate", "--hyp", "two.txt", "--ref", "two.txt", "--by", "groups"])
    assert result.exit_code == 0
    assert "\ufffd[2J" in result.stdout
    assert "\x1b" not in result.stdout


def test_facts_cannot_override_what_info_reports(trained: Path, tmp_path: Path) -> None:
    folder = tmp_path / "model"
    assert CliRunner().invoke(app, ["export", str(trained), "-o", str(folder)]).exit_code == 0
    config = json.loads((folder / "config.json").read_text())
    config["facts"].update({"folder": "/bin", "languages": "de to en", "Size ": "1 GB", "licence": "free"})
    (folder / "config.json").write_text(json.dumps(config))
    (folder / MANIFEST).unlink()
    seal_folder(folder)
    shown = CliRunner().invoke(app, ["info", str(folder)]).stdout
    assert re.search(r"^licence +free$", shown, re.MULTILINE)
    assert not re.search("/bin|de to en|1 GB", shown)
    rows = [line[:21].strip().lower() for line in shown.splitlines()]
    assert len(rows) == len(set(rows))


@pytest.mark.parametrize("value", ["1e308", "-1e101", "inf", "nan"])
def test_features_too_large_to_be_squared(value: str, run: Callable[..., str]) -> None:
    Path("huge.txt").write_text(f"0 ||| a ||| lm: {value} ||| 1\n0 ||| b ||| lm: 1 ||| 1\n")
    message = run("rescore --dev huge.txt --dev-ref two.txt")
    assert message == "seq2seq: error: huge.txt, line 1: a feature is over 1e+100 or not a number"
    Path("weights.json").write_text(
        f'{{"weights": {{"lm": [{value.replace("inf", "Infinity").replace("nan", "NaN")}]}}}}'
    )
    message = run("rescore --weights weights.json --n-best list.txt")
    assert message.startswith("seq2seq: error: weights.json: damaged")


def test_a_pipe_is_not_read_twice(run: Callable[..., str]) -> None:
    os.mkfifo("pipe")
    message = run("evaluate --hyp two.txt --ref two.txt --src pipe --by-length")
    assert (
        message == "seq2seq: error: pipe: is read several times, which only works with a file; save it to a file first"
    )


@pytest.mark.parametrize("setting", ["model = 5", 'training = "fast"', "data = []"])
def test_a_value_instead_of_a_section(setting: str, run: Callable[..., str]) -> None:
    Path("odd.toml").write_text(f"{setting}\n")
    name = setting.partition(" ")[0]
    message = run(f"train --train same.tsv --config odd.toml --set {name}.seed=1")
    assert message.startswith(f"seq2seq: error: odd.toml: {name} = ")
    assert message.endswith(f"expected the section [{name}]")


def test_a_long_error_keeps_its_start_and_its_end(run: Callable[..., str]) -> None:
    Path("odd.jsonl").write_text(json.dumps({"a" * 50_000: "b", "c" * 50_000: 1}) + "\n")
    message = run("train --train odd.jsonl -o run")
    assert len(message) < 1000
    assert message.startswith("seq2seq: error: odd.jsonl: ")
    assert message.endswith("--tgt-column")
    with pytest.raises(InputError) as caught:
        raise InputError("one\ntwo " + "x" * 5000 + " end")
    assert str(caught.value).startswith("one two x")
    assert str(caught.value).endswith("x end")
    assert len(str(caught.value)) < 1000
