"""The weights of a trained network in the form that the compiled engine reads.

The contributions of each target token to the gates of the first decoder layer and to the readout are precomputed.
"""

from dataclasses import dataclass
from typing import Self

import numpy as np

from seq2seq.config import ModelConfig
from seq2seq.inference.shortlist import Shortlist
from seq2seq.inference.weights import Linear, Tensors, UnsupportedModelError, Weight

_GATES = {"gru": 3, "lstm": 4, "rnn": 1}
_STATES = {"gru": 1, "lstm": 2, "rnn": 1}


@dataclass(frozen=True)
class RecurrenceWeights:
    """One recurrent layer in one direction; the cells are those of `seq2seq/model/cells.py`."""

    cell: str
    inputs: Linear
    """From the input to the gates; holds all biases except the one that a GRU multiplies by its reset gate."""
    recurrent: Linear
    """From the state to the gates."""

    @classmethod
    def from_tensors(cls, tensors: Tensors, name: str, cell: str, input_size: int, hidden_size: int) -> Self:
        """From the parameters `name`.* of a torch module."""
        if cell not in _GATES:
            raise UnsupportedModelError(cell)
        width = _GATES[cell] * hidden_size
        inputs, recurrent = (
            Linear(
                tensors.weight(f"{name}.weight_{kind}_l0", width, size), tensors.take(f"{name}.bias_{kind}_l0", width)
            )
            for kind, size in (("ih", input_size), ("hh", hidden_size))
        )
        kept = np.zeros_like(recurrent.bias)
        if cell == "gru":
            kept[2 * hidden_size :] = recurrent.bias[2 * hidden_size :]
        bias = inputs.bias + (recurrent.bias - kept)
        return cls(cell, Linear(inputs.weight, bias), Linear(recurrent.weight, kept))


@dataclass(frozen=True)
class EncoderWeights:
    """The recurrent layers, and the tanh layer that computes the context vector from their states."""

    embedding: np.ndarray
    """[V, E]"""
    layers: list[list[RecurrenceWeights]]
    """Per layer, one recurrence left to right or one per direction."""
    summary: Linear

    @classmethod
    def from_tensors(cls, tensors: Tensors, config: ModelConfig, embedding: np.ndarray) -> Self:
        """From the parameters of the torch module."""
        directions = ["left_to_right.", "right_to_left."] if config.bidirectional else [""]
        size = config.hidden_size // len(directions)
        widths = [config.embedding_size] + [config.hidden_size] * (config.encoder_layers - 1)
        layers = [
            [
                RecurrenceWeights.from_tensors(
                    tensors, f"encoder.layers.{layer}.{direction}recurrence.run", config.cell, width, size
                )
                for direction in directions
            ]
            for layer, width in enumerate(widths)
        ]
        summary = tensors.linear("encoder.summary", config.context_size, 3 * config.hidden_size)
        return cls(embedding, layers, summary)


@dataclass(frozen=True)
class ContextWeights:
    """The projections of the context vector that the decoder reads at each step."""

    gates: Linear
    """From the context vector to the gates of the first layer."""
    readout: Linear
    """From the context vector to the readout."""

    @classmethod
    def from_tensors(cls, tensors: Tensors, config: ModelConfig, gates: Linear) -> Self:
        """From the parameters of the torch module; gates: the first layer's weights for the context vector."""
        return cls(gates, _readout(tensors, config, 0, config.context_size))


@dataclass(frozen=True)
class SummaryWeights(ContextWeights):
    """Those of the context vector and of K summaries of the source, of which each step reads a mixture."""

    weigh: Linear
    """H -> K"""
    gate: Linear
    """H -> K"""
    mixture: Linear
    """H -> E: from the mixture to the readout; it is linear, so the engine applies it to each summary before mixing."""

    @classmethod
    def from_tensors(cls, tensors: Tensors, config: ModelConfig, gates: Linear) -> Self:
        """From the parameters of the torch module; gates: the first layer's weights for the context vector."""
        size, count, name = config.hidden_size, config.summaries, "decoder.summaries"
        return cls(
            gates,
            _readout(tensors, config, 0, config.context_size),
            weigh=Linear.unbiased(tensors.weight(f"{name}.weigh.weight", count, size)),
            gate=tensors.linear(f"{name}.gate", count, size),
            mixture=_readout(tensors, config, 1, size),
        )


