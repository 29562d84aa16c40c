"""Corpus metrics by sacreBLEU, each with its signature."""

from collections import defaultdict
from collections.abc import Hashable, Iterable, Sequence
from dataclasses import dataclass
from itertools import islice, zip_longest
from typing import Any, TypeVar

import numpy as np
from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seq2seq.errors import InputError
from seq2seq.evaluation.sacrebleu_statistics import score_of_counts, sentence_counts

Group = TypeVar("Group", bound=Hashable)

METRICS = {"BLEU": BLEU, "chrF": CHRF, "TER": TER}


@dataclass(frozen=True)
class MetricScore:
    """A corpus score. BLEU and chrF go up to 100, higher is better; TER is edits per 100 words, lower is better."""

    name: str
    score: float
    details: str
    """As printed by sacreBLEU: n-gram precisions, brevity penalty, lengths."""
    signature: str
    """sacreBLEU's record of how the score was computed; cite it with the score."""


class CorpusScorer:
    """Computes corpus scores line by line, in constant memory."""

    def __init__(self, metrics: Sequence[str] = ("BLEU", "chrF", "TER")) -> None:
        self._metrics = {name: METRICS[name]() for name in metrics}
        self._totals: dict[str, np.ndarray] = {}
        self.lines = 0

    def add(self, hypothesis: str, references: Sequence[str]) -> None:
        """Add a line and its references. Trailing white space is ignored, as by the sacreBLEU command."""
        self.lines += 1
        stripped = [reference.rstrip() for reference in references]
        for name, metric in self._metrics.items():
            (counts,) = sentence_counts(metric, [hypothesis.rstrip()], stripped)
            self._totals[name] = self._totals.get(name, 0) + counts

    def scores(self) -> list[MetricScore]:
        """The scores of all lines so far. Raises InputError if there are none."""
        if not self.lines:
            raise InputError("nothing to score: the files are empty")
        return [self._score(name, metric) for name, metric in self._metrics.items()]

    def _score(self, name: str, metric: Any) -> MetricScore:
        score = score_of_counts(metric, self._totals[name])
        details = score.format(width=2).partition(" = ")[2]
        return MetricScore(name, score.score, details, str(metric.get_signature()))


def score_corpus(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], metrics: Sequence[str] = ("BLEU", "chrF", "TER")
) -> list[MetricScore]:
    """Score N hypotheses against one or more references of N sentences each, with sacreBLEU's default settings.

    Raises InputError if the counts differ or are zero.
    """
    for number, reference in enumerate(references, start=1):
        if len(reference) != len(hypotheses):
            raise InputError(f"{len(hypotheses):,} hypotheses but {len(reference):,} lines in reference {number}")
    scorer = CorpusScorer(metrics)
    for hypothesis, *line_references in zip(hypotheses, *references, strict=True):
        scorer.add(hypothesis, line_references)
    return scorer.scores()


def score_groups(
    systems: Sequence[Iterable[str]], references: Sequence[Iterable[str]], groups: Iterable[Group] | None = None
) -> dict[Group | None, list[CorpusScorer]]:
    """Score the hypotheses of one or more systems, in memory that does not grow with the number of lines.

    groups: the group of each line, if there are groups.
    Returns a scorer per system for each group, and for all lines under None. Raises InputError if the numbers of lines
    differ.
    """

    def new_scorers() -> list[CorpusScorer]:
        return [CorpusScorer() for _ in systems]

    scorers: defaultdict[Group | None, list[CorpusScorer]] = defaultdict(new_scorers, {None: new_scorers()})
    columns: list[Iterable[Any]] = [*systems, *references, *([groups] if groups is not None else ())]
    for number, row in enumerate(zip_longest(*columns), start=1):
        if None in row:
            raise InputError(f"translations, references and groups differ in length, from line {number:,} on")
        cells = iter(row)
        hypotheses = list(islice(cells, len(systems)))
        line_references = list(islice(cells, len(references)))
        for group in (None, *cells):
            for scorer, hypothesis in zip(scorers[group], hypotheses, strict=True):
                scorer.add(hypothesis, line_references)
    return scorers
