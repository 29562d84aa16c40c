"""The tensors of a weights file, taken one by one by whoever knows what they should be."""

import math
from pathlib import Path
from typing import Any

import numpy as np
import safetensors


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
        if name not in self._left:
            raise UnknownModelError(name)
        found = self._file.get_slice(name)
        if found.get_shape() != list(shape) or found.get_dtype() != "F32" or not math.prod(shape):
            raise UnknownModelError(name)
        self._left.remove(name)
        tensor: np.ndarray = self._file.get_tensor(name)
        return tensor

    def expect_none_left(self) -> None:
        """Raises UnknownModelError where a tensor was not taken: it would have changed the result."""
        if self._left:
            raise UnknownModelError(min(self._left))
