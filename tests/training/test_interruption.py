"""Ctrl-C and SIGTERM: the current step is saved, and a resumed training ends like an uninterrupted one."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import QUIET, Outcome, command_line, hashes, outcome, run_to_the_end

from seq2seq import Translator
from seq2seq.config import Config
from seq2seq.errors import InputError, Interrupted
from seq2seq.io.storage import read_json
from seq2seq.runs.lock import lock_file
from seq2seq.training.loop import Trainer
from seq2seq.training.objective import Objective
from seq2seq.training.run import train


def stop(
    config: Config,
    run: Path,
    owner: type,
    method: str,
    call: int,
    resume: bool = False,
    number: signal.Signals = signal.SIGTERM,
) -> str:
    """Train until a signal arrives after the given call of a method. Returns the message to the user."""
    original, calls = getattr(owner, method), 0

    def patched(self: object, *arguments: object, **options: object) -> object:
        nonlocal calls
        calls += 1
        result = original(self, *arguments, **options)
        if calls == call:
            signal.raise_signal(number)
        return result

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Interrupted) as caught:
        patch.setattr(owner, method, patched)
        patch.setattr("seq2seq.training.validation._WINDOW", 4)
        train(config, run, resume=resume, overwrite=False, progress=QUIET)
    assert caught.value.exit_code == 128 + number
    return str(caught.value)


def saved_state(run: Path) -> dict[str, Any]:
    step = read_json(run / "checkpoints.json")["last"]
    return dict(read_json(run / "steps" / str(step) / "state" / "training.json"))


@pytest.fixture(scope="module")
def uninterrupted(tiny: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_to_the_end(tiny(), tmp_path_factory.mktemp("uninterrupted") / "run")


@pytest.mark.parametrize("step", range(1, 9))
def test_stopped_at_each_step(step: int, tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path) -> None:
    run = tmp_path / "run"
    message = stop(tiny(), run, Trainer, "update", step)
    assert message == f"terminated at step {step}, which is saved: continue with --resume"
    assert saved_state(run)["step"] == step
    assert run_to_the_end(tiny(), run, resume=True) == uninterrupted


def test_a_closed_terminal_stops_training(tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path) -> None:
    run = tmp_path / "run"
    message = stop(tiny(), run, Trainer, "update", 4, number=signal.SIGHUP)
    assert message == "terminal closed at step 4, which is saved: continue with --resume"
    assert run_to_the_end(tiny(), run, resume=True) == uninterrupted


def test_nohup_is_respected(tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path) -> None:
    ignored = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    original = Trainer.update

    def update(trainer: Trainer) -> None:
        original(trainer)
        signal.raise_signal(signal.SIGHUP)

    try:
        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(Trainer, "update", update)
            assert run_to_the_end(tiny(), tmp_path / "run") == uninterrupted
    finally:
        signal.signal(signal.SIGHUP, ignored)


def test_ctrl_c_while_the_program_starts_leaves_no_traceback() -> None:
    program = """
import signal, sys

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell's background job would ignore it

class Finder:
    def find_spec(self, name, *_):
        if name == "seq2seq.cli.plot":
            signal.raise_signal(signal.SIGINT)

