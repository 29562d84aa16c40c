"""User files are never lost: neither neighbours of a run or model, nor any file but the named output."""

import json
import os
import shlex
import shutil
import stat
import subprocess
import sys
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from seq2seq.cli import app
from seq2seq.config import Config
from seq2seq.data.preparation import prepare_data
from seq2seq.errors import InputError
from seq2seq.io.lines import open_output
from seq2seq.io.storage import replace_file, replacing
from seq2seq.runs.lock import lock_file
from seq2seq.runs.model_folder import write_files
from seq2seq.training.progress import Progress
from seq2seq.training.run import open_run, train

QUIET = Progress(quiet=True)
# Names that this or another program might derive from a name.
NEIGHBOURS = (
    *("{}.old", "{}.partial", "{}.preparing", "{}.lock", "{}.tmp", "{}~", "{}.bak", ".{}.old", ".{}", "{}.1.partial"),
    *(".seq2seq-0123456789abcdef", "new", "old", "workspace"),
)


def tree(folder: Path) -> dict[str, bytes | None]:
    """Every path below a folder, and the bytes of each file."""
    return {str(path.relative_to(folder)): path.read_bytes() if path.is_file() else None for path in folder.rglob("*")}


def surround(path: Path, folders: bool) -> dict[str, bytes | None]:
    """Put user files next to a path. Returns them."""
    for pattern in NEIGHBOURS:
        neighbour = path.with_name(pattern.format(path.name))
        if folders:
            (neighbour / "deep").mkdir(parents=True)
            (neighbour / "deep" / "thesis.txt").write_text(f"years of work: {neighbour.name}")
            (neighbour / "checkpoints.json").write_text('{"best": 1, "last": 1}')
        else:
            neighbour.write_text(f"years of work: {neighbour.name}")
    return tree(path.parent)


@pytest.mark.parametrize("folders", [True, False])
def test_training_leaves_its_neighbours_alone(folders: bool, tiny: Callable[..., Config], tmp_path: Path) -> None:
    run, config = tmp_path / "run", tiny(training__max_steps=2)
    users = surround(run, folders)
    for overwrite in (False, True):
        train(config, run, resume=False, overwrite=overwrite, progress=QUIET)
        assert {name: value for name, value in tree(tmp_path).items() if not Path(name).is_relative_to("run")} == users


