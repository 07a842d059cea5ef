"""Servers under test, each a process of its own: started, found listening, and stopped in the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

STARTS_WITHIN_S = 60
STOPS_WITHIN_S = 30
ANNOUNCED = re.compile(r"wss?://(\S+):(\d+)/ws")
SCRIPTED = Path(__file__).with_name("scripted.py")


class Server:
    """A running gateway."""

    def __init__(self, process: subprocess.Popen[str], host: str, port: int, log: Path) -> None:
        self.process = process
        self.host, self.port = host, port
        self._log = log

    def ws(self, path: str = "/ws") -> str:
        """Return the address of a WebSocket."""
        return f"ws://{self.host}:{self.port}{path}"

    def http(self, path: str = "/") -> str:
        """Return the address of a page."""
        return f"http://{self.host}:{self.port}{path}"

    @property
    def log(self) -> str:
        """What the server wrote to standard error so far."""
        return self._log.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Return the exit code of a server that was told to go."""
        return self.process.wait(STOPS_WITHIN_S)

    def sockets(self) -> int:
        """Return how many sockets the process holds beside its listener (Linux)."""
        return sockets_of(self.process.pid) - 1

    def resident_bytes(self) -> int:
        """Return how much memory the process holds (Linux)."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096


def sockets_of(pid: int) -> int:
    """Return how many sockets a process holds (Linux). What it closes while we count is not counted."""
    count = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            count += os.readlink(entry).startswith("socket:")
    return count


@contextmanager
def floorwire(*args: str) -> Iterator[Server]:
    """Run ``floorwire serve`` with these arguments on a free port, its data in a folder of its own."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-m", "floorwire", "serve", "--port", "0", "--data", folder, *args]
        with running([sys.executable, *command]) as server:
            yield server


@contextmanager
def scripted(*assignments: str, per_second: int = 100) -> Iterator[Server]:
    """Run a gateway with these settings over the scripted venue, which see."""
    with tempfile.TemporaryDirectory() as folder:
        command = ["-P", str(SCRIPTED), str(per_second), f"data={folder}", *assignments]
        with running([sys.executable, *command]) as server:
            yield server


@contextmanager
def running(command: Sequence[str]) -> Iterator[Server]:
    """Run the command from when it has announced where it listens until the block ends."""
    with tempfile.NamedTemporaryFile("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            host, port = _announcement(process, Path(log.name))
            yield Server(process, host, port, Path(log.name))
        finally:
            _stop(process)


def _announcement(process: subprocess.Popen[str], log: Path) -> tuple[str, int]:
    assert process.stdout is not None
    impatience = threading.Timer(STARTS_WITHIN_S, process.kill)
    impatience.start()
    try:
        for line in process.stdout:
            if found := ANNOUNCED.search(line):
                return found[1], int(found[2])
    finally:
        impatience.cancel()
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


def _stop(process: subprocess.Popen[str]) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
    assert process.stdout is not None
    process.stdout.close()
