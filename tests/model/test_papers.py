"""The networks of the papers against their equations in NumPy, one sentence, layer and step at a time."""

from typing import Any

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from seq2seq.architectures import ARCHITECTURES
from seq2seq.config import ModelConfig
from seq2seq.model.network import EncoderDecoder
from seq2seq.presets import build_config, describe_config, preset_names

E, H, SRC, TGT = 6, 4, 9, 11
SIZES = {"embedding_size": E, "hidden_size": H, "context_size": H, "dropout": 0.0}
PRESETS = ["cho2014", "cho2014-released", "sutskever2014", "bahdanau2015", "luong2015"]
SOURCE, TARGET = [5, 8, 4, 7, 3], [2, 9, 4, 10]
Array = np.ndarray


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def softmax(x: Array) -> Array:
    return np.asarray(np.exp(x - x.max()) / np.exp(x - x.max()).sum())


def maxout(x: Array) -> Array:
    return np.asarray(x.reshape(-1, 2).max(axis=1))


class Weights:
    """A network's parameters; `at` gives those below a name."""

    def __init__(self, values: dict[str, Array], prefix: str = "") -> None:
        self.values, self.prefix = values, prefix

    def __getitem__(self, name: str) -> Array:
        return self.values[self.prefix + name]

    def at(self, name: str) -> "Weights":
        return Weights(self.values, f"{self.prefix}{name}.")

    def gates(self, name: str) -> list[Array]:
        return list(self[name].reshape(-1, H, *self[name].shape[1:]))


def gru_before(cell: Weights, x: Array, h: Array) -> Array:
    (w_r, w_z, w_n), (u_r, u_z, u_n), (b_r, b_z, b_n) = map(cell.gates, ("weight_ih", "weight_hh", "bias"))
    r, z = sigmoid(w_r @ x + u_r @ h + b_r), sigmoid(w_z @ x + u_z @ h + b_z)
    return np.asarray(z * h + (1 - z) * np.tanh(w_n @ x + u_n @ (r * h) + b_n))


def lstm(cell: Weights, x: Array, state: tuple[Array, Array]) -> tuple[Array, Array]:
    names = ("run.weight_ih_l0", "run.weight_hh_l0", "run.bias_ih_l0", "run.bias_hh_l0")
    i, f, g, o = (w @ x + u @ state[0] + b + c for w, u, b, c in zip(*map(cell.gates, names), strict=True))
    memory = sigmoid(f) * state[1] + sigmoid(i) * np.tanh(g)
    return sigmoid(o) * np.tanh(memory), memory


def encode_reversed(w: Weights, layers: int) -> tuple[list[Array], list[tuple[Array, Array]]]:
    """The states of the top layer by position in the source, and the last state of each layer."""
    outputs, states = [w["src_embedding.weight"][i] for i in reversed(SOURCE)], []
    for layer in range(layers):
        state, hidden = (np.zeros(H), np.zeros(H)), []
        for x in outputs:
            state = lstm(w.at(f"encoder.layers.{layer}"), x, state)
            hidden.append(state[0])
        outputs = hidden
        states.append(state)
    return outputs[::-1], states


def maxout_readout(w: Weights, h: Array, y: Array, c: Array) -> Array:
    readout = w.at("decoder.readout")
    hidden = readout["hidden.weight"] @ h + readout["hidden.bias"]
    return maxout(hidden + readout["word.weight"] @ y + readout["contexts.0.weight"] @ c)


