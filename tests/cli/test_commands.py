"""The commands as a user runs them, on a tiny model."""

import gzip
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import torch
from typer.testing import CliRunner

from seq2seq import Translator
from seq2seq.cli import app
from seq2seq.evaluation.metrics import MetricScore
from seq2seq.io.manifest import FolderWriter
from seq2seq.io.storage import read_json, to_json
from seq2seq.presets import build_config
from seq2seq.runs.trained_model import load_model, write_model
from seq2seq.training.progress import Example, Progress

LINES = ["un deux", "", "trois six\u2028quatre\r", "\x0c", "cinq"]


def invoke(*arguments: object, stdin: str | bytes | None = None) -> str:
    result = CliRunner().invoke(app, [str(argument) for argument in arguments], input=stdin)
    assert result.exit_code == 0, result.stderr
    return result.stdout


def text_of(lines: list[str]) -> str:
    return "".join(line + "\n" for line in lines)


def test_translate_from_stdin_to_stdout(trained: Path) -> None:
    output = invoke("translate", trained, stdin=text_of(LINES).encode())
    assert output.split("\n") == [*Translator.load(trained).translate(LINES), ""]


@pytest.mark.parametrize("ending", ["", "\n"])
def test_translate_files(ending: str, trained: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_bytes((text_of(LINES).removesuffix("\n") + ending).encode())
    assert invoke("translate", trained, "-i", source, "-o", target, "--beam-size", 1) == ""
    assert target.read_bytes().decode().split("\n") == [*Translator.load(trained).translate(LINES, beam_size=1), ""]


def test_output_is_replaced_only_when_complete(trained: Path, tmp_path: Path) -> None:
    source, target = tmp_path / "in.txt", tmp_path / "out.txt"
    source.write_bytes(b"un\n" * 600 + b"\xff\n")
    target.write_text("old")
    result = CliRunner().invoke(app, ["translate", str(trained), "-i", str(source), "-o", str(target)])
    assert result.exit_code == 2
    assert f"{source}, line 601: not UTF-8" in result.stderr
    assert target.read_text() == "old"
    assert sorted(path.name for path in tmp_path.iterdir()) == ["in.txt", "out.txt"]


def test_n_best_scores_and_json_agree(trained: Path) -> None:
    options = ("translate", trained, "--n-best", 2)
    stdin = text_of(LINES).encode()
    texts = invoke(*options, stdin=stdin).split("\n")[:-1]
    scored = [line.split("\t") for line in invoke(*options, "--scores", stdin=stdin).split("\n")[:-1]]
    objects = [json.loads(line) for line in invoke(*options, "--json", stdin=stdin).split("\n")[:-1]]
    hypotheses = [hypothesis for line in objects for hypothesis in line["hypotheses"]]
    assert len(objects) == len(LINES)
    assert texts == [text for _, text in scored] == [hypothesis["text"] for hypothesis in hypotheses]
    assert [float(score) for score, _ in scored] == [round(hypothesis["score"], 6) for hypothesis in hypotheses]


def test_long_lines_warn_once_on_stderr(trained: Path) -> None:
    long = "un deux " * 200
    result = CliRunner().invoke(app, ["translate", str(trained), "--beam-size", "1"], input=f"un\n{long}\n{long}\n")
    assert result.stdout.count("\n") == 3
    assert result.stderr.count("length limit") == 1
    assert "2 of 3 lines have a sentence over the model's length limit" in result.stderr
    assert "(lines 2, 3)" in result.stderr


def test_stdout_may_be_closed_early(trained: Path) -> None:
    command = f"yes un | head -n 3000 | {sys.executable} -m seq2seq translate {trained} --beam-size 1 | head -n 1"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True)
    assert result.stderr == ""
    assert result.stdout.splitlines() == Translator.load(trained).translate(["un"], beam_size=1)


def test_evaluate_process_substitutions(tmp_path: Path) -> None:
    """Named pipes, such as `<(zcat FILE)` in a shell."""
    (tmp_path / "ref").write_text("the cat is on the mat\nsomething\n")
    command = f"{sys.executable} -m seq2seq evaluate --hyp <(cat ref) --ref <(cat ref)"
    result = subprocess.run(["bash", "-c", command], capture_output=True, text=True, cwd=tmp_path)
    assert (result.stderr, result.stdout.split()[:2]) == ("", ["BLEU", "100.00"])


