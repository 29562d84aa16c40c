"""The forward pass of a search in numpy, with the shapes of `seq2seq/model/network.py` and the same results.

What does not change from step to step is computed once: per word of the vocabulary its share of the first layer's
gates and of the readout, per sentence the shares of its context vector, and what attention compares and reads out.
"""

from dataclasses import dataclass

import numpy as np

from seq2seq.config import ModelConfig
from seq2seq.export.encoder import Encoded, Encoder
from seq2seq.export.linear import Linear, Weight, unbiased
from seq2seq.export.recurrence import Recurrence
from seq2seq.export.shortlist import Shortlist
from seq2seq.export.source import Attention, ContextKnowledge, Source, SummaryKnowledge
from seq2seq.export.tensors import Tensors, UnknownModelError


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
    def take(cls, tensors: Tensors, config: ModelConfig, embedding: Weight) -> "Decoder":
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
            gates = unbiased(first.weight.columns(size, first_width))
            source = (SummaryKnowledge if config.summaries else ContextKnowledge).take(tensors, config, gates)
        first_state = tensors.linear("decoder.first_state.layer", state_size, context)
        readout = tensors.linear("decoder.readout.hidden", size, hidden)
        word = tensors.weight("decoder.readout.word.weight", size, size)
        output = Linear(embedding, tensors.take("output_bias", vocab))
        tensors.expect_none_left()
        # These tables are made once: there is no need to round the embeddings for them.
        words = embedding.dense()
        word_gates = words @ first.weight.columns(0, size).dense().T + first.bias
        return cls(word_gates, words @ word.dense().T, layers, first_state, source, readout, output)

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


@dataclass(frozen=True)
class Network:
    """p(target | source), one word at a time."""

    encoder: Encoder
    decoder: Decoder
    shortlist: Shortlist | None = None
    """The words that each sentence has; None: all."""

    @classmethod
    def take(cls, tensors: Tensors, config: ModelConfig, src_vocab: int, tgt_vocab: int, joint: bool) -> "Network":
        """From the parameters of a torch `EncoderDecoder`. Raises UnknownModelError where they are not just those."""
        if config.architecture != "default":
            raise UnknownModelError(config.architecture)
        tgt_embedding = tensors.weight("tgt_embedding.weight", tgt_vocab, config.embedding_size)
        src_embedding = tgt_embedding
        if not joint:
            src_embedding = tensors.weight("src_embedding.weight", src_vocab, config.embedding_size)
        encoder = Encoder.take(tensors, config, src_embedding.dense())
        return cls(encoder, Decoder.take(tensors, config, tgt_embedding))
