"""Feature weights of n-best lists, learnt so that the candidates ranked first have the best BLEU.

Minimum error rate training (Och 2003): along a line in the weight space, the score of each candidate is a straight
line too, so that the best candidate of a sentence changes only at the corners of the upper envelope of these lines.
BLEU is constant between the corners of all sentences, and its maximum on the line is found exactly.
"""

import math
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self

import numpy as np
from sacrebleu.metrics.bleu import BLEU

from seq2seq.errors import InputError
from seq2seq.evaluation.metrics import Line, MetricSet, align_lines, score_groups
from seq2seq.evaluation.sacrebleu_statistics import sentence_counts
from seq2seq.evaluation.significance import PairedBootstrap
from seq2seq.io.storage import read_json, to_json
from seq2seq.scoring.moses import Candidate, read_candidates

# sacreBLEU's statistics of a sentence: length, reference length, matches of 1- to 4-grams, their totals.
_COUNTS, _ORDERS = 10, 4
# Largest feature or weight: sums of squares must not overflow.
_LARGEST = 1e100
# Least BLEU gained by a step.
_LEAST_GAIN = 1e-6
# Least width of an interval between two corners, relative to its position: rounding could miss a narrower one.
_LEAST_WIDTH = 1e-9


@dataclass(frozen=True)
class Weights:
    """A weight for each value of each feature, by the feature's name."""

    values: dict[str, tuple[float, ...]]

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what `save` wrote. Raises InputError if it is damaged."""
        content = read_json(path)
        weights = content.get("weights") if isinstance(content, dict) else None
        if not isinstance(weights, dict) or not all(
            isinstance(values, list) and _finite(values) for values in weights.values()
        ):
            raise InputError(f"{path}: damaged (its weights are not a list of numbers per feature)")
        return cls({name: tuple(map(float, values)) for name, values in weights.items()})

    def to_json(self, metadata: dict[str, object]) -> bytes:
        """The content of a file that `load` reads, with metadata."""
        return to_json({"weights": self.values, **metadata})

    def rank(self, candidates: Sequence[Candidate], path: str | Path) -> list[tuple[float, Candidate]]:
        """The candidates of a sentence and their scores, best first; ties keep their order.

        A candidate that lacks a feature comes last, with minus infinity. Raises InputError, with the line in `path`, if
        one has a feature without a weight.
        """
        layout = {name: len(values) for name, values in self.values.items()}
        weights = [weight for values in self.values.values() for weight in values]
        scores = [
            float(np.dot(_row(candidate, layout), weights)) if is_complete(candidate, layout, path) else -math.inf
            for candidate in candidates
        ]
        return sorted(zip(scores, candidates, strict=True), key=lambda scored: -scored[0])


@dataclass(frozen=True)
class Comparison:
    """BLEU of the best candidates before and after re-ranking, by sacreBLEU with its default settings."""

    before: float
    after: float
    p_value: float
    """Of their difference, by a paired bootstrap test."""
    signature: str


def compare(before: Sequence[str], after: Sequence[str], references: Sequence[Sequence[str]]) -> Comparison:
    """Compare two translations of the same sentences; references as `score_corpus` takes them."""
    metrics = MetricSet(["BLEU"])
    test = PairedBootstrap(metrics)
    lines: Iterator[Line[str]] = align_lines([after, before], references)
    scores = score_groups(lines, metrics, [test])[None].scores()
    (result,), ((score_after,), (score_before,)) = test.results(scores), scores
    return Comparison(score_before.score, score_after.score, result.p_value, result.signature)


def expect_reference(path: str | Path, candidate: Candidate, references: int) -> None:
    """Raises InputError if a candidate's sentence has no reference. references: how many there are."""
    if candidate.sentence >= references:
        raise InputError(
            f"{path}, line {candidate.line}: sentence {candidate.sentence} (counted from 0), "
            f"but there are {references:,} references"
        )


