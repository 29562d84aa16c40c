"""Recurrences: the layers that carry a state from one token to the next.

x is the input of a step, h the old state, h' the new one; r, z, i, f and o are gates between 0 and 1; * is the
element-wise product; p are vectors. Biases, one per gate, are omitted. `CELLS` has, by the name in `model.cell`:

gru             Cho et al. 2014 (1406.1078), section 2.3, in the form of `torch.nn.GRU`: reset after the product.
                    r = sigmoid(W_r x + U_r h)            how much of the old state the candidate sees
                    z = sigmoid(W_z x + U_z h)            how much of the old state is kept
                    n = tanh(W_n x + r * (U_n h + b))     the candidate
                    h' = z * h + (1 - z) * n
gru-reset-before
                The same with the reset before the product, as in equation 8 and in the released code.
                    n = tanh(W_n x + U_n (r * h))
lstm            Hochreiter & Schmidhuber 1997 with the forget gate of Gers et al. 2000. The state is h and a memory c.
                    i, f, o = sigmoid(W x + U h), each with its own W and U
                    c' = f * c + i * tanh(W_c x + U_c h),  h' = o * tanh(c')
lstm-peephole   The same with peephole connections from the memory to the gates: Graves 2013 (1308.0850, equations 7 to
                11), Chung et al. 2014 (1412.3555, section 3.1).
                    i, f = sigmoid(W x + U h + p * c),  o = sigmoid(W_o x + U_o h + p_o * c')
rnn             Elman 1990, the ungated "tanh" of Chung et al.: h' = tanh(W x + U h)

The released code of Cho et al., Bahdanau et al. 2015 and Chung et al. write z for what is 1 - z here. As sigmoid(-a) is
1 - sigmoid(a), that is the same cell with W_z, U_z and their bias negated.
"""

from collections.abc import Callable, Iterable, Sequence
from functools import partial

import torch
import torch.nn.functional as F
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence
from typing_extensions import override

from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.gru import GruSequence, is_compiled_for


