"""The forward pass of a search in numpy, with the shapes of `seq2seq/model/network.py` and the same results.

What does not change from step to step is computed once: per word of the vocabulary its share of the first layer's
gates and of the readout, per sentence the shares of its context vector, and what attention compares and reads out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np

from seq2seq.config import ModelConfig
from seq2seq.export.tensors import Tensors

GATES = {"gru": 3, "lstm": 4, "rnn": 1}
"""Cells, and how many gates each has: matrices of width H in its products."""
VECTORS = {"gru": 1, "lstm": 2, "rnn": 1}
"""Vectors of width H in a state of each; the first is the output."""


@dataclass(frozen=True)
class Linear:
    """y = W x + b"""

    weight: np.ndarray
    """[O, I]"""
    bias: np.ndarray
    """[O]"""

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """inputs [..., I] -> [..., O]"""
        outputs: np.ndarray = inputs @ self.weight.T
        outputs += self.bias
        return outputs


def unbiased(weight: np.ndarray) -> Linear:
    """y = W x"""
    return Linear(weight, np.zeros(len(weight), np.float32))


@dataclass(frozen=True)
class Recurrence:
    """One recurrent layer, left to right."""

    cell: str
    inputs: Linear
    """The input's share of the gates. It has all biases, but for one that the GRU multiplies with a gate."""
    recurrent: Linear
    """The state's share of the gates."""

    @classmethod
    def take(cls, tensors: Tensors, name: str, cell: str, input_size: int, hidden_size: int) -> "Recurrence":
        """The layer from the parameters `name`.* of a torch module."""
        width = GATES[cell] * hidden_size
        inputs, recurrent = (
            Linear(tensors.take(f"{name}.weight_{kind}_l0", width, size), tensors.take(f"{name}.bias_{kind}_l0", width))
            for kind, size in (("ih", input_size), ("hh", hidden_size))
        )
        kept = np.zeros_like(recurrent.bias)
        if cell == "gru":
            kept[2 * hidden_size :] = recurrent.bias[2 * hidden_size :]
        bias = inputs.bias + (recurrent.bias - kept)
        return cls(cell, Linear(inputs.weight, bias), Linear(recurrent.weight, kept))

    @property
    def hidden_size(self) -> int:
        """H"""
        return int(self.recurrent.weight.shape[1])

    @property
    def state_size(self) -> int:
        """Numbers in a state."""
        return VECTORS[self.cell] * self.hidden_size

    def step(self, gates: np.ndarray, state: np.ndarray) -> np.ndarray:
        """gates [N, gates * H]: the input's share; state [N, state size] -> next state; its first H are output."""
        hidden = state[:, : self.hidden_size]
        own = self.recurrent(hidden)
        if self.cell == "gru":
            width = 2 * self.hidden_size
            reset, keep = np.split(_sigmoid(gates[:, :width] + own[:, :width]), 2, axis=1)
            candidate = np.tanh(gates[:, width:] + reset * own[:, width:])
            return np.asarray(candidate + keep * (hidden - candidate))
        own += gates
        if self.cell == "rnn":
            return np.asarray(np.tanh(own))
        enter, forget, candidate, leave = np.split(own, 4, axis=1)
        memory = _sigmoid(forget) * state[:, self.hidden_size :] + _sigmoid(enter) * np.tanh(candidate)
        return np.concatenate([_sigmoid(leave) * np.tanh(memory), memory], axis=1)


def softmax(inputs: np.ndarray) -> np.ndarray:
    """Of each row: [N, I] -> [N, I]"""
    outputs = np.exp(inputs - inputs.max(axis=1, keepdims=True))
    outputs /= outputs.sum(axis=1, keepdims=True)
    return np.asarray(outputs)


def _sigmoid(inputs: np.ndarray) -> np.ndarray:
    half = np.float32(0.5)
    return np.asarray(np.tanh(inputs * half) * half + half)


@dataclass(frozen=True)
class Encoded:
    """What the decoder knows of B source sentences."""

    context: np.ndarray
    """[B, C], the context vectors."""
    outputs: list[np.ndarray]
    """[S, H] of each sentence, without padding: the top layer's states."""


