"""Maps of a model's representations: vectors of words and of phrases, projected onto a plane.

These are figures 4 and 5 of Cho et al. 2014. Points that are close on the map were close before; distances across the
map mean little (t-SNE, van der Maaten & Hinton 2008).
"""

import re
from collections import Counter
from collections.abc import Iterable, Sequence
from itertools import islice

import numpy as np
import torch

from seq2seq.data.batching import pad_rows
from seq2seq.errors import InputError
from seq2seq.runs.trained_model import TrainedModel
from seq2seq.tokenizer.tokenizer import EOS, Tokenizer

_BATCH = 64
_SEED = 0


def frequent_words(tokenizer: Tokenizer, lines: Iterable[str], count: int) -> dict[str, int]:
    """The `count` most frequent words of a text that are a single piece, with the piece's id."""
    counts = Counter(word for line in lines for word in re.findall(r"[^\W\d_]+", line))
    words = [word for word, _ in counts.most_common()]
    single = ((word, ids[0]) for word, ids in zip(words, tokenizer.encode(words), strict=True) if len(ids) == 1)
    return dict(islice(single, count))


def word_vectors(model: TrainedModel, side: str, ids: Sequence[int]) -> np.ndarray:
    """The embeddings of pieces. side: src or tgt. [n, E], float32."""
    network = model.network
    weight = (network.src_embedding if side == "src" else network.tgt_embedding).weight
    vectors: np.ndarray = weight.detach()[list(ids)].float().cpu().numpy()
    return vectors


@torch.inference_mode()
def phrase_vectors(model: TrainedModel, phrases: Sequence[str]) -> np.ndarray:
    """The context vector of each phrase: [n, C], float32."""
    rows = [np.array([*ids, EOS]) for ids in model.tokenizers.encode_sources(phrases)]
    device = next(model.network.parameters()).device
    vectors = np.empty((len(rows), model.config.model.context_size), dtype=np.float32)
    for start in range(0, len(rows), _BATCH):
        batch = rows[start : start + _BATCH]
        lengths = torch.tensor([len(row) for row in batch], device=device)
        encoded = model.network.encode(torch.from_numpy(pad_rows(batch)).to(device), lengths)
        vectors[start : start + len(batch)] = encoded.context.cpu()
    return vectors


def lay_out(vectors: np.ndarray) -> np.ndarray:
    """vectors [n, size] -> points on a plane [n, 2], deterministic.

    Raises InputError if there are fewer than 4 vectors, or scikit-learn is missing.
    """
    if len(vectors) < 4:
        raise InputError(f"a map needs at least 4 points, not {len(vectors)}")
    try:
        from sklearn.manifold import TSNE
    except ImportError:
        raise InputError("maps need scikit-learn, which is not installed: pip install scikit-learn") from None
    perplexity = min(30, (len(vectors) - 1) / 3)
    points: np.ndarray = TSNE(perplexity=perplexity, init="pca", random_state=_SEED).fit_transform(vectors)
    return points
