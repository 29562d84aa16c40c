"""Ctrl-C, SIGTERM and a closed terminal: polled between training steps; before the first, an immediate exit."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

from seq2seq.signals import describe_signal, stop_signals

_SHOW_CURSOR = b"\x1b[?25h\n"


class Interruption:
    """A context that records the first of these signals in `signal_number`; a second one ends the process at once.

    Only the main thread may handle signals: in another, none is recorded.
    """

    def __init__(self, repeated_by_launcher: bool = False) -> None:
        """repeated_by_launcher: ignore a second signal.

        A terminal sends Ctrl-C to all processes, and the launcher forwards its own to them; it kills those that do
        not stop in time.
        """
        self.signal_number = 0
        self._repeated = repeated_by_launcher
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handlers = {number: signal.signal(number, self.record) for number in stop_signals()}
        return self

    def __exit__(self, *_: object) -> None:
        for number, handler in self._handlers.items():
            signal.signal(number, handler)

    def record(self, number: int, _: FrameType | None = None) -> None:
        """Record a signal."""
        if self.signal_number and not self._repeated:
            _exit(number)
        self.signal_number = number


@contextmanager
def exiting_on_signal(clean_up: Callable[[], None]) -> Iterator[None]:
    """Within this context a signal calls `clean_up` and ends the process, even while a library computes for minutes.

    Python's own handlers wait until the library returns. So a thread listens to the wakeup socket that the C handler
    writes to, and Python's handlers merely block the main thread.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    signals = stop_signals()
    listener, sender = socket.socketpair()
    sender.setblocking(False)

    def listen() -> None:
        while number := listener.recv(1)[0]:
            if number in signals:
                clean_up()
                os.write(2, f"seq2seq: {describe_signal(number)} before the first step, nothing was saved\n".encode())
                _exit(number)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    old = signal.set_wakeup_fd(sender.fileno())
    handlers = {number: signal.signal(number, lambda *_: thread.join()) for number in signals}
    try:
        yield
    finally:
        for number, handler in handlers.items():
            signal.signal(number, handler)
        signal.set_wakeup_fd(old)
        sender.send(b"\0")
        thread.join()
        listener.close()
        sender.close()


def _exit(number: int) -> None:
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)
    os._exit(128 + number)
