"""The network against itself and against NumPy."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from seq2seq.config import Config, ModelConfig
from seq2seq.model.cells import make_cell
from seq2seq.model.encoder import Encoder, reversal
from seq2seq.model.network import EncoderDecoder

VOCAB = 40


@pytest.fixture(params=[(1, 1, True), (1, 1, False), (2, 2, True), (2, 3, False)], ids=str)
def network(request: pytest.FixtureRequest) -> EncoderDecoder:
    encoder_layers, decoder_layers, bidirectional = request.param
    torch.manual_seed(1)
    config = ModelConfig(
        embedding_size=6,
        hidden_size=8,
        context_size=5,
        encoder_layers=encoder_layers,
        decoder_layers=decoder_layers,
        bidirectional=bidirectional,
    )
    network = EncoderDecoder(config, VOCAB, VOCAB, joint=True).double().eval()
    # Fresh biases are zero and would hide a mix-up.
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return network


def random_tokens(rows: int, columns: int, seed: int = 3) -> torch.Tensor:
    return torch.randint(4, VOCAB, (rows, columns), generator=torch.Generator().manual_seed(seed))


def test_both_faces_of_the_decoder_agree(network: EncoderDecoder) -> None:
    src, lengths, tgt_in = random_tokens(3, 7), torch.tensor([7, 1, 4]), random_tokens(3, 5, seed=4)
    at_once = network(src, lengths, tgt_in).log_softmax(dim=-1)
    state = network.start(src, lengths)
    for time in range(5):
        log_probs, state = network.step(tgt_in[:, time], state)
        torch.testing.assert_close(log_probs, at_once[:, time])


def test_a_sentence_does_not_see_its_neighbours_or_padding(network: EncoderDecoder) -> None:
    src, lengths, tgt_in = random_tokens(4, 9), torch.tensor([9, 1, 5, 8]), random_tokens(4, 6, seed=4)
    together = network(src, lengths, tgt_in)
    for row, length in enumerate(lengths.tolist()):
        alone = network(src[row : row + 1, :length], lengths[row : row + 1], tgt_in[row : row + 1])
        torch.testing.assert_close(together[row], alone[0])


def test_every_source_word_counts(network: EncoderDecoder) -> None:
    src, lengths, tgt_in = random_tokens(1, 6), torch.tensor([6]), random_tokens(1, 3, seed=4)
    before = network(src, lengths, tgt_in)
    for position in range(6):
        changed = src.clone()
        changed[0, position] = 4 + (changed[0, position] - 3) % (VOCAB - 4)
        assert (network(changed, lengths, tgt_in) - before).abs().max() > 1e-6


def test_no_word_sees_the_future(network: EncoderDecoder) -> None:
    src, lengths, tgt_in = random_tokens(2, 6), torch.tensor([6, 3]), random_tokens(2, 5, seed=4)
    changed = tgt_in.clone()
    changed[:, 3:] = 4
    before, after = network(src, lengths, tgt_in), network(src, lengths, changed)
    torch.testing.assert_close(before[:, :3], after[:, :3])
    assert (before[:, 3:] - after[:, 3:]).abs().max() > 1e-6


def test_state_selects_rows(network: EncoderDecoder) -> None:
    src, lengths = random_tokens(3, 4), torch.tensor([4, 2, 3])
    index = torch.tensor([2, 0, 0, 1])
    log_probs, _ = network.step(random_tokens(3, 1)[:, 0][index], network.start(src, lengths).select(index))
    expected, _ = network.step(random_tokens(3, 1)[:, 0], network.start(src, lengths))
    torch.testing.assert_close(log_probs, expected[index])


def sigmoid(x: np.ndarray) -> np.ndarray:
    return np.asarray(1 / (1 + np.exp(-x)))


def test_gru_cell_against_its_equations() -> None:
    """The equations in the docstring of `cells`, in NumPy."""
    torch.manual_seed(2)
    cell = make_cell("gru", 3, 4).double()
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter)
    (w_r, w_z, w_n), (u_r, u_z, u_n), (b_r, b_z, b_n), (c_r, c_z, c_n) = (
        tensor.detach().numpy().reshape(3, 4, *tensor.shape[1:]) for _, tensor in cell.named_parameters()
    )
    inputs = np.random.default_rng(0).normal(size=(5, 3))
    h, expected = np.zeros(4), []
    for x in inputs:
        r = sigmoid(w_r @ x + b_r + u_r @ h + c_r)
        z = sigmoid(w_z @ x + b_z + u_z @ h + c_z)
        n = np.tanh(w_n @ x + b_n + r * (u_n @ h + c_n))
        h = (1 - z) * n + z * h
        expected.append(h)
    outputs = cell(torch.from_numpy(inputs)[None])[0][0].detach().numpy()
    np.testing.assert_allclose(outputs, np.array(expected), atol=1e-12)


def test_recurrent_matrices_start_orthogonal() -> None:
    recurrent = dict(make_cell("gru", 3, 16).named_parameters())["weight_hh_l0"]
    for gate in recurrent.detach().chunk(3):
        torch.testing.assert_close(gate @ gate.T, torch.eye(16), atol=1e-5, rtol=0)


def test_reversal_turns_real_tokens_only() -> None:
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
def test_embeddings_are_shared_as_promised(joint: bool, tiny: Callable[..., Config]) -> None:
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
    assert encoded.outputs.dtype == state.hidden.dtype == after.hidden.dtype == torch.float32
