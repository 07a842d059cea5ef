"""The server that is attacked: its start, its keys and its memory; and the newcomers at a third address."""

from __future__ import annotations

import json
import os
import re
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import msgspec

from benchmarks.attacks.floods import handshake
from benchmarks.contestants import ContestantError
from floorwire.cli.load.frames import TEXT, masked_frame

ANNOUNCED = re.compile(r"ws://(\S+):(\d+)/ws")
NEWCOMER = "127.0.0.3"
ANSWER_S = 20.0
NEWCOMER_EACH_S, MEMORY_EACH_S = 0.25, 0.1
OPEN_ORDERS = 20_000
AT_ONCE = 1_000
"""Orders that one connection may send at once (``limits.commands_per_second``)."""
SETTINGS = (
    f"risk.max_open_orders={OPEN_ORDERS + 1_000}",
    f"risk.orders_per_second={OPEN_ORDERS + 1_000}",
    "drain.seconds=0.1",
    "log_level=error",
)
"""The rest is as shipped."""


class Victim:
    """A running server, with a key for the attacker and one for the steady client."""

    def __init__(self, pid: int, host: str, port: int, attacker: str, steady: str) -> None:
        self.host, self.port = host, port
        self.attacker, self.steady = attacker, steady
        self._pid = pid

    def resident_mb(self) -> float:
        """Return its resident memory."""
        return int(Path(f"/proc/{self._pid}/statm").read_text().split()[1]) * 4_096 / 1e6

    def open_orders(self) -> None:
        """Give the attacker's account many open orders."""
        for batch in range(OPEN_ORDERS // AT_ONCE):
            sock = socket.create_connection((self.host, self.port), ANSWER_S)
            sock.sendall(handshake(self.attacker))
            frames = (
                masked_frame(
                    json.dumps(
                        {
                            "action": "order.place", "client_order_id": f"a{batch}-{number}", "side": "buy",
                            "symbol": "BTC-USDT", "type": "limit", "quantity": "0.00010", "price": "62000.0",
                        }
                    ).encode()
                )
                for number in range(AT_ONCE)
            )  # fmt: skip
            sock.sendall(b"".join(frames))
            accepted, tail = 0, b""
            while accepted < AT_ONCE:
                data = tail + sock.recv(1 << 16)
                if b'"error"' in data or data == tail:
                    raise ContestantError(f"an order was answered with {data[:300]!r}")
                accepted += data.count(b'"accepted"')
                tail = data[data.rfind(b'"accepted"') + 10 :][-20:] if b'"accepted"' in data else data[-20:]
            sock.close()


@contextmanager
def running(cpu: int, settings: Sequence[str] = ()) -> Iterator[Victim]:
    """Run a server on the CPU, its data in the current folder. ``settings``: more than ``SETTINGS``."""
    with tempfile.TemporaryDirectory(dir=Path.cwd()) as folder:
        attacker, steady = (_key(folder, account) for account in ("attacker", "steady"))
        sets = [part for one in (*SETTINGS, *settings) for part in ("--set", one)]
        command = [sys.executable, "-m", "floorwire", "serve", "--data", folder, "--port", "0", *sets]
        with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
            try:
                os.sched_setaffinity(process.pid, {cpu})
                host, port = _announced(process)
                yield Victim(process.pid, host, port, attacker, steady)
            finally:
                process.kill()


def _key(folder: str, account: str) -> str:
    made = subprocess.run(
        [
            sys.executable, "-m", "floorwire", "keys", "create", "--data", folder, "--account", account,
            "--scopes", "market,account,trade", "--deposit", "USDT=100000000", "--json",
        ],
        check=True, capture_output=True,
    )  # fmt: skip
    key = json.loads(made.stdout)
    return f"{key['key']}.{key['secret']}"


def _announced(process: subprocess.Popen[str]) -> tuple[str, int]:
    assert process.stdout is not None
    for text in process.stdout:
        if found := ANNOUNCED.search(text):
            return found[1], int(found[2])
    raise ContestantError("floorwire does not start")


class Seen(msgspec.Struct):
    """What was seen of the server meanwhile."""

    resident_mb: float
    """The most memory."""
    newcomer_ms: float
    """The longest from a new connection's first packet to the reply to its first request."""


class Watch:
    """A thread that samples the memory, and connects again and again from another address."""

    def __init__(self, victim: Victim) -> None:
        self._victim = victim
        self._is_over = threading.Event()
        self._seen = Seen(victim.resident_mb(), 0.0)
        self._thread = threading.Thread(target=self._run)

    def __enter__(self) -> Watch:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._is_over.set()
        self._thread.join()

    @property
    def seen(self) -> Seen:
        """Return what was seen so far."""
        return self._seen

    def _run(self) -> None:
        newcomer_s = 0.0
        while not self._is_over.wait(MEMORY_EACH_S):
            self._seen.resident_mb = max(self._seen.resident_mb, self._victim.resident_mb())
            if time.monotonic() - newcomer_s > NEWCOMER_EACH_S:
                newcomer_s = time.monotonic()
                self._seen.newcomer_ms = max(self._seen.newcomer_ms, self._connect() * 1_000)

    def _connect(self) -> float:
        """Return how many seconds a new connection takes until its first request is answered."""
        begin_s = time.monotonic()
        victim = self._victim
        with (
            suppress(OSError),
            socket.create_connection((victim.host, victim.port), ANSWER_S, (NEWCOMER, 0)) as sock,
        ):
            sock.sendall(handshake() + masked_frame(b'{"action":"ping"}', TEXT))
            data = b""
            while b'"pong"' not in data:
                more = sock.recv(1 << 16)
                if not more:
                    return ANSWER_S
                data += more
            return time.monotonic() - begin_s
        return ANSWER_S
