"""What the compiled engine is given is checked before it indexes memory, and a lack of memory breaks nothing."""

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
from random_networks import SRC_VOCAB, TGT_VOCAB, Packed, sentences

from seq2seq import Translator
from seq2seq.errors import InputError
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.network import Network
from seq2seq.inference.weights import Tensors, quantize
from seq2seq.native.engine import isa_levels
from seq2seq.search.options import SearchOptions
from seq2seq.tokenizer.tokenizer import EOS

pytestmark = pytest.mark.skipif(not isa_levels(), reason="needs the compiled engine")
ASKED = SearchOptions(beam_size=3, length_penalty=1.0)


@pytest.fixture
def network(tmp_path: Path) -> Network:
    return Packed.make(tmp_path / "weights", attention="dot").take()


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
def test_a_search_that_makes_no_sense_is_refused(source: list[int], changes: dict[str, Any], network: Network) -> None:
    engine = CompiledNetwork(network, max(isa_levels()))
    good = sentences(2)
    expected = engine.search_batch(good, ASKED)
    with pytest.raises(ValueError, match="out of range"):
        engine.search_batch([*good, source], replace(ASKED, **changes))
    assert engine.search_batch(good, ASKED) == expected


def test_nothing_is_found_for_no_sentence(network: Network) -> None:
    assert CompiledNetwork(network, max(isa_levels())).search_batch([], ASKED) == []


def test_a_copy_outlives_the_original(network: Network) -> None:
    engine = CompiledNetwork(network, max(isa_levels()))
    expected = engine.search_batch(sentences(3), ASKED)
    other = copy.copy(engine)
    del engine
    gc.collect()
    assert other.search_batch(sentences(3), ASKED) == expected


@pytest.mark.parametrize("options", [{"beam_size": 2**31}, {"beam_size": 0}, {"length_penalty": math.nan}], ids=str)
def test_the_translator_refuses_it_too(options: dict[str, Any], trained: Path) -> None:
    with pytest.raises(ValueError, match="beam_size and n_best"):
        Translator.load(trained).translate(["un"], **options)


def test_int8_weights_of_minus_128_are_refused(tmp_path: Path) -> None:
    """AVX2 changes their sign to -128 again, so it computed another network."""
    packed = Packed.make(tmp_path / "weights", attention="dot")
    tensors = safetensors.numpy.load(quantize(packed.path.read_bytes()))
    name = next(name for name, values in tensors.items() if values.dtype == np.int8)
    tensors[name] = tensors[name].copy()
    tensors[name][0, 0] = -128
    packed.path.write_bytes(safetensors.numpy.save(tensors))
    with pytest.raises(InputError, match="weights: damaged"):
        packed.take()
    assert Tensors.open(packed.path)


def test_a_lack_of_memory_leaves_a_usable_engine(tmp_path: Path) -> None:
    """In a process whose address space is limited while it searches with too wide a beam."""
    packed = Packed.make(tmp_path / "weights", attention="dot", hidden_size=64)
    packed.path.write_bytes(quantize(packed.path.read_bytes()))
    program = f"""
import resource, sys
sys.path.insert(0, {str(Path(__file__).parent)!r})
from pathlib import Path
from random_networks import Packed, sentences, TGT_VOCAB, SRC_VOCAB
from seq2seq.config import ModelConfig
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.network import Network
from seq2seq.inference.weights import Tensors
from seq2seq.native.engine import isa_levels
from seq2seq.search.options import SearchOptions
config = ModelConfig(embedding_size=6, hidden_size=64, context_size=5, attention="dot")
network = Network.take(Tensors.open(Path({str(packed.path)!r})), config, SRC_VOCAB, TGT_VOCAB, False)
engine = CompiledNetwork(network, max(isa_levels()))
some, many = sentences(3), sentences(300)
small, wide = SearchOptions(beam_size=3, length_penalty=1.0), SearchOptions(beam_size=2000, length_penalty=1.0)
expected = engine.search_batch(some, small)
used = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
failures = 0
for extra in range(16, 400, 32):
    resource.setrlimit(resource.RLIMIT_AS, (used + extra * 2**20, -1))
    try:
        engine.search_batch(many, wide)
    except MemoryError:
        failures += 1
    resource.setrlimit(resource.RLIMIT_AS, (-1, -1))
    assert engine.search_batch(some, small) == expected
assert failures > 1, failures
"""
    subprocess.run([sys.executable, "-c", program], check=True, timeout=300)
