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


def is_compiled_for(weight: Tensor) -> bool:
    """Whether products with weights of this type, on this device, are followed by compiled code."""
    fits = weight.device.type == "cpu" and weight.dtype == torch.float32 and product_kind(weight) in _KINDS
    return fits and len(levels()) > 0


def product_kind(weight: Tensor) -> torch.dtype:
    """The type in which products with a weight are computed now, on a CPU."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weight.dtype


class GruSequence(torch.autograd.Function):
    """h' = n + z * (h - n) over a sequence, from what its inputs give to the gates; the state stays in float32."""

    @staticmethod
    def forward(
        ctx: Any,
        shares: Tensor,
        state: Tensor,
        weight: Tensor,
        shares_bias: Tensor,
        bias: Tensor,
        constant: Tensor | None,
        lengths: Tensor | None,
        reverse: bool,
    ) -> tuple[Tensor, Tensor]:
        """shares [T, B, 3 H], state [B, H] -> outputs [B, T, H] in the type of the shares, last state [B, H].

        weight [3 H, H] and bias [3 H] of the state's product, shares_bias [3 H] of the shares; the gates are r, z, n.
        constant [B, 3 H]: what is added to the shares of each step. lengths [B]: after so many steps a row keeps its
        state. reverse: from the last step to the first.
        """
        shares, state = shares.contiguous(), state.float()
        lengths = None if lengths is None else lengths.long().contiguous()
        steps, rows, gates = shares.shape
        low_weight = weight.to(shares.dtype)
        # These in the order in which steps are taken, so that one product gives the gradient of the weight.
        states, products = state.new_empty(steps + 1, rows, gates // 3), torch.empty_like(shares)
        states[0] = state
        low_states = states if states.dtype == shares.dtype else torch.empty_like(states, dtype=shares.dtype)
        if low_states is not states:
            low_states[0] = state
        outputs = shares.new_empty(rows, steps, gates // 3)
        active = _active_rows(lengths, rows, steps)
        order = range(steps - 1, -1, -1) if reverse else range(steps)
        step = _step(shares, shares_bias, bias, constant, lengths)
        step.stride = outputs.stride(0)
        at = _Addresses(shares=shares, products=products, states=states, low_states=low_states, outputs=outputs[0])
        transposed = low_weight.t()
        old_states, all_products = low_states.unbind(), products.unbind()
        for number, time in enumerate(order):
            step.time, step.active = time, active[time]
            torch.mm(_first(old_states[number], step.active), transposed, out=_first(all_products[number], step.active))
            step.shares, step.products = at("shares", time), at("products", number)
            step.old_state, step.state, step.output = (
                at("states", number),
                at("states", number + 1),
                at("outputs", time),
            )
            if low_states is not states:
                step.low_state = at("low_states", number + 1)
            step.forward()
        ctx.save_for_backward(shares, low_weight, shares_bias, bias, constant, lengths, states, low_states, products)
        ctx.order, ctx.active, ctx.stride = order, active, step.stride
        return outputs, states[steps].clone()

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outputs_grad: Tensor, last_grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of the first six."""
        shares, weight, shares_bias, bias, constant, lengths, states, low_states, products = ctx.saved_tensors
        order, active, hidden = ctx.order, ctx.active, states.size(2)
        outputs_grad, carried = outputs_grad.contiguous(), last_grad.clone(memory_format=torch.contiguous_format)
        shares_grad, products_grad, later = (torch.empty_like(one) for one in (shares, products, low_states[0]))
        bias_grads = bias.new_zeros(torch.get_num_threads(), 4 * hidden)
        step = _step(shares, shares_bias, bias, constant, lengths)
        step.stride = ctx.stride
        step.carried, step.later, step.bias_grads = carried.data_ptr(), later.data_ptr(), bias_grads.data_ptr()
        at = _Addresses(shares=shares, products=products, states=states, grad=outputs_grad[0])
        at_grad = _Addresses(shares=shares_grad, products=products_grad)
        by_number = products_grad.unbind()
        for number in range(len(order) - 1, -1, -1):
            time = order[number]
            step.time, step.active = time, active[time]
            step.shares, step.products = at("shares", time), at("products", number)
            step.old_state, step.grad = at("states", number), at("grad", time)
            step.shares_grad, step.products_grad = at_grad("shares", time), at_grad("products", number)
            step.backward()
            step.later_rows = active[time]
            torch.mm(_first(by_number[number], step.later_rows), weight, out=_first(later, step.later_rows))
        carried[: step.later_rows] += later[: step.later_rows]
        weight_grad = torch.mm(products_grad.flatten(0, 1).t(), low_states[:-1].flatten(0, 1)).to(bias.dtype)
        gates, candidate, own = bias_grads.sum(dim=0).split([2 * hidden, hidden, hidden])
        of_shares, of_products = torch.cat([gates, candidate]), torch.cat([gates, own])
        of_constant = None if constant is None else shares_grad.sum(dim=0)
        return shares_grad, carried, weight_grad, of_shares, of_products, of_constant, None, None


class _Addresses:
    """Where the parts of tensors along their first dimension lie."""

    def __init__(self, **tensors: Tensor) -> None:
        self._lines = {
            name: (tensor.data_ptr(), tensor.stride(0) * tensor.element_size()) for name, tensor in tensors.items()
        }

    def __call__(self, name: str, number: int) -> int:
        start, size = self._lines[name]
        return start + number * size


def _active_rows(lengths: Tensor | None, rows: int, steps: int) -> list[int]:
    """Of each step, how many of the first rows hold all that are longer: few where the longest come first."""
    if lengths is None:
        return [rows] * steps
    longer = lengths[:, None] > torch.arange(steps)
    active: list[int] = (longer * torch.arange(1, rows + 1)[:, None]).amax(dim=0).tolist()
    return active


def _first(rows: Tensor, count: int) -> Tensor:
    """The first rows; a view is made only where it is needed."""
    return rows if len(rows) == count else rows[:count]


def _step(
    shares: Tensor, shares_bias: Tensor, bias: Tensor, constant: Tensor | None, lengths: Tensor | None
) -> GruStep:
    return GruStep(
        level=levels()[-1],
        is_bf16=shares.dtype == torch.bfloat16,
        threads=torch.get_num_threads(),
        rows=shares.size(1),
        hidden=shares.size(2) // 3,
        shares_bias=shares_bias.data_ptr(),
        products_bias=bias.data_ptr(),
        constant=None if constant is None else constant.data_ptr(),
        lengths=None if lengths is None else lengths.data_ptr(),
    )
