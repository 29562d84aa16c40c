"""ctypes bindings of the training kernels between the matrix products: GRU gates, and the loss with its gradient.

Tensors are passed as raw pointers (`Tensor.data_ptr`) in the layouts given in `views.hpp`; nothing is checked here.
"""

from collections.abc import Sequence
from ctypes import POINTER, Structure, byref, c_float, c_int, c_int32, c_int64, c_void_p
from functools import cache
from typing import Any

from seq2seq.native.library import library


@cache
def isa_levels() -> range:
    """The instruction sets that the kernels support on this processor, the fastest last; empty if not compiled.

    0 is portable code, 1 AVX2, 2 AVX-512, 3 AVX-512 with BF16.
    """
    loaded = library()
    return range(loaded.seq2seq_training_level() + 1) if loaded else range(0)


class GruStep(Structure):
    """A step of a GRU: GruView of `views.hpp`."""

    _fields_ = [
        *((name, c_void_p) for name in ("input_gates", "context_gates", "hidden_gates", "input_bias", "hidden_bias")),
        *((name, c_void_p) for name in ("lengths", "state", "old_states", "output")),
        *((name, c_void_p) for name in ("grad", "hidden_grad", "next_hidden_grad")),
        *((name, c_void_p) for name in ("input_gates_grad", "hidden_gates_grad", "bias_grads")),
        ("all_rows", c_int64),
        *((name, c_int32) for name in ("level", "is_bf16", "threads", "rows", "steps", "hidden", "directions")),
        *((name, c_int32) for name in ("reversed", "step", "offset", "active", "next_offset", "next_active")),
    ]

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


class LossRows(Structure):
    """The loss of rows of logits: LossView of `views.hpp`."""

    _fields_ = [
        *((name, c_void_p) for name in ("logits", "bias", "targets", "losses", "bias_grads")),
        ("smoothing", c_float),
        *((name, c_int32) for name in ("level", "is_bf16", "threads", "rows", "vocab")),
    ]

    def run(self) -> None:
        """Compute `losses`, and the gradients if `bias_grads` is given. Raises MemoryError."""
        if _functions().seq2seq_loss(byref(self)):
            raise MemoryError


@cache
def _functions() -> Any:
    loaded = library()
    assert loaded
    loaded.seq2seq_gru.argtypes = [POINTER(GruStep), c_int]
    loaded.seq2seq_gru.restype = None
    loaded.seq2seq_loss.argtypes = [POINTER(LossRows)]
    return loaded
