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

# The range of int8 values that are used is symmetric, so that a sign can be changed.
_LARGEST_INT8 = 127


@dataclass(frozen=True)
class Weight:
    """A matrix W of a product y = W x."""

    values: np.ndarray
    """[O, I], float32 or int8."""
    scales: np.ndarray | None = None
    """[O], of the int8 rows."""

    @property
    def shape(self) -> tuple[int, int]:
        """(O, I)"""
        return self.values.shape[0], self.values.shape[1]

    def columns(self, start: int, end: int) -> "Weight":
        """The part that some of the inputs meet."""
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
    """The tensors of a file or of a network in memory. One is read only if its type and shape are as expected."""

    def __init__(
        self, kinds: Mapping[str, tuple[str, list[int]]], read: Callable[[str], np.ndarray], origin: str = ""
    ) -> None:
        """kinds: type and shape of each, as safetensors calls them. origin: the file, for errors."""
        self._left, self._read, self._origin = dict(kinds), read, origin

    @classmethod
    def open(cls, weights: os.PathLike[str]) -> Self:
        """Those of a safetensors file."""
        file: Any = safetensors.safe_open(weights, framework="np")
        slices = {name: file.get_slice(name) for name in file.keys()}  # noqa: SIM118  # it is no dictionary
        kinds = {name: (tensor.get_dtype(), tensor.get_shape()) for name, tensor in slices.items()}
        return cls(kinds, file.get_tensor, str(weights))

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Those of float32 arrays."""
        return cls({name: ("F32", list(array.shape)) for name, array in arrays.items()}, arrays.__getitem__)

    def take(self, name: str, *shape: int) -> np.ndarray:
        """The float32 tensor `name` of this shape. Raises UnsupportedModelError where there is none."""
        return self._take(name, "F32", *shape)

    def weight(self, name: str, out_size: int, in_size: int) -> Weight:
        """The matrix `name`, in float32, or in int8 with a scale for each row under `name`.scales.

        Raises InputError for -128, whose sign cannot be changed: instruction sets would differ on it.
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

    def _take(self, name: str, kind: str, *shape: int) -> np.ndarray:
        if self._left.pop(name, None) != (kind, list(shape)) or not math.prod(shape):
            raise UnsupportedModelError(name)
        return self._read(name)

    def expect_none_left(self) -> None:
        """Raises UnsupportedModelError where a tensor was not taken: it would have changed the result."""
        if self._left:
            raise UnsupportedModelError(min(self._left))


def quantize(weights: bytes) -> bytes:
    """The content of a weights file with its matrices in int8, a scale for each row; vectors stay in float32."""
    tensors: dict[str, np.ndarray] = {}
    for name, tensor in safetensors.numpy.load(weights).items():
        # A single row is no matrix of a product: the score vector of additive attention.
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
