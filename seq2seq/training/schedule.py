"""Learning rates."""

import math
from collections.abc import Callable

from seq2seq.config import TrainingConfig


def learning_rate(config: TrainingConfig, step: int, total_steps: int | None) -> float:
    """The rate of update number `step`, 1 to `total_steps`: a warm-up of `warmup_steps`, capped by the schedule's fall.

    While the total is not known yet the rate rises; whatever total is chosen later than that changes no rate that
    was used, as long as the warm-up is still the lower of the two.
    """
    rise = step / config.warmup_steps if config.warmup_steps else 1.0
    if total_steps is None:
        return config.learning_rate * min(1.0, rise)
    left = max(0.0, 1 - (step - 1) / total_steps)
    return config.learning_rate * min(rise, _FALLS[config.schedule](left))


def _halving(left: float) -> float:
    """Sutskever et al. 2014 (section 3.4): 5 of 7.5 epochs at one rate, then half of it with each half epoch."""
    return 0.5 ** max(0, math.floor(15 * (1 / 3 - left) + 1 + 1e-9))


# The factor of the highest rate, by the fraction of the steps that are left.
_FALLS: dict[str, Callable[[float], float]] = {
    "cosine": lambda left: 0.5 * (1 - math.cos(math.pi * left)),
    "linear": lambda left: left,
    "halving": _halving,
    "constant": lambda left: 1.0,
}
