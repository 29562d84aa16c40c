"""ctypes bindings of the engine: the functions of `seq2seq.h` that load a model and search with it."""

import ctypes
import weakref
from collections.abc import Mapping
from ctypes import POINTER, byref, c_int32, c_void_p
from functools import cache
from typing import Any

import numpy as np

from seq2seq.native.library import DAMAGED, INVALID, OUT_OF_MEMORY, UNSUPPORTED, library
from seq2seq.native.structures import Hypotheses, Network, Options, Tensor

CELLS = ["gru", "lstm", "rnn"]
"""In the order of Seq2seqCell."""
ATTENTIONS = ["none", "dot", "general", "additive"]
"""In the order of Seq2seqAttention."""
# In the order of Seq2seqType.
_TYPES = [np.dtype(np.float32), np.dtype(np.int8)]
# These are used where they are as long as the model exists; everything else is copied.
_KEPT = ("src_embedding.", "tgt_embedding.", "output_bias", "decoder.attention.score.")
_LONGEST_FAULT = 128


class UnsupportedModelError(Exception):
    """The tensors are not exactly those of a network that the engine supports. The message is the name of one."""


class DamagedTensorError(Exception):
    """A tensor has values that it cannot have. The message is its name."""


@cache
def isa_levels() -> range:
    """The instruction sets that the engine supports on this processor, the fastest last; empty if not compiled.

    What they are is in `seq2seq.h`.
    """
    loaded = library()
    return range(loaded.seq2seq_engine_level() + 1) if loaded else range(0)


class Model:
    """A model on the C++ side, with the arrays that it reads."""

    def __init__(self, tensors: Mapping[str, np.ndarray], network: Network, level: int) -> None:
        """tensors: parameters of torch modules by name. level: one of `isa_levels()`.

        Raises UnsupportedModelError if a tensor is missing, superfluous or of another type or shape, and
        DamagedTensorError.
        """
        functions = _functions()
        arrays = {name: np.ascontiguousarray(array) for name, array in tensors.items()}
        views = (Tensor * len(arrays))(*(_view(name, array) for name, array in arrays.items()))
        address, fault = c_void_p(), ctypes.create_string_buffer(_LONGEST_FAULT)
        status = functions.seq2seq_load(views, len(views), byref(network), level, byref(address), fault)
        if status == OUT_OF_MEMORY:
            raise MemoryError
        if status in (UNSUPPORTED, DAMAGED):
            raise (UnsupportedModelError if status == UNSUPPORTED else DamagedTensorError)(fault.value.decode())
        self._arrays = [array for name, array in arrays.items() if name.startswith(_KEPT)]
        self._address, self._search = address, functions.seq2seq_search
        weakref.finalize(self, functions.seq2seq_free, address)

    def search(
        self,
        options: Options,
        tokens: np.ndarray,
        lengths: np.ndarray,
        limits: np.ndarray,
        hypotheses: Hypotheses,
    ) -> None:
        """Write the best hypotheses of B sentences to `hypotheses`.

        tokens: the ids of all sentences, concatenated; lengths [B]: source lengths; limits [B]: maximum lengths of
            the translations. All are int32.
        Raises ValueError for values out of range. After a MemoryError, the model remains usable.
        """
        arrays = (address_of(array, c_int32) for array in (tokens, lengths, limits))
        status = self._search(self._address, byref(options), *arrays, len(lengths), byref(hypotheses))
        if status == OUT_OF_MEMORY:
            raise MemoryError
        if status == INVALID:
            raise ValueError(
                "an empty source, an id outside the vocabulary, symbols that no translation can have, "
                "or a search option out of range"
            )


def _view(name: str, array: np.ndarray) -> Tensor:
    if array.dtype not in _TYPES or not 1 <= array.ndim <= 2 or not array.size:
        raise UnsupportedModelError(name)
    shape = (c_int32 * 2)(*array.shape)
    return Tensor(name.encode(), array.ctypes.data, _TYPES.index(array.dtype), array.ndim, shape)


def address_of(array: np.ndarray, ctype: Any) -> Any:
    """A pointer of type `ctype` to the array's data."""
    return array.ctypes.data_as(POINTER(ctype))


@cache
def _functions() -> Any:
    loaded = library()
    assert loaded
    loaded.seq2seq_load.argtypes = [
        POINTER(Tensor),
        c_int32,
        POINTER(Network),
        c_int32,
        POINTER(c_void_p),
        ctypes.c_char_p,
    ]
    loaded.seq2seq_free.argtypes = [c_void_p]
    loaded.seq2seq_free.restype = None
    int32_array = POINTER(c_int32)
    loaded.seq2seq_search.argtypes = [
        c_void_p,
        POINTER(Options),
        *[int32_array] * 3,
        c_int32,
        POINTER(Hypotheses),
    ]
    return loaded
