"""Confidence in a translation: the sentence chrF to be expected, from features that correlate with it.

A linear regression, learnt at the end of training on translations of the validation set, and of text that is not in the
source language at all: the references, which deserve a chrF of 0.
"""

import math
from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated, Self

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from seq2seq.errors import InputError
from seq2seq.io.storage import parse_json, to_json
from seq2seq.runs.model_folder import CONFIDENCE, ModelFolder
from seq2seq.search.options import Hypothesis

if TYPE_CHECKING:
    import numpy as np

UNRELIABLE = 30.0
"""The sentence chrF below which a translation is hardly of use."""

FEATURES = 6
"""Their number."""
_UNLIKELY = -1.5
"""Log-probability below which a token is unlikely."""
# To both lengths of a ratio, as short sentences vary.
_ADDED = 3
_RIDGE = 1.0
_LARGEST_VOCABULARY = 2**20

_Number = Annotated[float, Field(ge=-1e6, le=1e6)]
_Features = Annotated[tuple[_Number, ...], Field(min_length=FEATURES, max_length=FEATURES)]


class Confidence(BaseModel):
    """Estimates the sentence chrF of translations."""

    model_config = ConfigDict(frozen=True, extra="forbid", allow_inf_nan=False)

    log_frequencies: Annotated[tuple[_Number, ...], Field(max_length=_LARGEST_VOCABULARY)]
    """Of each source piece in the training text, natural logarithm."""
    low: _Features
    """Features are clipped to the range that was seen in learning."""
    high: _Features
    weights: _Features
    bias: _Number

    @classmethod
    def learn(cls, counts: "np.ndarray", examples: Sequence[tuple[Sequence[int], Hypothesis, float]]) -> Self:
        """Learn from examples, each the source ids, the hypothesis and its sentence chrF.

        counts: how often each source piece occurs in training, [V].
        """
        import numpy as np  # not above: translation starts faster without it

        log_frequencies = np.log((counts + 0.5) / (counts.sum() + 1)).round(2).tolist()
        features = np.array([_features(ids, hypothesis, log_frequencies) for ids, hypothesis, _ in examples])
        scores = np.array([score for _, _, score in examples])
        mean, scale = features.mean(axis=0), features.std(axis=0) + 1e-6
        scaled = (features - mean) / scale
        products = scaled.T @ scaled + _RIDGE * np.eye(FEATURES)
        weights = np.linalg.solve(products, scaled.T @ (scores - scores.mean())) / scale
        return cls(
            log_frequencies=tuple(log_frequencies),
            low=tuple(features.min(axis=0).tolist()),
            high=tuple(features.max(axis=0).tolist()),
            weights=tuple(weights.tolist()),
            bias=float(scores.mean() - mean @ weights),
        )

    def content(self) -> bytes:
        """The content of its file."""
        return to_json(self.model_dump())

    def estimate(self, ids: Sequence[int], hypothesis: Hypothesis) -> float:
        """The sentence chrF to be expected of a translation, 0 to 100. ids: of its source, without eos."""
        features = _features(ids, hypothesis, self.log_frequencies)
        clipped = [min(max(value, low), high) for value, low, high in zip(features, self.low, self.high, strict=True)]
        score = self.bias + sum(weight * value for weight, value in zip(self.weights, clipped, strict=True))
        return min(max(score, 0.0), 100.0)


def load_confidence(folder: ModelFolder) -> Confidence | None:
    """That of a model; None if it was not calibrated. Raises InputError if the file is damaged."""
    data, name = folder.read_confidence(), folder.path / CONFIDENCE
    if data is None:
        return None
    try:
        confidence = Confidence.model_validate(parse_json(data, name))
    except ValidationError as error:
        fault = error.errors(include_url=False, include_context=False, include_input=False)[0]
        raise InputError(f"{name}: damaged ({'.'.join(map(str, fault['loc']))!a}: {fault['msg']})") from None
    if len(confidence.log_frequencies) != len(folder.tokenizers.src):
        raise InputError(f"{name}: was made for another vocabulary")
    return confidence


def _features(ids: Sequence[int], hypothesis: Hypothesis, log_frequencies: Sequence[float]) -> list[float]:
    """Features of a translation, [FEATURES]. ids: of its source, at least one."""
    tokens = sorted(hypothesis.token_log_probs)
    least_likely = tokens[: -(-len(tokens) // 4)]
    return [
        sum(tokens) / len(tokens),
        sum(least_likely) / len(least_likely),
        sum(token < _UNLIKELY for token in tokens) / len(tokens),
        math.log((len(tokens) + _ADDED) / (len(ids) + _ADDED)),
        math.log(len(ids)),
        sum(log_frequencies[piece] for piece in ids) / len(ids),
    ]
