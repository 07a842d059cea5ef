"""The event loop of a run: epoll, and one receive buffer for all sockets."""

from __future__ import annotations

import resource
import select
import socket
import time
from collections.abc import Callable
from typing import TypeAlias

BUFFER_BYTES = 1 << 20
EVENTS_A_POLL = 4096
SPARE_FILES = 32  # open files of the process beside its sockets
PATIENT_INTERVAL_S = 0.01

Handler: TypeAlias = Callable[[], None]


class TooManyFilesError(OSError):
    """The system allows this process fewer open files than the run needs."""


def raise_open_file_limit(sockets: int) -> None:
    """Raise the limit of open files to what so many sockets need. Raises TooManyFilesError."""
    need = sockets + SPARE_FILES
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and need > hard:
        raise TooManyFilesError(f"{sockets} connections need {need} open files; the limit is {hard}")
    if soft < need:
        resource.setrlimit(resource.RLIMIT_NOFILE, (need, hard))


class Reactor:
    """Calls a socket's handler when the socket can be read or written.

    A prompt socket is handled at once, a patient one every ten milliseconds. A message to a reader that
    sleeps in epoll makes the sender's kernel wake that reader. Many prompt readers on the server's machine
    would add work that readers elsewhere do not. So only sockets whose latency is measured are prompt.
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
        """Call the handler whenever the socket can be read or has failed."""
        self._watch(self._patient if patient else self._prompt, sock, select.EPOLLIN, handler)

    def unregister(self, sock: socket.socket) -> None:
        """Call no handler of this socket from now on."""
        epoll, _ = self._handlers.pop(sock.fileno(), (None, None))
        if epoll is not None:
            epoll.unregister(sock)

    def run(self, seconds: float, until: Callable[[], bool] = lambda: False) -> None:
        """Call handlers for this many seconds, or until ``until`` returns true."""
        end = time.monotonic() + seconds
        while (now := time.monotonic()) < end and not until():
            self._poll(self._prompt, min(end - now, PATIENT_INTERVAL_S))
            if now >= self._patient_due:
                self._poll(self._patient, 0)
                self._patient_due = time.monotonic() + PATIENT_INTERVAL_S
        self._poll(self._patient, 0)

    def close(self) -> None:
        """Close the epoll sets. The sockets belong to their clients."""
        self._prompt.close()
        self._patient.close()

    def _watch(self, epoll: select.epoll, sock: socket.socket, events: int, handler: Handler) -> None:
        self.unregister(sock)
        self._handlers[sock.fileno()] = epoll, handler
        epoll.register(sock, events)

    def _poll(self, epoll: select.epoll, timeout_s: float) -> None:
        handlers = self._handlers
        for fd, _ in epoll.poll(timeout_s, EVENTS_A_POLL):
            if fd in handlers:  # an earlier handler of this poll may have closed it
                handlers[fd][1]()
