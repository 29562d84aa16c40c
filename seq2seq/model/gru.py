"""The GRU's recurrence on a CPU, forward and backward, with compiled gates.

The products with the states are torch's, one a step for both directions; what lies between them is one call. The
gradient of the recurrent weights is a single product for all steps. torch's own GRU takes some twenty calls a step,
most of them in the gradient.
"""

from collections.abc import Sequence
from itertools import accumulate
from typing import Any

import torch
from torch import Tensor

from seq2seq.native.library import levels
from seq2seq.native.training import GruStep

_KINDS = (torch.float32, torch.bfloat16)
# Each shape of a product is prepared when it is first met, for longer than the product takes: so there should be few.
_ROWS_MULTIPLE = 8


def is_compiled_for(weight: Tensor) -> bool:
    """Whether products with weights of this type, on this device, are followed by compiled code."""
    fits = weight.device.type == "cpu" and weight.dtype == torch.float32 and product_kind(weight) in _KINDS
    return fits and len(levels()) > 0


def product_kind(weight: Tensor) -> torch.dtype:
    """The type in which products with a weight are computed now, on a CPU."""
    return torch.get_autocast_dtype("cpu") if torch.is_autocast_enabled("cpu") else weight.dtype


class GruSequence(torch.autograd.Function):
    """h' = n + z * (h - n) over a sequence, from what its inputs give to the gates; the state stays in float32.

    D directions side by side: each has its own weights, and reads each row from its first token or from its last one.
    """

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
        reverse: Sequence[bool],
    ) -> tuple[Tensor, Tensor]:
        """shares [B, T, D * 3 H], state [D, B, H] -> outputs [B, T, D * H] in the type of the shares, last state.

        weight [D, 3 H, H] and bias [D, 3 H] of the state's product, shares_bias [D, 3 H] of the shares; the gates are
        r, z, n. constant [B, D * 3 H]: what is added to the shares of each step. lengths [B]: after so many steps a
        row keeps its state, and its outputs are 0. reverse: of each direction, whether it begins at the last token.
        """
        shares, state = shares.contiguous(), state.float().clone(memory_format=torch.contiguous_format)
        lengths = None if lengths is None else lengths.long().clamp(max=shares.size(1)).contiguous()
        low_weight = weight.to(shares.dtype)
        directions, rows, hidden = state.shape
        places = _places(lengths, rows, shares.size(1))
        old_states = shares.new_empty(directions, places[-1], hidden)
        products = shares.new_empty(directions, places[-1], 3 * hidden)
        outputs = shares.new_empty(rows, shares.size(1), directions * hidden)
        old_states[:, : places[1]] = state[:, : places[1]]
        saved = shares, low_weight, shares_bias, bias, constant, lengths, old_states, products
        step = _step(reverse, *saved)
        step.state, step.output = state.data_ptr(), outputs.data_ptr()
        transposed = low_weight.transpose(1, 2)
        for number in range(shares.size(1)):
            here = slice(places[number], places[number + 1])
            torch.bmm(old_states[:, here], transposed, out=products[:, here])
            step.stand_at(number, places)
            step.forward()
        ctx.save_for_backward(*saved)
        ctx.reverse, ctx.places = reverse, places
        return outputs, state

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, outputs_grad: Tensor, last_grad: Tensor) -> tuple[Tensor | None, ...]:
        """The gradients of the first six."""
        saved = ctx.saved_tensors  # held to the end, as the steps know only where they lie
        shares, weight, _, bias, constant, _, old_states, products = saved
        places, hidden = ctx.places, weight.size(2)
        outputs_grad, carried = outputs_grad.contiguous(), last_grad.clone(memory_format=torch.contiguous_format)
        shares_grad, products_grad = torch.empty_like(shares), torch.empty_like(products)
        later = torch.empty_like(carried, dtype=shares.dtype)
        bias_grads = bias.new_zeros(torch.get_num_threads(), len(bias), 4 * hidden)
        step = _step(ctx.reverse, *saved)
        step.grad, step.carried, step.later = outputs_grad.data_ptr(), carried.data_ptr(), later.data_ptr()
        step.shares_grad, step.products_grad = shares_grad.data_ptr(), products_grad.data_ptr()
        step.bias_grads = bias_grads.data_ptr()
        for number in reversed(range(shares.size(1))):
            here = slice(places[number], places[number + 1])
            step.stand_at(number, places)
            step.backward()
            torch.bmm(products_grad[:, here], weight, out=later[:, : step.active])
        carried[:, : step.active] += later[:, : step.active]
        weight_grad = torch.bmm(products_grad.transpose(1, 2), old_states).to(bias.dtype)
        gates, candidate, own = bias_grads.sum(dim=0).split([2 * hidden, hidden, hidden], dim=-1)
        of_shares, of_products = torch.cat([gates, candidate], dim=-1), torch.cat([gates, own], dim=-1)
        of_constant = None if constant is None else shares_grad.sum(dim=1)
        return shares_grad, carried, weight_grad, of_shares, of_products, of_constant, None, None


def _places(lengths: Tensor | None, rows: int, steps: int) -> list[int]:
    """Where each step's active rows begin among those of all steps, and the end [T + 1].

    Active are the first rows, up to the last one that is long enough, and up to a multiple of some: few where the
    longest come first.
    """
    if lengths is None:
        return [number * rows for number in range(steps + 1)]
    longer = lengths[:, None] > torch.arange(steps)
    wanted = (longer * torch.arange(1, rows + 1)[:, None]).amax(dim=0)
    active: list[int] = (-(-wanted // _ROWS_MULTIPLE) * _ROWS_MULTIPLE).clamp(max=rows).tolist()
    return list(accumulate(active, initial=0))


def _step(
    reverse: Sequence[bool],
    shares: Tensor,
    weight: Tensor,
    shares_bias: Tensor,
    bias: Tensor,
    constant: Tensor | None,
    lengths: Tensor | None,
    old_states: Tensor,
    products: Tensor,
) -> GruStep:
    return GruStep(
        level=levels()[-1],
        is_bf16=shares.dtype == torch.bfloat16,
        threads=torch.get_num_threads(),
        rows=shares.size(0),
        steps=shares.size(1),
        hidden=weight.size(2),
        directions=len(weight),
        reversed=sum(backwards << direction for direction, backwards in enumerate(reverse)),
        places=old_states.size(1),
        shares=shares.data_ptr(),
        shares_bias=shares_bias.data_ptr(),
        products_bias=bias.data_ptr(),
        constant=None if constant is None else constant.data_ptr(),
        lengths=None if lengths is None else lengths.data_ptr(),
        old_states=old_states.data_ptr(),
        products=products.data_ptr(),
    )
