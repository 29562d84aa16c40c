"""Charts as PNG or SVG: the one place that knows matplotlib, which is an optional extra."""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from seq2seq.errors import InputError
from seq2seq.text.lines import open_output

if TYPE_CHECKING:
    from matplotlib.axes import Axes

# Told apart without colours too.
_STYLES = ("o-", "s--", "^:", "D-.")


@contextmanager
def open_chart(path: str) -> Iterator["Axes"]:
    """An empty chart to draw in; the file appears, or replaces its older self, when that went well.

    Raises InputError at once where the file cannot be written or matplotlib is missing.
    """
    form = Path(path).suffix.removeprefix(".")
    if form not in ("png", "svg"):
        raise InputError(f"{path}: charts are .png or .svg files")
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("charts need matplotlib, which is not installed: pip install matplotlib") from None
    with open_output(path) as file:
        figure = Figure(figsize=(7, 4), dpi=150, layout="constrained")
        axes = figure.subplots()
        axes.spines[["top", "right"]].set_visible(False)
        yield axes
        figure.savefig(file, format=form)


def draw_curves(
    axes: "Axes", curves: Mapping[str, Sequence[float]], ticks: Sequence[str], x_label: str, y_label: str
) -> None:
    """One line for each of `curves`, four at most, over evenly spaced `ticks`; the values begin at 0."""
    for (name, values), style in zip(curves.items(), _STYLES, strict=False):
        axes.plot(range(len(ticks)), values, style, label=name)
    axes.set_xticks(range(len(ticks)), ticks, size="small")
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    if len(curves) > 1:
        axes.legend(frameon=False)
