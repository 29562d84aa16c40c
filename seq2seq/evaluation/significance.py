"""sacreBLEU's paired bootstrap resampling (Koehn 2004), of a system against a baseline.

The figures are those of the sacreBLEU command with --paired-bs, which keeps all samples in memory, gigabytes for some
ten thousand lines. Here one sample is drawn at a time.
"""

import os
from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from sacrebleu.significance import estimate_ci

from seq2seq.errors import InputError
from seq2seq.evaluation.metrics import Counts, MetricScore, MetricSet
from seq2seq.evaluation.sacrebleu_statistics import p_value, score_of_sample

_SAMPLES = 1000


@dataclass(frozen=True)
class Interval:
    """A 95 % confidence interval: `mean` of the samples, plus or minus `margin`."""

    mean: float
    margin: float


@dataclass(frozen=True)
class PairedResult:
    """How a system compares with the baseline by one metric."""

    name: str
    system: Interval
    baseline: Interval
    p_value: float
    """How probable a difference this large would be by chance; 1 for equal scores."""
    signature: str


class PairedBootstrap:
    """Collects the counts of each line, four bytes per count, and resamples them."""

    def __init__(self, metrics: MetricSet) -> None:
        """Raises InputError if the environment's SACREBLEU_SEED is not a number."""
        self._metrics = metrics
        self._counts: defaultdict[str, bytearray] = defaultdict(bytearray)
        self._shapes: dict[str, tuple[int, ...]] = {}
        self._seed = _seed()

    def add(self, counts: Counts) -> None:
        """Add a line: its counts for the system and the baseline, [2, counts] per metric."""
        for name, line_counts in counts.items():
            self._counts[name] += line_counts.astype(np.float32).tobytes()
            self._shapes[name] = line_counts.shape

    def results(self, scores: Sequence[Sequence[MetricScore]]) -> list[PairedResult]:
        """The result for each metric. scores: of the system and of the baseline, over all lines."""
        counts = {name: self._by_system(name) for name in self._metrics.metrics}
        samples = np.array([self._sampled(counts, indices) for indices in self._draw(counts)])
        return [
            self._result(system, baseline, samples[:, number])
            for number, (system, baseline) in enumerate(zip(*scores, strict=True))
        ]

    def _by_system(self, name: str) -> list[np.ndarray]:
        """[lines, counts] for the system and for the baseline."""
        counts = np.frombuffer(self._counts[name], np.float32).reshape(-1, *self._shapes[name])
        return [np.ascontiguousarray(counts[:, number]) for number in range(counts.shape[1])]

    def _draw(self, counts: dict[str, list[np.ndarray]]) -> Iterator[np.ndarray]:
        """The lines of each sample."""
        lines = len(next(iter(counts.values()))[0])
        generator = np.random.default_rng(self._seed)
        for _ in range(_SAMPLES):
            yield generator.choice(lines, size=lines, replace=True)

    def _sampled(self, counts: dict[str, list[np.ndarray]], indices: np.ndarray) -> list[list[float]]:
        """The scores of a sample, [metrics, systems]."""
        return [
            [score_of_sample(metric, system[indices]) for system in counts[name]]
            for name, metric in self._metrics.metrics.items()
        ]

    def _result(self, system: MetricScore, baseline: MetricScore, samples: np.ndarray) -> PairedResult:
        """samples: [samples, systems]."""
        difference = abs(system.score - baseline.score)
        differences = np.abs(samples[:, 0] - samples[:, 1])
        # sacreBLEU's test calls two equal systems significantly different.
        probability = p_value(differences - differences.mean(), difference) if difference else 1.0
        of_system, of_baseline = (Interval(*map(float, estimate_ci(samples[:, number]))) for number in range(2))
        signature = self._metrics.metrics[system.name].get_signature()
        signature.update("seed", str(self._seed).lower())
        signature.update("bs", _SAMPLES)
        return PairedResult(system.name, of_system, of_baseline, probability, str(signature))


def _seed() -> int | None:
    """sacreBLEU's seed; None to draw anew each time."""
    text = os.environ.get("SACREBLEU_SEED", "12345")
    if text.lower() == "none":
        return None
    if not text.isdecimal():
        raise InputError(f"the environment variable SACREBLEU_SEED is {text!r}; give a number, or none")
    return int(text)
