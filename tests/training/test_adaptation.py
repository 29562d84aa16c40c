"""Settings derived from the data follow the rule; given settings override them."""

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st
from runs import QUIET

from seq2seq.config import Config, validate_config
from seq2seq.io.storage import read_json
from seq2seq.presets import build_config, describe_config
from seq2seq.training.adaptation import adapt, dropout
from seq2seq.training.run import train


@given(st.floats(0.01, 1e6), st.floats(0.01, 1e6))
def test_the_more_epochs_the_more_dropout(first: float, second: float) -> None:
    less, more = sorted((first, second))
    assert 0.1 <= dropout(less) <= dropout(more) <= 0.35


@pytest.mark.parametrize(
    ("minutes", "tokens", "rate", "steps"),
    [
        (15.0, 420_000, 0.21, 12_305),  # Multi30k
        (5.0, 420_000, 0.1, 12_305),
        (15.0, 100_000, 0.35, 2_930),  # 5,000 pairs: the epochs end before the time
        (15.0, 30_000, 0.35, 2_400),  # 2,000 pairs: the epochs would be too few steps
        (15.0, 100_000_000, 0.1, 2_929_688),
    ],
)
def test_derived_dropout_and_steps(minutes: float, tokens: int, rate: float, steps: int) -> None:
    config = adapt(build_config(options={"training.minutes": minutes}), tokens, unspaced_targets=False)
    assert (config.model.dropout, config.training.max_steps) == (rate, steps)


def test_given_settings_are_kept() -> None:
    config = build_config(assignments=["model.dropout=0.25", "training.max_steps=7", "training.validation_metric=bleu"])
    assert adapt(config, 420_000, unspaced_targets=True) == config


@pytest.mark.parametrize(("unspaced", "metric"), [(True, "chrf"), (False, "bleu")])
def test_the_targets_decide_on_the_validation_metric(unspaced: bool, metric: str) -> None:
    config = adapt(build_config(options={"training.max_steps": 9}), 420_000, unspaced_targets=unspaced)
    assert config.training.validation_metric == metric


def test_given_steps_determine_the_number_of_epochs() -> None:
    config = build_config(options={"training.max_steps": 8000, "training.batch_tokens": 1000})
    assert adapt(config, 100_000, unspaced_targets=False).model.dropout == dropout(80)


def test_a_run_stores_the_derived_settings(tiny: Callable[..., Config], tmp_path: Path) -> None:
    train(tiny(), tmp_path / "run", resume=False, overwrite=False, progress=QUIET)
    stored = validate_config(read_json(tmp_path / "run" / "config.json"), "stored")
    pieces = (tmp_path / "run" / "data" / "train" / "tgt.ids").stat().st_size // 4
    pairs = (tmp_path / "run" / "data" / "train" / "tgt.offsets").stat().st_size // 8 - 1
    assert stored.model.dropout == dropout(8 * 128 / (pieces + pairs))


def test_a_printed_preset_leaves_derived_settings_open(tmp_path: Path) -> None:
    (tmp_path / "mine.toml").write_text(describe_config(build_config("attention")), encoding="utf-8")
    assert not build_config(file=tmp_path / "mine.toml").is_given("model.dropout")
