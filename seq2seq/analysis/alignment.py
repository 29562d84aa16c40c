"""A pair in, its alignment out: how much each piece of a translation takes from each piece of its source."""

from dataclasses import dataclass

import numpy as np
import torch

from seq2seq.errors import InputError
from seq2seq.runs.trained_model import TrainedModel
from seq2seq.tokenizer.tokenizer import BOS, EOS


@dataclass(frozen=True)
class Alignment:
    """The attention weights of one pair."""

    src: list[str]
    """The source's pieces, its end among them."""
    tgt: list[str]
    """The target's."""
    weights: np.ndarray
    """[T, S], float32; each row adds up to 1."""


@torch.inference_mode()
def align(model: TrainedModel, src: str, tgt: str) -> Alignment:
    """How a model attends to `src` while it reads `tgt`.

    A decoder with attention looks at each piece anew (Bahdanau et al. 2015, figure 3). One with summaries takes from
    each piece what the summaries hold of it, times what the step takes of them. Raises InputError if the decoder has
    neither.
    """
    network, tokenizers = model.network, model.tokenizers
    device = next(network.parameters()).device
    src_ids, tgt_ids = tokenizers.src.encode([src.strip()])[0], tokenizers.tgt.encode([tgt.strip()])[0]
    rows = (torch.tensor([ids], device=device) for ids in ([*src_ids, EOS], [BOS, *tgt_ids]))
    source, target = rows
    found = network.attention_weights(source, torch.tensor([len(src_ids) + 1], device=device), target)
    if found is None:
        raise InputError("the model has no attention and no summaries: all of its words see the same vector c")
    pieces = (tokenizers.src.pieces([*src_ids, EOS]), tokenizers.tgt.pieces([*tgt_ids, EOS]))
    return Alignment(*pieces, found[0].float().cpu().numpy())
