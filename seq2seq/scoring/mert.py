"""n-best lists: weights of their features, learnt so that the candidates they rank first have the best BLEU.

Minimum error rate training (Och 2003): along a line in the space of weights the score of each candidate is a straight
line too, so that the best candidate of a sentence changes only where the upper envelope of its candidates' lines has a
corner. BLEU is constant between the corners of all sentences, and its maximum on the line is found exactly.
"""

import math
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Self, cast

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.significance import PairedTest, Result

from seq2seq.errors import InputError
from seq2seq.io.storage import read_json, to_json
from seq2seq.scoring.moses import Candidate, read_candidates

# sacreBLEU's counts of a sentence: length, reference length, matches of 1- to 4-grams, their totals.
_COUNTS, _ORDERS = 10, 4
# Of a feature or a weight; sums of squares must not overflow.
_LARGEST = 1e100
# BLEU that a step has to gain.
_LEAST_GAIN = 1e-6
# Share of its place that an interval between two corners has to be wide: rounding could miss a narrower one.
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
        if not isinstance(weights, dict) or not all(isinstance(one, list) and _finite(one) for one in weights.values()):
            raise InputError(f"{path}: damaged (no weights, a list of numbers for each feature)")
        return cls({name: tuple(map(float, values)) for name, values in weights.items()})

    def to_json(self, facts: dict[str, object]) -> bytes:
        """The content of a file that `load` reads, with facts about the weights."""
        return to_json({"weights": self.values, **facts})

    def rank(self, candidates: Sequence[Candidate], path: str | Path) -> list[tuple[float, Candidate]]:
        """The candidates of a sentence and their scores, best first; those that tie stay as they were.

        One that lacks a feature comes last, with minus infinity. Raises InputError, with the line in `path`, where one
        has a feature that there is no weight for.
        """
        layout = {name: len(values) for name, values in self.values.items()}
        weights = [weight for values in self.values.values() for weight in values]
        scores = [
            float(np.dot(_row(one, layout), weights)) if is_complete(one, layout, path) else -math.inf
            for one in candidates
        ]
        return sorted(zip(scores, candidates, strict=True), key=lambda scored: -scored[0])


@dataclass(frozen=True)
class Comparison:
    """BLEU of the candidates that stood first, and of those that do now, by sacreBLEU with its default settings."""

    before: float
    after: float
    p_value: float
    """Of their difference, by a paired bootstrap test."""
    signature: str


def compare(before: Sequence[str], after: Sequence[str], references: Sequence[Sequence[str]]) -> Comparison:
    """Compare two translations of the same sentences; references as `score_corpus` takes them."""
    systems = [("before", before), ("after", after)]
    signatures, scores = PairedTest(systems, {"BLEU": _bleu()}, references, test_type="bs")()
    first, second = (cast(Result, one) for one in scores["BLEU"])
    # sacreBLEU's test does not know that there may be no difference.
    p_value = 1.0 if first.score == second.score else cast(float, second.p_value)
    return Comparison(first.score, second.score, p_value, str(signatures["BLEU"]))


def expect_reference(path: str | Path, candidate: Candidate, references: int) -> None:
    """Raises InputError if a candidate's sentence is not among so many."""
    if candidate.sentence >= references:
        raise InputError(
            f"{path}, line {candidate.line}: sentence {candidate.sentence}, the first being 0, "
            f"but there are {references:,} references"
        )


class Development:
    """The n-best lists that weights are learnt on: C candidates of S sentences, K feature values each."""

    def __init__(self, path: str | Path, references: Sequence[Sequence[str]]) -> None:
        """references: one or more, each with a line for each sentence.

        Raises InputError, with the line, for a list that cannot be read, whose lines differ in their features, or that
        has a sentence without a reference.
        """
        groups = list(read_candidates(path))
        if not groups:
            raise InputError(f"{path}: empty")
        expect_reference(path, groups[-1][0], len(references[0]))
        fullest = max((one for group in groups for one in group), key=lambda one: len(one.features))
        self.layout = {name: len(values) for name, values in fullest.features.items()}
        self.incomplete = [one.line for group in groups for one in group if not is_complete(one, self.layout, path)]
        """The lines of those that lack a feature: they do not count."""
        groups = [kept for group in groups if (kept := [one for one in group if is_complete(one, self.layout, path)])]
        rows = [candidate for group in groups for candidate in group]
        self.features = np.array([_row(candidate, self.layout) for candidate in rows])
        """[C, K]"""
        if not self.features.size:
            raise InputError(f"{path}: its candidates have no features to weigh")
        self.totals = np.array([math.nan if one.total is None else one.total for one in rows])
        """[C], NaN where a candidate has none."""
        lengths = np.array([len(group) for group in groups])
        first = lengths.cumsum() - lengths
        places = np.arange(lengths.max())
        self.rows = first[:, None] + np.where(places < lengths[:, None], places, 0)
        """[S, N], the candidates of each sentence; the first once more where there are less than N."""
        metric = _bleu()
        counted = [
            _count(metric, [one.text for one in group], [lines[group[0].sentence] for lines in references])
            for group in groups
        ]
        self.counts = np.concatenate(counted)
        """[C, 10], sacreBLEU's counts."""
        missing = sorted(set(range(len(references[0]))) - {group[0].sentence for group in groups})
        blank = [_count(metric, [""], [lines[sentence] for lines in references]) for sentence in missing]
        self.rest = np.array(blank, dtype=np.int64).reshape(-1, _COUNTS).sum(axis=0)
        """[10], the counts of sentences that are not in the list."""

    def bleu(self, weights: np.ndarray) -> float:
        """BLEU of the candidates that `weights` [K] rank first."""
        best = (self.features @ weights)[self.rows].argmax(axis=1, keepdims=True)
        return float(bleu_of(self.counts[np.take_along_axis(self.rows, best, axis=1)[:, 0]].sum(axis=0) + self.rest))

    def named(self, weights: np.ndarray) -> Weights:
        """The weights [K] by their names, their absolute values summing up to 1."""
        scaled = iter((weights / max(np.abs(weights).sum(), 1e-300)).tolist())
        return Weights({name: tuple(next(scaled) for _ in range(width)) for name, width in self.layout.items()})


