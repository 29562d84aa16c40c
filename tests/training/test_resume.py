"""Promise 4: killed at any moment and resumed, a training ends with the same bytes."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest
import safetensors.torch
import torch
from runs import QUIET, Killed, Outcome, outcome, run_to_the_end

from seq2seq.config import Config
from seq2seq.errors import InputError
from seq2seq.io.manifest import seal_folder
from seq2seq.io.storage import read_json, to_json
from seq2seq.presets import build_config
from seq2seq.training.loop import Trainer
from seq2seq.training.progress import Progress
from seq2seq.training.run import train


def kill_at(monkeypatch: pytest.MonkeyPatch, step: int) -> None:
    original = Trainer._step

    def step_or_die(self: Trainer) -> None:
        if self.state.step + 1 == step:
            raise Killed
        original(self)

    monkeypatch.setattr(Trainer, "_step", step_or_die)


@pytest.fixture(scope="module")
def uninterrupted(tiny: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_to_the_end(tiny(), tmp_path_factory.mktemp("uninterrupted") / "run")


@pytest.mark.parametrize("step", range(1, 9))
def test_killed_at_each_step(step: int, tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, step)
        run_to_the_end(tiny(), run)
    assert run_to_the_end(tiny(), run, resume=True) == uninterrupted


def test_other_files_among_the_steps_are_kept_and_ignored(
    tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path
) -> None:
    """A file manager may put files of its own there."""
    steps = tmp_path / "run" / "steps"

    class Visitor(Progress):
        def validation(self, *_: object, **__: object) -> None:
            if steps.is_dir():
                (steps / ".DS_Store").write_text("")
                (steps / "notes").mkdir(exist_ok=True)
                (steps / "1.partial").mkdir(exist_ok=True)

    train(tiny(), tmp_path / "run", resume=False, overwrite=False, progress=Visitor(quiet=True))
    others = {".DS_Store", "notes", "1.partial"}
    assert others < {path.name for path in steps.iterdir()}
    files, curve = outcome(tmp_path / "run")
    assert {name: value for name, value in files.items() if not others & set(Path(name).parts)} == uninterrupted[0]
    assert curve == uninterrupted[1]


def test_killed_between_a_step_folder_and_the_index(
    tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path
) -> None:
    run = tmp_path / "run"

    def die(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr("seq2seq.runs.checkpoints.replace_file", die)
        run_to_the_end(tiny(), run)
    assert (run / "steps" / "3").is_dir()
    assert run_to_the_end(tiny(), run, resume=True) == uninterrupted


@pytest.mark.parametrize("steps", ["all", "the last"])
def test_a_copy_without_its_index_is_resumed(
    steps: str, tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 8)
        run_to_the_end(tiny(), run)
    index = json.loads((run / "checkpoints.json").read_text())
    (run / "checkpoints.json").unlink()
    if steps == "the last" and index["best"] != index["last"]:
        shutil.rmtree(run / "steps" / str(index["best"]))
    resumed = run_to_the_end(tiny(), run, resume=True)
    assert (run / "checkpoints.json").is_file()
    if steps == "all":
        assert resumed == uninterrupted


def test_a_real_kill(tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path) -> None:
    """SIGKILL as soon as the first checkpoint exists, then resume in another process."""
    run = tmp_path / "run"
    data = tiny().data
    code = "import torch; torch.set_num_threads(2); from seq2seq.cli import app; app()"
    command = [sys.executable, "-c", code, "train", "-q", "-o", str(run), "--preset", "context"]
    command += ["--train-src", *data.train_src, "--train-tgt", *data.train_tgt]
    for key, value in (
        ("tokenizer.vocab_size", 320),
        ("model.embedding_size", 8),
        ("model.hidden_size", 16),
        ("model.context_size", 12),
        ("training.batch_tokens", 128),
        ("training.max_steps", 8),
        ("training.validate_every", 3),
        ("training.precision", "float32"),
        ("search.length_penalty", "1.0"),
    ):
        command += ["--set", f"{key}={value}"]
    process = subprocess.Popen(command)
    deadline = time.monotonic() + 120
    while not (run / "checkpoints.json").exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    os.kill(process.pid, signal.SIGKILL)
    process.wait()
    subprocess.run([*command, "--resume"], check=True, timeout=120)
    assert outcome(run) == uninterrupted


def test_same_seed_same_bytes_other_seed_other_bytes(
    tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path
) -> None:
    assert run_to_the_end(tiny(), tmp_path / "again") == uninterrupted
    assert run_to_the_end(tiny(training__seed=2), tmp_path / "other") != uninterrupted


def test_a_run_keeps_its_number_of_threads(
    tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Whatever OMP_NUM_THREADS is when it is resumed; started with another number, its bytes differ."""
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 5)
        run_to_the_end(tiny(), run)
    torch.set_num_threads(1)
    try:
        assert run_to_the_end(tiny(), run, resume=True) == uninterrupted
        assert torch.get_num_threads() == 2
        torch.set_num_threads(1)
        assert run_to_the_end(tiny(), tmp_path / "one") != uninterrupted
        assert run_to_the_end(tiny(training__threads=2), tmp_path / "two") == uninterrupted
    finally:
        torch.set_num_threads(2)


