"""Linear layers in numpy, with float32 or int8 weights."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np

LARGEST_INT8 = 127
"""The range of int8 values that are used is symmetric, so that a sign can be changed."""
_LARGEST = np.float32(LARGEST_INT8)


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
        return self.values if self.scales is None else self._floats * self.scales[:, None]

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """inputs [..., I] -> [..., O]. int8 weights meet inputs that are rounded to int8, each row by its largest."""
        if self.scales is None:
            return np.asarray(inputs @ self.values.T)
        rounded, scales = round_to_int8(inputs)
        return np.asarray((rounded @ self._floats.T) * (scales * self.scales))

    @cached_property
    def _floats(self) -> np.ndarray:
        # Sums of so small integers are exact in float32 (up to 1,040 of them), and numpy has no fast product of int8.
        return self.values.astype(np.float32)


def round_to_int8(rows: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """rows [..., I] -> integers within 127, as floats [..., I], and the scale of each row [..., 1]."""
    largest = np.abs(rows).max(axis=-1, keepdims=True)
    largest = np.where(largest > 0, largest, np.float32(1))
    return np.rint(rows * (_LARGEST / largest)), largest / _LARGEST


@dataclass(frozen=True)
class Linear:
    """y = W x + b"""

    weight: Weight
    """[O, I]"""
    bias: np.ndarray
    """[O]"""

    def __call__(self, inputs: np.ndarray) -> np.ndarray:
        """inputs [..., I] -> [..., O]"""
        outputs = self.weight(inputs)
        outputs += self.bias
        return outputs


def unbiased(weight: Weight) -> Linear:
    """y = W x"""
    return Linear(weight, np.zeros(weight.shape[0], np.float32))
