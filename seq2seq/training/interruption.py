"""Ctrl-C and SIGTERM: while a model trains a wish that is asked for between steps; before that, an end at once."""

import os
import signal
import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType
from typing import Any, Self

_SIGNALS = (signal.SIGINT, signal.SIGTERM)
_SHOW_CURSOR = b"\x1b[?25h\n"


class Interruption:
    """As a context it notes the first Ctrl-C or SIGTERM in `signal_number`; a second one ends the process at once.

    Only the main thread may handle signals: in another, none is noted.
    """

    def __init__(self, repeated_by_launcher: bool = False) -> None:
        """repeated_by_launcher: a second signal means no more than the first.

        A terminal sends Ctrl-C to all processes, and the launcher passes on its own to them; it will end those that
        do not stop in time.
        """
        self.signal_number = 0
        self._repeated = repeated_by_launcher
        self._handlers: dict[signal.Signals, Any] = {}

    def __enter__(self) -> Self:
        if threading.current_thread() is threading.main_thread():
            self._handlers = {one: signal.signal(one, self.note) for one in _SIGNALS}
        return self

    def __exit__(self, *_: object) -> None:
        for one, handler in self._handlers.items():
            signal.signal(one, handler)

    def note(self, number: int, _: FrameType | None = None) -> None:
        """Take in a signal."""
        if self.signal_number and not self._repeated:
            _leave(number)
        self.signal_number = number


@contextmanager
def leaving_at_once(clean_up: Callable[[], None]) -> Iterator[None]:
    """Within, Ctrl-C and SIGTERM call `clean_up` and end the process, even while a library computes for minutes.

    Python's own handlers wait until a library returns. So a thread listens to the pipe that the system's handler
    writes to, and Python's handlers only hold the main thread still.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    listener, sender = socket.socketpair()
    sender.setblocking(False)

    def listen() -> None:
        while number := listener.recv(1)[0]:
            if number in _SIGNALS:
                clean_up()
                os.write(2, f"seq2seq: {describe(number)} before the first step, nothing is kept\n".encode())
                _leave(number)

    thread = threading.Thread(target=listen, daemon=True)
    thread.start()
    old = signal.set_wakeup_fd(sender.fileno())
    handlers = {one: signal.signal(one, lambda *_: thread.join()) for one in _SIGNALS}
    try:
        yield
    finally:
        for one, handler in handlers.items():
            signal.signal(one, handler)
        signal.set_wakeup_fd(old)
        sender.send(b"\0")
        thread.join()
        listener.close()
        sender.close()


def describe(number: int) -> str:
    """A signal in a word."""
    return "interrupted" if number == signal.SIGINT else "terminated"


def _leave(number: int) -> None:
    if os.isatty(2):
        os.write(2, _SHOW_CURSOR)
    os._exit(128 + number)
