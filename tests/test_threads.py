"""Usable cores under cgroup quotas, and how threads wait on a busy machine."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seq2seq import threads
from seq2seq.threads import configure_libraries, sleeping_under_contention, usable_cores

LINUX = pytest.mark.skipif(not Path("/proc/self/schedstat").exists(), reason="needs Linux scheduling statistics")


@pytest.fixture
def eight_cores(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """The root of a file system without cgroups, on a machine with eight cores."""
    monkeypatch.setattr(threads, "_affine_cores", lambda: 8)
    monkeypatch.setattr(threads, "_PROC", tmp_path / "proc")
    monkeypatch.setattr(threads, "_CGROUPS", tmp_path / "sys")
    threads._cpu_quota.cache_clear()
    yield tmp_path
    threads._cpu_quota.cache_clear()


def write(path: Path, text: str) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)


V2, V1 = "0::/user/job\n", "11:memory:/job\n4:cpu,cpuacct:/user/job\n0::/\n"


@pytest.mark.parametrize(
    ("groups", "files", "cores"),
    [
        ("", {}, 8),
        (V2, {}, 8),
        (V2, {"user/job/cpu.max": "max 100000\n"}, 8),
        (V2, {"user/job/cpu.max": "100000 100000\n"}, 1),
        (V2, {"user/job/cpu.max": "20000 100000\n"}, 1),
        (V2, {"user/job/cpu.max": "250000 50000\n"}, 5),
        (V2, {"user/job/cpu.max": "1600000 100000\n"}, 8),
        (V2, {"user/cpu.max": "300000 100000\n", "user/job/cpu.max": "max 100000\n"}, 3),
        pytest.param(V2, {"cpu.max": "200000 100000\n"}, 2, id="the host's path, in a container"),
        (V2, {"user/job/cpu.max": "odd\n"}, 8),
        (V1, {"cpu/user/job/cpu.cfs_quota_us": "-1\n", "cpu/user/job/cpu.cfs_period_us": "100000\n"}, 8),
        (V1, {"cpu/user/job/cpu.cfs_quota_us": "200000\n", "cpu/user/job/cpu.cfs_period_us": "100000\n"}, 2),
        (V1, {"cpu/cpu.cfs_quota_us": "400000\n", "cpu/cpu.cfs_period_us": "100000\n"}, 4),
    ],
)
def test_cores_are_limited_by_the_quota(groups: str, files: dict[str, str], cores: int, eight_cores: Path) -> None:
    write(eight_cores / "proc" / "cgroup", groups)
    for name, text in files.items():
        write(eight_cores / "sys" / name, text)
    assert usable_cores() == cores


@pytest.mark.parametrize(("quota", "setting", "expected"), [("2", None, "2"), ("2", "5", "5"), ("8", None, None)])
def test_libraries_are_limited_to_the_quota(
    quota: str, setting: str | None, expected: str | None, eight_cores: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(eight_cores / "proc" / "cgroup", V2)
    write(eight_cores / "sys" / "cpu.max", f"{quota}00000 100000\n")
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    if setting:
        monkeypatch.setenv("OMP_NUM_THREADS", setting)
    configure_libraries()
    assert os.environ.get("OMP_NUM_THREADS") == expected


@LINUX
def test_time_spent_waiting_for_a_core_is_measured() -> None:
    """Two processes share one core, so each waits half of the time."""
    program = """
import os, threading, time
from seq2seq import threads
os.sched_setaffinity(0, [min(os.sched_getaffinity(0))])
waiting = threads._WaitingTime()
time.sleep(0.5)
idle = waiting.share()
child = os.fork()
end = time.monotonic() + 2
while time.monotonic() < end:
    pass
if not child:
    os._exit(0)
