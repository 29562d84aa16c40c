"""The output layer fused with its loss, in chunks of rows: the logits of a whole batch are never materialised.

`linear_cross_entropy` equals token_weight times `cross_entropy(linear(features, weight, bias), targets,
ignore_index=PAD, label_smoothing=smoothing, reduction="sum")`. A mean may be over the tokens of several batches,
which only the caller knows. The gradients are computed chunk by chunk in the forward pass.
"""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor
from typing_extensions import override

from seq2seq.model.gru import is_compiled_for, product_dtype
from seq2seq.native.training import LossRows, isa_levels
from seq2seq.tokenizer.tokenizer import PAD

# Logits per chunk. On a CPU they should fit into its cache; on a GPU fewer chunks are better.
_LOGITS_PER_CHUNK = {"cpu": 2**20, "cuda": 2**27}
# The same for the compiled pass, which overwrites them with their gradients.
_COMPILED_LOGITS_PER_CHUNK = 2**23
# The rows of a chunk are padded to a multiple of this: each new GEMM shape costs a millisecond to prepare.
_ROWS_MULTIPLE = 64
# Lower bound of a probability: the loss stays finite.
_SMALLEST_PROBABILITY = torch.finfo(torch.float32).tiny


def linear_cross_entropy(
    features: Tensor, weight: Tensor, bias: Tensor, targets: Tensor, token_weight: float, smoothing: float
) -> Tensor:
    """features [N, F], weight [V, F], bias [V], targets [N] -> the weighted loss of targets that are not PAD."""
    if not torch.is_grad_enabled():  # ctx.needs_input_grad does not respect no_grad
        features, weight, bias = features.detach(), weight.detach(), bias.detach()
    function: type[_CrossEntropy] = PlainCrossEntropy
    if is_compiled_for(weight):
        function, features = CompiledCrossEntropy, features.to(product_dtype(weight))
    loss: Tensor = function.apply(features, weight, bias, targets, token_weight, smoothing)  # type: ignore[no-untyped-call]
    return loss


