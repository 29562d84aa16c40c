"""The engine finds the same on other processors, emulated, as torch does here. Needs Zig, and an emulator for each."""

import ctypes
import math
import shutil
import struct
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq.config import ModelConfig
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.network import NetworkTensors
from seq2seq.inference.quantization import quantize
from seq2seq.model.network import EncoderDecoder
from seq2seq.model.weights import pack_weights
from seq2seq.search.batch import search_batch
from seq2seq.search.options import SearchOptions
from seq2seq.tokenizer.tokenizer import BOS, EOS

torch = pytest.importorskip("torch")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(find_spec("ziglang") is None, reason="needs ziglang, of the extra `wheels`"),
]

ROOT = Path(__file__).parent.parent.parent
VOCAB = 61
OPTIONS = SearchOptions(beam_size=4, length_penalty=1.0, n_best=3)
WASMTIME = """
import sys, wasmtime
engine = wasmtime.Engine()
store, linker = wasmtime.Store(engine), wasmtime.Linker(engine)
linker.define_wasi()
config = wasmtime.WasiConfig()
config.stdin_file, config.stdout_file = sys.argv[2:]
config.inherit_stderr()
store.set_wasi(config)
linker.instantiate(store, wasmtime.Module.from_file(engine, sys.argv[1])).exports(store)["_start"](store)
"""

TARGETS = {
    "x86_64": ("x86_64-linux-musl", ["-static"], [0, 1, 2]),
    "ARM": ("aarch64-linux-musl", ["-static"], [0, 1]),
    "Windows": ("x86_64-windows-gnu", [], [0, 1, 2]),
    "WebAssembly": ("wasm32-wasi", ["-mcpu=baseline+simd128", "-fno-exceptions"], [0]),
}
# Debian's wine64 is not on the path.
WINE = shutil.which("wine") or shutil.which("wine64", path="/usr/lib/wine") or "wine"
EMULATORS = {"x86_64": [], "ARM": ["qemu-aarch64-static"], "Windows": [WINE], "WebAssembly": []}


@pytest.fixture(scope="module", params=list(TARGETS))
def program(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> tuple[str, Path]:
    """The program of `search_case.c` for a target."""
    name = request.param
    for emulator in EMULATORS[name]:
        if not shutil.which(emulator):
            pytest.skip(f"needs {emulator}")
    if name == "WebAssembly" and find_spec("wasmtime") is None:
        pytest.skip("needs wasmtime")
    target, options, _ = TARGETS[name]
    folder = tmp_path_factory.mktemp("program")
    (module,) = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["ext-modules"]
    zig = [sys.executable, "-m", "ziglang"]
    case = Path(__file__).parent / "search_case.c"
    subprocess.run([*zig, "cc", "-target", target, "-O2", "-c", str(case), "-o", str(folder / "case.o")], check=True)
    sources = [str(folder / "case.o"), *(str(ROOT / source) for source in module["sources"])]
    command = [*zig, "c++", "-target", target, *options, *module["extra-compile-args"], *sources]
    executable = folder / ("program.exe" if name == "Windows" else "program")
    subprocess.run([*command, "-o", str(executable)], check=True)
    return name, executable


def case(network: NetworkTensors, level: int, sources: Sequence[Sequence[int]]) -> bytes:
    """What `search_case.c` reads."""

    def ints(*numbers: int) -> bytes:
        return struct.pack(f"<{len(numbers)}i", *numbers)

    data = ints(level) + bytes(network.settings()) + ints(len(network.tensors))
    for name, tensor in network.tensors.items():
        rows, columns = (*tensor.shape, 0)[:2]
        is_int8 = tensor.dtype == "I8"
        content = ctypes.string_at(tensor.address, math.prod(tensor.shape) * (1 if is_int8 else 4))
        data += ints(len(name)) + name.encode()
        data += ints(int(is_int8), len(tensor.shape), rows, columns) + content
    limits = [OPTIONS.max_length(len(source)) for source in sources]
    data += ints(len(sources), *map(len, sources), *limits, *(token for source in sources for token in source))
    return data + ints(OPTIONS.beam_size, OPTIONS.n_best, EOS, BOS)


def found(name: str, program: Path, data: bytes) -> tuple[list[int], list[tuple[float, tuple[int, ...]]]]:
    """The highest levels of the engine and of training there, and the hypotheses of all sentences."""
    if name == "WebAssembly":
        files = [program.with_name("in"), program.with_name("out")]
        files[0].write_bytes(data)
        subprocess.run([sys.executable, "-c", WASMTIME, str(program), *map(str, files)], check=True)
        output = files[1].read_text()
    else:
        command = [*EMULATORS[name], str(program)]
        output = subprocess.run(command, input=data, check=True, capture_output=True).stdout.decode()
    first, *lines = output.splitlines()
    rows = [line.split() for line in lines]
    return [int(level) for level in first.split()], [(float(score), tuple(map(int, tokens))) for score, *tokens in rows]


@pytest.mark.parametrize("int8", [False, True], ids=["float32", "int8"])
@pytest.mark.parametrize(
    "settings",
    [
        {"attention": "none", "summaries": 4},
        {"attention": "general", "bidirectional": True},
        {"attention": "additive", "cell": "lstm", "decoder_layers": 2},
    ],
    ids=lambda settings: settings["attention"],
)
def test_the_engine_finds_what_torch_finds(
    program: tuple[str, Path], settings: dict[str, Any], int8: bool, tmp_path: Path
) -> None:
    torch.manual_seed(3)
    config = ModelConfig(**{"embedding_size": 19, "hidden_size": 38, "context_size": 7, **settings})
    model = EncoderDecoder(config, VOCAB, VOCAB, True).eval()
    for parameter in model.parameters():
        torch.nn.init.normal_(parameter, std=1.2 / parameter.shape[-1] ** 0.5)
    weights = pack_weights(model)
    (tmp_path / "weights").write_bytes(quantize(weights) if int8 else weights)
    draw = np.random.default_rng(7)
    sources = [[*draw.integers(4, VOCAB, size).tolist(), EOS] for size in (1, 5, 9, 13, 2)]
    network = NetworkTensors.parse((tmp_path / "weights").read_bytes(), config, VOCAB, VOCAB, True)
    # Torch does not round activations to int8: then the engine here is the reference, which is tested against it.
    reference = (
        CompiledNetwork(network, 0).search_batch(sources, OPTIONS)
        if int8
        else search_batch(model, sources, OPTIONS, torch.device("cpu"))
    )
    expected = [hypothesis for hypotheses in reference for hypothesis in hypotheses]
    name, executable = program
    for level in TARGETS[name][2]:
        highest, hypotheses = found(name, executable, case(network, level, sources))
        if name not in ("x86_64", "Windows"):
            assert highest == [TARGETS[name][2][-1], 0]
        assert [score for score, _ in hypotheses] == pytest.approx([best.score for best in expected], abs=1e-5)
        assert [tokens for _, tokens in hypotheses] == [best.tokens for best in expected]
