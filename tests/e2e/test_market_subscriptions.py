"""All symbols of a venue, the end of everything, and candles of every interval, over real sockets."""

from __future__ import annotations

from itertools import pairwise

import pytest

from floorwire.core.candle_intervals import INTERVALS
from tests.clients import MSGPACK, client
from tests.scripted import SYMBOLS
from tests.servers import Server

ENCODINGS = ["floorwire.v1.json", MSGPACK]


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_all_symbols_of_a_venue_come_and_everything_ends(market: Server, encoding: str) -> None:
    with client(market, "/ws", encoding) as all_symbols:
        reply = all_symbols.ask("subscribe", channel="trades", all=True)
        held = reply["subscriptions"]
        assert isinstance(held, list)
        assert [row["symbol"] for row in held if isinstance(row, dict)] == list(SYMBOLS)
        seen = {event["symbol"] for event in all_symbols.events(30)}
        assert seen == set(SYMBOLS)
        assert all_symbols.ask("unsubscribe")["count"] == len(SYMBOLS)
        all_symbols.pending_events()
        assert all_symbols.ask("ping")["status"] == "pong"
        assert all_symbols.pending_events() == []


@pytest.mark.parametrize("interval", INTERVALS)
def test_candles_of_every_interval_begin_with_the_open_one(market: Server, interval: str) -> None:
    with client(market, "/ws") as candles:
        reply = candles.ask("subscribe", channel="candles", symbol="BTC-USDT", interval=interval)
        first, second = candles.events(2)
        assert (first["interval"], first["seq"]) == (interval, reply["seq"])
        start_us = first["start"]
        assert isinstance(start_us, int)
        assert INTERVALS[interval].start_of(start_us) == start_us
        assert second["seq"] == int(str(first["seq"])) + 1


@pytest.mark.parametrize("encoding", ENCODINGS)
def test_closed_candles_resume_without_a_hole(market: Server, encoding: str) -> None:
    asked = {"channel": "candles", "symbol": "BTC-USDT", "interval": "1s", "closed_only": True}
    with client(market, "/ws", encoding) as before:
        reply = before.ask("subscribe", **asked)
        *_, last = before.events(2)
    with client(market, "/ws", encoding) as after:
        place = {"epoch": reply["epoch"], "seq": last["seq"]}
        assert "gap" not in after.ask("subscribe", **asked, resume=place)
        starts = [int(str(event["start"])) for event in (last, *after.events(2))]
    assert [later - earlier for earlier, later in pairwise(starts)] == [1_000_000] * 2
