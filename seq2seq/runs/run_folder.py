"""The layout of a run folder, `checkpoints/<name>/`; its names are defined only here.

config.json         the settings, as resolved
data/               tokenizers, encoded pairs, the validation text and the data report
metrics.jsonl       the losses and validations so far
checkpoints.json    which step is `best` and which is `last`
steps/<step>/       a model folder each, and `state/` to resume from it
start/              the model that the training began with, of a fine-tuning and of some students

A distillation has several runs in its folder (`distillation_folder.py`), and is known by that of its student.
"""

import os
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from seq2seq.config import Config, complete_stored, validate_config
from seq2seq.errors import InputError
from seq2seq.io.storage import current_or_backup, is_leftover, read_json, real_path

RUNS = Path("checkpoints")
"""Where runs go unless a folder is given."""

STATE, PROGRESS, OPTIMIZER = "state", "training.json", "optimizer.safetensors"
"""In a step folder: what resuming needs."""

DISTILLATION, STUDENT = "distillation.json", "student"
"""In the folder of a distillation: its settings, and the run of its student."""

CHECKPOINTS = "checkpoints.json"
"""Names the best and the last step."""

_CONFIG, _DATA, _METRICS, _STEPS, _START = "config.json", "data", "metrics.jsonl", "steps", "start"
_FOLDERS = {_DATA, _STEPS, _START, STATE, "train", "valid"}
STEP = re.compile(r"0|[1-9][0-9]{0,17}")
"""The name of a step folder."""


# Paths within a run that a training writes, folders too; all others are the user's.
_MODELS = r"(joint|src|tgt)\.model"
_STATE = r"state(/(training\.json|optimizer\.safetensors|manifest\.json))?"
_MODEL_FOLDER = rf"(config|profile|confidence|manifest)\.json|model\.safetensors|README\.md|{_MODELS}|{_STATE}"
_CORPUS = r"(train|valid)(/((src|tgt)\.(ids|offsets)|parts\.json))?"
_RUN_PATHS = re.compile(
    rf"config\.json|metrics\.jsonl|checkpoints\.json|steps(/[0-9]+(/({_MODEL_FOLDER}))?)?"
    rf"|start(/({_MODEL_FOLDER}))?"
    rf"|data(/({_CORPUS}|{_MODELS}|(valid|report|profile|manifest)\.json))?"
)
# Files that file managers create.
_FILE_MANAGER_FILES = {".DS_Store", "Thumbs.db", "desktop.ini"}
_DEPTH = 4


@dataclass(frozen=True)
class RunFolder:
    """The files of a run, whether they exist yet or not."""

    path: Path

    @property
    def config_file(self) -> Path:
        """The settings, as JSON."""
        return self.path / _CONFIG

    @property
    def data(self) -> Path:
        """The folder of the prepared data."""
        return self.path / _DATA

    @property
    def metrics(self) -> Path:
        """The records of the training, one per line."""
        return self.path / _METRICS

    @property
    def checkpoints(self) -> Path:
        """The file that names the best and the last step."""
        return self.path / CHECKPOINTS

    @property
    def steps(self) -> Path:
        """The folder of the steps."""
        return self.path / _STEPS

    @property
    def start(self) -> Path:
        """The folder of the model that the training began with; a training from nothing has none."""
        return self.path / _START

    def step(self, number: int) -> Path:
        """The folder of a step."""
        return self.steps / str(number)

    @property
    def has_checkpoint(self) -> bool:
        """Whether a step was saved."""
        return self.checkpoints.is_file()

    @property
    def is_run(self) -> bool:
        """Whether a training was started here."""
        return self.data.is_dir() and self.has_config

    @property
    def has_config(self) -> bool:
        """Whether its settings can be read."""
        try:
            self.read_config()
        except InputError:
            return False
        return True

    def foreign_files(self, within: Path | None = None) -> Iterator[Path]:
        """Paths in it, or in a folder of it, that no training has written."""
        for parent, names, files in os.walk(within or self.path):
            paths = [Path(parent, name) for name in (*names, *files)]
            foreign = [path for path in paths if not is_leftover(path) and not self._is_own(path)]
            yield from foreign
            names[:] = [name for name in names if Path(parent, name) not in foreign and not is_leftover(Path(name))]

    def is_own_step(self, number: int) -> bool:
        """Whether a step is one that the training saved, with nothing of the user's in it; not a copy of another."""
        folder = self.step(number)
        return self._is_saved_step(folder) and next(self.foreign_files(folder), None) is None

    def _is_own(self, path: Path) -> bool:
        """Whether a path in the run has the name and the kind of what a training writes there."""
        if path.is_symlink():  # only the link would be deleted
            return self._belongs_to_run(path)
        if path.parent == self.steps and STEP.fullmatch(path.name):
            return self._is_saved_step(path)
        right_kind = path.is_dir() if path.name in _FOLDERS else path.is_file()
        return right_kind and self._belongs_to_run(path)

    def _is_saved_step(self, folder: Path) -> bool:
        """Whether a folder in `steps/` is, according to its state, of the step that its name says."""
        if folder.is_symlink() or not folder.is_dir():
            return False
        try:
            return str(read_json(folder / STATE / PROGRESS)["step"]) == folder.name
        except (InputError, KeyError, TypeError):
            return False

    def _belongs_to_run(self, path: Path) -> bool:
        match = _RUN_PATHS.fullmatch(path.relative_to(self.path).as_posix())
        return bool(match) or path.name in _FILE_MANAGER_FILES or is_leftover(path)

    def read_config(self) -> Config:
        """The settings. Raises InputError if they are missing or damaged."""
        return validate_config(complete_stored(read_json(self.config_file)), str(self.config_file))

    def read_checkpoints(self) -> dict[str, int]:
        """The numbers of the `best` and the `last` step. Raises InputError if the file is damaged."""
        steps = read_json(self.checkpoints)
        if not isinstance(steps, dict) or not all(_is_step(steps.get(name)) for name in ("best", "last")):
            raise InputError(f"{self.checkpoints}: damaged (it does not name the best and the last step)")
        return steps

    def find_step(self, name: str) -> Path:
        """The folder of the `best` or the `last` step, which a training may delete a moment later."""
        return current_or_backup(self.step(self.read_checkpoints()[name]))


def run_at(path: Path) -> RunFolder:
    """The run in a folder: its own, or that of the student of a distillation."""
    return RunFolder(path / STUDENT if (path / DISTILLATION).is_file() else path)


def find_model(path: Path) -> Path:
    """The model folder that `path` names: itself, or the best step of the run in it."""
    run = run_at(path)
    try:
        is_folder = path.is_dir()
    except OSError as error:
        raise InputError(f"{path}: cannot be read ({error.strerror})") from None
    if not is_folder:
        if path.is_file():
            raise InputError(f"{path}: is a file; give the model folder first, and text with an option such as -i")
        raise InputError(f"{path}: no such folder; MODEL is a model folder or a run folder")
    if run.has_checkpoint:
        return run.find_step("best")
    if run.data.is_dir() or run.path != path:
        raise InputError(f"{path}: this run has no checkpoint yet")
    return path


def expect_not_in_run(path: Path) -> None:
    """Raises InputError if an output file would replace a file of a run."""
    target = real_path(path)
    for folder in target.parents[:_DEPTH]:
        run = RunFolder(folder)
        if run.config_file.is_file() and run.data.is_dir() and run._belongs_to_run(target):
            raise InputError(f"{path}: belongs to the run {folder}; give the output another name")


def _is_step(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63
