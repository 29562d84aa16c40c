"""Loss, target tokens and time of the last steps."""

import time

import torch

from seq2seq.runs.checkpoints import Sums


class LossWindow:
    """Loss, target tokens and time of the steps since `clear`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Start a new window now."""
        self.steps, self.tokens = 0, 0
        self._loss_sum: torch.Tensor | float = 0.0
        self._started, self._cpu_started = time.monotonic(), time.process_time()

    def add(self, loss: torch.Tensor, tokens: int) -> None:
        """Add one step. loss: mean over its `tokens` target tokens, in nats; stays on its device."""
        self.steps += 1
        self.tokens += tokens
        self._loss_sum = self._loss_sum + loss * tokens

    def loss(self) -> float:
        """Mean loss per target token, in nats. Waits for the device."""
        return float(self._loss_sum) / max(1, self.tokens)

    @property
    def seconds(self) -> float:
        """Seconds since `clear`."""
        return time.monotonic() - self._started

    @property
    def cpu_seconds(self) -> float:
        """Processor time since `clear`, of all threads together."""
        return time.process_time() - self._cpu_started

    def sums(self) -> Sums | None:
        """What `restore` needs to continue from here; None if the window is empty."""
        if not self.steps:
            return None
        return Sums(self.steps, self.tokens, float(self._loss_sum), self.seconds, self.cpu_seconds)

    def restore(self, sums: Sums | None) -> None:
        """Continue from `sums` now."""
        self.clear()
        if sums:
            self.steps, self.tokens, self._loss_sum = sums.steps, sums.tokens, sums.loss
            self._started -= sums.seconds
            self._cpu_started -= sums.seconds if sums.cpu_seconds is None else sums.cpu_seconds
