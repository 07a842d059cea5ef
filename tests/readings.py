"""What a server says of itself on ``/metrics``."""

from __future__ import annotations

import time
import urllib.request
from collections.abc import Callable

from tests.servers import Server

PATIENCE_S = 20.0


def metrics(server: Server) -> dict[str, float]:
    """Return every sample by its name and labels, as they are written."""
    with urllib.request.urlopen(server.http("/metrics"), timeout=PATIENCE_S) as answer:
        lines = answer.read().decode().splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


def eventually(is_so: Callable[[], bool]) -> bool:
    """Return whether it becomes so before patience ends."""
    deadline_s = time.monotonic() + PATIENCE_S
    while time.monotonic() < deadline_s:
        if is_so():
            return True
        time.sleep(0.02)
    return False
