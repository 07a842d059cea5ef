"""A server whose answer comes byte by byte, so that no time-out of a socket is ever over."""

from __future__ import annotations

import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager, suppress

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n"


@contextmanager
def dripping(start: bytes = HEAD, drop: bytes = b" ") -> Iterator[int]:
    """Yield the port of a server that sends one client ``start``, and then a drop each 10 ms."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        listener.settimeout(10)

        def drip() -> None:
            with suppress(OSError):
                accepted, _ = listener.accept()
                with accepted:
                    accepted.settimeout(10)
                    accepted.recv(65_536)
                    accepted.sendall(start)
                    while not is_over.wait(0.01):
                        accepted.sendall(drop)

        is_over = threading.Event()
        thread = threading.Thread(target=drip)
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            is_over.set()
            thread.join()
