"""``import floorwire.client`` needs nothing of the server. ``benchmarks --only sdk`` says what it takes."""

from __future__ import annotations

import subprocess
import sys

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
SCRIPT = """
import sys
import floorwire.client
print(*sys.modules, sep="\\n")
"""


def imported() -> list[str]:
    """Return all modules of an interpreter that imports the SDK alone."""
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, check=True)
    return done.stdout.split("\n")


def test_nothing_of_the_server_is_imported() -> None:
    modules = imported()
    ours = [name for name in modules if name.startswith("floorwire.") and not name.startswith(OURS)]
    assert ours == []
    assert [name for name in modules if name.partition(".")[0] in SERVER] == []
