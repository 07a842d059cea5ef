"""Servers under test: a command, run until it is no longer needed."""

from __future__ import annotations

import socket
import subprocess
import time
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from pathlib import Path

STARTS_WITHIN_S = 30
STOPS_WITHIN_S = 30


def free_port() -> int:
    """Return a port of loopback that nothing listens on now."""
    with closing(socket.create_server(("127.0.0.1", 0))) as listener:
        return int(listener.getsockname()[1])


@contextmanager
def serving(command: Sequence[str], port: int, log: Path) -> Iterator[None]:
    """Run the command, from when it accepts connections on the port until the block ends."""
    with log.open("wb") as output:
        server = subprocess.Popen(command, stdout=output, stderr=subprocess.STDOUT)
        try:
            _await_listener(server, port, log)
            yield
            assert server.poll() is None, f"the server died:\n{log.read_text()}"
        finally:
            _stop(server)


def _await_listener(server: subprocess.Popen[bytes], port: int, log: Path) -> None:
    deadline_s = time.monotonic() + STARTS_WITHIN_S
    while not _accepts(port):
        assert server.poll() is None, f"the server did not start:\n{log.read_text()}"
        assert time.monotonic() < deadline_s, f"the server does not listen:\n{log.read_text()}"
        time.sleep(0.05)


def _accepts(port: int) -> bool:
    try:
        socket.create_connection(("127.0.0.1", port), timeout=1).close()
    except OSError:
        return False
    return True


def _stop(server: subprocess.Popen[bytes]) -> None:
    server.terminate()
    try:
        server.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        server.kill()
        server.wait()
