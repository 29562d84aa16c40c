"""The signals that ask a program to stop."""

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager


def stop_signals() -> list[signal.Signals]:
    """SIGINT (Ctrl-C), SIGTERM and SIGHUP (closed terminal), the last two unless they are ignored (`nohup`)."""
    names = ("SIGINT", "SIGTERM", "SIGHUP")  # Windows has no SIGHUP
    signals = [getattr(signal, name) for name in names if hasattr(signal, name)]
    return [number for number in signals if number == signal.SIGINT or signal.getsignal(number) != signal.SIG_IGN]


def describe_signal(number: int) -> str:
    """What a signal did, for messages."""
    return {"SIGINT": "interrupted", "SIGHUP": "terminal closed"}.get(signal.Signals(number).name, "terminated")


@contextmanager
def silent_interrupt() -> Iterator[None]:
    """Within this context Ctrl-C ends the process at once, without a traceback."""
    is_main_thread = threading.current_thread() is threading.main_thread()
    if not is_main_thread or signal.getsignal(signal.SIGINT) != signal.default_int_handler:
        yield
        return
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, signal.default_int_handler)
