"""The engine matches the reference search on the torch network, for each network and search options."""

import shutil
from collections.abc import Callable
from dataclasses import replace
from itertools import chain, product
from pathlib import Path
from typing import Any

import pytest
import safetensors.torch
import torch
from random_networks import TGT_VOCAB, RandomNetwork, sentences

from seq2seq.config import ModelConfig
from seq2seq.inference.compiled import CompiledNetwork
from seq2seq.native.engine import UnsupportedModelError, isa_levels
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
SEARCH_OPTIONS = [
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


def assert_same(actual: list[list[Hypothesis]], expected: list[list[Hypothesis]]) -> None:
    """The same hypotheses in the same order; none of these random ones tie."""
    assert [len(hypotheses) for hypotheses in actual] == [len(hypotheses) for hypotheses in expected]
    for ours, theirs in zip(chain(*actual), chain(*expected), strict=True):
        assert ours.score == pytest.approx(theirs.score, abs=1e-5, rel=1e-6)
        assert ours.tokens == theirs.tokens
        assert ours.log_prob == pytest.approx(theirs.log_prob, abs=1e-5, rel=1e-6)
        assert ours.token_log_probs == pytest.approx(theirs.token_log_probs, abs=1e-5, rel=1e-6)
        assert sum(ours.token_log_probs) == pytest.approx(ours.log_prob, abs=1e-5, rel=1e-6)


@pytest.mark.skipif(shutil.which("c++") is None, reason="no compiler")
def test_the_engine_was_compiled() -> None:
    """Otherwise most of these tests would pass without testing anything."""
    assert isa_levels(), "build it: python -c 'from setuptools import setup; setup()' build_ext --inplace"


@pytest.mark.parametrize("settings", NETWORKS, ids=str)
@pytest.mark.parametrize("options", SEARCH_OPTIONS, ids=str)
def test_engine_matches_the_reference_search(settings: dict[str, Any], options: SearchOptions, tmp_path: Path) -> None:
    random_network = RandomNetwork.create(tmp_path / "weights", **settings)
    network, sources = random_network.to_engine(), sentences(4)
    expected = random_network.reference(sources, options)
    for level in isa_levels():
        assert_same(CompiledNetwork(network, level).search_batch(sources, options), expected)


@pytest.mark.parametrize("attention", ["none", "dot", "additive"])
@pytest.mark.parametrize("seed", range(5))
def test_a_sentence_does_not_depend_on_the_batch(seed: int, attention: str, tmp_path: Path) -> None:
    network = RandomNetwork.create(tmp_path / "weights", seed, attention=attention).to_engine()
    sources, options = (
        sentences(33, seed),
        SearchOptions(beam_size=5, length_penalty=1.0, n_best=5, forbidden_ids=FORBIDDEN, length_ratio=1),
    )
    for level in isa_levels():
        search = CompiledNetwork(network, level).search_batch
        together = search(sources, options)
        assert [hypotheses for source in sources for hypotheses in search([source], options)] == together
        assert search(sources[::-1], options)[::-1] == together


def test_the_engine_knows_every_model_setting() -> None:
    """A new one may change the forward pass without a new tensor: support it in the engine, then add it here."""
    assert set(ModelConfig.model_fields) == {
        *("cell", "attention", "embedding_size", "hidden_size", "context_size", "encoder_layers", "decoder_layers"),
        *("bidirectional", "dropout", "summaries", "architecture"),
    }


@pytest.mark.parametrize("change", [{"cell": "mgu"}, {"attention": "scaled"}, {"architecture": "luong2015"}])
def test_an_unknown_part_is_not_mistaken_for_a_known_one(change: dict[str, str], tmp_path: Path) -> None:
    """Even if its tensors are the same."""
    random_network = RandomNetwork.create(tmp_path / "weights", attention="dot", cell="gru")
    with pytest.raises(UnsupportedModelError):
        unknown = replace(random_network, config=random_network.config.model_copy(update=change))
        CompiledNetwork(unknown.to_engine(), 0)


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
    ids=["missing tensor", "extra tensor", "wrong shape", "wrong type"],
)
def test_unexpected_tensors_are_unsupported(
    change: Callable[[dict[str, torch.Tensor]], object], tmp_path: Path
) -> None:
    random_network = RandomNetwork.create(tmp_path / "weights")
    edit(random_network.path, change)
    with pytest.raises(UnsupportedModelError):
        CompiledNetwork(random_network.to_engine(), 0)
