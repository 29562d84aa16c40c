"""Tuning of the length penalty after training."""

from collections.abc import Sequence

from seq2seq.evaluation.metrics import DEFAULT_METRIC, score_corpus
from seq2seq.inference.translator import Hypothesis
from seq2seq.search.options import length_normalizer

LENGTH_PENALTIES = tuple(tenths / 10 for tenths in range(0, 21, 2))
"""Exponents that are tried. Candidates are searched for with the largest, which ends the search last."""


def best_length_penalty(
    candidates: Sequence[Sequence[Hypothesis]], references: Sequence[str], metric: str = DEFAULT_METRIC
) -> float:
    """The exponent that picks the candidates with the highest corpus score; the first of equals.

    candidates: hypotheses of each sentence, as a search found them. metric: one of which higher scores are better.
    """

    def score(length_penalty: float) -> float:
        picked = [
            max(hypotheses, key=lambda one: one.log_prob / length_normalizer(one.pieces, length_penalty)).text
            for hypotheses in candidates
        ]
        return score_corpus(picked, [references], [metric])[0].score

    return max(LENGTH_PENALTIES, key=score)
