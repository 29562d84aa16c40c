"""What training makes small."""

from typing import Any

import torch
from torch import Tensor, nn

from seq2seq.model.network import EncoderDecoder
from seq2seq.text.tokenizer import PAD

# Logits that exist at any moment. On a CPU they should fit its cache; on a GPU the fewer pieces the better.
_LOGITS_AT_ONCE = {"cpu": 2**20, "cuda": 2**27}


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
        weight, bias = self.network.tgt_embedding.weight, self.network.output_bias
        loss: Tensor = LinearCrossEntropy.apply(  # type: ignore[no-untyped-call]
            features, weight, bias, tgt_out.flatten(), token_weight, smoothing
        )
        return loss


class LinearCrossEntropy(torch.autograd.Function):
    """The output layer and its loss in one, a few rows at a time.

    Equals token_weight times `cross_entropy(linear(features, weight, bias), targets, ignore_index=PAD,
    label_smoothing=smoothing, reduction="sum")`, but the logits of a whole batch never exist: each piece's gradient is
    taken while the piece is in the cache. The tokens that a mean is over may lie in several batches: the caller knows.
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
        token_weights = (targets != PAD) * token_weight
        low_weight, low_bias = weight.to(kind), bias.to(kind)
        features_grad, weight_grad, bias_grad = (torch.zeros_like(one) for one in (features, weight, bias))
        loss = torch.zeros((), device=features.device)
        for start in range(0, len(features), rows):
            some = slice(start, start + rows)
            x, target, part = features[some], targets[some, None], token_weights[some]
            logits = torch.addmm(low_bias, x, low_weight.t()).float()
            total = logits.logsumexp(dim=1, keepdim=True)
            true = logits.gather(1, target)
            wanted = total - (1 - smoothing) * true - smoothing * logits.mean(dim=1, keepdim=True)
            loss += (part * wanted[:, 0]).sum()  # not a product of matrices, which autocast would take in bf16
            if not any(ctx.needs_input_grad):
                continue
            # The gradient of the logits: probabilities less the smoothed target.
            grad = logits.sub_(total).exp_().sub_(smoothing / vocab)
            grad.scatter_add_(1, target, torch.full_like(true, smoothing - 1)).mul_(part[:, None])
            bias_grad += grad.sum(dim=0)
            low_grad = grad.to(kind)
            torch.mm(low_grad, low_weight, out=features_grad[some])
            weight_grad += torch.mm(low_grad.t(), x)
        ctx.save_for_backward(features_grad, weight_grad, bias_grad)
        return loss

    @staticmethod
    def backward(ctx: Any, *grads: Tensor) -> tuple[Tensor | None, ...]:
        """Scale what forward found."""
        features_grad, weight_grad, bias_grad = ctx.saved_tensors
        return (
            features_grad * grads[0].to(features_grad.dtype),
            weight_grad * grads[0],
            bias_grad * grads[0],
            None,
            None,
            None,
        )
