"""The encoder in numpy: `seq2seq/model/encoder.py`."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from seq2seq.config import ModelConfig
from seq2seq.export.linear import Linear
from seq2seq.export.recurrence import Recurrence
from seq2seq.export.tensors import Tensors


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
        summary = tensors.linear("encoder.summary", config.context_size, 3 * config.hidden_size)
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
