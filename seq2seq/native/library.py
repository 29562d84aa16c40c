"""The compiled library, for ctypes."""

import ctypes
from functools import cache
from importlib.util import find_spec


@cache
def library() -> ctypes.CDLL | None:
    """None where it was not built, or does not load."""
    spec = find_spec("seq2seq.native._library")
    try:
        return ctypes.CDLL(spec.origin) if spec and spec.origin else None
    except OSError:
        return None


@cache
def levels() -> range:
    """The instruction sets to choose from, the fastest last: 0 is plain, 1 AVX2, 2 AVX-512. Empty where not built."""
    loaded = library()
    return range(loaded.seq2seq_level() + 1) if loaded else range(0)
