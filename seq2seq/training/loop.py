"""The training loop: one step, one epoch, a validation, a checkpoint."""

import math
import random
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import nullcontext
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from seq2seq.config import TrainingConfig
from seq2seq.data.batching import make_batch, plan_epoch
from seq2seq.data.preparation import PreparedData
from seq2seq.distributed import Processes
from seq2seq.errors import InputError, Interrupted
from seq2seq.evaluation.metrics import MetricScore
from seq2seq.runs.checkpoints import CheckpointStore, Plan, TrainingState, load_state
from seq2seq.runs.metrics import MetricsLog
from seq2seq.runs.model_folder import open_model, rewrite_config
from seq2seq.runs.trained_model import TrainedModel, load_model
from seq2seq.signals import describe_signal
from seq2seq.training.interruption import Interruption
from seq2seq.training.loss_window import Stretch
from seq2seq.training.objective import Objective, as_tensors
from seq2seq.training.progress import Example, Progress
from seq2seq.training.schedule import Pace, learning_rate, plan_steps, plan_time, revise
from seq2seq.training.validation import Validator

_STEPS_PER_RECORD = 20
_EXAMPLES = 3
# A timed training measures its start before it fixes the number of steps: from the 6th step to the 25th, or for a
# twentieth of its time where that is longer; but no further than the learning rate rises, whatever the number of steps.
_UNCOUNTED_STEPS, _MEASURED_STEPS, _MEASURED_SHARE, _MEASURED_RISE = 5, 20, 0.05, 0.9
# Where steps are so slow that twenty would take a quarter of the time, fewer must do.
_MOST_MEASURED_SHARE = 0.25
# Seconds that the pace is measured over afterwards, at least: a pause of a moment is no reason to plan anew.
_LEAST_HORIZON = 10.0
# Cores' worth of processor time: what a thread that computes all the time gets, and a little less.
_ONE_CORE = 0.9


@dataclass(frozen=True)
class Validation:
    """What a validation found."""

    perplexity: float
    bleu: MetricScore
    """Of greedy translations."""
    translations: list[str]


