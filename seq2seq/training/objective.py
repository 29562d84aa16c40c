"""What training makes small."""

from typing import Any

import torch
import torch.nn.functional as F
from torch import Tensor, nn

from seq2seq.model.network import EncoderDecoder
from seq2seq.text.batching import Batch
from seq2seq.text.tokenizer import PAD

# Logits that exist at any moment. On a CPU they should fit its cache; on a GPU the fewer pieces the better.
_LOGITS_AT_ONCE = {"cpu": 2**20, "cuda": 2**27}
# A probability is never taken for less: the loss stays a number.
_SMALLEST = torch.finfo(torch.float32).tiny


def as_tensors(batch: Batch, device: torch.device) -> tuple[Tensor, ...]:
    """A batch as what an Objective takes first: src, src_lengths, tgt_in, tgt_out."""
    arrays = (batch.src, batch.src_lengths, batch.tgt_in, batch.tgt_out)
    return tuple(torch.from_numpy(array).to(device) for array in arrays)


class Objective(nn.Module):
    """Cross-entropy of the target with label smoothing (Szegedy et al. 2016, section 7), padding left out."""

    def __init__(self, network: EncoderDecoder, label_smoothing: float) -> None:
        super().__init__()
        self.network = network
        self.label_smoothing = label_smoothing

    def forward(self, src: Tensor, src_lengths: Tensor, tgt_in: Tensor, tgt_out: Tensor, token_weight: float) -> Tensor:
        """The smoothed loss, summed over the real target tokens, in nats times token_weight."""
        return self._loss(src, src_lengths, tgt_in, tgt_out, token_weight, self.label_smoothing)

    @torch.no_grad()
    def log_loss(self, src: Tensor, src_lengths: Tensor, tgt_in: Tensor, tgt_out: Tensor) -> Tensor:
        """-log p without smoothing, summed over the real target tokens, in nats."""
        return self._loss(src, src_lengths, tgt_in, tgt_out, 1.0, 0.0)

    def _loss(
        self, src: Tensor, src_lengths: Tensor, tgt_in: Tensor, tgt_out: Tensor, token_weight: float, smoothing: float
    ) -> Tensor:
        features = self.network.decode(self.network.encode(src, src_lengths), tgt_in).flatten(0, 1)
        weight, bias = self.network.output_weight, self.network.output_bias
        loss: Tensor = LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
            features, weight, bias, tgt_out.flatten(), token_weight, smoothing
        )
        return loss


class LinearCrossEntropy(torch.autograd.Function):
    """The output layer and its loss in one, some rows at a time.

    Equals token_weight times `cross_entropy(linear(features, weight, bias), targets, ignore_index=PAD,
    label_smoothing=smoothing, reduction="sum")`, but the logits of a whole batch never exist: the gradients are taken
    piece by piece. The tokens that a mean is over may lie in several batches: the caller knows.

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
        """features [N, E], weight [V, E], bias [V], targets [N] -> the weighted loss of targets that are not PAD."""
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

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Scale what forward found."""
        features_grad, weight_grad, bias_grad = ctx.saved_tensors
        scale = grads[0] * ctx.token_weight
        return features_grad * scale, weight_grad * scale, bias_grad * scale, None, None, None


def _sums_by_row(vectors: Tensor, rows: Tensor, count: int) -> Tensor:
    """vectors [N, E], rows [N] below `count` -> the sums of the vectors of each row [count, E], always in one order."""
    sums: Tensor = torch.ops.aten.embedding_dense_backward(vectors, rows, count, -1, False)
    return sums
