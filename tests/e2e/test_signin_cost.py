"""What signing in costs the one who signs in, and everybody else; and what its cost tells."""

from __future__ import annotations

import asyncio
import random
import secrets
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from functools import partial
from itertools import pairwise
from math import sqrt
from pathlib import Path

import jwt
import msgspec
import pytest
from websockets.sync.client import connect

from floorwire.auth.sign_in import SignIn
from floorwire.cli.load.connect import ConnectPlan, run_connect
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.cli.load.target import Target
from floorwire.core.refusal import Refusal
from floorwire.protocol.requests import login_signature
from tests.auth.issuer import EC_KEY, RSA_KEY, claims, signed, tokens
from tests.auth.parts import NOW, SECRET, key, keyring
from tests.clocks import moment
from tests.e2e.sign_in_servers import KeyedServer, ask, keyed_server
from tests.servers import Server, scripted

AT = moment(NOW)
pytestmark = pytest.mark.slow

MILLISECOND_NS = 1_000_000
LEAST_ROUNDS, MOST_ROUNDS = 6, 40
PING = '{"action":"ping"}'
LIMITS = [
    f"limits.{name}=100000"
    for name in ("handshakes_per_second", "logins_per_second_per_key", "commands_per_second")
]
ATTACK = """
import socket, sys, time
host, port, key = sys.argv[1], int(sys.argv[2]), sys.argv[3]
upgrade = (
    "GET /ws HTTP/1.1\\r\\nHost: localhost\\r\\nUpgrade: websocket\\r\\nConnection: Upgrade\\r\\n"
    "Sec-WebSocket-Version: 13\\r\\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\\r\\n"
    f"Authorization: Bearer {key}.wrong\\r\\n\\r\\n"
).encode()
while True:
    with socket.create_connection((host, port), source_address=("127.0.0.77", 0)) as sock:
        sock.sendall(upgrade)
        assert sock.recv(100).split()[1] in (b"401", b"429")
    time.sleep(0.01)
"""


@pytest.fixture(scope="module")
def quiet(tmp_path_factory: pytest.TempPathFactory) -> Iterator[KeyedServer]:
    assignments = [part for text in LIMITS for part in ("--set", text)]
    with keyed_server(tmp_path_factory.mktemp("data"), "--seed", "1", *assignments) as made:
        yield made


def median_ns(call: Callable[[int], object], times: int = 300) -> float:
    stamps = [time.perf_counter_ns()]
    for number in range(times):
        call(number)
        stamps.append(time.perf_counter_ns())
    return statistics.median(later - earlier for earlier, later in pairwise(stamps))


def verify_token(at: SignIn, token: str, _: int) -> None:
    at.verify_token(token, "192.0.2.7", AT)


def test_signing_in_takes_less_than_a_millisecond_of_the_loop() -> None:
    at = SignIn(keyring(), tokens(), 1_000_000)
    login = [(NOW + number, login_signature(SECRET, NOW + number)) for number in range(1_000)]
    spent = {
        "bearer": median_ns(lambda _: at.verify_bearer(f"k1.{SECRET}", "192.0.2.7", AT)),
        "signature": median_ns(lambda number: at.verify_signed_login("k1", *login[number], "192.0.2.7", AT)),
    }
    made = {
        "HS256": signed(),
        "RS256": jwt.encode(claims(), RSA_KEY, "RS256", headers={"kid": "r"}),
        "ES256": jwt.encode(claims(), EC_KEY, "ES256", headers={"kid": "e"}),
    }
    spent |= {name: median_ns(partial(verify_token, at, token)) for name, token in made.items()}
    assert max(spent.values()) < MILLISECOND_NS, spent


async def test_a_thousand_signed_in_clients_come_back_nearly_as_fast(quiet: KeyedServer) -> None:
    issued = await quiet.key()
    plain = Target.resolve(quiet.server.ws())
    shown = msgspec.structs.replace(
        plain, host=f"{plain.host}\r\nAuthorization: Bearer {issued.key}.{issued.secret}"
    )

    def rate(target: Target) -> float:
        """Return how many clients a second come, subscribe, hear an event and go."""
        subscription = SubscriptionPlan("ticker", ("BTC-USDT",), 1)
        report = run_connect(ConnectPlan(target, subscription, 1_000, 100, 60.0, 1, None))
        assert report.failures == {}
        return report.completed_per_second

    rates = [(rate(plain), rate(shown)) for _ in range(3)]
    assert max(signed for _, signed in rates) >= 0.6 * max(anonymous for anonymous, _ in rates), rates


