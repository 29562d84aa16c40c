"""The training loop: one step, one epoch, a validation, a checkpoint."""

import math
import time
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice

import numpy as np
import torch
from accelerate import Accelerator

from seq2seq.config import TrainingConfig
from seq2seq.errors import InputError
from seq2seq.evaluation import MetricScore, score_corpus
from seq2seq.model_folder import TrainedModel
from seq2seq.text.batching import Batch, make_batch, plan_epoch
from seq2seq.training.metrics import MetricsLog, Stretch
from seq2seq.training.objective import Objective
from seq2seq.training.preparation import PreparedData
from seq2seq.training.progress import Example, Progress
from seq2seq.training.schedule import learning_rate, plan_steps, plan_time
from seq2seq.training.state import CheckpointStore, TrainingState, load_state
from seq2seq.translator import Translator

_STEPS_PER_RECORD = 20
_EXAMPLES = 3
_VALIDATION_BATCH = 64
# A timed training measures its start before it fixes the number of steps: from the 6th step to the 25th, or for a
# twentieth of its time where that is longer; but no further than the learning rate rises, whatever the number of steps.
_UNCOUNTED_STEPS, _MEASURED_STEPS, _MEASURED_SHARE, _MEASURED_RISE = 5, 20, 0.05, 0.9


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
        deadline: float | None,
    ) -> None:
        """deadline: when the training is to end, on time.monotonic's clock; None where only steps count."""
        self.config, self.model, self.data = config, model, data
        self.store, self.metrics, self.progress, self.deadline = store, metrics, progress, deadline
        self.stretch = Stretch()
        self.accelerator = Accelerator(
            mixed_precision="bf16" if config.precision == "bf16" else "no", cpu=not torch.cuda.is_available()
        )
        network = model.network.to(self.accelerator.device)
        optimizer = _make_optimizer(config, network)
        self.objective, self.optimizer = self.accelerator.prepare(Objective(network, config.label_smoothing), optimizer)
        self.state = load_state(store.last, self.optimizer) if store.last else TrainingState()
        if self.state.plan is None and deadline is None:
            assert config.max_steps is not None
            self.state.plan = plan_steps(config, config.max_steps)

    def run(self) -> TrainingState:
        """Train to the end of the plan, or until patience runs out."""
        self.objective.train()
        with self.progress.running():
            batches = self._batches()
            if self.state.plan is None:
                self._fix_plan(batches)
            while not self.state.finished:
                self._step(next(batches))
                if self._validation_due():
                    self._record()
                    self._take_in(self._validate())
                elif self.state.step % _STEPS_PER_RECORD == 0:
                    self._record()
        return self.state

    def _fix_plan(self, batches: Iterator[Batch]) -> None:
        """Take the first steps, and a validation, with an eye on the clock; then fix the number of steps."""
        assert self.deadline is not None
        state, stretch, most = self.state, self.stretch, self.config.max_steps or math.inf
        while state.step < min(_UNCOUNTED_STEPS, most - 1):
            self._step(next(batches))
        stretch.clear()
        enough = _MEASURED_SHARE * (self.deadline - time.monotonic())
        rising = _MEASURED_RISE * self.config.warmup_steps
        while state.step < most and (
            stretch.steps < _MEASURED_STEPS or (stretch.seconds < enough and state.step < rising)
        ):
            self._step(next(batches))
        step_seconds = stretch.seconds / stretch.steps
        self._record()
        started = time.monotonic()
        validation = self._validate()
        now = time.monotonic()
        state.plan = plan_time(self.config, state.step, self.deadline - now, step_seconds, now - started)
        self._take_in(validation)

    def _batches(self) -> Iterator[Batch]:
        """The batches from where the state stands, epoch after epoch."""
        while True:
            planned = plan_epoch(self.data.train, self.config.batch_tokens, self.config.seed, self.state.epoch)
            for indices in islice(planned, self.state.batch, None):
                self.state.batch += 1
                yield make_batch(self.data.train, indices)
            self.state.epoch, self.state.batch = self.state.epoch + 1, 0

    def _step(self, batch: Batch) -> None:
        """One update."""
        self.state.step += 1
        total = self.state.plan.total_steps if self.state.plan else None
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate(self.config, self.state.step, total)
        # Dropout depends on the seed and the step alone, so that a resumed training draws the same masks.
        torch.manual_seed(_seed(self.config.seed, self.state.step))
        loss: torch.Tensor = self.objective(*self._tensors(batch))
        self.accelerator.backward(loss)
        self.accelerator.clip_grad_norm_(self.objective.parameters(), self.config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        self.stretch.add(loss.detach(), batch.target_tokens)

    def _tensors(self, batch: Batch) -> tuple[torch.Tensor, ...]:
        arrays = (batch.src, batch.src_lengths, batch.tgt_in, batch.tgt_out)
        return tuple(torch.from_numpy(array).to(self.accelerator.device) for array in arrays)

    def _validation_due(self) -> bool:
        plan, step = self.state.plan, self.state.step
        assert plan is not None
        return step % plan.validate_every == 0 or step >= plan.total_steps

    def _record(self) -> None:
        """Log the steps since the last record. Raises InputError where the loss is no longer a number."""
        state, stretch = self.state, self.stretch
        loss, tokens_per_second = stretch.loss(), stretch.tokens / stretch.seconds
        self._expect_finite(loss)
        total = state.plan.total_steps if state.plan else None
        eta = (total - state.step) * stretch.seconds / stretch.steps if total else None
        self.progress.step(state.step, total, loss, tokens_per_second, eta)
        self.metrics.add(
            {
                "step": state.step,
                "epoch": state.epoch,
                "loss": loss,
                "learning_rate": learning_rate(self.config, state.step, total),
                "target_tokens": stretch.tokens,
                "target_tokens_per_second": round(tokens_per_second, 1),
            }
        )
        stretch.clear()

    def _expect_finite(self, loss: float) -> None:
        if not math.isfinite(loss):
            raise InputError(
                f"the loss is {loss} by step {self.state.step}: try --set training.learning_rate="
                f"{self.config.learning_rate / 4:g}, or training.precision=float32; the last checkpoint is intact"
            )

    def _validate(self) -> Validation:
        """Perplexity on the reference translations, and BLEU of greedy translations of the same sentences."""
        self.objective.eval()
        loss = self._validation_loss()
        self._expect_finite(loss)
        perplexity = math.exp(min(loss, 700.0))
        pairs = self.data.valid_pairs
        translator = Translator(self.model, batch_size=_VALIDATION_BATCH)
        translations = translator.translate([pair.src for pair in pairs], beam_size=1)
        bleu = score_corpus(translations, [[pair.tgt for pair in pairs]], metrics=["BLEU"])[0]
        self.objective.train()
        return Validation(perplexity, bleu, translations)

    def _validation_loss(self) -> float:
        """Mean -log p of a validation token, in nats."""
        corpus = self.data.valid
        total, tokens = 0.0, 0
        for indices in plan_epoch(corpus, self.config.batch_tokens, seed=0, epoch=0):
            batch = make_batch(corpus, indices)
            with self.accelerator.autocast():
                loss = self.objective.perplexity_loss(*self._tensors(batch))
            total += float(loss) * batch.target_tokens
            tokens += batch.target_tokens
        return total / tokens

    def _take_in(self, validation: Validation) -> None:
        """Note a validation, show it, save the step, and see whether the training is over."""
        state, plan = self.state, self.state.plan
        assert plan is not None
        best = state.see(validation.bleu.score, validation.perplexity)
        out_of_patience = state.validations_since_best >= self.config.patience
        state.finished = state.step >= plan.total_steps or out_of_patience
        scores = {
            "step": state.step,
            "epoch": state.epoch,
            "valid_perplexity": round(validation.perplexity, 4),
            "valid_bleu": round(validation.bleu.score, 4),
            "valid_bleu_signature": validation.bleu.signature,
        }
        self.metrics.add(scores)
        pairs = self.data.valid_pairs[:_EXAMPLES]
        examples = [Example(p.src, p.tgt, text) for p, text in zip(pairs, validation.translations, strict=False)]
        self.progress.validation(state.step, validation.perplexity, validation.bleu.score, best, examples)
        sizes = {
            "training_pairs": len(self.data.train),
            "parameters": sum(parameter.numel() for parameter in self.model.network.parameters()),
        }
        self.store.save(state, self.model, self.optimizer, sizes | scores)
        if out_of_patience:
            self.progress.note(f"no better BLEU in {self.config.patience} validations: stopping early")
        self.stretch.clear()


def _make_optimizer(config: TrainingConfig, network: torch.nn.Module) -> torch.optim.Optimizer:
    kind = torch.optim.Adam if config.optimizer == "adam" else torch.optim.AdamW
    return kind(
        network.parameters(),
        lr=config.learning_rate,
        betas=(0.9, 0.98),
        weight_decay=config.weight_decay,
        fused=True,
    )


def _seed(seed: int, step: int) -> int:
    return int(np.random.SeedSequence((seed, step)).generate_state(1, np.uint64)[0] >> np.uint64(1))
