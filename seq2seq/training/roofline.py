"""How near a training comes to what the machine could do at best.

A step is matrix products and all the rest. The limit is the products of a step, each at its own best time, alone, and
without the padding.
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
# The factors of each product among their operands: the others are added.
_FACTORS = {"aten::mm": (0, 1), "aten::bmm": (0, 1), "aten::addmm": (1, 2), "aten::baddbmm": (1, 2)}


@dataclass(frozen=True)
class Factor:
    """One side of a matrix product."""

    shape: tuple[int, ...]
    transposed: bool
    kind: torch.dtype

    @classmethod
    def of(cls, tensor: Tensor, real: Mapping[int, int]) -> "Factor":
        """What matters of a tensor. real: what takes the place of some sizes."""
        shape = tuple(real.get(size, size) for size in tensor.shape)
        return cls(shape, tensor.stride(-1) != 1, tensor.dtype)

    def draw(self) -> Tensor:
        """A random tensor like it."""
        *batch, rows, columns = self.shape
        if self.transposed:
            return torch.randn(*batch, columns, rows).to(self.kind).transpose(-1, -2)
        return torch.randn(self.shape).to(self.kind)


Product = tuple[Factor, Factor]


@dataclass(frozen=True)
class Speed:
    """How fast a training is, and could be."""

    tokens: float
    """Target tokens per second, without padding."""
    step: float
    """Seconds per step."""
    products: float
    """Seconds its matrix products take where nothing else is to be done."""
    operations: float
    """Floating point operations of these products."""

    @property
    def share(self) -> float:
        """Of the limit."""
        return self.products / self.step


def measure(config: Config, data: PreparedData) -> Speed:
    """Take some steps of a new training, then each of their products alone.

    Raises InputError on a GPU, whose recurrences do not show their products, and with several processes.
    """
    with Processes() as processes:
        if processes.device.type != "cpu" or processes.count > 1:
            raise InputError("the limit is measured on a CPU and in one process: set CUDA_VISIBLE_DEVICES to nothing")
        return measure_steps(config.training, build_network(config, data.tokenizers), data.train, processes)


def measure_steps(training: TrainingConfig, network: EncoderDecoder, corpus: Corpus, processes: Processes) -> Speed:
    """That of steps of a new training, which take the same batches again and again so that their times compare."""
    updater = Updater(training, network, corpus, processes)
    updater.objective.train()
    planned = cycle(plan_epoch(corpus, training.batch_tokens, training.seed, epoch=0))
    batches = [list(islice(planned, training.accumulation)) for _ in range(_STEPS)]

    def take_steps() -> int:
        return sum(updater.update(batch, 1, training.learning_rate)[1] for batch in batches)

    take_steps()
    widths = {size for parameter in updater.objective.parameters() for size in parameter.shape}
    products = Products(widths)
    hook = updater.objective.register_forward_pre_hook(lambda _, batch: products.expect(*batch))
    with products:
        tokens = take_steps()
    hook.remove()
    rounds = [seconds(take_steps) for _ in range(_ROUNDS)]
    best = sum(times * seconds_of(product) for product, times in products.seen.items())
    return Speed(
        tokens=_ROUNDS * tokens / sum(rounds),
        step=median(rounds) / _STEPS,
        products=best / _STEPS,
        operations=sum(times * operations(product) for product, times in products.seen.items()) / _STEPS,
    )


class Products(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts the matrix products that are computed under it, by what their factors are like, padding left out."""

    def __init__(self, widths: Set[int] = frozenset()) -> None:
        """widths: sizes that are never a number of positions."""
        super().__init__()  # type: ignore[no-untyped-call]
        self.seen: Counter[Product] = Counter()
        self._widths = widths
        self._real: dict[int, int] = {}

    def expect(self, src: Tensor, src_lengths: Tensor, tgt_in: Tensor, tgt_out: Tensor, *_: object) -> None:
        """A batch. A product over all its positions counts as one over those that are no padding."""
        src_tokens, tgt_tokens = int(src_lengths.sum()), int((tgt_out != PAD).sum())
        sides = (src.numel(), src_tokens), (tgt_out.numel(), tgt_tokens), (padded_rows(tgt_tokens), tgt_tokens)
        fewest_last = sorted(sides, reverse=True)  # so that they count where several are as wide
        self._real = {size: real for size, real in fewest_last if size not in self._widths}

    def __torch_dispatch__(
        self, func: Any, types: Sequence[type], args: Sequence[Any] = (), kwargs: Mapping[str, Any] | None = None
    ) -> Any:
        if factors := _FACTORS.get(func.name()):
            left, right = (Factor.of(args[place], self._real) for place in factors)
            self.seen[left, right] += 1
        return func(*args, **(kwargs or {}))


def seconds_of(product: Product) -> float:
    """The best time of a product."""
    left, right = (factor.draw() for factor in product)
    multiply = torch.mm if left.dim() == 2 else torch.bmm  # @ may copy before it multiplies
    return min(seconds(lambda: multiply(left, right)) for _ in range(_TRIES))


def operations(product: Product) -> float:
    """Multiplications and additions of a product."""
    left, right = product
    return 2.0 * torch.Size(left.shape).numel() * right.shape[-1]


def seconds(work: Callable[[], object]) -> float:
    """Wall time of `work`."""
    started = time.perf_counter()
    work()
    return time.perf_counter() - started
