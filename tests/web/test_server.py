"""The server's listening socket."""

from __future__ import annotations

import socket
import subprocess
import sys
from pathlib import Path


def test_a_port_that_is_taken_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        serve = [sys.executable, "-m", "floorwire", "serve", "--data", str(tmp_path), "--port", str(port)]
        ended = subprocess.run(serve, capture_output=True, text=True, check=False)
    assert ended.returncode == 2
    assert ended.stderr.strip().endswith(
        f"127.0.0.1:{port}: Address already in use; choose another with --port, or FLOORWIRE_PORT"
    )
