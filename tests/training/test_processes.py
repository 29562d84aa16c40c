"""Several processes train as one, stop together, and leave none waiting. On the CPU, with a real launcher."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from runs import APP, Outcome, arguments, command_line, outcome

from seq2seq.config import Config
from seq2seq.distributed import SingleProcess, drop_stray_variables, is_launched, started_processes
from seq2seq.io.storage import read_json
from seq2seq.training.update import _seed

# For launched processes: one record per step, so that losses can be compared, and one thread.
EACH_STEP = "import torch, seq2seq.training.loop as loop; torch.set_num_threads(1); loop._STEPS_PER_RECORD = 1"
# The threads of the communication library must be gone at exit: they can abort an interpreter that is shutting down.
NO_THREADS_LEFT = """
import atexit, pathlib, sys
def report():
    names = [path.read_text().strip() for path in pathlib.Path("/proc/self/task").glob("*/comm")]
    if left := [name for name in names if "gloo" in name]:
        print(*left, "left", file=sys.stderr)
atexit.register(report)
"""
LIMIT = 120


def launcher(count: int, folder: Path) -> list[str]:
    """torchrun of a script that runs the command line."""
    script = folder / "launched.py"
    script.write_text(f"{EACH_STEP}\n{NO_THREADS_LEFT}\n{APP}\n")
    return [sys.executable, "-m", "torch.distributed.run", "--standalone", "--nproc-per-node", str(count), str(script)]


def launch(command: list[str], **options: Any) -> "subprocess.Popen[str]":
    # Otherwise torchrun warns that it sets the number of threads itself.
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}
    return subprocess.Popen(
        command, stderr=subprocess.PIPE, text=True, start_new_session=True, env=environment, **options
    )


def finish(process: "subprocess.Popen[str]") -> str:
    try:
        return process.communicate(timeout=LIMIT)[1]
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        raise


def wait_for(path: Path, process: "subprocess.Popen[str]") -> None:
    deadline = time.monotonic() + LIMIT
    while not path.exists() and process.poll() is None and time.monotonic() < deadline:
        time.sleep(0.01)
    assert path.exists()


@pytest.fixture(scope="module")
def config(tiny: Callable[..., Config]) -> Config:
    """Batches of one to a few pairs, so that some processes get none of a batch."""
    return tiny(model__dropout=0.0, training__batch_tokens=24, training__max_steps=20, training__validate_every=10)


def train_together(count: int, config: Config, run: Path) -> Outcome:
    process = launch([*launcher(count, run.parent), *arguments(config), "-q", "-o", str(run)])
    stderr = finish(process)
    assert (process.returncode, stderr) == (0, "")
    return outcome(run)


@pytest.fixture(scope="module")
def two_processes(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return train_together(2, config, tmp_path_factory.mktemp("two") / "run")


def expect_equal_curves(ours: list[dict[str, Any]], theirs: list[dict[str, Any]]) -> None:
    assert len(ours) == len(theirs) == 22
    for our_record, their_record in zip(ours, theirs, strict=True):
        for name in our_record.keys() - {"loss", "valid_perplexity"}:
            assert our_record[name] == their_record[name]
        assert our_record.get("loss", 0) == pytest.approx(their_record.get("loss", 0), abs=1e-5)
        assert our_record.get("valid_perplexity", 0) == pytest.approx(their_record.get("valid_perplexity", 0), rel=1e-5)


@pytest.fixture(scope="module")
def one_process(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    run = tmp_path_factory.mktemp("alone") / "run"
    subprocess.run([*command_line(config, EACH_STEP), "-q", "-o", str(run)], check=True, timeout=LIMIT)
    return outcome(run)


def test_two_processes_train_as_one(two_processes: Outcome, one_process: Outcome) -> None:
    expect_equal_curves(two_processes[1], one_process[1])


@pytest.mark.slow
def test_four_processes_train_as_one(config: Config, one_process: Outcome, tmp_path: Path) -> None:
    expect_equal_curves(train_together(4, config, tmp_path / "run")[1], one_process[1])


@pytest.mark.slow
def test_two_processes_accumulate_as_one(tiny: Callable[..., Config], tmp_path: Path) -> None:
    config = tiny(
        model__dropout=0.0,
        training__batch_tokens=24,
        training__max_steps=20,
        training__validate_every=10,
        training__accumulation=3,
    )
    run = tmp_path / "alone" / "run"
    subprocess.run([*command_line(config, EACH_STEP), "-q", "-o", str(run)], check=True, timeout=LIMIT)
    expect_equal_curves(train_together(2, config, tmp_path / "run")[1], outcome(run)[1])


def test_each_process_step_and_batch_has_its_own_dropout_seed() -> None:
    keys = [(1, step, rank, batch) for step in range(1, 20) for rank in range(8) for batch in range(4)]
    assert len({_seed(*key) for key in keys}) == len(keys)


def test_ctrl_c_stops_all_processes_at_one_step_and_the_resume_is_exact(
    config: Config, two_processes: Outcome, tmp_path: Path
) -> None:
    """As a terminal sends it: to every process at once, the launcher included, which passes it on."""
    run = tmp_path / "run"
    command = [*launcher(2, tmp_path), *arguments(config), "-q", "-o", str(run)]
    process = launch(command)
    wait_for(run / "metrics.jsonl", process)
    os.killpg(process.pid, signal.SIGINT)
    stderr = finish(process)
    assert process.returncode != 0
    step = read_json(run / "checkpoints.json")["last"]
    assert 0 < step < 20
    assert stderr.count(f"seq2seq: interrupted at step {step}, which is saved: continue with --resume") == 1
    process = launch([*command, "--resume"])
    assert (finish(process), process.returncode) == ("", 0)
    assert outcome(run) == two_processes


@pytest.mark.parametrize("rank", [0, pytest.param(1, marks=pytest.mark.slow)])
def test_a_process_that_dies_ends_all_processes(rank: int, tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    config = tiny(training__max_steps=10**6, training__validate_every=20)
    command = [*launcher(2, tmp_path), *arguments(config), "-q", "-o", str(run)]
    (tmp_path / "launched.py").write_text(
        f"import os, pathlib\npathlib.Path({str(tmp_path)!r}, os.environ['RANK']).write_text(str(os.getpid()))\n{APP}\n"
    )
    process = launch(command)
    wait_for(run / "checkpoints.json", process)
    os.kill(int((tmp_path / str(rank)).read_text()), signal.SIGKILL)
    began = time.monotonic()
    finish(process)
    assert process.returncode != 0
    assert time.monotonic() - began < 60


def test_an_error_in_the_main_process_ends_all_and_is_reported_once(
    config: Config, bitext: Any, tmp_path: Path
) -> None:
    short = tmp_path / "short"
    short.write_text("un\n")
    command = [*launcher(2, tmp_path), "train", "--train-src", str(bitext[0]), "--train-tgt", str(short)]
    process = launch([*command, "-o", str(tmp_path / "run")])
    stderr = finish(process)
    assert process.returncode != 0
    assert stderr.count("seq2seq: error: ") == 1
    assert "aligned files need one translation per line" in stderr
    assert not (tmp_path / "run").exists()


def test_accelerate_launch_works_and_a_timed_plan_is_shared(tiny: Callable[..., Config], tmp_path: Path) -> None:
    config = tiny(training__minutes=0.05, training__max_steps=None, training__validate_every=None)
    run = tmp_path / "run"
    command = [sys.executable, "-m", "accelerate.commands.launch", "--multi_gpu", "--num_processes", "2"]
    command += ["--num_machines", "1", "--mixed_precision", "no", "--dynamo_backend", "no", "--main_process_port", "0"]
    process = launch([*command, "-m", "seq2seq", *arguments(config), "-q", "-o", str(run)])
    assert (finish(process), process.returncode) == ("", 0)
    last = read_json(run / "checkpoints.json")["last"]
    state = read_json(run / "steps" / str(last) / "state" / "training.json")
    assert state["finished"]
    assert state["step"] == state["plan"]["total_steps"]


def test_two_processes_translate_as_one(trained: Path, bitext: Any, tmp_path: Path) -> None:
    """Even if the last window has fewer lines than there are processes."""
    source = tmp_path / "in"
    source.write_text(bitext[0].read_text() + "\n\nun deux\n" + "six " * 200 + "\nsix\n")
    outputs: list[Path] = []
    for command in ([sys.executable, "-m", "seq2seq"], launcher(2, tmp_path)):
        outputs.append(tmp_path / str(len(outputs)))
        words = ["translate", str(trained), "-i", str(source), "-o", str(outputs[-1]), "--buffer-size", "6", "--json"]
        process = launch([*command, *words])
        stderr = finish(process)
        assert process.returncode == 0
        assert stderr.count("over the model's length limit") == 1
        assert all(line.startswith("seq2seq: ") for line in stderr.splitlines())
    assert outputs[0].read_bytes() == outputs[1].read_bytes()
    assert outputs[0].read_bytes().count(b"\n") == 205
    assert all(json.loads(line)["hypotheses"] for line in outputs[1].read_text().splitlines())


@pytest.mark.slow
def test_several_processes_cannot_share_stdin(trained: Path, tmp_path: Path) -> None:
    process = launch([*launcher(2, tmp_path), "translate", str(trained)], stdin=subprocess.DEVNULL)
    assert "several processes cannot share stdin: give the text with -i FILE" in finish(process)
    assert process.returncode != 0


COMPLETE = {"RANK": "1", "LOCAL_RANK": "1", "WORLD_SIZE": "2", "MASTER_ADDR": "localhost", "MASTER_PORT": "29500"}
# What `accelerate launch` sets without any option.
ACCELERATE_DEFAULTS = {
    "ACCELERATE_MIXED_PRECISION": "no",
    "ACCELERATE_DYNAMO_BACKEND": "NO",
    "ACCELERATE_DYNAMO_MODE": "default",
    "ACCELERATE_DYNAMO_USE_FULLGRAPH": "False",
    "ACCELERATE_DYNAMO_USE_DYNAMIC": "False",
    "ACCELERATE_CPU_AFFINITY": "False",
    "ACCELERATE_GRADIENT_ACCUMULATION_STEPS": "1",
}


def ignored(
    names: str, reason: str = "RANK, WORLD_SIZE and the other variables of torchrun are missing or inconsistent"
) -> str:
    return f"ignoring {names}: {reason}"


UNUSED = "accelerate's settings do not apply"


@pytest.mark.parametrize(
    ("variables", "launched", "message"),
    [
        ({}, False, ""),
        (COMPLETE, True, ""),
        ({**COMPLETE, **ACCELERATE_DEFAULTS}, True, ""),
        (
            {**COMPLETE, **ACCELERATE_DEFAULTS, "ACCELERATE_USE_FSDP": "true"},
            True,
            ignored("ACCELERATE_USE_FSDP", UNUSED),
        ),
        ({"WORLD_SIZE": "2"}, False, ignored("WORLD_SIZE")),
        ({"LOCAL_RANK": "0"}, False, ""),
        ({"LOCAL_RANK": "x", "RANK": "-1"}, False, ignored("LOCAL_RANK, RANK")),
        ({**COMPLETE, "RANK": "2"}, False, ignored("RANK, WORLD_SIZE")),
        ({**COMPLETE, "MASTER_ADDR": ""}, False, ignored("WORLD_SIZE")),
        (
            {"OMPI_COMM_WORLD_SIZE": "4", "OMPI_COMM_WORLD_RANK": "3"},
            False,
            ignored("OMPI_COMM_WORLD_SIZE", "launches by MPI are not supported"),
        ),
        ({"PMI_SIZE": "1"}, False, ""),
        (
            {"ACCELERATE_DEBUG_MODE": "perhaps", "FORK_LAUNCHED": "x"},
            False,
            ignored("ACCELERATE_DEBUG_MODE, FORK_LAUNCHED", UNUSED),
        ),
        (
            {"ACCELERATE_TORCH_DEVICE": "cuda:7", "WORLD_SIZE": "9"},
            False,
            "; ".join([ignored("ACCELERATE_TORCH_DEVICE", UNUSED), ignored("WORLD_SIZE")]),
        ),
    ],
    ids=str,
)
def test_variables_of_unsupported_launchers_are_dropped(
    variables: dict[str, str], launched: bool, message: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in [*COMPLETE, *(name for name in os.environ if name.startswith("ACCELERATE"))]:
        monkeypatch.delenv(name, raising=False)
    for name, value in variables.items():
        monkeypatch.setenv(name, value)
    assert is_launched() == launched
    assert launched or isinstance(started_processes(), SingleProcess)
    assert drop_stray_variables() == message
    assert drop_stray_variables() == ""
    assert not [name for name in os.environ if name.startswith("ACCELERATE")]


@pytest.mark.slow
def test_stray_variables_change_nothing(config: Config, one_process: Outcome, tmp_path: Path) -> None:
    run = tmp_path / "run"
    stray = {"WORLD_SIZE": "2", "LOCAL_RANK": "1", "OMPI_COMM_WORLD_SIZE": "4", "ACCELERATE_MIXED_PRECISION": "fp16"}
    stderr = subprocess.run(
        [*command_line(config, EACH_STEP), "-o", str(run)],
        env={**os.environ, **stray},
        stderr=subprocess.PIPE,
        check=True,
        timeout=LIMIT,
        text=True,
    ).stderr
    assert "warning: ignoring ACCELERATE_MIXED_PRECISION: accelerate's settings do not apply" in " ".join(
        stderr.split()
    )
    assert outcome(run) == one_process
