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
    "the longest first": torch.tensor([5, 5, 4, 1]),
    "in any order": torch.tensor([2, 5, 1, 4]),
    "all alike": torch.tensor([5, 5, 5, 5]),
    "shorter than there is room": torch.tensor([3, 3, 1, 1]),
}
ROWS, STEPS, INPUTS, CONSTANT = 4, 5, 3, 2
# Relative to the largest number: bf16 has eight bits, and a state has seen five products.
CLOSE = {torch.float32: 1e-5, torch.bfloat16: 4e-2}


@pytest.fixture(autouse=True, params=[1, 8])
def multiple(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps drop rows one by one, or none of the few."""
    monkeypatch.setattr(gru, "_ROWS_MULTIPLE", request.param)


@pytest.fixture(params=isa_levels())
def level(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> int:
    """Each instruction set in turn is the only one."""
    monkeypatch.setattr(gru, "isa_levels", lambda: range(request.param, request.param + 1))
    return int(request.param)


def cell_of(hidden: int, size: int = INPUTS) -> GRU:
    torch.manual_seed(hidden)
    cell = GRU(size, hidden)
    for parameter in cell.parameters():
        torch.nn.init.normal_(parameter, std=0.5)
    return cell


def assert_close(found: Tensor, wanted: Tensor, kind: torch.dtype) -> None:
    allowed = CLOSE[kind] * float(wanted.abs().max())
    torch.testing.assert_close(found.double(), wanted, atol=allowed, rtol=0)


def check(
    cell: GRU, kind: torch.dtype, inputs: list[Tensor], lengths: Tensor | None = None, reverse: bool = False
) -> None:
    """What the cell computes, and the gradients of a loss of it, in `kind` against the same in float64."""
    leaves = [one.clone().requires_grad_() for one in inputs]
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
        found = cell(*leaves, lengths=lengths, reverse=reverse)
    assert found[1].dtype == torch.float32  # the state, whatever the products
    exact = GRU(cell.run.input_size, cell.hidden_size).double()
    exact.load_state_dict(cell.state_dict())
    exact_leaves = [one.detach().double().requires_grad_() for one in leaves]
    wanted = exact(*exact_leaves, lengths=lengths, reverse=reverse)
    if lengths is not None:  # outputs at padding are undefined
        real = torch.arange(STEPS) < lengths[:, None]
        found, wanted = ([one[0][real], one[1]] for one in (found, wanted))
    weights = [torch.randn(one.shape, generator=torch.Generator().manual_seed(3)).double() for one in wanted]

    def gradients(outputs: list[Tensor], leaves: list[Tensor], of: GRU) -> tuple[Tensor, ...]:
        loss = sum((one.double() * weight).sum() for one, weight in zip(outputs, weights, strict=True))
        assert isinstance(loss, Tensor)
        return torch.autograd.grad(loss, [*leaves, *of.parameters()])

    for ours, theirs in zip(found, wanted, strict=True):
        assert_close(ours.detach(), theirs.detach(), kind)
    pairs = zip(gradients(found, leaves, cell), gradients(wanted, exact_leaves, exact), strict=True)
    for ours, theirs in pairs:
        assert_close(ours, theirs, kind)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("kind", CLOSE)
@pytest.mark.parametrize("hidden", [1, 16, 37])  # whole vectors, and what is left over
def test_a_target_with_a_first_state_and_a_constant(hidden: int, kind: torch.dtype) -> None:
    inputs = [torch.randn(ROWS, STEPS, INPUTS), torch.randn(ROWS, hidden), torch.randn(ROWS, CONSTANT)]
    check(cell_of(hidden, INPUTS + CONSTANT), kind, inputs)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("kind", CLOSE)
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
@pytest.mark.parametrize("reverse", [False, True])
def test_a_source_in_both_directions(lengths: Tensor, reverse: bool, kind: torch.dtype) -> None:
    check(cell_of(21), kind, [torch.randn(ROWS, STEPS, INPUTS)], lengths, reverse)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("kind", CLOSE)
@pytest.mark.parametrize("lengths", LENGTHS.values(), ids=LENGTHS)
def test_both_directions_at_once_are_those_of_two_calls(lengths: Tensor, kind: torch.dtype) -> None:
    one, other = cell_of(21), cell_of(21)
    for parameter in other.parameters():
        torch.nn.init.normal_(parameter, std=0.4)
    inputs = torch.randn(ROWS, STEPS, INPUTS, requires_grad=True)
    with torch.autocast("cpu", torch.bfloat16, enabled=kind == torch.bfloat16):
        found = run_bidirectional(one, other, inputs, lengths)
        left, right = one(inputs, lengths=lengths), other(inputs, lengths=lengths, reverse=True)
        wanted = tuple(torch.cat(pair, dim=-1) for pair in zip(left, right, strict=True))
    leaves = [inputs, *one.parameters(), *other.parameters()]
    gradients = []
    for outputs, last in (found, wanted):
        loss = outputs.float().cumsum(-1).sin().sum() + last.cumsum(-1).cos().sum()
        gradients.append(torch.autograd.grad(loss, leaves))
    for ours, theirs in zip([*found, *gradients[0]], [*wanted, *gradients[1]], strict=True):
        assert_close(ours.detach(), theirs.detach().double(), kind)


def test_padding_is_never_read() -> None:
    """Neither are its numbers nor do they get a gradient."""
    cell, lengths, inputs = cell_of(8), LENGTHS["in any order"], torch.randn(ROWS, STEPS, INPUTS)
    real = torch.arange(STEPS) < lengths[:, None]
    for reverse in (False, True):
        outputs = []
        for padding in (0.0, 1e6):
            leaf = inputs.masked_fill(~real[:, :, None], padding).requires_grad_()
            found, _ = cell(leaf, lengths=lengths, reverse=reverse)
            assert not found[~real].any()
            outputs.append(found[real])
            (gradient,) = torch.autograd.grad(found[real].sum(), leaf)
            assert not gradient[~real].any()
        assert torch.equal(*outputs)


def test_threads_change_no_number(monkeypatch: pytest.MonkeyPatch) -> None:
    """But for the gradients of biases, which are sums over rows."""
    cell, inputs = cell_of(37), torch.randn(9, STEPS, INPUTS)
    weights, biases = cell.run.all_weights[0][:2], cell.run.all_weights[0][2:]
    found = []
    for threads in (1, 2, 5):
        monkeypatch.setattr(torch, "get_num_threads", lambda threads=threads: threads)
        outputs, last = cell(inputs)
        gradients = torch.autograd.grad(outputs.sum(), weights, retain_graph=True)
        found.append(([outputs, last, *gradients], torch.autograd.grad(outputs.sum(), biases)))
    for exact, rounded in found[1:]:
        assert all(torch.equal(one, same) for one, same in zip(found[0][0], exact, strict=True))
        torch.testing.assert_close(found[0][1], rounded, atol=1e-5, rtol=1e-5)


def test_no_row_is_left_out_where_there_are_fewer_threads_than_asked_for() -> None:
    program = """
import torch
from seq2seq.model.cells import GRU, run_bidirectional
torch.manual_seed(0)
cell, inputs = GRU(3, 8), torch.randn(9, 4, 3)
found = []
for threads in (1, 3):
    torch.get_num_threads = lambda threads=threads: threads
    found.append(cell(inputs)[0])
assert torch.equal(*found)
"""
    limited = {**os.environ, "OMP_THREAD_LIMIT": "1"}
    subprocess.run([sys.executable, "-c", program], env=limited, check=True)


@pytest.mark.usefixtures("level")
@pytest.mark.parametrize("odd", [torch.nan, torch.inf])
def test_what_is_no_number_stays_none(odd: float) -> None:
    """A training that has gone wrong must be seen to have gone wrong."""
    cell = cell_of(5)
    with torch.no_grad():
        cell.run.all_weights[0][0][2] = odd
        assert cell(torch.ones(1, 2, INPUTS))[0].isnan().any() == (odd != odd)


def test_a_processor_without_the_compiled_part_takes_torchs(monkeypatch: pytest.MonkeyPatch) -> None:
    cell, inputs, state = cell_of(6), torch.randn(ROWS, STEPS, INPUTS), torch.randn(ROWS, 6)
    compiled = cell(inputs, state)
    monkeypatch.setattr(gru, "isa_levels", lambda: range(0))
    for one, other in zip(compiled, cell(inputs, state), strict=True):
        torch.testing.assert_close(one, other, atol=1e-6, rtol=1e-5)
