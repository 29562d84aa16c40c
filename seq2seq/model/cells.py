"""Recurrences: the layers that carry a state from one token to the next.

A cell is a torch module that runs over a whole sequence in one fused call. `gru` is the gated recurrent unit of
Cho et al. 2014 (section 2.3) in the form of `torch.nn.GRU`, which resets after the matrix product:

    r = sigmoid(W_r x + U_r h)            how much of the old state the candidate sees
    z = sigmoid(W_z x + U_z h)            how much of the old state is kept
    n = tanh(W_n x + r * (U_n h + b))     the candidate
    h' = (1 - z) * n + z * h

Another cell is another entry of `CELLS`.
"""

from collections.abc import Callable

import torch
from torch import Tensor, nn

CELLS: dict[str, Callable[[int, int], nn.GRU]] = {
    "gru": lambda input_size, hidden_size: nn.GRU(input_size, hidden_size, batch_first=True),
}


def make_cell(name: str, input_size: int, hidden_size: int) -> nn.GRU:
    """One recurrent layer of cell `name`, with orthogonal recurrent and Glorot-uniform input matrices."""
    cell = CELLS[name](input_size, hidden_size)
    # One matrix a gate is stacked in each weight: initialise each as what it is.
    for parameter, tensor in cell.named_parameters():
        if parameter.startswith("bias"):
            nn.init.zeros_(tensor)
        for gate in tensor.detach().chunk(len(tensor) // hidden_size):
            if parameter.startswith("weight_hh"):
                nn.init.orthogonal_(gate)
            elif parameter.startswith("weight_ih"):
                nn.init.xavier_uniform_(gate)
    return cell


class RecurrentStack(nn.Module):
    """Layers of one cell, one above the other, with dropout between them. All run left to right."""

    def __init__(self, cell: str, input_size: int, hidden_size: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(make_cell(cell, size, hidden_size) for size in sizes)
        self.dropout = nn.Dropout(dropout)

    def forward(self, inputs: Tensor, hidden: Tensor) -> tuple[Tensor, Tensor]:
        """inputs [B, T, I], hidden [B, L, H] -> the top layer's states [B, T, H], last hidden [B, L, H]."""
        outputs, last = inputs, []
        for number, layer in enumerate(self.layers):
            if number:
                outputs = self.dropout(outputs)
            outputs, state = layer(outputs, hidden[:, number][None].contiguous())
            last.append(state[0])
        return outputs, torch.stack(last, dim=1)
