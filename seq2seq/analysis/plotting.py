"""Charts as PNG or SVG. Only this module uses matplotlib, an optional dependency."""

import os
import sys
import warnings
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from seq2seq.errors import InputError
from seq2seq.io.lines import open_output, printable

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.transforms import Bbox

_LABEL_POSITIONS = (
    ((2, 2), "left", "bottom"),
    ((-2, 2), "right", "bottom"),
    ((2, -2), "left", "top"),
    ((-2, -2), "right", "top"),
)
# Distinguishable without colours too.
_STYLES = ("o-", "s--", "^:", "D-.")


@contextmanager
def open_chart(path: str, panels: int = 1, size: tuple[float, float] = (7, 4)) -> Iterator["list[Axes]"]:
    """Empty panels to draw in, side by side; the file is created, or replaced, only if drawing succeeds.

    size: of a panel, in inches. Raises InputError at once if the file cannot be written or matplotlib is missing.
    """
    form = Path(path).suffix.removeprefix(".")
    if form not in ("png", "svg"):
        raise InputError(f"{path}: charts are .png or .svg files")
    # No window is needed, and an unknown backend in the environment must not end the program.
    os.environ["MPLBACKEND"] = "agg"
    try:
        from matplotlib.figure import Figure
    except ImportError:
        raise InputError("charts need matplotlib, which is not installed: pip install matplotlib") from None
    width, height = size
    with open_output(path) as file:
        figure = Figure(figsize=(panels * width, height), dpi=150, layout="constrained")
        axes = list(figure.subplots(1, panels, squeeze=False)[0])
        for panel in axes:
            panel.spines[["top", "right"]].set_visible(False)
        with warnings.catch_warnings(record=True) as caught:
            warnings.simplefilter("always")
            yield axes
            figure.savefig(file, format=form)
    if any("Glyph" in str(warning.message) for warning in caught):
        print("seq2seq: warning: the font lacks some characters: they are drawn as boxes", file=sys.stderr)


def draw_curves(
    axes: "Axes", curves: Mapping[str, Sequence[float]], ticks: Sequence[str], x_label: str, y_label: str
) -> None:
    """One line per curve, four at most, over evenly spaced `ticks`; the y axis begins at 0."""
    for (name, values), style in zip(curves.items(), _STYLES, strict=False):
        axes.plot(range(len(ticks)), values, style, label=_label(name))
    axes.set_xticks(range(len(ticks)), ticks, size="small")
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.set_ylim(bottom=0)
    axes.grid(axis="y", alpha=0.3)
    if len(curves) > 1:
        axes.legend(frameon=False)


def draw_series(axes: "Axes", series: Mapping[str, Sequence[tuple[float, float]]], x_label: str, y_label: str) -> None:
    """One line per series through its points (x, y)."""
    for name, points in series.items():
        axes.plot([x for x, _ in points], [y for _, y in points], label=_label(name))
    axes.set(xlabel=x_label, ylabel=y_label)
    axes.grid(alpha=0.3)
    if len(series) > 1:
        axes.legend(frameon=False)


def _label(name: str) -> str:
    """A name for the legend: `$` is escaped, and a leading underscore, which hides an entry, gets a space before it."""
    shown = printable(name).replace("$", r"\$")
    return f" {shown}" if shown.startswith("_") else shown


def draw_map(axes: "Axes", points: np.ndarray, labels: Sequence[str]) -> int:
    """A label next to each of `points` [n, 2], the first ones first; the axes have no meaning and are hidden.

    Returns the number of labels that are left out because each position next to their point is taken.
    """
    from matplotlib.backends.backend_agg import FigureCanvasAgg

    axes.scatter(points[:, 0], points[:, 1], s=4)
    axes.set_axis_off()
    figure = axes.get_figure(root=True)
    assert figure
    renderer = FigureCanvasAgg(figure).get_renderer()  # type: ignore[no-untyped-call]
    figure.draw_without_rendering()  # the layout is final from here on, and so are the sizes of labels
    boxes: list[Bbox] = []
    for point, label in zip(points, map(printable, labels), strict=True):
        for offset, horizontal, vertical in _LABEL_POSITIONS:
            text = axes.annotate(
                label, point, offset, textcoords="offset points", size="x-small", ha=horizontal, va=vertical,
                parse_math=False, in_layout=False,
            )  # fmt: skip
            box = text.get_window_extent(renderer)
            if not box.count_overlaps(boxes):
                boxes.append(box)
                break
            text.remove()
    return len(points) - len(boxes)


def draw_matrix(axes: "Axes", values: np.ndarray, columns: Sequence[str], rows: Sequence[str]) -> None:
    """values [rows, columns] between 0 and 1 as shades of grey; darker is larger."""
    axes.imshow(values, cmap="Greys", vmin=0, vmax=1, aspect="equal")
    axes.set_xticks(range(len(columns)), [printable(label) for label in columns], rotation=90, parse_math=False)
    axes.set_yticks(range(len(rows)), [printable(label) for label in rows], parse_math=False)
    axes.xaxis.tick_top()
    axes.tick_params(length=0)
