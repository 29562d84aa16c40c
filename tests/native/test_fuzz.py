"""Whatever tensors, settings, sentences and options the engine is given, it refuses them or searches: it never crashes.

SEQ2SEQ_FUZZ sets the number of random cases; `make sanitize` runs many, with errors in memory reported.
"""

import ctypes
import math
import os
import random
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from seq2seq.config import ModelConfig
from seq2seq.errors import InputError
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.network import NetworkTensors
from seq2seq.inference.quantization import quantize
from seq2seq.inference.shortlist import Shortlist
from seq2seq.model.network import EncoderDecoder
from seq2seq.model.weights import pack_weights
from seq2seq.native.engine import RawTensor, UnsupportedModelError, isa_levels
from seq2seq.search.options import SearchOptions
from seq2seq.tokenizer.tokenizer import EOS

torch = pytest.importorskip("torch")
pytestmark = pytest.mark.skipif(not isa_levels(), reason="needs the compiled engine")
CASES = int(os.environ.get("SEQ2SEQ_FUZZ", "2000"))
VOCAB = 40
NUMBERS = [-(2**31), -1, 0, 1, 2, 3, VOCAB - 1, VOCAB, VOCAB + 1, 2**16, 2**24, 2**31 - 1]
KINDS: list[dict[str, Any]] = [
    {"attention": "none"},
    {"attention": "none", "summaries": 3},
    {"attention": "dot", "bidirectional": True},
    {"attention": "general", "cell": "rnn", "encoder_layers": 2},
    {"attention": "additive", "cell": "lstm", "decoder_layers": 2},
]


@pytest.fixture(scope="module")
def networks() -> list[NetworkTensors]:
    """Valid ones, in float32 and in int8."""
    found = []
    for settings in KINDS:
        torch.manual_seed(1)
        config = ModelConfig(**{"embedding_size": 6, "hidden_size": 8, "context_size": 5, **settings})
        weights = pack_weights(EncoderDecoder(config, VOCAB, VOCAB, True))
        for content in (weights, quantize(weights)):
            found.append(NetworkTensors.parse(content, config, VOCAB, VOCAB, True))
    return found


def array_of(tensor: RawTensor) -> np.ndarray:
    is_int8 = tensor.dtype == "I8"
    content = ctypes.string_at(tensor.address, math.prod(tensor.shape) * (1 if is_int8 else 4))
    return np.frombuffer(content, np.int8 if is_int8 else np.float32).reshape(tensor.shape)


def tensor_of(array: np.ndarray) -> RawTensor:
    array = np.ascontiguousarray(array)
    names = {np.float32: "F32", np.int8: "I8", np.float64: "F64", np.int32: "I32"}
    return RawTensor(names[array.dtype.type], array.shape, array.ctypes.data, array)


@np.errstate(all="ignore")  # NaN may become whole numbers
def damaged(network: NetworkTensors, draw: random.Random) -> NetworkTensors:
    """The network with one to three changes."""
    tensors, config = {name: array_of(tensor) for name, tensor in network.tensors.items()}, network.config
    src_vocab, tgt_vocab = network.src_vocab, network.tgt_vocab
    for _ in range(draw.randint(1, 3)):
        name = draw.choice(list(tensors))
        array, kind = tensors[name], draw.randrange(8)
        if kind == 0:
            del tensors[name]
        elif kind == 1:
            tensors[draw.choice([*tensors, "x" * 300, "", "ünïcode"])] = array
        elif kind == 2:
            tensors[name] = array[: draw.randrange(len(array) + 1)]
        elif kind == 3:
            tensors[name] = array.reshape(*draw.choice([(-1,), (1, -1), (-1, 1)]))
        elif kind == 4:
            tensors[name] = array.astype(draw.choice([np.float32, np.int8, np.float64, np.int32]))
        elif kind == 5:
            tensors[name] = np.full_like(
                array, draw.choice([np.nan, np.inf, -1e38]) if array.dtype != np.int8 else -128
            )
        elif kind == 6:
            field = draw.choice(["hidden_size", "embedding_size", "context_size", "encoder_layers", "decoder_layers"])
            config = config.model_copy(update={draw.choice([field, "summaries"]): draw.choice(NUMBERS)})
        else:
            src_vocab, tgt_vocab = draw.choice([VOCAB, *NUMBERS]), draw.choice([VOCAB, *NUMBERS])
    changed = {name: tensor_of(array) for name, array in tensors.items()}
    return replace(network, tensors=changed, config=config, src_vocab=src_vocab, tgt_vocab=tgt_vocab)


def shortlist(draw: random.Random) -> Shortlist:
    """One whose files would be valid."""
    lists = [sorted(draw.sample(range(VOCAB), draw.randrange(4))) for _ in range(VOCAB)]
    starts = np.cumsum([0, *map(len, lists)])
    common = np.unique([EOS, *draw.sample(range(VOCAB), draw.randrange(5))])
    return Shortlist(common, starts, np.array([token for tokens in lists for token in tokens], int), VOCAB)


def search(engine: CompiledNetwork, draw: random.Random) -> None:
    """Search with arguments that may be out of range."""

    def ids() -> list[int]:
        wild = draw.random() < 0.1
        tokens = [draw.choice(NUMBERS) if wild else draw.randrange(VOCAB) for _ in range(draw.randrange(8))]
        return [*tokens, EOS] if draw.random() < 0.95 else tokens

    options = SearchOptions(
        beam_size=draw.choice([0, 1, 2, 5, 70]),
        length_penalty=draw.choice([0.0, 1.0, -1.0, float("nan"), 1e300]),
        n_best=draw.choice([0, 1, 2, 6]),
        forbidden_ids=tuple(draw.choice(NUMBERS) for _ in range(draw.choice([0, 0, 0, 2]))),
        symbols=draw.random() < 0.5,
        length_ratio=draw.choice([0, 1]),
        length_extra=draw.choice([1, 3]),
    )
    sources = [ids() for _ in range(draw.randrange(5))]
    if draw.random() < 0.3:
        engine.place_symbols(sources, [ids() for _ in sources], options)
    else:
        engine.search_batch(sources, options)


def test_the_engine_never_crashes(networks: list[NetworkTensors], tmp_path: Path) -> None:
    outcomes = {"loaded": 0, "unsupported": 0, "searched": 0, "refused": 0}
    for case in range(CASES):
        draw = random.Random(case)
        network = draw.choice(networks)
        if draw.random() < 0.5:
            network = damaged(network, draw)
        elif draw.random() < 0.3:
            network = replace(network, shortlist=shortlist(draw))
        try:
            engine = CompiledNetwork(network, draw.choice(isa_levels()))
        except (UnsupportedModelError, InputError):
            outcomes["unsupported"] += 1
            continue
        outcomes["loaded"] += 1
        for _ in range(4):
            try:
                search(engine, draw)
                outcomes["searched"] += 1
            except (ValueError, IndexError, OverflowError):
                outcomes["refused"] += 1
    assert all(count > CASES / 20 for count in outcomes.values()), outcomes
