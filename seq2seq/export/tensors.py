"""The tensors of a weights file, taken one by one by whoever knows what they should be."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import safetensors

from seq2seq.export.linear import Linear, Weight

SCALES = ".scales"
"""What is added to a matrix's name for the scales of its int8 rows."""


class UnknownModelError(Exception):
    """The file does not hold just the tensors of a network that the engine knows."""


class Tensors:
    """An open safetensors file. A tensor is read only if its type and shape are as expected."""

    def __init__(self, path: Path) -> None:
        file: Any = safetensors.safe_open(path, framework="np")
        self._file = file
        self._left = set(file.keys())

    def take(self, name: str, *shape: int) -> np.ndarray:
        """The float32 tensor `name` of this shape. Raises UnknownModelError where there is none."""
        return self._take(name, "F32", *shape)

    def weight(self, name: str, out_size: int, in_size: int) -> Weight:
        """The matrix `name`, in float32, or in int8 with a scale for each row under `name`.scales."""
        if name + SCALES in self._left:
            return Weight(self._take(name, "I8", out_size, in_size), self.take(name + SCALES, out_size))
        return Weight(self.take(name, out_size, in_size))

    def linear(self, name: str, out_size: int, in_size: int) -> Linear:
        """The parameters of an `nn.Linear`."""
        return Linear(self.weight(f"{name}.weight", out_size, in_size), self.take(f"{name}.bias", out_size))

    def _take(self, name: str, kind: str, *shape: int) -> np.ndarray:
        if name not in self._left:
            raise UnknownModelError(name)
        found = self._file.get_slice(name)
        if found.get_shape() != list(shape) or found.get_dtype() != kind or not math.prod(shape):
            raise UnknownModelError(name)
        self._left.remove(name)
        tensor: np.ndarray = self._file.get_tensor(name)
        return tensor

    def expect_none_left(self) -> None:
        """Raises UnknownModelError where a tensor was not taken: it would have changed the result."""
        if self._left:
            raise UnknownModelError(min(self._left))
