"""Attack a server from one address and print what others see: ``python -m benchmarks.attacks``.

Each attack has a freshly started server. First the steady client runs alone, then beside the attack. The load
is on another CPU than the server, below the steady client's priority. ``--only`` takes some of the attacks.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import socket
from collections.abc import Callable, Mapping

from benchmarks import machine
from benchmarks.attacks import floods, victim
from benchmarks.attacks.floods import Flood, get, handshake, pings, requests
from benchmarks.attacks.steady_client import SteadyClient, percentile
from benchmarks.attacks.victim import Victim, Watch
from benchmarks.figures import table

BOUND_MS, TIMES, LEAST_USUAL_MS = 20.0, 3.0, 1.0
"""The steady client's p99: below the bound, and so many times its usual at most."""
MEMORY_MB = 64.0
WARM_S = 1.0
HEADER = (
    "attack", "usual p50", "usual p99", "p50", "p99", "max", "times", "orders p99", "usual MB", "most MB",
    "newcomer ms", "guard", "holds",
)  # fmt: skip


def _plain(
    connections: int, message: Mapping[str, object], writes_per_s: float = 0.0
) -> Callable[[Victim], Flood]:
    """Return a flood of one request without a key."""
    copies = 1 if writes_per_s else floods.COPIES
    return lambda _: Flood(connections, requests(message, copies=copies), handshake(), writes_per_s)


def _signed(
    connections: int, message: Mapping[str, object], writes_per_s: float = 0.0
) -> Callable[[Victim], Flood]:
    """Return a flood of one request by the attacker's key, whose account has many open orders."""

    def make(target: Victim) -> Flood:
        target.open_orders()
        copies = 1 if writes_per_s else floods.COPIES
        return Flood(connections, requests(message, copies=copies), handshake(target.attacker), writes_per_s)

    return make


def _resumes(connections: int, *, msgpack: bool, is_read: bool) -> Callable[[Victim], Flood]:
    """Return a flood of resumes from as far back as the server keeps."""

    def make(target: Victim) -> Flood:
        place = _place(target)
        message = {
            "action": "subscribe",
            "channel": "book",
            "symbol": "BTC-USDT",
            "depth": 500,
            "resume": place,
        }
        head = handshake(protocol="floorwire.v1.msgpack" if msgpack else "")
        return Flood(connections, requests(message, msgpack=msgpack), head, is_read=is_read)

    return make


def _place(target: Victim) -> dict[str, object]:
    """Subscribe to the book for a while; return its first place."""
    with socket.create_connection((target.host, target.port), 10) as sock:
        sock.sendall(handshake() + requests({"action": "subscribe", "channel": "book", "symbol": "BTC-USDT",
                                             "depth": 500}, copies=1))  # fmt: skip
        data = b""
        while b'"seq":' not in data or b'"epoch":"' not in data:
            data += sock.recv(1 << 16)
        epoch = data.split(b'"epoch":"')[1].split(b'"')[0].decode()
        seq = int(data.split(b'"seq":')[1].split(b",")[0].split(b"}")[0])
        sock.settimeout(0.5)
        for _ in range(8):
            try:
                sock.recv(1 << 20)
            except TimeoutError:
                continue
    return {"epoch": epoch, "seq": seq}


