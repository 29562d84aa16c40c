"""ctypes bindings of the engine: the functions of `seq2seq.h` that load a model and search with it."""

import ctypes
import weakref
from array import array
from collections.abc import Mapping, Sequence
from ctypes import POINTER, byref, c_int32, c_void_p
from functools import cache
from typing import Any, NamedTuple

from seq2seq.native.library import DAMAGED, INVALID, OUT_OF_MEMORY, UNSUPPORTED, library
from seq2seq.native.structures import Hypotheses, Network, Options, Tensor

CELLS = ["gru", "lstm", "rnn"]
"""In the order of Seq2seqCell."""
ATTENTIONS = ["none", "dot", "general", "additive"]
"""In the order of Seq2seqAttention."""
# In the order of Seq2seqType, as safetensors names them.
_TYPES = ["F32", "I8"]
_LONGEST_FAULT, _LARGEST_DIMENSION = 128, 2**31


class UnsupportedModelError(Exception):
    """The tensors are not exactly those of a network that the engine supports. The message is the name of one."""


class DamagedTensorError(Exception):
    """A tensor has values that it cannot have. The message is its name."""


class RawTensor(NamedTuple):
    """A tensor in memory, row-major."""

    dtype: str
    """As safetensors names it."""
    shape: tuple[int, ...]
    address: int
    owner: object
    """Keeps the memory alive."""


@cache
def isa_levels() -> range:
    """The instruction sets that the engine supports on this processor, the fastest last; empty if not compiled.

    What they are is in `seq2seq.h`.
    """
    loaded = library()
    return range(loaded.seq2seq_engine_level() + 1) if loaded else range(0)


class Model:
    """A model on the C++ side."""

    def __init__(self, tensors: Mapping[str, RawTensor], network: Network, level: int) -> None:
        """tensors: parameters of torch modules by name. level: one of `isa_levels()`.

        Raises UnsupportedModelError if a tensor is missing, superfluous or of another type or shape;
        DamagedTensorError; and ValueError for another level.
        """
        functions = _functions()
        views = (Tensor * len(tensors))(*(_view(name, tensor) for name, tensor in tensors.items()))
        address, fault = c_void_p(), ctypes.create_string_buffer(_LONGEST_FAULT)
        status = functions.seq2seq_load(views, len(views), byref(network), level, byref(address), fault)
        if status == OUT_OF_MEMORY:
            raise MemoryError
        if status == INVALID:
            raise ValueError(f"level {level}: not among those of this processor")
        name = fault.value.decode(errors="replace")
        if status in (UNSUPPORTED, DAMAGED):
            raise (UnsupportedModelError if status == UNSUPPORTED else DamagedTensorError)(name)
        self._address, self._search = address, functions.seq2seq_search
        weakref.finalize(self, functions.seq2seq_free, address)

    def search(
        self,
        options: Options,
        tokens: Sequence[int],
        lengths: Sequence[int],
        limits: Sequence[int],
        hypotheses: Hypotheses,
    ) -> None:
        """Write the best hypotheses of B sentences to `hypotheses`.

        tokens: the ids of all sentences, concatenated; lengths [B]: source lengths; limits [B]: maximum lengths of
            the translations.
        Raises ValueError for values out of range. After a MemoryError, the model remains usable.
        """
        arrays = map(int32_array, (tokens, lengths, limits))
        status = self._search(self._address, byref(options), *arrays, len(lengths), byref(hypotheses))
        if status == OUT_OF_MEMORY:
            raise MemoryError
        if status == INVALID:
            raise ValueError(
                "an empty source, an id outside the vocabulary, symbols that no translation can have, "
                "or a search option out of range"
            )


def _view(name: str, tensor: RawTensor) -> Tensor:
    fits = tensor.dtype in _TYPES and 1 <= len(tensor.shape) <= 2
    if not fits or not all(0 < size < _LARGEST_DIMENSION for size in tensor.shape):
        raise UnsupportedModelError(name)
    shape = (c_int32 * 2)(*tensor.shape)
    return Tensor(name.encode(), tensor.address, _TYPES.index(tensor.dtype), len(tensor.shape), shape)


def int32_array(numbers: Sequence[int]) -> Any:
    """An array for the library; None if it would be empty. Raises OverflowError, unlike ctypes, beyond 32 bits."""
    return (c_int32 * len(numbers)).from_buffer(array("i", numbers)) if numbers else None


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
    loaded.seq2seq_search.argtypes = [
        c_void_p,
        POINTER(Options),
        *[POINTER(c_int32)] * 3,
        c_int32,
        POINTER(Hypotheses),
    ]
    return loaded
