"""ctypes bindings of `engine.cpp`: the structures of `views.hpp` and the search functions."""

import ctypes
import weakref
from ctypes import POINTER, Structure, c_double, c_float, c_int8, c_int32, c_int64, c_void_p
from functools import cache
from typing import Any

import numpy as np

from seq2seq.native.library import library

CELLS = ["gru", "lstm", "rnn"]
"""In the order of `Cell` in `views.hpp`."""

# Error codes of a search.
_OUT_OF_MEMORY, _INVALID = 1, 2


@cache
def isa_levels() -> range:
    """The instruction sets that the engine supports on this processor, the fastest last; empty if not compiled.

    0 is portable code, 1 AVX2, 2 AVX-512 with VNNI.
    """
    loaded = library()
    return range(loaded.seq2seq_engine_level() + 1) if loaded else range(0)


class LinearView(Structure):
    """y = W x + b, W in float32 or in int8 with scales."""

    _fields_ = [
        ("weight", POINTER(c_float)),
        ("quantized", POINTER(c_int8)),
        ("scales", POINTER(c_float)),
        ("bias", POINTER(c_float)),
        ("out", c_int32),
        ("in_", c_int32),
    ]


class RecurrenceView(Structure):
    """A recurrent layer."""

    _fields_ = [("cell", c_int32), ("inputs", LinearView), ("recurrent", LinearView)]


class ModelView(Structure):
    """A network; absent layers have null pointers."""

    _fields_ = [
        ("src_embedding", POINTER(c_float)),
        ("token_gates", POINTER(c_float)),
        ("token_readout", POINTER(c_float)),
        ("attention_score", POINTER(c_float)),
        ("encoder", POINTER(RecurrenceView)),
        ("decoder", POINTER(RecurrenceView)),
        ("summary", LinearView),
        ("first_state", LinearView),
        ("readout", LinearView),
        ("output", LinearView),
        ("context_gates", LinearView),
        ("context_readout", LinearView),
        ("key", LinearView),
        ("query", LinearView),
        ("value", LinearView),
        ("weigh", LinearView),
        ("gate", LinearView),
        ("mixture", LinearView),
        ("src_vocab", c_int32),
        ("embedding_size", c_int32),
        ("encoder_layers", c_int32),
        ("directions", c_int32),
        ("decoder_layers", c_int32),
        ("has_attention", c_int32),
    ]


class OptionsView(Structure):
    """How to search."""

    _fields_ = [
        ("forbidden_ids", POINTER(c_int32)),
        ("shortlists", POINTER(c_int32)),
        ("shortlist_starts", POINTER(c_int32)),
        ("drafts", POINTER(c_int32)),
        ("draft_starts", POINTER(c_int32)),
        ("length_penalty", c_double),
        ("beam_size", c_int64),
        ("n_best", c_int64),
        ("forbidden_count", c_int32),
        ("eos", c_int32),
        ("bos", c_int32),
        ("has_symbols", c_int32),
    ]


class HypothesesView(Structure):
    """Output buffers for the hypotheses."""

    _fields_ = [
        ("tokens", POINTER(c_int32)),
        ("lengths", POINTER(c_int32)),
        ("log_probs", POINTER(c_double)),
        ("scores", POINTER(c_double)),
        ("token_log_probs", POINTER(c_float)),
        ("max_length", c_int32),
    ]


class Model:
    """A model on the C++ side, with the arrays that it reads."""

    def __init__(self, view: ModelView, level: int, *arrays: list[Any]) -> None:
        """level: one of `isa_levels()`. arrays: kept alive as long as the model."""
        functions = _functions()
        self._arrays = arrays
        self._search = functions.seq2seq_search
        self._address: int | None = functions.seq2seq_model(view, level)
        if not self._address:
            raise MemoryError
        weakref.finalize(self, functions.seq2seq_free, self._address)

    def search(
        self,
        options: OptionsView,
        tokens: np.ndarray,
        lengths: np.ndarray,
        limits: np.ndarray,
        hypotheses: HypothesesView,
    ) -> None:
        """Write the best hypotheses of B sentences to `hypotheses`.

        tokens: the ids of all sentences, concatenated; lengths [B]: source lengths; limits [B]: maximum lengths of
            the translations. All are int32.
        Raises ValueError for values out of range. After a MemoryError, the model remains usable.
        """
        arrays = (address_of(array, c_int32) for array in (tokens, lengths, limits))
        status = self._search(self._address, options, *arrays, len(lengths), hypotheses)
        if status == _OUT_OF_MEMORY:
            raise MemoryError
        if status == _INVALID:
            raise ValueError(
                "an empty source, an id outside the vocabulary, symbols that no translation can have, "
                "or a search option out of range"
            )


def address_of(array: np.ndarray, ctype: Any) -> Any:
    """A pointer of type `ctype` to the array's data."""
    return array.ctypes.data_as(POINTER(ctype))


@cache
def _functions() -> Any:
    loaded = library()
    assert loaded
    loaded.seq2seq_model.argtypes = [POINTER(ModelView), ctypes.c_int]
    loaded.seq2seq_model.restype = c_void_p
    loaded.seq2seq_free.argtypes = [c_void_p]
    loaded.seq2seq_free.restype = None
    int32_array = POINTER(c_int32)
    loaded.seq2seq_search.argtypes = [
        c_void_p,
        POINTER(OptionsView),
        *[int32_array] * 3,
        c_int32,
        POINTER(HypothesesView),
    ]
    return loaded
