"""The processes that work together, as torchrun or `accelerate launch` started them.

A program that was started plainly is alone: then nothing here communicates, waits or copies. torch is loaded when
`Processes` are first made: a `SingleProcess` does without it.
"""

import os
import re
import sys
from collections.abc import Callable
from datetime import timedelta
from typing import TYPE_CHECKING, Any, Self, TypeVar, cast

from seq2seq.errors import InputError

if TYPE_CHECKING:
    import numpy as np
    import torch

# What torchrun, and `accelerate launch` by it, tell each process that they start.
_RANKS, _PORT, _ADDRESS = ("RANK", "WORLD_SIZE", "LOCAL_RANK"), "MASTER_PORT", "MASTER_ADDR"
# What accelerate would read besides: its own settings, where ours are used instead, and the sizes that MPI tells.
_OF_ACCELERATE = re.compile(r"(ACCELERATE|FSDP)_.*|FORK_LAUNCHED")
_OF_MPI = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_WITHOUT_EFFECT = {"", "0", "1", "no", "none", "false", "default"}

# Others wait so long for the main process to prepare the data. One that has died is noticed at once, by its launcher.
_PATIENCE = timedelta(hours=24)

Value = TypeVar("Value")


def is_launched() -> bool:
    """Whether a launcher has started this process: all that it tells is there and makes sense."""
    numbers = [os.environ.get(name, "") for name in (*_RANKS, _PORT)]
    if not (all(number.isascii() and number.isdecimal() for number in numbers) and os.environ.get(_ADDRESS)):
        return False
    rank, world_size, local_rank, _ = map(int, numbers)
    return local_rank <= rank < world_size


def drop_stray_variables() -> str:
    """Take out of the environment what no launcher has set for this process, so that no library follows it.

    Returns what to tell the user; empty where nothing was dropped that would have changed anything.
    """
    of_accelerate = [name for name in os.environ if _OF_ACCELERATE.fullmatch(name)]
    incomplete = [name for name in (*(() if is_launched() else _RANKS), *_OF_MPI) if name in os.environ]
    messages = []
    for names, reason in (
        (of_accelerate, "accelerate's settings are not used here"),
        (incomplete, "ignored, without the rest that torchrun sets"),
    ):
        values = {name: os.environ.pop(name) for name in names}
        effective = sorted(name for name, value in values.items() if value.lower() not in _WITHOUT_EFFECT)
        if effective:
            messages.append(f"{reason}: {', '.join(effective)}")
    return "; ".join(messages)


class Processes:
    """This process among those it was started with. The one of rank 0 is the main one: it alone prints and writes.

    Leave its context before the program ends: a library that still listens to the others would abort it.
    """

    def __init__(self) -> None:
        drop_stray_variables()
        import torch
        from accelerate import PartialState

        self._state = PartialState(cpu=not torch.cuda.is_available(), timeout=_PATIENCE)
        self.device: torch.device = self._state.device
        self.count: int = self._state.num_processes
        self.rank: int = self._state.process_index

    def __enter__(self) -> Self:
        return self

    def __exit__(self, error: type[BaseException] | None, *_: object) -> None:
        if error is None:  # else the others may never come
            self._state.wait_for_everyone()
        self._state.destroy_process_group()

    @property
    def is_main(self) -> bool:
        """Whether this process prints and writes."""
        return self.rank == 0

    def shard(self, items: "np.ndarray") -> "np.ndarray":
        """This process's shard of `items`: every `count`-th, none where there are too few."""
        return items[self.rank :: self.count]

    def contiguous_shard(self, items: list[Value]) -> list[Value]:
        """This process's part of `items`, so that `gather` puts the parts together again in order."""
        most = -(-len(items) // self.count)
        return items[self.rank * most : (self.rank + 1) * most]

    def all_reduce_max(self, value: int) -> int:
        """The highest of all processes' values."""
        if self.count == 1:
            return value
        import torch
        from accelerate.utils import reduce

        return int(reduce(torch.tensor(value, device=self.device), "max"))

    def mean(self, value: "torch.Tensor") -> "torch.Tensor":
        """The mean of all processes' values."""
        from accelerate.utils import reduce

        mean: torch.Tensor = reduce(value, "mean")
        return mean

    def gather(self, items: list[Value]) -> list[Value]:
        """The items of all processes, in the order of their ranks."""
        from accelerate.utils import gather_object

        gathered: list[Value] = gather_object(items)
        return gathered

    def on_main(self, work: Callable[[], Value]) -> Value:
        """What `work` returns in the main process, in every process.

        Where it raises InputError or OSError there, the others end without a word.
        """
        from accelerate.utils import broadcast_object_list

        outcome: list[Any] = [(None, False)]
        if self.is_main:
            try:
                outcome = [(work(), True)]
            except (InputError, OSError):
                broadcast_object_list(outcome)
                raise
        broadcast_object_list(outcome)
        value, done = outcome[0]
        if not done:
            sys.exit(2)
        return cast(Value, value)


class SingleProcess:
    """A process that shares its work with no other, in the form of `Processes`."""

    count = 1
    is_main = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def contiguous_shard(self, items: list[Value]) -> list[Value]:
        """All of them."""
        return items

    def gather(self, items: list[Value]) -> list[Value]:
        """Its own."""
        return items


def started_processes() -> Processes | SingleProcess:
    """The processes that a launcher started, or this one alone."""
    return Processes() if is_launched() else SingleProcess()
