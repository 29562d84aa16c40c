"""The training objective."""

import torch
from torch import Tensor, nn

from seq2seq.data.batching import Batch
from seq2seq.model.network import EncoderDecoder
from seq2seq.training.cross_entropy import linear_cross_entropy


def as_tensors(batch: Batch, device: torch.device) -> tuple[Tensor, ...]:
    """A batch as the first arguments of an Objective: src, src_lengths, tgt_in, tgt_out."""
    arrays = (batch.src, batch.src_lengths, batch.tgt_in, batch.tgt_out)
    return tuple(torch.from_numpy(array).to(device) for array in arrays)


class Objective(nn.Module):
    """Cross-entropy of the target with label smoothing (Szegedy et al. 2016, section 7), excluding padding."""

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
        return linear_cross_entropy(features, weight, bias, tgt_out.flatten(), token_weight, smoothing)
