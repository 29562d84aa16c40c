"""sacreBLEU's counts per sentence, whose sum over a corpus determines its score.

The only module that calls private methods of sacreBLEU: its public functions need a whole corpus in memory. The tests
compare their results with the public ones, and fail where a release changes them.
"""

import logging
from collections.abc import Sequence
from typing import Any

import numpy as np
from sacrebleu.significance import _compute_p_value

# Its warnings are given in `checks.py`.
logging.getLogger("sacrebleu").setLevel(logging.ERROR)


def sentence_counts(metric: Any, hypotheses: Sequence[str], references: Sequence[str]) -> np.ndarray:
    """The counts of N hypotheses of one sentence against its references, [N, counts].

    metric: BLEU, CHRF or TER of `sacrebleu.metrics`. The references are processed once.
    """
    (cached,) = metric._cache_references([[reference] for reference in references])
    counts = {
        hypothesis: metric._compute_segment_statistics(metric._preprocess_segment(hypothesis), cached)
        for hypothesis in set(hypotheses)
    }
    return np.array([counts[hypothesis] for hypothesis in hypotheses])


def score_of_counts(metric: Any, totals: np.ndarray) -> Any:
    """sacreBLEU's score object for the sum of the counts of all sentences, [counts]."""
    return metric._compute_score_from_stats(totals.tolist())


def score_of_sample(metric: Any, counts: np.ndarray) -> float:
    """The score of a resampled corpus. counts: of its lines, [lines, counts], in float32 as sacreBLEU adds them."""
    return float(metric._compute_score_from_stats(counts.sum(0)).score)


def p_value(differences: np.ndarray, difference: float) -> float:
    """The share of centred differences of resampled corpora that exceed the one found, with add-one smoothing."""
    return float(_compute_p_value(differences, difference))
