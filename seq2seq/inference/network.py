"""A trained network in the form of the compiled engine: that of `model/`, with what can be precomputed.

That is, for each word of the vocabulary, what it adds to the gates of the first layer and to the readout.
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
class Recurrence:
    """One recurrent layer in one direction: the cells of `seq2seq/model/cells.py`."""

    cell: str
    inputs: Linear
    """From the input to the gates, with all biases except the one that a GRU multiplies with its reset gate."""
    recurrent: Linear
    """From the state to the gates."""

    @classmethod
    def take(cls, tensors: Tensors, name: str, cell: str, input_size: int, hidden_size: int) -> Self:
        """The layer from the parameters `name`.* of a torch module."""
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
class Encoder:
    """A stack of recurrent layers, and the tanh layer that computes the context vector from their states."""

    embedding: np.ndarray
    """[V, E]"""
    layers: list[list[Recurrence]]
    """Each layer is one recurrence left to right, or one in each direction."""
    summary: Linear

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, embedding: np.ndarray) -> Self:
        """From the parameters of the torch module."""
        directions = ["left_to_right.", "right_to_left."] if config.bidirectional else [""]
        size = config.hidden_size // len(directions)
        widths = [config.embedding_size] + [config.hidden_size] * (config.encoder_layers - 1)
        layers = [
            [
                Recurrence.take(tensors, f"encoder.layers.{layer}.{direction}recurrence.run", config.cell, width, size)
                for direction in directions
            ]
            for layer, width in enumerate(widths)
        ]
        summary = tensors.linear("encoder.summary", config.context_size, 3 * config.hidden_size)
        return cls(embedding, layers, summary)


@dataclass(frozen=True)
class Context:
    """How the decoder reads the context vector at each step."""

    gates: Linear
    """From the context vector to the gates of the first layer."""
    readout: Linear
    """From the context vector to the readout."""

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, gates: Linear) -> Self:
        """From the parameters of the torch module, and the first layer's weights for the context vector."""
        return cls(gates, _readout(tensors, config, 0, config.context_size))


@dataclass(frozen=True)
class SummarisedContext(Context):
    """The context vector, and K summaries of the source, of which each step reads a mixture."""

    weigh: Linear
    """H -> K"""
    gate: Linear
    """H -> K"""
    mixture: Linear
    """H -> E: from a mixture to the readout; being linear, it can be applied to each summary before mixing."""

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, gates: Linear) -> Self:
        """From the parameters of the torch module, and the first layer's weights for the context vector."""
        size, count, name = config.hidden_size, config.summaries, "decoder.summaries"
        return cls(
            gates,
            _readout(tensors, config, 0, config.context_size),
            weigh=Linear.unbiased(tensors.weight(f"{name}.weigh.weight", count, size)),
            gate=tensors.linear(f"{name}.gate", count, size),
            mixture=_readout(tensors, config, 1, size),
        )


@dataclass(frozen=True)
class Attention:
    """How the decoder attends to the encoder's outputs: score(s, h) is s h, s W h, or v tanh(W s + U h)."""

    key: Linear | None
    query: Linear | None
    score: np.ndarray | None
    """[A], for additive attention."""
    value: Linear
    """From an encoder output to the readout."""

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig) -> Self:
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


def _readout(tensors: Tensors, config: ModelConfig, number: int, size: int) -> Linear:
    """The readout's layer for its source input `number`."""
    return Linear.unbiased(tensors.weight(f"decoder.readout.contexts.{number}.weight", config.embedding_size, size))


@dataclass(frozen=True)
class Decoder:
    """The decoder and the output layer."""

    word_gates: np.ndarray
    """[V, gates * H], what each word adds to the first layer's gates."""
    word_readout: np.ndarray
    """[V, E], what each word adds to the readout."""
    layers: list[Recurrence]
    first_state: Linear
    source: Context | Attention
    readout: Linear
    """From the state to the readout."""
    output: Linear

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, embedding: Weight) -> Self:
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
        source: Context | Attention
        if attends:
            source = Attention.take(tensors, config)
        else:
            gates = Linear.unbiased(first.weight.columns(size, first_width))
            source = (SummarisedContext if config.summaries else Context).take(tensors, config, gates)
        state_size = config.decoder_layers * _STATES[config.cell] * hidden
        first_state = tensors.linear("decoder.first_state.layer", state_size, context)
        readout = tensors.linear("decoder.readout.hidden", size, hidden)
        word = tensors.weight("decoder.readout.word.weight", size, size)
        output = Linear(embedding, tensors.take("output_bias", vocab))
        tensors.expect_none_left()
        # These tables are computed once: they do not need the rounded embeddings.
        words = embedding.dense()
        word_gates = words @ first.weight.columns(0, size).dense().T + first.bias
        return cls(word_gates, words @ word.dense().T, layers, first_state, source, readout, output)


@dataclass(frozen=True)
class Network:
    """The parameters of p(target | source)."""

    encoder: Encoder
    decoder: Decoder
    shortlist: Shortlist | None = None
    """The words that a translation may contain; None allows all."""

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, src_vocab: int, tgt_vocab: int, joint: bool) -> Self:
        """From the parameters of a torch `EncoderDecoder`.

        Raises UnsupportedModelError if they are not exactly those.
        """
        if config.architecture != "default":
            raise UnsupportedModelError(config.architecture)
        tgt_embedding = tensors.weight("tgt_embedding.weight", tgt_vocab, config.embedding_size)
        src_embedding = tgt_embedding
        if not joint:
            src_embedding = tensors.weight("src_embedding.weight", src_vocab, config.embedding_size)
        encoder = Encoder.take(tensors, config, src_embedding.dense())
        return cls(encoder, Decoder.take(tensors, config, tgt_embedding))