@dataclass(frozen=True)
class AttentionWeights:
    """Attention to the encoder's outputs: score(s, h) is s h, s W h, or v tanh(W s + U h)."""

    key: Linear | None
    query: Linear | None
    score: np.ndarray | None
    """[A], for additive attention."""
    value: Linear
    """From an encoder output to the readout."""

    @classmethod
    def from_tensors(cls, tensors: Tensors, config: ModelConfig) -> Self:
        """From the parameters of the torch module."""
        size, kind, name = config.hidden_size, config.attention, "decoder.attention"
        value = _readout(tensors, config, 0, size)
        if kind == "general":
            return cls(Linear.unbiased(tensors.weight(f"{name}.key.weight", size, size)), None, None, value)
        if kind == "additive":
            query = Linear.unbiased(tensors.weight(f"{name}.query.weight", size, size))
            score = tensors.take(f"{name}.score.weight", 1, size)[0]
            return cls(tensors.linear(f"{name}.key", size, size), query, score, value)
        if kind == "dot":
            return cls(None, None, None, value)
        raise UnsupportedModelError(kind)


def _readout(tensors: Tensors, config: ModelConfig, index: int, size: int) -> Linear:
    """The layer of the readout for its source input `index`."""
    return Linear.unbiased(tensors.weight(f"decoder.readout.contexts.{index}.weight", config.embedding_size, size))


@dataclass(frozen=True)
class DecoderWeights:
    """The decoder and the output layer."""

    token_gates: np.ndarray
    """[V, gates * H], the contribution of each token to the first layer's gates."""
    token_readout: np.ndarray
    """[V, E], the contribution of each token to the readout."""
    layers: list[RecurrenceWeights]
    first_state: Linear
    source: ContextWeights | AttentionWeights
    readout: Linear
    """From the state to the readout."""
    output: Linear

    @classmethod
    def from_tensors(cls, tensors: Tensors, config: ModelConfig, embedding: Weight) -> Self:
        """From the parameters of the torch module."""
        vocab, size = embedding.shape
        hidden, context = config.hidden_size, config.context_size
        has_attention = config.attention != "none"
        first_width = size if has_attention else size + context
        layers = [
            RecurrenceWeights.from_tensors(
                tensors, f"decoder.recurrence.layers.{layer}.run", config.cell, width, hidden
            )
            for layer, width in enumerate([first_width] + [hidden] * (config.decoder_layers - 1))
        ]
        first = layers[0].inputs
        source: ContextWeights | AttentionWeights
        if has_attention:
            source = AttentionWeights.from_tensors(tensors, config)
        else:
            gates = Linear.unbiased(first.weight.columns(size, first_width))
            source = (SummaryWeights if config.summaries else ContextWeights).from_tensors(tensors, config, gates)
        state_size = config.decoder_layers * _STATES[config.cell] * hidden
        first_state = tensors.linear("decoder.first_state.layer", state_size, context)
        readout = tensors.linear("decoder.readout.hidden", size, hidden)
        token_readout = tensors.weight("decoder.readout.word.weight", size, size)
        output = Linear(embedding, tensors.take("output_bias", vocab))
        tensors.expect_none_left()
        # These tables are computed once and stay in float32.
        tokens = embedding.dense()
        token_gates = tokens @ first.weight.columns(0, size).dense().T + first.bias
        return cls(token_gates, tokens @ token_readout.dense().T, layers, first_state, source, readout, output)


@dataclass(frozen=True)
class NetworkWeights:
    """The parameters of p(target | source)."""

    encoder: EncoderWeights
    decoder: DecoderWeights
    shortlist: Shortlist | None = None
    """The tokens that a translation may contain; None allows all."""

    @classmethod
    def from_tensors(cls, tensors: Tensors, config: ModelConfig, src_vocab: int, tgt_vocab: int, joint: bool) -> Self:
        """From the parameters of a torch `EncoderDecoder`. Raises UnsupportedModelError for any other tensors."""
        if config.architecture != "default":
            raise UnsupportedModelError(config.architecture)
        tgt_embedding = tensors.weight("tgt_embedding.weight", tgt_vocab, config.embedding_size)
        src_embedding = tgt_embedding
        if not joint:
            src_embedding = tensors.weight("src_embedding.weight", src_vocab, config.embedding_size)
        encoder = EncoderWeights.from_tensors(tensors, config, src_embedding.dense())
        return cls(encoder, DecoderWeights.from_tensors(tensors, config, tgt_embedding))
