"""The training loop: learning rate, update, record, validation, checkpoint."""

import math
import random
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, replace
from itertools import islice
from typing import Any

import numpy as np
import torch

from seq2seq import __version__
from seq2seq.config import Config, TrainingConfig
from seq2seq.data.batching import plan_epoch
from seq2seq.data.preparation import PreparedData
from seq2seq.distributed import Processes
from seq2seq.errors import InputError, Interrupted
from seq2seq.evaluation.metrics import MetricScore
from seq2seq.runs.checkpoints import TrainingState, load_state
from seq2seq.runs.model_folder import CONFIDENCE
from seq2seq.runs.trained_model import TrainedModel, load_model
from seq2seq.signals import describe_signal
from seq2seq.training.advice import closing_lines
from seq2seq.training.assessment import measure
from seq2seq.training.budget import UNMEASURED_STEPS, Measurement, Pace, TimeBudget, plan_steps
from seq2seq.training.interruption import Interruption
from seq2seq.training.loss_window import LossWindow
from seq2seq.training.objective import Objective
from seq2seq.training.progress import Example
from seq2seq.training.recorder import Recorder
from seq2seq.training.schedule import learning_rate
from seq2seq.training.update import Updater
from seq2seq.training.validation import Validator

_STEPS_PER_RECORD = 20
_EXAMPLES = 3
# Cores' worth of processor time of a thread that computes all the time, with a margin.
_ONE_CORE = 0.9


@dataclass(frozen=True)
class Validation:
    """The result of a validation."""

    perplexity: float
    score: MetricScore
    """Of greedy translations, by the validation metric."""
    translations: list[str]
    seconds: float


