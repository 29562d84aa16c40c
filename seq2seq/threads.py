"""How many cores this process may use, and how its threads wait for each other while other programs want cores too.

OpenMP threads that reach a barrier first spin for a few milliseconds before they sleep: the fastest way to wait on an
idle machine. As soon as another program runs, one of them is descheduled while the others spin on the cores that it
could have, and a training loses most of its speed. So the time that threads spend waiting for a core is watched, and
while there is more than a little of it they sleep almost at once. What they compute does not change.
"""

import ctypes
import os
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from pathlib import Path

_SECONDS_BETWEEN_LOOKS = 0.25
# Seconds per second that all threads together wait for a core: 0.01 to 0.05 on an idle machine, 0.6 and more beside
# one busy program. Sleeping early costs a fifth of the speed of an idle machine.
_CONTENDED, _UNCONTENDED = 0.3, 0.1
# Looks in a row without contention after which threads spin again.
_CALM_LOOKS = 4
# After so many looks they try it anyway: a program at a low priority takes cores only from threads that sleep. If that
# finds contention within a few looks, the next trial comes later.
_LEAST_PATIENCE, _MOST_PATIENCE, _LOOKS_OF_A_TRIAL = 40, 240, 4

_PROC, _CGROUPS = Path("/proc/self"), Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Cores that this process may use: those of its affinity, but no more than its cgroup has a quota for."""
    return max(1, min(_affine_cores(), round(_cpu_quota())))


def worker_count() -> int:
    """Threads for work that needs no waiting for each other: OMP_NUM_THREADS, else one per usable core."""
    asked = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(asked) if asked.isdecimal() and int(asked) else usable_cores()


def configure_libraries() -> None:
    """Set the environment variables that numerical libraries read when they are loaded or first used, unless set."""
    # They look at the affinity alone, not at the quota.
    if usable_cores() < _affine_cores():
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
    # numpy has little to compute here, and each thread of its library takes memory.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # oneDNN compiles each new shape of a matrix product and keeps it, about 0.2 MB each: with fewer of them a step
    # waits for new ones, with more memory grows for as long as new shapes turn up.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "2048")
    # torch's memory in large pages: each step makes its tensors anew, and with small pages each of these costs time.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def _affine_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _cpu_quota() -> float:
    """Cores' worth of time that the cgroups of this process allow it; _affine_cores() where there is no limit."""
    quotas = [float(_affine_cores())]
    with suppress(OSError):
        for line in (_PROC / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers or "cpu" in controllers.split(","):
                mount = _CGROUPS / "cpu" if controllers else _CGROUPS
                group = mount / path.lstrip("/")
                # In a container the path may be the host's: then only the mount itself is there.
                quotas += [_quota_of(folder) for folder in (group, *group.parents) if folder.is_relative_to(mount)]
    return min(quotas)


def _quota_of(cgroup: Path) -> float:
    with suppress(OSError, ValueError):
        if (cgroup / "cpu.max").exists():
            quota, period = (cgroup / "cpu.max").read_text().split()
        else:
            quota, period = ((cgroup / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        if int(quota) > 0:  # "max" or -1 where there is no limit
            return int(quota) / int(period)
    return float("inf")


@contextmanager
def sleeping_under_contention() -> Iterator[None]:
    """While other programs want the cores, let OpenMP threads that wait for each other sleep instead of spin.

    A thread looks at `/proc` four times per second. Where there is none (not Linux), nothing changes.
    """
    if not (_PROC / "schedstat").exists():
        yield
        return
    stop = threading.Event()
    watcher = threading.Thread(target=_watch, args=(stop,), name="seq2seq-contention", daemon=True)
    watcher.start()
    try:
        yield
    finally:
        stop.set()
        watcher.join()


def _watch(stop: threading.Event) -> None:
    waited = _WaitingTime()
    oversubscription: _Oversubscription | None = None
    looks, calm_looks, patience = _LOOKS_OF_A_TRIAL, 0, _LEAST_PATIENCE  # looks since the last change
    while not stop.wait(_SECONDS_BETWEEN_LOOKS):
        share, looks = waited.share(), looks + 1
        calm_looks = calm_looks + 1 if share < _UNCONTENDED else 0
        if oversubscription is None and share > _CONTENDED and _threads_may_spin():
            patience = min(2 * patience, _MOST_PATIENCE) if looks <= _LOOKS_OF_A_TRIAL else _LEAST_PATIENCE
            oversubscription, looks = _Oversubscription(), 0
        elif oversubscription and (calm_looks >= _CALM_LOOKS or looks >= patience):
            oversubscription.end()
            oversubscription, looks = None, 0
    if oversubscription:
        oversubscription.end()


def _threads_may_spin() -> bool:
    return _torch_threads() > 1 and hasattr(ctypes.CDLL(None), "GOMP_parallel")


def _torch_threads() -> int:
    """How many threads compute for torch; 1 where it is not loaded."""
    count = getattr(sys.modules.get("torch"), "get_num_threads", None)
    return int(count()) if count else 1


class _WaitingTime:
    """Of all threads of this process: the time that they were ready to run while other threads had the cores."""

    def __init__(self) -> None:
        self._seconds, self._looked = _seconds_waited(), time.monotonic()

    def share(self) -> float:
        """Since the last call; 1 is one thread that waited all the time."""
        old, seconds, before, now = self._seconds, _seconds_waited(), self._looked, time.monotonic()
        self._seconds, self._looked = seconds, now
        return sum(seconds[thread] - old.get(thread, 0.0) for thread in seconds) / (now - before)


def _seconds_waited() -> dict[str, float]:
    """By thread, since its start."""
    seconds = {}
    with suppress(OSError):  # /proc may be gone, as in a container that is being taken down
        for thread in (_PROC / "task").iterdir():
            with suppress(OSError):  # it has ended meanwhile
                nanoseconds = (thread / "schedstat").read_text().split()[1]
                seconds[thread.name] = int(nanoseconds) / 1e9
    return seconds


class _Oversubscription:
    """More OpenMP threads than cores, asleep as long as this lasts.

    The one switch of the runtimes that works after they were loaded. GNU's spins a few hundred times instead of 300,000
    while there are more threads than cores (its manual, GOMP_SPINCOUNT); LLVM's lets spinning threads yield.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._hold_team, name="seq2seq-oversubscription", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """Let the threads end, and others spin again."""
        self._stop.set()
        self._thread.join()

    def _hold_team(self) -> None:
        program = ctypes.CDLL(None)
        do_nothing = ctypes.cast(program.free, ctypes.c_void_p)  # free(NULL)
        # Those that compute count too, so that mostly a team of two is enough.
        program.GOMP_parallel(do_nothing, None, program.omp_get_num_procs() - _torch_threads() + 2, 0)
        self._stop.wait()
