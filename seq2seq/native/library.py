"""The compiled library, for ctypes."""

import ctypes
from functools import cache
from importlib.util import find_spec

# The version of the structures: also in `views.hpp`; increment both when a structure changes.
_VERSION = 7


@cache
def library() -> ctypes.CDLL | None:
    """The library, or None if it was not built, does not load, or was built for another version of the structures."""
    spec = find_spec("seq2seq.native._library")
    try:
        loaded = ctypes.CDLL(spec.origin) if spec and spec.origin else None
    except OSError:
        return None
    return loaded if loaded and _version(loaded) == _VERSION else None


def _version(loaded: ctypes.CDLL) -> int:
    return int(loaded.seq2seq_version()) if hasattr(loaded, "seq2seq_version") else 0
