"""Learning rates."""

import math
from collections.abc import Callable

from seq2seq.config import TrainingConfig


def learning_rate(config: TrainingConfig, step: int, total_steps: int | None) -> float:
    """The rate of update `step`, 1 to `total_steps`: a linear warm-up, capped by the decay of the schedule.

    While the total is unknown, the rate warms up only; a total that is chosen later changes no rate already used, as
    long as the warm-up is still the lower of the two.
    """
    warmup = step / config.warmup_steps if config.warmup_steps else 1.0
    if total_steps is None:
        return config.learning_rate * min(1.0, warmup)
    remaining = max(0.0, 1 - (step - 1) / total_steps)
    return config.learning_rate * min(warmup, _DECAYS[config.schedule](remaining))


def _halving(remaining: float) -> float:
    """Sutskever et al. 2014 (section 3.4): 5 of 7.5 epochs at one rate, then halved every half epoch."""
    return 0.5 ** max(0, math.floor(15 * (1 / 3 - remaining) + 1 + 1e-9))


# The factor of the peak rate, by the fraction of the steps that remain.
_DECAYS: dict[str, Callable[[float], float]] = {
    "cosine": lambda remaining: 0.5 * (1 - math.cos(math.pi * remaining)),
    "linear": lambda remaining: remaining,
    "halving": _halving,
    "constant": lambda remaining: 1.0,
}
