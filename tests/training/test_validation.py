"""The metric of validations: chrF for targets without spaces between words, kept on every resume."""

import json
import random
from collections.abc import Callable
from pathlib import Path

import pytest
import sacrebleu
from runs import QUIET, records, run_to_the_end
from test_interruption import stop

from seq2seq import Translator
from seq2seq.config import Config
from seq2seq.io.manifest import seal_folder
from seq2seq.io.storage import read_json
from seq2seq.runs.model_folder import open_model
from seq2seq.training.progress import Progress
from seq2seq.training.run import train
from seq2seq.training.update import Updater

NUMERALS = dict(zip(("one", "two", "three", "four", "five", "six"), "一二三四五六", strict=True))


@pytest.fixture
def unspaced(tiny: Callable[..., Config], tmp_path: Path) -> Callable[..., Config]:
    """Like `tiny`, with targets in Chinese numerals."""
    draw = random.Random(2)
    sentences = [draw.choices(list(NUMERALS), k=draw.randint(1, 6)) for _ in range(200)]
    (tmp_path / "src").write_text("".join(" ".join(words) + "\n" for words in sentences))
    (tmp_path / "tgt").write_text("".join("".join(map(NUMERALS.get, words)) + "\n" for words in sentences))  # type: ignore[arg-type]
    data = {"data__train_src": str(tmp_path / "src"), "data__train_tgt": str(tmp_path / "tgt")}
    return lambda **changes: tiny(**data, **changes)


def test_targets_without_spaces_are_validated_by_chrf(
    unspaced: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    run = tmp_path / "run"
    config = unspaced(training__max_steps=60, training__validate_every=20, training__learning_rate=0.01)
    state = train(config, run, resume=False, overwrite=False, progress=Progress())
    pairs = [(src, tgt) for src, tgt, _ in read_json(run / "data" / "valid.json")]
    translations = Translator.load(run).translate([src for src, _ in pairs], beam_size=1)
    metric = sacrebleu.CHRF()
    expected = metric.corpus_score(translations, [[tgt for _, tgt in pairs]])
    assert state.best_score == pytest.approx(expected.score)
    assert expected.score > 0
    validations = {record["step"]: record["valid_chrf"] for record in records(run) if "valid_chrf" in record}
    assert validations[state.best_step] == max(validations.values())
    assert list(validations) == [20, 40, 60]
    signature = str(metric.get_signature())
    assert {record["valid_chrf_signature"] for record in records(run) if "valid_chrf" in record} == {signature}
    assert open_model(run).metadata["valid_chrf_signature"] == signature
    printed = capsys.readouterr().err
    assert printed.count(signature) == 1
    assert f"validation at step 60: chrF {validations[60]:.2f}" in printed
    assert "BLEU 0" not in printed
    assert "BLEU needs spaces between words: validating by chrF instead" in printed


def test_a_metric_that_is_given_is_used(unspaced: Callable[..., Config], tmp_path: Path) -> None:
    run_to_the_end(unspaced(training__validation_metric="bleu"), tmp_path / "run")
    assert [record["step"] for record in records(tmp_path / "run") if "valid_bleu" in record] == [3, 6, 8]


def test_no_reason_is_given_for_a_metric_that_is_given(
    tiny: Callable[..., Config], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config = tiny(training__validation_metric="chrf", training__max_steps=1)
    train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress())
    printed = capsys.readouterr().err
    assert "chrF decides on the best step" in printed
    assert "spaces" not in printed


def test_the_length_penalty_goes_by_the_same_metric(
    unspaced: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    metrics = []

    def watch(candidates: object, references: object, metric: str) -> float:
        metrics.append(metric)
        return 0.4

    monkeypatch.setattr("seq2seq.training.validation.best_length_penalty", watch)
    run_to_the_end(unspaced(search__length_penalty=None, training__max_steps=2), tmp_path / "run")
    assert metrics == ["chrF"]


def test_an_interrupted_run_keeps_its_metric(unspaced: Callable[..., Config], tmp_path: Path) -> None:
    expected = run_to_the_end(unspaced(), tmp_path / "whole")
    stop(unspaced(), tmp_path / "run", Updater, "update", 4)
    assert run_to_the_end(unspaced(), tmp_path / "run", resume=True) == expected


def test_a_run_of_an_older_version_keeps_bleu(unspaced: Callable[..., Config], tmp_path: Path) -> None:
    """Its configuration does not name a metric, and its best score is called `best_bleu`."""
    run = tmp_path / "run"
    stop(unspaced(training__validation_metric="bleu"), run, Updater, "update", 4)
    config = read_json(run / "config.json")
    del config["training"]["validation_metric"]
    (run / "config.json").write_text(json.dumps(config))
    state = run / "steps" / "4" / "state"
    content = read_json(state / "training.json")
    content["best_bleu"] = content.pop("best_score") + 1000
    (state / "training.json").write_text(json.dumps(content))
    (state / "manifest.json").unlink()
    seal_folder(state)
    resumed = train(unspaced(), run, resume=True, overwrite=False, progress=QUIET)
    assert (resumed.best_step, resumed.best_score) == (3, content["best_bleu"])
    assert [record["step"] for record in records(run) if "valid_bleu" in record] == [3, 6, 8]
