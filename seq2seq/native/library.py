"""The compiled library, for ctypes."""

import ctypes
from functools import cache
from importlib.util import find_spec

from seq2seq.native.structures import STRUCTURES

# SEQ2SEQ_VERSION of `seq2seq.h`.
_VERSION = 8
OK, OUT_OF_MEMORY, INVALID, UNSUPPORTED, DAMAGED = range(5)
"""Seq2seqStatus."""


@cache
def library() -> ctypes.CDLL | None:
    """The library, or None if it was not built, does not load, or was built from another version of `seq2seq.h`."""
    spec = find_spec("seq2seq.native._library")
    try:
        loaded = ctypes.CDLL(spec.origin) if spec and spec.origin else None
    except OSError:
        return None
    return loaded if loaded and _fits(loaded) else None


def _fits(loaded: ctypes.CDLL) -> bool:
    """Whether the library has the version and the structures that are declared here."""
    if not hasattr(loaded, "seq2seq_version") or loaded.seq2seq_version() != _VERSION:
        return False
    sizes = (ctypes.c_int32 * len(STRUCTURES))()
    loaded.seq2seq_sizes(sizes)
    return list(sizes) == [ctypes.sizeof(structure) for structure in STRUCTURES]