def cho2014(w: Weights, released: bool) -> list[Array]:
    h = np.zeros(H)
    for i in SOURCE:
        h = gru_before(w.at("encoder.layers.0.recurrence"), w["src_embedding.weight"][i], h)
    c = h if released else np.tanh(w["encoder.summary.weight"] @ h)
    h = np.tanh(w["decoder.first_state.layer.weight"] @ c + w["decoder.first_state.layer.bias"])
    features = []
    for i in TARGET:
        y = w["tgt_embedding.weight"][i]
        if released:
            h = gru_before(w.at("decoder.recurrence.layers.0"), np.concatenate([y, c]), h)
        else:
            cell = w.at("decoder.recurrence")
            input_gates, hidden_gates, context_gates, biases = map(
                cell.gates, ("weight_ih", "weight_hh", "weight_ch", "bias")
            )
            r, z = (
                sigmoid(input_gates[g] @ y + hidden_gates[g] @ h + context_gates[g] @ c + biases[g]) for g in (0, 1)
            )
            n = np.tanh(input_gates[2] @ y + biases[2] + r * (hidden_gates[2] @ h + context_gates[2] @ c))
            h = z * h + (1 - z) * n
        features.append(w["decoder.readout.factor.weight"] @ maxout_readout(w, h, y, c))
    return features


def sutskever2014(w: Weights) -> list[Array]:
    _, states = encode_reversed(w, 2)
    features = []
    for i in TARGET:
        x = w["tgt_embedding.weight"][i]
        for layer in range(2):
            states[layer] = lstm(w.at(f"decoder.recurrence.layers.{layer}"), x, states[layer])
            x = states[layer][0]
        features.append(x)
    return features


def bahdanau2015(w: Weights) -> list[Array]:
    words = [w["src_embedding.weight"][i] for i in SOURCE]
    directions = []
    for direction, order in (("left_to_right", words), ("right_to_left", words[::-1])):
        h, states = np.zeros(H), []
        for x in order:
            h = gru_before(w.at(f"encoder.layers.0.{direction}.recurrence"), x, h)
            states.append(h)
        directions.append(states)
    forwards, backwards = directions[0], directions[1][::-1]
    annotations = [np.concatenate(both) for both in zip(forwards, backwards, strict=True)]
    first = w.at("decoder.first_state.layer")
    s = np.tanh(first["weight"] @ backwards[0] + first["bias"])
    a, features = w.at("decoder.attention"), []
    for i in TARGET:
        y = w["tgt_embedding.weight"][i]
        hidden = [np.tanh(a["query.weight"] @ s + a["key.weight"] @ h + a["key.bias"]) for h in annotations]
        weights = softmax(np.array([a["score.weight"][0] @ vector for vector in hidden]))
        c = weights @ np.array(annotations)
        s = gru_before(w.at("decoder.recurrence"), np.concatenate([y, c]), s)
        features.append(maxout_readout(w, s, y, c))
    return features


def luong2015(w: Weights) -> list[Array]:
    outputs, states = encode_reversed(w, 2)
    fed, features = np.zeros(H), []
    for i in TARGET:
        x = np.concatenate([w["tgt_embedding.weight"][i], fed])
        for layer in range(2):
            states[layer] = lstm(w.at(f"decoder.recurrence.layers.{layer}"), x, states[layer])
            x = states[layer][0]
        c = softmax(np.array([x @ h for h in outputs])) @ np.array(outputs)
        fed = np.tanh(w["decoder.combine.weight"] @ np.concatenate([c, x]))
        features.append(fed)
    return features


REFERENCES = {
    "cho2014": lambda w: cho2014(w, released=False),
    "cho2014-released": lambda w: cho2014(w, released=True),
    "sutskever2014": sutskever2014,
    "bahdanau2015": bahdanau2015,
    "luong2015": luong2015,
}


def model_config(preset: str, **changes: Any) -> ModelConfig:
    layers = {} if preset.startswith(("cho", "bah")) else {"encoder_layers": 2, "decoder_layers": 2}
    return ModelConfig(**{**build_config(preset).model.model_dump(), **SIZES, **layers, **changes})