busy = waiting.share()
os.wait()
assert idle < 0.1 < 0.3 < busy, (idle, busy)
"""
    subprocess.run([sys.executable, "-c", program], check=True)


class Waiting:
    """Fake waiting time: one share per poll, then a request to stop."""

    def __init__(self, shares: Iterator[float], stop: threading.Event) -> None:
        self.shares, self.stop = shares, stop

    def share(self) -> float:
        share = next(self.shares, None)
        if share is None:
            self.stop.set()
        return share or 0.0


@pytest.mark.parametrize(
    ("shares", "changes"),
    [
        ([0.01] * 9, ""),
        ([0.25] * 9, ""),
        ([0.4], "on off"),
        pytest.param([0.01, 0.8, 0.0, 0.0, 0.8, 0.0, 0.0, 0.0, "x", 0.0], "on x off", id="calm for a second"),
        pytest.param([0.8, *[0.15] * 9, "x"], "on x off", id="neither calm nor contended: no change"),
        pytest.param(
            [0.8, *[0.7] * 40, "x", 0.7, *[0.7] * 79, "y", 0.7, "z", *[0.0] * 9],
            "on off x on y off z",
            id="a trial after ten seconds, the next after twenty",
        ),
        pytest.param([0.8, *[0.4] * 40, "x", *[0.05] * 99], "on off x", id="a trial that goes well"),
        pytest.param([0.8, 0.0, 0.0, 0.0, 0.0, 0.8, "x"], "on off on x off", id="contention again"),
    ],
)
def test_threads_sleep_while_there_is_contention(
    shares: list[float | str], changes: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """on, off: early sleep starts and ends; x, y, z: markers in the sequence."""
    stop, events = threading.Event(), list[str]()

    class Oversubscription:
        def __init__(self) -> None:
            events.append("on")

        def end(self) -> None:
            events.append("off")

    def poll() -> Iterator[float]:
        for share in shares:
            if isinstance(share, str):
                events.append(share)
            else:
                yield share

    monkeypatch.setattr(threads, "_POLL_SECONDS", 0.0)
    monkeypatch.setattr(threads, "_WaitingTime", lambda: Waiting(poll(), stop))
    monkeypatch.setattr(threads, "_Oversubscription", Oversubscription)
    monkeypatch.setattr(threads, "_threads_may_spin", lambda: True)
    threads._watch(stop)
    # A final marker is recorded before polling stops.
    assert " ".join(events) == changes


@LINUX
def test_oversubscription_lets_waiting_threads_sleep_and_leaves_no_threads() -> None:
    """Measured by the processor time of two threads that get work every few milliseconds."""
    program = """
import os, time, torch
from seq2seq import threads
torch.set_num_threads(2)
matrix = torch.randn(400, 400)

def cores():
    for _ in range(20):
        matrix @ matrix
    cpu, start = time.process_time(), time.perf_counter()
    while time.perf_counter() - start < 0.5:
        matrix @ matrix
        pause = time.perf_counter() + 0.002
        while time.perf_counter() < pause:
            pass
    return (time.process_time() - cpu) / (time.perf_counter() - start)

spinning, before = max(cores() for _ in range(3)), len(os.listdir("/proc/self/task"))
for _ in range(2):
    oversubscription = threads._Oversubscription()
    time.sleep(0.2)
    sleeping = min(cores() for _ in range(3))
    oversubscription.end()
    time.sleep(0.2)
again, after = max(cores() for _ in range(3)), len(os.listdir("/proc/self/task"))
assert sleeping < spinning - 0.2 and sleeping < again - 0.2, (spinning, sleeping, again)
assert after == before, (before, after)
"""
    environment = {
        name: value for name, value in os.environ.items() if name not in ("OMP_WAIT_POLICY", "GOMP_SPINCOUNT")
    }
    subprocess.run([sys.executable, "-c", program], check=True, env=environment)


@LINUX
def test_the_watcher_ends_with_its_context() -> None:
    before = threading.active_count()
    with sleeping_under_contention():
        assert threading.active_count() == before + 1
        started = time.monotonic()
    assert threading.active_count() == before
    assert time.monotonic() - started < 5


def test_without_proc_no_watcher_is_started(eight_cores: Path) -> None:
    before = threading.active_count()
    with sleeping_under_contention():
        assert threading.active_count() == before
