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
    """Metric by metric."""

    @classmethod
    def of(cls, group: Any, scorers: "list[CorpusScorer]") -> "GroupScores":
        """The scores that the scorers of a group have come to."""
        return cls(group, scorers[0].lines, [scorer.scores() for scorer in scorers])

    def as_json(self) -> Iterator[dict[str, Any]]:
        """One object a metric."""
        group = None if self.group is None else str(self.group)
        for score, *baseline in zip(*self.systems, strict=True):
            beside = {"baseline": baseline[0].score} if baseline else {}
            yield {**asdict(score), "group": group, "lines": self.lines, **beside}


def print_scores(overall: GroupScores, rows: list[GroupScores]) -> None:
    """One line a metric for all lines, then one line a group."""
    for score, *baseline in zip(*overall.systems, strict=True):
        beside = "".join(f"  baseline {one.score:6.2f}" for one in baseline)
        print(f"{score.name:<5} {score.score:6.2f}{beside}  {score.signature}")
    if not rows:
        return
    heading = "".join(f" {one.name:>7}" for one in overall.systems[0])
    print(f"\n{'group':<20} {'lines':>7}{heading}" + f"  baseline{heading}" * (len(overall.systems) - 1))
    for row in rows:
        scores = f"{'':10}".join("".join(f" {one.score:7.2f}" for one in system) for system in row.systems)
        print(f"{printable(str(row.group)) or '-':<20} {row.lines:>7,}{scores}")


def draw_bleu(chart: "Axes", rows: list[GroupScores], names: list[str]) -> None:
    """BLEU over the length bins of `rows`, and the number of sentences in each. names: of the systems."""
    from seq2seq.analysis.plotting import draw_curves

    curves = {name: [row.systems[number][0].score for row in rows] for number, name in enumerate(names)}
    ticks = [f"{row.group.range}\n({row.lines:,})" for row in rows]
    x_label = f"length of the source in {rows[0].group.unit} (number of sentences)"
    draw_curves(chart, curves, ticks, x_label, rows[0].systems[0][0].name)
