"""Attention weights of a pair of texts."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from seq2seq.analysis.alignment import align
from seq2seq.config import Config
from seq2seq.errors import InputError
from seq2seq.runs.trained_model import TrainedModel, build_network, load_model
from seq2seq.tokenizer.tokenizer import BOS, EOS


@pytest.fixture(scope="module")
def trained_model(trained: Path) -> TrainedModel:
    return load_model(trained)


def other_network(model: TrainedModel, config: Config) -> TrainedModel:
    torch.manual_seed(4)
    return replace(model, config=config, network=build_network(config, model.tokenizers).eval())


@contextmanager
def record_outputs(module: object) -> Iterator[list[Any]]:
    """Record the outputs of a module while the block runs."""
    assert isinstance(module, torch.nn.Module)
    outputs: list[Any] = []
    handle = module.register_forward_hook(lambda _module, _inputs, result: outputs.append(result))
    yield outputs
    handle.remove()


def test_rows_and_columns_are_the_pieces_and_eos(trained_model: TrainedModel) -> None:
    alignment = align(trained_model, " un deux trois ", "one two three")
    tokenizer = trained_model.tokenizers.src
    for pieces, text in ((alignment.src, "un deux trois"), (alignment.tgt, "one two three")):
        assert pieces == [*tokenizer.pieces(tokenizer.encode([text])[0]), "</s>"]
    assert alignment.weights.shape == (len(alignment.tgt), len(alignment.src))
    np.testing.assert_allclose(alignment.weights.sum(axis=1), 1, atol=1e-5)


def test_the_weights_are_those_that_attention_used(trained_model: TrainedModel, tiny: Callable[..., Config]) -> None:
    """Compared with the decoder's attention at each step."""
    model = other_network(trained_model, tiny(model__attention="additive"))
    network, tokenizer = model.network, model.tokenizers.src
    alignment = align(model, "un deux", "one two")
    src = torch.tensor([[*tokenizer.encode(["un deux"])[0], EOS]])
    state = network.start(src, torch.tensor([src.size(1)]))
    with record_outputs(network.decoder.attention) as outputs:
        for token in [BOS, *tokenizer.encode(["one two"])[0]]:
            _, state = network.step(torch.tensor([token]), state)
    used = torch.cat([attn_weights for _, attn_weights in outputs], dim=1)[0]
    np.testing.assert_allclose(alignment.weights, used.detach().numpy(), atol=1e-6)


def test_the_weights_of_summaries_mix_the_states_that_a_step_reads(trained_model: TrainedModel) -> None:
    network, tokenizer = trained_model.network, trained_model.tokenizers.src
    src = torch.tensor([[*tokenizer.encode(["un deux trois"])[0], EOS]])
    encoded = network.encode(src, torch.tensor([src.size(1)]))
    with record_outputs(network.decoder.summaries) as outputs:
        network.decode(encoded, torch.tensor([[BOS, *tokenizer.encode(["one two"])[0]]]))
    weights = align(trained_model, "un deux trois", "one two").weights
    np.testing.assert_allclose(weights @ encoded.outputs[0].detach().numpy(), outputs[0][0].detach().numpy(), atol=1e-5)


def test_a_single_context_vector_has_no_alignment(trained_model: TrainedModel, tiny: Callable[..., Config]) -> None:
    with pytest.raises(InputError, match="no attention and no summaries"):
        align(other_network(trained_model, tiny(model__summaries=0)), "un", "one")
