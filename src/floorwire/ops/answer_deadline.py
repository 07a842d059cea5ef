"""A deadline for a whole HTTP answer: the time-out of a socket begins anew with each byte that comes."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from http.client import HTTPConnection
from threading import Event, Timer


@contextmanager
def answered_within(connection: HTTPConnection, seconds: float) -> Iterator[None]:
    """Cut the connection, which is open, if the work inside takes longer.

    Raises TimeoutError then, unless the work raises something else because of the cut.
    """
    opened, is_late = connection.sock, Event()

    def cut() -> None:
        is_late.set()
        with suppress(OSError):  # closed meanwhile
            socket.socket.shutdown(opened, socket.SHUT_RDWR)  # below TLS, whose state another thread uses

    timer = Timer(seconds, cut)
    timer.daemon = True
    timer.start()
    try:
        yield
    finally:
        timer.cancel()
    if is_late.is_set():
        raise TimeoutError
