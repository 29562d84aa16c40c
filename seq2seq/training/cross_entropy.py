"""The output layer and its loss in one, some rows at a time: the logits of a whole batch never exist.

`linear_cross_entropy` equals token_weight times `cross_entropy(linear(features, weight, bias), targets,
ignore_index=PAD, label_smoothing=smoothing, reduction="sum")`. The tokens that a mean is over may lie in several
batches: the caller knows. The gradients are taken piece by piece, on the way forward.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor

from seq2seq.model.gru import is_compiled_for, product_dtype
from seq2seq.native.library import isa_levels
from seq2seq.native.training import LossRows
from seq2seq.tokenizer.tokenizer import PAD

# Logits that exist at any moment. On a CPU they should fit its cache; on a GPU the fewer pieces the better.
_LOGITS_AT_ONCE = {"cpu": 2**20, "cuda": 2**27}
# The same where they are turned into their gradients in their place.
_COMPILED_LOGITS_AT_ONCE = 2**23
# Of how many rows the products of a piece have a multiple: each new shape costs a millisecond before its first product.
_ROWS_MULTIPLE = 64
# A probability is never taken for less: the loss stays a number.
_SMALLEST = torch.finfo(torch.float32).tiny


def linear_cross_entropy(
    features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, token_weight: float, smoothing: float
) -> Tensor:
    """features [N, F], weight [V, F], bias [V], targets [N] -> the weighted loss of targets that are not PAD."""
    if not torch.is_grad_enabled():  # inside, a parameter would still seem to want its gradient
        features, weight, bias = features.detach(), weight.detach(), bias.detach()
    function: type[_CrossEntropy] = PlainCrossEntropy
    if is_compiled_for(weight):
        function, features = CompiledCrossEntropy, features.to(product_dtype(weight))
    loss: Tensor = function.apply(features, weight, bias, targets, token_weight, smoothing)  # type: ignore[no-untyped-call]
    return loss


class _CrossEntropy(torch.autograd.Function):
    """What `forward` has saved are the gradients up to a scale factor."""

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Scale what forward found."""
        features_grad, weight_grad, bias_grad = ctx.saved_tensors
        scale = grads[0] * ctx.token_weight
        return features_grad * scale, weight_grad * scale, bias_grad * scale, None, None, None


class CompiledCrossEntropy(_CrossEntropy):
    """With one compiled pass over the logits, which leaves their gradient in their place. features: float32 or bf16."""

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        token_weight: float,
        smoothing: float,
    ) -> Tensor:
        """As `linear_cross_entropy`."""
        kind, vocab, threads = features.dtype, len(weight), torch.get_num_threads()
        places = (targets != PAD).nonzero()[:, 0]
        wanted = targets[places]
        kept = features.new_zeros(padded_rows(len(wanted)), features.size(1))
        kept[: len(wanted)] = features[places]
        rows = min(padded_rows(max(1, _COMPILED_LOGITS_AT_ONCE // vocab)), max(1, len(kept)))
        wants_grad = any(ctx.needs_input_grad)
        low_weight = weight.to(kind)
        room, losses = features.new_empty(rows, vocab), weight.new_empty(len(wanted))
        kept_grad, weight_grad = torch.empty_like(kept), None
        bias_grads = bias.new_zeros(threads, vocab)
        for start in range(0, len(wanted), rows):
            some = kept[start : start + rows]
            real = min(len(some), len(wanted) - start)
            logits = torch.mm(some, low_weight.t(), out=room[: len(some)])
            logits[real:] = 0
            LossRows(
                logits=logits.data_ptr(),
                bias=bias.data_ptr(),
                targets=wanted[start:].data_ptr(),
                losses=losses[start:].data_ptr(),
                bias_grads=bias_grads.data_ptr() if wants_grad else None,
                smoothing=smoothing,
                level=isa_levels()[-1],
                is_bf16=kind == torch.bfloat16,
                threads=threads,
                rows=real,
                vocab=vocab,
            ).run()
            if wants_grad:
                torch.mm(logits, low_weight, out=kept_grad[start : start + rows])
                part = torch.mm(logits.t(), some).to(weight.dtype)
                weight_grad = part if weight_grad is None else weight_grad.add_(part)
        if wants_grad:
            features_grad = torch.zeros_like(features).index_copy_(0, places, kept_grad[: len(places)])
            whole_weight_grad = torch.zeros_like(weight) if weight_grad is None else weight_grad
            ctx.token_weight = token_weight
            ctx.save_for_backward(features_grad, whole_weight_grad, bias_grads.sum(dim=0))
        return token_weight * losses.sum()


def padded_rows(rows: int) -> int:
    """With how many rows the products for `rows` targets are computed."""
    return -(-rows // _ROWS_MULTIPLE) * _ROWS_MULTIPLE


class PlainCrossEntropy(_CrossEntropy):
    """In torch alone.

    The gradient of the logits is the probabilities less the smoothed target. Only the probabilities need products of
    matrices; what the target adds to each gradient is one row of the other factor, and what smoothing adds their mean.
    """

    @staticmethod
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        token_weight: float,
        smoothing: float,
    ) -> Tensor:
        """As `linear_cross_entropy`."""
        kind, vocab = features.dtype, len(weight)
        rows = max(1, _LOGITS_AT_ONCE[features.device.type] // vocab)
        real = targets != PAD
        kept = features * real[:, None]
        low_weight, low_bias, low_real = weight.to(kind), bias.to(kind), real.to(kind)
        true_logits, log_probs = features.new_empty(2, len(features), dtype=weight.dtype)
        features_grad, weight_grad, bias_grad = (torch.zeros_like(one) for one in (features, weight, bias))
        for start in range(0, len(features), rows):
            some = slice(start, start + rows)
            logits = torch.addmm(low_bias, features[some], low_weight.t())
            probabilities = logits.softmax(dim=1)
            true = targets[some, None]
            true_logits[some] = logits.gather(1, true)[:, 0]
            log_probs[some] = probabilities.gather(1, true)[:, 0].to(weight.dtype).clamp_min(_SMALLEST).log()
            if any(ctx.needs_input_grad):
                torch.mm(probabilities, low_weight, out=features_grad[some])
                weight_grad += torch.mm(probabilities.t(), kept[some])
                bias_grad += torch.mv(probabilities.t(), low_real[some])
        # The mean of a row's logits is the logit of the mean row of weights.
        mean_weight, mean_bias = weight.mean(dim=0), bias.mean()
        mean_logits = (features * mean_weight).sum(dim=1) + mean_bias
        loss = smoothing * (true_logits - log_probs - mean_logits) - (1 - smoothing) * log_probs
        if any(ctx.needs_input_grad):
            sure, spread = 1 - smoothing, smoothing / vocab
            wanted = sure * F.embedding(targets, weight) + smoothing * mean_weight
            features_grad = ((features_grad - wanted) * real[:, None]).to(kind)
            weight_grad -= _sums_by_row(sure * kept.to(weight.dtype), targets, vocab) + spread * kept.sum(dim=0)
            bias_grad -= _sums_by_row(sure * real[:, None], targets, vocab)[:, 0] + spread * real.sum()
        ctx.token_weight = token_weight
        ctx.save_for_backward(features_grad, weight_grad, bias_grad)
        total: Tensor = token_weight * (loss * real).sum()
        return total


def _sums_by_row(vectors: Tensor, rows: Tensor, count: int) -> Tensor:
    """vectors [N, E], rows [N] below `count` -> the sums of the vectors of each row [count, E], always in one order."""
    sums: Tensor = torch.ops.aten.embedding_dense_backward(vectors, rows, count, -1, False)
    return sums
