"""Learning rates and plans."""

from collections.abc import Callable
from itertools import pairwise
from pathlib import Path

import pytest

from seq2seq.config import Config, TrainingConfig
from seq2seq.runs.checkpoints import Plan
from seq2seq.training.budget import Pace, plan_steps, plan_time, revise
from seq2seq.training.loop import Trainer
from seq2seq.training.progress import Progress
from seq2seq.training.run import train
from seq2seq.training.schedule import learning_rate


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_rate_rises_to_the_peak_and_ends_near_zero(shape: str) -> None:
    config = TrainingConfig.model_validate({"schedule": shape, "learning_rate": 1e-3, "warmup_steps": 100})
    rates = [learning_rate(config, step, 1000) for step in range(1, 1001)]
    assert rates[0] == pytest.approx(1e-5)
    assert 0.8e-3 < max(rates) <= 1e-3
    peak = rates.index(max(rates))
    assert all(a < b for a, b in pairwise(rates[: peak + 1]))
    assert all(a > b for a, b in pairwise(rates[peak:]))
    assert 0 < rates[-1] < 1.1e-6


def test_halving_waits_for_two_thirds_and_then_halves_five_times() -> None:
    """Sutskever et al. 2014: 7.5 epochs, the rate halved every half epoch after the fifth."""
    config = TrainingConfig(schedule="halving", learning_rate=0.7, warmup_steps=0)
    rates = [learning_rate(config, step, 750) for step in range(1, 751)]
    assert learning_rate(config, 1, None) == rates[0] == rates[499] == 0.7
    assert rates[550] == 0.7 / 4
    assert sorted(set(rates), reverse=True) == [0.7 / 2**halvings for halvings in range(6)]
    assert [rates.count(0.7 / 2**halvings) for halvings in range(1, 6)] == [50] * 5


def test_the_constant_schedule_keeps_its_rate() -> None:
    config = TrainingConfig(schedule="constant", learning_rate=1.0, warmup_steps=0)
    assert {learning_rate(config, step, total) for step in (1, 7, 10) for total in (None, 10)} == {1.0}


