"""`seq2seq plot`: the charts show the data."""

import html
import json
import os
import re
import shutil
import subprocess
import sys
from itertools import combinations
from pathlib import Path
from xml.etree import ElementTree

import matplotlib.image
import numpy as np
import pytest
from matplotlib.figure import Figure
from matplotlib.text import Annotation
from typer.testing import CliRunner

from seq2seq.analysis.curves import Curves, read_curves
from seq2seq.analysis.plotting import draw_map, draw_matrix, draw_series
from seq2seq.cli import app


def run(*words: object, text: str | None = None) -> tuple[int, str]:
    result = CliRunner().invoke(app, ["plot", *(str(word) for word in words)], input=text)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert result.stdout == ""
    return result.exit_code, result.stderr


def texts(svg: Path) -> set[str]:
    """SVG draws letters as outlines; their text is in comments."""
    return {comment.strip() for comment in re.findall(r"<!--(.*?)-->", html.unescape(svg.read_text(encoding="utf-8")))}


def test_curves_of_two_runs(trained: Path, tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.mkdir()
    shutil.copy(trained / "metrics.jsonl", other)
    assert run("curves", trained, other, "-o", tmp_path / "curves.svg") == (0, "")
    assert {"numerals", "other", "validation BLEU", "step"} <= texts(tmp_path / "curves.svg")
    assert run("curves", trained, "-o", tmp_path / "curves.png") == (0, "")
    height, width, _ = matplotlib.image.imread(tmp_path / "curves.png").shape
    assert width > 2 * height


def test_runs_with_the_same_name_are_distinguished(trained: Path, tmp_path: Path) -> None:
    for name in ("a", "b"):
        (tmp_path / name / "run").mkdir(parents=True)
        shutil.copy(trained / "metrics.jsonl", tmp_path / name / "run")
    assert run("curves", tmp_path / "a" / "run", tmp_path / "b" / "run", "-o", tmp_path / "c.svg") == (0, "")
    assert {str(tmp_path / "a" / "run"), str(tmp_path / "b" / "run")} <= texts(tmp_path / "c.svg")


@pytest.mark.parametrize("name", ["_run", "$x$", "50$", "a_b$^{", "\x1b[31m"])
def test_any_name_of_a_run_is_shown(name: str, trained: Path, tmp_path: Path) -> None:
    """An underscore would hide it from matplotlib's legend, and `$` starts math text."""
    for folder in (name, "other"):
        (tmp_path / folder).mkdir()
        shutil.copy(trained / "metrics.jsonl", tmp_path / folder)
    assert run("curves", tmp_path / name, tmp_path / "other", "-o", tmp_path / "c.svg") == (0, "")
    assert {name.replace("\x1b", "\ufffd"), "other"} <= texts(tmp_path / "c.svg")


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("[1]", "not a training record"),
        ("{}", "not a training record"),
        ('{"step": true}', "not a training record"),
        ('{"step": "1", "loss": 2}', "not a training record"),
        ('{"step": NaN}', "not a training record"),
        ('{"step": 1' + "0" * 400 + "}", "not a training record"),
        ("[" * 100_000, "not JSON"),
    ],
)
def test_malformed_records_are_reported(line: str, message: str, tmp_path: Path) -> None:
    (tmp_path / "metrics.jsonl").write_text(f'{{"step": 1, "loss": 2.0}}\n{line}\n')
    code, error = run("curves", tmp_path, "-o", tmp_path / "c.png")
    assert code == 2
    assert error.startswith(f"seq2seq: error: {tmp_path / 'metrics.jsonl'}, line 2: {message}")


def test_values_that_are_not_finite_numbers_are_not_drawn(tmp_path: Path) -> None:
    values = ("1.5", '"a"', "true", "NaN", "1e308", "-Infinity", "1" + "0" * 400, "2.5")
    lines = (f'{{"step": {n}, "loss": {value}}}' for n, value in enumerate(values))
    (tmp_path / "metrics.jsonl").write_text("".join(f"{line}\n" for line in lines))
    assert run("curves", tmp_path, "-o", tmp_path / "c.png") == (0, "")
    assert read_curves(tmp_path).loss == [(7, 2.0)]
    assert read_curves(tmp_path, "minutes").loss == [(0, 2.0)]


