"""The layout of safetensors files, against the library: the same tensors, and the same files refused."""

import json

import numpy as np
import pytest
import safetensors
import safetensors.numpy
from hypothesis import given
from hypothesis import strategies as st

from seq2seq.io.tensor_file import header_size, parse_layout

TYPES = {"F32": np.float32, "I8": np.int8, "F64": np.float64, "I32": np.int32, "U8": np.uint8, "F16": np.float16}


@given(
    shapes=st.dictionaries(
        st.text(min_size=1, max_size=5).filter(lambda name: name != "__metadata__"),
        st.tuples(st.sampled_from(sorted(TYPES)), st.lists(st.integers(0, 3), max_size=3)),
        max_size=4,
    )
)
def test_tensors_are_where_the_library_put_them(shapes: dict[str, tuple[str, list[int]]]) -> None:
    arrays = {
        name: np.arange(np.prod(shape, dtype=int)).reshape(shape).astype(TYPES[dtype])
        for name, (dtype, shape) in shapes.items()
    }
    content = safetensors.numpy.save(arrays, {"format": "np"})
    layout = parse_layout(content[: 8 + header_size(content)], len(content))
    assert layout.keys() == arrays.keys()
    for name, entry in layout.items():
        assert (entry.dtype, list(entry.shape)) == shapes[name]
        assert content[entry.start : entry.end] == arrays[name].tobytes()


def file(header: object, data: int = 8) -> bytes:
    text = header if isinstance(header, bytes) else json.dumps(header).encode()
    return len(text).to_bytes(8, "little") + text + bytes(data)


def tensor(shape: object = (2,), offsets: object = (0, 8), dtype: object = "F32") -> dict[str, object]:
    return {"dtype": dtype, "shape": shape, "data_offsets": offsets}


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"1234567",
        file({"a": tensor()})[:40],
        file({"a": tensor()}, data=9),
        file({"a": tensor()}, data=7),
        file({"a": tensor(offsets=(4, 12))}, data=12),
        file({"a": tensor(), "b": tensor()}),
        file({"a": tensor(shape=(3,))}),
        file({"a": tensor(shape=(-2,), offsets=(8, 0))}),
        file({"a": tensor(shape=("2",))}),
        file({"a": tensor(dtype="F31")}),
        file({"a": tensor(dtype=[])}),
        file({"a": tensor(offsets=(0, 4, 8))}),
        file({"a": 5}),
        file({"\ud800": tensor()}),
        file([1]),
        file(b"{"),
        file(b"[" * 100_000),
    ],
    ids=str,
)
def test_damaged_headers_are_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match=r"header|JSON|tensors|Expecting"):
        parse_layout(content[: 8 + header_size(content)], len(content))
    with pytest.raises(safetensors.SafetensorError):
        safetensors.numpy.load(content)
