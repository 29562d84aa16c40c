"""Checkpoints, with everything that resuming needs.

A step folder is a model folder with a sub-folder `state/` that has its own manifest: a model can be copied without it.
It is complete before `checkpoints.json` names it; only then are the steps deleted that nothing names any more.
"""

import math
import os
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Annotated, Any

import safetensors
import safetensors.torch
import torch
from pydantic import (
    AliasChoices,
    BeforeValidator,
    Field,
    FiniteFloat,
    NonNegativeFloat,
    PositiveInt,
    TypeAdapter,
    ValidationError,
)

from seq2seq.errors import InputError
from seq2seq.io.manifest import FolderWriter, SealedFolder
from seq2seq.io.storage import (
    SMALL_JSON,
    clear_leftovers,
    discard,
    parse_json,
    recover_folder,
    replace_file,
    to_json,
)
from seq2seq.runs.run_folder import OPTIMIZER, PROGRESS, STATE, STEP, RunFolder, find_model
from seq2seq.runs.trained_model import TrainedModel, write_model

# What an optimiser keeps for each parameter.
_MOMENTS = {
    torch.optim.Adam: {"step", "exp_avg", "exp_avg_sq"},
    torch.optim.AdamW: {"step", "exp_avg", "exp_avg_sq"},
    torch.optim.Adadelta: {"step", "square_avg", "acc_delta"},
    torch.optim.SGD: set(),
}
# Two moments for each parameter of the largest model.
_LARGEST_OPTIMIZER = 2**35

Count = Annotated[int, Field(strict=True, ge=0, lt=2**62)]
# Files from before 0.1 have no null, but an infinite perplexity and empty sums.
_LegacyNone = BeforeValidator(lambda value: None if value in ({}, math.inf) else value)
Perplexity = Annotated[FiniteFloat | None, _LegacyNone]
# Before there was a choice of metrics, it was called `best_bleu`.
BestScore = Annotated[FiniteFloat, Field(validation_alias=AliasChoices("best_score", "best_bleu"))]


@dataclass(frozen=True)
class Plan:
    """The length of the training; kept on every resume."""

    total_steps: PositiveInt
    validate_every: PositiveInt


@dataclass(frozen=True)
class Sums:
    """The sums of a `LossWindow`."""

    steps: PositiveInt
    tokens: PositiveInt
    loss: FiniteFloat
    seconds: NonNegativeFloat
    cpu_seconds: NonNegativeFloat | None = None
    """None in runs of older versions."""


@dataclass
class TrainingState:
    """The progress of a training. It has no random state: that is seeded anew by (seed, step or epoch)."""

    step: Count = 0
    """Updates done."""
    epoch: Count = 0
    batch: Count = 0
    """Batches of this epoch done."""
    plan: Plan | None = None
    """None while the time of a step is still being measured."""
    best_step: Count = 0
    """0 before the first validation."""
    best_score: BestScore = -1.0
    best_perplexity: Perplexity = None
    validations_since_best: Count = 0
    validated_step: Count = 0
    """The last step that was validated. A step is saved unvalidated after a signal before or during its validation."""
    finished: bool = False
    stretch: Annotated[Sums | None, _LegacyNone] = None
    """The loss since the last record, as `LossWindow.sums` gives it."""
    records: Count = 0
    """Lines of `metrics.jsonl`; those after them are of steps that are repeated."""

    def record_validation(self, score: float, perplexity: float) -> bool:
        """Record a validation. Returns whether it is the best so far: by the score, then by perplexity."""
        better = self.best_perplexity is None or (score, -perplexity) > (self.best_score, -self.best_perplexity)
        if better:
            self.best_step, self.best_score, self.best_perplexity = self.step, score, perplexity
        self.validated_step = self.step
        self.validations_since_best = 0 if better else self.validations_since_best + 1
        return better


