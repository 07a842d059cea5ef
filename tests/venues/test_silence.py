"""A recorded exchange that says nothing for a while: what orders, ages and clocks make of it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from floorwire.connectors import recording
from floorwire.core.market_events import BookChange, Trade, VenueTime
from floorwire.core.ports import Activity, VenueOutput, Wake, Woke
from floorwire.venues.paper import PaperVenue
from tests.venues.driver import SECOND, every, statuses

URL = "wss://ws-feed.exchange.coinbase.com"
START_S = 1_700_000_000
NOW = 5_000_000_000 * SECOND
Json = dict[str, object]


def iso(second: int) -> str:
    return f"2023-11-14T22:{13 + (20 + second) // 60:02}:{(20 + second) % 60:02}.000000Z"


def match(second: int, trade_id: int, at: str | None = None) -> Json:
    return {
        "type": "match",
        "trade_id": trade_id,
        "side": "sell",
        "size": "1",
        "price": "10.01",
        "product_id": "ABC-USD",
        "sequence": trade_id,
        "time": at or iso(second),
    }


def beat(second: int) -> Json:
    return {
        "type": "heartbeat",
        "product_id": "ABC-USD",
        "sequence": 1,
        "last_trade_id": 0,
        "time": iso(second),
    }


SNAPSHOT: Json = {
    "type": "snapshot",
    "product_id": "ABC-USD",
    "bids": [["9.99", "1"]],
    "asks": [["10.01", "3"]],
}


class Player:
    """Plays a recording of these (second, message) in real time, through paper trading."""

    def __init__(self, folder: Path, *frames: tuple[int, Json]) -> None:
        lines = [f"{URL} <-> {START_S}.000000"]
        lines += [f"{START_S + second}.000000: {json.dumps(message)}" for second, message in frames]
        file = folder / "COINBASE.ws.1.0"
        file.write_text("\n".join(lines) + "\n")
        self.venue = PaperVenue(recording.replay(recording.read(file)), latency_us=0)
        self.now_us = NOW
        self._wake_us = NOW
        self.out = self._take(self.venue.start(NOW))

    def play(self, until_s: float) -> list[VenueOutput]:
        """Play up to this second of the recording; return what was said."""
        until_us = NOW + round(until_s * SECOND)
        said: list[VenueOutput] = []
        while self._wake_us <= until_us:
            self.now_us = max(self.now_us, self._wake_us)
            said += self._take(self.venue.receive(Woke(), self.now_us))
        return said

    def _take(self, outputs: Sequence[VenueOutput]) -> list[VenueOutput]:
        wakes = every(outputs, Wake)
        self._wake_us = wakes[-1].at_us if wakes else NOW * 2
        return list(outputs)


def test_a_pause_of_the_exchange_is_told_and_no_order_meets_its_last_prices(tmp_path: Path) -> None:
    beats = [(second, beat(second)) for second in range(1, 6)]
    change: Json = {
        "type": "l2update",
        "product_id": "ABC-USD",
        "changes": [["buy", "9.98", "1"]],
        "time": iso(25),
    }
    player = Player(tmp_path, (1, SNAPSHOT), (2, match(2, 1)), *beats, (25, change), (26, beat(26)))
    player.play(5)
    assert player.venue.prices("ABC-USD").feed == "live"
    pause = player.play(24)
    assert statuses(pause) == [(None, "stale", "silent")]
    assert player.venue.prices("ABC-USD").feed == "stale"
    assert every(pause, Activity) == []
    clocks = every(pause, VenueTime)
    assert clocks
    assert all(clock.is_reckoned for clock in clocks), "time passes, but that is no sign of the exchange"
    again = player.play(25)
    assert statuses(again) == [(None, "live", "heard"), ("ABC-USD", "live", "heard")]
    assert player.venue.prices("ABC-USD").feed == "live"
    assert every(again, BookChange), "the link was not lost: the book goes on"


def test_one_trade_an_hour_ahead_moves_no_time(tmp_path: Path) -> None:
    wrong = match(3, 2, at="2023-11-14T23:13:23.000000Z")
    player = Player(tmp_path, (1, SNAPSHOT), (2, match(2, 1)), (3, wrong), (4, match(4, 3)), (8, beat(8)))
    said = player.play(8)
    hour_ahead_us = (START_S + 3600) * SECOND
    assert [trade.ts_us < hour_ahead_us for trade in every(said, Trade)] == [True] * 3
    assert max(clock.ts_us for clock in every(said, VenueTime)) <= (START_S + 8) * SECOND
