"""The layout of a run folder, `checkpoints/<name>/`: nobody else knows its names.

config.json         the settings, as resolved
data/               tokenizers, encoded pairs, the validation text and the data report
metrics.jsonl       the losses and validations so far
checkpoints.json    which step is `best` and which is `last`
steps/<step>/       a model folder each, and `state/` to resume from it
"""

from dataclasses import dataclass
from pathlib import Path

from seq2seq.config import Config, validate_config
from seq2seq.errors import InputError
from seq2seq.io.storage import current_or_backup, read_json

RUNS = Path("checkpoints")
"""Where runs go unless a folder is named."""

_CONFIG, _DATA, _METRICS, _CHECKPOINTS, _STEPS = "config.json", "data", "metrics.jsonl", "checkpoints.json", "steps"


@dataclass(frozen=True)
class RunFolder:
    """The files of a run, whether they exist yet or not."""

    path: Path

    NAMES = (_CONFIG, _DATA, _METRICS, _CHECKPOINTS, _STEPS)
    """Of its files and folders; what has other names in it is the user's."""

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
        return self.path / _CHECKPOINTS

    @property
    def steps(self) -> Path:
        """The folder of the steps."""
        return self.path / _STEPS

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
        if not self.data.is_dir():
            return False
        try:
            self.read_config()
        except InputError:
            return False
        return True

    def read_config(self) -> Config:
        """The settings. Raises InputError where they are missing or damaged."""
        return validate_config(read_json(self.config_file), str(self.config_file))

    def read_checkpoints(self) -> dict[str, int]:
        """The numbers of the `best` and the `last` step. Raises InputError where the file is damaged."""
        steps = read_json(self.checkpoints)
        if not isinstance(steps, dict) or not all(_is_step(steps.get(name)) for name in ("best", "last")):
            raise InputError(f"{self.checkpoints}: damaged (it does not name the best and the last step)")
        return steps


def find_model(path: Path) -> Path:
    """The model folder that `path` stands for: itself, or the best step of a run folder."""
    run = RunFolder(path)
    if not path.is_dir():
        raise InputError(f"{path}: no such folder; MODEL is a model folder or a run folder")
    if run.has_checkpoint:
        return current_or_backup(run.step(run.read_checkpoints()["best"]))
    if run.data.is_dir():
        raise InputError(f"{path}: this run has no checkpoint yet")
    return path


def _is_step(value: object) -> bool:
    return type(value) is int and 0 <= value < 2**63
