"""``import floorwire.client`` is quick, and needs nothing of the server."""

from __future__ import annotations

import subprocess
import sys

import pytest

SERVER = (
    "fastapi",
    "starlette",
    "uvicorn",
    "uvloop",
    "httptools",
    "prometheus_client",
    "structlog",
    "cryptography",
    "jwt",
    "typer",
    "rich",
    "websockets",
    "pydantic",
    "picows",
    "httpcore2",
    "anyio",
    "pandas",
    "polars",
)
"""What the server needs, and what the client imports only when it connects or makes a frame."""
OURS = ("floorwire.client", "floorwire.core", "floorwire.protocol", "floorwire.compiled")
MOST_CPU_MS = 100.0
SCRIPT = """
import sys, time
began = time.process_time()
import floorwire.client
print((time.process_time() - began) * 1000)
print(*sys.modules, sep="\\n")
"""


def imported() -> tuple[float, list[str]]:
    """Return the milliseconds of CPU time, and all modules, of an interpreter that imports the SDK alone."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    took, *modules = done.stdout.split("\n")
    return float(took), modules


def test_nothing_of_the_server_is_imported() -> None:
    _, modules = imported()
    ours = [name for name in modules if name.startswith("floorwire.") and not name.startswith(OURS)]
    assert ours == []
    assert [name for name in modules if name.partition(".")[0] in SERVER] == []


@pytest.mark.slow
def test_it_takes_less_than_a_tenth_of_a_second_of_cpu_time() -> None:
    """CPU time, and the least of some: other processes only make it longer."""
    imported()  # the first one may write what it compiled
    assert min(imported()[0] for _ in range(7)) <= MOST_CPU_MS