def test_a_finished_run_is_left_unchanged(tiny: Callable[..., Config], tmp_path: Path) -> None:
    """Neither its bytes nor its modification times change."""
    run = tmp_path / "run"
    run_to_the_end(tiny(), run)

    def snapshot() -> dict[Path, tuple[int, bytes]]:
        paths = [run, *run.rglob("*")]
        return {path: (path.stat().st_mtime_ns, path.read_bytes() if path.is_file() else b"") for path in paths}

    before = snapshot()
    run_to_the_end(tiny(), run, resume=True)
    assert snapshot() == before


def test_metrics_hold_each_step_once_after_a_resume(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 5)
        run_to_the_end(tiny(), run)
    run_to_the_end(tiny(), run, resume=True)
    lines = (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines()
    assert [line.split(",")[0] for line in lines if "valid_bleu" in line] == [f'{{"step": {n}' for n in (3, 6, 8)]


def test_resume_under_other_settings_is_refused(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    run_to_the_end(tiny(), run)
    with pytest.raises(InputError, match=r"training.learning_rate: 0.003 -> 0.1"):
        run_to_the_end(tiny(training__learning_rate=0.1), run, resume=True)


def test_a_run_is_not_overwritten_without_the_option(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    before = run_to_the_end(tiny(), run)
    with pytest.raises(InputError, match="--overwrite"):
        run_to_the_end(tiny(), run)
    broken = tiny(data__train_src=str(tmp_path / "missing"))
    with pytest.raises(InputError, match="no such file"):
        train(broken, run, resume=False, overwrite=True, progress=QUIET)
    assert outcome(run) == before


@pytest.mark.parametrize("resume", [True, False])
@pytest.mark.parametrize("config", [None, b"{}", b'{"name": "a web page"}', b"not json"])
def test_a_foreign_folder_is_never_touched(
    config: bytes | None, resume: bool, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    (tmp_path / "thesis.txt").write_text("years of work")
    if config is not None:
        (tmp_path / "config.json").write_bytes(config)
    with pytest.raises(InputError, match=r"holds files but no run|is a run without its data/"):
        train(tiny(), tmp_path, resume=resume, overwrite=not resume, progress=QUIET)
    assert (tmp_path / "thesis.txt").read_text() == "years of work"


def test_resume_without_a_checkpoint_starts_afresh_and_reports_it(
    tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    train(tiny(), tmp_path / "run", resume=True, overwrite=False, progress=Progress())
    assert "no checkpoint yet" in capsys.readouterr().err
    assert outcome(tmp_path / "run") == uninterrupted


def test_timed_plan_is_kept_over_a_resume(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = tiny(training__minutes=0.05, training__max_steps=None, training__validate_every=None)
    original = Trainer._step

    def die_once_planned(self: Trainer) -> None:
        if self.state.plan is not None:
            raise Killed
        original(self)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Trainer, "_step", die_once_planned)
        run_to_the_end(config, run)

    def state() -> dict[str, object]:
        last = read_json(run / "checkpoints.json")["last"]
        return dict(read_json(run / "steps" / str(last) / "state" / "training.json"))

    plan = state()["plan"]
    run_to_the_end(config, run, resume=True)
    assert state()["plan"] == plan
    assert state()["finished"]


def test_minutes_and_steps_together_take_no_more_than_the_steps(tiny: Callable[..., Config], tmp_path: Path) -> None:
    config = tiny(training__minutes=1.0, training__max_steps=4)
    assert train(config, tmp_path / "run", resume=False, overwrite=False, progress=QUIET).step == 4


@pytest.mark.parametrize(
    "changes",
    [{"training__precision": "bf16"}, {"tokenizer__joint": False}, {"training__optimizer": "adamw"}],
    ids=lambda changes: next(iter(changes)),
)
def test_killed_under_other_settings(changes: dict[str, object], tiny: Callable[..., Config], tmp_path: Path) -> None:
    config = tiny(training__weight_decay=0.01, training__schedule="linear", **changes)
    expected = run_to_the_end(config, tmp_path / "whole")
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 5)
        run_to_the_end(config, tmp_path / "run")
    assert run_to_the_end(config, tmp_path / "run", resume=True) == expected


def test_killed_while_a_run_is_overwritten(tiny: Callable[..., Config], tmp_path: Path) -> None:
    """Between the two renames the older run is intact, and the command can be repeated."""
    run = tmp_path / "run"
    before = run_to_the_end(tiny(), run)
    replace = os.replace

    def die_before_the_new_run(source: Path, target: Path) -> None:
        if source.name == "new" and target.name == "run":
            raise Killed
        replace(source, target)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(os, "replace", die_before_the_new_run)
        train(tiny(training__seed=2), run, resume=False, overwrite=True, progress=QUIET)
    assert outcome(run) == before
    train(tiny(training__seed=2), run, resume=False, overwrite=True, progress=QUIET)
    assert outcome(run) == run_to_the_end(tiny(training__seed=2), tmp_path / "alone")


@pytest.mark.parametrize("name", ["train/src.ids", "train/tgt.offsets", "valid/tgt.ids", "valid.json", "joint.model"])
def test_altered_data_is_detected_before_training_resumes(
    name: str, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 5)
        run_to_the_end(tiny(), run)
    content = bytearray((run / "data" / name).read_bytes())
    content[4] ^= 1
    (run / "data" / name).write_bytes(content)
    with pytest.raises(InputError, match=f"data/{name}: altered"):
        run_to_the_end(tiny(), run, resume=True)


def test_a_damaged_curve_does_not_stop_a_resume(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 5)
        run_to_the_end(tiny(), run)
    with open(run / "metrics.jsonl", "ab") as file:
        file.write(b"\0\0\xff\n[]\n{")
    run_to_the_end(tiny(), run, resume=True)
    for line in (run / "metrics.jsonl").read_text(encoding="utf-8").splitlines():
        assert json.loads(line)["step"] <= 8


def test_divergence_is_one_clear_error(tiny: Callable[..., Config], tmp_path: Path) -> None:
    config = tiny(training__learning_rate=1e30, training__warmup_steps=0, training__validate_every=1)
    with pytest.raises(
        InputError,
        match=r"the loss is \w+ at step \d+; start again with --overwrite and --set training.learning_rate=2.5e\+29",
    ):
        run_to_the_end(config, tmp_path / "run")


def _edit_progress(**values: object) -> Callable[[Path], None]:
    def edit(state: Path) -> None:
        path = state / "training.json"
        path.write_bytes(to_json({**read_json(path), **values}))

    return edit


def _edit_moments(edit_tensors: Callable[[dict[str, torch.Tensor]], object]) -> Callable[[Path], None]:
    def edit(state: Path) -> None:
        path = state / "optimizer.safetensors"
        tensors = safetensors.torch.load(path.read_bytes())
        edit_tensors(tensors)
        path.write_bytes(safetensors.torch.save(tensors))

    return edit


@pytest.mark.parametrize(
    ("edit", "message"),
    [
        (_edit_progress(step="many"), r"training.json: damaged \(step: "),
        (_edit_progress(plan={"total_steps": 3}), r"training.json: damaged \(plan.validate_every: "),
        (lambda state: (state / "training.json").write_bytes(b"[]\n"), "training.json: damaged"),
        (
            _edit_moments(lambda tensors: tensors.pop("0.exp_avg")),
            "optimizer.safetensors: damaged .tensors are missing",
        ),
        (
            _edit_moments(lambda tensors: tensors.update({"99.step": torch.ones(())})),
            "99.step does not belong to this optimiser",
        ),
        (
            _edit_moments(lambda tensors: tensors.update({"0.other": torch.ones(())})),
            "0.other does not belong to this optimiser",
        ),
        (_edit_moments(lambda tensors: tensors.update({"0.exp_avg": torch.ones(3)})), r"0.exp_avg has the shape \[3\]"),
        (lambda state: (state / "optimizer.safetensors").write_bytes(b"\x08" + bytes(15)), "safetensors: damaged"),
    ],
)
def test_an_inconsistent_state_is_one_clear_error(
    edit: Callable[[Path], object], message: str, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    """Even with a manifest that matches it."""
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 5)
        run_to_the_end(tiny(), run)
    state = run / "steps" / str(read_json(run / "checkpoints.json")["last"]) / "state"
    edit(state)
    (state / "manifest.json").unlink()
    seal_folder(state)
    with pytest.raises(InputError, match=message):
        run_to_the_end(tiny(), run, resume=True)


def test_a_run_is_resumed_from_its_folder_alone(
    tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        kill_at(patch, 5)
        run_to_the_end(tiny(), run)
    assert run_to_the_end(build_config(), run, resume=True) == uninterrupted