class Development:
    """The n-best lists to learn weights from: C candidates of S sentences, K feature values each."""

    def __init__(self, path: str | Path, references: Sequence[Sequence[str]]) -> None:
        """references: one or more, each with one line per sentence.

        Raises InputError, with the line, if the list cannot be read, its lines differ in their features, or a sentence
        has no reference.
        """
        groups = list(read_candidates(path))
        if not groups:
            raise InputError(f"{path}: empty")
        expect_reference(path, groups[-1][0], len(references[0]))
        candidates = [candidate for group in groups for candidate in group]
        fullest = max(candidates, key=lambda candidate: len(candidate.features))
        self.layout = {name: len(values) for name, values in fullest.features.items()}
        self.incomplete = [c.line for c in candidates if not is_complete(c, self.layout, path)]
        """The lines of the candidates that lack a feature, which are ignored."""
        groups = [kept for group in groups if (kept := [c for c in group if is_complete(c, self.layout, path)])]
        rows = [candidate for group in groups for candidate in group]
        self.features = np.array([_row(candidate, self.layout) for candidate in rows])
        """[C, K]"""
        if not self.features.size:
            raise InputError(f"{path}: its candidates have no features to weight")
        self.totals = np.array([math.nan if row.total is None else row.total for row in rows])
        """[C], NaN for a candidate without one."""
        lengths = np.array([len(group) for group in groups])
        first = lengths.cumsum() - lengths
        ranks = np.arange(lengths.max())
        self.rows = first[:, None] + np.where(ranks < lengths[:, None], ranks, 0)
        """[S, N], the candidates of each sentence, padded with the first one."""
        metric = _bleu()
        counts = [
            sentence_counts(
                metric, [candidate.text for candidate in group], [lines[group[0].sentence] for lines in references]
            )
            for group in groups
        ]
        self.counts = np.concatenate(counts)
        """[C, 10], sacreBLEU's counts."""
        missing = sorted(set(range(len(references[0]))) - {group[0].sentence for group in groups})
        blank = [sentence_counts(metric, [""], [lines[sentence] for lines in references]) for sentence in missing]
        self.rest = np.array(blank, dtype=np.int64).reshape(-1, _COUNTS).sum(axis=0)
        """[10], the counts of sentences that are not in the list."""

    def bleu(self, weights: np.ndarray) -> float:
        """BLEU of the candidates that `weights` [K] rank first."""
        best = (self.features @ weights)[self.rows].argmax(axis=1, keepdims=True)
        return float(bleu_of(self.counts[np.take_along_axis(self.rows, best, axis=1)[:, 0]].sum(axis=0) + self.rest))

    def named(self, weights: np.ndarray) -> Weights:
        """The weights [K] by name, scaled so that their absolute values sum to 1."""
        scaled = iter((weights / max(np.abs(weights).sum(), 1e-300)).tolist())
        return Weights({name: tuple(next(scaled) for _ in range(width)) for name, width in self.layout.items()})


def learn_weights(development: Development, *, restarts: int, seed: int) -> Weights:
    """The weights with the best BLEU found from several starting points.

    The first point is the weights that the list's totals were computed with, as far as they can be inferred; `restarts`
    others are drawn at random.
    """
    spread = development.features.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    random = np.random.default_rng(seed)
    points = [_weights_of_totals(development), *(random.normal(size=(restarts, len(scale))) / scale)]
    optima = [_climb(development, point, scale, random) for point in points]
    return development.named(max(optima, key=lambda optimum: optimum[0])[1])


