"""Servers under test. Each runs in a process of its own, which is stopped at the end."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import tempfile
import threading
import time
import urllib.request
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Protocol

from tests.forked_python import fork_server

STARTS_WITHIN_S = 60
ANSWERS_WITHIN_S = 20.0
STOPS_WITHIN_S = 30
ANNOUNCED = re.compile(r"wss?://(\S+):(\d+)/ws")
SCRIPTED = Path(__file__).with_name("scripted.py")


class Process(Protocol):
    """The process of a server: started with ``subprocess``, or forked."""

    @property
    def pid(self) -> int: ...

    def poll(self) -> int | None: ...

    def wait(self, timeout: float | None = None) -> int: ...

    def send_signal(self, sig: signal.Signals, /) -> None: ...

    def terminate(self) -> None: ...

    def kill(self) -> None: ...


class Server:
    """A running gateway."""

    def __init__(self, process: Process, host: str, port: int, log: Path) -> None:
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
    def log_path(self) -> Path:
        """The file that has the server's standard error."""
        return self._log

    @property
    def log(self) -> str:
        """What the server has written to standard error so far."""
        return self._log.read_text()

    def signal(self, number: signal.Signals) -> None:
        """Send the process a signal."""
        self.process.send_signal(number)

    def wait(self) -> int:
        """Wait until the server has ended; return its exit code."""
        return self.process.wait(STOPS_WITHIN_S)

    def sockets(self) -> int:
        """Return how many sockets the process has open, without its listener (Linux)."""
        return sockets_of(self.process.pid) - 1

    def resident_bytes(self) -> int:
        """Return the resident memory of the process (Linux)."""
        pages = Path(f"/proc/{self.process.pid}/statm").read_text().split()[1]
        return int(pages) * 4096


def sockets_of(pid: int) -> int:
    """Return how many sockets a process has open (Linux). One that closes during the count does not count."""
    count = 0
    for entry in Path(f"/proc/{pid}/fd").iterdir():
        with suppress(FileNotFoundError):  # closed since it was listed
            count += os.readlink(entry).startswith("socket:")
    return count


@contextmanager
def floorwire(*args: str) -> Iterator[Server]:
    """Run ``floorwire serve`` with these arguments, on a free port and with a data folder of its own."""
    serve = ("-m", "floorwire", "serve", "--port", "0")
    with tempfile.TemporaryDirectory() as folder, forked(*serve, "--data", folder, *args) as server:
        yield server


@contextmanager
def scripted(*assignments: str, per_second: int = 100) -> Iterator[Server]:
    """Run a gateway with these settings over the venue of ``tests/scripted.py``."""
    script = ("-P", str(SCRIPTED), str(per_second))
    with tempfile.TemporaryDirectory() as folder, forked(*script, f"data={folder}", *assignments) as server:
        yield server


def metrics(server: Server) -> dict[str, float]:
    """Return every sample of ``/metrics``, by its name and labels as they are written there."""
    with urllib.request.urlopen(server.http("/metrics"), timeout=ANSWERS_WITHIN_S) as answer:
        lines = answer.read().decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def eventually(is_so: Callable[[], bool]) -> bool:
    """Return whether the condition becomes true within ``ANSWERS_WITHIN_S``."""
    deadline_s = time.monotonic() + ANSWERS_WITHIN_S
    while time.monotonic() < deadline_s:
        if is_so():
            return True
        time.sleep(0.02)
    return False


@contextmanager
def running(command: Sequence[str]) -> Iterator[Server]:
    """Run the command until the block ends. The block starts when the server has printed its address."""
    with tempfile.NamedTemporaryFile("w") as log:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        assert process.stdout is not None
        with _announced(process, process.stdout, Path(log.name)) as server:
            yield server


@contextmanager
def forked(*arguments: str) -> Iterator[Server]:
    """Run ``python ARGUMENTS`` as ``running`` does, but in a fork: without the second that imports take."""
    with tempfile.NamedTemporaryFile("w") as log:
        process = fork_server().start(arguments, log.fileno())
        with _announced(process, process.stdout, Path(log.name)) as server:
            yield server


@contextmanager
def _announced(process: Process, stdout: IO[str], log: Path) -> Iterator[Server]:
    try:
        host, port = _announcement(process, stdout, log)
        yield Server(process, host, port, log)
    finally:
        _stop(process)
        stdout.close()


def _announcement(process: Process, stdout: IO[str], log: Path) -> tuple[str, int]:
    timeout = threading.Timer(STARTS_WITHIN_S, process.kill)
    timeout.start()
    try:
        for line in stdout:
            if found := ANNOUNCED.search(line):
                return found[1], int(found[2])
    finally:
        timeout.cancel()
    raise AssertionError(f"the server did not start:\n{log.read_text()}")


def _stop(process: Process) -> None:
    if process.poll() is None:
        process.send_signal(signal.SIGCONT)
        process.terminate()
    try:
        process.wait(STOPS_WITHIN_S)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()
