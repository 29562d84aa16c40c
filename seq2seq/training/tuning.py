"""After a training: how its model should search."""

from collections.abc import Sequence

from seq2seq.evaluation.metrics import score_corpus
from seq2seq.inference.translator import Hypothesis
from seq2seq.search.options import length_normalizer

ALPHAS = tuple(tenths / 10 for tenths in range(0, 21, 2))
"""Exponents of the length penalty that are tried. Candidates are searched for with the highest: it ends latest."""


def best_alpha(candidates: Sequence[Sequence[Hypothesis]], references: Sequence[str]) -> float:
    """The exponent that picks those candidates of N sentences that have the highest BLEU together.

    Of equal ones the first. candidates: some of each sentence, as a search has found them.
    """

    def bleu(length_penalty: float) -> float:
        picked = [
            max(some, key=lambda one: one.log_prob / length_normalizer(one.pieces, length_penalty)).text
            for some in candidates
        ]
        return score_corpus(picked, [references], metrics=["BLEU"])[0].score

    return max(ALPHAS, key=bleu)