class Trainer:
    """Brings a model from where its run stands to the end of its plan."""

    def __init__(
        self,
        config: TrainingConfig,
        model: TrainedModel,
        data: PreparedData,
        store: CheckpointStore,
        metrics: MetricsLog,
        progress: Progress,
        processes: Processes,
        deadline: float | None,
    ) -> None:
        """deadline: when the training is to end, on time.monotonic's clock; None where only steps count."""
        self.config, self.model, self.data = config, model, data
        self.store, self.metrics, self.progress, self.deadline = store, metrics, progress, deadline
        self.processes, self.stretch = processes, Stretch()
        if config.threads:
            torch.set_num_threads(config.threads)
        self.interruption = Interruption(repeated_by_launcher=processes.count > 1)
        self.accelerator = Accelerator(
            mixed_precision="bf16" if config.precision == "bf16" else "no", cpu=processes.device.type == "cpu"
        )
        network = model.network.to(self.accelerator.device)
        optimizer = _make_optimizer(config, network)
        self.objective = Objective(network, config.label_smoothing)
        self.validator = Validator(data, config.batch_tokens, self.accelerator, processes, self._leave_if_asked)
        self._forward, self.optimizer = self.accelerator.prepare(self.objective, optimizer)
        self.state = load_state(store.last, self.optimizer) if store.last else TrainingState()
        if self.state.plan is None and deadline is None:
            assert config.max_steps is not None
            self.state.plan = plan_steps(config, config.max_steps)
        self._is_tuned = (open_model(store.best) if store.last else model).config.search.length_penalty is not None
        self._batches = self._planned_batches()
        self._saved_step = self.state.step
        self._pace = Pace(_LEAST_HORIZON)
        self._short_of_cores = False
        # Of a training that plans by the clock, once it has a plan. After a resume the plan stays.
        self._may_revise = False
        self._validation_seconds = 0.0
        processes.on_main(lambda: metrics.cut(self.state.records))

    def run(self) -> TrainingState:
        """Train to the end of the plan, or until patience runs out.

        Raises Interrupted after Ctrl-C or SIGTERM, with the step that was reached saved; InputError where the loss is
        no number; OSError where a checkpoint cannot be written.
        """
        self.objective.train()
        with self.interruption, self.progress.running():
            self.stretch.take_up(self.state.stretch)
            if self.state.plan is None:
                self._fix_plan()
            while not self.state.finished:
                if self._validation_due():
                    self._take_in(self._validate())
                else:
                    self._step()
            if not self._is_tuned:
                self._tune_search()
        return self.state

    @property
    def done(self) -> bool:
        """Whether `run` has nothing left to do."""
        return self.state.finished and self._is_tuned

    def _fix_plan(self) -> None:
        """Take the first steps, a checkpoint and a validation with an eye on the clock; then fix the number of steps.

        The median of the steps counts: the first of a shape, or a pause of the machine, is no measure of the rest.
        """
        assert self.deadline is not None
        state, most = self.state, self.config.max_steps or math.inf
        for _ in range(_UNCOUNTED_STEPS):
            if state.step < most:
                self._step()
        time_left = self.deadline - time.monotonic()
        enough = _MEASURED_SHARE * time_left
        rising = _MEASURED_RISE * self.config.warmup_steps
        seconds: list[float] = []

        def measure_on() -> bool:
            if len(seconds) >= _MEASURED_STEPS:
                return sum(seconds) < enough and state.step < rising
            return not seconds or sum(seconds) < _MOST_MEASURED_SHARE * time_left

        while state.step < most and self.processes.on_main(measure_on):
            seconds.append(_seconds(self._finish_step))
        if self.stretch.steps:
            self._record()
        if state.step >= most:
            state.plan = plan_steps(self.config, state.step)
            return
        started = time.monotonic()
        self._save()
        validation = self._validate()
        now = time.monotonic()
        seconds_left = self.deadline - now - self._tuning_time(now - started)
        plan = plan_time(self.config, state.step, seconds_left, median(seconds), now - started)
        state.plan = self.processes.on_main(lambda: plan)
        if state.plan.total_steps < self.config.warmup_steps:
            self.progress.warn(
                f"only {state.plan.total_steps:,} steps fit into the time, fewer than the learning rate's warm-up has "
                f"({self.config.warmup_steps:,}): such a model learns next to nothing; give it more --minutes or take "
                "a smaller preset"
            )
        self._pace, self._may_revise = Pace(max(enough, _LEAST_HORIZON)), True
        self._take_in(validation)

    def _planned_batches(self) -> Iterator[np.ndarray]:
        """The pair numbers of each batch from where the state stands, epoch after epoch."""
        while True:
            planned = plan_epoch(self.data.train, self.config.batch_tokens, self.config.seed, self.state.epoch)
            for indices in islice(planned, self.state.batch, None):
                self.state.batch += 1
                yield indices
            self.state.epoch, self.state.batch = self.state.epoch + 1, 0

    def repeat_batches(self, steps: int) -> None:
        """From now on take the batches of the next steps again and again, so that times can be compared."""
        self._batches = cycle(list(islice(self._batches, steps * self.config.accumulation)))

    def _step(self) -> None:
        """One update, and what follows from it. Raises Interrupted where it was to be the last."""
        self.update()
        if self.state.step % _STEPS_PER_RECORD == 0 or self._validation_due():
            self._record()
        self._leave_if_asked()

    def _finish_step(self) -> None:
        """A step, to its end on the device."""
        self._step()
        self.stretch.loss()

    def update(self) -> None:
        """One update, from the gradient of the mean loss of all target tokens in its batches, on all processes."""
        self.state.step += 1
        total = self.state.plan.total_steps if self.state.plan else None
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.state.step, total)
        batches = list(islice(self._batches, self.config.accumulation))
        tokens = sum(int((self.data.train.tgt.lengths(indices) + 1).sum()) for indices in batches)
        loss = torch.zeros((), device=self.accelerator.device)
        for number, indices in enumerate(batches):
            last = number == len(batches) - 1
            with nullcontext() if last else self.accelerator.no_sync(self._forward):
                loss += self._accumulate(number, indices, tokens)
        self.accelerator.clip_grad_norm_(self.objective.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.stretch.add(self.processes.mean(loss), tokens)

    def _accumulate(self, number: int, indices: np.ndarray, tokens: int) -> torch.Tensor:
        """Add the gradient of this process's share of a batch, one of a step with so many target tokens.

        Returns the share's part of the step's loss, times the number of processes: what they do is averaged.
        """
        rows = self.processes.share(indices)
        token_weight = self.processes.count / tokens
        if not len(rows):  # nothing to do, but the others wait for a gradient
            rows, token_weight = indices[:1], 0.0
        # Dropout depends on nothing but this, so that a resumed training draws the same masks.
        torch.manual_seed(_seed(self.config.seed, self.state.step, self.processes.rank, number))
        tensors = as_tensors(make_batch(self.data.train, rows), self.accelerator.device)
        loss: torch.Tensor = self._forward(*tensors, token_weight)
        loss.backward()  # type: ignore[no-untyped-call]  # not accelerate's, which may scale by its launcher's settings
        return loss.detach()

    def _leave_if_asked(self) -> None:
        """Save the step and raise Interrupted, where a signal has come to any of the processes."""
        number = self.processes.highest(self.interruption.signal_number)
        if not number:
            return
        step = self.state.step
        if step != self._saved_step:
            self._expect_finite(self.stretch.loss())
            self._expect_finite(sum(float(parameter.detach().sum()) for parameter in self.objective.parameters()))
            self._save()
        if not self.processes.is_main:
            sys.exit(128 + number)
        raise Interrupted(number, f"{describe_signal(number)} at step {step:,}, which is saved: go on with --resume")

    def _validation_due(self) -> bool:
        plan, step = self.state.plan, self.state.step
        if plan is None or step == self.state.validated_step:
            return False
        return step % plan.validate_every == 0 or step >= plan.total_steps

    def _record(self) -> None:
        """Log the steps since the last record. Raises InputError where the loss is no longer a number."""
        state, stretch = self.state, self.stretch
        loss, tokens_per_second = stretch.loss(), stretch.tokens / stretch.seconds
        self._expect_finite(loss)
        total = state.plan.total_steps if state.plan else None
        eta = (total - state.step) * stretch.seconds / stretch.steps if total else None
        self.progress.step(state.step, total, loss, tokens_per_second, eta)
        self._log(
            {
                "step": state.step,
                "epoch": state.epoch,
                "loss": loss,
                "learning_rate": learning_rate(self.config, state.step, total),
                "target_tokens": stretch.tokens,
                "target_tokens_per_second": round(tokens_per_second, 1),
            }
        )
        self._pace.add(stretch.seconds, stretch.steps, stretch.cpu_seconds)
        self._report_lack_of_cores()
        if self._may_revise:
            self._keep_to_time()
        stretch.clear()

    def _report_lack_of_cores(self) -> None:
        """Warn where the steps of late had less processor time than one thread can use; once until they have more."""
        pace = self._pace
        if self.accelerator.device.type != "cpu" or not pace.is_settled:
            return
        if pace.cores < _ONE_CORE and not self._short_of_cores:
            self.progress.warn(
                f"training had {pace.cores:.1f} cores' worth of processor time in the last {pace.seconds:.0f} s, less "
                "than a single thread can use: other programs, or a limit on this one, take the rest"
            )
        self._short_of_cores = pace.cores < _ONE_CORE

    def _keep_to_time(self) -> None:
        """Revise the plan where the machine has become so much slower or faster that the time would be missed."""
        plan, deadline, pace = self.state.plan, self.deadline, self._pace
        assert plan is not None
        assert deadline is not None

        def revised() -> Plan:
            # A plan made beside another program may be over before the horizon is.
            if not pace.is_settled and self.state.step < plan.total_steps:
                return plan
            validation = self._validation_seconds
            seconds_left = deadline - time.monotonic() - self._tuning_time(validation)
            return revise(self.config, plan, self.state.step, seconds_left, pace.step, validation)

        self.state.plan = self.processes.on_main(revised)
        if self.state.plan != plan:
            self.progress.note(
                f"step time changed: re-planned from {plan.total_steps:,} to {self.state.plan.total_steps:,} steps to "
                "finish on time"
            )

    def _log(self, record: dict[str, Any]) -> None:
        self.processes.on_main(lambda: self.metrics.add(record))

    def _expect_finite(self, loss: float) -> None:
        def check() -> None:
            if not math.isfinite(loss):
                raise InputError(
                    f"the loss is {loss} by step {self.state.step}: try --set training.learning_rate="
                    f"{self.config.learning_rate / 4:g}, or training.precision=float32; the last checkpoint is intact"
                )

        self.processes.on_main(check)

    def _validate(self) -> Validation:
        """Raises Interrupted on the way where a signal has come; the step is then saved as not validated."""
        started = time.monotonic()
        self.objective.eval()
        loss = self.validator.loss(self.objective)
        self._expect_finite(loss)
        bleu, translations = self.validator.bleu(self.model)
        self.objective.train()
        self._validation_seconds = time.monotonic() - started
        return Validation(math.exp(min(loss, 700.0)), bleu, translations)

    def _tune_search(self) -> None:
        """Give the best step the length penalty that suits the validation set."""
        model = load_model(self.store.best, self.accelerator.device)
        alpha, pairs = self.validator.tune(model)
        search = model.config.search.model_copy(update={"length_penalty": alpha})
        config = model.config.model_copy(update={"search": search})
        self.processes.on_main(lambda: rewrite_config(self.store.best, config))
        self._is_tuned = True
        self.progress.note(
            f"length penalty {alpha:g}, tuned on {pairs:,} validation pairs with beam size {search.beam_size}"
        )

    def _tuning_time(self, validation: float) -> float:
        """Seconds that the search will be tuned for at the end, from those of a validation."""
        return 0.0 if self._is_tuned else self.validator.tuning_time(validation)

    def _take_in(self, validation: Validation) -> None:
        """Note a validation, show it, save the step, and see whether the training is over."""
        state, plan = self.state, self.state.plan
        assert plan is not None
        best = state.see(validation.bleu.score, validation.perplexity)
        out_of_patience = state.validations_since_best >= self.config.patience
        state.finished = state.step >= plan.total_steps or out_of_patience
        scores = {
            "valid_perplexity": round(validation.perplexity, 4),
            "valid_bleu": round(validation.bleu.score, 4),
            "valid_bleu_signature": validation.bleu.signature,
        }
        self._log({"step": state.step, "epoch": state.epoch, **scores})
        draw = random.Random(state.step)
        numbers = draw.sample(range(len(validation.translations)), min(_EXAMPLES, len(validation.translations)))
        pairs = [(self.data.valid_pairs[number], validation.translations[number]) for number in numbers]
        examples = [Example(pair.src, pair.tgt, translation) for pair, translation in pairs]
        self.progress.validation(state.step, validation.perplexity, validation.bleu.score, best, examples)
        self._save(scores)
        if out_of_patience:
            self.progress.note(f"no better BLEU in {self.config.patience} validations: stopping early")
        self.stretch.clear()

    def _save(self, scores: dict[str, Any] | None = None) -> None:
        """Write a checkpoint of the step; scores: what its validation found, if it was validated."""
        facts = {
            "training_pairs": len(self.data.train),
            "parameters": sum(parameter.numel() for parameter in self.model.network.parameters()),
            "step": self.state.step,
            "epoch": self.state.epoch,
            **(scores or {}),
        }
        self.state.stretch = self.stretch.sums()

        def save() -> None:
            self.metrics.flush()
            self.state.records = self.metrics.records
            self.store.save(self.state, self.model, self.optimizer, facts)

        self.processes.on_main(save)
        self._saved_step = self.state.step


def _make_optimizer(config: TrainingConfig, network: torch.nn.Module) -> torch.optim.Optimizer:
    parameters = network.parameters()
    common: dict[str, Any] = {"lr": config.learning_rate, "weight_decay": config.weight_decay}
    match config.optimizer:
        case "adadelta":
            return torch.optim.Adadelta(parameters, rho=0.95, eps=1e-6, **common)
        case "sgd":
            return torch.optim.SGD(parameters, **common)
        case "adam":
            return torch.optim.Adam(parameters, betas=(0.9, 0.98), fused=True, **common)
        case "adamw":
            return torch.optim.AdamW(parameters, betas=(0.9, 0.98), fused=True, **common)


def _seed(*key: int) -> int:
    return int(np.random.SeedSequence(key).generate_state(1, np.uint64)[0] >> np.uint64(1))


def _seconds(work: Callable[[], None]) -> float:
    started = time.monotonic()
    work()
    return time.monotonic() - started