BOOK = {"action": "subscribe", "channel": "book", "symbol": "BTC-USDT", "depth": 500}
ORDERS = {"action": "orders", "limit": 1000}
SYMBOLS = {"action": "symbols"}
PACED = 400
"""Requests a second on one connection. ``limits.commands_per_second`` refuses none of them."""
ATTACKS: Mapping[str, Callable[[Victim], Flood]] = {
    "pipelined /health, 1": lambda _: Flood(1, get("/health")),
    "pipelined /health, 50": lambda _: Flood(50, get("/health")),
    "pipelined /openapi.json, 4": lambda _: Flood(4, get("/openapi.json")),
    "pipelined /openapi.json, 4, unread": lambda _: Flood(4, get("/openapi.json"), is_read=False),
    "pipelined /metrics, 4": lambda _: Flood(4, get("/metrics")),
    "wrong secrets, 4": lambda _: Flood(4, get("/orders", bearer=f"fw{7:016x}.wrong")),
    "resumes msgpack, 4": _resumes(4, msgpack=True, is_read=True),
    "resumes json, 4": _resumes(4, msgpack=False, is_read=True),
    "resumes json, 20, unread": _resumes(20, msgpack=False, is_read=False),
    "resumes msgpack, 20, unread": _resumes(20, msgpack=True, is_read=False),
    "empty pings, 1": lambda _: Flood(1, pings(0), handshake()),
    "pings of 125 bytes, 4": lambda _: Flood(4, pings(125), handshake()),
    "held without a key, 50": lambda _: Flood(50, get("/health", 1) + b"\r\n", writes=1),
    "symbols, 10": _plain(10, SYMBOLS),
    "symbols, 10, paced": _plain(10, SYMBOLS, PACED),
    "orders, 10": _signed(10, ORDERS),
    "orders, 10, paced": _signed(10, ORDERS, PACED),
    "orders, 10, small": _signed(10, {"action": "orders", "limit": 1, "symbol": "ETH-USDT"}, PACED),
    "cancel_all of none, 10": _signed(10, {"action": "order.cancel_all", "symbol": "ETH-USDT"}, PACED),
    "subscribe book, 10": _plain(10, BOOK),
    "subscribe book, 10, paced": _plain(10, BOOK, PACED),
    "subscribe orders, 10, paced": _signed(10, {"action": "subscribe", "channel": "orders"}, PACED),
    "subscriptions, 10, paced": _plain(10, {"action": "subscriptions"}, PACED),
}
"""Attacks 1 to 4 of the first list, and others of the same kinds."""


def attack(name: str, seconds: float, load: int, server: int) -> list[str]:
    """Measure one attack. Return its row of the table."""
    with victim.running(server) as target:
        flood = ATTACKS[name](target)
        client = SteadyClient(target.host, target.port, target.steady)
        client.run(WARM_S)
        usual_mb = target.resident_mb()
        usual = client.run(seconds)
        process = multiprocessing.Process(
            target=floods.run, args=(flood, target.host, target.port, load, seconds + 1.0)
        )
        with Watch(target) as watch:
            process.start()
            during = client.run(seconds)
        is_kept = client.is_held_order_open()
        client.close()
        process.join(seconds + 10)
        process.kill()
    usual_p99, p99 = percentile(usual.pings, 0.99), percentile(during.pings, 0.99)
    seen = watch.seen
    bound = min(BOUND_MS, TIMES * max(LEAST_USUAL_MS, usual_p99))
    holds = p99 < bound and seen.resident_mb - usual_mb < MEMORY_MB and is_kept
    figures = [
        percentile(usual.pings, 0.5), usual_p99, percentile(during.pings, 0.5), p99, max(during.pings),
        p99 / usual_p99, percentile(during.orders, 0.99), usual_mb, seen.resident_mb, seen.newcomer_ms,
    ]  # fmt: skip
    return [
        name, *(f"{figure:.1f}" for figure in figures),
        "kept" if is_kept else "FIRED", "yes" if holds else "NO",
    ]  # fmt: skip


def main() -> None:
    """Run the attacks that the command line names."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.attacks", description=__doc__)
    parser.add_argument("--seconds", type=float, default=4.0, help="of each half of a measurement, 1 to 60")
    parser.add_argument("--only", nargs="+", metavar="NAME", help="attacks whose names begin like this")
    asked = parser.parse_args()
    seconds = min(60.0, max(1.0, asked.seconds))
    names = [name for name in ATTACKS if not asked.only or name.startswith(tuple(asked.only))]
    load, server = machine.cpu_of_load(), machine.cpu_of_server()
    os.sched_setaffinity(0, {load})
    rows = []
    for name in names:
        rows.append(attack(name, seconds, load, server))
        print(json.dumps(dict(zip(HEADER, rows[-1], strict=True))), flush=True)
    print(table(HEADER, [tuple(row) for row in rows]))


if __name__ == "__main__":
    main()
