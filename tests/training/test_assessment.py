"""What a finished training says about its model, on stderr and in the model card."""

import dataclasses
import itertools
import random
from collections.abc import Callable
from pathlib import Path

import pytest
from runs import Killed, hashes

from seq2seq.config import Config
from seq2seq.evaluation.metrics import MetricScore, score_corpus
from seq2seq.runs.model_folder import open_model
from seq2seq.runs.trained_model import TrainedModel, load_model
from seq2seq.training.assessment import most_unusual, score_lengths
from seq2seq.training.loop import Trainer
from seq2seq.training.objective import Objective
from seq2seq.training.progress import Progress
from seq2seq.training.run import open_run, train
from seq2seq.training.validation import Validator

WORDS = {"un": "one", "deux": "two", "trois": "three", "quatre": "four"}
NAMES = ("by length", "hardest", "advice")


@pytest.fixture(scope="module")
def config(tiny: Callable[..., Config], tmp_path_factory: pytest.TempPathFactory) -> Config:
    """A training with 90 validation pairs of one to nine words, a third of them with a number."""
    folder = tmp_path_factory.mktemp("validation")
    draw = random.Random(3)
    sentences = [[*draw.choices(list(WORDS), k=n % 9 + 1), *(["7"] if n % 3 == 0 else [])] for n in range(90)]
    (folder / "src").write_text("".join(" ".join(words) + "\n" for words in sentences))
    (folder / "tgt").write_text("".join(" ".join(WORDS.get(w, w) for w in words) + "\n" for words in sentences))
    return tiny(data__valid_src=str(folder / "src"), data__valid_tgt=str(folder / "tgt"))


@pytest.fixture(scope="module")
def run(config: Config, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("assessed") / "run"
    train(config, folder, resume=False, overwrite=False, progress=Progress(quiet=True))
    return folder


def test_three_lines_are_printed_and_stored(config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress())
    printed = [line for line in capsys.readouterr().err.splitlines() if line.startswith(NAMES)]
    assert [line[:22].strip() for line in printed] == list(NAMES)
    assert "(up to 3 words)" in printed[0]
    assert "8 steps are too few to learn much" in printed[2]
    best = open_model(tmp_path / "run")
    assert [f"{name:<21} {best.metadata[name.replace(' ', '_')]}" for name in NAMES] == printed
    card = (best.path / "README.md").read_text(encoding="utf-8")
    assert all(f"| {name} | {best.metadata[name.replace(' ', '_')]} |" in card for name in NAMES)


def test_a_grave_fault_of_the_data_is_repeated(
    config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    numbers = [f"{n} {n * 7919 % 1000}" for n in range(900)]
    (tmp_path / "shifted.tsv").write_text("".join(f"{src}\t{tgt}\n" for src, tgt in itertools.pairwise(numbers)))
    changes = {"train": (str(tmp_path / "shifted.tsv"),), "train_src": (), "train_tgt": ()}
    config = config.model_copy(update={"data": config.data.model_copy(update=changes)})
    train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress())
    *_, warning, by_length, _, _ = capsys.readouterr().err.splitlines()
    assert warning.startswith("data warning          the sides are shifted from the first lines on")
    assert by_length.startswith("by length")


def test_quiet_prints_nothing(config: Config, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress(quiet=True))
    assert capsys.readouterr().err == ""


def test_a_training_killed_before_its_last_lines_has_them_after_a_resume(
    config: Config, run: Path, tmp_path: Path
) -> None:
    def die(*_: object) -> None:
        raise Killed

    with pytest.MonkeyPatch.context() as patch, pytest.raises(Killed):
        patch.setattr(Trainer, "_close", die)
        train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress(quiet=True))
    assert "advice" not in open_model(tmp_path / "run").metadata
    train(config, tmp_path / "run", resume=True, overwrite=False, progress=Progress(quiet=True))
    assert hashes(tmp_path / "run") == hashes(run)


def test_a_training_that_ran_out_of_patience_needs_no_more_steps(config: Config, tmp_path: Path) -> None:
    changes = {"patience": 1, "warmup_steps": 1, "max_steps": 60, "validate_every": 2, "learning_rate": 1e-9}
    config = config.model_copy(update={"training": config.training.model_copy(update=changes)})
    state = train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress(quiet=True))
    assert state.step < 60
    assert "train longer" not in str(open_model(tmp_path / "run").metadata["advice"])


def test_the_training_loss_is_that_of_the_best_step(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The first validation has the best score, the others the worst."""
    original, measured = Validator.score, Validator.training_loss
    scores, losses = itertools.chain([50.0], itertools.repeat(0.0)), []

    def scored(self: Validator, model: TrainedModel) -> tuple[MetricScore, list[str]]:
        score, translations = original(self, model)
        return dataclasses.replace(score, score=next(scores)), translations

    def training_loss(self: Validator, objective: Objective) -> float:
        losses.append(measured(self, objective))
        best = load_model(tmp_path / "run" / "steps" / "3").network
        losses.append(measured(self, Objective(best, label_smoothing=0.0)))
        return losses[0]

    monkeypatch.setattr(Validator, "score", scored)
    monkeypatch.setattr(Validator, "training_loss", training_loss)
    state = train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress(quiet=True))
    assert (state.best_step, state.step) == (3, 8)
    assert losses[0] == losses[1]


def test_groups_are_scored_as_sacrebleu_scores_their_lines(
    config: Config, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A model that translates numbers wrongly, and all else correctly."""
    original = Validator.score

    def scored(self: Validator, model: TrainedModel) -> tuple[MetricScore, list[str]]:
        score, _ = original(self, model)
        pairs = self._data.valid_pairs
        return dataclasses.replace(score, score=90.0), [pair.tgt.replace(" 7", " four four") for pair in pairs]

    monkeypatch.setattr(Validator, "score", scored)
    train(config, tmp_path / "run", resume=False, overwrite=False, progress=Progress(quiet=True))
    _, data = open_run(tmp_path / "run")
    numbered = [pair.tgt for pair in data.valid_pairs if "7" in pair.tgt]
    wrong = [tgt.replace(" 7", " four four") for tgt in numbered]
    expected = score_corpus(wrong, [numbered], metrics=["BLEU"])[0].score
    hardest = str(open_model(tmp_path / "run").metadata["hardest"])
    assert hardest.startswith(f"sentences with numbers: BLEU {expected:.1f} (30 of 90 validation pairs; ")


def test_only_thirds_of_enough_pairs_are_scored(run: Path) -> None:
    _, data = open_run(run)
    of_length = {n: [pair for pair in data.valid_pairs if len(pair.src.split()) == n] for n in (2, 5, 8)}
    pairs = of_length[2] + of_length[5] + of_length[8][:3]
    few = dataclasses.replace(data, valid_pairs=pairs)
    lengths = score_lengths(few, [pair.tgt for pair in pairs], "BLEU")
    assert [(group.name, group.pairs) for group in lengths] == [("up to 2 words", 20), ("3-5 words", 20)]


def test_the_most_frequent_kind_of_unusual_pairs() -> None:
    def source(read: int, **kept: int) -> dict[str, object]:
        findings = [{"rule": rule, "left_out": False, "count": count} for rule, count in kept.items()]
        return {"read": read, "findings": [*findings, {"rule": "script", "left_out": True, "count": 900}]}

    report = {"sources": [source(600, identical=3, ratio=2, duplicates=500, decomposed=600), source(400, ratio=2)]}
    description, share = most_unusual(report)
    assert description.startswith("pairs with an unusual length ratio")
    assert share == 0.004
    assert most_unusual({"sources": [source(600, duplicates=500)]}) == ("", 0.0)
