"""Nobody reads what the server writes any more, as after ``floorwire serve 2>&1 | head -1``. It goes on."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

from tests.servers import STARTS_WITHIN_S, STOPS_WITHIN_S, Server, eventually, metrics

LOST = "floorwire_log_lines_lost_total"
EVENTS = 'floorwire_venue_events_total{venue="sim"}'


def bad_request(server: Server) -> None:
    """Send what the server refuses and logs."""
    with socket.create_connection((server.host, server.port)) as client:
        client.sendall(b"no HTTP\r\n\r\n")
        while client.recv(4096):
            pass


def test_a_server_whose_log_nobody_reads_goes_on_and_ends_in_order(tmp_path: Path) -> None:
    reading, writing = os.pipe()
    process = subprocess.Popen(
        [sys.executable, "-m", "floorwire", "serve", "--port", "0", "--data", str(tmp_path)],
        stdout=writing,
        stderr=writing,
    )
    try:
        os.close(writing)
        with os.fdopen(reading) as pipe:  # closed with the block, as head does
            found = next(filter(None, (re.search(r"http://127.0.0.1:(\d+)/", line) for line in pipe)))
        server = Server(process, "127.0.0.1", int(found[1]), tmp_path)
        assert eventually(lambda: metrics(server)[EVENTS] > 0)
        before = metrics(server)
        bad_request(server)
        assert eventually(lambda: metrics(server)[LOST] > before[LOST])
        after = metrics(server)
        assert eventually(lambda: metrics(server)[EVENTS] > after[EVENTS])
        process.send_signal(signal.SIGTERM)
        assert process.wait(STOPS_WITHIN_S) == 0
    finally:
        process.kill()
        process.wait(STARTS_WITHIN_S)