@pytest.mark.parametrize("total", [250, 1000, 100_000])
def test_steps_before_the_plan_is_fixed_use_the_rates_of_the_plan(total: int) -> None:
    """So that a timed training equals one that is given the same number of steps."""
    config = TrainingConfig(warmup_steps=200)
    for step in range(1, min(181, max(26, total // 10))):  # measuring takes a twentieth of the time
        assert learning_rate(config, step, None) == learning_rate(config, step, total)


def test_plan_for_steps_validates_twenty_times_and_at_the_end() -> None:
    assert plan_steps(TrainingConfig(), 1000).validate_every == 50
    assert plan_steps(TrainingConfig(), 3).validate_every == 1
    assert plan_steps(TrainingConfig(validate_every=7), 1000).validate_every == 7


@pytest.mark.parametrize(("step", "validation"), [(0.1, 1.0), (0.1, 100.0), (1.0, 0.01)])
def test_timed_plan_fits_its_time(step: float, validation: float) -> None:
    plan = plan_time(TrainingConfig(), 50, 1000.0, step, validation)
    steps = plan.total_steps - 50
    spent = steps * step + (plan.total_steps // plan.validate_every) * validation
    assert 900 <= spent <= 1000 + validation
    assert plan.total_steps // plan.validate_every * validation <= max(validation, 100)


def test_timed_plan_with_a_given_interval_and_a_limit() -> None:
    plan = plan_time(TrainingConfig(validate_every=10), 0, 100.0, 1.0, 10.0)
    assert plan.total_steps == 50
    assert plan_time(TrainingConfig(max_steps=40), 0, 100.0, 1.0, 1.0).total_steps == 40


def test_a_plan_is_revised_only_if_it_would_miss_its_time_by_a_tenth() -> None:
    config, plan = TrainingConfig(), Plan(1000, 100)
    assert revise(config, plan, 500, 500.0, 1.0, 1e-9) == plan
    assert revise(config, plan, 500, 450.0, 1.0, 1e-9) == plan
    assert revise(config, plan, 500, 300.0, 1.0, 1e-9).total_steps == 799
    assert revise(config, plan, 500, 500.0, 0.1, 1e-9).total_steps == 5499
    assert revise(config, plan, 500, -20.0, 1.0, 1e-9).total_steps == 501


def test_pace_is_measured_over_the_last_seconds() -> None:
    pace = Pace(10.0)
    assert not pace.is_settled
    pace.add(8.0, 2, 8.0)
    assert not pace.is_settled
    pace.add(4.0, 4, 4.0)
    assert pace.is_settled
    assert (pace.step, pace.cores) == (2.0, 1.0)
    pace.add(6.0, 12, 11.0)
    assert (pace.step, pace.cores) == (10 / 16, 1.5)
    pace.add(100.0, 50, 50.0)
    assert (pace.step, pace.cores) == (2.0, 0.5)


class FakeClock:
    """A clock that only updates advance."""

    def __init__(self, update_seconds: Callable[[int], float], cores: float = 1.0) -> None:
        self.now, self.update_seconds, self.cores = 0.0, update_seconds, cores

    def monotonic(self) -> float:
        return self.now

    def process_time(self) -> float:
        return self.now * self.cores

    def install(self, patch: pytest.MonkeyPatch) -> None:
        """Let each update take the given time, and all else none."""
        for module in ("budget", "loop", "loss_window", "run"):
            patch.setattr(f"seq2seq.training.{module}.time", self)
        original = Trainer.update

        def update(trainer: Trainer) -> None:
            original(trainer)
            self.now += self.update_seconds(trainer.state.step)

        patch.setattr(Trainer, "update", update)


@pytest.mark.parametrize(
    ("at_first", "change", "later"),
    [
        pytest.param(1.0, 60, 0.05, marks=pytest.mark.slow),
        (0.05, 60, 1.0),
        pytest.param(3.0, 26, 0.05, id="a plan that is over within the horizon"),
    ],
)
def test_the_time_is_kept_when_the_machine_changes_speed(
    at_first: float,
    change: int,
    later: float,
    tiny: Callable[..., Config],
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    clock = FakeClock(lambda step: at_first if step < change else later)
    clock.install(monkeypatch)
    config = tiny(training__minutes=2.0, training__max_steps=None, training__validate_every=100, training__patience=99)
    monkeypatch.setattr("seq2seq.training.adaptation._MAX_EPOCHS", 10_000)
    state = train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress(quiet=True))
    steps = change + (120 - change * at_first) / later
    assert 0.85 * steps < state.step < 1.1 * steps
    assert 105 < clock.now < 126


class Warnings(Progress):
    """Records its warnings."""

    def __init__(self) -> None:
        super().__init__(quiet=True)
        self.texts: list[str] = []

    def warn(self, text: str) -> None:
        self.texts.append(text)


def test_a_time_too_short_to_measure_the_pace_is_kept_and_reported(
    tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Like a large network on a slow machine: 26 steps to measure its pace would take twice the time."""
    clock = FakeClock(lambda _: 6.0)
    clock.install(monkeypatch)
    config = tiny(training__minutes=1.5, training__max_steps=None, training__validate_every=100)
    progress = Warnings()
    state = train(config, tmp_path / "run", resume=False, overwrite=False, progress=progress)
    assert state.step == 15
    assert clock.now <= 99
    assert sum(text.startswith("only 15 steps fit into the time, fewer than") for text in progress.texts) == 1


@pytest.mark.parametrize(("cores", "warnings"), [(0.6, 1), (1.0, 0), (1.9, 0)])
def test_training_with_less_than_a_core_is_reported_once(
    cores: float, warnings: int, tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    FakeClock(lambda _: 1.0, cores).install(monkeypatch)
    progress = Warnings()
    train(tiny(training__max_steps=60), tmp_path / "run", resume=False, overwrite=False, progress=progress)
    lines = [text for text in progress.texts if "of a core" in text]
    assert len(lines) == warnings
    assert all("0.6 of a core" in line for line in lines)
