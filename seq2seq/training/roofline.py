"""How close training comes to the limit of the machine.

The limit is the time of a step's matrix products alone, each at its best and without padding.
"""

import time
from collections import Counter
from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass
from itertools import cycle, islice
from statistics import median
from typing import Any

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from seq2seq.config import Config, TrainingConfig
from seq2seq.data.batching import plan_epoch
from seq2seq.data.corpus import Corpus
from seq2seq.data.preparation import PreparedData
from seq2seq.distributed import Processes
from seq2seq.errors import InputError
from seq2seq.model.network import EncoderDecoder
from seq2seq.runs.trained_model import build_network
from seq2seq.tokenizer.tokenizer import PAD
from seq2seq.training.cross_entropy import padded_rows
from seq2seq.training.update import Updater

_STEPS, _ROUNDS = 12, 5
_TRIES = 7
# Indices of the factors among the operands of each product.
_FACTORS = {"aten::mm": (0, 1), "aten::bmm": (0, 1), "aten::addmm": (1, 2), "aten::baddbmm": (1, 2)}


@dataclass(frozen=True)
class Factor:
    """An operand of a matrix product."""

    shape: tuple[int, ...]
    transposed: bool
    dtype: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor, real: Mapping[int, int]) -> "Factor":
        """The factor that `tensor` is. real: replaces padded sizes."""
        shape = tuple(real.get(size, size) for size in tensor.shape)
        return cls(shape, tensor.stride(-1) != 1, tensor.dtype)

    def draw(self) -> Tensor:
        """A random tensor of this shape, layout and type."""
        *batch, rows, columns = self.shape
        if self.transposed:
            return torch.randn(*batch, columns, rows).to(self.dtype).transpose(-1, -2)
        return torch.randn(self.shape).to(self.dtype)


Product = tuple[Factor, Factor]


@dataclass(frozen=True)
class Speed:
    """How fast training is, and could be."""

    tokens: float
    """Target tokens per second, without padding."""
    step: float
    """Seconds per step."""
    products: float
    """Seconds of its matrix products alone."""
    operations: float
    """Floating-point operations of these products."""

    @property
    def share(self) -> float:
        """Fraction of the limit."""
        return self.products / self.step


def measure(config: Config, data: PreparedData) -> Speed:
    """Time some steps of a new training, then each of their products alone.

    Raises InputError on a GPU, whose fused recurrences hide their products, and with several processes.
    """
    with Processes() as processes:
        if processes.device.type != "cpu":
            raise InputError("bench works on CPUs only: hide the GPU with CUDA_VISIBLE_DEVICES=''")
        if processes.count > 1:
            raise InputError("bench runs in one process only: start it without a launcher")
        return measure_steps(config.training, build_network(config, data.tokenizers), data.train, processes)


def measure_steps(training: TrainingConfig, network: EncoderDecoder, corpus: Corpus, processes: Processes) -> Speed:
    """Time steps of a new training, on the same batches again and again so that the times are comparable."""
    updater = Updater(training, network, corpus, processes)
    updater.objective.train()
    planned = cycle(plan_epoch(corpus, training.batch_tokens, training.seed, epoch=0))
    batches = [list(islice(planned, training.accumulation)) for _ in range(_STEPS)]

    def take_steps() -> int:
        return sum(updater.update(batch, 1, training.learning_rate)[1] for batch in batches)

    take_steps()
    widths = {size for parameter in updater.objective.parameters() for size in parameter.shape}
    products = ProductCounter(widths)
    hook = updater.objective.register_forward_pre_hook(lambda _, batch: products.expect(*batch))
    with products:
        tokens = take_steps()
    hook.remove()
    rounds = [seconds(take_steps) for _ in range(_ROUNDS)]
    best = sum(times * best_seconds(product) for product, times in products.counts.items())
    return Speed(
        tokens=_ROUNDS * tokens / sum(rounds),
        step=median(rounds) / _STEPS,
        products=best / _STEPS,
        operations=sum(times * operations(product) for product, times in products.counts.items()) / _STEPS,
    )


class ProductCounter(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the matrix products computed within its context by their factors, excluding padding."""

    def __init__(self, widths: Set[int] = frozenset()) -> None:
        """widths: sizes that are never a number of positions."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.counts: Counter[Product] = Counter()
        self._widths = widths
        self._real: dict[int, int] = {}

    def expect(self, src: Tensor, src_lengths: Tensor, tgt_in: Tensor, tgt_out: Tensor, *_: object) -> None:
        """Announce a batch: a product over all its positions counts as one over those that are not padding."""
        src_tokens, tgt_tokens = int(src_lengths.sum()), int((tgt_out != PAD).sum())
        sides = (src.numel(), src_tokens), (tgt_out.numel(), tgt_tokens), (padded_rows(tgt_tokens), tgt_tokens)
        fewest_last = sorted(sides, reverse=True)  # of equal widths the last one counts
        self._real = {size: real for size, real in fewest_last if size not in self._widths}

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if factors := _FACTORS.get(func.name().partition(".")[0]):
            left, right = (Factor.of(args[index], self._real) for index in factors)
            self.counts[left, right] += 1
        return func(*args, **(kwargs or {}))


def best_seconds(product: Product) -> float:
    """The best time of a product, in seconds."""
    left, right = (factor.draw() for factor in product)
    multiply = torch.mm if left.dim() == 2 else torch.bmm  # @ may copy before it multiplies
    return min(seconds(lambda: multiply(left, right)) for _ in range(_TRIES))


def operations(product: Product) -> float:
    """Multiplications and additions of a product."""
    left, right = product
    return 2.0 * torch.Size(left.shape).numel() * right.shape[-1]


def seconds(work: Callable[[], object]) -> float:
    """Wall-clock time of `work`, in seconds."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