def test_losses_are_means_of_equal_windows_over_steps_and_minutes(tmp_path: Path) -> None:
    """A validation at step 3 cuts the window of the steps 2 to 4 in two."""
    rows = [(2, 100, 50, 4.0), (3, 30, 30, 3.0), (4, 90, 30, 1.0), (6, 100, 100, 0.5)]
    records: list[dict[str, float]] = [
        {"step": step, "loss": loss, "target_tokens": tokens, "target_tokens_per_second": speed}
        for step, tokens, speed, loss in rows
    ]
    records.insert(2, {"step": 3, "valid_bleu": 12.0})
    (tmp_path / "metrics.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    assert read_curves(tmp_path) == Curves([(2, 4.0), (4, 1.5), (6, 0.5)], [(3, 12.0)])
    assert read_curves(tmp_path, "minutes").loss == [(2 / 60, 4.0), (6 / 60, 1.5), (7 / 60, 0.5)]
    assert read_curves(tmp_path, "minutes").scores == [(3 / 60, 12.0)]


def test_scores_are_those_of_the_validation_metric(tmp_path: Path) -> None:
    for metric in ("bleu", "chrf"):
        (tmp_path / metric).mkdir()
        records = [{"step": 1, "loss": 2.0}, {"step": 3, f"valid_{metric}": 12.0}, {"step": 6, f"valid_{metric}": 15.0}]
        (tmp_path / metric / "metrics.jsonl").write_text("".join(f"{json.dumps(record)}\n" for record in records))
    assert read_curves(tmp_path / "chrf") == Curves([(1, 2.0)], [(3, 12.0), (6, 15.0)], "chrF")
    for runs, label in ((["chrf"], "validation chrF"), (["chrf", "bleu"], "validation BLEU or chrF")):
        assert run("curves", *[tmp_path / name for name in runs], "-o", tmp_path / "c.svg") == (0, "")
        assert label in texts(tmp_path / "c.svg")


def test_a_chart_of_a_long_sentence_is_refused(trained: Path, tmp_path: Path) -> None:
    """With 800 pieces it would take 5 GB."""
    code, error = run("alignment", trained, "--src", "un " * 800, "--tgt", "one", "-o", tmp_path / "a.png")
    assert code == 2
    assert "a sentence of 801 pieces; an alignment plot shows at most 150 per side" in error
    assert not (tmp_path / "a.png").exists()


def test_mplbackend_is_ignored(trained: Path, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "seq2seq", "plot", "curves", str(trained), "-o", str(tmp_path / "c.png")]
    subprocess.run(command, env={**os.environ, "MPLBACKEND": "nonsense"}, check=True)
    assert (tmp_path / "c.png").exists()


def test_series_go_through_their_points() -> None:
    axes = Figure().subplots()
    draw_series(axes, {"a": [(1, 5.0), (3, 4.0)], "b": [(2, 1.0)]}, "step", "loss")
    assert [np.asarray(line.get_xydata()).tolist() for line in axes.get_lines()] == [[[1, 5], [3, 4]], [[2, 1]]]
    assert (axes.get_xlabel(), axes.get_ylabel()) == ("step", "loss")


def test_a_map_has_each_label_at_its_point() -> None:
    axes = Figure().subplots()
    points = np.array([[0.0, 1.0], [2.0, 3.0], [4.0, -1.0]])
    draw_map(axes, points, ["a", "$b$", "c_1"])
    assert [(text.get_text(), tuple(text.xy)) for text in axes.texts if isinstance(text, Annotation)] == [
        ("a", (0, 1)), ("$b$", (2, 3)), ("c_1", (4, -1)),
    ]  # fmt: skip


def test_labels_of_a_map_do_not_overlap() -> None:
    axes = Figure(figsize=(3, 3)).subplots()
    points = np.random.default_rng(0).normal(size=(60, 2))
    hidden = draw_map(axes, points, ["label"] * 60)
    boxes = [text.get_window_extent() for text in axes.texts]
    assert not any(first.overlaps(second) for first, second in combinations(boxes, 2))
    assert len(boxes) == 60 - hidden
    assert 0 < hidden < 50


def test_alignment_of_the_models_translation_and_of_a_given_one(trained: Path, tmp_path: Path) -> None:
    assert run("alignment", trained, "--src", "un deux", "-o", tmp_path / "own.svg") == (0, "")
    assert {"\u2581un", "\u2581deux", "</s>"} <= texts(tmp_path / "own.svg")
    words = ("--src", "un", "--tgt", "six $ six")
    assert run("alignment", trained, *words, "-o", tmp_path / "other.svg") == (0, "")
    assert {"\u2581six", "\u2581un"} <= texts(tmp_path / "other.svg")
    code, error = run("alignment", trained, "--src", " ", "-o", tmp_path / "blank.svg")
    assert (code, error) == (2, "seq2seq: error: --src is empty: give a sentence\n")
    assert not (tmp_path / "blank.svg").exists()


def test_a_matrix_has_its_rows_and_columns() -> None:
    axes = Figure().subplots()
    draw_matrix(axes, np.array([[0.0, 1.0, 0.5], [0.2, 0.3, 0.4]]), ["a", "$b$", "c"], ["x", "y"])
    assert [label.get_text() for label in axes.get_xticklabels()] == ["a", "$b$", "c"]
    assert [label.get_text() for label in axes.get_yticklabels()] == ["x", "y"]
    drawn = np.asarray(axes.images[0].get_array())
    assert drawn.tolist() == [[0.0, 1.0, 0.5], [0.2, 0.3, 0.4]]
    assert axes.images[0].get_clim() == (0, 1)


def test_maps_of_words_and_phrases(trained: Path, tmp_path: Path) -> None:
    lines = "un deux\ntrois quatre cinq six\n\nsix un\n$x$ _ trois\nun deux\n"
    (tmp_path / "lines").write_text(lines)
    assert run("words", trained, "-i", tmp_path / "lines", "-o", tmp_path / "words.svg") == (0, "")
    assert {"un", "deux", "trois", "quatre", "cinq", "six"} <= texts(tmp_path / "words.svg")
    assert run("phrases", trained, "-o", tmp_path / "phrases.svg", text=lines) == (0, "")
    assert {"un deux", "trois quatre cinq six", "six un", "$x$ _ trois"} <= texts(tmp_path / "phrases.svg")


def test_errors_are_one_line_and_leave_the_old_chart(trained: Path, tmp_path: Path) -> None:
    chart = tmp_path / "old.png"
    chart.write_text("old")
    broken, empty = tmp_path / "broken", tmp_path / "empty"
    broken.mkdir()
    empty.mkdir()
    (broken / "metrics.jsonl").write_text(json.dumps({"step": 1, "loss": 2.0}) + "\nnonsense\n")
    cases: list[tuple[list[object], str]] = [
        (["curves", empty], f"{empty}: not a run folder, metrics.jsonl is missing"),
        (["curves", broken], f"{broken / 'metrics.jsonl'}, line 2: not JSON"),
        (["phrases", trained, "-i", tmp_path / "none"], f"{tmp_path / 'none'}: no such file"),
        (["phrases", trained], "a map needs at least 4 points, not 2"),
        (["phrases", tmp_path / "none"], f"{tmp_path / 'none'}"),
    ]
    for words, message in cases:
        code, error = run(*words, "-o", chart, text="un\ndeux\n")
        assert code == 2
        assert error.startswith(f"seq2seq: error: {message}")
        assert error.count("\n") == 1
    assert chart.read_text() == "old"
    assert run("phrases", trained, "-o", tmp_path / "map.pdf", text="")[1].endswith("charts are .png or .svg files\n")


def test_no_phrases_at_all(trained: Path, tmp_path: Path) -> None:
    code, error = run("phrases", trained, "-o", tmp_path / "map.png", text="\n\n")
    assert (code, error) == (2, "seq2seq: error: a map needs at least 4 points, not 0\n")


def test_too_many_phrases_are_refused(trained: Path, tmp_path: Path) -> None:
    lines = "".join(f"un {number}\n" for number in range(2001))
    code, error = run("phrases", trained, "-o", tmp_path / "map.png", text=lines)
    assert (code, error) == (2, "seq2seq: error: -: 2,001 different phrases; a map shows at most 2,000\n")


def test_an_svg_is_valid_xml_whatever_the_text(trained: Path, tmp_path: Path) -> None:
    """XML allows neither control characters nor U+FFFE."""
    lines = "a\x1b\nb\x0c c\n\ufffe d\n\uffff e\nun\n"
    assert run("phrases", trained, "-o", tmp_path / "phrases.svg", text=lines)[0] == 0
    words = ("--src", "un \x1b\ufffe deux", "--tgt", "one \x0c")
    assert run("alignment", trained, *words, "-o", tmp_path / "alignment.svg")[0] == 0
    for name in ("phrases.svg", "alignment.svg"):
        ElementTree.parse(tmp_path / name)


def test_missing_glyphs_are_one_warning(trained: Path, tmp_path: Path) -> None:
    code, stderr = run("phrases", trained, "-o", tmp_path / "c.png", text="\U0001f9ff\n\u0e01\n\u1000\n\u1780\n")
    assert code == 0
    assert stderr == "seq2seq: warning: the font lacks some characters: they are drawn as boxes\n"
