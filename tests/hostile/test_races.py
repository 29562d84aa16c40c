"""The files used are those that were checked, even while names are redirected to other folders."""

import os
import shutil
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from seq2seq.errors import InputError
from seq2seq.inference.engine import load_engine
from seq2seq.io.manifest import SealedFolder
from seq2seq.runs import model_folder
from seq2seq.runs.model_folder import ModelFolder, open_model
from seq2seq.runs.trained_model import TrainedModel

LOADS = 200


@contextmanager
def meanwhile(change: Callable[[], None]) -> Iterator[None]:
    """Repeat a change in another thread while the block runs."""
    stop = threading.Event()

    def repeat() -> None:
        while not stop.is_set():
            change()

    thread = threading.Thread(target=repeat)
    thread.start()
    try:
        yield
    finally:
        stop.set()
        thread.join()


def swap(link: Path, *targets: Path) -> Callable[[], None]:
    """Redirect a link to each target in turn, atomically."""
    turn = 0

    def change() -> None:
        nonlocal turn
        turn += 1
        new = link.with_name("new")
        new.symlink_to(targets[turn % len(targets)])
        os.replace(new, link)

    return change


def test_a_link_that_changes_while_a_model_is_loaded_never_mixes_models(
    model: Path, model_of_two_vocabularies: Path, tmp_path: Path
) -> None:
    """The models differ in their vocabularies, so the weights of one do not fit the vocabularies of the other."""
    change = swap(tmp_path / "link", model, model_of_two_vocabularies)
    change()
    kinds = set()
    with meanwhile(change):
        for _ in range(LOADS):
            folder = open_model(tmp_path / "link")
            assert load_engine(folder) is not None
            kinds.add(folder.tokenizers.joint)
        for _ in range(LOADS // 10):
            trained = TrainedModel.load(open_model(tmp_path / "link"))
            assert trained.network.src_embedding.weight.shape[0] == len(trained.tokenizers.src)
    assert kinds == {True, False}


def test_a_training_that_deletes_steps_does_not_disturb_a_reader(model: Path, tmp_path: Path) -> None:
    """Like `CheckpointStore.save`: a new step, an index that names it, then the old step is deleted."""
    run, step = tmp_path / "run", 0
    shutil.copytree(model, run / "steps" / "0")
    (run / "checkpoints.json").write_text('{"best": 0, "last": 0}')

    def save() -> None:
        nonlocal step
        step += 1
        shutil.copytree(model, run / "steps" / str(step))
        (run / "new").write_text(f'{{"best": {step}, "last": {step}}}')
        os.replace(run / "new", run / "checkpoints.json")
        shutil.rmtree(run / "steps" / str(step - 1))

    with meanwhile(save):
        for _ in range(LOADS):
            assert load_engine(open_model(run)) is not None
    assert step > 10


def test_a_folder_that_stays_damaged_is_an_error(model: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A reader that finds a damaged folder does not retry forever."""
    folder = shutil.copytree(model, tmp_path / "model")
    opened = 0

    def open_folder(path: Path) -> ModelFolder:
        nonlocal opened
        opened += 1
        if opened < 3:
            folder.rename(tmp_path / str(opened))  # it keeps its inode, which the next folder must not reuse
            shutil.copytree(model, folder)
            (folder / "config.json").unlink()
        return original(path)

    original = model_folder._open_folder
    monkeypatch.setattr(model_folder, "_open_folder", open_folder)
    with pytest.raises(InputError, match=r"config\.json"):
        open_model(folder)
    assert opened == 3


def test_a_file_is_read_as_it_was_checked(model: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(model, tmp_path / "model")
    sealed = SealedFolder(folder, required=("config.json", "model.safetensors"))
    content = (folder / "config.json").read_bytes()
    os.replace(shutil.copy(model / "README.md", tmp_path / "other"), folder / "config.json")
    assert sealed.read("config.json", 10**6) == content
    with open(folder / "model.safetensors", "r+b") as file:
        file.write(b"x")
    with pytest.raises(InputError, match=r"model.safetensors: altered while it was being read"):
        sealed.read("model.safetensors", 10**6)


def test_an_unlisted_file_cannot_be_opened(model: Path) -> None:
    sealed = SealedFolder(model, required=("config.json",), optional=("shortlist.safetensors",))
    for name in ("shortlist.safetensors", "model.safetensors"):
        with pytest.raises(InputError, match=f"does not list {name}"):
            sealed.file(name)


def test_no_file_stays_open(model: Path) -> None:
    def count() -> int:
        # The least of several: the thread that watches for other programs opens files for moments.
        return min(sum(1 for _ in Path("/dev/fd").iterdir()) for _ in range(20))

    before = count()
    folder = open_model(model)
    assert count() > before
    del folder
    assert count() == before
