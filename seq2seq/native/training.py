"""ctypes bindings of the training kernels between the matrix products: GRU gates, and the loss with its gradient.

Tensors are passed as raw pointers (`Tensor.data_ptr`) in the layouts given in `seq2seq.h`; nothing is checked here.
"""

from collections.abc import Sequence
from ctypes import POINTER, byref, c_int
from functools import cache
from typing import Any

from seq2seq.native import structures
from seq2seq.native.library import OK, library


@cache
def isa_levels() -> range:
    """The instruction sets that the kernels support on this processor, the fastest last; empty if not compiled.

    What they are is in `seq2seq.h`.
    """
    loaded = library()
    return range(loaded.seq2seq_training_level() + 1) if loaded else range(0)


class GruStep(structures.GruStep):
    """A step of a GRU."""

    def set_step(self, step: int, row_offsets: Sequence[int]) -> None:
        """Select the step; row_offsets: the first row of each step, and the end of the last."""
        self.step, self.offset, self.next_offset = step, row_offsets[step], row_offsets[step + 1]
        self.active = self.next_offset - self.offset
        self.next_active = row_offsets[step + 2] - self.next_offset if step + 2 < len(row_offsets) else 0

    def forward(self) -> None:
        """Compute `state` and `output`, and the `old_states` of the next step."""
        _functions().seq2seq_gru(byref(self), 0)

    def backward(self) -> None:
        """Compute `hidden_grad`, `input_gates_grad` and `hidden_gates_grad`, and add to `bias_grads`."""
        _functions().seq2seq_gru(byref(self), 1)


class LossRows(structures.LossRows):
    """The loss of rows of logits."""

    def run(self) -> None:
        """Compute `losses`, and the gradients if `bias_grads` is given. Raises MemoryError."""
        if _functions().seq2seq_loss(byref(self)) != OK:
            raise MemoryError


@cache
def _functions() -> Any:
    loaded = library()
    assert loaded
    loaded.seq2seq_gru.argtypes = [POINTER(GruStep), c_int]
    loaded.seq2seq_gru.restype = None
    loaded.seq2seq_loss.argtypes = [POINTER(LossRows)]
    return loaded
