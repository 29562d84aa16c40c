"""The roofline: which matrix products are counted, and that a benchmark leaves the run unchanged."""

import json
from pathlib import Path

import pytest
import torch
from torch import nn
from typer.testing import CliRunner

from seq2seq.cli import app
from seq2seq.tokenizer.tokenizer import PAD
from seq2seq.training.roofline import ProductCounter, operations

CLI = CliRunner()


def test_products_of_forward_and_backward_are_counted() -> None:
    batch, inner, width = 5, 3, 7
    layer = nn.Linear(inner, width)
    inputs = torch.randn(batch, inner, requires_grad=True)
    with ProductCounter() as products:
        layer(inputs).sum().backward()
    # y = x W, and the gradients of both factors: three products of as many operations.
    assert sum(products.counts.values()) == 3
    assert (
        sum(times * operations(product) for product, times in products.counts.items()) == 3 * 2 * batch * inner * width
    )


def test_products_of_a_recurrence_are_counted() -> None:
    batch, time, inner, hidden = 2, 6, 3, 4
    with ProductCounter() as products:
        nn.GRU(inner, hidden, batch_first=True)(torch.randn(batch, time, inner))
    counted = sum(times * operations(product) for product, times in products.counts.items())
    assert counted == 2 * batch * time * 3 * hidden * (inner + hidden)


def test_padding_is_not_counted() -> None:
    src, tgt = torch.full((2, 6), PAD), torch.tensor([[5, 6, 7, 2], [5, 2, PAD, PAD]])
    products = ProductCounter()
    products.expect(src, torch.tensor([6, 3]), tgt, tgt, 1.0)
    with products:
        torch.randn(12, 3) @ torch.randn(3, 5)  # all positions of the sources, of which 9 are real
        torch.randn(5, 8) @ torch.randn(8, 7)  # and of the targets, of which 6 are
        torch.randn(4, 3) @ torch.randn(3, 5)
    assert sum(operations(product) for product in products.counts) == 2 * (9 * 3 * 5 + 5 * 6 * 7 + 4 * 3 * 5)


@pytest.mark.parametrize("transposed", [False, True])
def test_a_random_factor_keeps_shape_strides_and_dtype(transposed: bool) -> None:
    right = torch.randn(4, 3, dtype=torch.bfloat16).t() if transposed else torch.randn(3, 4, dtype=torch.bfloat16)
    with ProductCounter() as products:
        torch.randn(2, 3, dtype=torch.bfloat16) @ right
    ((_, factor),) = products.counts
    drawn = factor.draw()
    assert (drawn.shape, drawn.stride(), drawn.dtype) == (right.shape, right.stride(), right.dtype)


def test_bench_reports_speed_and_leaves_the_run_unchanged(trained: Path) -> None:
    def content() -> dict[Path, bytes]:
        return {path: path.read_bytes() for path in trained.rglob("*") if path.is_file()}

    before = content()
    result = CLI.invoke(app, ["bench", str(trained), "--json"])
    assert result.exit_code == 0, result.output
    report = json.loads(result.stdout)
    assert report["share"] == pytest.approx(report["products"] / report["step"])
    assert 0 < report["share"] < 1
    assert content() == before


def test_bench_needs_a_run(tmp_path: Path) -> None:
    result = CLI.invoke(app, ["bench", str(tmp_path)])
    assert result.exit_code == 2
    assert "not a run folder" in result.stderr
