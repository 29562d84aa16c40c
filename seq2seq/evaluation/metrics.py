"""Corpus metrics by sacreBLEU, each with its signature."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import islice, zip_longest
from typing import Any, Generic, Protocol, TypeVar

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seq2seq.errors import InputError
from seq2seq.evaluation.sacrebleu_statistics import score_of_counts, sentence_counts

Group = TypeVar("Group", bound=Hashable)
Counts = Mapping[str, np.ndarray]
"""The counts of a line, whose sum over all lines determines the score: [N, counts] per metric, for N systems."""

METRICS: dict[str, Callable[..., Any]] = {"BLEU": BLEU, "chrF": CHRF, "chrF++": partial(CHRF, word_order=2), "TER": TER}
DEFAULT_METRICS = ("BLEU", "chrF", "TER")
DEFAULT_METRIC = "BLEU"
"""The metric of validations."""
DEFAULT_TOKENIZER = "13a"
"""sacreBLEU's for BLEU."""


@dataclass(frozen=True)
class MetricScore:
    """A corpus score. BLEU and chrF go up to 100, higher is better; TER is edits per 100 words, lower is better."""

    name: str
    score: float
    details: str
    """As printed by sacreBLEU: n-gram precisions, brevity penalty, lengths."""
    signature: str
    """sacreBLEU's record of how the score was computed; cite it with the score."""


def metric_named(text: str) -> str:
    """The metric that `text` denotes in upper or lower case. Raises InputError if there is none."""
    for name in METRICS:
        if name.lower() == text.lower():
            return name
    raise InputError(f"there is no metric {text!r}; give some of {', '.join(METRICS).lower()}")


def validation_metric(name: str | None) -> str:
    """The metric that `training.validation_metric` denotes. Runs of older versions do not name it: it was BLEU."""
    return metric_named(name) if name else DEFAULT_METRIC


class MetricSet:
    """Some metrics with their settings. Trailing white space is ignored, as by the sacreBLEU command."""

    def __init__(
        self,
        names: Iterable[str] = DEFAULT_METRICS,
        *,
        tokenize: str = DEFAULT_TOKENIZER,
        lowercase: bool = False,
        effective_order: bool = False,
    ) -> None:
        """tokenize, lowercase, effective_order: of BLEU; the last is for scores of sentences."""
        # Forced: otherwise it prints warnings of its own; ours are in `checks.py`.
        bleu = partial(BLEU, force=True, tokenize=tokenize, lowercase=lowercase, effective_order=effective_order)
        self.metrics = {name: (bleu if name == "BLEU" else METRICS[name])() for name in names}
        """sacreBLEU's objects, by name."""

    def count(self, hypotheses: Sequence[str], references: Sequence[str]) -> Counts:
        """The counts of N systems' hypotheses of a line against its references."""
        stripped = [hypothesis.rstrip() for hypothesis in hypotheses]
        stripped_references = [reference.rstrip() for reference in references]
        return {name: sentence_counts(metric, stripped, stripped_references) for name, metric in self.metrics.items()}

    def scores(self, counts: Counts, system: int) -> list[MetricScore]:
        """The scores of a system for the counts of a line, or their sums over a corpus."""
        return [self._score(name, metric, counts[name][system]) for name, metric in self.metrics.items()]

    def signatures(self) -> dict[str, str]:
        """The signature of each metric, once something was counted."""
        return {name: str(metric.get_signature()) for name, metric in self.metrics.items()}

    def _score(self, name: str, metric: Any, totals: np.ndarray) -> MetricScore:
        score = score_of_counts(metric, totals)
        details = score.format(width=2).partition(" = ")[2]
        return MetricScore(name, score.score, details, str(metric.get_signature()))


def signature_of(metric: str) -> str:
    """The signature of a metric with its default settings and one reference."""
    metrics = MetricSet([metric])
    metrics.count([""], [""])
    return metrics.signatures()[metric]


class CorpusScorer:
    """Computes the corpus scores of one or more systems line by line, in constant memory."""

    def __init__(self, metrics: MetricSet) -> None:
        self._metrics = metrics
        self._totals: dict[str, np.ndarray] = {}
        self.lines = 0

    def add(self, counts: Counts) -> None:
        """Add a line."""
        self.lines += 1
        for name, line_counts in counts.items():
            self._totals[name] = self._totals.get(name, 0) + line_counts

    def scores(self) -> list[list[MetricScore]]:
        """Per system, the scores of all lines so far. Raises InputError if there are none."""
        if not self.lines:
            raise InputError("nothing to score: the files are empty")
        systems = min((len(totals) for totals in self._totals.values()), default=1)
        return [self._metrics.scores(self._totals, system) for system in range(systems)]


def score_corpus(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], metrics: Sequence[str] = DEFAULT_METRICS
) -> list[MetricScore]:
    """Score N hypotheses against one or more references of N sentences each, with sacreBLEU's default settings.

    Raises InputError if the counts differ or are zero.
    """
    for number, reference in enumerate(references, start=1):
        if len(reference) != len(hypotheses):
            raise InputError(f"{len(hypotheses):,} hypotheses but {len(reference):,} lines in reference {number}")
    metric_set = MetricSet(metrics)
    scorer = CorpusScorer(metric_set)
    for hypothesis, *line_references in zip(hypotheses, *references, strict=True):
        scorer.add(metric_set.count([hypothesis], line_references))
    return scorer.scores()[0]


@dataclass(frozen=True)
class Line(Generic[Group]):
    """A line of a test set, as several systems translate it."""

    hypotheses: list[str]
    """One per system."""
    references: list[str]
    group: Group | None


def align_lines(
    systems: Sequence[Iterable[str]], references: Sequence[Iterable[str]], groups: Iterable[Group] | None = None
) -> Iterator[Line[Group]]:
    """The lines of a test set; groups: the group of each, if there are groups.

    Raises InputError if the numbers of lines differ.
    """
    columns: list[Iterable[Any]] = [*systems, *references, *([groups] if groups is not None else ())]
    for number, row in enumerate(zip_longest(*columns), start=1):
        if None in row:
            raise InputError(f"translations, references and groups differ in length, from line {number:,} on")
        cells = iter(row)
        yield Line(list(islice(cells, len(systems))), list(islice(cells, len(references))), next(cells, None))


class Accumulator(Protocol):
    """Collects the counts of lines."""

    def add(self, counts: Counts) -> None:
        """Add a line."""


def score_groups(
    lines: Iterable[Line[Group]], metrics: MetricSet, also: Sequence[Accumulator] = ()
) -> dict[Group | None, CorpusScorer]:
    """Score the hypotheses of one or more systems, in memory that does not grow with the number of lines.

    also: others that need the counts of each line.
    Returns a scorer for each group, and for all lines under None.
    """
    scorers: dict[Group | None, CorpusScorer] = {None: CorpusScorer(metrics)}
    for line in lines:
        counts = metrics.count(line.hypotheses, line.references)
        groups = (None,) if line.group is None else (None, line.group)
        for accumulator in (*also, *(scorers.setdefault(group, CorpusScorer(metrics)) for group in groups)):
            accumulator.add(counts)
    return scorers
