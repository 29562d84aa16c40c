"""The weights of a network for the compiled engine, in float32 or int8."""

import math
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Self

import numpy as np
import safetensors
import safetensors.numpy

from seq2seq.errors import InputError
from seq2seq.model import INT8_SCALES

# The range of int8 values in use is symmetric, so that values can be negated.
_LARGEST_INT8 = 127


@dataclass(frozen=True)
class Weight:
    """A matrix W of a product y = W x."""

    values: np.ndarray
    """[O, I], float32 or int8."""
    scales: np.ndarray | None = None
    """[O], one per int8 row."""

    @property
    def shape(self) -> tuple[int, int]:
        """(O, I)"""
        return self.values.shape[0], self.values.shape[1]

    def columns(self, start: int, end: int) -> "Weight":
        """The columns for inputs `start` to `end`."""
        return Weight(self.values[:, start:end], self.scales)

    def dense(self) -> np.ndarray:
        """In float32."""
        return self.values if self.scales is None else self.values.astype(np.float32) * self.scales[:, None]


@dataclass(frozen=True)
class Linear:
    """y = W x + b"""

    weight: Weight
    """[O, I]"""
    bias: np.ndarray
    """[O]"""

    @classmethod
    def unbiased(cls, weight: Weight) -> Self:
        """y = W x"""
        return cls(weight, np.zeros(weight.shape[0], np.float32))


class UnsupportedModelError(Exception):
    """The tensors are not exactly those of a network that the engine supports."""


class Tensors:
    """The tensors of a file or of a network in memory. A tensor is read only if its dtype and shape are as expected."""

    def __init__(
        self, types: Mapping[str, tuple[str, list[int]]], read: Callable[[str], np.ndarray], origin: str = ""
    ) -> None:
        """types: dtype and shape of each, as safetensors names them. origin: the file, for errors."""
        self._left, self._read, self._origin = dict(types), read, origin

    @classmethod
    def open(cls, weights: os.PathLike[str]) -> Self:
        """The tensors of a safetensors file."""
        file: Any = safetensors.safe_open(weights, framework="np")
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  # not a dictionary
        types = {name: (tensor.get_dtype(), tensor.get_shape()) for name, tensor in slices.items()}
        return cls(types, file.get_tensor, str(weights))

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """From float32 arrays."""
        return cls({name: ("F32", list(array.shape)) for name, array in arrays.items()}, arrays.__getitem__)

    def take(self, name: str, *shape: int) -> np.ndarray:
        """The float32 tensor `name` of this shape. Raises UnsupportedModelError if there is none."""
        return self._take(name, "F32", *shape)

    def weight(self, name: str, out_size: int, in_size: int) -> Weight:
        """The matrix `name`, in float32, or in int8 with a scale per row in `name`.scales.

        Raises InputError for -128, which cannot be negated in int8: instruction sets would differ on it.
        """
        if name + INT8_SCALES in self._left:
            values = self._take(name, "I8", out_size, in_size)
            if values.min() < -_LARGEST_INT8:
                raise InputError(f"{self._origin}: damaged ({name} has values under -{_LARGEST_INT8})")
            return Weight(values, self.take(name + INT8_SCALES, out_size))
        return Weight(self.take(name, out_size, in_size))

    def linear(self, name: str, out_size: int, in_size: int) -> Linear:
        """The parameters of an `nn.Linear`."""
        return Linear(self.weight(f"{name}.weight", out_size, in_size), self.take(f"{name}.bias", out_size))

    def _take(self, name: str, dtype: str, *shape: int) -> np.ndarray:
        if self._left.pop(name, None) != (dtype, list(shape)) or not math.prod(shape):
            raise UnsupportedModelError(name)
        return self._read(name)

    def expect_none_left(self) -> None:
        """Raises UnsupportedModelError if a tensor was not taken: it would have changed the result."""
        if self._left:
            raise UnsupportedModelError(min(self._left))


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