sys.meta_path.insert(0, Finder())
import seq2seq.cli
"""
    result = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, timeout=60)
    assert (result.returncode, result.stderr) == (-signal.SIGINT, "")


# Three validations, each with three windows of translations.
@pytest.mark.parametrize("call", range(1, 10))
def test_stopped_within_a_validation(
    call: int, tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    stop(tiny(), run, Translator, "translate", call)
    state, due = saved_state(run), [3, 6, 8][(call - 1) // 3]
    assert (state["step"], state["validated_step"] < due) == (due, True)
    assert run_to_the_end(tiny(), run, resume=True) == uninterrupted


def test_stopped_in_the_validation_loss_and_again_when_it_is_repeated(
    tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path
) -> None:
    run = tmp_path / "run"
    stop(tiny(), run, Objective, "log_loss", 2)
    before = outcome(run)
    stop(tiny(), run, Translator, "translate", 2, resume=True)
    assert outcome(run) == before
    assert run_to_the_end(tiny(), run, resume=True) == uninterrupted


@pytest.mark.parametrize(
    "changes",
    [
        {"training__max_steps": 30, "training__validate_every": 25},  # more than one epoch, and a record between
        {"training__accumulation": 3},
        {"training__learning_rate": 1e-12, "training__patience": 2, "training__max_steps": 100},
        {"training__precision": "bf16"},
    ],
    ids=["epochs", "accumulation", "patience", "bf16"],
)
def test_stopped_twice_in_one_epoch(changes: dict[str, object], tiny: Callable[..., Config], tmp_path: Path) -> None:
    config = tiny(**changes)
    expected = run_to_the_end(config, tmp_path / "whole")
    run = tmp_path / "runs" / "run"
    stop(config, run, Trainer, "update", 2)
    stop(config, run, Trainer, "update", 2, resume=True)
    assert saved_state(run)["step"] == 4
    stop(config, run, Trainer, "update", 3, resume=True)
    assert run_to_the_end(config, run, resume=True) == expected


@pytest.mark.parametrize(
    ("owner", "method", "call"),
    [(Trainer, "update", 3), (Trainer, "update", 15), (Translator, "translate", 1), (Translator, "translate", 2)],
)
def test_stopped_while_the_step_time_is_measured(
    owner: type, method: str, call: int, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    config = tiny(training__minutes=0.06, training__max_steps=None, training__validate_every=None)
    stop(config, run, owner, method, call)
    assert saved_state(run)["plan"] is None
    run_to_the_end(config, run, resume=True)
    end = saved_state(run)
    assert end["finished"]
    assert end["step"] == end["plan"]["total_steps"]


def test_stopped_at_the_last_step_before_there_was_a_plan(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = tiny(training__minutes=1.0, training__max_steps=4)
    stop(config, run, Trainer, "update", 4)
    run_to_the_end(config, run, resume=True)
    assert saved_state(run)["step"] == 4


def test_a_model_exists_before_the_first_validation(tiny: Callable[..., Config], tmp_path: Path) -> None:
    stop(tiny(), tmp_path / "run", Trainer, "update", 1)
    assert len(Translator.load(tmp_path / "run").translate(["un deux"])) == 1


def test_a_nan_loss_is_not_saved(tiny: Callable[..., Config], uninterrupted: Outcome, tmp_path: Path) -> None:
    run = tmp_path / "run"
    stop(tiny(), run, Trainer, "update", 2)
    checkpoint = hashes(run)
    original = Trainer.update

    def diverge(self: Trainer) -> None:
        original(self)
        with torch.no_grad():
            next(self.updater.objective.parameters()).fill_(torch.nan)
        self.interruption.record(signal.SIGTERM)

    with pytest.MonkeyPatch.context() as patch, pytest.raises(InputError, match="training diverged: the loss is nan"):
        patch.setattr(Trainer, "update", diverge)
        run_to_the_end(tiny(), run, resume=True)
    assert hashes(run) == checkpoint
    assert run_to_the_end(tiny(), run, resume=True) == uninterrupted


def test_signal_handlers_are_restored(tiny: Callable[..., Config], tmp_path: Path) -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)
    stop(tiny(), tmp_path / "run", Trainer, "update", 1)
    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def start(arguments: list[str], **options: Any) -> "subprocess.Popen[str]":
    return subprocess.Popen(arguments, stderr=subprocess.PIPE, text=True, **options)


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + 120
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.005)
    assert path.exists()


@pytest.mark.parametrize(("number", "code"), [(signal.SIGINT, 130), (signal.SIGTERM, 143)])
def test_a_real_signal_in_training(number: int, code: int, tiny: Callable[..., Config], tmp_path: Path) -> None:
    run, config = tmp_path / "run", tiny(training__max_steps=100_000, training__validate_every=50)
    process = start([*command_line(config), "-o", str(run)])
    wait_for(run / "checkpoints.json", process)
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    step = saved_state(run)["step"]
    assert f"at step {step:,}, which is saved: continue with --resume" in stderr.splitlines()[-1]
    assert "Traceback" not in stderr
    outcome(run)


# As reading the bitext begins, and while SentencePiece trains, when no Python handler can run.
@pytest.mark.parametrize(
    ("number", "code", "module", "name"),
    [
        (signal.SIGINT, 130, "seq2seq.data.splits", "survey"),
        (signal.SIGTERM, 143, "sentencepiece", "SentencePieceTrainer.Train"),
    ],
)
def test_a_real_signal_while_data_is_prepared(
    number: int, code: int, module: str, name: str, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    """A C call that takes a minute stands in for a computation in a library."""
    wait = (
        "import ctypes, pathlib\n"
        f"def wait(*_, **__):\n pathlib.Path({str(tmp_path / 'busy')!r}).touch(); ctypes.CDLL(None).sleep(60)\n"
    )
    patch = f"import {module}\n{wait}\n{module}.{name} = wait\n"
    process = start([*command_line(tiny(), patch), "-o", str(tmp_path / "run")])
    wait_for(tmp_path / "busy", process)
    began = time.monotonic()
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert time.monotonic() - began < 30
    assert "nothing was saved" in stderr
    assert set(tmp_path.iterdir()) <= {tmp_path / "busy", lock_file(tmp_path / "run")}


def test_a_second_signal_exits_at_once(tiny: Callable[..., Config], tmp_path: Path) -> None:
    """Even during a save: what it has written is never listed."""
    patch = (
        "import os\nfrom seq2seq.runs.checkpoints import CheckpointStore\n"
        "def save(*_):\n os.kill(os.getpid(), 2); os.kill(os.getpid(), 2); print('still here')\n"
        "CheckpointStore.save = save\n"
    )
    arguments = [*command_line(tiny(), patch), "-o", str(tmp_path / "run")]
    result = subprocess.run(arguments, capture_output=True, text=True, timeout=120)
    assert (result.returncode, result.stdout) == (130, "")
    assert not (tmp_path / "run" / "checkpoints.json").exists()


@pytest.mark.parametrize(
    ("number", "code", "word", "command"),
    [
        (signal.SIGINT, 130, "interrupted", "translate"),
        (signal.SIGTERM, 143, "terminated", "evaluate"),
        (signal.SIGHUP, 129, "terminal closed", "translate"),
    ],
)
def test_a_signal_leaves_no_partial_output(
    number: int, code: int, word: str, command: str, trained: Path, tmp_path: Path
) -> None:
    source, output = tmp_path / "in", tmp_path / "out"
    source.write_text("un deux trois\n" * 200_000)
    names = ["-i", source] if command == "translate" else ["--src", source, "--ref", source]
    process = start([sys.executable, "-m", "seq2seq", command, str(trained), *map(str, names), "-o", str(output)])
    deadline = time.monotonic() + 60
    while not list(tmp_path.glob(".seq2seq-*")) and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert list(tmp_path.glob(".seq2seq-*"))
    process.send_signal(number)
    _, stderr = process.communicate(timeout=60)
    assert process.returncode == code
    assert stderr == f"seq2seq: {word}\n"
    assert list(tmp_path.iterdir()) == [source]


def test_two_trainings_in_one_folder(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run, config = tmp_path / "run", tiny(training__max_steps=100_000)
    process = start([*command_line(config), "-o", str(run)])
    wait_for(run / "checkpoints.json", process)
    with pytest.raises(InputError, match="another training is running in this folder"):
        train(config, run, resume=True, overwrite=False, progress=QUIET)
    os.kill(process.pid, signal.SIGKILL)
    process.communicate()
    stop(config, run, Trainer, "update", 1, resume=True)  # a dead process holds no lock
    assert not lock_file(tmp_path / "run").exists()
