"""The compiled engine checks its input before it indexes memory, and survives a lack of it."""

import copy
import gc
import math
import subprocess
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import safetensors.numpy
from random_networks import SRC_VOCAB, TGT_VOCAB, RandomNetwork, sentences

from seq2seq import Translator
from seq2seq.errors import InputError
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.network import NetworkTensors
from seq2seq.inference.quantization import quantize
from seq2seq.native.engine import isa_levels
from seq2seq.search.options import SearchOptions
from seq2seq.tokenizer.tokenizer import EOS

pytestmark = pytest.mark.skipif(not isa_levels(), reason="needs the compiled engine")
OPTIONS = SearchOptions(beam_size=3, length_penalty=1.0)


@pytest.fixture
def network(tmp_path: Path) -> NetworkTensors:
    return RandomNetwork.create(tmp_path / "weights", attention="dot").to_engine()


@pytest.mark.parametrize(
    ("source", "changes"),
    [
        ([], {}),
        ([SRC_VOCAB, EOS], {}),
        ([-1, EOS], {}),
        ([5, EOS], {"beam_size": 0}),
        ([5, EOS], {"beam_size": 2, "n_best": 3}),
        ([5, EOS], {"n_best": 0}),
        ([5, EOS], {"beam_size": 2**31}),
        ([5, EOS], {"beam_size": 2**32 + 1}),
        ([5, EOS], {"length_penalty": math.nan}),
        ([5, EOS], {"length_penalty": math.inf}),
        ([5, EOS], {"length_penalty": -0.5}),
        ([5, EOS], {"forbidden_ids": (TGT_VOCAB,)}),
        ([5, EOS], {"forbidden_ids": (-2,)}),
    ],
    ids=str,
)
def test_out_of_range_searches_are_refused(source: list[int], changes: dict[str, Any], network: NetworkTensors) -> None:
    engine = CompiledNetwork(network, max(isa_levels()))
    valid = sentences(2)
    expected = engine.search_batch(valid, OPTIONS)
    with pytest.raises(ValueError, match="out of range"):
        engine.search_batch([*valid, source], replace(OPTIONS, **changes))
    assert engine.search_batch(valid, OPTIONS) == expected


@pytest.mark.parametrize("level", [-1, 99])
def test_levels_that_the_processor_does_not_have_are_refused(level: int, network: NetworkTensors) -> None:
    with pytest.raises(ValueError, match=f"level {level}: not among those of this processor"):
        CompiledNetwork(network, level)


def test_empty_batch_has_no_results(network: NetworkTensors) -> None:
    assert CompiledNetwork(network, max(isa_levels())).search_batch([], OPTIONS) == []


def test_a_copy_outlives_the_original(network: NetworkTensors) -> None:
    engine = CompiledNetwork(network, max(isa_levels()))
    expected = engine.search_batch(sentences(3), OPTIONS)
    duplicate = copy.copy(engine)
    del engine
    gc.collect()
    assert duplicate.search_batch(sentences(3), OPTIONS) == expected


@pytest.mark.parametrize("options", [{"beam_size": 2**31}, {"beam_size": 0}, {"length_penalty": math.nan}], ids=str)
def test_the_translator_refuses_out_of_range_options(options: dict[str, Any], trained: Path) -> None:
    with pytest.raises(InputError, match="beam_size and n_best"):
        Translator.load(trained).translate(["un"], **options)


def test_int8_weights_of_minus_128_are_refused(tmp_path: Path) -> None:
    """Their negation in AVX2 is -128 again, which would give wrong results."""
    random_network = RandomNetwork.create(tmp_path / "weights", attention="dot")
    tensors = safetensors.numpy.load(quantize(random_network.path.read_bytes()))
    name = next(name for name, values in tensors.items() if values.dtype == np.int8)
    tensors[name] = tensors[name].copy()
    tensors[name][0, 0] = -128
    random_network.path.write_bytes(safetensors.numpy.save(tensors))
    with pytest.raises(InputError, match=f"damaged .{name} has values under -127"):
        CompiledNetwork(random_network.to_engine(), max(isa_levels()))


def test_the_engine_works_after_running_out_of_memory(tmp_path: Path) -> None:
    """In a process with a limited address space, and a beam that is too wide for it."""
    random_network = RandomNetwork.create(tmp_path / "weights", attention="dot", hidden_size=64)
    random_network.path.write_bytes(quantize(random_network.path.read_bytes()))
    program = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from random_networks import RandomNetwork, sentences, TGT_VOCAB, SRC_VOCAB
from seq2seq.config import ModelConfig
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.network import NetworkTensors
from seq2seq.native.engine import isa_levels
from seq2seq.search.options import SearchOptions
config = ModelConfig(embedding_size=6, hidden_size=64, context_size=5, attention="dot")
network = NetworkTensors.parse(Path({str(random_network.path)!r}).read_bytes(), config, SRC_VOCAB, TGT_VOCAB, False)
engine = CompiledNetwork(network, max(isa_levels()))
few, many = sentences(3), sentences(300)
small, wide = SearchOptions(beam_size=3, length_penalty=1.0), SearchOptions(beam_size=2000, length_penalty=1.0)
expected = engine.search_batch(few, small)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
failures = 0
for extra in range(16, 400, 32):
    resource.setrlimit(resource.RLIMIT_AS, (used + extra * 2**20, -1))
    try:
        engine.search_batch(many, wide)
    except MemoryError:
        failures += 1
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    assert engine.search_batch(few, small) == expected
assert failures > 1, failures
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
