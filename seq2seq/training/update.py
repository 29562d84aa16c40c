"""One optimiser update, on one process or several."""

from collections.abc import Sequence
from contextlib import nullcontext
from typing import Any

import numpy as np
import torch
from accelerate import Accelerator

from seq2seq.config import TrainingConfig
from seq2seq.data.batching import make_batch
from seq2seq.data.corpus import Corpus
from seq2seq.distributed import Processes
from seq2seq.model.network import EncoderDecoder
from seq2seq.training.objective import Objective, as_tensors


class Updater:
    """A network on its device, with its loss and its optimiser."""

    def __init__(self, config: TrainingConfig, network: EncoderDecoder, corpus: Corpus, processes: Processes) -> None:
        """Moves the network to the device of the processes."""
        if config.threads:
            torch.set_num_threads(config.threads)
        self._config, self._corpus, self._processes = config, corpus, processes
        self.accelerator = Accelerator(
            mixed_precision="bf16" if config.precision == "bf16" else "no", cpu=processes.device.type == "cpu"
        )
        self.device: torch.device = self.accelerator.device
        network = network.to(self.device)
        self.objective = Objective(network, config.label_smoothing)
        self._forward, self.optimizer = self.accelerator.prepare(self.objective, make_optimizer(config, network))

    def update(self, batches: Sequence[np.ndarray], step: int, learning_rate: float) -> tuple[torch.Tensor, int]:
        """Update the network by the gradient of the mean loss over all target tokens in the batches.

        batches: pair indices of each; all processes get the same and take their shards.
        step: number of the update; it seeds dropout.
        Returns this mean loss, in nats, on the device, and the number of target tokens.
        """
        for group in self.optimizer.param_groups:
            group["lr"] = learning_rate
        tokens = sum(int((self._corpus.tgt.lengths(indices) + 1).sum()) for indices in batches)
        loss = torch.zeros((), device=self.device)
        for number, indices in enumerate(batches):
            last = number == len(batches) - 1
            with nullcontext() if last else self.accelerator.no_sync(self._forward):
                loss += self._accumulate(step, number, indices, tokens)
        self.accelerator.clip_grad_norm_(self.objective.parameters(), self._config.clip_norm)
        self.optimizer.step()
        self.optimizer.zero_grad()
        return self._processes.mean(loss), tokens

    def _accumulate(self, step: int, number: int, indices: np.ndarray, tokens: int) -> torch.Tensor:
        """Add the gradient of this process's shard of a batch. tokens: target tokens of the whole step.

        Returns the shard's part of the step's loss, times the number of processes: their gradients are averaged.
        """
        rows = self._processes.shard(indices)
        token_weight = self._processes.count / tokens
        if not len(rows):  # nothing to do, but the others wait for a gradient
            rows, token_weight = indices[:1], 0.0
        # Dropout depends on nothing else, so that a resumed training draws the same masks.
        torch.manual_seed(_seed(self._config.seed, step, self._processes.rank, number))
        tensors = as_tensors(make_batch(self._corpus, rows), self.device)
        loss: torch.Tensor = self._forward(*tensors, token_weight)
        loss.backward()  # type: ignore[no-untyped-call]  # not accelerate's, which may scale by its launcher's settings
        return loss.detach()


def make_optimizer(config: TrainingConfig, network: torch.nn.Module) -> torch.optim.Optimizer:
    """The optimiser that the configuration names, for all parameters of the network."""
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
