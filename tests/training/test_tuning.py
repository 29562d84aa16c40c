"""The length penalty is chosen on the validation set at the end of training and stored in the model."""

import random
from collections.abc import Callable
from pathlib import Path

import pytest
import sacrebleu
from runs import QUIET, outcome, run_to_the_end
from test_interruption import stop

from seq2seq import Translator
from seq2seq.config import Config
from seq2seq.inference.translator import Hypothesis
from seq2seq.io.storage import read_json
from seq2seq.runs.model_folder import open_model
from seq2seq.training.run import train
from seq2seq.training.tuning import LENGTH_PENALTIES, best_length_penalty


def test_the_best_length_penalty_matches_an_independent_search() -> None:
    """Candidates ranked by plain loops, scored by sacreBLEU itself."""
    draw = random.Random(3)
    for _ in range(5):
        references = [" ".join(draw.choices("abcdefg", k=8)) for _ in range(6)]
        candidates = [
            [
                Hypothesis(" ".join(reference.split()[:length]) + draw.choice(["", " x"]), length + 1, log_prob, 0.0)
                for length, log_prob in ((3, -2.0 - draw.random()), (5, -3 - draw.random()), (8, -4 - draw.random()))
            ]
            for reference in references
        ]
        scores = {}
        for length_penalty in LENGTH_PENALTIES:
            ranked = [
                sorted(hypotheses, key=lambda h: -h.log_prob / ((5 + h.pieces) / 6) ** length_penalty)[0]
                for hypotheses in candidates
            ]
            scores[length_penalty] = sacrebleu.corpus_bleu(
                [hypothesis.text for hypothesis in ranked], [references]
            ).score
        assert len(set(scores.values())) > 1
        assert scores[best_length_penalty(candidates, references)] == max(scores.values())


@pytest.fixture(scope="module")
def untuned(tiny: Callable[..., Config]) -> Config:
    return tiny(training__max_steps=6, search__length_penalty=None)


def test_the_model_stores_the_best_length_penalty(tiny: Callable[..., Config], tmp_path: Path) -> None:
    config = tiny(training__max_steps=60, training__learning_rate=0.01, search__length_penalty=None)
    run_to_the_end(config, tmp_path / "run")
    translator = Translator.load(tmp_path / "run")
    pairs = read_json(tmp_path / "run" / "data" / "valid.json")
    translations = translator.stream([src for src, _, _ in pairs], n_best=5, length_penalty=2.0)
    length_penalty = best_length_penalty(
        [translation.hypotheses for translation in translations], [tgt for _, tgt, _ in pairs]
    )
    assert translator.model.config.search.length_penalty == length_penalty


def test_a_given_length_penalty_is_kept(tiny: Callable[..., Config], tmp_path: Path) -> None:
    run_to_the_end(tiny(search__length_penalty=0.35), tmp_path / "run")
    assert open_model(tmp_path / "run").config.search.length_penalty == 0.35


def test_a_training_stopped_while_tuning_tunes_when_resumed(untuned: Config, tmp_path: Path) -> None:
    expected = run_to_the_end(untuned, tmp_path / "whole")
    run = tmp_path / "run"
    message = stop(untuned, run, Translator, "stream", 8)  # after two validations of three windows each
    assert message.startswith("terminated at step 6")
    assert open_model(run).config.search.length_penalty is None
    assert run_to_the_end(untuned, run, resume=True) == expected


def test_a_tuned_run_is_left_unchanged(untuned: Config, tmp_path: Path) -> None:
    before = run_to_the_end(untuned, tmp_path / "run")
    train(untuned, tmp_path / "run", resume=True, overwrite=False, progress=QUIET)
    assert outcome(tmp_path / "run") == before


def test_the_length_penalty_is_tuned_for_the_validation_metric() -> None:
    """Only chrF can tell the long hypothesis, which is right, from the short one."""
    candidates = [[Hypothesis("北", 2, -1.0, 0.0), Hypothesis("我爱北京", 9, -1.5, 0.0)]]
    assert best_length_penalty(candidates, ["我爱北京"], "chrF") > 0
    assert best_length_penalty(candidates, ["我爱北京"], "BLEU") == 0
