"""Confidence: learnt from examples, within its range, and refused if its file is damaged."""

import json
import math
import random
import shutil
from pathlib import Path

import numpy as np
import pytest

from seq2seq import InputError, Translator
from seq2seq.inference.confidence import Confidence, load_confidence
from seq2seq.io.manifest import seal_folder
from seq2seq.runs.model_folder import CONFIDENCE, open_model
from seq2seq.search.options import Hypothesis

COUNTS = np.array([0, 0, 0, 0, 1000, 500, 200, 3, 0])
COMMON, UNSEEN = (4, 5, 6), 8


def hypothesis(*log_probs: float) -> Hypothesis:
    return Hypothesis(tuple(range(4, 3 + len(log_probs))), math.fsum(log_probs), math.fsum(log_probs), log_probs)


def examples(draw: random.Random, count: int) -> list[tuple[tuple[int, ...], Hypothesis, float]]:
    """Scores fall with unlikely tokens and with unseen pieces."""
    found = []
    for _ in range(count):
        likely, seen = draw.random(), draw.random() < 0.7
        ids = tuple(draw.choice(COMMON if seen else (7, UNSEEN)) for _ in range(draw.randint(3, 9)))
        log_probs = [-3 * (1 - likely) * draw.random() - 0.01 for _ in range(len(ids) + 1)]
        found.append((ids, hypothesis(*log_probs), 90 * likely * seen))
    return found


@pytest.fixture(scope="module")
def confidence() -> Confidence:
    return Confidence.learn(COUNTS, examples(random.Random(1), 400))


def test_confidence_ranks_unseen_examples_by_their_scores(confidence: Confidence) -> None:
    unseen = examples(random.Random(2), 300)
    estimates = [confidence.estimate(ids, best) for ids, best, _ in unseen]
    scores = [score for _, _, score in unseen]
    assert np.corrcoef(estimates, scores)[0, 1] > 0.8
    assert abs(np.mean(estimates) - np.mean(scores)) < 5


def test_it_falls_with_unlikely_tokens_and_unseen_pieces(confidence: Confidence) -> None:
    likely, unlikely = hypothesis(*[-0.1] * 6), hypothesis(*[-2.5] * 6)
    assert confidence.estimate((4, 5, 6, 4, 5), likely) > confidence.estimate((4, 5, 6, 4, 5), unlikely) + 20
    assert confidence.estimate((4, 5, 6, 4, 5), likely) > confidence.estimate((UNSEEN,) * 5, likely) + 20


def test_it_stays_between_0_and_100(confidence: Confidence) -> None:
    for ids in ((4,), (UNSEEN,) * 500):
        for log_prob in (0.0, -1e30, -math.inf):
            assert 0 <= confidence.estimate(ids, hypothesis(*[log_prob] * 4)) <= 100


def test_a_trained_model_estimates_and_blank_lines_have_none(trained: Path) -> None:
    blank, short, nonsense = Translator.load(trained).stream(["", "un deux", "%$ zzz qqq"])
    assert blank.confidence is None
    assert short.confidence is not None
    assert nonsense.confidence is not None
    assert 0 <= nonsense.confidence < short.confidence <= 100


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"weights": [1.0] * 5}, "weights"),
        ({"bias": "x"}, "bias"),
        ({"log_frequencies": [-1.0]}, "another vocabulary"),
        ({"more": 1}, "more"),
    ],
)
def test_a_damaged_file_is_named(change: dict[str, object], message: str, trained: Path, tmp_path: Path) -> None:
    folder = shutil.copytree(open_model(trained).path, tmp_path / "model", ignore=shutil.ignore_patterns("state"))
    content = json.loads((folder / CONFIDENCE).read_text()) | change
    (folder / CONFIDENCE).write_text(json.dumps(content))
    (folder / "manifest.json").unlink()
    seal_folder(folder)
    with pytest.raises(InputError, match=rf"{CONFIDENCE}: .*{message}"):
        load_confidence(open_model(folder))