@pytest.mark.parametrize("mark", ["", "\ufeff"])
@pytest.mark.parametrize("references", [1, 2])
def test_evaluate_a_file_equals_sacrebleu(references: int, mark: str, tmp_path: Path) -> None:
    hyp, refs = tmp_path / "hyp", [tmp_path / f"ref{number}" for number in range(references)]
    hyp.write_text(mark + "the cat sat on the mat\n\na dog barks loudly \nnothing alike\n")
    for number, ref in enumerate(refs):
        ref.write_text(f"the cat is on the mat\nsomething\na dog barks  loudly\nnumber {number} it is\n")
    arguments = [part for ref in refs for part in ("--ref", ref)]
    ours = json.loads(invoke("evaluate", "--hyp", hyp, *arguments, "--json"))
    command = [sys.executable, "-m", "sacrebleu", *map(str, refs), "-i", str(hyp), "-m", "bleu", "chrf", "ter"]
    theirs = json.loads(
        subprocess.run([*command, "--format", "json", "-w", "6"], capture_output=True, check=True, text=True).stdout
    )
    for name, our, their in zip(("BLEU", "chrF", "TER"), ours, theirs, strict=True):
        assert (our["name"], round(our["score"], 6)) == (name, their["score"])
        assert our["signature"] == their["signature"]


def test_evaluate_a_model_equals_translate_then_evaluate(
    trained: Path, bitext: tuple[Path, Path], tmp_path: Path
) -> None:
    src, ref = bitext
    kept = tmp_path / "kept.txt"
    at_once = invoke("evaluate", trained, "--src", src, "--ref", ref, "-o", kept)
    invoke("translate", trained, "-i", src, "-o", tmp_path / "hyp.txt")
    assert kept.read_bytes() == (tmp_path / "hyp.txt").read_bytes()
    assert at_once == invoke("evaluate", "--hyp", kept, "--ref", ref)
    assert at_once.startswith("BLEU")
    assert "nrefs:1|case:mixed|eff:no|tok:13a|smooth:exp" in at_once


@pytest.mark.parametrize("form", ["table", "swapped", "dataset"])
def test_evaluate_a_table_equals_evaluate_two_files(
    form: str, trained: Path, bitext: tuple[Path, Path], tmp_path: Path
) -> None:
    src, ref = bitext
    pairs = list(zip(src.read_text().splitlines(), ref.read_text().splitlines(), strict=True))
    # The model knows its languages from the names of the files that it was trained on.
    order, header = (-1, "en\tfr") if form == "swapped" else (1, "fr\ten")
    text = "".join("\t".join(pair[::order]) + "\n" for pair in pairs)
    folder = tmp_path / "set"
    folder.mkdir()
    (folder / "test.tsv").write_text(f"{header}\n{text}")
    where = ("--dataset", folder) if form == "dataset" else ("--input", folder / "test.tsv")
    assert invoke("evaluate", trained, *where) == invoke("evaluate", trained, "--src", src, "--ref", ref)


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("test.csv", "id,en\n0,one\n1,two\n"),
        ("test.tsv", "en\tsw\none\tmoja\n"),
        ("test.jsonl", '{"en": "one", "sw": "moja"}\n'),
    ],
)
def test_evaluate_refuses_other_languages(name: str, content: str, trained: Path, tmp_path: Path) -> None:
    (tmp_path / name).write_text(content)
    for where in (("--input", tmp_path / name), ("--dataset", tmp_path)):
        result = CliRunner().invoke(app, ["evaluate", str(trained), *map(str, where)])
        assert (result.exit_code, result.stdout) == (2, "")
        assert "none of them clearly fr; name them with --src-column" in result.stderr


def test_reports_escape_control_characters(tmp_path: Path) -> None:
    rows = [{"fr": f"un\x1b[31m {n}", "en": f"one\x9b2J {n}"} for n in range(40)]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    for options in ((), ("--json",)):
        report = invoke("data", "report", "--train", tmp_path / "pairs.jsonl", *options)
        assert not {"\x1b", "\x9b"} & set(report)
    assert "\x9b2J" in "".join(json.loads(report)["examples"][0][1].split())


def test_examples_in_training_escape_control_characters(capsys: pytest.CaptureFixture[str]) -> None:
    Progress().validation(1, 2.0, MetricScore("BLEU", 3.0, "", ""), False, [Example("a\x1b[2J", "[b]", "c\x9b")])
    shown = capsys.readouterr().err
    assert "a\ufffd[2J" in shown
    assert "[b]" in shown
    assert not {"\x1b", "\x9b"} & set(shown)


