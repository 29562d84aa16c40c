"""Invariants of the network, and its parts against NumPy."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
import torch

from seq2seq.config import Config, ModelConfig
from seq2seq.model.attention import ATTENTIONS
from seq2seq.model.cells import reversal
from seq2seq.model.dropout import SequenceDropout
from seq2seq.model.encoder import Encoded, Encoder
from seq2seq.model.network import EncoderDecoder
from seq2seq.model.summaries import Summaries

VOCAB = 40


PHRASE_MODEL = {"cell": "gru-reset-before", "bidirectional": False}
LSTM_LAYERS = {"cell": "lstm", "bidirectional": False, "encoder_layers": 2, "decoder_layers": 2}
NETWORKS: list[dict[str, Any]] = [
    {},
    {"summaries": 1, "bidirectional": False},
    {"summaries": 0},
    {"encoder_layers": 2, "decoder_layers": 2, "cell": "lstm"},
    {"encoder_layers": 2, "decoder_layers": 3, "bidirectional": False, "cell": "rnn"},
    {"attention": "dot"},
    {"attention": "general", "decoder_layers": 2},
    {"attention": "additive", "decoder_layers": 3, "cell": "lstm"},
    {"cell": "gru-reset-before", "encoder_layers": 2},
    {"cell": "lstm-peephole", "decoder_layers": 2, "attention": "dot"},
    {"architecture": "cho2014", **PHRASE_MODEL},
    {"architecture": "cho2014-released", **PHRASE_MODEL, "context_size": 8},
    {"architecture": "sutskever2014", **LSTM_LAYERS},
    {"architecture": "bahdanau2015", "cell": "gru-reset-before", "attention": "additive"},
    {"architecture": "luong2015", **LSTM_LAYERS, "attention": "dot"},
]


@pytest.fixture(params=NETWORKS, ids=str)
def network(request: pytest.FixtureRequest) -> EncoderDecoder:
    torch.manual_seed(1)
    config = ModelConfig(**{"embedding_size": 6, "hidden_size": 8, "context_size": 5, **request.param})
    network = EncoderDecoder(config, VOCAB, VOCAB, joint=True).double().eval()
    # Biases start at zero, which would hide a mix-up.
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return network


def random_tokens(rows: int, columns: int, seed: int = 3) -> torch.Tensor:
    return torch.randint(4, VOCAB, (rows, columns), generator=torch.Generator().manual_seed(seed))


def test_stepwise_decoding_matches_teacher_forcing(network: EncoderDecoder) -> None:
    src, lengths, tgt_in = random_tokens(3, 7), torch.tensor([7, 1, 4]), random_tokens(3, 5, seed=4)
    at_once = network(src, lengths, tgt_in).log_softmax(dim=-1)
    state = network.start(src, lengths)
    for time in range(5):
        log_probs, state = network.step(tgt_in[:, time], state)
        torch.testing.assert_close(log_probs, at_once[:, time])


def test_a_sentence_does_not_depend_on_the_batch_or_padding(network: EncoderDecoder) -> None:
    src, lengths, tgt_in = random_tokens(4, 9), torch.tensor([9, 1, 5, 8]), random_tokens(4, 6, seed=4)
    together = network(src, lengths, tgt_in)
    for row, length in enumerate(lengths.tolist()):
        alone = network(src[row : row + 1, :length], lengths[row : row + 1], tgt_in[row : row + 1])
        torch.testing.assert_close(together[row], alone[0])


def test_output_depends_on_every_source_token(network: EncoderDecoder) -> None:
    src, lengths, tgt_in = random_tokens(1, 6), torch.tensor([6]), random_tokens(1, 3, seed=4)
    before = network(src, lengths, tgt_in)
    for position in range(6):
        changed = src.clone()
        changed[0, position] = 4 + (changed[0, position] - 3) % (VOCAB - 4)
        assert (network(changed, lengths, tgt_in) - before).abs().max() > 1e-6


def test_output_does_not_depend_on_future_tokens(network: EncoderDecoder) -> None:
    src, lengths, tgt_in = random_tokens(2, 6), torch.tensor([6, 3]), random_tokens(2, 5, seed=4)
    changed = tgt_in.clone()
    changed[:, 3:] = 4
    before, after = network(src, lengths, tgt_in), network(src, lengths, changed)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3:] - after[:, 3:]).abs().max() > 1e-6


def test_attention_weights_are_a_distribution_over_real_tokens(network: EncoderDecoder) -> None:
    src, lengths, tgt_in = random_tokens(3, 6), torch.tensor([6, 1, 4]), random_tokens(3, 5, seed=4)
    weights = network.attention_weights(src, lengths, tgt_in)
    if weights is None:
        assert not hasattr(network.decoder, "attention")
        assert not hasattr(network.decoder, "summaries")
        return
    assert weights.shape == (3, 5, 6)
    assert weights.min() >= 0
    torch.testing.assert_close(weights.sum(dim=-1), torch.ones(3, 5, dtype=torch.double))
    for row, length in enumerate(lengths.tolist()):
        assert not weights[row, :, length:].any()
        alone = network.attention_weights(src[row : row + 1, :length], lengths[row : row + 1], tgt_in[row : row + 1])
        assert alone is not None
        torch.testing.assert_close(weights[row, :, :length], alone[0])


def test_state_selects_rows(network: EncoderDecoder) -> None:
    src, lengths = random_tokens(3, 4), torch.tensor([4, 2, 3])
    index = torch.tensor([2, 0, 0, 1])
    log_probs, _ = network.step(random_tokens(3, 1)[:, 0][index], network.start(src, lengths).select(index))
    expected, _ = network.step(random_tokens(3, 1)[:, 0], network.start(src, lengths))
    torch.testing.assert_close(log_probs, expected[index])


def softmax(x: np.ndarray) -> np.ndarray:
    return np.asarray(np.exp(x) / np.exp(x).sum())


@pytest.mark.parametrize("kind", ATTENTIONS)
def test_attention_against_its_equations(kind: str) -> None:
    """One position at a time, without padding, in NumPy."""
    torch.manual_seed(3)
    attention = ATTENTIONS[kind](4).double()
    weights = {name: tensor.detach().numpy() for name, tensor in attention.named_parameters()}
    outputs, states = (torch.randn(2, length, 4, dtype=torch.double) for length in (5, 3))
    lengths = [5, 2]
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    contexts, attn_weights = attention(states, attention.make_memory(Encoded(torch.zeros(2, 1), outputs, mask)))

    def score(s: np.ndarray, h: np.ndarray) -> float:
        if kind == "dot":
            return float(s @ h)
        if kind == "general":
            return float(s @ weights["key.weight"] @ h)
        hidden = np.tanh(weights["query.weight"] @ s + weights["key.weight"] @ h + weights["key.bias"])
        return float(weights["score.weight"][0] @ hidden)

    for row, length in enumerate(lengths):
        values = outputs[row, :length].numpy()
        for time in range(3):
            expected = softmax(np.array([score(states[row, time].numpy(), h) for h in values]))
            np.testing.assert_allclose(attn_weights[row, time, :length].detach(), expected, atol=1e-12)
            np.testing.assert_allclose(contexts[row, time].detach(), expected @ values, atol=1e-12)
        assert not attn_weights[row, :, length:].any()


def test_summaries_against_their_equations() -> None:
    """One summary and one step at a time, without padding, in NumPy."""
    torch.manual_seed(5)
    summaries = Summaries(4, 3, dropout=0.0).double()
    weigh, gate, bias = (parameter.detach().numpy() for parameter in summaries.parameters())
    outputs, states = (torch.randn(2, length, 4, dtype=torch.double) for length in (5, 6))
    lengths = [5, 2]
    mask = torch.arange(5) < torch.tensor(lengths)[:, None]
    summarised = summaries.summarise(Encoded(torch.zeros(2, 1), outputs, mask))
    mixtures = summaries(states, summarised)
    for row, length in enumerate(lengths):
        values = outputs[row, :length].numpy()
        expected = np.stack([softmax(values @ weights) @ values for weights in weigh])
        np.testing.assert_allclose(summarised[row].detach(), expected, atol=1e-12)
        for time, state in enumerate(states[row].numpy()):
            np.testing.assert_allclose(
                mixtures[row, time].detach(), softmax(gate @ state + bias) @ expected, atol=1e-12
            )


def test_sequence_dropout_zeroes_the_same_units_at_each_position() -> None:
    torch.manual_seed(4)
    dropped = SequenceDropout(0.25)(torch.ones(50, 6, 40))
    assert (dropped == dropped[:, :1]).all()
    torch.testing.assert_close(dropped.unique(), torch.tensor([0, 4 / 3]))
    assert (dropped[:, 0] == 0).float().mean() == pytest.approx(0.25, abs=0.03)
    assert SequenceDropout(0.25).eval()(torch.ones(2, 3)).eq(1).all()


def test_reversal_reverses_real_tokens_only() -> None:
    assert reversal(torch.tensor([4, 1, 2]), 4).tolist() == [[3, 2, 1, 0], [0, 1, 2, 3], [1, 0, 2, 3]]


def test_summary_is_last_states_mean_and_maximum() -> None:
    config = ModelConfig(embedding_size=3, hidden_size=4, context_size=7, dropout=0.0)
    encoder = Encoder(config).double()
    embedded = torch.randn(1, 5, 3, dtype=torch.double)
    encoded = encoder(torch.cat([embedded, torch.randn(1, 2, 3)], dim=1), torch.tensor([5]))
    states = encoded.outputs[0, :5]
    last = torch.cat([states[4, :2], states[0, 2:]])
    pooled = torch.cat([last, states.mean(dim=0), states.amax(dim=0)])
    torch.testing.assert_close(encoded.context[0], torch.tanh(encoder.summary(pooled)))
    assert encoded.src_mask.tolist() == [[True] * 5 + [False] * 2]


@pytest.mark.parametrize("joint", [True, False])
def test_embeddings_are_shared_if_joint(joint: bool, tiny: Callable[..., Config]) -> None:
    network = EncoderDecoder(tiny().model, VOCAB, VOCAB, joint=joint)
    assert (network.src_embedding is network.tgt_embedding) == joint
    shapes = [tuple(p.shape) for p in network.parameters()]
    assert shapes.count((VOCAB, 8)) == (1 if joint else 2)


def test_recurrent_states_stay_in_float32_under_autocast(tiny: Callable[..., Config]) -> None:
    network = EncoderDecoder(tiny().model, VOCAB, VOCAB, joint=True)
    src, lengths = random_tokens(2, 4), torch.tensor([4, 3])
    with torch.autocast("cpu", torch.bfloat16):
        encoded = network.encode(src, lengths)
        state = network.decoder.start(encoded)
        _, after = network.step(src[:, 0], state)
    assert state.hidden.dtype == after.hidden.dtype == torch.float32
    assert not torch.equal(after.hidden, after.hidden.bfloat16().float())  # nor was it rounded in between
