"""Weights in int8."""

import numpy as np
import safetensors.numpy

from seq2seq.model import INT8_SCALES

# The range of int8 values in use is symmetric, so that values can be negated.
_LARGEST_INT8 = 127


def quantize(weights: bytes) -> bytes:
    """The content of a weights file with its matrices in int8, with a scale per row; vectors stay in float32."""
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in safetensors.numpy.load(weights).items():
        # A single row, the score vector of additive attention, is not quantized.
        if tensor.ndim == 2 and len(tensor) > 1:
            tensors[name], tensors[name + INT8_SCALES] = _round_to_int8(tensor)
        else:
            tensors[name] = tensor
    return bytes(safetensors.numpy.save(tensors))


def _round_to_int8(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """rows [O, I] -> int8 values [O, I], and the scale of each row [O]."""
    largest = np.abs(rows).max(axis=1)
    largest = np.where(largest > 0, largest, np.float32(1))
    values = np.rint(rows * (np.float32(_LARGEST_INT8) / largest)[:, None])
    return values.astype(np.int8), largest / np.float32(_LARGEST_INT8)