def test_evaluate_by_group_equals_evaluating_each_group(tmp_path: Path) -> None:
    hyp = ["the cat sat on the mat", "a dog barks loudly", "nothing alike", "the dog sat on the cat"]
    ref = ["the cat is on the mat", "a dog barks loudly", "number one it is", "the dog is on the cat now"]
    kinds = ["cat", "dog", "", "dog"]

    def file(name: str, lines: list[str]) -> Path:
        (tmp_path / name).write_text(text_of(lines))
        return tmp_path / name

    def scores(*files: Path) -> list[dict[str, object]]:
        options = [word for pair in zip(("--hyp", "--ref", "--by"), files, strict=False) for word in pair]
        return list(json.loads(invoke("evaluate", *options, "--json")))

    grouped = scores(file("hyp", hyp), file("ref", ref), file("kinds.csv", kinds))
    plain = scores(file("hyp", hyp), file("ref", ref))
    assert [row for row in grouped if row["group"] is None] == plain
    for kind in ("cat", "dog"):
        members = [number for number, name in enumerate(kinds) if name == kind]
        alone = scores(file("h", [hyp[n] for n in members]), file("r", [ref[n] for n in members]))
        assert [{**row, "group": None} for row in grouped if row["group"] == kind] == alone
    assert len(grouped) == 3 * 4


def test_data_report_equals_the_report_of_training(bitext: tuple[Path, Path], tmp_path: Path) -> None:
    src, tgt = bitext
    pairs = ("--train-src", src, "--train-tgt", tgt, "--set", "tokenizer.vocab_size=300")
    report = invoke("data", "report", *pairs)
    assert f"{src} and {tgt}: 200 pairs read, 190 kept, 10 held out for validation" in report
    assert json.loads(invoke("data", "report", *pairs, "--json"))["sources"][0]["kept"] == 190
    small = ("--set", "training.max_steps=1", "--set", "model.hidden_size=8", "-o", tmp_path / "run")
    result = CliRunner().invoke(app, [str(word) for word in ("train", *pairs, *small)])
    stderr = result.stderr.replace("[yellow]", "")
    assert all(line in stderr for line in report.splitlines())


def test_clean_without_rules_applies_every_rule(bitext: tuple[Path, Path]) -> None:
    pairs = ("--train-src", bitext[0], "--train-tgt", bitext[1], "--set", "tokenizer.vocab_size=300")
    findings = json.loads(invoke("data", "report", *pairs, "--clean", "--json"))["sources"][0]["findings"]
    assert all(finding["left_out"] for finding in findings)


def test_info(trained: Path) -> None:
    best = read_json(trained / "checkpoints.json")["best"]
    shown = json.loads(invoke("info", trained, "--json"))
    assert shown["facts"]["step"] == best
    network = load_model(trained).network
    assert shown["facts"]["parameters"] == sum(p.numel() for p in network.parameters())
    assert invoke("info", trained) == invoke("info", trained / "steps" / str(best))


def test_without_arguments_the_help_is_shown() -> None:
    assert invoke() == invoke("--help")


def test_a_model_needs_no_training_state(trained: Path, tmp_path: Path) -> None:
    best = trained / "steps" / str(read_json(trained / "checkpoints.json")["best"])
    copy = tmp_path / "model"
    shutil.copytree(best, copy, ignore=shutil.ignore_patterns("state"))
    assert invoke("translate", copy, stdin="un deux\n") == invoke("translate", best, stdin="un deux\n")
    card = (copy / "README.md").read_text(encoding="utf-8")
    assert "train.fr, train.en" in card
    assert "nrefs:1\\|case:mixed" in card


def test_a_model_with_nan_weights_is_an_error(trained: Path, tmp_path: Path) -> None:
    """Rather than missing lines."""
    model = load_model(trained)
    with torch.no_grad():
        model.network.output_bias.fill_(torch.nan)
    folder = FolderWriter(tmp_path / "nan")
    write_model(folder, model, {})
    result = CliRunner().invoke(app, ["translate", str(folder.publish())], input="un\n")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "are NaN" in result.stderr


@pytest.mark.parametrize("steps", [[], {}, None, {"best": 3}, {"best": "../3", "last": 3}, {"best": True, "last": 1}])
@pytest.mark.parametrize("command", ["translate", "info"])
def test_damaged_checkpoint_index(steps: object, command: str, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "checkpoints.json").write_bytes(to_json(steps))
    result = CliRunner().invoke(app, [command, str(tmp_path)])
    assert result.exit_code == 2
    assert f"{tmp_path / 'checkpoints.json'}: damaged" in result.stderr


def test_a_model_folder_can_be_moved(trained: Path, tmp_path: Path) -> None:
    best = trained / "steps" / str(read_json(trained / "checkpoints.json")["best"])
    moved = best.rename(tmp_path / "my model")
    try:
        assert invoke("translate", moved, stdin="un deux\n") == "\n".join(
            [*Translator.load(moved).translate(["un deux"]), ""]
        )
    finally:
        moved.rename(best)