@pytest.mark.parametrize("folders", [True, False])
def test_steps_leave_their_neighbours_alone(folders: bool, tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(tiny(training__max_steps=2), run, resume=False, overwrite=False, progress=QUIET)
    users = surround(run / "steps" / "2", folders)
    kept = {name: value for name, value in users.items() if not Path(name).is_relative_to("2")}
    shutil.copytree(run, tmp_path / "copy")
    train(tiny(training__max_steps=2), run, resume=True, overwrite=False, progress=QUIET)
    after = tree(run / "steps")
    assert {name: value for name, value in after.items() if not Path(name).is_relative_to("2")} == kept


def test_a_renamed_run_is_not_renamed_back(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run, config = tmp_path / "run", tiny(training__max_steps=1)
    train(config, run, resume=False, overwrite=False, progress=QUIET)
    run.rename(tmp_path / "run.old")
    before = tree(tmp_path / "run.old")
    train(config, run, resume=False, overwrite=False, progress=QUIET)
    assert tree(tmp_path / "run.old") == before
    assert (run / "checkpoints.json").exists()


@pytest.mark.parametrize("folders", [True, False])
def test_export_leaves_its_neighbours_alone(folders: bool, trained: Path, tmp_path: Path) -> None:
    target = tmp_path / "model"
    users = surround(target, folders)
    result = CliRunner().invoke(app, ["export", str(trained), "-o", str(target)])
    assert result.exit_code == 0
    assert {name: value for name, value in tree(tmp_path).items() if not Path(name).is_relative_to("model")} == users


@pytest.mark.parametrize("name", [".", "..", "../here"])
def test_training_into_the_current_folder_is_refused(
    name: str, tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It used to fail on writing, after hours of training; with --overwrite the folder was deleted first."""
    here = tmp_path / "here"
    train(tiny(training__max_steps=1), here, resume=False, overwrite=False, progress=QUIET)
    before = tree(tmp_path)
    monkeypatch.chdir(here)
    for overwrite in (False, True):
        with pytest.raises(InputError, match="is or contains the current folder"):
            train(tiny(), Path(name), resume=False, overwrite=overwrite, progress=QUIET)
        assert tree(tmp_path) == before


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o664])
def test_a_replaced_file_keeps_its_mode(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("secret")
    path.chmod(mode)
    with replacing(path) as file:
        (partial,) = tmp_path.glob(".seq2seq-*")
        assert stat.S_IMODE(partial.stat().st_mode) == mode
        file.write(b"new secret")
    assert path.read_bytes() == b"new secret"
    assert stat.S_IMODE(path.stat().st_mode) == mode


@pytest.mark.skipif(not hasattr(os, "geteuid") or os.geteuid() != 0, reason="only root can change the owner")
def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "out"
    path.write_text("theirs")
    os.chown(path, 1234, 4321)
    replace_file(path, b"new")
    assert (path.stat().st_uid, path.stat().st_gid) == (1234, 4321)


@pytest.mark.parametrize("by_stream", [False, True])
def test_a_pipe_is_written_to_and_stays(by_stream: bool, tmp_path: Path) -> None:
    """A device node such as /dev/null used to be replaced by a file, in a container that runs as root."""
    pipe, received = tmp_path / "pipe", list[bytes]()
    os.mkfifo(pipe)
    reader = threading.Thread(target=lambda: received.append(pipe.read_bytes()))
    reader.start()
    if by_stream:
        with open_output(pipe) as file:
            file.write(b"new\n")
    else:
        replace_file(pipe, b"new\n")
    reader.join(timeout=10)
    assert received == [b"new\n"]
    assert stat.S_ISFIFO(pipe.stat().st_mode)
    assert list(tmp_path.iterdir()) == [pipe]


WRITE = "from seq2seq.io.lines import open_output\nwith open_output({!r}) as file: file.write(b'new\\n')"


@pytest.mark.skipif(not Path("/proc/self/fd").exists(), reason="needs Linux's names of descriptors")
@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_stdout_by_name_is_stdout(name: str, tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"old\n")
    command = [sys.executable, "-c", WRITE.format(name)]
    with open(log, "ab") as file:
        subprocess.run(command, stdout=file, check=True)
    assert log.read_bytes() == b"old\nnew\n"
    assert subprocess.run(command, stdout=subprocess.PIPE, check=True).stdout == b"new\n"
    assert list(tmp_path.iterdir()) == [log]


@pytest.mark.skipif(shutil.which("bash") is None, reason="needs process substitution in bash")
def test_process_substitution(tmp_path: Path) -> None:
    program = f"import sys; name = sys.argv[1]\n{WRITE.format('NAME').replace(repr('NAME'), 'name')}"
    script = f'"$0" -c "$1" >(cat > {tmp_path / "out"}); wait $!'
    subprocess.run(["bash", "-c", script, sys.executable, program], check=True, timeout=60)
    assert (tmp_path / "out").read_bytes() == b"new\n"


def test_a_link_stays_a_link(tmp_path: Path) -> None:
    target, link = tmp_path / "target", tmp_path / "link"
    target.write_text("old")
    link.symlink_to(target)
    replace_file(link, b"new")
    assert link.is_symlink()
    assert target.read_bytes() == b"new"


def command(*words: object) -> tuple[int, str]:
    result = CliRunner().invoke(app, [str(word) for word in words])
    return result.exit_code, result.stderr


USER_FILES = (
    "notes.txt",
    "err.log",
    "steps/best/model",
    "steps/notes.txt",
    "steps/8/test.hyp",
    "data/v.csv",
    "data/train/x",
)


@pytest.mark.parametrize("name", [*USER_FILES, "fifo", "link"])
def test_a_run_with_user_files_is_not_overwritten(
    name: str, trained: Path, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    (run / name).parent.mkdir(parents=True, exist_ok=True)
    if name == "fifo":
        os.mkfifo(run / name)
    elif name == "link":
        (run / name).symlink_to(tmp_path)
    else:
        (run / name).write_text("mine")
    before = tree(tmp_path)
    with pytest.raises(InputError, match="was not written by this training run"):
        train(tiny(), run, resume=False, overwrite=True, progress=QUIET)
    assert tree(tmp_path) == before


def test_a_run_with_files_of_a_file_manager_is_overwritten(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = tmp_path / "run"
    train(tiny(), run, resume=False, overwrite=False, progress=QUIET)
    (run / "steps" / ".DS_Store").write_text("")
    run.chmod(0o700)
    train(tiny(training__seed=5), run, resume=False, overwrite=True, progress=QUIET)
    assert json.loads((run / "config.json").read_text())["training"]["seed"] == 5
    assert stat.S_IMODE(run.stat().st_mode) == 0o700
    assert [path.name for path in tmp_path.iterdir()] == ["run"]


@pytest.mark.parametrize("name", ["notes.txt", "data/v.csv"])
def test_a_file_that_appears_while_the_data_is_prepared_is_kept(
    name: str, tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"

    def prepare(*arguments: Any) -> Any:
        (run / name).parent.mkdir(parents=True)
        (run / name).write_text("mine")
        return prepare_data(*arguments)

    monkeypatch.setattr("seq2seq.training.run.prepare_data", prepare)
    with pytest.raises(InputError, match="was not written by this training run"):
        train(tiny(), run, resume=False, overwrite=False, progress=QUIET)
    assert (run / name).read_text() == "mine"


@pytest.mark.parametrize("what", ["a run", "a file of the same name"])
def test_a_run_that_appears_while_the_data_is_prepared_is_kept(
    what: str, trained: Path, tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"

    def prepare(*arguments: Any) -> Any:
        if what == "a run":
            shutil.copytree(trained, run)
        else:
            run.mkdir()
            (run / "config.json").write_text("mine")
        return prepare_data(*arguments)

    monkeypatch.setattr("seq2seq.training.run.prepare_data", prepare)
    with pytest.raises(InputError, match="was created while"):
        train(tiny(), run, resume=False, overwrite=False, progress=QUIET)
    assert tree(run) == (tree(trained) if what == "a run" else {"config.json": b"mine"})


def test_models_without_their_state_are_kept(trained: Path, tiny: Callable[..., Config], tmp_path: Path) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    (run / "checkpoints.json").unlink()
    for state in run.glob("steps/*/state"):
        shutil.rmtree(state)
    before = tree(run)
    config, _ = open_run(run)
    with pytest.raises(InputError, match=r"is a model without training state, so .*; move it elsewhere"):
        train(config, run, resume=True, overwrite=False, progress=QUIET)
    assert tree(run) == before


class Mover(Progress):
    """Moves the run folder after the first validation, and may put another one there."""

    def __init__(self, run: Path, replacement: Path | None) -> None:
        super().__init__(quiet=True)
        self.run, self.replacement = run, replacement

    def validation(self, *_: object, **__: object) -> None:
        if not self.run.with_name("moved").exists():
            self.run.rename(self.run.with_name("moved"))
            if self.replacement:
                shutil.copytree(self.replacement, self.run)


@pytest.mark.parametrize("replaced", [False, True])
def test_a_training_whose_folder_was_moved_stops(
    replaced: bool, trained: Path, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    with pytest.raises(InputError, match="was moved, deleted or replaced"):
        train(tiny(), run, resume=False, overwrite=False, progress=Mover(run, trained if replaced else None))
    assert tree(run) == (tree(trained) if replaced else {})
    assert (tmp_path / "moved" / "data").is_dir()


def test_an_export_does_not_replace_a_folder_that_has_appeared(
    trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    target = tmp_path / "model"

    def write(*arguments: Any) -> None:
        write_files(*arguments)
        target.mkdir()
        (target / "mine").write_text("mine")

    monkeypatch.setattr("seq2seq.inference.export.write_files", write)
    code, stderr = command("export", trained, "-o", target)
    assert code == 2
    assert "model: already exists; give a new folder with -o" in stderr
    assert [path.name for path in tmp_path.iterdir()] == ["model"]
    assert (target / "mine").read_text() == "mine"


def test_an_export_does_not_become_a_step_of_a_run(trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    code, told = command("export", trained, "-o", run / "steps" / "9")
    assert code == 2
    assert "belongs to the run" in told
    assert tree(run) == tree(trained)


STEPS = ("an empty folder", "a file", "a model", "a copy of a step", "a note in a step", "a log in place of a folder")


def put_into_steps(what: str, run: Path, step: int) -> None:
    """Put something of the user's under the name of a step, or of a folder of the run."""
    folder = run / "steps" / str(step)
    if what == "a file":
        folder.write_text("mine")
    elif what == "a log in place of a folder":
        shutil.rmtree(run / "data" / "train")
        (run / "data" / "train").write_text("mine")
    elif what == "an empty folder":
        folder.mkdir()
    else:
        last = run / "steps" / str(json.loads((run / "checkpoints.json").read_text())["last"])
        shutil.copytree(last, folder)
        if what == "a model":
            shutil.rmtree(folder / "state")
        elif what == "a note in a step":
            state = json.loads((folder / "state" / "training.json").read_text())
            (folder / "state" / "training.json").write_text(json.dumps({**state, "step": step}))
            (folder / "note.txt").write_text("mine")


@pytest.mark.parametrize("what", STEPS)
def test_what_has_the_name_of_a_step_is_not_overwritten(
    what: str, trained: Path, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    put_into_steps(what, run, 61)
    before = tree(tmp_path)
    with pytest.raises(InputError, match="was not written by this training run"):
        train(tiny(), run, resume=False, overwrite=True, progress=QUIET)
    assert tree(tmp_path) == before


class Putter(Progress):
    """Puts something of the user's under the name of the step that comes next."""

    def __init__(self, run: Path, what: str, step: int) -> None:
        super().__init__(quiet=True)
        self.run, self.what, self.number = run, what, step

    def validation(self, *_: object, **__: object) -> None:
        if (self.run / "checkpoints.json").exists() and not (self.run / "steps" / str(self.number)).exists():
            put_into_steps(self.what, self.run, self.number)


@pytest.mark.parametrize("what", STEPS[:-1])
def test_a_training_does_not_replace_what_has_the_name_of_its_step(
    what: str, tiny: Callable[..., Config], tmp_path: Path
) -> None:
    run = tmp_path / "run"
    config = tiny(training__max_steps=8, training__validate_every=2)
    progress = Putter(run, what, 6)
    with pytest.raises(InputError, match=r"steps/6.*: was not written by this training"):
        train(config, run, resume=False, overwrite=False, progress=progress)
    kept = tree(run / "steps" / "6") if what != "a file" else (run / "steps" / "6").read_text()
    assert kept == "mine" if what == "a file" else kept or what == "an empty folder"
    (run / "steps" / "6").rename(tmp_path / "elsewhere")
    assert train(config, run, resume=True, overwrite=False, progress=QUIET).finished


def test_notes_in_the_best_step_survive_the_end_of_the_training(
    tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run, config = tmp_path / "run", tiny(search__length_penalty=None)

    def tune(*arguments: Any) -> float:
        best = json.loads((run / "checkpoints.json").read_text())["best"]
        (run / "steps" / str(best) / "note.txt").write_text("mine")
        return 1.0

    monkeypatch.setattr("seq2seq.training.validation.best_length_penalty", tune)
    with pytest.raises(InputError, match=r"note.txt: was not written by this training"):
        train(config, run, resume=False, overwrite=False, progress=QUIET)
    monkeypatch.undo()
    (note,) = run.glob("steps/*/note.txt")
    note.rename(tmp_path / "note.txt")
    assert train(config, run, resume=True, overwrite=False, progress=QUIET).finished


def test_a_run_with_a_mount_point_in_it_is_not_overwritten(
    trained: Path, tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = shutil.copytree(trained, tmp_path / "a run")
    table = tmp_path / "mountinfo"
    table.write_text(f"1 0 0:1 / / rw\n2 1 0:1 /x {str(run / 'data').replace(' ', chr(92) + '040')} rw\n")
    read = Path.read_text
    monkeypatch.setattr(
        Path, "read_text", lambda path, *a, **k: read(table if path == Path("/proc/self/mountinfo") else path, *a, **k)
    )
    before = tree(run)
    with pytest.raises(InputError, match=r"a run/data: is a mount point, so .* cannot be replaced"):
        train(tiny(), run, resume=False, overwrite=True, progress=QUIET)
    assert tree(run) == before


@pytest.mark.parametrize("kind", ["link", "dangling link", "pipe", "folder", "file"])
def test_what_has_the_name_of_the_lock_is_kept(kind: str, tiny: Callable[..., Config], tmp_path: Path) -> None:
    lock, other = lock_file(tmp_path / "run"), tmp_path / "other"
    if kind.endswith("link"):
        if kind == "link":
            other.touch()
        lock.symlink_to(other)
    elif kind == "pipe":
        os.mkfifo(lock)
    elif kind == "folder":
        lock.mkdir()
    else:
        lock.write_text("mine")
    before = lock.lstat().st_ino, other.exists()
    with pytest.raises(InputError, match="has the name of this run's lock, but is not one"):
        train(tiny(), tmp_path / "run", resume=False, overwrite=False, progress=QUIET)
    assert (lock.lstat().st_ino, other.exists()) == before


def test_a_run_that_could_not_be_deleted_does_not_come_back(
    tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    run = tmp_path / "run"
    train(tiny(), run, resume=False, overwrite=False, progress=QUIET)
    monkeypatch.setattr(shutil, "rmtree", lambda *_, **__: None)
    warnings: list[str] = []
    monkeypatch.setattr(Progress, "warn", lambda _, message: warnings.append(message))
    train(tiny(training__seed=5), run, resume=False, overwrite=True, progress=QUIET)
    assert any(
        warning.endswith(": not all of the old run could be deleted; delete this folder") for warning in warnings
    )
    monkeypatch.undo()
    run.rename(tmp_path / "moved")
    train(tiny(training__seed=6), run, resume=False, overwrite=False, progress=QUIET)
    assert json.loads((run / "config.json").read_text())["training"]["seed"] == 6
    assert {path.name for path in tmp_path.iterdir()} == {"run", "moved"}


@pytest.mark.parametrize(
    "name", ["checkpoints.json", "config.json", "metrics.jsonl", "data/train/src.ids", "data/valid.json"]
)
def test_no_output_replaces_a_file_of_a_run(name: str, trained: Path, tmp_path: Path) -> None:
    run = shutil.copytree(trained, tmp_path / "run")
    (tmp_path / "lines").write_text("un\n")
    before = tree(run)
    code, stderr = command("translate", run, "-i", tmp_path / "lines", "-o", run / name)
    assert code == 2
    assert "belongs to" in stderr
    assert tree(run) == before
    assert command("translate", run, "-i", tmp_path / "lines", "-o", run / "mine.txt") == (0, "")


def test_a_copy_of_a_step_and_notes_in_a_step_are_kept(tiny: Callable[..., Config], tmp_path: Path) -> None:
    steps = tmp_path / "run" / "steps"

    class User(Progress):
        def validation(self, step: int, *_: object, **__: object) -> None:
            if step == 6:
                shutil.copytree(steps / "3", steps / "999")
                (steps / "3" / "notes.txt").write_text("mine")

    config = tiny(training__max_steps=12, training__patience=99)
    train(config, tmp_path / "run", resume=False, overwrite=False, progress=User(quiet=True))
    assert (steps / "3" / "notes.txt").read_text() == "mine"
    assert (steps / "999" / "model.safetensors").is_file()


def test_a_file_named_like_stdin_is_left_alone(trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    Path("-").write_text("mine")
    result = CliRunner().invoke(app, ["translate", str(trained)], input="un\n")
    assert (result.exit_code, result.stderr) == (0, "")
    assert Path("-").read_text() == "mine"


def test_only_steps_of_the_training_are_deleted(trained: Path, tmp_path: Path) -> None:
    """An exported model has no state, so it is not a step of the training, whatever its name; nor is a link."""
    run = shutil.copytree(trained, tmp_path / "run")
    assert command("export", trained, "-o", tmp_path / "model") == (0, "")
    (tmp_path / "model").rename(run / "steps" / "61")
    (run / "steps" / "62").mkdir()
    (run / "steps" / "63").symlink_to(trained / "steps")
    before = tree(run / "steps")
    config, _ = open_run(run)
    train(config, run, resume=True, overwrite=False, progress=QUIET)
    assert tree(run / "steps") == before


@pytest.mark.parametrize(
    "words",
    [
        "translate MODEL -i lines -o lines",
        "translate MODEL -i lines -o link",
        "evaluate MODEL --src lines --ref ref -o ref",
        "evaluate MODEL --src lines --ref ref -o lines",
        "evaluate MODEL --src lines --ref ref --by-length --plot ref",
        "score MODEL --src lines --tgt ref -o ref",
        "evaluate MODEL --dataset set --src-column src --tgt-column tgt -o set/test.tsv",
        "plot words MODEL -i pic.svg -o pic.svg",
        "plot phrases MODEL -i pic.svg -o pic.svg",
        "rescore --dev list --dev-ref ref --save-weights list",
        "rescore --dev list --dev-ref ref --save-weights ref",
        "rescore --dev list --dev-ref ref --n-best list -o list",
    ],
)
def test_no_output_replaces_an_input(
    words: str, trained: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("lines").write_text("un deux\n")
    Path("link").symlink_to("lines")
    Path("ref").write_text("one two\n")
    Path("list").write_text("0 ||| one ||| lm: 1 ||| 1\n0 ||| two ||| lm: 2 ||| 1\n")
    Path("pic.svg").write_text("un\ndeux\ntrois\nquatre\ncinq\n")
    Path("set").mkdir()
    for split in ("train", "test"):
        Path(f"set/{split}.tsv").write_text("src\ttgt\nun\tone\n")
    before = tree(tmp_path)
    code, stderr = command(*words.replace("MODEL", str(trained)).split())
    assert code == 2
    expected = (
        "lies in set, which is read" if "--dataset" in words else "is also an input; give the output a file of its own"
    )
    assert expected in stderr
    assert tree(tmp_path) == before


@pytest.mark.parametrize("words", ["-i lines >> lines", "< lines >> lines", "-o lines < lines"])
def test_no_stream_reads_what_is_written(words: str, trained: Path, tmp_path: Path) -> None:
    (tmp_path / "lines").write_text("un deux\n")
    program = shlex.join([sys.executable, "-m", "seq2seq", "translate", str(trained)])
    done = subprocess.run(f"{program} {words}", shell=True, cwd=tmp_path, stderr=subprocess.PIPE, text=True, timeout=60)
    assert done.returncode == 2
    assert "is also an input; give the output a file of its own" in done.stderr
    assert tree(tmp_path) == {"lines": b"un deux\n"}


def test_two_outputs_of_an_evaluation_cannot_be_one_file(
    trained: Path, bitext: tuple[Path, Path], tmp_path: Path
) -> None:
    words = (
        "--src",
        bitext[0],
        "--ref",
        bitext[1],
        "--by-length",
        "--plot",
        tmp_path / "x.svg",
        "-o",
        tmp_path / "x.svg",
    )
    code, stderr = command("evaluate", trained, *words)
    assert code == 2
    assert "two outputs would be written there" in stderr


@pytest.mark.parametrize("name", ["config.json", "model.safetensors", "README.md", "manifest.json"])
def test_no_output_replaces_a_file_of_a_model(name: str, trained: Path, tmp_path: Path) -> None:
    model = tmp_path / "model"
    assert command("export", trained, "-o", model) == (0, "")
    (tmp_path / "lines").write_text("un\n")
    before = tree(model)
    code, stderr = command("translate", trained, "-i", tmp_path / "lines", "-o", model / name)
    assert code == 2
    assert "belongs to a model" in stderr
    assert tree(model) == before
    assert command("translate", trained, "-i", tmp_path / "lines", "-o", model / "mine.txt") == (0, "")
