"""Where the tensors of a safetensors file are, read without numpy or torch: a translator starts faster without them."""

import json
import math
from typing import Any, NamedTuple

# Bytes of an element, by the name of its type in the file.
_SIZES = {
    **dict.fromkeys(("BOOL", "U8", "I8", "F8_E4M3", "F8_E5M2"), 1),
    **dict.fromkeys(("U16", "I16", "F16", "BF16"), 2),
    **dict.fromkeys(("U32", "I32", "F32"), 4),
    **dict.fromkeys(("U64", "I64", "F64"), 8),
}
_METADATA = "__metadata__"


class Entry(NamedTuple):
    """A tensor in a file."""

    dtype: str
    """Such as F32."""
    shape: tuple[int, ...]
    start: int
    """Its first byte in the file."""
    end: int


def header_size(head: bytes) -> int:
    """Bytes of the header, without its size, from the first eight bytes of the file."""
    return int.from_bytes(head[:8], "little")


def parse_layout(head: bytes, size: int) -> dict[str, Entry]:
    """The tensors of a file by name. head: its first bytes, with all of the header; size: of the file.

    Raises ValueError if the header is damaged, or is not that of a file of this size.
    """
    first = 8 + header_size(head)
    if len(head) < first or first > size:
        raise ValueError("it ends within its header")
    try:
        header = json.loads(head[8:first])
    except RecursionError:
        raise ValueError("its header is nested too deeply") from None
    if not isinstance(header, dict):
        raise ValueError("its header is not an object")
    if any(0xD800 <= ord(character) < 0xE000 for name in header for character in name):
        raise ValueError("its header has a name that is not text")
    entries = {str(name): _entry(value, first) for name, value in header.items() if name != _METADATA}
    position = first
    for entry in sorted(entries.values(), key=lambda entry: (entry.start, entry.end)):
        if entry.start != position:
            raise ValueError("its tensors overlap, or leave gaps")
        position = entry.end
    if position != size:
        raise ValueError(f"its header describes {position:,} bytes, but it has {size:,}")
    return entries


def _entry(value: Any, first: int) -> Entry:
    """A tensor as the header describes it. first: the first byte after the header."""
    try:
        dtype, shape, (start, end) = value["dtype"], tuple(value["shape"]), value["data_offsets"]
        size = _SIZES[dtype]
    except (KeyError, TypeError, ValueError):
        raise ValueError("its header describes a tensor wrongly") from None
    if not all(type(number) is int and number >= 0 for number in (*shape, start, end)):
        raise ValueError("its header has sizes that are no numbers")
    if end - start != math.prod(shape) * size:
        raise ValueError("its header has a tensor of another size than its shape")
    return Entry(dtype, shape, first + start, first + end)
