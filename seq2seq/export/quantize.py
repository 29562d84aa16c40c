"""Matrices in int8: a quarter of the size, and faster in the engine."""

import numpy as np
import safetensors.numpy

from seq2seq.export.linear import round_to_int8
from seq2seq.export.tensors import SCALES


def quantize(weights: bytes) -> bytes:
    """The content of a weights file with its matrices in int8, a scale for each row; vectors stay in float32."""
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in safetensors.numpy.load(weights).items():
        # A single row is no matrix of a product: the score vector of additive attention.
        if tensor.ndim == 2 and len(tensor) > 1:
            rounded, scales = round_to_int8(tensor)
            tensors[name], tensors[name + SCALES] = rounded.astype(np.int8), scales[:, 0]
        else:
            tensors[name] = tensor
    return bytes(safetensors.numpy.save(tensors))
