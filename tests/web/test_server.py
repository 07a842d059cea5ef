"""The server's listening socket."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from floorwire.config import Settings, TlsSettings
from floorwire.web.server import RECEIVE_BYTES, RECEIVE_BYTES_TLS, _listen
from tests.forked_python import run


def test_a_port_that_is_taken_is_said_with_what_to_do(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        ended = run("-m", "floorwire", "serve", "--data", str(tmp_path), "--port", str(port))
    assert ended.returncode == 2
    assert ended.stderr.strip().endswith(
        f"127.0.0.1:{port}: Address already in use; choose another with --port, or FLOORWIRE_PORT"
    )


@pytest.mark.parametrize(
    ("tls", "asked"),
    [(TlsSettings(), RECEIVE_BYTES), (TlsSettings(cert="cert.pem", key="key.pem"), RECEIVE_BYTES_TLS)],
)
def test_a_connection_with_tls_has_a_smaller_receive_buffer(tls: TlsSettings, asked: int) -> None:
    """What one read brings is decrypted at once, so the kernel's buffer bounds it."""
    with _listen(Settings(port=0, tls=tls)) as listener:
        kept = listener.getsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF)
    assert asked <= kept <= 2 * asked
