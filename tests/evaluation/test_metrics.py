"""Scores and signatures equal those of the sacreBLEU command for the same files."""

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from seq2seq.errors import InputError
from seq2seq.evaluation.metrics import score_corpus

HYPOTHESES = [
    "The cat sat on the mat.  ",
    "",
    "a\u2028b \r",
    "Two dogs, running & barking, in the 1,000 parks!\u3000",
    "   leading blanks stay as they are",
    "&quot;Café&quot; déjà-vu 日本語 😀",
    "wholly wrong",
]
REFERENCES = [
    [
        "The cat is sitting on the mat.",
        "Not empty at all.",
        "a b",
        "Two dogs are running and barking in 1,000 parks!",
        "leading blanks stay as they were \t",
        '"Café" déjà-vu 日本語 😀',
        "",
    ],
    [
        "A cat sat on the mat.  ",
        "",
        "a\u2028b",
        "",
        "blanks",
        "Café",
        "nothing in common",
    ],
]


def command_scores(folder: Path, hypotheses: list[str], references: list[list[str]]) -> dict[str, dict[str, Any]]:
    def file(name: str, lines: list[str]) -> str:
        (folder / name).write_bytes("".join(f"{line}\n" for line in lines).encode())
        return str(folder / name)

    names = [file(f"ref{number}", lines) for number, lines in enumerate(references)]
    options = ["-m", "bleu", "chrf", "ter", "--format", "json", "-w", "4"]
    command = [sys.executable, "-m", "sacrebleu", *names, "-i", file("hyp", hypotheses), *options]
    printed = subprocess.run(command, capture_output=True, check=True, encoding="utf-8").stdout
    return {score["name"]: score for score in json.loads(printed)}


@pytest.mark.parametrize("count", [1, 2])
def test_scores_match_the_sacrebleu_command(tmp_path: Path, count: int) -> None:
    expected = command_scores(tmp_path, HYPOTHESES, REFERENCES[:count])
    scores = {score.name: score for score in score_corpus(HYPOTHESES, REFERENCES[:count])}
    assert list(scores) == ["BLEU", "chrF", "TER"]
    for name, command_name in (("BLEU", "BLEU"), ("chrF", "chrF2"), ("TER", "TER")):
        assert round(scores[name].score, 4) == expected[command_name]["score"]
        assert scores[name].signature == expected[command_name]["signature"]
    assert 0 < scores["BLEU"].score < 100
    assert scores["BLEU"].details.endswith(f" {expected['BLEU']['verbose_score']}")
    assert f"nrefs:{count}" in scores["BLEU"].signature


def test_metrics_come_in_the_requested_order() -> None:
    scores = score_corpus(["a b c d e"], [["a b c d e"]], ["TER", "BLEU"])
    assert [(score.name, round(score.score, 6)) for score in scores] == [("TER", 0), ("BLEU", 100)]
    assert [score.name for score in score_corpus(["a"], [["a"]], [])] == []


@pytest.mark.parametrize("metric", ["BLEU", "chrF", "TER"])
def test_corpus_of_empty_hypotheses_scores_worst(metric: str) -> None:
    (score,) = score_corpus(["", "\t"], [["a cat", "a dog"]], [metric])
    assert score.score == (100 if metric == "TER" else 0)


@pytest.mark.parametrize(
    ("hypotheses", "references", "message"),
    [
        (["a"], [["a", "b"]], "1 hypotheses but 2 lines in reference 1"),
        (["a"] * 1200, [["a"] * 1200, ["a"] * 1100], "1,200 hypotheses but 1,100 lines in reference 2"),
        (["a"], [[]], "1 hypotheses but 0 lines in reference 1"),
        ([], [["a"]], "0 hypotheses but 1 lines in reference 1"),
        ([], [[]], "nothing to score"),
    ],
)
def test_mismatched_line_counts_are_an_input_error(
    hypotheses: list[str], references: list[list[str]], message: str
) -> None:
    with pytest.raises(InputError, match=message):
        score_corpus(hypotheses, references)
