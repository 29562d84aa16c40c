"""`seq2seq evaluate` by length, with a baseline and as a chart."""

import json
import random
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure
from typer.testing import CliRunner

from seq2seq.cli import app
from seq2seq.cli.scores import GroupScores, draw_by_length
from seq2seq.errors import InputError
from seq2seq.evaluation.length_bins import length_bins
from seq2seq.evaluation.metrics import MetricSet, align_lines, score_groups

LENGTHS = [3, 7, 12, 7, 40, 12, 120, 5, 9]
BINS = {"up to 5 words": 2, "6-10 words": 3, "11-15 words": 2, "31-40 words": 1, "over 100 words": 1}


@pytest.fixture
def texts(tmp_path: Path) -> dict[str, Path]:
    """Sources of `LENGTHS` words, references as long, and two systems' translations with more and fewer mistakes."""
    draw = random.Random(8)
    ref = [draw.choices("abcdefgh", k=length) for length in LENGTHS]
    lines = {
        "src": [draw.choices("stuvw", k=length) for length in LENGTHS],
        "ref": ref,
        "hyp": [[word if draw.random() < 0.9 else "z" for word in words] for words in ref],
        "base": [[word if draw.random() < 0.7 else "z" for word in words] for words in ref],
    }
    for name, sentences in lines.items():
        (tmp_path / name).write_text("".join(" ".join(words) + "\n" for words in sentences))
    return {name: tmp_path / name for name in lines}


def invoke(*words: object) -> str:
    result = CliRunner().invoke(app, [str(word) for word in words])
    assert result.exit_code == 0, result.stderr
    return result.stdout


def rows_of(*words: object) -> list[dict[str, Any]]:
    return list(json.loads(invoke("evaluate", *words, "--json")))


@pytest.fixture
def by_length(texts: dict[str, Path]) -> list[object]:
    return ["--hyp", texts["hyp"], "--ref", texts["ref"], "--src", texts["src"], "--by-length"]


def test_by_length_equals_grouping_by_hand(by_length: list[object], texts: dict[str, Path], tmp_path: Path) -> None:
    grouped = rows_of(*by_length)
    names = list(BINS)
    group = {3: 0, 5: 0, 7: 1, 9: 1, 12: 2, 40: 3, 120: 4}
    (tmp_path / "by").write_text("".join(f"{names[group[length]]}\n" for length in LENGTHS))
    by_hand = rows_of("--hyp", texts["hyp"], "--ref", texts["ref"], "--by", tmp_path / "by")
    assert sorted(grouped, key=str) == sorted(by_hand, key=str)
    assert [row["lines"] for row in grouped[::3]] == [len(LENGTHS), *BINS.values()]
    assert list(dict.fromkeys(row["group"] for row in grouped)) == [None, *names]
    table = [line for line in invoke("evaluate", *by_length).splitlines() if "words" in line]
    assert [line[:20].strip() for line in table] == names
    assert [line[20:28].strip() for line in table] == list(map(str, BINS.values()))


def test_a_model_is_scored_by_length_like_its_translations(
    trained: Path, bitext: tuple[Path, Path], tmp_path: Path
) -> None:
    src, ref = bitext
    kept = tmp_path / "kept"
    at_once = invoke("evaluate", trained, "--src", src, "--ref", ref, "--by-length", "-o", kept)
    assert at_once == invoke("evaluate", "--hyp", kept, "--src", src, "--ref", ref, "--by-length")
    table = tmp_path / "pairs.tsv"
    pairs = zip(src.read_text().splitlines(), ref.read_text().splitlines(), strict=True)
    table.write_text("fr\ten\n" + "".join(f"{source}\t{reference}\n" for source, reference in pairs))
    columns = ("--src-column", "fr", "--tgt-column", "en")
    assert at_once == invoke("evaluate", "--hyp", kept, "--input", table, *columns, "--by-length")


def test_baseline_is_shown_next_to_the_scores(by_length: list[object], texts: dict[str, Path]) -> None:
    together = rows_of(*by_length, "--baseline", texts["base"])
    alone = rows_of(*by_length)
    baseline = rows_of("--hyp", texts["base"], *by_length[2:])
    for row, score, baseline_score in zip(together, alone, baseline, strict=True):
        row.pop("test", None)
        assert row == {**score, "baseline": baseline_score["score"]}
    first, *_, last = invoke("evaluate", *by_length, "--baseline", texts["base"]).splitlines()
    assert first.split()[:4] == ["BLEU", f"{alone[0]['score']:.2f}", "baseline", f"{baseline[0]['score']:.2f}"]
    shown = [f"{row['score']:.2f}" for row in (*alone[-3:], *baseline[-3:])]
    assert last.split() == ["over", "100", "words", "1", *shown]


