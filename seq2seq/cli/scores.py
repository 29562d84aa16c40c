"""How scores are shown: as lines and a table, as JSON and as a chart."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import TYPE_CHECKING, Any

from seq2seq.io.lines import printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes

    from seq2seq.evaluation.metrics import CorpusScorer, MetricScore


@dataclass(frozen=True)
class GroupScores:
    """The scores of a group of lines: those of the system, and of the baseline if there is one."""

    group: Any
    """Its name or its LengthBin; None for all lines."""
    lines: int
    systems: "list[list[MetricScore]]"
    """Per system, one score per metric."""

    @classmethod
    def of(cls, group: Any, scorers: "list[CorpusScorer]") -> "GroupScores":
        """The scores that the scorers of a group have computed."""
        return cls(group, scorers[0].lines, [scorer.scores() for scorer in scorers])

    def as_json(self) -> Iterator[dict[str, Any]]:
        """One object per metric."""
        group = None if self.group is None else str(self.group)
        for score, *baseline in zip(*self.systems, strict=True):
            baseline_score = {"baseline": baseline[0].score} if baseline else {}
            yield {**asdict(score), "group": group, "lines": self.lines, **baseline_score}


def print_scores(overall: GroupScores, rows: list[GroupScores]) -> None:
    """One line per metric for the whole set, then one line per group."""
    for score, *baseline in zip(*overall.systems, strict=True):
        baseline_score = "".join(f"  baseline {other.score:6.2f}" for other in baseline)
        print(f"{score.name:<5} {score.score:6.2f}{baseline_score}  {score.signature}")
    if not rows:
        return
    heading = "".join(f" {score.name:>7}" for score in overall.systems[0])
    print(f"\n{'group':<20} {'lines':>7}{heading}" + f"  baseline{heading}" * (len(overall.systems) - 1))
    for row in rows:
        scores = f"{'':10}".join("".join(f" {score.score:7.2f}" for score in system) for system in row.systems)
        print(f"{printable(str(row.group)) or '-':<20} {row.lines:>7,}{scores}")


def draw_bleu(chart: "Axes", rows: list[GroupScores], names: list[str]) -> None:
    """Plot BLEU over the length bins of `rows`, with the sentences in each. names: labels of the systems."""
    from seq2seq.analysis.plotting import draw_curves

    curves = {name: [row.systems[number][0].score for row in rows] for number, name in enumerate(names)}
    ticks = [f"{row.group.range}\n({row.lines:,})" for row in rows]
    x_label = f"source length in {rows[0].group.unit} (number of sentences)"
    draw_curves(chart, curves, ticks, x_label, rows[0].systems[0][0].name)