@pytest.mark.parametrize("preset", PRESETS)
def test_network_matches_the_equations_of_its_paper(preset: str) -> None:
    torch.manual_seed(6)
    network = EncoderDecoder(model_config(preset), SRC, TGT, joint=False).double().eval()
    for parameter in network.parameters():
        torch.nn.init.normal_(parameter, std=0.7)
    weights = Weights({name: value.numpy() for name, value in network.state_dict().items()})
    features = REFERENCES[preset](weights)
    expected = [weights["output.weight"] @ vector + weights["output_bias"] for vector in features]
    # The sentence is batched with a longer one, so that it is padded.
    src = torch.tensor([[*SOURCE, 0, 0], [4, 4, 5, 6, 7, 8, 3]])
    logits = network(src, torch.tensor([len(SOURCE), 7]), torch.tensor([TARGET, TARGET]))
    np.testing.assert_allclose(logits[0].detach().numpy(), np.array(expected), atol=1e-10)


def test_every_preset_of_a_paper_is_tested() -> None:
    assert set(PRESETS) == set(preset_names()) - {"context", "attention"}
    for preset in PRESETS:
        assert build_config(preset).model.architecture == preset


@pytest.mark.parametrize("preset", ["cho2014", "bahdanau2015"])
def test_initial_weights_are_small_and_recurrent_matrices_orthogonal(preset: str) -> None:
    torch.manual_seed(6)
    network = EncoderDecoder(model_config(preset, hidden_size=32, context_size=32), 50, 50, joint=False)
    for name, parameter in network.named_parameters():
        if "weight_hh" in name:
            for gate in torch.split(parameter.detach(), 32):
                torch.testing.assert_close(gate @ gate.T, torch.eye(32), atol=1e-5, rtol=0)
        elif "bias" in name or "score" in name:
            assert parameter.eq(0).all()
        else:
            std = 0.001 if "attention" in name else 0.01
            assert float(parameter.detach().std()) == pytest.approx(std, rel=0.2)


@pytest.mark.parametrize(("preset", "bound"), [("sutskever2014", 0.08), ("luong2015", 0.1)])
def test_initial_weights_are_uniform(preset: str, bound: float) -> None:
    network = EncoderDecoder(model_config(preset), SRC, TGT, joint=False)
    values = torch.cat([parameter.detach().flatten() for parameter in network.parameters()])
    assert float(values.abs().max()) == pytest.approx(bound, rel=0.02)
    assert float(values.std()) == pytest.approx(bound / 3**0.5, rel=0.1)


@pytest.mark.parametrize(
    ("preset", "changes", "message"),
    [
        ("cho2014", {"cell": "lstm"}, "cho2014 needs cell = gru-reset-before"),
        ("cho2014-released", {"context_size": 5}, "cho2014-released needs context_size = hidden_size"),
        ("sutskever2014", {"encoder_layers": 1}, "sutskever2014 needs encoder_layers = decoder_layers"),
        ("bahdanau2015", {"attention": "dot"}, "architecture bahdanau2015 needs attention = additive"),
        ("luong2015", {"attention": "none"}, "architecture luong2015 needs attention"),
        ("luong2015", {"bidirectional": True}, "architecture luong2015 needs bidirectional = false"),
        ("luong2015", {"architecture": "luong"}, "no architecture 'luong'; choose one of default, cho2014, "),
    ],
)
def test_settings_that_contradict_a_paper_are_refused(preset: str, changes: dict[str, Any], message: str) -> None:
    with pytest.raises(ValidationError, match=message):
        model_config(preset, **changes)


@pytest.mark.parametrize("preset", preset_names())
def test_unused_keys_are_those_that_change_nothing(preset: str) -> None:
    config = model_config(preset)
    unused = ARCHITECTURES[config.architecture].unused_keys(config)
    changed = {}
    for key in ("summaries", "context_size"):
        other = config.model_copy(update={key: getattr(config, key) + 2})
        changed[key] = shapes(other) != shapes(config)
    assert {key for key, differs in changed.items() if not differs} == unused
    printed = describe_config(build_config(preset))
    assert all((f"# {key}: this network does not use it" in printed) == (key in unused) for key in changed)


def shapes(config: ModelConfig) -> list[tuple[int, ...]]:
    return [tuple(parameter.shape) for parameter in EncoderDecoder(config, 11, 13, joint=False).parameters()]