def test_the_chart_shows_the_table(texts: dict[str, Path]) -> None:
    systems, references = (
        [texts[name].read_text().splitlines() for name in names] for names in (("hyp", "base"), ("ref",))
    )
    bins = length_bins(texts["src"].read_text().splitlines())
    scored = score_groups(align_lines(systems, references, bins), MetricSet())
    del scored[None]
    rows = [
        GroupScores.of(group, scored[group]) for group in sorted(scored, key=lambda group: group.least if group else 0)
    ]
    axes = Figure().subplots()
    draw_by_length(axes, rows, ["new", "old"])
    for number, (line, name) in enumerate(zip(axes.get_lines(), ("new", "old"), strict=True)):
        assert line.get_label() == name
        assert np.asarray(line.get_ydata()).tolist() == [row.systems[number][0].score for row in rows]
    assert [label.get_text() for label in axes.get_xticklabels()] == [
        f"{name.removesuffix(' words')}\n({lines})" for name, lines in BINS.items()
    ]
    assert axes.get_ylabel() == "BLEU"
    assert "in words" in axes.get_xlabel()
    assert axes.get_ylim()[0] == 0


def test_plot_writes_png_and_svg(by_length: list[object], tmp_path: Path) -> None:
    printed = invoke("evaluate", *by_length)
    for name in ("chart.png", "chart.svg"):
        (tmp_path / name).write_text("old")
        assert invoke("evaluate", *by_length, "--plot", tmp_path / name) == printed
    height, width, _ = matplotlib.image.imread(tmp_path / "chart.png").shape
    assert width > height > 400
    assert ElementTree.parse(tmp_path / "chart.svg").getroot().tag.endswith("svg")


@pytest.mark.parametrize(
    ("names", "shown"), [(("a.fr", "b.fr"), ("a.fr", "b.fr")), (("x", "x"), ("system", "baseline"))]
)
def test_the_chart_names_the_files(
    texts: dict[str, Path], tmp_path: Path, names: tuple[str, str], shown: tuple[str, str]
) -> None:
    copies = [tmp_path / folder / name for folder, name in zip("12", names, strict=True)]
    for copy, text in zip(copies, (texts["hyp"], texts["base"]), strict=True):
        copy.parent.mkdir()
        copy.write_text(text.read_text())
    files = ("--src", texts["src"], "--ref", texts["ref"], "--by-length", "--plot", tmp_path / "chart.svg")
    invoke("evaluate", "--hyp", copies[0], "--baseline", copies[1], *files)
    drawn = (tmp_path / "chart.svg").read_text()
    assert all(f"<!-- {name} -->" in drawn for name in shown)


def test_missing_matplotlib_is_a_one_line_error(
    by_length: list[object], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    (tmp_path / "chart.png").write_text("old")
    words = [str(word) for word in (*by_length, "--plot", tmp_path / "chart.png")]
    result = CliRunner().invoke(app, ["evaluate", *words])
    assert (result.exit_code, result.stdout) == (2, "")
    assert result.stderr == ("seq2seq: error: charts need matplotlib, which is not installed: pip install matplotlib\n")
    assert (tmp_path / "chart.png").read_text() == "old"
    assert "up to 5 words" in invoke("evaluate", *by_length)


def test_groups_are_read_as_a_stream() -> None:
    """Nothing is collected, so memory does not grow with the number of lines."""
    reading = dict.fromkeys(("system", "reference", "group"), 0)

    def column(name: str) -> Iterator[str]:
        for number in range(300):
            reading[name] = number
            assert max(reading.values()) - min(reading.values()) <= 1
            yield "a b c d" if name != "group" else f"{number % 3}"

    lines = align_lines([column("system")], [column("reference")], column("group"))
    scorers = score_groups(lines, MetricSet())
    assert {group: scorer.lines for group, scorer in scorers.items()} == {None: 300, "0": 100, "1": 100, "2": 100}


@pytest.mark.parametrize("short", range(4))
def test_columns_of_different_length_are_an_error(short: int) -> None:
    columns = [["a"] * (2 if number == short else 3) for number in range(4)]
    with pytest.raises(InputError, match="differ in length, from line 3 on"):
        list(align_lines(columns[:2], columns[2:3], columns[3]))
