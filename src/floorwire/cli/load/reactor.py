"""The reactor: one epoll set and one buffer for all sockets of a run."""

from __future__ import annotations

import resource
import select
import socket
import time
from collections.abc import Callable
from typing import TypeAlias

BUFFER_BYTES = 1 << 20
EVENTS_A_TURN = 4096
SPARE_FILES = 32
PATIENCE_S = 0.01

Handler: TypeAlias = Callable[[], None]


class TooManyFilesError(OSError):
    """The system lets this process have fewer open files than the run needs."""


def allow_files(sockets: int) -> None:
    """Raise the limit of open files as far as the sockets need it. Raises TooManyFilesError."""
    need = sockets + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and need > hard:
        raise TooManyFilesError(f"{sockets} connections need {need} open files; the limit is {hard}")
    if soft < need:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))


class Reactor:
    """Calls a socket's handler when there is something to do on it.

    Sockets are prompt or patient. A message to a sleeping reader costs its sender a wake-up, so a crowd of
    prompt readers on this machine would add to the server's work what clients elsewhere do not. The crowd is
    patient therefore, read in gulps; only what is timed is prompt.
    """

    __slots__ = ("_handlers", "_patient", "_patient_due", "_prompt", "buffer", "view")

    def __init__(self) -> None:
        self.buffer = bytearray(BUFFER_BYTES)
        self.view = memoryview(self.buffer)
        self._prompt = select.epoll()
        self._patient = select.epoll()
        self._patient_due = 0.0
        self._handlers: dict[int, tuple[select.epoll, Handler]] = {}

    def when_writable(self, sock: socket.socket, handler: Handler) -> None:
        """Call the handler once the socket can be written."""
        self._watch(self._prompt, sock, select.EPOLLOUT, handler)

    def when_readable(self, sock: socket.socket, handler: Handler, patient: bool = False) -> None:
        """Call this handler whenever the socket can be read or is broken."""
        self._watch(self._patient if patient else self._prompt, sock, select.EPOLLIN, handler)

    def forget(self, sock: socket.socket) -> None:
        """Leave the socket alone from now on, whatever happens to it."""
        epoll, _ = self._handlers.pop(sock.fileno(), (None, None))
        if epoll is not None:
            epoll.unregister(sock)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Handle what happens for this long, or until the condition holds."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end and not until():
            self._turn(self._prompt, min(end - now, PATIENCE_S))
            if now >= self._patient_due:
                self._turn(self._patient, 0)
                self._patient_due = time.monotonic() + PATIENCE_S
        self._turn(self._patient, 0)

    def close(self) -> None:
        """Give the epoll sets back; the sockets are their clients'."""
        self._prompt.close()
        self._patient.close()

    def _watch(self, epoll: select.epoll, sock: socket.socket, events: int, handler: Handler) -> None:
        self.forget(sock)
        self._handlers[sock.fileno()] = epoll, handler
        epoll.register(sock, events)

    def _turn(self, epoll: select.epoll, timeout_s: float) -> None:
        handlers = self._handlers
        for fd, _ in epoll.poll(timeout_s, EVENTS_A_TURN):
            if fd in handlers:  # an earlier handler of this turn may have closed it
                handlers[fd][1]()
