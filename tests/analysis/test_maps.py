"""Word and phrase vectors, and their layout on a plane."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

from seq2seq.analysis.maps import frequent_words, lay_out, phrase_vectors, word_vectors
from seq2seq.errors import InputError
from seq2seq.runs.trained_model import TrainedModel, load_model
from seq2seq.tokenizer.tokenizer import EOS


@pytest.fixture(scope="module")
def model(trained: Path) -> TrainedModel:
    return load_model(trained)


def test_words_are_the_most_frequent_single_piece_words(model: TrainedModel) -> None:
    lines = ["deux, deux! trois 4 quatre_", "deux trois Unbekanntes", "six"]
    words = frequent_words(model.tokenizers.src, lines, 3)
    assert list(words) == ["deux", "trois", "quatre"]
    for word, piece_id in words.items():
        assert model.tokenizers.src.encode([word]) == [[piece_id]]
    assert "Unbekanntes" not in frequent_words(model.tokenizers.src, lines, 100)


def test_word_vectors_are_the_embeddings(model: TrainedModel) -> None:
    ids = [20, 5, 20]
    for side in ("src", "tgt"):
        weight = model.network.state_dict()["tgt_embedding.weight"]  # one vocabulary for both
        assert np.array_equal(word_vectors(model, side, ids), weight[ids].numpy())


def test_a_phrase_vector_does_not_depend_on_the_batch(model: TrainedModel) -> None:
    phrases = ["un", "deux trois quatre cinq six", " six un ", *["trois"] * 70, "quatre un"]
    vectors = phrase_vectors(model, phrases)
    assert vectors.shape == (len(phrases), 12)
    for phrase, vector in zip(phrases, vectors, strict=True):
        ids = [*model.tokenizers.src.encode([phrase.strip()])[0], EOS]
        alone = model.network.encode(torch.tensor([ids]), torch.tensor([len(ids)])).context[0]
        assert np.allclose(vector, alone.detach().numpy(), atol=1e-6)


def test_neighbours_stay_neighbours() -> None:
    draw = np.random.default_rng(3)
    centres = np.repeat(draw.normal(size=(4, 30)) * 10, 15, axis=0)
    points = lay_out((centres + draw.normal(size=centres.shape)).astype(np.float32))
    distances = np.linalg.norm(points[:, None] - points[None], axis=-1) + 1e9 * np.eye(len(points))
    assert np.array_equal(distances.argmin(axis=1) // 15, np.arange(len(points)) // 15)


def test_the_layout_is_deterministic() -> None:
    vectors = np.random.default_rng(5).normal(size=(4, 8)).astype(np.float32)
    assert np.array_equal(lay_out(vectors), lay_out(vectors))


def test_too_few_points_are_refused() -> None:
    with pytest.raises(InputError, match="at least 4 points, not 3"):
        lay_out(np.zeros((3, 5), dtype=np.float32))


def test_missing_scikit_learn_is_a_one_line_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "sklearn.manifold", None)
    with pytest.raises(InputError, match="pip install scikit-learn"):
        lay_out(np.zeros((9, 5), dtype=np.float32))
