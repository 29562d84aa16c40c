"""`metrics.jsonl`: a line for each stretch of steps and for each validation."""

import json
import math
import time
from pathlib import Path
from typing import Any

import torch

from seq2seq.storage import replace_file


class MetricsLog:
    """Appends records to a file. Those after the step that a run resumes from are dropped first."""

    def __init__(self, path: Path, resume_step: int) -> None:
        self._path = path
        lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True) if path.is_file() else []
        kept = [line for line in lines if _step_of(line) <= resume_step]
        replace_file(path, "".join(kept).encode())

    def add(self, record: dict[str, Any]) -> None:
        """Append `record`, which has a `step`."""
        with open(self._path, "a", encoding="utf-8") as file:
            file.write(json.dumps(record, ensure_ascii=False) + "\n")


def _step_of(line: str) -> float:
    """The step of a record; infinite where a crash has damaged the line."""
    try:
        return int(json.loads(line)["step"]) if line.endswith("\n") else math.inf
    except (ValueError, KeyError, TypeError):
        return math.inf


class Stretch:
    """Loss, target tokens and seconds of the steps since `clear`."""

    def __init__(self) -> None:
        self.clear()

    def clear(self) -> None:
        """Begin anew, now."""
        self.steps, self.tokens = 0, 0
        self._loss_sum: torch.Tensor | float = 0.0
        self._started = time.monotonic()

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
