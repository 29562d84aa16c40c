"""Recurrences: the layers that carry a state from one token to the next.

x is the input of a step, h the old state, h' the new one; r, z, i, f and o are gates between 0 and 1; * is the product
number by number; p are vectors. Biases, one a gate, are left out. `CELLS` has, by the name in `model.cell`:

gru             Cho et al. 2014 (1406.1078), section 2.3, in the form of `torch.nn.GRU`: reset after the product.
                    r = sigmoid(W_r x + U_r h)            how much of the old state the candidate sees
                    z = sigmoid(W_z x + U_z h)            how much of the old state is kept
                    n = tanh(W_n x + r * (U_n h + b))     the candidate
                    h' = z * h + (1 - z) * n
gru-before      The same with the reset before the product, as equation 8 prints it and as the released code has it.
                    n = tanh(W_n x + U_n (r * h))
lstm            Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000. The state is h and a memory c.
                    i, f, o = sigmoid(W x + U h), each with its own W and U
                    c' = f * c + i * tanh(W_c x + U_c h),  h' = o * tanh(c')
lstm-peephole   The same with gates that see the memory: Graves 2013 (1308.0850, equations 7 to 11), Chung et al. 2014
                (1412.3555, section 3.1).
                    i, f = sigmoid(W x + U h + p * c),  o = sigmoid(W_o x + U_o h + p_o * c')
rnn             Elman 1990, the ungated "tanh" of Chung et al.: h' = tanh(W x + U h)

The released code of Cho et al., Bahdanau et al. 2015 and Chung et al. call z what is 1 - z here. As sigmoid(-a) is
1 - sigmoid(a), that is the same cell with the signs of W_z, U_z and their bias turned.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence

from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.gru import GruSequence, is_compiled_for


class Recurrence(nn.Module):
    """One recurrent layer, left to right.

    Recurrent matrices start orthogonal, input matrices Glorot-uniform, each gate by itself; biases at 0, but for that
    of a forget gate, which starts at 1 (Gers et al. 2000; Jozefowicz et al. 2015).
    """

    def __init__(self, hidden_size: int, vectors: int = 1) -> None:
        """vectors: of width H that a state consists of; the first of them is the output."""
        super().__init__()
        self.hidden_size, self.vectors = hidden_size, vectors

    @property
    def state_size(self) -> int:
        """Numbers in a state."""
        return self.vectors * self.hidden_size

    def zeros(self, inputs: Tensor) -> Tensor:
        """The state before inputs [B, T, I] that nothing precedes: [B, state_size], never in bf16."""
        kind = torch.promote_types(inputs.dtype, torch.float32)
        return torch.zeros(len(inputs), self.state_size, device=inputs.device, dtype=kind)

    def forward(
        self, inputs: Tensor, state: Tensor | None = None, constant: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """inputs [B, T, I], state [B, state_size] (zeros where None) -> outputs [B, T, H], last state.

        constant [B, C]: what stands beside the inputs at each step; I and C are the size of the input then.
        """
        raise NotImplementedError

    def scan(self, inputs: Tensor, lengths: Tensor, reverse: bool = False) -> tuple[Tensor, Tensor]:
        """inputs [B, T, I] with padding after lengths [B] -> outputs [B, T, H], the last one of each row [B, H].

        What stands at padding means nothing. reverse: each row is read from its last token to its first.
        """
        rows = torch.arange(len(lengths), device=lengths.device)
        if not reverse:
            outputs, _ = self.forward(inputs)
            return outputs, outputs[rows, lengths - 1]
        flip = reversal(lengths, inputs.size(1))
        outputs, _ = self.forward(reorder(inputs, flip))
        return reorder(outputs, flip), outputs[rows, lengths - 1]

    def scan_both_ways(self, other: "Recurrence", inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """This one left to right, `other` right to left: outputs [B, T, 2 H], the last ones [B, 2 H], side by side."""
        pairs = zip(self.scan(inputs, lengths), other.scan(inputs, lengths, reverse=True), strict=True)
        outputs, last = (torch.cat(pair, dim=-1) for pair in pairs)
        return outputs, last

    def read(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """inputs [B, T, I] with padding after lengths [B] -> outputs [B, T, H], each row's state at its last token."""
        raise NotImplementedError


