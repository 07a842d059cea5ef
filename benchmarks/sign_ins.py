"""Sign-ins: what each way costs the event loop, and whether the time of a refusal tells which keys exist.

    python -m benchmarks.sign_ins [--clients N]

Then whether clients that show a key come back as fast as those that show none, at a server on another CPU.
What a flood of wrong secrets costs others is one of ``python -m benchmarks.attacks``.
"""

from __future__ import annotations

import argparse
import os
import random
import secrets
import statistics
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from itertools import pairwise
from math import sqrt

import jwt
from msgspec.structs import replace

from benchmarks import machine
from benchmarks.attacks import victim
from benchmarks.figures import table
from benchmarks.load import LoadError
from floorwire.auth.grant import Grant
from floorwire.auth.jwt_tokens import Issuer, Tokens
from floorwire.auth.keyring import Key, Keyring
from floorwire.auth.secret_sealer import NONCE_BYTES, SecretSealer
from floorwire.auth.sign_in import SignIn
from floorwire.cli.load.connect import ConnectPlan, run_connect
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.cli.load.target import Target
from floorwire.core.authorization import Scope
from floorwire.core.dates import Moment
from floorwire.core.refusal import Refusal
from floorwire.protocol.requests import login_signature

NOW_US = 1_800_000_000_000_000
AT = Moment(NOW_US, NOW_US, NOW_US)
ADDRESS, ISSUER = "192.0.2.7", "https://issuer.example"
SECRET, SHARED = "s" * 43, secrets.token_bytes(64)
SIGN_INS, KEYS, REFUSALS, ROUNDS = 300, 3_000, 10_000, 3
LIMITS = ("limits.handshakes_per_second=100000", "limits.logins_per_second_per_key=100000")


def sign_in(names: list[str]) -> SignIn:
    """Return the sign-in of these keys and of one issuer."""
    sealer, grant = SecretSealer(bytes(range(32))), Grant("alice", (Scope.MARKET, Scope.TRADE))
    ring = Keyring(sealer)
    ring.replace(
        Key(name, grant, 0, None, sealer.digest(name, SECRET), sealer.seal(name, SECRET, bytes(NONCE_BYTES)))
        for name in names
    )
    tokens = Tokens(Issuer(ISSUER, "floorwire", frozenset({Scope.MARKET})))
    tokens.trust_secret(SHARED)
    return SignIn(ring, tokens, 1_000_000)


def costs() -> Iterator[tuple[str, str]]:
    """Yield each way in, and the median of what it takes of the event loop."""
    at = sign_in(["k1"])
    logins = [(NOW_US + number, login_signature(SECRET, NOW_US + number)) for number in range(SIGN_INS)]
    claims = {
        "iss": ISSUER,
        "aud": "floorwire",
        "sub": "bob",
        "scope": "market",
        "exp": NOW_US // 1_000_000 + 60,
    }
    token = jwt.encode(claims, SHARED, "HS256")
    ways: dict[str, Callable[[int], object]] = {
        "key and secret": lambda _: at.verify_bearer(f"k1.{SECRET}", ADDRESS, AT),
        "signed login": lambda number: at.verify_signed_login("k1", *logins[number], ADDRESS, AT),
        "token, HS256": lambda _: at.verify_token(token, ADDRESS, AT),
    }
    for name, way in ways.items():
        stamps = [time.perf_counter_ns()]
        for number in range(SIGN_INS):
            way(number)
            stamps.append(time.perf_counter_ns())
        yield name, f"{statistics.median(later - first for first, later in pairwise(stamps)) / 1_000:.1f}"


def refusals() -> Iterator[tuple[str, str]]:
    """Yield the medians of refusals of keys that exist and of others, and by how much their ranks differ."""
    rng = random.Random(7)
    names = [f"fw{number:016x}" for number in range(2 * KEYS)]
    at = sign_in(names)
    rng.shuffle(names)
    spent: dict[bool, list[float]] = {True: [], False: []}
    for number in range(REFUSALS):
        exists = bool(names) and rng.random() < 0.5
        name = names.pop() if exists else f"fw{rng.getrandbits(63) | 1 << 60:016x}"
        text = f"{name}.{secrets.token_urlsafe(32)}"
        began = time.perf_counter_ns()
        with suppress(Refusal):
            at.verify_bearer(text, f"10.{number >> 16}.{number >> 8 & 255}.{number & 255}", AT)
        spent[exists].append((time.perf_counter_ns() - began) / 1_000)
    yield "refusal of a key that exists", f"{statistics.median(spent[True]):.2f}"
    yield "refusal of a key that does not", f"{statistics.median(spent[False]):.2f}"
    yield "difference of their ranks, in standard deviations", f"{z_score(spent[True], spent[False]):.1f}"


def z_score(first: list[float], second: list[float]) -> float:
    """Return how many standard deviations the ranks of the first are off (Mann and Whitney's test)."""
    ordered = sorted([(value, 0) for value in first] + [(value, 1) for value in second])
    ranks = sum(rank for rank, (_, group) in enumerate(ordered, 1) if group == 0)
    n, m = len(first), len(second)
    return (ranks - n * (n + m + 1) / 2) / sqrt(n * m * (n + m + 1) / 12)


def reconnects(clients: int) -> Iterator[tuple[str, str]]:
    """Yield how many clients a second come, subscribe, see an event and go: the best of some rounds."""
    os.sched_setaffinity(0, {machine.cpu_of_load()})
    with victim.running(machine.cpu_of_server(), LIMITS) as target:
        plain = Target.resolve(f"ws://{target.host}:{target.port}/ws")
        signed = replace(plain, host=f"{plain.host}\r\nAuthorization: Bearer {target.steady}")
        best = {"clients a second without a key": 0.0, "clients a second with a key": 0.0}
        for _ in range(ROUNDS):
            for name, shown in zip(best, (plain, signed), strict=True):
                best[name] = max(best[name], rate(shown, clients))
    yield from ((name, f"{found:,.0f}") for name, found in best.items())


def rate(target: Target, clients: int) -> float:
    """Return how many clients a second were done. Raises LoadError where one was refused."""
    subscription = SubscriptionPlan("ticker", ("BTC-USDT",), 1)
    report = run_connect(ConnectPlan(target, subscription, clients, 100, 60.0, 1, None))
    if report.failures:
        raise LoadError(f"clients failed: {report.failures}")
    return report.completed_per_second


def main() -> None:
    """Measure all, and print a table."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.sign_ins", description=__doc__)
    parser.add_argument("--clients", type=int, default=1_000, choices=range(1, 10_001), metavar="1-10000")
    asked = parser.parse_args()
    rows = [*costs(), *refusals(), *reconnects(asked.clients)]
    print(table(("what", "microseconds, or a number"), rows))


if __name__ == "__main__":
    main()
