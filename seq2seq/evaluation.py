"""Hypotheses and references to metrics, by sacreBLEU, each with its signature."""

from collections.abc import Sequence
from dataclasses import dataclass

from sacrebleu.metrics.bleu import BLEU
from sacrebleu.metrics.chrf import CHRF
from sacrebleu.metrics.ter import TER

from seq2seq.errors import InputError

METRICS = {"BLEU": BLEU, "chrF": CHRF, "TER": TER}


@dataclass(frozen=True)
class MetricScore:
    """A corpus score. BLEU and chrF run to 100, higher is better; TER is edits per 100 words, lower is better."""

    name: str
    score: float
    details: str
    """As sacreBLEU prints it: n-gram precisions, brevity penalty, lengths."""
    signature: str
    """sacreBLEU's record of how the score was computed; cite it with the score."""


def score_corpus(
    hypotheses: Sequence[str], references: Sequence[Sequence[str]], metrics: Sequence[str] = ("BLEU", "chrF", "TER")
) -> list[MetricScore]:
    """Score N hypotheses against one or more references of N sentences each, with sacreBLEU's default settings.

    As its command does, white space at the end of a line is left out.
    Raises InputError where the counts differ or are zero.
    """
    for number, reference in enumerate(references, start=1):
        if len(reference) != len(hypotheses):
            raise InputError(f"{len(hypotheses):,} hypotheses but {len(reference):,} lines in reference {number}")
    if not hypotheses or not references:
        raise InputError("nothing to score: the files are empty")
    stripped = [line.rstrip() for line in hypotheses]
    return [_score(name, stripped, [[line.rstrip() for line in one] for one in references]) for name in metrics]


def _score(name: str, hypotheses: Sequence[str], references: Sequence[Sequence[str]]) -> MetricScore:
    metric = METRICS[name]()
    score = metric.corpus_score(hypotheses, references)
    details = score.format(width=2).partition(" = ")[2]
    return MetricScore(name, score.score, details, str(metric.get_signature()))
