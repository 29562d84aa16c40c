"""`metrics.jsonl`: a line for each stretch of steps and for each validation."""

import json
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import torch
from pydantic import FiniteFloat, NonNegativeFloat, PositiveInt

from seq2seq.storage import append_to_file, flush_file, replace_file


class MetricsLog:
    """Appends records to a file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self.records = 0
        """Records in the file."""

    def cut(self, records: int) -> None:
        """Keep the first `records` of the file, drop what was logged, or half logged, after them."""
        lines = self._path.read_bytes().splitlines(keepends=True) if self._path.is_file() else []
        kept = lines[:records]
        if kept != lines:
            replace_file(self._path, b"".join(kept))
        self.records = len(kept)

    def add(self, record: dict[str, Any]) -> None:
        """Append `record`, which has a `step`."""
        append_to_file(self._path, json.dumps(record, ensure_ascii=False).encode() + b"\n")
        self.records += 1

    def flush(self) -> None:
        """Wait until all records are on the disk."""
        if self.records:
            flush_file(self._path)


@dataclass(frozen=True)
class Sums:
    """What a `Stretch` has summed up."""

    steps: PositiveInt
    tokens: PositiveInt
    loss: FiniteFloat
    seconds: NonNegativeFloat
    cpu_seconds: NonNegativeFloat | None = None
    """None in runs of older versions."""


class Stretch:
    """Loss, target tokens and time of the steps since `clear`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew, now."""
        self.steps, self.tokens = 0, 0
        self._loss_sum: torch.Tensor | float = 0.0
        self._started, self._cpu_started = time.monotonic(), time.process_time()

    def add(self, loss: torch.Tensor, tokens: int) -> None:
        """Count one step. loss: a mean over its `tokens` target tokens, in nats, left on its device."""
        self.steps += 1
        self.tokens += tokens
        self._loss_sum = self._loss_sum + loss * tokens

    def loss(self) -> float:
        """Mean loss a target token, in nats. Waits for the device."""
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
        """What `take_up` needs to go on from here; None of an empty stretch, whose clock has not begun to count."""
        if not self.steps:
            return None
        return Sums(self.steps, self.tokens, float(self._loss_sum), self.seconds, self.cpu_seconds)

    def take_up(self, sums: Sums | None) -> None:
        """Go on from `sums`, now."""
        self.clear()
        if sums:
            self.steps, self.tokens, self._loss_sum = sums.steps, sums.tokens, sums.loss
            self._started -= sums.seconds
            self._cpu_started -= sums.seconds if sums.cpu_seconds is None else sums.cpu_seconds