class FusedRecurrence(Recurrence):
    """A cell that torch runs over a whole sequence in one call."""

    def __init__(self, module: type[nn.GRU | nn.LSTM | nn.RNN], input_size: int, hidden_size: int) -> None:
        is_lstm = module is nn.LSTM
        super().__init__(hidden_size, vectors=2 if is_lstm else 1)
        self.run = module(input_size, hidden_size, batch_first=True)
        _initialise(self.run.named_parameters(), hidden_size, forget_gate=1 if is_lstm else None)

    def forward(
        self, inputs: Tensor, state: Tensor | None = None, constant: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `Recurrence.forward`."""
        inputs = beside(inputs, constant)
        state = self.zeros(inputs) if state is None else state
        vectors = tuple(vector.contiguous() for vector in state[None].chunk(self.vectors, dim=-1))
        outputs, last = self.run(inputs, vectors if len(vectors) > 1 else vectors[0])
        return outputs, self._joined(last)

    def read(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As `Recurrence.read`."""
        packed = pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, last = self.run(packed)
        return pad_packed_sequence(outputs, batch_first=True, total_length=inputs.size(1))[0], self._joined(last)

    def _joined(self, last: Tensor | tuple[Tensor, ...]) -> Tensor:
        """The state as torch has it, [1, B, H] once or twice, in one [B, state_size]."""
        return torch.cat(last, dim=-1)[0] if isinstance(last, tuple) else last[0]


class GRU(FusedRecurrence):
    """torch's GRU; on a CPU, where it is compiled, `model/gru.py` runs over whole sequences with its parameters."""

    run: nn.GRU

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(nn.GRU, input_size, hidden_size)

    def forward(
        self, inputs: Tensor, state: Tensor | None = None, constant: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `Recurrence.forward`."""
        if not is_compiled_for(self.run.all_weights[0][0]):
            return super().forward(inputs, state, constant)
        state = self.zeros(inputs) if state is None else state
        outputs, last = _run([self], inputs, state[None], constant, None, [False])
        return outputs, last[0]

    def scan(self, inputs: Tensor, lengths: Tensor, reverse: bool = False) -> tuple[Tensor, Tensor]:
        """As `Recurrence.scan`."""
        if not is_compiled_for(self.run.all_weights[0][0]):
            return super().scan(inputs, lengths, reverse)
        outputs, last = _run([self], inputs, self.zeros(inputs)[None], None, lengths, [reverse])
        return outputs, last[0]

    def scan_both_ways(self, other: Recurrence, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As `Recurrence.scan_both_ways`."""
        if not isinstance(other, GRU) or not is_compiled_for(self.run.all_weights[0][0]):
            return super().scan_both_ways(other, inputs, lengths)
        states = torch.stack([self.zeros(inputs), other.zeros(inputs)])
        outputs, last = _run([self, other], inputs, states, None, lengths, [False, True])
        return outputs, torch.cat(last.unbind(), dim=-1)


def _run(
    cells: Sequence[GRU],
    inputs: Tensor,
    states: Tensor,
    constant: Tensor | None,
    lengths: Tensor | None,
    reverse: Sequence[bool],
) -> tuple[Tensor, Tensor]:
    """D cells side by side. inputs [B, T, I], states [D, B, H] -> outputs [B, T, D * H], last states [D, B, H]."""
    parameters = zip(*(cell.run.all_weights[0] for cell in cells), strict=True)
    of_inputs, weight, *biases = (_together(ones) for ones in parameters)
    if constant is not None:
        of_inputs, of_constant = torch.split(of_inputs, [inputs.size(-1), constant.size(-1)], dim=-1)
        constant = F.linear(constant, of_constant.flatten(0, 1))
    shares = F.linear(inputs, of_inputs.flatten(0, 1))
    found: tuple[Tensor, Tensor] = GruSequence.apply(shares, states, weight, *biases, constant, lengths, reverse)  # type: ignore[no-untyped-call]
    return found


def _together(ones: Sequence[Tensor]) -> Tensor:
    """Tensors of one shape -> [D, ...]; a single one is not copied."""
    return torch.stack(list(ones)) if len(ones) > 1 else ones[0][None]


class SteppedRecurrence(Recurrence):
    """A cell that torch has not fused: one product for the inputs of all steps, then step by step."""

    def __init__(
        self, input_size: int, hidden_size: int, gates: int, vectors: int = 1, forget_gate: int | None = None
    ) -> None:
        """gates: how many matrices W and U there are; they are stacked."""
        super().__init__(hidden_size, vectors)
        self.weight_ih = nn.Parameter(torch.empty(gates * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(gates * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.empty(gates * hidden_size))
        _initialise(self.named_parameters(), hidden_size, forget_gate)

    def forward(
        self, inputs: Tensor, state: Tensor | None = None, constant: Tensor | None = None
    ) -> tuple[Tensor, Tensor]:
        """As `Recurrence.forward`."""
        inputs = beside(inputs, constant)
        states = self._states(inputs, self.zeros(inputs) if state is None else state)
        return states[..., : self.hidden_size], states[:, -1]

    def read(self, inputs: Tensor, lengths: Tensor) -> tuple[Tensor, Tensor]:
        """As `Recurrence.read`."""
        states = self._states(inputs, self.zeros(inputs))
        rows = torch.arange(len(lengths), device=lengths.device)
        return states[..., : self.hidden_size], states[rows, lengths - 1]

    def _states(self, inputs: Tensor, state: Tensor) -> Tensor:
        """The state after each step [B, T, state_size]."""
        states = []
        for share in self.shares(inputs).to(state.dtype).unbind(dim=1):  # under autocast products are in bf16
            state = self.step(share, state)
            states.append(state)
        return torch.stack(states, dim=1)

    def shares(self, inputs: Tensor) -> Tensor:
        """What the input gives to each gate, W x + b: [B, T, I] -> [B, T, gates * H]."""
        return F.linear(inputs, self.weight_ih, self.bias)

    def step(self, share: Tensor, state: Tensor) -> Tensor:
        """The input's share of the gates [B, gates * H], state [B, state_size] -> next state."""
        raise NotImplementedError


class ResetBeforeGRU(SteppedRecurrence):
    """The GRU of equations 5 to 8 of Cho et al. 2014. Gates: r, z, n."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=3)

    def step(self, share: Tensor, state: Tensor) -> Tensor:
        """As `SteppedRecurrence.step`."""
        sizes = [2 * self.hidden_size, self.hidden_size]
        gate_share, candidate_share = torch.split(share, sizes, dim=-1)
        gate_matrix, candidate_matrix = torch.split(self.weight_hh, sizes)
        reset, keep = torch.sigmoid(gate_share + F.linear(state, gate_matrix)).chunk(2, dim=-1)
        candidate = torch.tanh(candidate_share + F.linear(reset * state, candidate_matrix))
        return keep * state + (1 - keep) * candidate


class InnerContextGRU(SteppedRecurrence):
    """The GRU of the decoder in appendix A.1.1 of Cho et al. 2014: r resets the state's product and that of c.

    Its inputs are a word and the context vector c, side by side:

        r, z = sigmoid(W x + C c + U h), each with its own W, C and U
        n = tanh(W_n x + r * (U_n h + C_n c))
    """

    def __init__(self, input_size: int, context_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=3)
        self.sizes = [input_size, context_size]
        self.weight_ch = nn.Parameter(torch.empty(3 * hidden_size, context_size))
        _initialise([("weight_ih", self.weight_ch)], hidden_size)

    def shares(self, inputs: Tensor) -> Tensor:
        """W x + b and C c of each gate: [B, T, I + C] -> [B, T, 6 H]."""
        words, context = torch.split(inputs, self.sizes, dim=-1)
        return torch.cat([super().shares(words), F.linear(context, self.weight_ch)], dim=-1)

    def step(self, share: Tensor, state: Tensor) -> Tensor:
        """As `SteppedRecurrence.step`."""
        of_word, of_context = share.chunk(2, dim=-1)
        word_r, word_z, word_n = of_word.chunk(3, dim=-1)
        past_r, past_z, past_n = (of_context + F.linear(state, self.weight_hh)).chunk(3, dim=-1)
        keep = torch.sigmoid(word_z + past_z)
        candidate = torch.tanh(word_n + torch.sigmoid(word_r + past_r) * past_n)
        return keep * state + (1 - keep) * candidate


class PeepholeLSTM(SteppedRecurrence):
    """An LSTM whose gates see its memory. Gates: i, f, candidate, o; peepholes: of i, f, o."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=4, vectors=2, forget_gate=1)
        self.peepholes = nn.Parameter(torch.zeros(3, hidden_size))

    def step(self, share: Tensor, state: Tensor) -> Tensor:
        """As `SteppedRecurrence.step`."""
        hidden, memory = state.chunk(2, dim=-1)
        enter, forget, candidate, leave = (share + F.linear(hidden, self.weight_hh)).chunk(4, dim=-1)
        of_enter, of_forget, of_leave = self.peepholes
        kept = torch.sigmoid(forget + of_forget * memory) * memory
        memory = kept + torch.sigmoid(enter + of_enter * memory) * torch.tanh(candidate)
        return torch.cat([torch.sigmoid(leave + of_leave * memory) * torch.tanh(memory), memory], dim=-1)


def beside(inputs: Tensor, constant: Tensor | None) -> Tensor:
    """inputs [B, T, I], constant [B, C] or None -> [B, T, I + C]"""
    if constant is None:
        return inputs
    return torch.cat([inputs, constant[:, None].expand(-1, inputs.size(1), -1)], dim=-1)


def reversal(lengths: Tensor, width: int) -> Tensor:
    """Positions [B, width] that reverse each row's real tokens and leave its padding where it is."""
    positions = torch.arange(width, device=lengths.device).expand(len(lengths), width)
    return torch.where(positions < lengths[:, None], lengths[:, None] - 1 - positions, positions)


def reorder(inputs: Tensor, positions: Tensor) -> Tensor:
    """inputs [B, S, I], positions [B, S] -> what stands there."""
    return inputs.gather(1, positions[:, :, None].expand(-1, -1, inputs.size(2)))


def _initialise(
    parameters: Iterable[tuple[str, nn.Parameter]], hidden_size: int, forget_gate: int | None = None
) -> None:
    for name, parameter in parameters:
        for gate, part in enumerate(torch.split(parameter.detach(), hidden_size)):
            if name.startswith("weight_hh"):
                nn.init.orthogonal_(part)
            elif name.startswith("weight_ih"):
                nn.init.xavier_uniform_(part)
            else:
                # torch has two biases a gate; one of them is enough.
                nn.init.constant_(part, float(gate == forget_gate and not name.startswith("bias_hh")))


CELLS: dict[str, Callable[[int, int], Recurrence]] = {
    "gru": GRU,
    "gru-before": ResetBeforeGRU,
    "lstm": partial(FusedRecurrence, nn.LSTM),
    "lstm-peephole": PeepholeLSTM,
    "rnn": partial(FusedRecurrence, nn.RNN),
}
"""What makes a layer of each cell from the size of its input and that of its state."""


class RecurrentStack(nn.Module):
    """Layers of one cell, one above the other, with dropout between them. All run left to right."""

    def __init__(self, cell: str, input_size: int, hidden_size: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(CELLS[cell](size, hidden_size) for size in sizes)
        self.dropout = SequenceDropout(dropout)

    @property
    def state_sizes(self) -> list[int]:
        """Numbers in the state of each layer."""
        return [layer.state_size for layer in self.layers if isinstance(layer, Recurrence)]

    @property
    def state_size(self) -> int:
        """Numbers in the states of all layers."""
        return sum(self.state_sizes)

    def forward(self, inputs: Tensor, states: Tensor, constant: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """inputs [B, T, I], states [B, all state sizes] -> the top layer's states [B, T, H], last states.

        constant [B, C]: what stands beside the inputs at each step.
        """
        outputs, last = inputs, []
        for number, (layer, state) in enumerate(
            zip(self.layers, torch.split(states, self.state_sizes, dim=-1), strict=True)
        ):
            below = outputs
            if number:
                outputs, state = layer(self.dropout(below), state)
                outputs = self.joined(outputs, below)
            else:
                outputs, state = layer(below, state, constant)
            last.append(state)
        return outputs, torch.cat(last, dim=-1)

    def joined(self, outputs: Tensor, below: Tensor) -> Tensor:
        """What a layer gives on, from its outputs and what it has read from another layer, [B, T, H] each."""
        return outputs


class ResidualStack(RecurrentStack):
    """A RecurrentStack in which a layer, from the second on, adds to what it reads (He et al. 2016)."""

    def joined(self, outputs: Tensor, below: Tensor) -> Tensor:
        """Their sum."""
        return outputs + below