def test_preset_is_a_config_file(tmp_path: Path) -> None:
    listed = invoke("presets").splitlines()
    assert listed[0].startswith("context ")
    for line in listed:
        name = line.split()[0]
        file = tmp_path / f"{name}.toml"
        file.write_text(invoke("presets", name))
        assert build_config(file=file).model_dump() == build_config(name).model_dump()


def test_train_from_tsv_and_gz_gives_the_same_model(bitext: tuple[Path, Path], tmp_path: Path) -> None:
    src, tgt = (path.read_text().splitlines() for path in bitext)
    tsv, src_gz, tgt_gz = tmp_path / "train.tsv", tmp_path / "src.gz", tmp_path / "tgt.gz"
    tsv.write_text("".join(f"{s}\t{t}\r\n" for s, t in zip(src, tgt, strict=True)))
    src_gz.write_bytes(gzip.compress(bitext[0].read_bytes()))
    tgt_gz.write_bytes(gzip.compress(bitext[1].read_bytes()))
    small = ["--set", "training.max_steps=3", "--set", "model.hidden_size=8", "--set", "tokenizer.vocab_size=300", "-q"]
    weights = set()
    for number, source in enumerate(
        (
            ["--train", tsv],
            ["--train-src", src_gz, "--train-tgt", tgt_gz],
            ["--train-src", bitext[0], "--train-tgt", bitext[1]],
        )
    ):
        invoke("train", *source, *small, "-o", tmp_path / str(number))
        weights.add((tmp_path / str(number) / "steps" / "3" / "model.safetensors").read_bytes())
    assert len(weights) == 1


def test_train_shows_perplexity_bleu_and_examples(bitext: tuple[Path, Path], tmp_path: Path) -> None:
    src, tgt = bitext
    arguments = ["train", "--train-src", src, "--train-tgt", tgt, "--valid-src", src, "--valid-tgt", tgt]
    small = ["--set", "training.max_steps=2", "--set", "model.hidden_size=8", "-o", tmp_path / "run"]
    result = CliRunner().invoke(app, [str(argument) for argument in [*arguments, *small]])
    assert result.exit_code == 0, result.stderr
    assert result.stdout == ""
    for expected in ("200 pairs read, 200 kept", "validation at step 2: BLEU", "perplexity"):
        assert expected in result.stderr
    lines = result.stderr.splitlines()
    pairs = list(zip(src.read_text().splitlines(), tgt.read_text().splitlines(), strict=True))
    assert sum(line.startswith("  translation  ") for line in lines) == 6  # three for each of two validations
    shown = [line.partition("       ")[2] for line in lines if line.startswith("  source")]
    references = [line.partition("    ")[2] for line in lines if line.startswith("  reference")]
    assert set(zip(shown, references, strict=True)) <= set(pairs)
    assert shown[:3] != shown[3:]
    records = [json.loads(line) for line in (tmp_path / "run" / "metrics.jsonl").read_text().splitlines()]
    assert {"loss", "learning_rate", "target_tokens_per_second"} <= records[0].keys()
    assert {"valid_bleu", "valid_perplexity", "valid_bleu_signature"} <= records[-1].keys()


def test_a_json_report_is_complete_in_any_encoding(tmp_path: Path) -> None:
    rows = [{"sw": f"neno \U0001f600 {number}\x9b31m", "en": f"word {number}"} for number in range(30)]
    (tmp_path / "pairs.jsonl").write_text("".join(json.dumps(row) + "\n" for row in rows))
    command = [sys.executable, "-m", "seq2seq", "data", "report", "--train", "pairs.jsonl", "--json"]
    environment = {**os.environ, "PYTHONIOENCODING": "ascii"}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, check=True)
    assert "neno\U0001f600" in json.loads(result.stdout)["examples"][0][0].replace(" ", "").replace("\u2581", "")
    assert "\x9b" not in result.stdout.decode()


def test_a_terminal_with_a_limited_encoding(tmp_path: Path) -> None:
    (tmp_path / "pairs.tsv").write_text("".join(f"neno {n}\t\u8a9e {n}\n" for n in range(30)), encoding="utf-8")
    command = [sys.executable, "-m", "seq2seq", "data", "report", "--train", "pairs.tsv"]
    environment = {**os.environ, "PYTHONIOENCODING": "latin-1"}
    result = subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True)
    assert (result.returncode, result.stderr) == (0, b"")
    assert rb"\u2581" in result.stdout