@dataclass(frozen=True)
class Encoder:
    """A stack of recurrent layers, and the tanh layer that makes the context vector of their states."""

    embedding: np.ndarray
    layers: list[list[Recurrence]]
    """Each layer is one recurrence left to right, or this and one right to left."""
    summary: Linear

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, embedding: np.ndarray) -> "Encoder":
        """From the parameters of the torch module."""
        directions = ["left_to_right.", "right_to_left."] if config.bidirectional else [""]
        size = config.hidden_size // len(directions)
        widths = [config.embedding_size] + [config.hidden_size] * (config.encoder_layers - 1)
        layers = [
            [
                Recurrence.take(tensors, f"encoder.layers.{number}.{one}recurrence.run", config.cell, width, size)
                for one in directions
            ]
            for number, width in enumerate(widths)
        ]
        summary = take_linear(tensors, "encoder.summary", config.context_size, 3 * config.hidden_size)
        return cls(embedding, layers, summary)

    def __call__(self, sources: Sequence[Sequence[int]]) -> Encoded:
        """sources: ids of each sentence."""
        lengths = np.array([len(source) for source in sources])
        flat = np.fromiter((token for source in sources for token in source), np.int64, lengths.sum())
        ends = np.cumsum(lengths)
        # Row i of `outputs` [all tokens, width] is the i-th token of the batch.
        outputs = self.embedding[flat]
        last: list[np.ndarray] = []
        for layer in self.layers:
            runs = [_run(one, outputs, ends, lengths, backwards=bool(way)) for way, one in enumerate(layer)]
            outputs = np.concatenate(runs, axis=1)
            # The last state of a direction stands at the last token that it read.
            last = [run[ends - lengths if way else ends - 1] for way, run in enumerate(runs)]
        mean = np.add.reduceat(outputs, ends - lengths, axis=0) / lengths[:, None].astype(np.float32)
        highest = np.maximum.reduceat(outputs, ends - lengths, axis=0)
        context = np.tanh(self.summary(np.concatenate([*last, mean, highest], axis=1)))
        return Encoded(context, np.split(outputs, ends[:-1]))


def _run(
    recurrence: Recurrence, inputs: np.ndarray, ends: np.ndarray, lengths: np.ndarray, *, backwards: bool
) -> np.ndarray:
    """inputs [all tokens, I] of sentences that end before `ends` -> outputs [all tokens, H]."""
    gates = recurrence.inputs(inputs)
    outputs = np.empty((len(inputs), recurrence.hidden_size), np.float32)
    state = np.zeros((len(lengths), recurrence.state_size), np.float32)
    for time in range(lengths.max()):
        going = np.flatnonzero(time < lengths)
        tokens = (ends - 1 - time if backwards else ends - lengths + time)[going]
        state[going] = recurrence.step(gates[tokens], state[going])
        outputs[tokens] = state[going, : recurrence.hidden_size]
    return outputs


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

    def __call__(self, encoded: Encoded) -> FixedContext:
        """What B sentences give to the steps."""
        return FixedContext(self.gates(encoded.context), self.readout(encoded.context))


@dataclass(frozen=True)
class SummarisedContext(FixedContext):
    """The shares of the context vectors and of the summaries, from which each step takes a mixture."""

    gate: Linear
    """H -> K"""
    summary_shares: np.ndarray
    """[B, K, E]: each summary as it enters the readout."""

    def readout(self, states: np.ndarray, sentence: np.ndarray) -> np.ndarray:
        """Those of the context vectors and of the mixtures."""
        parts = softmax(self.gate(states))
        mixtures = np.matmul(parts[:, None], self.summary_shares[sentence])[:, 0]
        return np.asarray(super().readout(states, sentence) + mixtures)


@dataclass(frozen=True)
class SummaryKnowledge(ContextKnowledge):
    """How a `SummaryDecoder` is told of a source."""

    weigh: Linear
    """H -> K"""
    gate: Linear
    """H -> K"""
    summary: Linear
    """H -> E: the readout's layer for a mixture, which may as well come before the mixing."""

    def __call__(self, encoded: Encoded) -> SummarisedContext:
        """What B sentences give to the steps."""
        summaries = np.stack([softmax(self.weigh(outputs).T) @ outputs for outputs in encoded.outputs])
        known = super().__call__(encoded)
        return SummarisedContext(known.gate_shares, known.readout_shares, self.gate, self.summary(summaries))


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
            found[start:end] = softmax(scores) @ self.values[number]
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
        value = unbiased(tensors.take("decoder.readout.contexts.0.weight", config.embedding_size, size))
        if kind == "general":
            return cls(unbiased(tensors.take(f"{name}.key.weight", size, size)), None, None, value)
        if kind == "additive":
            query = unbiased(tensors.take(f"{name}.query.weight", size, size))
            score = tensors.take(f"{name}.score.weight", 1, size)[0]
            return cls(take_linear(tensors, f"{name}.key", size, size), query, score, value)
        return cls(None, None, None, value)

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