@contextmanager
def attacked(server: Server) -> Iterator[None]:
    """Have somebody fail to sign in a hundred times a second."""
    attacker = subprocess.Popen(
        [sys.executable, "-S", "-c", ATTACK, server.host, str(server.port), f"fw{7:016x}"]
    )
    time.sleep(0.3)
    try:
        yield
    finally:
        assert attacker.poll() is None
        attacker.kill()
        attacker.wait()


def round_trips_us(server: Server, times: int = 1_000) -> list[float]:
    """Return how long a client waits that asks now and then."""
    spent = []
    with connect(server.ws()) as ws:
        for _ in range(times):
            began = time.perf_counter_ns()
            ws.send(PING)
            ws.recv()
            spent.append((time.perf_counter_ns() - began) / 1_000)
            time.sleep(0.001)
    return spent


def test_a_hundred_failures_a_second_leave_others_as_fast() -> None:
    def p99_us(server: Server) -> float:
        spent = sorted(round_trips_us(server))
        return spent[len(spent) * 99 // 100]

    elsewhere: list[float] = []
    here: list[float] = []
    with scripted(*LIMITS) as server, scripted(*LIMITS) as other:  # the same load on the machine either way
        for _ in range(MOST_ROUNDS):
            with attacked(other):
                elsewhere.append(p99_us(server))
            with attacked(server):
                here.append(p99_us(server))
            # The quietest round of each: what else runs here moves the tail by far more than a tenth.
            if len(here) >= LEAST_ROUNDS and min(here) <= 1.1 * min(elsewhere):
                return
    pytest.fail(f"{min(here)} us beside it, {min(elsewhere)} us without: {here}, {elsewhere}")


def z_score(first: list[float], second: list[float]) -> float:
    """Return how many standard deviations the ranks of the first are off (Mann and Whitney's test)."""
    ordered = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(rank for rank, (_, group) in enumerate(ordered, 1) if group == 0)
    n, m = len(first), len(second)
    return (ranks - n * (n + m + 1) / 2) / sqrt(n * m * (n + m + 1) / 12)


def test_the_time_of_a_refusal_does_not_tell_whether_the_key_exists() -> None:
    rng = random.Random(7)
    names = [f"fw{number:016x}" for number in range(6_000)]
    ring = keyring(*map(key, names))
    rng.shuffle(names)
    at = SignIn(ring, None, 1_000)
    spent: dict[bool, list[float]] = {True: [], False: []}
    for number in range(10_000):
        exists = rng.random() < 0.5
        name = names.pop() if exists else f"fw{rng.getrandbits(63) | 1 << 60:016x}"
        text = f"{name}.{secrets.token_urlsafe(32)}"
        began = time.perf_counter_ns()
        with pytest.raises(Refusal):
            at.verify_bearer(text, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", AT)
        spent[exists].append(time.perf_counter_ns() - began)
    known, unknown = (statistics.median(spent[exists]) for exists in (True, False))
    assert abs(known - unknown) < 0.03 * known, (known, unknown)


async def test_nor_does_it_over_a_connection(tmp_path: Path) -> None:
    with keyed_server(tmp_path, "--seed", "1") as made:
        known = [await made.key() for _ in range(120)]
        rng = random.Random(7)
        spent: dict[bool, list[float]] = {True: [], False: []}
        for number in range(200):  # from one address each, so that nobody has to wait
            async with made.connect(local=f"127.0.{1 + number // 250}.{1 + number % 250}") as ws:
                for _ in range(9):
                    exists = rng.random() < 0.5
                    name = rng.choice(known).key if exists else f"fw{rng.getrandbits(64):016x}"
                    ts = time.time_ns() // 1_000
                    began = time.perf_counter()
                    said = await ask(ws, action="login", key=name, ts=ts, signature=secrets.token_hex(32))
                    if said["code"] == "bad_signature":
                        spent[exists].append(time.perf_counter() - began)
        await asyncio.sleep(0)
    assert min(map(len, spent.values())) > 300
    assert abs(z_score(spent[True], spent[False])) < 4
