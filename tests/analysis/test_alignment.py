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
def recorded(module: object) -> Iterator[list[Any]]:
    """What a module gives while the block runs."""
    assert isinstance(module, torch.nn.Module)
    given: list[Any] = []
    handle = module.register_forward_hook(lambda _module, _inputs, result: given.append(result))
    yield given
    handle.remove()


def test_rows_and_columns_are_the_pieces_and_the_end(trained_model: TrainedModel) -> None:
    found = align(trained_model, " un deux trois ", "one two three")
    tokenizer = trained_model.tokenizers.src
    for pieces, text in ((found.src, "un deux trois"), (found.tgt, "one two three")):
        assert pieces == [*tokenizer.pieces(tokenizer.encode([text])[0]), "</s>"]
    assert found.weights.shape == (len(found.tgt), len(found.src))
    np.testing.assert_allclose(found.weights.sum(axis=1), 1, atol=1e-5)


def test_the_weights_are_those_that_attention_used(trained_model: TrainedModel, tiny: Callable[..., Config]) -> None:
    """Step by step: what the decoder's attention gives for each prefix."""
    model = other_network(trained_model, tiny(model__attention="additive"))
    network, tokenizer = model.network, model.tokenizers.src
    found = align(model, "un deux", "one two")
    src = torch.tensor([[*tokenizer.encode(["un deux"])[0], EOS]])
    state = network.start(src, torch.tensor([src.size(1)]))
    with recorded(network.decoder.attention) as seen:
        for token in [BOS, *tokenizer.encode(["one two"])[0]]:
            _, state = network.step(torch.tensor([token]), state)
    used = torch.cat([attn_weights for _, attn_weights in seen], dim=1)[0]
    np.testing.assert_allclose(found.weights, used.detach().numpy(), atol=1e-6)


def test_the_weights_of_summaries_mix_the_states_that_a_step_reads(trained_model: TrainedModel) -> None:
    network, tokenizer = trained_model.network, trained_model.tokenizers.src
    src = torch.tensor([[*tokenizer.encode(["un deux trois"])[0], EOS]])
    encoded = network.encode(src, torch.tensor([src.size(1)]))
    with recorded(network.decoder.summaries) as read:
        network.decode(encoded, torch.tensor([[BOS, *tokenizer.encode(["one two"])[0]]]))
    weights = align(trained_model, "un deux trois", "one two").weights
    np.testing.assert_allclose(weights @ encoded.outputs[0].detach().numpy(), read[0][0].detach().numpy(), atol=1e-5)


def test_one_vector_for_all_words_has_no_alignment(trained_model: TrainedModel, tiny: Callable[..., Config]) -> None:
    with pytest.raises(InputError, match="no attention and no summaries"):
        align(other_network(trained_model, tiny(model__summaries=0)), "un", "one")
