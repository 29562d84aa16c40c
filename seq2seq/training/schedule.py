"""Learning rates, and how many steps fit into the time there is."""

import math
from collections import deque
from collections.abc import Callable

from seq2seq.config import TrainingConfig
from seq2seq.runs.checkpoints import Plan


def learning_rate(config: TrainingConfig, step: int, total_steps: int | None) -> float:
    """The rate of update number `step`, 1 to `total_steps`: a rise of `warmup_steps`, cut off by the schedule's fall.

    While the total is not known yet the rate rises; whatever total is chosen later than that changes no rate that
    was used, as long as the rise is still the lower of the two.
    """
    rise = step / config.warmup_steps if config.warmup_steps else 1.0
    if total_steps is None:
        return config.learning_rate * min(1.0, rise)
    left = max(0.0, 1 - (step - 1) / total_steps)
    return config.learning_rate * min(rise, _FALLS[config.schedule](left))


def _halving(left: float) -> float:
    """Sutskever et al. 2014 (section 3.4): 5 of 7.5 epochs at one rate, then half of it with each half epoch."""
    return 0.5 ** max(0, math.floor(15 * (1 / 3 - left) + 1 + 1e-9))


# The share of the highest rate, by the share of the steps that are left.
_FALLS: dict[str, Callable[[float], float]] = {
    "cosine": lambda left: 0.5 * (1 - math.cos(math.pi * left)),
    "linear": lambda left: left,
    "halving": _halving,
    "constant": lambda left: 1.0,
}


_VALIDATIONS = 20
_VALIDATION_SHARE = 0.08


def plan_steps(config: TrainingConfig, max_steps: int) -> Plan:
    """The plan where the number of steps is given."""
    return Plan(max_steps, config.validate_every or max(1, math.ceil(max_steps / _VALIDATIONS)))


def plan_time(config: TrainingConfig, steps_done: int, seconds_left: float, step: float, validation: float) -> Plan:
    """The plan that fits into `seconds_left`, from the measured seconds of a step and of a validation.

    Validations get at most a twelfth of the time, unless `validate_every` asks for more.
    """
    if config.validate_every:
        steps = seconds_left / (step + validation / config.validate_every)
        every = config.validate_every
    else:
        count = min(_VALIDATIONS, max(1, int(_VALIDATION_SHARE * seconds_left / validation)))
        steps = (seconds_left - count * validation) / step
        every = max(1, math.ceil((steps_done + steps) / count))
    total = steps_done + max(1, int(steps))
    return Plan(min(total, config.max_steps or total), every)


_MISSED = 0.1


def revise(
    config: TrainingConfig, plan: Plan, steps_done: int, seconds_left: float, step: float, validation: float
) -> Plan:
    """The plan as it is, or a new one where at the pace of late it would miss its time by more than a tenth."""
    new = plan_time(config, steps_done, seconds_left, step, validation)
    return new if abs(new.total_steps - plan.total_steps) > _MISSED * plan.total_steps else plan


class Pace:
    """How long steps have taken of late, and how much processor time they had: other programs come and go."""

    def __init__(self, horizon: float) -> None:
        """horizon: seconds to look back."""
        self._horizon = horizon
        self._records: deque[tuple[float, int, float]] = deque()

    def add(self, seconds: float, steps: int, cpu_seconds: float) -> None:
        """Note that so many steps have taken so long."""
        self._records.append((seconds, steps, cpu_seconds))
        while self.seconds - self._records[0][0] >= self._horizon:
            self._records.popleft()

    @property
    def is_settled(self) -> bool:
        """Whether the horizon has passed."""
        return self.seconds >= self._horizon

    @property
    def seconds(self) -> float:
        """Seconds looked back; the horizon, or a little more, once it has passed."""
        return sum(seconds for seconds, _, _ in self._records)

    @property
    def step(self) -> float:
        """Seconds per step."""
        return self.seconds / sum(steps for _, steps, _ in self._records)

    @property
    def cores(self) -> float:
        """Seconds of processor time per second, of all threads together."""
        return sum(cpu_seconds for _, _, cpu_seconds in self._records) / self.seconds
