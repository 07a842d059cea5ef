"""Programs that deploy/ has files for: those that ``make servers`` unpacks, or installed ones."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
DEPLOY = ROOT / "deploy"
UNPACKED = ROOT / ".venv" / "servers" / "usr"
STOPS_WITHIN_S = 20


def program(name: str) -> str:
    """Return the path of a program. The test is skipped where there is none, but not in CI."""
    for folder in (UNPACKED / "sbin", UNPACKED / "bin"):
        if (folder / name).exists():
            return str(folder / name)
    found = shutil.which(name, path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if found is None and "CI" in os.environ:
        pytest.fail(f"there is no {name}: make servers")
    if found is None:
        pytest.skip(f"there is no {name}: make servers, as root on Debian")
    return found


def output_of(*command: str, environment: dict[str, str] | None = None) -> str:
    """Run a command which has to succeed, and return all that it prints."""
    run = subprocess.run(
        command,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
        env={**os.environ, **(environment or {})},
    )
    assert run.returncode == 0, run.stdout
    return run.stdout


@contextmanager
def started(
    *command: str, log: Path, environment: dict[str, str] | None = None
) -> Iterator[subprocess.Popen[bytes]]:
    """Run a server of others until the block ends. Its log has what it prints."""
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, stdout=written, stderr=subprocess.STDOUT, env={**os.environ, **(environment or {})}
        )
        try:
            yield process
        finally:
            process.terminate()
            try:
                process.wait(STOPS_WITHIN_S)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()


def free_port() -> int:
    """Return a port that nobody listens on now."""
    with socket.socket() as one:
        one.bind(("127.0.0.1", 0))
        port: int = one.getsockname()[1]
        return port
