"""The records and checkpoints of a training, and their display."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from seq2seq.config import Config
from seq2seq.distributed import Processes
from seq2seq.errors import InputError
from seq2seq.io.storage import identity_of
from seq2seq.runs.checkpoints import CheckpointStore, TrainingState
from seq2seq.runs.metrics import MetricsLog
from seq2seq.runs.model_folder import open_model, rewrite_description
from seq2seq.runs.run_folder import RunFolder
from seq2seq.runs.trained_model import TrainedModel
from seq2seq.training.progress import Progress


class Recorder:
    """Writes to a run folder, in the main process only."""

    def __init__(self, run: RunFolder, progress: Progress, processes: Processes) -> None:
        self._store, self._metrics = CheckpointStore(run), MetricsLog(run.metrics)
        self._run, self._processes = run, processes
        self._identity = processes.on_main(lambda: identity_of(run.path))
        self.progress = progress

    @property
    def last(self) -> Path | None:
        """The folder of the last step that was saved, if any."""
        return self._store.last

    @property
    def best(self) -> Path:
        """The folder of the best step, once there is one."""
        return self._store.best

    def start_from(self, state: TrainingState) -> None:
        """Drop the records of steps after `state`, which are repeated."""
        self._processes.on_main(lambda: self._metrics.truncate(state.records))

    def log(self, record: dict[str, Any]) -> None:
        """Add a record, which has a `step`."""

        def add() -> None:
            self._expect_same_folder()
            self._metrics.add(record)

        self._processes.on_main(add)

    def save(
        self, state: TrainingState, model: TrainedModel, optimizer: torch.optim.Optimizer, metadata: Mapping[str, Any]
    ) -> None:
        """Write a checkpoint. metadata: of the model. Raises OSError if it cannot be written."""

        def save() -> None:
            self._expect_same_folder()
            self._metrics.flush()
            state.records = self._metrics.records
            self._store.save(state, model, optimizer, metadata)

        self._processes.on_main(save)

    def _expect_same_folder(self) -> None:
        """Raises InputError if the run folder was moved, deleted or replaced meanwhile."""
        if identity_of(self._run.path) != self._identity:
            raise InputError(
                f"{self._run.path}: was moved, deleted or replaced during training, so training has stopped; if you "
                "moved it, continue there with --resume"
            )

    def records(self) -> list[dict[str, Any]]:
        """All records so far, in the main process; none in the others."""
        return self._metrics.read() if self._processes.is_main else []

    @property
    def is_tuned(self) -> bool:
        """Whether the best step has a length penalty."""
        return open_model(self.best).config.search.length_penalty is not None

    @property
    def is_assessed(self) -> bool:
        """Whether the model card of the best step says what the model is good for."""
        return "advice" in open_model(self.best).metadata

    def rewrite_best(self, config: Config, metadata: Mapping[str, Any], files: Mapping[str, bytes]) -> None:
        """Replace the configuration of the best step, and add to its metadata and files."""

        def rewrite() -> None:
            self._expect_same_folder()
            self._store.expect_own(int(self.best.name))
            rewrite_description(self.best, config, metadata, files)

        self._processes.on_main(rewrite)
