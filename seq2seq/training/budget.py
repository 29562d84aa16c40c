"""The number of training steps: as given, or as many as fit into the time."""

import math
import time
from collections import deque
from statistics import median

from seq2seq.config import TrainingConfig
from seq2seq.runs.checkpoints import Plan

_VALIDATIONS = 20
_VALIDATION_SHARE = 0.08
# A plan is revised if it would miss its time by more than this fraction of its steps.
_MAX_MISS = 0.1
# A timed training measures its first steps before it plans their number: from the 6th step to the 25th, or for a
# twentieth of its time if that is longer, but not beyond the warm-up.
UNMEASURED_STEPS = 5
_MEASURED_STEPS, _MEASURED_SHARE, _MEASURED_WARMUP = 20, 0.05, 0.9
# If twenty steps would take more than a quarter of the time, fewer are measured.
_MAX_MEASURED_SHARE = 0.25
# Minimum seconds over which the pace is measured afterwards, so that a brief pause does not change the plan.
_MIN_HORIZON = 10.0


def plan_steps(config: TrainingConfig, max_steps: int) -> Plan:
    """The plan for a given number of steps."""
    return Plan(max_steps, config.validate_every or max(1, math.ceil(max_steps / _VALIDATIONS)))


def plan_time(config: TrainingConfig, steps_done: int, seconds_left: float, step: float, validation: float) -> Plan:
    """The plan that fits into `seconds_left`, from the measured seconds of a step and of a validation.

    Validations get at most 8 % of the time, unless `validate_every` is set.
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


def revise(
    config: TrainingConfig, plan: Plan, steps_done: int, seconds_left: float, step: float, validation: float
) -> Plan:
    """The plan as it is, or a new one if at the recent pace it would miss its time by more than a tenth."""
    new = plan_time(config, steps_done, seconds_left, step, validation)
    return new if abs(new.total_steps - plan.total_steps) > _MAX_MISS * plan.total_steps else plan


class Pace:
    """Seconds and processor time of recent steps, which change as other programs come and go."""

    def __init__(self, horizon: float = _MIN_HORIZON) -> None:
        """horizon: seconds to look back."""
        self._horizon = horizon
        self._records: deque[tuple[float, int, float]] = deque()

    def add(self, seconds: float, steps: int, cpu_seconds: float) -> None:
        """Record `steps` steps that took `seconds`."""
        self._records.append((seconds, steps, cpu_seconds))
        while self.seconds - self._records[0][0] >= self._horizon:
            self._records.popleft()

    @property
    def is_settled(self) -> bool:
        """Whether the records span the horizon."""
        return self.seconds >= self._horizon

    @property
    def seconds(self) -> float:
        """Seconds that the records span: at most a little more than the horizon."""
        return sum(seconds for seconds, _, _ in self._records)

    @property
    def step(self) -> float:
        """Seconds per step."""
        return self.seconds / sum(steps for _, steps, _ in self._records)

    @property
    def cores(self) -> float:
        """Seconds of processor time per second, of all threads together."""
        return sum(cpu_seconds for _, _, cpu_seconds in self._records) / self.seconds


class Measurement:
    """Times the first steps of a training, until there are enough to plan by."""

    def __init__(self, config: TrainingConfig, seconds_left: float) -> None:
        self._seconds: list[float] = []
        self._seconds_left = seconds_left
        self._min_seconds = _MEASURED_SHARE * seconds_left
        self._last_step = _MEASURED_WARMUP * config.warmup_steps

    def add(self, seconds: float) -> None:
        """Record a step."""
        self._seconds.append(seconds)

    def is_complete(self, steps_done: int) -> bool:
        """Whether no further step is needed."""
        if len(self._seconds) >= _MEASURED_STEPS:
            return sum(self._seconds) >= self._min_seconds or steps_done >= self._last_step
        return bool(self._seconds) and sum(self._seconds) >= _MAX_MEASURED_SHARE * self._seconds_left

    @property
    def step(self) -> float:
        """Median seconds per step, robust to the first step of a shape and to pauses of the machine."""
        return median(self._seconds)

    @property
    def horizon(self) -> float:
        """Seconds over which the pace is measured from here on."""
        return max(self._min_seconds, _MIN_HORIZON)


class TimeBudget:
    """The wall-clock time left to a training."""

    def __init__(self, config: TrainingConfig, deadline: float) -> None:
        """deadline: when it must end, on the clock of time.monotonic."""
        self._config, self._deadline = config, deadline

    @property
    def seconds_left(self) -> float:
        """Until the deadline."""
        return self._deadline - time.monotonic()

    def plan(self, steps_done: int, step: float, validation: float, tuning: float) -> Plan:
        """The plan that fits into the time, from the seconds of a step, of a validation and of tuning at the end."""
        return plan_time(self._config, steps_done, self.seconds_left - tuning, step, validation)

    def revised(self, plan: Plan, steps_done: int, pace: Pace, validation: float, tuning: float) -> Plan:
        """The plan, or a new one if the machine has become so much slower or faster that it would miss the time."""
        # A plan made while another program ran may end before the horizon.
        if not pace.is_settled and steps_done < plan.total_steps:
            return plan
        return revise(self._config, plan, steps_done, self.seconds_left - tuning, pace.step, validation)