@dataclass(frozen=True)
class Decoder:
    """The decoder's searching face, and the output layer."""

    word_gates: np.ndarray
    """[V, gates * H], each word's share of the first layer's gates."""
    word_readout: np.ndarray
    """[V, E], each word's share of the readout."""
    layers: list[Recurrence]
    first_state: Linear
    source: ContextKnowledge | Attention
    readout: Linear
    """The state's share of the readout."""
    output: Linear

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, embedding: np.ndarray) -> "Decoder":
        """From the parameters of the torch module."""
        vocab, size = embedding.shape
        hidden, context = config.hidden_size, config.context_size
        attends = config.attention != "none"
        first_width = size if attends else size + context
        layers = [
            Recurrence.take(tensors, f"decoder.recurrence.layers.{number}.run", config.cell, width, hidden)
            for number, width in enumerate([first_width] + [hidden] * (config.decoder_layers - 1))
        ]
        first = layers[0].inputs
        state_size = sum(layer.state_size for layer in layers)
        source: ContextKnowledge | Attention
        if attends:
            source = Attention.take(tensors, config)
        else:
            source = take_context(tensors, config, unbiased(first.weight[:, size:]))
        first_state = take_linear(tensors, "decoder.first_state.layer", state_size, context)
        readout = take_linear(tensors, "decoder.readout.hidden", size, hidden)
        word = unbiased(tensors.take("decoder.readout.word.weight", size, size))
        output = Linear(embedding, tensors.take("output_bias", vocab))
        tensors.expect_none_left()
        word_gates = Linear(first.weight[:, :size], first.bias)(embedding)
        return cls(word_gates, word(embedding), layers, first_state, source, readout, output)

    def start(self, encoded: Encoded) -> tuple[np.ndarray, Source]:
        """The states [B, all state sizes] before the first word, and what the steps take from the sources."""
        return np.tanh(self.first_state(encoded.context)), self.source(encoded)

    def step(
        self, tokens: np.ndarray, states: np.ndarray, source: Source, sentence: np.ndarray
    ) -> tuple[np.ndarray, np.ndarray]:
        """tokens [N], states [N, all state sizes], sentence [N] -> logits of the next word [N, V], next states."""
        gates = self.word_gates[tokens]
        gates += source.gates(sentence)
        outputs, start, next_states = None, 0, np.empty_like(states)
        for layer in self.layers:
            end = start + layer.state_size
            if outputs is not None:
                gates = layer.inputs(outputs)
            next_states[:, start:end] = layer.step(gates, states[:, start:end])
            own = next_states[:, start : start + layer.hidden_size]
            outputs = own if outputs is None else own + outputs
            start = end
        assert outputs is not None
        features = self.readout(outputs)
        features += self.word_readout[tokens]
        features += source.readout(outputs, sentence)
        return self.output(np.tanh(features)), next_states


def take_context(tensors: Tensors, config: ModelConfig, gates: Linear) -> ContextKnowledge:
    """From the parameters of a `ContextDecoder` or a `SummaryDecoder`; gates: the context vector's share of those."""
    size, hidden, count = config.embedding_size, config.hidden_size, config.summaries
    readout = unbiased(tensors.take("decoder.readout.contexts.0.weight", size, config.context_size))
    if not count:
        return ContextKnowledge(gates, readout)
    weigh = unbiased(tensors.take("decoder.summaries.weigh.weight", count, hidden))
    gate = take_linear(tensors, "decoder.summaries.gate", count, hidden)
    summary = unbiased(tensors.take("decoder.readout.contexts.1.weight", size, hidden))
    return SummaryKnowledge(gates, readout, weigh, gate, summary)


def take_linear(tensors: Tensors, name: str, out_size: int, in_size: int) -> Linear:
    """From the parameters of `nn.Linear`."""
    return Linear(tensors.take(f"{name}.weight", out_size, in_size), tensors.take(f"{name}.bias", out_size))


@dataclass(frozen=True)
class Network:
    """p(target | source), one word at a time."""

    encoder: Encoder
    decoder: Decoder

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, src_vocab: int, tgt_vocab: int, joint: bool) -> "Network":
        """From the parameters of a torch `EncoderDecoder`. Raises UnknownModelError where they are not just those."""
        tgt_embedding = tensors.take("tgt_embedding.weight", tgt_vocab, config.embedding_size)
        src_embedding = tgt_embedding
        if not joint:
            src_embedding = tensors.take("src_embedding.weight", src_vocab, config.embedding_size)
        encoder = Encoder.take(tensors, config, src_embedding)
        return cls(encoder, Decoder.take(tensors, config, tgt_embedding))