class _CrossEntropy(torch.autograd.Function):
    """`forward` saves the gradients up to a scale factor."""

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Scale the saved gradients."""
        features_grad, weight_grad, bias_grad = ctx.saved_tensors
        scale = grads[0] * ctx.token_weight
        return features_grad * scale, weight_grad * scale, bias_grad * scale, None, None, None


class CompiledCrossEntropy(_CrossEntropy):
    """Cross-entropy in one compiled pass that overwrites the logits with gradients. features: float32 or bf16."""

    @staticmethod
    @override
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        token_weight: float,
        smoothing: float,
    ) -> Tensor:
        dtype, vocab, threads = features.dtype, len(weight), torch.get_num_threads()
        indices = (targets != PAD).nonzero()[:, 0]
        real_targets = targets[indices]
        real_features = features.new_zeros(padded_rows(len(real_targets)), features.size(1))
        real_features[: len(real_targets)] = features[indices]
        rows = min(padded_rows(max(1, _COMPILED_LOGITS_PER_CHUNK // vocab)), max(1, len(real_features)))
        needs_grad = any(ctx.needs_input_grad)
        cast_weight = weight.to(dtype)
        buffer, losses = features.new_empty(rows, vocab), weight.new_empty(len(real_targets))
        real_features_grad, weight_grad = torch.empty_like(real_features), None
        bias_grads = bias.new_zeros(threads, vocab)
        for start in range(0, len(real_targets), rows):
            chunk = real_features[start : start + rows]
            real_rows = min(len(chunk), len(real_targets) - start)
            logits = torch.mm(chunk, cast_weight.t(), out=buffer[: len(chunk)])
            logits[real_rows:] = 0
            LossRows(
                logits=logits.data_ptr(),
                bias=bias.data_ptr(),
                targets=real_targets[start:].data_ptr(),
                losses=losses[start:].data_ptr(),
                bias_grads=bias_grads.data_ptr() if needs_grad else None,
                smoothing=smoothing,
                level=isa_levels()[-1],
                is_bf16=dtype == torch.bfloat16,
                threads=threads,
                rows=real_rows,
                vocab=vocab,
            ).run()
            if needs_grad:
                torch.mm(logits, cast_weight, out=real_features_grad[start : start + rows])
                chunk_grad = torch.mm(logits.t(), chunk).to(weight.dtype)
                weight_grad = chunk_grad if weight_grad is None else weight_grad.add_(chunk_grad)
        if needs_grad:
            features_grad = torch.zeros_like(features).index_copy_(0, indices, real_features_grad[: len(indices)])
            weight_grad = torch.zeros_like(weight) if weight_grad is None else weight_grad
            ctx.token_weight = token_weight
            ctx.save_for_backward(features_grad, weight_grad, bias_grads.sum(dim=0))
        return token_weight * losses.sum()


def padded_rows(rows: int) -> int:
    """The number of rows that the products for `rows` targets are padded to."""
    return -(-rows // _ROWS_MULTIPLE) * _ROWS_MULTIPLE


class PlainCrossEntropy(_CrossEntropy):
    """Cross-entropy in plain torch.

    The gradient of the logits is the probabilities minus the smoothed targets. Only the probabilities need matrix
    products; the target adds one row of the other factor to each gradient, and smoothing the mean of the rows.
    """

    @staticmethod
    @override
    def forward(
        ctx: Any,
        features: Tensor,
        weight: Tensor,
        bias: Tensor,
        targets: Tensor,
        token_weight: float,
        smoothing: float,
    ) -> Tensor:
        dtype, vocab = features.dtype, len(weight)
        rows = max(1, _LOGITS_PER_CHUNK[features.device.type] // vocab)
        real = targets != PAD
        real_features = features * real[:, None]
        cast_weight, cast_bias, cast_real = weight.to(dtype), bias.to(dtype), real.to(dtype)
        true_logits, log_probs = features.new_empty(2, len(features), dtype=weight.dtype)
        features_grad, weight_grad, bias_grad = (torch.zeros_like(tensor) for tensor in (features, weight, bias))
        for start in range(0, len(features), rows):
            chunk = slice(start, start + rows)
            logits = torch.addmm(cast_bias, features[chunk], cast_weight.t())
            probabilities = logits.softmax(dim=1)
            true = targets[chunk, None]
            true_logits[chunk] = logits.gather(1, true)[:, 0]
            log_probs[chunk] = (
                probabilities.gather(1, true)[:, 0].to(weight.dtype).clamp_min(_SMALLEST_PROBABILITY).log()
            )
            if any(ctx.needs_input_grad):
                torch.mm(probabilities, cast_weight, out=features_grad[chunk])
                weight_grad += torch.mm(probabilities.t(), real_features[chunk])
                bias_grad += torch.mv(probabilities.t(), cast_real[chunk])
        # The mean of a row's logits is the logit of the mean row of weights.
        mean_weight, mean_bias = weight.mean(dim=0), bias.mean()
        mean_logits = (features * mean_weight).sum(dim=1) + mean_bias
        loss = smoothing * (true_logits - log_probs - mean_logits) - (1 - smoothing) * log_probs
        if any(ctx.needs_input_grad):
            confidence, uniform = 1 - smoothing, smoothing / vocab
            target_weight = confidence * F.embedding(targets, weight) + smoothing * mean_weight
            features_grad = ((features_grad - target_weight) * real[:, None]).to(dtype)
            target_sums = _sums_by_row(confidence * real_features.to(weight.dtype), targets, vocab)
            weight_grad -= target_sums + uniform * real_features.sum(dim=0)
            bias_grad -= _sums_by_row(confidence * real[:, None], targets, vocab)[:, 0] + uniform * real.sum()
        ctx.token_weight = token_weight
        ctx.save_for_backward(features_grad, weight_grad, bias_grad)
        total: Tensor = token_weight * (loss * real).sum()
        return total


def _sums_by_row(vectors: Tensor, rows: Tensor, count: int) -> Tensor:
    """vectors [N, E], rows [N] below `count` -> the sum of the vectors of each row [count, E], in a fixed order."""
    sums: Tensor = torch.ops.aten.embedding_dense_backward(vectors, rows, count, -1, False)
    return sums
