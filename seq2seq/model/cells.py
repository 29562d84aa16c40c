"""Recurrences: the layers that carry a state from one token to the next.

A cell is a torch module that runs over a whole sequence in one fused call. `gru` is the gated recurrent unit of
Cho et al. 2014 (section 2.3) in the form of `torch.nn.GRU`, which resets after the matrix product:

    r = sigmoid(W_r x + U_r h)            how much of the old state the candidate sees
    z = sigmoid(W_z x + U_z h)            how much of the old state is kept
    n = tanh(W_n x + r * (U_n h + b))     the candidate
    h' = (1 - z) * n + z * h

`lstm` is the long short-term memory of Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000; its
state is the output h and the memory c, side by side. `rnn` is the plain h' = tanh(W x + U h).

Another cell is another entry of `CELLS`.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor, nn

from seq2seq.model.dropout import SequenceDropout


@dataclass(frozen=True)
class Cell:
    """A kind of recurrence."""

    module: Callable[..., nn.RNNBase]
    vectors: int = 1
    """Vectors of width H that a state consists of; the first of them is the output."""
    forget_gate: int | None = None
    """Which of the stacked gates keeps the memory, where there is one."""


CELLS = {"gru": Cell(nn.GRU), "lstm": Cell(nn.LSTM, vectors=2, forget_gate=1), "rnn": Cell(nn.RNN)}


class Recurrence(nn.Module):
    """One recurrent layer of cell `name`, left to right.

    Recurrent matrices start orthogonal, input matrices Glorot-uniform, each gate by itself; biases at 0, but for that
    of a forget gate, which starts at 1 (Gers et al. 2000; Jozefowicz et al. 2015).
    """

    def __init__(self, name: str, input_size: int, hidden_size: int) -> None:
        super().__init__()
        self.cell = CELLS[name]
        self.run = self.cell.module(input_size, hidden_size, batch_first=True)
        for parameter, tensor in self.run.named_parameters():
            gates = tensor.detach().chunk(len(tensor) // hidden_size)
            for gate, part in enumerate(gates):
                if parameter.startswith("weight_hh"):
                    nn.init.orthogonal_(part)
                elif parameter.startswith("weight_ih"):
                    nn.init.xavier_uniform_(part)
                else:
                    nn.init.constant_(part, float(gate == self.cell.forget_gate and parameter.startswith("bias_ih")))

    @property
    def state_size(self) -> int:
        """Numbers in a state."""
        return self.cell.vectors * self.run.hidden_size

    def forward(self, inputs: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """inputs [B, T, I], state [B, state_size] (zeros where None) -> outputs [B, T, H], last state."""
        if state is None:
            state = torch.zeros(len(inputs), self.state_size, device=inputs.device, dtype=inputs.dtype)
        vectors = tuple(vector.contiguous() for vector in state[None].chunk(self.cell.vectors, dim=-1))
        outputs, last = self.run(inputs, vectors if len(vectors) > 1 else vectors[0])
        return outputs, torch.cat(last, dim=-1)[0] if len(vectors) > 1 else last[0]


class RecurrentStack(nn.Module):
    """Layers of one cell, one above the other, with dropout between them. All run left to right.

    From the second on a layer adds to what it reads (He et al. 2016).
    """

    def __init__(self, cell: str, input_size: int, hidden_size: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(Recurrence(cell, size, hidden_size) for size in sizes)
        self.dropout = SequenceDropout(dropout)

    @property
    def state_sizes(self) -> list[int]:
        """Numbers in the state of each layer."""
        return [layer.state_size for layer in self.layers if isinstance(layer, Recurrence)]

    def forward(self, inputs: Tensor, states: Tensor) -> tuple[Tensor, Tensor]:
        """inputs [B, T, I], states [B, all state sizes] -> the top layer's states [B, T, H], last states."""
        outputs, last = inputs, []
        for number, (layer, state) in enumerate(
            zip(self.layers, torch.split(states, self.state_sizes, dim=-1), strict=True)
        ):
            below = outputs
            outputs, state = layer(self.dropout(below) if number else below, state)
            if number:
                outputs = outputs + below
            last.append(state)
        return outputs, torch.cat(last, dim=-1)
