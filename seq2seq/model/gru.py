"""The GRU's recurrence on a CPU, forward and backward, with compiled gates.

The products with the state are torch's, one a step; what lies between them is one call. The gradient of the recurrent
weights is a single product for all steps. torch's own GRU takes some twenty calls a step, most of them in the gradient.
"""

from typing import Any

import torch
from torch import Tensor

from seq2seq.native.kernels import GruStep
from seq2seq.native.library import levels

_KINDS = (torch.float32, torch.bfloat16)


def is_compiled_for(inputs: Tensor) -> bool:
    """Whether the recurrence runs over inputs of this type, on this device."""
    return inputs.device.type == "cpu" and inputs.dtype == torch.float32 and len(levels()) > 0


def product_kind(inputs: Tensor) -> torch.dtype:
    """The type in which products are computed now."""
    kind = torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else inputs.dtype
    assert kind in _KINDS
    return kind


class GruSequence(torch.autograd.Function):
    """h' = n + z * (h - n) over a sequence, from what its inputs give to the gates; the state stays in float32."""

    @staticmethod
    def forward(
        ctx: Any, shares: Tensor, state: Tensor, weight: Tensor, bias: Tensor, lengths: Tensor | None, reverse: bool
    ) -> tuple[Tensor, Tensor]:
        """shares [T, B, 3 H], state [B, H], weight [3 H, H], bias [3 H], lengths [B] -> outputs [B, T, H], last [B, H].

        The gates are r, z, n. A row keeps its state where it is no longer than a step. reverse: from the last to the
        first.
        """
        shares, state = shares.contiguous(), state.contiguous()
        steps, rows, gates = shares.shape
        hidden = gates // 3
        weight_low = weight.to(shares.dtype)
        # In the order in which steps are taken, so that a single product gives the gradient of the weight.
        states, products = shares.new_empty(steps + 1, rows, hidden), torch.empty_like(shares)
        states[0] = state
        outputs = state.new_empty(rows, steps, hidden)
        active = _active_rows(lengths, rows, steps)
        step = _step(shares, bias, lengths)
        step.stride = outputs.stride(0)
        order = range(steps - 1, -1, -1) if reverse else range(steps)
        old, step.old_stride = state.data_ptr(), hidden
        by_time = [tensor.unbind() for tensor in (shares, states[1:], products)]
        transposed = weight_low.t()
        for number, time in enumerate(order):
            step.active = count = active[time]
            torch.mm(states[number, :count], transposed, out=products[number, :count])
            step.time, step.old_state, step.shares = time, old, by_time[0][time].data_ptr()
            step.products, step.low_state = by_time[2][number].data_ptr(), by_time[1][number].data_ptr()
            step.state = old = outputs.data_ptr() + time * hidden * outputs.element_size()
            step.forward()
            step.old_stride = step.stride
        ctx.save_for_backward(shares, state, weight_low, bias, lengths, outputs, states, products)
        ctx.order, ctx.active = order, active
        return outputs, outputs[:, order[-1]].clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outputs_grad: Tensor, last_grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of shares, state, weight and bias."""
        shares, state, weight, bias, lengths, outputs, states, products = ctx.saved_tensors
        order, active = ctx.order, ctx.active
        hidden = state.size(1)
        outputs_grad, carried = outputs_grad.contiguous(), last_grad.clone(memory_format=torch.contiguous_format)
        shares_grad, products_grad = torch.empty_like(shares), torch.empty_like(products)
        later = torch.empty_like(states[0])
        step = _step(shares, bias, lengths)
        step.grad_stride = step.old_stride = outputs.stride(0)
        step.carried, step.later = carried.data_ptr(), later.data_ptr()
        size = outputs.element_size()
        for number in range(len(order) - 1, -1, -1):
            time = order[number]
            step.time, step.active = time, active[time]
            if number:
                step.old_state = outputs.data_ptr() + order[number - 1] * hidden * size
            else:
                step.old_state, step.old_stride = state.data_ptr(), hidden
            step.shares, step.products = shares[time].data_ptr(), products[number].data_ptr()
            step.grad = outputs_grad.data_ptr() + time * hidden * size
            step.shares_grad, step.products_grad = shares_grad[time].data_ptr(), products_grad[number].data_ptr()
            step.backward()
            step.later_rows = count = active[time]
            torch.mm(products_grad[number, :count], weight, out=later[:count])
        carried[: step.later_rows] += later[: step.later_rows]
        weight_grad = torch.mm(products_grad.flatten(0, 1).t(), states[:-1].flatten(0, 1)).to(bias.dtype)
        bias_grad = products_grad.sum(dim=(0, 1), dtype=bias.dtype)
        return shares_grad, carried, weight_grad, bias_grad, None, None


def _active_rows(lengths: Tensor | None, rows: int, steps: int) -> list[int]:
    """Of each step, how many of the first rows hold all that are longer: few where the longest come first."""
    if lengths is None:
        return [rows] * steps
    longer = lengths[:, None] > torch.arange(steps)
    return [int(one) for one in (longer * torch.arange(1, rows + 1)[:, None]).amax(dim=0)]


def _step(shares: Tensor, bias: Tensor, lengths: Tensor | None) -> GruStep:
    return GruStep(
        level=levels()[-1],
        is_bf16=shares.dtype == torch.bfloat16,
        threads=torch.get_num_threads(),
        rows=shares.size(1),
        hidden=shares.size(2) // 3,
        bias=bias.data_ptr(),
        lengths=None if lengths is None else lengths.data_ptr(),
    )