def learn_weights(development: Development, *, restarts: int, seed: int) -> Weights:
    """The weights with the best BLEU that was found from several starting points.

    The first is the weights that the list's totals were made with, as far as they can be told; `restarts` others are
    drawn at random.
    """
    spread = development.features.std(axis=0)
    scale = np.where(spread > 0, spread, 1.0)
    random = np.random.default_rng(seed)
    points = [_weights_of_totals(development), *(random.normal(size=(restarts, len(scale))) / scale)]
    found = [_climb(development, point, scale, random) for point in points]
    return development.named(max(found, key=lambda one: one[0])[1])


def _climb(
    development: Development, weights: np.ndarray, scale: np.ndarray, random: np.random.Generator
) -> tuple[float, np.ndarray]:
    """Go along the best of several lines, the axes and as many others, for as long as that gains anything."""
    bleu = development.bleu(weights)
    while True:
        directions = [*np.eye(len(scale)), *random.normal(size=(len(scale), len(scale)))] / scale
        steps = [(line_search(development, weights, direction), direction) for direction in directions]
        step, direction = max(steps, key=lambda one: one[0].bleu)
        moved = weights + step.distance * direction
        reached = development.bleu(moved)
        if reached < bleu + _LEAST_GAIN:
            return bleu, weights
        bleu, weights = reached, moved


@dataclass(frozen=True)
class Step:
    """The best place on a line."""

    distance: float
    bleu: float


def line_search(development: Development, weights: np.ndarray, direction: np.ndarray) -> Step:
    """The distance along `direction` [K] from `weights` [K] where BLEU is best."""
    corners, changes, first = _corners(development, weights, direction)
    order = np.argsort(corners, kind="stable")
    edges = np.concatenate([[-np.inf], corners[order], [np.inf]])
    counts = first + np.concatenate([np.zeros((1, _COUNTS), np.int64), changes[order].cumsum(axis=0)])
    place = np.where(np.isinf(edges[:-1]), 0.0, np.abs(edges[:-1]))
    wide = np.diff(edges) > _LEAST_WIDTH * np.maximum(1.0, place)
    bleus = np.where(wide, bleu_of(counts), -1.0)
    best = int(bleus.argmax())
    return Step(_between(float(edges[best]), float(edges[best + 1])), float(bleus[best]))


def _between(low: float, high: float) -> float:
    """The middle of an interval, or a place well inside one that has no end."""
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

    Returns the distances [M], how the counts of the best candidates change at each [M, 10], and those before all [10].
    """
    rows, counts = development.rows, development.counts
    heights, slopes = (development.features @ weights)[rows], (development.features @ direction)[rows]
    # Far back the line that rises least is on top, the highest one of several.
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
        # Of several that meet there the steepest is on top from there on.
        following = np.where(meeting == nearest[:, None], slopes[sentences], -np.inf).argmax(axis=1)
        goes_on = np.isfinite(nearest)
        sentences, old, best = sentences[goes_on], best[goes_on], following[goes_on]
        corners.append(nearest[goes_on])
        changes.append(counts[rows[sentences, best]] - counts[rows[sentences, old]])
    return np.concatenate(corners), np.concatenate(changes), before


def bleu_of(counts: np.ndarray) -> np.ndarray:
    """sacreBLEU's score, with its default smoothing, of many sums of counts at once: [..., 10] -> [...]."""
    length, reference = counts[..., 0], counts[..., 1]
    matches, totals = counts[..., 2 : 2 + _ORDERS], counts[..., 2 + _ORDERS :]
    # What has no match counts half of one, the next such order a quarter, and so on.
    smoothed = np.where(matches == 0, 0.5 ** (matches == 0).cumsum(axis=-1), matches)
    defined = (totals > 0).all(axis=-1) & (matches > 0).any(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        precision = np.log(smoothed / totals).mean(axis=-1)
        brevity = np.minimum(0.0, 1 - reference / length)
        return np.where(defined, 100 * np.exp(precision + brevity), 0.0)


def _weights_of_totals(development: Development) -> np.ndarray:
    """The weights [K] whose sums of features come closest to the totals, up to a constant in each sentence."""
    if not np.isfinite(development.totals).all():
        return np.ones(development.features.shape[1])
    columns = np.column_stack([development.features, development.totals])
    within = columns[development.rows] - columns[development.rows].mean(axis=1, keepdims=True)
    flat = within.reshape(-1, columns.shape[1])
    weights: np.ndarray = np.linalg.lstsq(flat[:, :-1], flat[:, -1])[0]
    return weights


def is_complete(candidate: Candidate, layout: dict[str, int], path: str | Path) -> bool:
    """Whether a candidate has all features of `layout`, which says how many values each has.

    Raises InputError, with the line in `path`, where it has others, or values that are not numbers.
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
    return BLEU(force=True)  # Moses' text is tokenised: no warning in every sentence


def _count(metric: BLEU, texts: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """sacreBLEU's counts of several translations of one sentence: [len(texts), 10]."""
    # The two halves of its `_extract_corpus_statistics`, so that the references are taken apart once.
    (reference,) = metric._cache_references([[one] for one in references])
    counts = {
        text: metric._compute_segment_statistics(metric._preprocess_segment(text), reference) for text in set(texts)
    }
    return np.array([counts[text] for text in texts], dtype=np.int64)
