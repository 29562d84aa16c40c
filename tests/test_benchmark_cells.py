"""The tasks of benchmarks/cells: notes, windows and likelihoods."""

import sys
from pathlib import Path

import numpy as np
import pytest
import torch

sys.path.insert(0, str(Path(__file__).parents[1] / "benchmarks" / "cells"))

import sequences


def test_a_piano_roll_has_the_notes_sounding_at_each_quarter() -> None:
    notes = [(0.0, 2.0, 60), (0.5, 1.0, 64), (1.0, 0.5, 67), (1.5, 0.25, 72), (3.0, 1.0, 60), (2.0, 1.0, 200)]
    roll = sequences.piano_roll(notes)
    assert roll.shape == (4, 88)
    sounding = [(torch.nonzero(step)[:, 0] + 21).tolist() for step in roll]
    assert sounding == [[60], [60, 64, 67], [], [60]]


def test_notes_are_independent() -> None:
    outputs, targets = torch.tensor([[2.0, -1.0, 0.0]]), torch.tensor([[1.0, 0.0, 1.0]])
    on = torch.sigmoid(outputs)
    expected = -(on[0, 0].log() + (1 - on[0, 1]).log() + on[0, 2].log())
    torch.testing.assert_close(sequences.note_loss(outputs, targets)[0], expected)


def test_mixture_loss_matches_torch_distributions() -> None:
    torch.manual_seed(0)
    outputs, targets = torch.randn(3, 4, 20 * 21), torch.randn(3, 4, 10)
    weights, means, deviations = outputs.split([20, 200, 200], dim=-1)  # type: ignore[no-untyped-call]
    normal = torch.distributions.Normal(means.reshape(3, 4, 20, 10), deviations.reshape(3, 4, 20, 10).exp())
    mixture = torch.distributions.MixtureSameFamily(
        torch.distributions.Categorical(logits=weights), torch.distributions.Independent(normal, 1)
    )
    torch.testing.assert_close(sequences.mixture_loss(outputs, targets), -mixture.log_prob(targets))  # type: ignore[no-untyped-call]


def test_windows_are_paired_with_the_samples_that_follow() -> None:
    sound = np.arange(500.0)
    seen, following = sequences.windows(sound)
    assert seen.shape == (48, 20)
    assert following.shape == (48, 10)
    for step in range(48):
        assert seen[step].tolist() == list(range(10 * step, 10 * step + 20))
        assert following[step].tolist() == list(range(10 * step + 20, 10 * step + 30))


def test_synthetic_sounds_are_normalised_and_reproducible() -> None:
    draw = np.random.default_rng(5)
    sounds = [sequences.tones(draw) for _ in range(20)]
    assert all(float(sound.std()) == pytest.approx(1, abs=0.01) for sound in sounds)
    first, again = (sequences.waveforms(count=20, seed=7).splits["train"][3][0] for _ in range(2))
    assert torch.equal(first, again)
    splits = sequences.waveforms(count=20).splits
    assert [len(splits[name]) for name in ("train", "valid", "test")] == [16, 2, 2]
