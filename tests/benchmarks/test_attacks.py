"""The benchmark of attacks: its floods are what their names say, and its figures are right."""

from __future__ import annotations

import json

from benchmarks.attacks.__main__ import ATTACKS
from benchmarks.attacks.floods import COPIES, get, handshake, pings, requests
from benchmarks.attacks.steady_client import percentile

from floorwire.cli.load.frames import mask


def test_percentiles_are_values_that_were_seen() -> None:
    values = [float(value) for value in range(100, 0, -1)]
    assert (percentile(values, 0.5), percentile(values, 0.99), percentile([7.0], 0.99)) == (51.0, 100.0, 7.0)


def test_a_flood_repeats_one_request() -> None:
    frames = requests({"action": "symbols"})
    size = len(frames) // COPIES
    assert frames == frames[:size] * COPIES
    assert json.loads(mask(frames[6:size])) == {"action": "symbols"}
    assert requests({"action": "symbols"}, copies=1) == frames[:size]
    assert get("/health").count(b"GET /health HTTP/1.1\r\n") == COPIES
    assert pings(0)[:2] == bytes((0x89, 0x80))


def test_a_key_is_shown_where_there_is_one() -> None:
    assert b"authorization" not in handshake()
    assert b"authorization: Bearer k.s\r\n" in handshake("k.s")


def test_the_attacks_of_the_security_page_are_there() -> None:
    for begin in (
        "pipelined",
        "resumes",
        "empty pings",
        "held",
        "symbols",
        "orders",
        "cancel_all",
        "subscribe",
    ):
        assert any(name.startswith(begin) for name in ATTACKS), begin
