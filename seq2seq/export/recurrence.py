"""One recurrent layer in numpy: the cells of `seq2seq/model/cells.py`."""

from dataclasses import dataclass

import numpy as np

from seq2seq.export.linear import Linear
from seq2seq.export.tensors import Tensors, UnknownModelError

GATES = {"gru": 3, "lstm": 4, "rnn": 1}
"""Cells, and how many gates each has: matrices of width H in its products."""
VECTORS = {"gru": 1, "lstm": 2, "rnn": 1}
"""Vectors of width H in a state of each; the first is the output."""


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
        if cell not in GATES:
            raise UnknownModelError(cell)
        width = GATES[cell] * hidden_size
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


def _sigmoid(inputs: np.ndarray) -> np.ndarray:
    half = np.float32(0.5)
    return np.asarray(np.tanh(inputs * half) * half + half)
