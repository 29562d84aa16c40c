"""The tensors of a network, taken one by one by whoever knows what they should be."""

import math
import os
from collections.abc import Callable, Mapping
from typing import Any, Self

import numpy as np
import safetensors

from seq2seq.errors import InputError
from seq2seq.export.linear import LARGEST_INT8, Linear, Weight

SCALES = ".scales"
"""What is added to a matrix's name for the scales of its int8 rows."""


class UnknownModelError(Exception):
    """These are not just the tensors of a network that the engine knows."""


class Tensors:
    """Those of a file or of a network in memory. A tensor is read only if its type and shape are as expected."""

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
        return cls(
            {name: (one.get_dtype(), one.get_shape()) for name, one in slices.items()}, file.get_tensor, str(weights)
        )

    @classmethod
    def of(cls, arrays: Mapping[str, np.ndarray]) -> Self:
        """Those of float32 arrays."""
        return cls({name: ("F32", list(array.shape)) for name, array in arrays.items()}, arrays.__getitem__)

    def take(self, name: str, *shape: int) -> np.ndarray:
        """The float32 tensor `name` of this shape. Raises UnknownModelError where there is none."""
        return self._take(name, "F32", *shape)

    def weight(self, name: str, out_size: int, in_size: int) -> Weight:
        """The matrix `name`, in float32, or in int8 with a scale for each row under `name`.scales.

        Raises InputError for -128, whose sign cannot be changed: instruction sets would differ on it.
        """
        if name + SCALES in self._left:
            values = self._take(name, "I8", out_size, in_size)
            if values.min() < -LARGEST_INT8:
                raise InputError(f"{self._origin}: damaged ({name} has values under -{LARGEST_INT8})")
            return Weight(values, self.take(name + SCALES, out_size))
        return Weight(self.take(name, out_size, in_size))

    def linear(self, name: str, out_size: int, in_size: int) -> Linear:
        """The parameters of an `nn.Linear`."""
        return Linear(self.weight(f"{name}.weight", out_size, in_size), self.take(f"{name}.bias", out_size))

    def _take(self, name: str, kind: str, *shape: int) -> np.ndarray:
        if self._left.pop(name, None) != (kind, list(shape)) or not math.prod(shape):
            raise UnknownModelError(name)
        return self._read(name)

    def expect_none_left(self) -> None:
        """Raises UnknownModelError where a tensor was not taken: it would have changed the result."""
        if self._left:
            raise UnknownModelError(min(self._left))
