"""The contestants: the servers that are compared. How each is built, started on a CPU, and stopped."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import msgspec

from benchmarks.workload import Workload

HERE = Path(__file__).parent
HOST = "127.0.0.1"
START_S, STOP_S = 20.0, 10.0

FLOORWIRE, ARTICLE, PLAIN, BROADCAST, LOOP, ECHO = (
    "Floorwire",
    "the article's",
    "the article's on asyncio",
    "websockets.broadcast",
    "C loop",
    "C echo",
)
MODULES = {
    FLOORWIRE: "benchmarks.floorwire_server",
    ARTICLE: "benchmarks.article",
    PLAIN: "benchmarks.article",
    BROADCAST: "benchmarks.broadcast",
}
SOURCES = {LOOP: "fanout.c", ECHO: "echo.c"}


class ContestantError(RuntimeError):
    """A contestant cannot be built or does not start."""


class Serving(msgspec.Struct, frozen=True):
    """A running contestant."""

    pid: int
    port: int

    def url(self, path: str = "/ws") -> str:
        """Return the address of a path of it."""
        return f"ws://{HOST}:{self.port}{path}"


class ContestantRunner:
    """Builds contestants in a folder, and runs each until its ``with`` block ends."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    @contextmanager
    def serving(self, name: str, workload: Workload, cpu: int) -> Iterator[Serving]:
        """Run the contestant on the CPU, and wait until it accepts connections. Raises ContestantError."""
        port = free_port()
        command = self._command(name, msgspec.structs.replace(workload, port=port))
        environment = {**os.environ, **({"ARTICLE_ON_ASYNCIO": "1"} if name == PLAIN else {})}
        with subprocess.Popen(
            command, cwd=HERE.parent, stdout=subprocess.DEVNULL, env=environment
        ) as process:
            try:
                os.sched_setaffinity(process.pid, {cpu})
                wait_until_listening(name, process, port)
                yield Serving(process.pid, port)
            finally:
                stop(process)

    def _command(self, name: str, workload: Workload) -> Sequence[str]:
        if name in MODULES:
            return [sys.executable, "-m", MODULES[name], *workload.arguments]
        return [self._built(SOURCES[name]), *(workload.arguments if name == LOOP else [str(workload.port)])]

    def _built(self, source: str) -> str:
        program = self._folder / source.removesuffix(".c")
        if not program.exists():
            try:
                subprocess.run(["cc", "-O2", "-o", str(program), str(HERE / source)], check=True)
            except (OSError, subprocess.CalledProcessError) as error:
                raise ContestantError(f"{source}: {error}; a C compiler is needed as cc") from error
        return str(program)


def free_port() -> int:
    """Return a port that nobody listens on."""
    with socket.socket() as probe:
        probe.bind((HOST, 0))
        return int(probe.getsockname()[1])


def wait_until_listening(name: str, process: subprocess.Popen[bytes], port: int) -> None:
    end = time.monotonic() + START_S
    while time.monotonic() < end and process.poll() is None:
        try:
            socket.create_connection((HOST, port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    raise ContestantError(f"{name} does not start")


def stop(process: subprocess.Popen[bytes]) -> None:
    process.terminate()
    try:
        process.wait(STOP_S)
    except subprocess.TimeoutExpired:
        process.kill()
