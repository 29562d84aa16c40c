"""How the source reaches the decoder at each step: by a fixed context, or by attention."""

from dataclasses import dataclass
from typing import Protocol, Self

import numpy as np

from seq2seq.config import ModelConfig
from seq2seq.export.encoder import Encoded
from seq2seq.export.linear import Linear, unbiased
from seq2seq.export.tensors import Tensors, UnknownModelError


class Source(Protocol):
    """What the decoder's steps take from B sentences. `sentence` [N] says which of them each hypothesis belongs to."""

    def gates(self, sentence: np.ndarray) -> np.ndarray:
        """The source's share of the first layer's gates [N or 1, gates * H]."""
        ...

    def readout(self, states: np.ndarray, sentence: np.ndarray) -> np.ndarray:
        """The source's share of the readout [N, E]. states [N, H]: the decoder's, those of a sentence side by side."""
        ...


@dataclass(frozen=True)
class FixedContext:
    """The context vectors' shares, the same at every step."""

    gate_shares: np.ndarray
    """[B, gates * H]"""
    readout_shares: np.ndarray
    """[B, E]"""

    def gates(self, sentence: np.ndarray) -> np.ndarray:
        """Those of the gates."""
        return np.asarray(self.gate_shares[sentence])

    def readout(self, states: np.ndarray, sentence: np.ndarray) -> np.ndarray:
        """Those of the readout."""
        return np.asarray(self.readout_shares[sentence])


@dataclass(frozen=True)
class ContextKnowledge:
    """How a `ContextDecoder` is told of a source."""

    gates: Linear
    readout: Linear

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, gates: Linear) -> Self:
        """From the parameters of the torch module, and the context vector's share of the first layer's gates."""
        return cls(gates, _readout(tensors, config, 0, config.context_size))

    def __call__(self, encoded: Encoded) -> FixedContext:
        """What B sentences give to the steps."""
        return FixedContext(self.gates(encoded.context), self.readout(encoded.context))


@dataclass(frozen=True)
class SummarisedContext(FixedContext):
    """The shares of the context vectors, and of the summaries that each step takes a mixture of."""

    gate: Linear
    """H -> K"""
    summary_shares: np.ndarray
    """[B, K, E]: each summary as it enters the readout."""

    def readout(self, states: np.ndarray, sentence: np.ndarray) -> np.ndarray:
        """Those of the context vectors and the mixtures."""
        mixtures = np.matmul(_softmax(self.gate(states))[:, None], self.summary_shares[sentence])
        return np.asarray(super().readout(states, sentence) + mixtures[:, 0])


@dataclass(frozen=True)
class SummaryKnowledge(ContextKnowledge):
    """How a `SummaryDecoder` is told of a source."""

    weigh: Linear
    """H -> K"""
    gate: Linear
    """H -> K"""
    mixture: Linear
    """H -> E: a mixture's share of the readout, which each summary may as well give before the mixing."""

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, gates: Linear) -> Self:
        """From the parameters of the torch module, and the context vector's share of the first layer's gates."""
        size, count, name = config.hidden_size, config.summaries, "decoder.summaries"
        return cls(
            gates,
            _readout(tensors, config, 0, config.context_size),
            weigh=unbiased(tensors.weight(f"{name}.weigh.weight", count, size)),
            gate=tensors.linear(f"{name}.gate", count, size),
            mixture=_readout(tensors, config, 1, size),
        )

    def __call__(self, encoded: Encoded) -> SummarisedContext:
        """What B sentences give to the steps."""
        known = super().__call__(encoded)
        summaries = np.stack([_softmax(self.weigh(outputs).T) @ outputs for outputs in encoded.outputs])
        return SummarisedContext(known.gate_shares, known.readout_shares, self.gate, self.mixture(summaries))


def _readout(tensors: Tensors, config: ModelConfig, number: int, size: int) -> Linear:
    """The readout's layer for what it sees of the source, the first or the second."""
    return unbiased(tensors.weight(f"decoder.readout.contexts.{number}.weight", config.embedding_size, size))


def _softmax(rows: np.ndarray) -> np.ndarray:
    """[N, I] -> [N, I]"""
    weights = np.exp(rows - rows.max(axis=1, keepdims=True))
    weights /= weights.sum(axis=1, keepdims=True)
    return np.asarray(weights)


@dataclass(frozen=True)
class Attended:
    """What attention compares the decoder's states with, and what it finds."""

    attention: "Attention"
    keys: list[np.ndarray]
    """[S, A] of each sentence."""
    values: list[np.ndarray]
    """[S, E]: each state of the encoder as it enters the readout."""

    def gates(self, sentence: np.ndarray) -> np.ndarray:
        """None: the recurrence reads the target alone."""
        return np.zeros((1, 1), np.float32)

    def readout(self, states: np.ndarray, sentence: np.ndarray) -> np.ndarray:
        """The mean of the values, weighted by the softmax of the scores."""
        queries = self.attention.queries(states)
        found = np.empty((len(states), self.values[0].shape[1]), np.float32)
        starts = np.flatnonzero(np.diff(sentence, prepend=-1))
        for start, end in zip(starts, [*starts[1:], len(sentence)], strict=True):
            number = sentence[start]
            scores = self.attention.scores(queries[start:end], self.keys[number])
            found[start:end] = _softmax(scores) @ self.values[number]
        return found


@dataclass(frozen=True)
class Attention:
    """How an `AttentionDecoder` looks at a source: score(s, h) is s h, s W h, or v tanh(W s + U h)."""

    key: Linear | None
    query: Linear | None
    score: np.ndarray | None
    """[A], where scores are additive."""
    value: Linear

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig) -> "Attention":
        """From the parameters of the torch module."""
        size, kind, name = config.hidden_size, config.attention, "decoder.attention"
        value = _readout(tensors, config, 0, size)
        if kind == "general":
            return cls(unbiased(tensors.weight(f"{name}.key.weight", size, size)), None, None, value)
        if kind == "additive":
            query = unbiased(tensors.weight(f"{name}.query.weight", size, size))
            score = tensors.take(f"{name}.score.weight", 1, size)[0]
            return cls(tensors.linear(f"{name}.key", size, size), query, score, value)
        if kind == "dot":
            return cls(None, None, None, value)
        raise UnknownModelError(kind)

    def __call__(self, encoded: Encoded) -> Attended:
        """What there is to attend to in B sentences."""
        keys = [self.key(outputs) if self.key else outputs for outputs in encoded.outputs]
        return Attended(self, keys, [self.value(outputs) for outputs in encoded.outputs])

    def queries(self, states: np.ndarray) -> np.ndarray:
        """What asks: [N, H] -> [N, A]"""
        return self.query(states) if self.query else states

    def scores(self, queries: np.ndarray, keys: np.ndarray) -> np.ndarray:
        """queries [N, A], keys [S, A] of one sentence -> [N, S]"""
        return np.asarray(queries @ keys.T if self.score is None else np.tanh(queries[:, None] + keys) @ self.score)
