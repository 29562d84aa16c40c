"""Each recurrence against its equations in NumPy and against finite differences."""

from collections.abc import Callable

import numpy as np
import pytest
import torch

from seq2seq.config import ModelConfig
from seq2seq.model.cells import CELLS, FusedRecurrence, InnerContextGRU, PeepholeLSTM, Recurrence

INPUTS, UNITS, STEPS = 3, 4, 5
Array = np.ndarray
Step = Callable[[dict[str, list[Array]], Array, Array], Array]
"""parameters by name, each a list with one item per gate; x, state -> next state."""


def sigmoid(x: Array) -> Array:
    return np.asarray(1 / (1 + np.exp(-x)))


def gru_after(p: dict[str, list[Array]], x: Array, h: Array) -> Array:
    (w_r, w_z, w_n), (u_r, u_z, u_n), (b_r, b_z, b_n), (c_r, c_z, c_n) = p["w"], p["u"], p["b"], p["c"]
    r = sigmoid(w_r @ x + b_r + u_r @ h + c_r)
    z = sigmoid(w_z @ x + b_z + u_z @ h + c_z)
    return np.asarray(z * h + (1 - z) * np.tanh(w_n @ x + b_n + r * (u_n @ h + c_n)))


def gru_before(p: dict[str, list[Array]], x: Array, h: Array) -> Array:
    (w_r, w_z, w_n), (u_r, u_z, u_n), (b_r, b_z, b_n) = p["w"], p["u"], p["b"]
    r = sigmoid(w_r @ x + u_r @ h + b_r)
    z = sigmoid(w_z @ x + u_z @ h + b_z)
    return np.asarray(z * h + (1 - z) * np.tanh(w_n @ x + u_n @ (r * h) + b_n))


def inner_context_gru(p: dict[str, list[Array]], x: Array, h: Array) -> Array:
    word, context = x[:2], x[2:]
    (w_r, w_z, w_n), (u_r, u_z, u_n), (v_r, v_z, v_n), (b_r, b_z, b_n) = p["w"], p["u"], p["v"], p["b"]
    r = sigmoid(w_r @ word + u_r @ h + v_r @ context + b_r)
    z = sigmoid(w_z @ word + u_z @ h + v_z @ context + b_z)
    return np.asarray(z * h + (1 - z) * np.tanh(w_n @ word + b_n + r * (u_n @ h + v_n @ context)))


def lstm(p: dict[str, list[Array]], x: Array, state: Array) -> Array:
    h, memory = np.split(state, 2)
    i, f, g, o = (w @ x + u @ h + b + c for w, u, b, c in zip(p["w"], p["u"], p["b"], p["c"], strict=True))
    memory = sigmoid(f) * memory + sigmoid(i) * np.tanh(g)
    return np.concatenate([sigmoid(o) * np.tanh(memory), memory])


def lstm_peephole(p: dict[str, list[Array]], x: Array, state: Array) -> Array:
    h, memory = np.split(state, 2)
    i, f, g, o = (w @ x + u @ h + b for w, u, b in zip(p["w"], p["u"], p["b"], strict=True))
    p_i, p_f, p_o = p["p"]
    old = memory
    memory = sigmoid(f + p_f * old) * old + sigmoid(i + p_i * old) * np.tanh(g)
    return np.concatenate([sigmoid(o + p_o * memory) * np.tanh(memory), memory])


def rnn(p: dict[str, list[Array]], x: Array, h: Array) -> Array:
    return np.asarray(np.tanh(p["w"][0] @ x + p["b"][0] + p["u"][0] @ h + p["c"][0]))


REFERENCES: dict[str, Step] = {
    "gru": gru_after,
    "gru-reset-before": gru_before,
    "lstm": lstm,
    "lstm-peephole": lstm_peephole,
    "rnn": rnn,
}
LETTERS = {"weight_ih": "w", "weight_hh": "u", "weight_ch": "v", "bias_hh": "c", "bias": "b", "peepholes": "p"}


def randomised(cell: Recurrence) -> tuple[Recurrence, dict[str, list[Array]]]:
    """The cell with random parameters in float64, and the parameters by letter and gate."""
    torch.manual_seed(2)
    parameters: dict[str, list[Array]] = {}
    for name, parameter in cell.double().named_parameters():
        torch.nn.init.normal_(parameter)
        letter = next(letter for start, letter in LETTERS.items() if name.removeprefix("run.").startswith(start))
        values = parameter.detach().numpy()
        parameters[letter] = list(values if letter == "p" else values.reshape(-1, UNITS, *values.shape[1:]))
    return cell, parameters


def random_run(cell: Recurrence, rows: int = 2, inputs: int = INPUTS) -> tuple[torch.Tensor, torch.Tensor]:
    draw = torch.Generator().manual_seed(7)
    xs = torch.randn(rows, STEPS, inputs, generator=draw, dtype=torch.float64)
    return xs, torch.randn(rows, cell.state_size, generator=draw, dtype=torch.float64)


def check(cell: Recurrence, step: Step, parameters: dict[str, list[Array]], inputs: int = INPUTS) -> None:
    xs, start = random_run(cell, inputs=inputs)
    outputs, last = cell(xs, start)
    for row in range(len(xs)):
        state = start[row].numpy()
        for time in range(STEPS):
            state = step(parameters, xs[row, time].numpy(), state)
            np.testing.assert_allclose(outputs[row, time].detach().numpy(), state[:UNITS], atol=1e-12)
        np.testing.assert_allclose(last[row].detach().numpy(), state, atol=1e-12)


