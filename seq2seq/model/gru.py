"""The GRU's recurrence on a CPU, forward and backward, with compiled gates.

torch computes the products with the states, one per step for both directions; everything between them is one call. The
gradient of the recurrent weights is a single product for all steps. torch's own GRU makes some twenty calls per step,
most of them in the backward pass.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from seq2seq.native.training import GruStep, isa_levels

_DTYPES = (torch.float32, torch.bfloat16)
# oneDNN compiles each new GEMM shape, which takes longer than the product: there should be few of them.
_ROWS_MULTIPLE = 8


def is_compiled_for(weight: Tensor) -> bool:
    """Whether the compiled code supports weights of this dtype on this device."""
    fits = weight.device.type == "cpu" and weight.dtype == torch.float32 and product_dtype(weight) in _DTYPES
    return fits and len(isa_levels()) > 0


def product_dtype(weight: Tensor) -> torch.dtype:
    """The dtype in which products with a weight are computed on a CPU, autocast considered."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weight.dtype


class GruSequence(torch.autograd.Function):
    """h' = n + z * (h - n) over a sequence, given its input gates; the state stays in float32.

    D directions at once: each has its own weights, and reads each row from its first token or from its last one.
    """

    @staticmethod
    def forward(
        ctx: Any,
        input_gates: Tensor,
        state: Tensor,
        weight: Tensor,
        input_bias: Tensor,
        bias: Tensor,
        context_gates: Tensor | None,
        lengths: Tensor | None,
        reverse: Sequence[bool],
    ) -> tuple[Tensor, Tensor]:
        """input_gates [B, T, D * 3 H], state [D, B, H] -> outputs [B, T, D * H] in the same dtype, last state.

        input_gates are W x, without their bias input_bias [D, 3 H]; weight [D, 3 H, H] and bias [D, 3 H] are those of
        the product with the state. The gates are r, z, n. context_gates [B, D * 3 H]: added to input_gates at each
        step. lengths [B]: after that many steps a row keeps its state, and its outputs are 0. reverse: for each
        direction, whether it begins at the last token.
        """
        input_gates, state = input_gates.contiguous(), state.float().clone(memory_format=torch.contiguous_format)
        lengths = None if lengths is None else lengths.long().clamp(max=input_gates.size(1)).contiguous()
        low_weight = weight.to(input_gates.dtype)
        directions, rows, hidden = state.shape
        row_offsets = _row_offsets(lengths, rows, input_gates.size(1))
        old_states = input_gates.new_empty(directions, row_offsets[-1], hidden)
        hidden_gates = input_gates.new_empty(directions, row_offsets[-1], 3 * hidden)
        outputs = input_gates.new_empty(rows, input_gates.size(1), directions * hidden)
        old_states[:, : row_offsets[1]] = state[:, : row_offsets[1]]
        saved = input_gates, low_weight, input_bias, bias, context_gates, lengths, old_states, hidden_gates
        step = _step(reverse, *saved)
        step.state, step.output = state.data_ptr(), outputs.data_ptr()
        transposed = low_weight.transpose(1, 2)
        for number in range(input_gates.size(1)):
            active = slice(row_offsets[number], row_offsets[number + 1])
            torch.bmm(old_states[:, active], transposed, out=hidden_gates[:, active])
            step.set_step(number, row_offsets)
            step.forward()
        ctx.save_for_backward(*saved)
        ctx.reverse, ctx.row_offsets = reverse, row_offsets
        return outputs, state

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outputs_grad: Tensor, last_grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of the first six inputs."""
        saved = ctx.saved_tensors  # kept alive to the end: the steps hold raw pointers to them
        input_gates, weight, _, bias, context_gates, _, old_states, hidden_gates = saved
        row_offsets, hidden = ctx.row_offsets, weight.size(2)
        outputs_grad, hidden_grad = outputs_grad.contiguous(), last_grad.clone(memory_format=torch.contiguous_format)
        input_gates_grad, hidden_gates_grad = torch.empty_like(input_gates), torch.empty_like(hidden_gates)
        next_hidden_grad = torch.empty_like(hidden_grad, dtype=input_gates.dtype)
        bias_grads = bias.new_zeros(torch.get_num_threads(), len(bias), 4 * hidden)
        step = _step(ctx.reverse, *saved)
        step.grad, step.hidden_grad, step.next_hidden_grad = (
            outputs_grad.data_ptr(),
            hidden_grad.data_ptr(),
            next_hidden_grad.data_ptr(),
        )
        step.input_gates_grad, step.hidden_gates_grad = input_gates_grad.data_ptr(), hidden_gates_grad.data_ptr()
        step.bias_grads = bias_grads.data_ptr()
        for number in reversed(range(input_gates.size(1))):
            active = slice(row_offsets[number], row_offsets[number + 1])
            step.set_step(number, row_offsets)
            step.backward()
            torch.bmm(hidden_gates_grad[:, active], weight, out=next_hidden_grad[:, : step.active])
        hidden_grad[:, : step.active] += next_hidden_grad[:, : step.active]
        weight_grad = torch.bmm(hidden_gates_grad.transpose(1, 2), old_states).to(bias.dtype)
        gates, candidate, hidden_candidate = bias_grads.sum(dim=0).split([2 * hidden, hidden, hidden], dim=-1)
        input_bias_grad, bias_grad = torch.cat([gates, candidate], dim=-1), torch.cat([gates, hidden_candidate], dim=-1)
        context_grad = None if context_gates is None else input_gates_grad.sum(dim=1)
        return input_gates_grad, hidden_grad, weight_grad, input_bias_grad, bias_grad, context_grad, None, None


def _row_offsets(lengths: Tensor | None, rows: int, steps: int) -> list[int]:
    """The offset of each step's active rows among those of all steps, and the end [T + 1].

    The active rows are the first ones, up to the last one that is long enough, rounded up to a multiple of 8: few if
    the longest come first.
    """
    if lengths is None:
        return [number * rows for number in range(steps + 1)]
    longer = lengths[:, None] > torch.arange(steps)
    needed = (longer * torch.arange(1, rows + 1)[:, None]).amax(dim=0)
    active: list[int] = (-(-needed // _ROWS_MULTIPLE) * _ROWS_MULTIPLE).clamp(max=rows).tolist()
    return list(accumulate(active, initial=0))


def _step(
    reverse: Sequence[bool],
    input_gates: Tensor,
    weight: Tensor,
    input_bias: Tensor,
    bias: Tensor,
    context_gates: Tensor | None,
    lengths: Tensor | None,
    old_states: Tensor,
    hidden_gates: Tensor,
) -> GruStep:
    return GruStep(
        level=isa_levels()[-1],
        is_bf16=input_gates.dtype == torch.bfloat16,
        threads=torch.get_num_threads(),
        rows=input_gates.size(0),
        steps=input_gates.size(1),
        hidden=weight.size(2),
        directions=len(weight),
        reversed=sum(backwards << direction for direction, backwards in enumerate(reverse)),
        all_rows=old_states.size(1),
        input_gates=input_gates.data_ptr(),
        input_bias=input_bias.data_ptr(),
        hidden_bias=bias.data_ptr(),
        context_gates=None if context_gates is None else context_gates.data_ptr(),
        lengths=None if lengths is None else lengths.data_ptr(),
        old_states=old_states.data_ptr(),
        hidden_gates=hidden_gates.data_ptr(),
    )
