"""Learning rates and plans."""

from itertools import pairwise

import pytest

from seq2seq.config import TrainingConfig
from seq2seq.training.schedule import learning_rate, plan_steps, plan_time


@pytest.mark.parametrize("shape", ["cosine", "linear"])
def test_rises_to_the_peak_and_ends_near_zero(shape: str) -> None:
    config = TrainingConfig.model_validate({"schedule": shape, "learning_rate": 1e-3, "warmup_steps": 100})
    rates = [learning_rate(config, step, 1000) for step in range(1, 1001)]
    assert rates[0] == pytest.approx(1e-5)
    assert 0.8e-3 < max(rates) <= 1e-3
    peak = rates.index(max(rates))
    assert all(a < b for a, b in pairwise(rates[: peak + 1]))
    assert all(a > b for a, b in pairwise(rates[peak:]))
    assert 0 < rates[-1] < 1.1e-6


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
