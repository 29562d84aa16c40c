"""Training curves, read from the `metrics.jsonl` of a run."""

import json
import math
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from statistics import median
from typing import Any, Literal, cast

from seq2seq.errors import InputError
from seq2seq.io.lines import read_lines
from seq2seq.runs.run_folder import run_at

_LARGEST_VALUE = 1e100
# The validation metric of a run, and the key of its scores.
_SCORES = {"BLEU": "valid_bleu", "chrF": "valid_chrf"}

Axis = Literal["step", "minutes"]
Point = tuple[float, float]


@dataclass(frozen=True)
class Curves:
    """Points (x, y), with x in steps or in minutes."""

    loss: list[Point]
    """Nats per target token, averaged over windows of about equal length."""
    scores: list[Point]
    """On the validation set."""
    metric: str = "BLEU"
    """The metric of the scores."""


def read_curves(run: Path, axis: Axis = "step") -> Curves:
    """The curves of a run, which may be in progress. Values that cannot be plotted are left out.

    axis: minutes are the time spent in training steps, without validations.
    Raises InputError if there are no metrics, or a line is not a training record.
    """
    path = run_at(run).metrics
    if not path.is_file():
        raise InputError(f"{run}: not a run folder, metrics.jsonl is missing")
    records = [_parse_record(line, f"{path}, line {number}") for number, line in enumerate(read_lines(path), start=1)]
    positions = [record["step"] for record in records] if axis == "step" else list(_minutes(records))
    placed = list(zip(positions, records, strict=True))
    metric = next((name for name, key in _SCORES.items() if any(key in record for record in records)), "BLEU")
    key = _SCORES[metric]
    scores = [(x, record[key]) for x, record in placed if _is_plottable(record.get(key))]
    return Curves(list(_mean_losses(placed)), scores, metric)


def _parse_record(line: str, where: str) -> dict[str, Any]:
    """A record of a training. Raises InputError if it is not one."""
    try:
        record = json.loads(line)
    except (ValueError, RecursionError):
        raise InputError(f"{where}: not JSON") from None
    if not isinstance(record, dict) or not _is_plottable(record.get("step")):
        raise InputError(f"{where}: not a training record (no valid `step`)")
    return record


def _is_plottable(value: object) -> bool:
    return type(value) in (int, float) and abs(cast(float, value)) < _LARGEST_VALUE


def _minutes(records: Iterable[dict[str, Any]]) -> Iterator[float]:
    """The training time up to each record, from its tokens and its speed."""
    seconds = 0.0
    for record in records:
        tokens, speed = (record.get(key, math.nan) for key in ("target_tokens", "target_tokens_per_second"))
        if _is_plottable(tokens) and _is_plottable(speed) and speed > 0:
            seconds += tokens / speed
        yield seconds / 60


def _mean_losses(placed: list[tuple[float, dict[str, Any]]]) -> Iterator[Point]:
    """Mean losses, weighted by tokens. A validation cuts a window of steps short: it is joined with the next one."""
    losses = [(x, record) for x, record in placed if _is_plottable(record.get("loss"))]
    steps = [record["step"] for _, record in losses]
    usual = median(end - start for start, end in zip([0, *steps], steps, strict=False)) if steps else 0
    start, total, weight = 0.0, 0.0, 0.0
    for number, (x, record) in enumerate(losses, start=1):
        tokens = record.get("target_tokens", math.nan)
        tokens = tokens if _is_plottable(tokens) and tokens > 0 else 1
        total, weight = total + tokens * record["loss"], weight + tokens
        if record["step"] - start >= usual or number == len(losses):
            yield x, total / weight
            start, total, weight = record["step"], 0.0, 0.0