class Trainer:
    """Trains a model from the current state of its run to the end of its plan."""

    def __init__(
        self,
        config: TrainingConfig,
        model: TrainedModel,
        data: PreparedData,
        recorder: Recorder,
        processes: Processes,
        deadline: float | None,
    ) -> None:
        """deadline: when the training must end, on the clock of time.monotonic; None if only steps count."""
        self.config, self.model, self.data = config, model, data
        self.recorder, self.progress, self.processes = recorder, recorder.progress, processes
        self.interruption = Interruption(repeated_by_launcher=processes.count > 1)
        self.updater = Updater(config, model.network, data.train, processes)
        self.validator = Validator(data, config, self.updater.accelerator, processes, self._exit_if_interrupted)
        last = recorder.last
        self.state = load_state(last, self.updater.optimizer) if last else TrainingState()
        self.budget = TimeBudget(config, deadline) if deadline is not None else None
        if self.state.plan is None and self.budget is None:
            assert config.max_steps is not None
            self.state.plan = plan_steps(config, config.max_steps)
        self._is_tuned = recorder.is_tuned if last else model.config.search.length_penalty is not None
        self._is_assessed = recorder.is_assessed if last else False
        self.closing_lines: dict[str, str] = {}
        """What the trained model is good for, once `run` is done."""
        self._best: tuple[str, list[str]] | None = None  # the metric and the translations of the best validation
        self._batches = self._planned_batches()
        self._window = LossWindow()
        self._saved_step = self.state.step
        self._pace, self._short_of_cores = Pace(), False
        # True once a timed training has its plan. After a resume the plan stays.
        self._may_revise = False
        self._validation_seconds = 0.0
        recorder.start_from(self.state)

    def run(self) -> TrainingState:
        """Train to the end of the plan, or until patience runs out.

        Raises Interrupted after Ctrl-C or SIGTERM, with the current step saved; InputError if the loss is not finite;
        OSError if a checkpoint cannot be written.
        """
        self.updater.objective.train()
        with self.interruption, self.progress.running():
            self._window.restore(self.state.stretch)
            if self.state.plan is None:
                self._plan_timed()
            while not self.state.finished:
                if self._validation_due():
                    self._finish_validation(self._validate())
                else:
                    self._step()
            if not self.done:
                self._close()
        return self.state

    @property
    def done(self) -> bool:
        """Whether `run` has nothing left to do."""
        return self.state.finished and self._is_tuned and self._is_assessed

    def _step(self) -> None:
        """One update, and its record if due. Raises Interrupted after a signal."""
        self.update()
        if self.state.step % _STEPS_PER_RECORD == 0 or self._validation_due():
            self._record()
        self._exit_if_interrupted()

    def update(self) -> None:
        """One update on the next batches."""
        self.state.step += 1
        batches = list(islice(self._batches, self.config.accumulation))
        rate = learning_rate(self.config, self.state.step, self._total_steps)
        self._window.add(*self.updater.update(batches, self.state.step, rate))

    def _planned_batches(self) -> Iterator[np.ndarray]:
        """The pair indices of each batch from the current state on, epoch after epoch."""
        while True:
            planned = plan_epoch(self.data.train, self.config.batch_tokens, self.config.seed, self.state.epoch)
            for indices in islice(planned, self.state.batch, None):
                self.state.batch += 1
                yield indices
            self.state.epoch, self.state.batch = self.state.epoch + 1, 0

    @property
    def _total_steps(self) -> int | None:
        return self.state.plan.total_steps if self.state.plan else None

    def _record(self) -> None:
        """Log the steps since the last record. Raises InputError if the loss is not finite."""
        state, window = self.state, self._window
        loss, tokens_per_second = window.loss(), window.tokens / window.seconds
        self._expect_finite(loss)
        total = self._total_steps
        eta = (total - state.step) * window.seconds / window.steps if total else None
        self.progress.step(state.step, total, loss, tokens_per_second, eta)
        self.recorder.log(
            {
                "step": state.step,
                "epoch": state.epoch,
                "loss": loss,
                "learning_rate": learning_rate(self.config, state.step, total),
                "target_tokens": window.tokens,
                "target_tokens_per_second": round(tokens_per_second, 1),
            }
        )
        self._pace.add(window.seconds, window.steps, window.cpu_seconds)
        self._warn_of_contention()
        if self._may_revise:
            self._revise_plan()
        window.clear()

    def _expect_finite(self, loss: float) -> None:
        def check() -> None:
            if not math.isfinite(loss):
                raise InputError(
                    f"training diverged: the loss is {loss} at step {self.state.step:,}; start again with --overwrite "
                    f"and --set training.learning_rate={self.config.learning_rate / 4:g}, or training.precision=float32"
                )

        self.processes.on_main(check)

    # Validation and checkpoints

    def _validation_due(self) -> bool:
        plan, step = self.state.plan, self.state.step
        if plan is None or step == self.state.validated_step:
            return False
        return step % plan.validate_every == 0 or step >= plan.total_steps

    def _validate(self) -> Validation:
        """Validate the model. Raises Interrupted after a signal; the step is then saved as not validated."""
        started = time.monotonic()
        objective = self.updater.objective
        objective.eval()
        loss = self.validator.loss(objective)
        self._expect_finite(loss)
        score, translations = self.validator.score(self.model)
        objective.train()
        return Validation(math.exp(min(loss, 700.0)), score, translations, time.monotonic() - started)

    def _finish_validation(self, validation: Validation) -> None:
        """Record a validation, save the step, and decide whether the training is finished."""
        state = self.state
        assert state.plan is not None
        self._validation_seconds = validation.seconds
        score = validation.score
        best = state.record_validation(score.score, validation.perplexity)
        out_of_patience = state.validations_since_best >= self.config.patience
        if best:
            self._best = validation.score.name, validation.translations
        state.finished = state.step >= state.plan.total_steps or out_of_patience
        scores = {
            "valid_perplexity": round(validation.perplexity, 4),
            f"valid_{score.name.lower()}": round(score.score, 4),
            f"valid_{score.name.lower()}_signature": score.signature,
        }
        self.recorder.log({"step": state.step, "epoch": state.epoch, **scores})
        examples = self._examples(validation.translations)
        self.progress.validation(state.step, validation.perplexity, score, best, examples)
        self._save(scores)
        if out_of_patience:
            self.progress.note(f"no better {score.name} in {self.config.patience} validations: stopping early")
        self._window.clear()

    def _examples(self, translations: list[str]) -> list[Example]:
        """Some validation pairs with their translations, different ones each time."""
        draw = random.Random(self.state.step)
        indices = draw.sample(range(len(translations)), min(_EXAMPLES, len(translations)))
        pairs = self.data.valid_pairs
        return [Example(pairs[index].src, pairs[index].tgt, translations[index]) for index in indices]

    def _save(self, scores: dict[str, Any] | None = None) -> None:
        """Write a checkpoint of the step. scores: those of its validation, if it was validated."""
        metadata = {
            "training_pairs": len(self.data.train),
            "parameters": sum(parameter.numel() for parameter in self.model.network.parameters()),
            "step": self.state.step,
            "epoch": self.state.epoch,
            **(scores or {}),
            "seq2seq": __version__,
            "torch": torch.__version__,
            "data_sha256": self.data.sha256,
        }
        self.state.stretch = self._window.sums()
        self.recorder.save(self.state, self.model, self.updater.optimizer, metadata)
        self._saved_step = self.state.step

    def _exit_if_interrupted(self) -> None:
        """Save the step and raise Interrupted if any of the processes has received a signal."""
        number = self.processes.all_reduce_max(self.interruption.signal_number)
        if not number:
            return
        step = self.state.step
        if step != self._saved_step:
            self._expect_finite(self._window.loss())
            parameters = self.updater.objective.parameters()
            self._expect_finite(sum(float(parameter.detach().sum()) for parameter in parameters))
            self._save()
        if not self.processes.is_main:
            sys.exit(128 + number)
        raise Interrupted(number, f"{describe_signal(number)} at step {step:,}, which is saved: continue with --resume")

    # The end

    def _close(self) -> None:
        """Tune the search of the best step, calibrate its confidence, and add what it is good for to its model card."""
        model = load_model(self.recorder.best, self.updater.device)
        config = model.config if self._is_tuned else self._tuned(model)
        self.closing_lines = self._assess(model)
        confidence = self.validator.calibrate(replace(model, config=config))
        files = {CONFIDENCE: confidence.content()} if confidence else {}
        self.recorder.rewrite_best(config, self.closing_lines, files)
        self._is_tuned = self._is_assessed = True

    def _tuned(self, model: TrainedModel) -> Config:
        """The configuration of a model with its length penalty tuned on the validation set."""
        length_penalty, pairs = self.validator.tune(model)
        search = model.config.search.model_copy(update={"length_penalty": length_penalty})
        self.progress.note(
            f"length penalty {length_penalty:g}, tuned on {pairs:,} validation pairs with beam size {search.beam_size}"
        )
        return model.config.model_copy(update={"search": search})

    def _assess(self, model: TrainedModel) -> dict[str, str]:
        """What the model of the best step is good for. Translates again if the best step came before a resume."""
        if self._best is None:
            score, translations = self.validator.score(model)
            self._best = score.name, translations
        metric, translations = self._best
        objective = Objective(model.network, self.config.label_smoothing).eval()
        training_loss = self.validator.training_loss(objective)
        records, state = self.recorder.records(), self.state
        return self.processes.on_main(
            lambda: closing_lines(measure(model.config, self.data, state, records, metric, translations, training_loss))
        )

    # Time budget

    def _plan_timed(self) -> None:
        """Time the first steps, a checkpoint and a validation; then plan the number of steps."""
        assert self.budget is not None
        state, max_steps = self.state, self.config.max_steps or math.inf
        for _ in range(UNMEASURED_STEPS):
            if state.step < max_steps:
                self._step()
        measurement = Measurement(self.config, self.budget.seconds_left)
        while state.step < max_steps and not self.processes.on_main(lambda: measurement.is_complete(state.step)):
            started = time.monotonic()
            self._step()
            self._window.loss()  # waits for the device
            measurement.add(time.monotonic() - started)
        if self._window.steps:
            self._record()
        if state.step >= max_steps:
            state.plan = plan_steps(self.config, state.step)
            return
        started = time.monotonic()
        self._save()
        validation = self._validate()
        seconds = time.monotonic() - started
        plan = self.budget.plan(state.step, measurement.step, seconds, self._tuning_time(seconds))
        state.plan = self.processes.on_main(lambda: plan)
        self._warn_of_few_steps(state.plan.total_steps)
        self._pace, self._may_revise = Pace(measurement.horizon), True
        self._finish_validation(validation)

    def _warn_of_few_steps(self, steps: int) -> None:
        if steps < self.config.warmup_steps:
            self.progress.warn(
                f"only {steps:,} steps fit into the time, fewer than the {self.config.warmup_steps:,} warm-up steps: "
                "the model will learn next to nothing; increase --minutes, or make the model smaller, for example with "
                "--set model.hidden_size=256"
            )

    def _revise_plan(self) -> None:
        """Revise the plan if the machine has become so much slower or faster that the time would be missed."""
        budget, plan, validation = self.budget, self.state.plan, self._validation_seconds
        assert budget is not None
        assert plan is not None
        tuning = self._tuning_time(validation)
        self.state.plan = self.processes.on_main(
            lambda: budget.revised(plan, self.state.step, self._pace, validation, tuning)
        )
        if self.state.plan != plan:
            self.progress.note(
                f"step time changed: re-planned from {plan.total_steps:,} to {self.state.plan.total_steps:,} steps to "
                "finish on time"
            )

    def _tuning_time(self, validation: float) -> float:
        """Expected seconds of tuning the search at the end, from those of a validation."""
        return 0.0 if self._is_tuned else self.validator.tuning_time(validation)

    def _warn_of_contention(self) -> None:
        """Warn if recent steps had less processor time than one thread can use; once until they have more."""
        pace = self._pace
        if self.updater.device.type != "cpu" or not pace.is_settled:
            return
        if pace.cores < _ONE_CORE and not self._short_of_cores:
            self.progress.warn(
                f"training got {pace.cores:.1f} of a core in the last {pace.seconds:.0f} s, because of other programs "
                "or a CPU quota: it will do fewer steps in the same time"
            )
        self._short_of_cores = pace.cores < _ONE_CORE
