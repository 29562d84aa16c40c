"""How many cores this process may use, and how its threads wait for each other while other programs compete for them.

OpenMP threads that reach a barrier spin for a few milliseconds before they sleep: the fastest way to wait on an idle
machine. As soon as another program runs, one of them is descheduled while the others spin on the cores that it could
use, and training loses most of its speed. So the time that threads wait for a core is monitored, and under contention
they sleep almost at once. Their results do not change.
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

_POLL_SECONDS = 0.25
# Seconds per second that all threads together wait for a core: 0.01 to 0.05 on an idle machine, 0.6 and more next to
# one busy program. Sleeping early costs a fifth of the speed on an idle machine.
_CONTENDED, _UNCONTENDED = 0.3, 0.1
# Polls in a row without contention after which threads spin again.
_CALM_POLLS = 4
# After this many polls they spin again in any case: a low-priority program takes cores only from threads that sleep. If
# contention returns within a few polls, the next trial comes later.
_MIN_PATIENCE, _MAX_PATIENCE, _TRIAL_POLLS = 40, 240, 4

_PROC, _CGROUPS = Path("/proc/self"), Path("/sys/fs/cgroup")


def usable_cores() -> int:
    """Cores that this process may use: its CPU affinity, limited by the quota of its cgroup."""
    return max(1, min(_affine_cores(), round(_cpu_quota())))


def worker_count() -> int:
    """Number of threads for independent work: OMP_NUM_THREADS, else one per usable core."""
    setting = os.environ.get("OMP_NUM_THREADS", "").split(",")[0]
    return int(setting) if setting.isdecimal() and int(setting) else usable_cores()


def configure_libraries() -> None:
    """Set the environment variables that numerical libraries read when loaded or first used, unless already set."""
    # The libraries respect the affinity but not the quota.
    if usable_cores() < _affine_cores():
        os.environ.setdefault("OMP_NUM_THREADS", str(usable_cores()))
    # numpy computes little here, and each thread of its BLAS takes memory.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    # oneDNN compiles each new GEMM shape and caches it, about 0.2 MB each: with a smaller cache steps wait for
    # compilation, with a larger one memory grows for as long as new shapes occur.
    os.environ.setdefault("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "2048")
    # Huge pages for torch: each step allocates its tensors anew, which takes time with small pages.
    os.environ.setdefault("THP_MEM_ALLOC_ENABLE", "1")


def _affine_cores() -> int:
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


@cache
def _cpu_quota() -> float:
    """Cores' worth of time that the cgroups of this process allow; _affine_cores() without a limit."""
    quotas = [float(_affine_cores())]
    with suppress(OSError):
        for line in (_PROC / "cgroup").read_text().splitlines():
            _, controllers, path = line.split(":", 2)
            if not controllers or "cpu" in controllers.split(","):
                mount = _CGROUPS / "cpu" if controllers else _CGROUPS
                group = mount / path.lstrip("/")
                # In a container the path may be the host's: then only the mount itself exists.
                quotas += [_quota_of(folder) for folder in (group, *group.parents) if folder.is_relative_to(mount)]
    return min(quotas)


def _quota_of(cgroup: Path) -> float:
    with suppress(OSError, ValueError):
        if (cgroup / "cpu.max").exists():
            quota, period = (cgroup / "cpu.max").read_text().split()
        else:
            quota, period = ((cgroup / f"cpu.cfs_{name}_us").read_text() for name in ("quota", "period"))
        if int(quota) > 0:  # "max" or -1 if there is no limit
            return int(quota) / int(period)
    return float("inf")


@contextmanager
def sleeping_under_contention() -> Iterator[None]:
    """While other programs compete for the cores, let OpenMP threads that wait for each other sleep instead of spin.

    A thread polls `/proc` four times per second. Without it (not Linux), nothing changes.
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
    polls, calm_polls, patience = _TRIAL_POLLS, 0, _MIN_PATIENCE  # polls since the last change
    while not stop.wait(_POLL_SECONDS):
        share, polls = waited.share(), polls + 1
        calm_polls = calm_polls + 1 if share < _UNCONTENDED else 0
        if oversubscription is None and share > _CONTENDED and _threads_may_spin():
            patience = min(2 * patience, _MAX_PATIENCE) if polls <= _TRIAL_POLLS else _MIN_PATIENCE
            oversubscription, polls = _Oversubscription(), 0
        elif oversubscription and (calm_polls >= _CALM_POLLS or polls >= patience):
            oversubscription.end()
            oversubscription, polls = None, 0
    if oversubscription:
        oversubscription.end()


def _threads_may_spin() -> bool:
    return _torch_threads() > 1 and hasattr(ctypes.CDLL(None), "GOMP_parallel")


def _torch_threads() -> int:
    """Number of threads that torch computes with; 1 if it is not loaded."""
    count = getattr(sys.modules.get("torch"), "get_num_threads", None)
    return int(count()) if count else 1


class _WaitingTime:
    """The time that threads of this process were ready to run but waited for a core."""

    def __init__(self) -> None:
        self._seconds, self._polled_at = _seconds_waited(), time.monotonic()

    def share(self) -> float:
        """Seconds waited per second since the last call; 1 is one thread that waited all the time."""
        old, seconds, before, now = self._seconds, _seconds_waited(), self._polled_at, time.monotonic()
        self._seconds, self._polled_at = seconds, now
        return sum(seconds[thread] - old.get(thread, 0.0) for thread in seconds) / (now - before)


def _seconds_waited() -> dict[str, float]:
    """Seconds waited by each thread since its start."""
    seconds = {}
    with suppress(OSError):  # /proc may be gone, as in a container that is being taken down
        for thread in (_PROC / "task").iterdir():
            with suppress(OSError):  # it has ended meanwhile
                nanoseconds = (thread / "schedstat").read_text().split()[1]
                seconds[thread.name] = int(nanoseconds) / 1e9
    return seconds


class _Oversubscription:
    """Sleeping OpenMP threads, so many that there are more threads than cores.

    The only switch of the runtimes that works after loading. GNU's spins a few hundred times instead of 300,000
    while there are more threads than cores (manual, GOMP_SPINCOUNT); LLVM's lets spinning threads yield.
    """

    def __init__(self) -> None:
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._hold_team, name="seq2seq-oversubscription", daemon=True)
        self._thread.start()

    def end(self) -> None:
        """End these threads, so that the others spin again."""
        self._stop.set()
        self._thread.join()

    def _hold_team(self) -> None:
        program = ctypes.CDLL(None)
        do_nothing = ctypes.cast(program.free, ctypes.c_void_p)  # free(NULL)
        # The computing threads count too, so a team of two is usually enough.
        program.GOMP_parallel(do_nothing, None, program.omp_get_num_procs() - _torch_threads() + 2, 0)
        self._stop.wait()