@pytest.mark.parametrize("name", CELLS)
def test_cell_matches_its_equations(name: str) -> None:
    cell, parameters = randomised(CELLS[name](INPUTS, UNITS))
    check(cell, REFERENCES[name], parameters)


def test_inner_context_gru_matches_its_equations() -> None:
    cell, parameters = randomised(InnerContextGRU(2, 3, UNITS))
    check(cell, inner_context_gru, parameters, inputs=5)


def every_cell() -> list[Recurrence]:
    return [*(make(INPUTS, UNITS) for make in CELLS.values()), InnerContextGRU(1, 2, UNITS)]


@pytest.mark.parametrize("cell", every_cell(), ids=lambda cell: type(cell).__name__)
def test_gradients_match_finite_differences(cell: Recurrence) -> None:
    cell, _ = randomised(cell)
    xs, start = random_run(cell)
    names = [name for name, _ in cell.named_parameters()]

    def run(xs: torch.Tensor, start: torch.Tensor, *values: torch.Tensor) -> tuple[torch.Tensor, ...]:
        outputs: tuple[torch.Tensor, ...] = torch.func.functional_call(
            cell, dict(zip(names, values, strict=True)), (xs, start)
        )
        return outputs

    inputs = [tensor.detach().clone().requires_grad_() for tensor in (xs, start, *cell.parameters())]
    assert torch.autograd.gradcheck(run, tuple(inputs))


@pytest.mark.parametrize("cell", every_cell(), ids=lambda cell: type(cell).__name__)
def test_the_last_state_does_not_depend_on_padding(cell: Recurrence) -> None:
    cell, _ = randomised(cell)
    xs, _ = random_run(cell, rows=3)
    lengths = torch.tensor([2, 5, 1])
    outputs, last = cell(xs, lengths=lengths)
    for row, length in enumerate(lengths.tolist()):
        alone, state = cell(xs[row : row + 1, :length])
        torch.testing.assert_close(outputs[row, :length], alone[0])
        torch.testing.assert_close(last[row], state[0])


@pytest.mark.parametrize("name", CELLS)
def test_reversed_is_reading_the_reversed_inputs(name: str) -> None:
    cell, inputs = CELLS[name](3, 4), torch.randn(2, 5, 3)
    outputs, last = cell(inputs, reverse=True)
    expected, expected_last = cell(inputs.flip(1))
    torch.testing.assert_close(outputs, expected.flip(1))
    torch.testing.assert_close(last, expected_last)


def test_the_old_name_of_a_cell_is_accepted() -> None:
    assert ModelConfig.model_validate({"cell": "gru-before"}).cell == "gru-reset-before"


def test_the_opposite_sign_of_z_is_an_equivalent_cell() -> None:
    """h' = (1 - z) h + z n, as the released code and Chung et al. print it: negate the parameters of z."""
    cell, parameters = randomised(CELLS["gru-reset-before"](INPUTS, UNITS))
    negated = {letter: [gates[0], -gates[1], gates[2]] for letter, gates in parameters.items()}

    def flipped(p: dict[str, list[Array]], x: Array, h: Array) -> Array:
        (w_r, w_z, w_n), (u_r, u_z, u_n), (b_r, b_z, b_n) = p["w"], p["u"], p["b"]
        r, z = sigmoid(w_r @ x + u_r @ h + b_r), sigmoid(w_z @ x + u_z @ h + b_z)
        return np.asarray((1 - z) * h + z * np.tanh(w_n @ x + u_n @ (r * h) + b_n))

    check(cell, flipped, negated)


# Chung et al. 2014, table 1, the speech models, with 20 inputs per step.
@pytest.mark.parametrize(
    ("name", "units", "printed"),
    [("gru-reset-before", 227, 168_888), ("lstm-peephole", 195, 169_065), ("rnn", 400, 168_400)],
)
def test_parameter_counts_match_chung_et_al(name: str, units: int, printed: int) -> None:
    cell = CELLS[name](20, units)
    count = sum(parameter.numel() for parameter in cell.parameters())
    # torch gives each unit of a fused cell two biases.
    assert count - (units if isinstance(cell, FusedRecurrence) else 0) == printed


def test_recurrent_matrices_start_orthogonal_and_input_matrices_small() -> None:
    for cell in every_cell():
        for name, parameter in cell.named_parameters():
            for gate in torch.split(parameter.detach(), UNITS) if "weight" in name else ():
                if "weight_hh" in name:
                    torch.testing.assert_close(gate @ gate.T, torch.eye(UNITS), atol=1e-5, rtol=0)
                else:
                    assert 0 < gate.abs().max() <= (6 / sum(gate.shape)) ** 0.5


@pytest.mark.parametrize("name", ["lstm", "lstm-peephole"])
def test_the_bias_of_a_forget_gate_starts_at_one(name: str) -> None:
    cell = CELLS[name](INPUTS, UNITS)
    biases = [parameter.detach() for name, parameter in cell.named_parameters() if "bias" in name]
    assert torch.stack(biases).sum(dim=0).tolist() == [0.0] * 4 + [1.0] * 4 + [0.0] * 8
    if isinstance(cell, PeepholeLSTM):
        assert cell.peepholes.eq(0).all()
