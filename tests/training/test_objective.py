"""The fused loss against torch's."""

from collections.abc import Callable, Iterable
from pathlib import Path

import numpy as np
import pytest
import torch
import torch.nn.functional as F
from accelerate import Accelerator

from seq2seq.config import Config
from seq2seq.native.training import isa_levels
from seq2seq.tokenizer.tokenizer import PAD
from seq2seq.training import cross_entropy
from seq2seq.training.cross_entropy import CompiledCrossEntropy, PlainCrossEntropy, linear_cross_entropy
from seq2seq.training.loop import Trainer
from seq2seq.training.progress import Progress
from seq2seq.training.roofline import ProductCounter
from seq2seq.training.run import train


@pytest.fixture(params=["torch", *isa_levels()])
def function(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> type[torch.autograd.Function]:
    """The loss in torch, and compiled for each instruction set."""
    if request.param == "torch":
        return PlainCrossEntropy
    monkeypatch.setattr(cross_entropy, "isa_levels", lambda: range(request.param, request.param + 1))
    return CompiledCrossEntropy


@pytest.mark.parametrize("smoothing", [0.0, 0.1])
@pytest.mark.parametrize(("rows", "vocab"), [(1, 3), (70, 50), (2100, 5000)])  # the last is computed in chunks
def test_loss_and_gradients_equal_torchs(
    rows: int, vocab: int, smoothing: float, function: type[torch.autograd.Function]
) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(*shape, requires_grad=True) for shape in ((rows, 8), (vocab, 8), (vocab,))]
    targets = torch.randint(1, vocab, (rows,))
    targets[1::4] = PAD
    features, weight, bias = inputs

    def gradients(loss: torch.Tensor) -> tuple[torch.Tensor, ...]:
        return torch.autograd.grad(3 * loss, inputs)

    ours = function.apply(features, weight, bias, targets, 2 / rows, smoothing)  # type: ignore[no-untyped-call]
    logits = F.linear(features, weight, bias)
    theirs = 2 / rows * F.cross_entropy(logits, targets, ignore_index=PAD, label_smoothing=smoothing, reduction="sum")
    torch.testing.assert_close(ours, theirs)
    for our_grad, their_grad in zip(gradients(ours), gradients(theirs), strict=True):
        torch.testing.assert_close(our_grad, their_grad, atol=1e-6, rtol=1e-4)


@pytest.mark.parametrize("rows", [0, 3])
def test_padding_alone_costs_nothing(rows: int, function: type[torch.autograd.Function]) -> None:
    inputs = [torch.randn(*shape, requires_grad=True) for shape in ((rows, 8), (5, 8), (5,))]
    loss = function.apply(*inputs, torch.full((rows,), PAD), 1.0, 0.1)  # type: ignore[no-untyped-call]
    assert loss.item() == 0
    assert not any(gradient.any() for gradient in torch.autograd.grad(loss, inputs))


def test_loss_is_float32_under_autocast(function: type[torch.autograd.Function]) -> None:
    """bf16 has three digits, too few for perplexities. The errors of single tokens even out in the mean."""
    torch.manual_seed(0)
    features, weight, bias = torch.randn(7000, 8).bfloat16(), torch.randn(50, 8), torch.randn(50)
    targets = torch.randint(1, 50, (7000,))
    with torch.autocast("cpu", torch.bfloat16):
        loss = function.apply(features, weight, bias, targets, 1 / 7000, 0.0)  # type: ignore[no-untyped-call]
    exact = F.cross_entropy(F.linear(features.double(), weight.bfloat16().double(), bias.double()), targets)
    assert loss.dtype == torch.float32
    torch.testing.assert_close(loss, exact.float(), atol=5e-4, rtol=0)


def test_gradients_in_bf16_are_near_the_exact_ones(function: type[torch.autograd.Function]) -> None:
    torch.manual_seed(0)
    inputs = [torch.randn(300, 8).bfloat16(), torch.randn(50, 8), torch.randn(50)]
    targets = torch.randint(0, 50, (300,))
    leaves = [tensor.clone().requires_grad_() for tensor in inputs]
    with torch.autocast("cpu", torch.bfloat16):
        loss = function.apply(*leaves, targets, 1 / 300, 0.1)  # type: ignore[no-untyped-call]
    exact = [tensor.double().requires_grad_() for tensor in (inputs[0], inputs[1].bfloat16(), inputs[2])]
    expected = F.cross_entropy(F.linear(*exact), targets, ignore_index=PAD, label_smoothing=0.1, reduction="sum") / 300
    pairs = zip(torch.autograd.grad(loss, leaves), torch.autograd.grad(expected, exact), strict=True)
    for ours, theirs in pairs:
        torch.testing.assert_close(ours.double(), theirs, atol=0.02 * float(theirs.abs().max()), rtol=0)


def test_without_gradients_only_the_logits_are_computed() -> None:
    features, weight, bias = (torch.randn(*shape, requires_grad=True) for shape in ((9, 8), (50, 8), (50,)))
    with torch.no_grad(), ProductCounter() as products:
        linear_cross_entropy(features, weight, bias, torch.ones(9, dtype=torch.long), 1.0, 0.1)
    assert sum(products.counts.values()) == 1


def test_accumulated_gradients_equal_those_of_one_batch(
    tiny: Callable[..., Config], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Two batches of different sizes make the same update as one batch that holds the pairs of both."""
    batches = [np.arange(0, 5), np.arange(5, 25)]
    gradients = []
    for number, (accumulation, planned) in enumerate(((2, batches), (1, [np.concatenate(batches)]))):
        config = tiny(training__accumulation=accumulation, training__max_steps=1, model__dropout=0.0)
        monkeypatch.setattr(Trainer, "_planned_batches", lambda _, planned=planned: iter(planned))
        clipped: list[torch.Tensor] = []

        def clip(
            self: Accelerator, parameters: Iterable[torch.nn.Parameter], _: float, clipped: list[torch.Tensor] = clipped
        ) -> None:
            clipped += [parameter.grad.clone() for parameter in parameters if parameter.grad is not None]

        monkeypatch.setattr(Accelerator, "clip_grad_norm_", clip)
        train(config, tmp_path / str(number), resume=False, overwrite=False, progress=Progress(quiet=True))
        gradients.append(clipped)
    assert len(gradients[0]) > 10
    for ours, theirs in zip(*gradients, strict=True):
        torch.testing.assert_close(ours, theirs, atol=1e-7, rtol=1e-5)
