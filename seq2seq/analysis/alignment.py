"""The soft alignment of a sentence pair: the weight of each source piece in each target piece."""

from dataclasses import dataclass

import numpy as np
import torch

from seq2seq.errors import InputError
from seq2seq.runs.trained_model import TrainedModel
from seq2seq.tokenizer.shared_spans import encode_pairs
from seq2seq.tokenizer.tokenizer import BOS, EOS


@dataclass(frozen=True)
class Alignment:
    """The attention weights of one pair."""

    src: list[str]
    """The source's pieces, eos included."""
    tgt: list[str]
    """The target's pieces, eos included."""
    weights: np.ndarray
    """[T, S], float32; each row sums to 1."""


@torch.inference_mode()
def align(model: TrainedModel, src: str, tgt: str) -> Alignment:
    """How a model attends to `src` while it reads `tgt`.

    For a decoder with attention these are the attention weights (Bahdanau et al. 2015, figure 3); for one with
    summaries, the weight of each piece in each summary times the weight of that summary in the step. Raises InputError
    if the decoder has neither.
    """
    network, tokenizers = model.network, model.tokenizers
    device = next(network.parameters()).device
    texts = [(tokenizers.source_text(src), tokenizers.target_text(tgt))]
    (src_ids,), (tgt_ids,) = encode_pairs(tokenizers.src, tokenizers.tgt, texts)
    source, target = (torch.tensor([ids], device=device) for ids in ([*src_ids, EOS], [BOS, *tgt_ids]))
    weights = network.attention_weights(source, torch.tensor([len(src_ids) + 1], device=device), target)
    if weights is None:
        raise InputError(
            "the model has no attention and no summaries: all target words see the same context vector, so there is "
            "no alignment"
        )
    pieces = (tokenizers.src.pieces([*src_ids, EOS]), tokenizers.tgt.pieces([*tgt_ids, EOS]))
    return Alignment(*pieces, weights[0].float().cpu().numpy())
