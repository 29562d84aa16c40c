"""The options of a search and its results. Nothing here needs torch."""

from collections.abc import Sequence
from dataclasses import dataclass

SourceIds = Sequence[Sequence[int]]
"""The ids of B sentences, each ended by eos."""


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A finished candidate."""

    tokens: tuple[int, ...]
    """Without bos and eos."""
    log_prob: float
    """log p(tokens, eos | source), natural logarithm."""
    score: float
    """log_prob over the length penalty; candidates without symbols are ranked by it."""
    token_log_probs: tuple[float, ...]
    """The log-probability of each token and of eos; their sum is log_prob."""


@dataclass(frozen=True, slots=True)
class SearchOptions:
    """How to search."""

    beam_size: int
    """Hypotheses kept, at least n_best; 1 is greedy search."""
    length_penalty: float
    """Exponent of the length penalty, at least 0."""
    n_best: int = 1
    """Hypotheses to return per sentence."""
    forbidden_ids: Sequence[int] = ()
    """Tokens that no hypothesis may contain."""
    symbols: bool = False
    """Whether the ids of `tokenizer/symbols.py` are symbols in these vocabularies, and not pieces of text.

    Each translation then contains the symbols of its source, each exactly once, and no others. Pairs are nested,
    unpaired symbols keep their order and stand outside of pairs. Log-probabilities remain those of the model.
    """
    length_ratio: int = 2
    length_extra: int = 10

    def max_length(self, src_length: int) -> int:
        """Most tokens in a translation: `length_ratio` times its source's plus `length_extra`; both count eos."""
        return self.length_ratio * src_length + self.length_extra

    def is_longest(self, hypothesis: Hypothesis, src_length: int) -> bool:
        """Whether a hypothesis has as many tokens as it may have, so that its end was forced."""
        return len(hypothesis.tokens) + 1 >= self.max_length(src_length)


def length_normalizer(length: int, length_penalty: float) -> float:
    """((5 + length) / 6) ** length_penalty (Wu et al. 2016, equation 14); length counts eos."""
    return float(((5 + length) / 6) ** length_penalty)