class Recurrence(nn.Module):
    """One recurrent layer, left to right.

    Recurrent matrices are initialised orthogonal and input matrices Glorot-uniform, gate by gate; biases are 0, except
    that of a forget gate, which is 1 (Gers et al. 2000; Jozefowicz et al. 2015).
    """

    def __init__(self, hidden_size: int, vectors: int = 1) -> None:
        """vectors: how many vectors of width H make up a state; the first of them is the output."""
        super().__init__()
        self.hidden_size, self.vectors = hidden_size, vectors

    @property
    def state_size(self) -> int:
        """Width of a state."""
        return self.vectors * self.hidden_size

    def zeros(self, inputs: Tensor) -> Tensor:
        """The initial state for inputs [B, T, I]: zeros [B, state_size], never in bf16."""
        dtype = torch.promote_types(inputs.dtype, torch.float32)
        return torch.zeros(len(inputs), self.state_size, device=inputs.device, dtype=dtype)

    def forward(
        self,
        inputs: Tensor,
        state: Tensor | None = None,
        context: Tensor | None = None,
        lengths: Tensor | None = None,
        reverse: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """Read T tokens: inputs [B, T, I] -> outputs [B, T, H], each row's state after its last token [B, state_size].

        state [B, state_size]: before the first token; zeros if None.
        context [B, C]: appended to the inputs of each step; the layer's input size is then I + C.
        lengths [B]: where padding begins, T if None; the outputs there are undefined.
        reverse: read each row from its last token to its first.
        """
        inputs = append_context(inputs, context)
        state = self.zeros(inputs) if state is None else state
        if not reverse:
            return self.unroll(inputs, state, lengths)
        if lengths is None:
            lengths = torch.full((len(inputs),), inputs.size(1), device=inputs.device)
        flip = reversal(lengths, inputs.size(1))
        outputs, last = self.unroll(reorder(inputs, flip), state, lengths)
        return reorder(outputs, flip), last

    def unroll(self, inputs: Tensor, state: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """`forward` from left to right."""
        raise NotImplementedError


def run_bidirectional(
    forward: Recurrence, backward: Recurrence, inputs: Tensor, lengths: Tensor
) -> tuple[Tensor, Tensor]:
    """Run two recurrences in opposite directions; concatenates their outputs [B, T, 2 H] and last outputs [B, 2 H].

    inputs [B, T, I], lengths [B].
    """
    if isinstance(forward, GRU) and isinstance(backward, GRU) and forward.is_compiled:
        states = torch.stack([forward.zeros(inputs), backward.zeros(inputs)])
        outputs, last = _run_compiled([forward, backward], inputs, states, None, lengths, [False, True])
        return outputs, torch.cat(last.unbind(), dim=-1)
    results = [forward(inputs, lengths=lengths), backward(inputs, lengths=lengths, reverse=True)]
    outputs = torch.cat([outputs for outputs, _ in results], dim=-1)
    return outputs, torch.cat([last[:, : forward.hidden_size] for _, last in results], dim=-1)


class FusedRecurrence(Recurrence):
    """A cell that torch runs over a whole sequence in one call."""

    def __init__(self, module: type[nn.GRU | nn.LSTM | nn.RNN], input_size: int, hidden_size: int) -> None:
        is_lstm = module is nn.LSTM
        super().__init__(hidden_size, vectors=2 if is_lstm else 1)
        self.run = module(input_size, hidden_size, batch_first=True)
        _initialise(self.run.named_parameters(), hidden_size, forget_gate=1 if is_lstm else None)

    def unroll(self, inputs: Tensor, state: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        """An LSTM's outputs do not include its memory: rows are packed to get the last memory of a shorter row."""
        vectors = tuple(vector.contiguous() for vector in state[None].chunk(self.vectors, dim=-1))
        first = vectors if len(vectors) > 1 else vectors[0]
        if lengths is None:
            outputs, last = self.run(inputs, first)
            return outputs, _concatenate(last)
        if self.vectors == 1:
            outputs, _ = self.run(inputs, first)
            return outputs, _last_tokens(outputs, lengths)
        packed = pack_padded_sequence(inputs, lengths.cpu(), batch_first=True, enforce_sorted=False)
        outputs, last = self.run(packed, first)
        return pad_packed_sequence(outputs, batch_first=True, total_length=inputs.size(1))[0], _concatenate(last)


def _concatenate(last: Tensor | tuple[Tensor, ...]) -> Tensor:
    """torch's state, one or two tensors [1, B, H] -> [B, state_size]."""
    return torch.cat(last, dim=-1)[0] if isinstance(last, tuple) else last[0]


def _last_tokens(states: Tensor, lengths: Tensor) -> Tensor:
    """states [B, T, I], lengths [B] -> the state of each row at its last token [B, I]."""
    return states[torch.arange(len(lengths), device=lengths.device), lengths - 1]


class GRU(FusedRecurrence):
    """torch's GRU; on a CPU the compiled code of `model/gru.py`, if available, runs it over whole sequences."""

    run: nn.GRU

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(nn.GRU, input_size, hidden_size)

    @property
    def is_compiled(self) -> bool:
        """Whether the compiled code runs it on its current device and dtype."""
        return is_compiled_for(self.run.all_weights[0][0])

    def forward(
        self,
        inputs: Tensor,
        state: Tensor | None = None,
        context: Tensor | None = None,
        lengths: Tensor | None = None,
        reverse: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """In compiled code the context is multiplied once, not once per step."""
        if not self.is_compiled:
            return super().forward(inputs, state, context, lengths, reverse)
        state = self.zeros(inputs) if state is None else state
        outputs, last = _run_compiled([self], inputs, state[None], context, lengths, [reverse])
        return outputs, last[0]


def _run_compiled(
    cells: Sequence[GRU],
    inputs: Tensor,
    states: Tensor,
    context: Tensor | None,
    lengths: Tensor | None,
    reverse: Sequence[bool],
) -> tuple[Tensor, Tensor]:
    """D cells at once. inputs [B, T, I], states [D, B, H] -> outputs [B, T, D * H], last states [D, B, H]."""
    parameters = zip(*(cell.run.all_weights[0] for cell in cells), strict=True)
    input_weight, weight, *biases = (_stacked(tensors) for tensors in parameters)
    context_gates = None
    if context is not None:
        input_weight, context_weight = torch.split(input_weight, [inputs.size(-1), context.size(-1)], dim=-1)
        context_gates = F.linear(context, context_weight.flatten(0, 1))
    input_gates = F.linear(inputs, input_weight.flatten(0, 1))
    result: tuple[Tensor, Tensor] = GruSequence.apply(  # type: ignore[no-untyped-call]
        input_gates, states, weight, *biases, context_gates, lengths, reverse
    )
    return result


def _stacked(tensors: Sequence[Tensor]) -> Tensor:
    """Tensors of one shape -> [D, ...]; a single one is not copied."""
    return torch.stack(list(tensors)) if len(tensors) > 1 else tensors[0][None]


class StepwiseRecurrence(Recurrence):
    """A cell without a fused kernel in torch: one product for the inputs of all steps, then step by step."""

    def __init__(
        self, input_size: int, hidden_size: int, gates: int, vectors: int = 1, forget_gate: int | None = None
    ) -> None:
        """gates: number of matrices W and U, which are stacked."""
        super().__init__(hidden_size, vectors)
        self.weight_ih = nn.Parameter(torch.empty(gates * hidden_size, input_size))
        self.weight_hh = nn.Parameter(torch.empty(gates * hidden_size, hidden_size))
        self.bias = nn.Parameter(torch.empty(gates * hidden_size))
        _initialise(self.named_parameters(), hidden_size, forget_gate)

    @override
    def unroll(self, inputs: Tensor, state: Tensor, lengths: Tensor | None) -> tuple[Tensor, Tensor]:
        steps = []
        for gates in self.input_gates(inputs).to(state.dtype).unbind(dim=1):  # under autocast products are in bf16
            state = self.step(gates, state)
            steps.append(state)
        states = torch.stack(steps, dim=1)  # [B, T, state_size]
        last = state if lengths is None else _last_tokens(states, lengths)
        return states[..., : self.hidden_size], last

    def input_gates(self, inputs: Tensor) -> Tensor:
        """W x + b of each gate: [B, T, I] -> [B, T, gates * H]."""
        return F.linear(inputs, self.weight_ih, self.bias)

    def step(self, input_gates: Tensor, state: Tensor) -> Tensor:
        """input_gates [B, gates * H] (W x + b), state [B, state_size] -> next state."""
        raise NotImplementedError


class ResetBeforeGRU(StepwiseRecurrence):
    """The GRU of equations 5 to 8 of Cho et al. 2014. Gates: r, z, n."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=3)

    @override
    def step(self, input_gates: Tensor, state: Tensor) -> Tensor:
        sizes = [2 * self.hidden_size, self.hidden_size]
        gates, candidate_gate = torch.split(input_gates, sizes, dim=-1)
        gate_matrix, candidate_matrix = torch.split(self.weight_hh, sizes)
        reset, keep = torch.sigmoid(gates + F.linear(state, gate_matrix)).chunk(2, dim=-1)
        candidate = torch.tanh(candidate_gate + F.linear(reset * state, candidate_matrix))
        return keep * state + (1 - keep) * candidate


class InnerContextGRU(StepwiseRecurrence):
    """The decoder's GRU in appendix A.1.1 of Cho et al. 2014: r resets the products with the state and with c.

    Its inputs are a word and the context vector c, concatenated:

        r, z = sigmoid(W x + C c + U h), each with its own W, C and U
        n = tanh(W_n x + r * (U_n h + C_n c))
    """

    def __init__(self, input_size: int, context_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=3)
        self.sizes = [input_size, context_size]
        self.weight_ch = nn.Parameter(torch.empty(3 * hidden_size, context_size))
        _initialise([("weight_ih", self.weight_ch)], hidden_size)

    def input_gates(self, inputs: Tensor) -> Tensor:
        """W x + b and C c of each gate: [B, T, I + C] -> [B, T, 6 H]."""
        words, context = torch.split(inputs, self.sizes, dim=-1)
        return torch.cat([super().input_gates(words), F.linear(context, self.weight_ch)], dim=-1)

    @override
    def step(self, input_gates: Tensor, state: Tensor) -> Tensor:
        word_gates, context_gates = input_gates.chunk(2, dim=-1)
        word_r, word_z, word_n = word_gates.chunk(3, dim=-1)
        past_r, past_z, past_n = (context_gates + F.linear(state, self.weight_hh)).chunk(3, dim=-1)
        keep = torch.sigmoid(word_z + past_z)
        candidate = torch.tanh(word_n + torch.sigmoid(word_r + past_r) * past_n)
        return keep * state + (1 - keep) * candidate


class PeepholeLSTM(StepwiseRecurrence):
    """An LSTM whose gates see its memory. Gates: i, f, candidate, o; peepholes: i, f, o."""

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size, gates=4, vectors=2, forget_gate=1)
        self.peepholes = nn.Parameter(torch.zeros(3, hidden_size))

    @override
    def step(self, input_gates: Tensor, state: Tensor) -> Tensor:
        hidden, memory = state.chunk(2, dim=-1)
        i, f, candidate, o = (input_gates + F.linear(hidden, self.weight_hh)).chunk(4, dim=-1)
        peephole_i, peephole_f, peephole_o = self.peepholes
        kept = torch.sigmoid(f + peephole_f * memory) * memory
        memory = kept + torch.sigmoid(i + peephole_i * memory) * torch.tanh(candidate)
        return torch.cat([torch.sigmoid(o + peephole_o * memory) * torch.tanh(memory), memory], dim=-1)


def append_context(inputs: Tensor, context: Tensor | None) -> Tensor:
    """inputs [B, T, I], context [B, C] or None -> [B, T, I + C]"""
    if context is None:
        return inputs
    return torch.cat([inputs, context[:, None].expand(-1, inputs.size(1), -1)], dim=-1)


def reversal(lengths: Tensor, width: int) -> Tensor:
    """Positions [B, width] that reverse each row's real tokens and leave its padding in place."""
    positions = torch.arange(width, device=lengths.device).expand(len(lengths), width)
    return torch.where(positions < lengths[:, None], lengths[:, None] - 1 - positions, positions)


def reorder(inputs: Tensor, positions: Tensor) -> Tensor:
    """inputs [B, S, I], positions [B, S] -> the inputs at these positions."""
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
                # torch has two biases per gate: the forget gate's 1 goes into one of them.
                nn.init.constant_(part, float(gate == forget_gate and not name.startswith("bias_hh")))


CELLS: dict[str, Callable[[int, int], Recurrence]] = {
    "gru": GRU,
    "gru-reset-before": ResetBeforeGRU,
    "lstm": partial(FusedRecurrence, nn.LSTM),
    "lstm-peephole": PeepholeLSTM,
    "rnn": partial(FusedRecurrence, nn.RNN),
}
"""The constructor of each cell's layer, called with the input size and the hidden size."""


class RecurrentStack(nn.Module):
    """Stacked layers of one cell, left to right, with dropout between them."""

    def __init__(self, cell: str, input_size: int, hidden_size: int, num_layers: int, dropout: float) -> None:
        super().__init__()
        sizes = [input_size] + [hidden_size] * (num_layers - 1)
        self.layers = nn.ModuleList(CELLS[cell](size, hidden_size) for size in sizes)
        self.dropout = SequenceDropout(dropout)

    @property
    def state_sizes(self) -> list[int]:
        """Width of each layer's state."""
        return [layer.state_size for layer in self.layers if isinstance(layer, Recurrence)]

    @property
    def state_size(self) -> int:
        """Total width of the layers' states."""
        return sum(self.state_sizes)

    def forward(self, inputs: Tensor, states: Tensor, context: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """inputs [B, T, I], states [B, all state sizes] -> the top layer's outputs [B, T, H], last states.

        context [B, C]: appended to the inputs of each step of the first layer.
        """
        outputs, last = inputs, []
        for number, (layer, state) in enumerate(
            zip(self.layers, torch.split(states, self.state_sizes, dim=-1), strict=True)
        ):
            below = outputs
            if number:
                outputs, state = layer(self.dropout(below), state)
                outputs = self.combine(outputs, below)
            else:
                outputs, state = layer(below, state, context)
            last.append(state)
        return outputs, torch.cat(last, dim=-1)

    def combine(self, outputs: Tensor, below: Tensor) -> Tensor:
        """What the next layer reads, given a layer's outputs and those of the layer below, [B, T, H] each."""
        return outputs


class ResidualStack(RecurrentStack):
    """A RecurrentStack with residual connections from the second layer on (He et al. 2016)."""

    @override
    def combine(self, outputs: Tensor, below: Tensor) -> Tensor:
        return outputs + below
