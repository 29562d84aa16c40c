"""Two of the tasks of Chung et al. 2014, music and raw waveforms: data, losses and output sizes."""

import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor

NOTES = 88
_LOWEST_NOTE = 21
WINDOW, AHEAD, GAUSSIANS = 20, 10, 20
_SAMPLES = 500


@dataclass(frozen=True)
class Task:
    """Sequences of input vectors, with a target for each step."""

    name: str
    splits: dict[str, list[tuple[Tensor, Tensor]]]
    """train, valid and test: inputs [T, I] and targets [T, O] of each sequence."""
    outputs: int
    """Size of the output layer."""
    loss: Callable[[Tensor, Tensor], Tensor]
    """outputs [..., outputs], targets [..., O] -> -log p of each step, in nats."""
    units: dict[str, int]
    """Units of each cell that give equal numbers of parameters: table 1 of the paper."""


def music() -> Task:
    """Bach's chorales from music21, not transposed, one step per quarter note: predict the notes that sound next.

    They replace the paper's JSB chorales: the same music, but other splits. A tenth of the pieces each are validation
    and test data. Raises SystemExit if music21 is missing.
    """
    rolls = [piano_roll(piece) for piece in _chorales()]
    pairs = [(roll[:-1], roll[1:]) for roll in rolls if len(roll) > 1]
    return Task("music", _split(pairs), NOTES, note_loss, {"gru": 46, "lstm": 36, "lstm-peephole": 36, "rnn": 100})


def _chorales() -> list[list[tuple[float, float, int]]]:
    """(start, length, MIDI number) of the notes of each chorale, in quarters."""
    try:
        from music21 import corpus
    except ImportError:
        raise SystemExit("the music task needs music21: pip install music21") from None
    pieces = []
    for path in sorted(corpus.getComposer("bach"), key=str):
        if str(path).endswith((".mxl", ".xml")):
            notes = corpus.parse(path).flatten().notes
            pieces.append([(float(n.offset), float(n.quarterLength), pitch.midi) for n in notes for pitch in n.pitches])
    return pieces


def piano_roll(notes: Sequence[tuple[float, float, int]]) -> Tensor:
    """(start, length, MIDI number) in quarters -> [quarters, NOTES], 1 for a note that sounds when a quarter begins."""
    length = max((math.ceil(start + duration) for start, duration, _ in notes), default=0)
    roll = torch.zeros(length, NOTES)
    for start, duration, number in notes:
        if 0 <= number - _LOWEST_NOTE < NOTES:
            roll[math.ceil(start) : math.ceil(start + duration), number - _LOWEST_NOTE] = 1
    return roll


def note_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """-log p of the notes of a step, independently for each note."""
    return F.binary_cross_entropy_with_logits(outputs, targets, reduction="none").sum(dim=-1)


def waveforms(count: int = 1000, seed: int = 1) -> Task:
    """Synthetic sounds, as the paper's are not public: 20 samples in, predict the next 10.

    Each of `count` sequences is 500 samples of a few tones that glide in pitch and swell, with a little noise.
    """
    rng = np.random.default_rng(seed)
    return Task(
        "waveforms",
        _split([windows(tones(rng)) for _ in range(count)]),
        GAUSSIANS * (2 * AHEAD + 1),
        mixture_loss,
        {"gru": 227, "lstm": 195, "lstm-peephole": 195, "rnn": 400},
    )


def tones(rng: np.random.Generator) -> np.ndarray:
    """Samples of a synthetic sound, with standard deviation 1."""
    time, sound = np.arange(_SAMPLES), np.zeros(_SAMPLES)
    for _ in range(rng.integers(1, 5)):
        pitch = np.exp(rng.uniform(np.log(0.02), np.log(0.6))) * (1 + rng.uniform(-0.3, 0.3) * time / _SAMPLES)
        swell = 1 + 0.8 * np.sin(rng.uniform(0.005, 0.03) * time + rng.uniform(0, 2 * np.pi))
        sound += rng.uniform(0.2, 1) * swell * np.sin(np.cumsum(pitch) + rng.uniform(0, 2 * np.pi))
    sound = sound / sound.std()
    return np.asarray(sound + 0.02 * rng.normal(size=_SAMPLES))


def windows(sound: np.ndarray) -> tuple[Tensor, Tensor]:
    """The last 20 samples and the next 10 at each step; a step is 10 samples long."""
    starts = range(0, len(sound) - WINDOW - AHEAD + 1, AHEAD)
    inputs = np.stack([sound[start : start + WINDOW] for start in starts])
    targets = np.stack([sound[start + WINDOW : start + WINDOW + AHEAD] for start in starts])
    return torch.from_numpy(inputs).float(), torch.from_numpy(targets).float()


def mixture_loss(outputs: Tensor, targets: Tensor) -> Tensor:
    """-log p of the samples of a step under a mixture of Gaussians with diagonal covariances."""
    weights, means, log_deviations = torch.split(outputs, [GAUSSIANS, GAUSSIANS * AHEAD, GAUSSIANS * AHEAD], dim=-1)
    means, log_deviations = (
        part.reshape(*part.shape[:-1], GAUSSIANS, AHEAD) for part in (means, log_deviations.clamp(-6, 6))
    )
    distances = (targets[..., None, :] - means) / log_deviations.exp()
    log_densities = (-0.5 * distances**2 - log_deviations - 0.5 * math.log(2 * math.pi)).sum(dim=-1)
    return -torch.logsumexp(weights.log_softmax(dim=-1) + log_densities, dim=-1)


def _split(pairs: list[tuple[Tensor, Tensor]]) -> dict[str, list[tuple[Tensor, Tensor]]]:
    """Every tenth sequence is validation data, and the one after it test data."""
    splits: dict[str, list[tuple[Tensor, Tensor]]] = {"train": [], "valid": [], "test": []}
    for index, pair in enumerate(pairs):
        splits["valid" if index % 10 == 0 else "test" if index % 10 == 1 else "train"].append(pair)
    return splits