def _climb(
    development: Development, weights: np.ndarray, scale: np.ndarray, random: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Move along the best of several lines, the axes and as many random ones, until BLEU stops improving."""
    bleu = development.bleu(weights)
    while True:
        directions = [*np.eye(len(scale)), *random.normal(size=(len(scale), len(scale)))] / scale
        steps = [(line_search(development, weights, direction), direction) for direction in directions]
        step, direction = max(steps, key=lambda candidate: candidate[0].bleu)
        moved = weights + step.distance * direction
        reached = development.bleu(moved)
        if reached < bleu + _LEAST_GAIN:
            return bleu, weights
        bleu, weights = reached, moved


@dataclass(frozen=True)
class Step:
    """The best point on a line."""

    distance: float
    bleu: float


def line_search(development: Development, weights: np.ndarray, direction: np.ndarray) -> Step:
    """The distance along `direction` [K] from `weights` [K] where BLEU is best."""
    corners, changes, first = _corners(development, weights, direction)
    order = np.argsort(corners, kind="stable")
    edges = np.concatenate([[-np.inf], corners[order], [np.inf]])
    counts = first + np.concatenate([np.zeros((1, _COUNTS), np.int64), changes[order].cumsum(axis=0)])
    magnitude = np.where(np.isinf(edges[:-1]), 0.0, np.abs(edges[:-1]))
    wide = np.diff(edges) > _LEAST_WIDTH * np.maximum(1.0, magnitude)
    bleus = np.where(wide, bleu_of(counts), -1.0)
    best = int(bleus.argmax())
    return Step(_between(float(edges[best]), float(edges[best + 1])), float(bleus[best]))


def _between(low: float, high: float) -> float:
    """The middle of an interval, or a point well inside an unbounded one."""
    if math.isinf(low) and math.isinf(high):
        return 0.0
    if math.isinf(low):
        return high - max(1.0, abs(high))
    if math.isinf(high):
        return low + max(1.0, abs(low))
    return (low + high) / 2


def _corners(
    development: Development, weights: np.ndarray, direction: np.ndarray
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Where on the line the best candidate of any sentence changes.

    Returns the distances [M], how the best candidates' counts change at each [M, 10], and the counts before all [10].
    """
    rows, counts = development.rows, development.counts
    heights, slopes = (development.features @ weights)[rows], (development.features @ direction)[rows]
    # At minus infinity the line with the smallest slope is on top, the highest one of several.
    best = np.lexsort((-heights, slopes))[:, 0]
    sentences = np.arange(len(rows))
    before = counts[rows[sentences, best]].sum(axis=0) + development.rest
    corners, changes = [np.empty(0)], [np.empty((0, _COUNTS), np.int64)]
    while len(sentences):
        rise = slopes[sentences] - slopes[sentences, best][:, None]
        with np.errstate(divide="ignore", invalid="ignore", over="ignore"):
            meeting = (heights[sentences, best][:, None] - heights[sentences]) / rise
        meeting[rise <= 0] = np.inf
        nearest = meeting.min(axis=1)
        # Of several that meet there, the steepest is on top afterwards.
        following = np.where(meeting == nearest[:, None], slopes[sentences], -np.inf).argmax(axis=1)
        continues = np.isfinite(nearest)
        sentences, old, best = sentences[continues], best[continues], following[continues]
        corners.append(nearest[continues])
        changes.append(counts[rows[sentences, best]] - counts[rows[sentences, old]])
    return np.concatenate(corners), np.concatenate(changes), before


def bleu_of(counts: np.ndarray) -> np.ndarray:
    """sacreBLEU's score, with its default smoothing, for many sums of counts at once: [..., 10] -> [...]."""
    length, reference = counts[..., 0], counts[..., 1]
    matches, totals = counts[..., 2 : 2 + _ORDERS], counts[..., 2 + _ORDERS :]
    # The first order without a match counts as half of one, the next a quarter, and so on.
    smoothed = np.where(matches == 0, 0.5 ** (matches == 0).cumsum(axis=-1), matches)
    defined = (totals > 0).all(axis=-1) & (matches > 0).any(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.log(smoothed / totals).mean(axis=-1)
        brevity = np.minimum(0.0, 1 - reference / length)
        return np.where(defined, 100 * np.exp(precision + brevity), 0.0)


def _weights_of_totals(development: Development) -> np.ndarray:
    """The weights [K] whose weighted sums come closest to the totals, up to a constant per sentence."""
    if not np.isfinite(development.totals).all():
        return np.ones(development.features.shape[1])
    columns = np.column_stack([development.features, development.totals])
    centred = columns[development.rows] - columns[development.rows].mean(axis=1, keepdims=True)
    flat = centred.reshape(-1, columns.shape[1])
    weights: np.ndarray = np.linalg.lstsq(flat[:, :-1], flat[:, -1])[0]
    return weights


def is_complete(candidate: Candidate, layout: dict[str, int], path: str | Path) -> bool:
    """Whether a candidate has all features of `layout`, the number of values of each feature.

    Raises InputError, with the line in `path`, if it has other features, or values that are not numbers.
    """
    widths = {name: len(values) for name, values in candidate.features.items()}
    for name, width in widths.items():
        if width != layout.get(name, 0):
            raise InputError(
                f"{path}, line {candidate.line}: {width} values of feature {name!r}, expected {layout.get(name, 0)}"
            )
    if not all(map(_finite, candidate.features.values())):
        raise InputError(f"{path}, line {candidate.line}: a feature is over {_LARGEST:g} or not a number")
    return len(widths) == len(layout)


def _row(candidate: Candidate, layout: dict[str, int]) -> list[float]:
    return [value for name in layout for value in candidate.features[name]]


def _finite(values: Iterable[object]) -> bool:
    return all(isinstance(value, (int, float)) and abs(value) <= _LARGEST for value in values)


def _bleu() -> BLEU:
    return BLEU(force=True)  # Moses' text is tokenised: no warning for each sentence
