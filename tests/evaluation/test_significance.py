"""The paired test equals that of the sacreBLEU command."""

import random
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq2seq.errors import InputError
from seq2seq.evaluation.metrics import Line, MetricSet, align_lines, score_groups
from seq2seq.evaluation.significance import PairedBootstrap, PairedResult

_FIGURES = re.compile(r"([0-9.]+) \(([0-9.]+) ± ([0-9.]+)\)")


def corpus(lines: int) -> dict[str, list[str]]:
    """Two references, a system, and a baseline with more mistakes."""
    draw = random.Random(4)
    words = ["the", "a", "cat", "dog", "Bird", "sits", "runs", "on", "under", "house", "tree", ".", ",", "quickly"]
    first = [draw.choices(words, k=draw.randint(0, 12)) for _ in range(lines)]

    def copy(kept: float) -> list[str]:
        return [" ".join(w if draw.random() < kept else draw.choice(words) for w in line) for line in first]

    return {"ref": [" ".join(line) for line in first], "ref2": copy(0.8), "hyp": copy(0.7), "base": copy(0.66)}


def results(texts: dict[str, list[str]], names: list[str]) -> list[PairedResult]:
    metrics = MetricSet(names)
    test = PairedBootstrap(metrics)
    lines: Iterator[Line[str]] = align_lines([texts["hyp"], texts["base"]], [texts["ref"], texts["ref2"]])
    return test.results(score_groups(lines, metrics, [test])[None].scores())


@pytest.mark.parametrize("seed", ["12345", "7"])
def test_figures_equal_the_sacrebleu_command(seed: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", seed)
    texts = corpus(60)
    for name, lines in texts.items():
        (tmp_path / name).write_text("".join(f"{line}\n" for line in lines))
    files = [str(tmp_path / name) for name in ("ref", "ref2")]
    systems = [str(tmp_path / name) for name in ("base", "hyp")]
    options = ["-m", "bleu", "chrf", "ter", "--chrf-word-order", "2", "--paired-bs", "-f", "text", "-w", "4", "-nc"]
    command = [sys.executable, "-m", "sacrebleu", *files, "-i", *systems, *options]
    printed = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout
    baseline, system = (list(map(tuple, rows)) for rows in map(_FIGURES.findall, _rows(printed)))
    p_values = re.findall(r"\(p = ([0-9.]+)\)", printed)
    ours = results(texts, ["BLEU", "chrF++", "TER"])
    for column, result in enumerate(ours):
        assert tuple(f"{number:.4f}" for number in (result.system.mean, result.system.margin)) == system[column][1:]
        assert tuple(f"{n:.4f}" for n in (result.baseline.mean, result.baseline.margin)) == baseline[column][1:]
        assert f"{result.p_value:.4f}" == p_values[column]
        assert result.signature in printed


def _rows(printed: str) -> list[str]:
    """The rows of the baseline and of the system in sacreBLEU's table."""
    rows = [row for row in printed.splitlines() if _FIGURES.search(row)]
    assert len(rows) == 2
    return rows


def test_equal_scores_do_not_differ_significantly() -> None:
    """sacreBLEU's test says p = 0.001 here."""
    texts = corpus(30)
    (result,) = results({**texts, "base": texts["hyp"]}, ["BLEU"])
    assert result.p_value == 1.0


def test_a_seed_that_is_not_a_number_is_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SACREBLEU_SEED", "seven")
    with pytest.raises(InputError, match="SACREBLEU_SEED is 'seven'; give a number"):
        PairedBootstrap(MetricSet())