class CheckpointStore:
    """The steps of a run folder."""

    def __init__(self, run: RunFolder) -> None:
        self._run = run

    @property
    def last_step(self) -> int | None:
        """The last step that was saved, if any."""
        return self._run.read_checkpoints()["last"] if self._run.has_checkpoint else None

    @property
    def last(self) -> Path | None:
        """The folder of the last step that was saved, if any."""
        return self._run.find_step("last") if self._run.has_checkpoint else None

    @property
    def best(self) -> Path:
        """The folder of the best step. There is one as soon as there is a last one."""
        return find_model(self._run.path)

    def recover(self) -> None:
        """Finish or undo what a crash, or an incomplete copy, left half done.

        Raises InputError if there are steps but none can be resumed from.
        """
        if self._run.checkpoints.exists() and not self._run.has_checkpoint:
            raise InputError(f"{self._run.checkpoints}: not a regular file")
        if not self._run.has_checkpoint and self._steps():
            self._rebuild_index()
        if self._run.has_checkpoint:
            named = set(self._run.read_checkpoints().values())
            for step in named:
                recover_folder(self._run.step(step))
            for folder in (self._run.path, self._run.steps):
                clear_leftovers(folder)
            self._prune(named)

    def save(
        self, state: TrainingState, model: TrainedModel, optimizer: torch.optim.Optimizer, metadata: Mapping[str, Any]
    ) -> None:
        """Write the step and make it the last; `state` says which is the best.

        Raises InputError if something of the user's has its name.
        """
        self.expect_own(state.step)
        with FolderWriter(self._run.step(state.step)) as folder:
            write_model(folder, model, metadata)
            folder.write(f"{STATE}/{PROGRESS}", to_json(asdict(state)))
            folder.write(f"{STATE}/{OPTIMIZER}", safetensors.torch.save(_optimizer_tensors(optimizer)))
            folder.seal(STATE)
            folder.publish()
        # Until the first validation the last step is the best there is.
        best = state.best_step or state.step
        replace_file(self._run.checkpoints, to_json({"best": best, "last": state.step}))
        self._prune({best, state.step})

    def expect_own(self, step: int) -> None:
        """Raises InputError if replacing a step would delete something of the user's."""
        folder = self._run.step(step)
        if os.path.lexists(folder) and not self._run.is_own_step(step):
            foreign = next(self._run.foreign_files(folder), folder)
            raise InputError(
                f"{foreign}: was not written by this training run and would be overwritten; move it elsewhere and "
                "continue with --resume"
            )

    def _prune(self, keep: set[int]) -> None:
        """Delete the other steps, except those that hold foreign files."""
        for step in set(self._steps()) - keep:
            if self._run.is_own_step(step):
                discard(self._run.step(step))

    def _steps(self) -> list[int]:
        """The numbers of the steps that can be resumed from, ascending."""
        folders = self._run.steps.iterdir() if self._run.steps.is_dir() else ()
        names = [path.name for path in folders if (path / STATE).is_dir() and not path.is_symlink()]
        return sorted(int(name) for name in names if STEP.fullmatch(name))

    def _rebuild_index(self) -> None:
        """Rewrite `checkpoints.json`: the last step, and the best one that it names, if that exists."""
        last = self._steps()[-1]
        best = _read_state(self._run.step(last))[0].best_step
        best = best if self._run.step(best).is_dir() else last
        replace_file(self._run.checkpoints, to_json({"best": best, "last": last}))


def load_state(folder: Path, optimizer: torch.optim.Optimizer) -> TrainingState:
    """Restore the optimiser from a step folder and return the training state.

    `load_model` loads the weights. Raises InputError if a file is missing or damaged.
    """
    progress, state = _read_state(folder)
    try:
        # Not load_file: the moments would stay mapped to a file that is deleted later.
        tensors = safetensors.torch.load(state.read(OPTIMIZER, _LARGEST_OPTIMIZER))
        _restore_optimizer(optimizer, tensors)
    except (KeyError, safetensors.SafetensorError, ValueError) as error:  # KeyError: dtypes that torch lacks
        raise InputError(f"{state.path / OPTIMIZER}: damaged ({error})") from None
    return progress


def _read_state(folder: Path) -> tuple[TrainingState, SealedFolder]:
    """The training state of a step, and the folder that holds it."""
    state = SealedFolder(folder / STATE, required=(PROGRESS, OPTIMIZER))
    where = state.path / PROGRESS
    try:
        return TypeAdapter(TrainingState).validate_python(parse_json(state.read(PROGRESS, SMALL_JSON), where)), state
    except ValidationError as error:
        fault = error.errors(include_url=False, include_input=False)[0]
        raise InputError(f"{where}: damaged ({'.'.join(map(str, fault['loc']))}: {fault['msg']})") from None


def _optimizer_tensors(optimizer: torch.optim.Optimizer) -> dict[str, torch.Tensor]:
    state = optimizer.state_dict()["state"]
    return {f"{number}.{name}": value for number, entry in state.items() for name, value in entry.items()}


def _restore_optimizer(optimizer: torch.optim.Optimizer, tensors: Mapping[str, torch.Tensor]) -> None:
    """Raises ValueError if a tensor does not match a parameter."""
    moments = _MOMENTS[type(getattr(optimizer, "optimizer", optimizer))]  # accelerate wraps it
    groups = optimizer.state_dict()["param_groups"]
    parameters = [parameter for group in optimizer.param_groups for parameter in group["params"]]
    state: dict[int, dict[str, torch.Tensor]] = {}
    for key, tensor in tensors.items():
        number, _, name = key.partition(".")
        if not (number.isdecimal() and int(number) < len(parameters)) or name not in moments:
            raise ValueError(f"{key} does not belong to this optimiser")
        if tensor.shape not in ((), parameters[int(number)].shape):
            raise ValueError(f"{key} has the shape {list(tensor.shape)}")
        state.setdefault(int(number), {})[name] = tensor
    if state and (len(state) != len(parameters) or any(entry.keys() != moments for entry in state.values())):
        raise ValueError("tensors are missing")
    optimizer.load_state_dict({"state": state, "param_groups": groups})
