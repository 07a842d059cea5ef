"""The server's listening socket."""

from __future__ import annotations

import socket
from pathlib import Path

from tests.forked_python import run


def test_a_port_that_is_taken_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("-m", "floorwire", "serve", "--data", str(tmp_path), "--port", str(port))
    assert ended.returncode == 2
    assert ended.stderr.strip().endswith(
        f"127.0.0.1:{port}: Address already in use; choose another with --port, or FLOORWIRE_PORT"
    )
