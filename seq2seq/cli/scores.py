"""How scores are shown: as lines and a table, as JSON and as a chart."""

import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from seq2seq.errors import InputError
from seq2seq.io.lines import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from seq2seq.evaluation.metrics import CorpusScorer, Line, MetricScore, MetricSet
    from seq2seq.evaluation.significance import PairedResult

_NAME_WIDTH = 5


@dataclass(frozen=True)
class GroupScores:
    """The scores of a group of lines: those of the system, and of the baseline if there is one."""

    group: Any
    """Its name or its LengthBin; None for all lines."""
    lines: int
    systems: "list[list[MetricScore]]"
    """Per system, one score per metric."""

    @classmethod
    def of(cls, group: Any, scorer: "CorpusScorer") -> "GroupScores":
        """The scores that the scorer of a group has computed."""
        return cls(group, scorer.lines, scorer.scores())

    def as_json(self) -> Iterator[dict[str, Any]]:
        """One object per metric."""
        group = None if self.group is None else str(self.group)
        for score, *baseline in zip(*self.systems, strict=True):
            baseline_score = {"baseline": baseline[0].score} if baseline else {}
            yield {**asdict(score), "group": group, "lines": self.lines, **baseline_score}


@dataclass(frozen=True)
class Scores:
    """The scores of a test set, of its groups if there are any, and the tests of a system against a baseline."""

    overall: GroupScores
    groups: list[GroupScores]
    tests: "list[PairedResult]"
    """One per metric, or none without a baseline."""

    def as_json(self) -> str:
        """One object per metric, for all lines and then for each group."""
        rows = list(self.overall.as_json())
        for row, test in zip(rows, self.tests, strict=False):
            row["test"] = asdict(test)
        return json.dumps(rows + [row for group in self.groups for row in group.as_json()], indent=2)

    def __str__(self) -> str:
        """One line per metric for the whole set, one per test, then one per group."""
        return "\n".join([*self._overall_lines(), *self._test_lines(), *self._group_lines()])

    def _overall_lines(self) -> Iterator[str]:
        width = max(_NAME_WIDTH, *(len(score.name) for score in self.overall.systems[0]))
        for score, *baseline in zip(*self.overall.systems, strict=True):
            baseline_score = "".join(f"  baseline {other.score:6.2f}" for other in baseline)
            yield f"{score.name:<{width}} {score.score:6.2f}{baseline_score}  {score.signature}"

    def _test_lines(self) -> Iterator[str]:
        if self.tests:
            yield f"\n{'95 % confidence':<17} {'system':>14}  {'baseline':>14}  {'p':>6}"
        for test in self.tests:
            intervals = (f"{interval.mean:6.2f} ± {interval.margin:5.2f}" for interval in (test.system, test.baseline))
            yield f"{test.name:<17} {'  '.join(intervals)}  {test.p_value:.4f}  {test.signature}"

    def _group_lines(self) -> Iterator[str]:
        if not self.groups:
            return
        heading = "".join(f" {score.name:>7}" for score in self.overall.systems[0])
        yield f"\n{'group':<20} {'lines':>7}{heading}" + f"  baseline{heading}" * (len(self.overall.systems) - 1)
        for row in self.groups:
            scores = f"{'':10}".join("".join(f" {score.score:7.2f}" for score in system) for system in row.systems)
            yield f"{printable(str(row.group)) or '-':<20} {row.lines:>7,}{scores}"


def score_lines(lines: "Iterable[Line[Any]]", metrics: "MetricSet", *, sort: bool, compare: bool) -> Scores:
    """Score lines. sort: groups in ascending order; compare: the first system is tested against the second."""
    from seq2seq.evaluation.metrics import score_groups
    from seq2seq.evaluation.significance import PairedBootstrap

    test = PairedBootstrap(metrics) if compare else None
    scorers = score_groups(lines, metrics, [test] if test else [])
    overall = GroupScores.of(None, scorers.pop(None))
    groups = [GroupScores.of(group, scorer) for group, scorer in (sorted if sort else list)(scorers.items())]
    return Scores(overall, groups, test.results(overall.systems) if test else [])


def print_sentences(lines: "Iterable[Line[Any]]", metrics: "MetricSet", *, as_json: bool) -> None:
    """Print the scores of each line on stdout as they are computed; what the columns are on stderr."""
    line = None
    for line in lines:
        scores = metrics.scores(metrics.count(line.hypotheses, line.references), 0)
        if as_json:
            print(json.dumps({score.name: score.score for score in scores}))
        else:
            print("\t".join(f"{score.score:.2f}" for score in scores))
    if line is None:
        raise InputError("nothing to score: the files are empty")
    for name, signature in metrics.signatures().items():
        print(f"seq2seq: {name} of each sentence: {signature}", file=sys.stderr)


def draw_by_length(chart: "Axes", rows: list[GroupScores], names: list[str]) -> None:
    """Plot the first metric over the length bins of `rows`, with the sentences in each.

    names: labels of the systems.
    """
    from seq2seq.analysis.plotting import draw_curves

    curves = {name: [row.systems[number][0].score for row in rows] for number, name in enumerate(names)}
    ticks = [f"{row.group.range}\n({row.lines:,})" for row in rows]
    x_label = f"source length in {rows[0].group.unit} (number of sentences)"
    draw_curves(chart, curves, ticks, x_label, rows[0].systems[0][0].name)
