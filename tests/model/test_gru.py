"""The compiled recurrence and its gradients against torch's GRU in float64."""

import os
import subprocess
import sys

import pytest
import torch
from torch import Tensor

from seq2seq.model import gru
from seq2seq.model.cells import GRU, run_bidirectional
from seq2seq.native.training import isa_levels

LENGTHS = {
    "sorted": torch.tensor([5, 5, 4, 1]),
    "unsorted": torch.tensor([2, 5, 1, 4]),
    "equal": torch.tensor([5, 5, 5, 5]),
    "shorter than the padding": torch.tensor([3, 3, 1, 1]),
}
ROWS, STEPS, INPUTS, CONTEXT = 4, 5, 3, 2
# Relative to the largest value: bf16 has eight bits, and a state comes from five products.
TOLERANCES = {torch.float32: 1e-5, torch.bfloat16: 4e-2}


@pytest.fixture(autouse=True, params=[1, 8])
def multiple(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Finished rows are dropped one by one, or, with so few rows, not at all."""
    monkeypatch.setattr(gru, "_ROWS_MULTIPLE", request.param)


@pytest.fixture(params=isa_levels())
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Only one instruction set is available, each in turn."""
    monkeypatch.setattr(gru, "isa_levels", lambda: range(request.param, request.param + 1))
    return int(request.param)


def cell_of(hidden: int, size: int = INPUTS) -> GRU:
    torch.manual_seed(hidden)
    cell = GRU(size, hidden)
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return cell


def assert_close(actual: Tensor, expected: Tensor, dtype: torch.dtype) -> None:
    tolerance = TOLERANCES[dtype] * float(expected.abs().max())
    torch.testing.assert_close(actual.double(), expected, atol=tolerance, rtol=0)


def check(
    cell: GRU, dtype: torch.dtype, inputs: list[Tensor], lengths: Tensor | None = None, reverse: bool = False
) -> None:
    """Compare outputs and gradients of the cell in `dtype` with those in float64."""
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        actual = cell(*leaves, lengths=lengths, reverse=reverse)
    assert actual[1].dtype == torch.float32  # the state, whatever the type of the products
    exact = GRU(cell.run.input_size, cell.hidden_size).double()
    exact.load_state_dict(cell.state_dict())
    exact_leaves = [tensor.detach().double().requires_grad_() for tensor in leaves]
    expected = exact(*exact_leaves, lengths=lengths, reverse=reverse)
    if lengths is not None:  # outputs at padding are undefined
        real = torch.arange(STEPS) < lengths[:, None]
        actual, expected = ([outputs[real], last] for outputs, last in (actual, expected))
    weights = [torch.randn(tensor.shape, generator=torch.Generator().manual_seed(3)).double() for tensor in expected]

    def gradients(outputs: list[Tensor], leaves: list[Tensor], of: GRU) -> tuple[Tensor, ...]:
        loss = sum((output.double() * weight).sum() for output, weight in zip(outputs, weights, strict=True))
        assert isinstance(loss, Tensor)
        return torch.autograd.grad(loss, [*leaves, *of.parameters()])

    for ours, theirs in zip(actual, expected, strict=True):
        assert_close(ours.detach(), theirs.detach(), dtype)
    pairs = zip(gradients(actual, leaves, cell), gradients(expected, exact_leaves, exact), strict=True)
    for ours, theirs in pairs:
        assert_close(ours, theirs, dtype)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("hidden", [1, 16, 37])  # with and without a remainder after whole vectors
def test_decoder_with_an_initial_state_and_a_context(hidden: int, dtype: torch.dtype) -> None:
    inputs = [torch.randn(ROWS, STEPS, INPUTS), torch.randn(ROWS, hidden), torch.randn(ROWS, CONTEXT)]
    check(cell_of(hidden, INPUTS + CONTEXT), dtype, inputs)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("reverse", [False, True])
def test_encoder_in_either_direction(lengths: Tensor, reverse: bool, dtype: torch.dtype) -> None:
    check(cell_of(21), dtype, [torch.randn(ROWS, STEPS, INPUTS)], lengths, reverse)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("dtype", TOLERANCES)
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_both_directions_at_once_match_two_calls(lengths: Tensor, dtype: torch.dtype) -> None:
    forward, backward = cell_of(21), cell_of(21)
    for parameter in backward.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    inputs = torch.randn(ROWS, STEPS, INPUTS, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=dtype == torch.bfloat16):
        actual = run_bidirectional(forward, backward, inputs, lengths)
        left_to_right, right_to_left = forward(inputs, lengths=lengths), backward(inputs, lengths=lengths, reverse=True)
        expected = tuple(torch.cat(pair, dim=-1) for pair in zip(left_to_right, right_to_left, strict=True))
    leaves = [inputs, *forward.parameters(), *backward.parameters()]
    gradients = []
    for outputs, last in (actual, expected):
        loss = outputs.float().cumsum(-1).sin().sum() + last.cumsum(-1).cos().sum()
        gradients.append(torch.autograd.grad(loss, leaves))
    for ours, theirs in zip([*actual, *gradients[0]], [*expected, *gradients[1]], strict=True):
        assert_close(ours.detach(), theirs.detach().double(), dtype)


def test_padding_is_never_read() -> None:
    """Padding affects no output and gets no gradient."""
    cell, lengths, inputs = cell_of(8), LENGTHS["unsorted"], torch.randn(ROWS, STEPS, INPUTS)
    real = torch.arange(STEPS) < lengths[:, None]
    for reverse in (False, True):
        outputs = []
        for padding in (0.0, 1e6):
            leaf = inputs.masked_fill(~real[:, :, None], padding).requires_grad_()
            states, _ = cell(leaf, lengths=lengths, reverse=reverse)
            assert not states[~real].any()
            outputs.append(states[real])
            (gradient,) = torch.autograd.grad(states[real].sum(), leaf)
            assert not gradient[~real].any()
        assert torch.equal(*outputs)


def test_results_do_not_depend_on_the_number_of_threads(monkeypatch: pytest.MonkeyPatch) -> None:
    """Except for the gradients of biases, which are sums over rows."""
    cell, inputs = cell_of(37), torch.randn(9, STEPS, INPUTS)
    weights, biases = cell.run.all_weights[0][:2], cell.run.all_weights[0][2:]
    results = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        outputs, last = cell(inputs)
        gradients = torch.autograd.grad(outputs.sum(), weights, retain_graph=True)
        results.append(([outputs, last, *gradients], torch.autograd.grad(outputs.sum(), biases)))
    for exact, rounded in results[1:]:
        assert all(torch.equal(first, second) for first, second in zip(results[0][0], exact, strict=True))
        torch.testing.assert_close(results[0][1], rounded, atol=1e-5, rtol=1e-5)


def test_every_row_is_computed_with_fewer_threads_than_requested() -> None:
    program = """
import torch
from seq2seq.model.cells import GRU, run_bidirectional
torch.manual_seed(0)
cell, inputs = GRU(3, 8), torch.randn(9, 4, 3)
outputs = []
for threads in (1, 3):
    torch.get_num_threads = lambda threads=threads: threads
    outputs.append(cell(inputs)[0])
assert torch.equal(*outputs)
"""
    limited = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    subprocess.run([sys.executable, "-c", program], env=limited, check=True)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("value", [torch.nan, torch.inf])
def test_nan_propagates(value: float) -> None:
    """A training that diverges must be seen to diverge."""
    cell = cell_of(5)
    with torch.no_grad():
        cell.run.all_weights[0][0][2] = value
        assert cell(torch.ones(1, 2, INPUTS))[0].isnan().any() == (value != value)


def test_processor_without_compiled_code_falls_back_to_torch(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, inputs, state = cell_of(6), torch.randn(ROWS, STEPS, INPUTS), torch.randn(ROWS, 6)
    compiled = cell(inputs, state)
    monkeypatch.setattr(gru, "isa_levels", lambda: range(0))
    for ours, theirs in zip(compiled, cell(inputs, state), strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-6, rtol=1e-5)
