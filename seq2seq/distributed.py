"""The processes that torchrun or `accelerate launch` started together.

Without a launcher there is a single process: nothing here communicates, waits or copies. `Processes` imports torch;
`SingleProcess` does not need it.
"""

import gc
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

# Set by torchrun, which `accelerate launch` uses too, for each process that it starts.
_RANKS, _PORT, _ADDRESS = ("RANK", "WORLD_SIZE", "LOCAL_RANK"), "MASTER_PORT", "MASTER_ADDR"
# Also read by accelerate: its own settings, which are not used here, and the world sizes that MPI sets.
_OF_ACCELERATE = re.compile(r"(ACCELERATE|FSDP)_.*|FORK_LAUNCHED")
_OF_MPI = ("PMI_SIZE", "OMPI_COMM_WORLD_SIZE", "MV2_COMM_WORLD_SIZE")
_WITHOUT_EFFECT = {"", "0", "1", "no", "none", "false", "default"}

# How long the others wait for the main process to prepare the data. Its death is noticed at once, by the launcher.
_PATIENCE = timedelta(hours=24)

Value = TypeVar("Value")


def is_launched() -> bool:
    """Whether a launcher started this process: its variables are complete and consistent."""
    numbers = [os.environ.get(name, "") for name in (*_RANKS, _PORT)]
    if not (all(number.isascii() and number.isdecimal() for number in numbers) and os.environ.get(_ADDRESS)):
        return False
    rank, world_size, local_rank, _ = map(int, numbers)
    return local_rank <= rank < world_size


def is_main_process() -> bool:
    """Whether this is the first of the processes that a launcher started, or the only one."""
    return not is_launched() or int(os.environ["RANK"]) == 0


def drop_stray_variables() -> str:
    """Remove launcher variables from the environment that are not of this process's launcher, as libraries obey them.

    Returns a warning; empty if nothing removed would have had an effect.
    """
    of_accelerate = [name for name in os.environ if _OF_ACCELERATE.fullmatch(name)]
    incomplete = [name for name in _RANKS if name in os.environ and not is_launched()]
    of_mpi = [name for name in _OF_MPI if name in os.environ]
    messages = []
    for names, reason in (
        (of_accelerate, "accelerate's settings do not apply"),
        (of_mpi, "launches by MPI are not supported"),
        (incomplete, "RANK, WORLD_SIZE and the other variables of torchrun are missing or inconsistent"),
    ):
        values = {name: os.environ.pop(name) for name in names}
        effective = sorted(name for name, value in values.items() if value.lower() not in _WITHOUT_EFFECT)
        if effective:
            messages.append(f"ignoring {', '.join(effective)}: {reason}")
    return "; ".join(messages)


class Processes:
    """This process and those it was started with. Rank 0 is the main process: it alone prints and writes.

    Leave the context before the program ends: otherwise the communication library would abort it.
    """

    def __init__(self) -> None:
        drop_stray_variables()
        import torch

        # Its functions keep the process group that exists at the import as a default argument. Imported later, as by an
        # optimizer, they would keep it alive after it is destroyed, and its threads can abort the exiting interpreter.
        if torch.distributed.is_available():
            import torch.distributed.nn.functional
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
        gc.collect()  # a distributed module keeps the process group, and its threads, alive
        self._state.destroy_process_group()

    @property
    def is_main(self) -> bool:
        """Whether this process prints and writes."""
        return self.rank == 0

    def shard(self, items: "np.ndarray") -> "np.ndarray":
        """This process's shard of `items`: every `count`-th, empty if there are too few."""
        return items[self.rank :: self.count]

    def contiguous_shard(self, items: list[Value]) -> list[Value]:
        """This process's contiguous shard of `items`; `gather` puts the shards together again in order."""
        size = -(-len(items) // self.count)
        return items[self.rank * size : (self.rank + 1) * size]

    def all_reduce_max(self, value: int) -> int:
        """The maximum over all processes."""
        if self.count == 1:
            return value
        import torch
        from accelerate.utils import reduce

        return int(reduce(torch.tensor(value, device=self.device), "max"))

    def mean(self, value: "torch.Tensor") -> "torch.Tensor":
        """The mean over all processes."""
        from accelerate.utils import reduce

        mean: torch.Tensor = reduce(value, "mean")
        return mean

    def gather(self, items: list[Value]) -> list[Value]:
        """The items of all processes, in the order of their ranks."""
        from accelerate.utils import gather_object

        gathered: list[Value] = gather_object(items)
        return gathered

    def on_main(self, work: Callable[[], Value]) -> Value:
        """Run `work` in the main process and return its result in every process.

        If it raises InputError or OSError, the other processes exit silently.
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
    """A process that runs alone, with the interface of `Processes`."""

    count = 1
    is_main = True

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def contiguous_shard(self, items: list[Value]) -> list[Value]:
        """All items."""
        return items

    def gather(self, items: list[Value]) -> list[Value]:
        """The items as they are."""
        return items


def started_processes() -> Processes | SingleProcess:
    """The processes that a launcher started, or this one alone."""
    return Processes() if is_launched() else SingleProcess()
