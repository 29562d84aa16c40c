"""Promise 5 if the disk fails: whichever write, flush or rename fails, a checkpoint is intact and the run resumes."""

import ast
import errno
import io
import os
import random
import re
import resource
import shutil
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import count
from pathlib import Path
from typing import Any

import pytest
import torch
from runs import QUIET, Killed, Outcome, command_line, hashes, outcome, run_to_the_end

import seq2seq
from seq2seq.config import Config, config_differences, validate_config
from seq2seq.errors import InputError
from seq2seq.io import storage
from seq2seq.io.storage import current_or_backup, read_json
from seq2seq.runs.checkpoints import CheckpointStore
from seq2seq.runs.lock import lock_file
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.run_folder import RunFolder
from seq2seq.runs.trained_model import load_model
from seq2seq.training.run import train


class Disk:
    """Counts the disk operations of `storage`; the n-th fails, a write after half of its data.

    dead: all later operations fail too and nothing is cleaned up, as if the process were killed or the power cut.
    """

    def __init__(self, failing: int, dead: bool) -> None:
        self.failing, self.dead, self.operations = failing, dead, 0

    def succeeds(self) -> bool:
        """Whether the next operation works."""
        self.operations += 1
        return self.operations < self.failing or (self.operations > self.failing and not self.dead)

    def error(self, *names: str) -> BaseException:
        return Killed() if self.dead else OSError(errno.ENOSPC, "No space left on device", *names)

    @contextmanager
    def in_use(self) -> Iterator[None]:
        disk = self

        class File(io.FileIO):
            def write(self, data: Any, /) -> int:
                if disk.succeeds():
                    return super().write(data)
                super().write(memoryview(data)[: len(data) // 2])
                raise disk.error()

        def open_file(path: Path, mode: str) -> Any:
            return open(path, mode) if mode == "rb" else io.BufferedWriter(File(path, mode))

        def flush(_: int) -> None:
            if not disk.succeeds():
                raise disk.error()

        def rename(source: Path, target: Path, rename: Callable[[Path, Path], None] = os.replace) -> None:
            if not disk.succeeds():
                raise disk.error(str(source))
            rename(source, target)

        def unless_dead(function: Callable[..., None]) -> Callable[..., None]:
            return lambda *a, **o: None if disk.dead and disk.operations >= disk.failing else function(*a, **o)

        with pytest.MonkeyPatch.context() as patch:
            patch.setattr(storage, "open", open_file, raising=False)
            patch.setattr(os, "fsync", flush)
            patch.setattr(os, "replace", rename)
            patch.setattr(shutil, "rmtree", unless_dead(shutil.rmtree))
            patch.setattr(Path, "unlink", unless_dead(Path.unlink))
            yield


@pytest.fixture(scope="module", autouse=True)
def _quick() -> Iterator[None]:
    """Hundreds of tiny trainings run without fsync, as no test cuts the power, and on one thread."""
    threads = torch.get_num_threads()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(os, "fsync", lambda _: None)
        torch.set_num_threads(1)
        yield
    torch.set_num_threads(threads)


@pytest.fixture(scope="module")
def short(tiny: Callable[..., Config]) -> Config:
    """Two validations, a record between them, and a length penalty that is tuned at the end."""
    small = {"model__hidden_size": 4, "search__length_penalty": None}
    return tiny(training__max_steps=3, training__validate_every=2, training__seed=2, **small)


@pytest.fixture(scope="module")
def old_run(tiny: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Path:
    run = tmp_path_factory.mktemp("old") / "run"
    run_to_the_end(tiny(training__max_steps=1, model__hidden_size=4), run)
    return run


@pytest.fixture(scope="module")
def undisturbed(short: Config, tmp_path_factory: pytest.TempPathFactory) -> Outcome:
    return run_to_the_end(short, tmp_path_factory.mktemp("undisturbed") / "run")


def overwrite(config: Config, run: Path, failing: int, dead: bool) -> None:
    with Disk(failing, dead).in_use():
        train(config, run, resume=False, overwrite=True, progress=QUIET)


def check_and_resume(config: Config, run: Path, old: dict[str, str], expected: Outcome) -> None:
    """The folder holds the older run or the new one, intact, and the next command ends as if nothing had failed."""
    folder = current_or_backup(run)
    begun = not config_differences(validate_config(read_json(folder / "config.json"), "stored"), config)
    if (folder / "checkpoints.json").exists():
        open_model(CheckpointStore(RunFolder(folder)).last or folder)
        load_model(folder)
    assert begun or hashes(folder) == old
    train(config, run, resume=begun, overwrite=not begun, progress=QUIET)
    assert outcome(run) == expected


# By default each test tries every third operation, the two tests different ones.
STRIDES = [3, pytest.param(1, marks=pytest.mark.slow)]


@pytest.mark.parametrize("stride", STRIDES)
def test_any_operation_may_fail_on_a_full_disk(
    stride: int, short: Config, old_run: Path, undisturbed: Outcome, tmp_path: Path
) -> None:
    old = hashes(old_run)
    for number in count(1, stride):
        run = tmp_path / str(number) / "run"
        shutil.copytree(old_run, run)
        try:
            overwrite(short, run, number, dead=False)
            break
        except InputError as error:
            message = str(error)
        assert message.startswith(str(run.parent))
        assert "cannot be written (No space left on device)" in message
        assert "\n" not in message
        assert list(run.parent.iterdir()) == [run]
        assert not list(run.rglob(".seq2seq-*"))
        check_and_resume(short, run, old, undisturbed)
    assert number > 80


@pytest.mark.parametrize("stride", STRIDES)
def test_any_operation_may_be_the_last(
    stride: int, short: Config, old_run: Path, undisturbed: Outcome, tmp_path: Path
) -> None:
    old = hashes(old_run)
    for number in count(1 + stride // 2, stride):
        run = tmp_path / str(number) / "run"
        shutil.copytree(old_run, run)
        try:
            overwrite(short, run, number, dead=True)
            break
        except Killed:
            lock_file(run).unlink(missing_ok=True)
        check_and_resume(short, run, old, undisturbed)
    assert number > 80


def test_a_file_cannot_grow(short: Config, undisturbed: Outcome, tmp_path: Path) -> None:
    """The system itself refuses halfway through the weights: EFBIG."""
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    with pytest.MonkeyPatch.context() as patch, pytest.raises(InputError) as caught:
        original = CheckpointStore.save

        def save(self: CheckpointStore, *arguments: Any) -> None:
            if self.last:
                resource.setrlimit(resource.RLIMIT_FSIZE, (8192, limits[1]))
            original(self, *arguments)

        patch.setattr(CheckpointStore, "save", save)
        try:
            run_to_the_end(short, tmp_path / "run")
        finally:
            resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    run = tmp_path / "run"
    assert re.sub(r"\.seq2seq-[\w-]+", "WORKSPACE", str(caught.value)) == (
        f"{run}/steps/WORKSPACE/new/model.safetensors: cannot be written (File too large); "
        f"the checkpoint of step 2 is intact in {run}: fix this and continue with --resume"
    )
    assert not list(tmp_path.rglob(".seq2seq-*"))
    assert run_to_the_end(short, run, resume=True) == undisturbed


@pytest.mark.parametrize("kills", [2, pytest.param(40, marks=pytest.mark.slow)])
def test_killed_at_random_moments(kills: int, tiny: Callable[..., Config], tmp_path: Path) -> None:
    """SIGKILL to one process after another."""
    config = tiny(training__max_steps=60, training__validate_every=2)
    expected = run_to_the_end(config, tmp_path / "whole" / "run")
    run, draw = tmp_path / "run", random.Random(kills)
    command = [*command_line(config, threads=1), "-q", "-o", str(run), "--resume"]
    for _ in range(kills):
        process = subprocess.Popen(command)
        while process.poll() is None and not lock_file(run).exists():
            time.sleep(0.01)
        time.sleep(draw.uniform(0, 1.5))
        process.kill()
        process.wait()
        lock_file(run).unlink(missing_ok=True)
        if (run / "checkpoints.json").exists():
            open_model(CheckpointStore(RunFolder(run)).last or run)
            load_model(run)
    subprocess.run(command, check=True, timeout=300)
    assert outcome(run) == expected


def test_only_storage_writes() -> None:
    """So that these tests see every write. Translations, which nothing resumes from, are written by `io/lines.py`."""
    package = Path(seq2seq.__file__).parent
    for path in sorted(package.rglob("*.py")):
        if path.relative_to(package).as_posix() in ("io/storage.py", "io/lines.py"):
            continue
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call):
                assert not _writes(node), f"{path}, line {node.lineno}"


def _writes(call: ast.Call) -> bool:
    """Whether a call, judging by its name and arguments, opens a file for writing, or writes, renames or flushes it."""
    name = ast.unparse(call.func)
    words = [
        argument.value
        for argument in (*call.args, *(keyword.value for keyword in call.keywords))
        if isinstance(argument, ast.Constant)
    ]
    modes = [word for word in words if isinstance(word, str) and word and set(word) <= set("rwaxbt+")]
    return (
        (name.split(".")[-1] == "open" and any(set(mode) & set("wax+") for mode in modes))
        or name in ("os.replace", "os.rename", "os.fsync")
        or name.split(".")[-1] in ("write_bytes", "write_text", "rename", "save_file", "fdopen", "tofile", "move")
    )


@pytest.mark.parametrize(
    "line", ["open(p, 'wb')", "p.open('a')", "open(p, mode='x')", "os.replace(a, b)", "p.write_text(t)"]
)
def test_a_write_is_detected(line: str) -> None:
    call = ast.parse(line, mode="eval").body
    assert isinstance(call, ast.Call)
    assert _writes(call)
