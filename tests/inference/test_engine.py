"""The engine finds what the reference search finds with the torch network, whatever the network and the request."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from random_networks import TGT_VOCAB, Packed, sentences

from seq2seq.config import ModelConfig
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.inference.weights import UnsupportedModelError
from seq2seq.native.engine import isa_levels
from seq2seq.search.options import Hypothesis, SearchOptions
from seq2seq.tokenizer.tokenizer import BOS, PAD, UNK

FORBIDDEN = (PAD, UNK, BOS, 9)
NETWORKS: list[dict[str, Any]] = [
    *({"cell": cell, "attention": kind} for cell, kind in product(["gru", "lstm", "rnn"], ["none", "dot"])),
    {"summaries": 0},
    {"attention": "general"},
    {"attention": "additive"},
    {"attention": "dot", "bidirectional": False, "joint": True},
    {"encoder_layers": 3, "decoder_layers": 2, "attention": "additive", "cell": "lstm"},
    {"encoder_layers": 2, "decoder_layers": 3, "bidirectional": False},
    {"embedding_size": 19, "hidden_size": 34, "context_size": 21, "attention": "general", "decoder_layers": 2},
]
REQUESTS = [
    SearchOptions(beam_size=1, length_penalty=1.0, forbidden_ids=FORBIDDEN),
    SearchOptions(beam_size=5, length_penalty=1.0, forbidden_ids=FORBIDDEN, length_ratio=1),
    SearchOptions(beam_size=4, length_penalty=0.0, n_best=4, forbidden_ids=FORBIDDEN, length_ratio=1, length_extra=2),
    SearchOptions(beam_size=7, length_penalty=1.7, n_best=2, length_ratio=1, length_extra=2),
    SearchOptions(beam_size=3, length_penalty=0.6, n_best=3, forbidden_ids=FORBIDDEN, length_ratio=0, length_extra=1),
    SearchOptions(beam_size=5, length_penalty=1.0, forbidden_ids=FORBIDDEN, length_ratio=0, length_extra=3),
    SearchOptions(
        beam_size=60, length_penalty=1.0, n_best=50, length_ratio=0, length_extra=2
    ),  # wider than the vocabulary
]


def assert_same(found: list[list[Hypothesis]], expected: list[list[Hypothesis]]) -> None:
    """The same hypotheses in the same order; none of these random ones tie."""
    assert [len(some) for some in found] == [len(some) for some in expected]
    for one, other in zip(chain(*found), chain(*expected), strict=True):
        assert one.score == pytest.approx(other.score, abs=1e-5, rel=1e-6)
        assert one.tokens == other.tokens
        assert one.log_prob == pytest.approx(other.log_prob, abs=1e-5, rel=1e-6)


@pytest.mark.skipif(shutil.which("c++") is None, reason="no compiler")
def test_the_compiled_part_was_built() -> None:
    """Else most of what stands here would be left out in silence."""
    assert isa_levels(), "build it: python -c 'from setuptools import setup; setup()' build_ext --inplace"


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
@pytest.mark.parametrize("request_", REQUESTS, ids=str)
def test_it_finds_what_the_reference_finds(settings: dict[str, Any], request_: SearchOptions, tmp_path: Path) -> None:
    packed = Packed.make(tmp_path / "weights", **settings)
    network, sources = packed.take(), sentences(4)
    expected = packed.reference(sources, request_)
    for level in isa_levels():
        assert_same(CompiledNetwork(network, level).search_batch(sources, request_), expected)


@pytest.mark.parametrize("attention", ["none", "dot", "additive"])
@pytest.mark.parametrize("seed", range(5))
def test_a_sentence_does_not_depend_on_the_batch(seed: int, attention: str, tmp_path: Path) -> None:
    network = Packed.make(tmp_path / "weights", seed, attention=attention).take()
    sources, request = (
        sentences(33, seed),
        SearchOptions(beam_size=5, length_penalty=1.0, n_best=5, forbidden_ids=FORBIDDEN, length_ratio=1),
    )
    for level in isa_levels():
        search = CompiledNetwork(network, level).search_batch
        together = search(sources, request)
        assert [found for source in sources for found in search([source], request)] == together
        assert search(sources[::-1], request)[::-1] == together


def test_the_engine_knows_every_setting_of_the_network() -> None:
    """A new one may change the forward pass without a new tensor: teach it to the engine, then name it here."""
    assert set(ModelConfig.model_fields) == {
        *("cell", "attention", "embedding_size", "hidden_size", "context_size", "encoder_layers", "decoder_layers"),
        *("bidirectional", "dropout", "summaries", "architecture"),
    }


@pytest.mark.parametrize("change", [{"cell": "mgu"}, {"attention": "scaled"}, {"architecture": "luong2015"}])
def test_a_new_part_is_not_taken_for_another(change: dict[str, str], tmp_path: Path) -> None:
    """Even where its tensors are those of one that is known."""
    packed = Packed.make(tmp_path / "weights", attention="dot", cell="gru")
    with pytest.raises(UnsupportedModelError):
        replace(packed, config=packed.config.model_copy(update=change)).take()


def edit(path: Path, change: Callable[[dict[str, torch.Tensor]], object]) -> None:
    tensors = safetensors.torch.load(path.read_bytes())
    change(tensors)
    path.write_bytes(safetensors.torch.save(tensors))


@pytest.mark.parametrize(
    "change",
    [
        lambda tensors: tensors.pop("output_bias"),
        lambda tensors: tensors.update({"decoder.readout.gate.weight": torch.ones(6, 5)}),
        lambda tensors: tensors.update(output_bias=torch.zeros(TGT_VOCAB + 1)),
        lambda tensors: tensors.update(output_bias=torch.zeros(TGT_VOCAB, dtype=torch.float64)),
    ],
    ids=["a tensor less", "a tensor more", "another shape", "another type"],
)
def test_a_network_of_another_kind_is_not_run(
    change: Callable[[dict[str, torch.Tensor]], object], tmp_path: Path
) -> None:
    packed = Packed.make(tmp_path / "weights")
    edit(packed.path, change)
    with pytest.raises(UnsupportedModelError):
        packed.take()
