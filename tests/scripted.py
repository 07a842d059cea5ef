"""A gateway over a scripted venue: ``python tests/scripted.py EVENTS_PER_SECOND [name=value ...]``.

Every event has its number in it, so that clients can check what they received. The n-th quote bids n ticks.
The n-th trade has the id n and the price n. The n-th book change sets the size of one level to n + 1.
"""

from __future__ import annotations

import sys

from floorwire import config
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    FeedStatus,
    Listing,
    MarketEvent,
    Quote,
    Trade,
    VenueTime,
)
from floorwire.core.ports import VenueInput, VenueOutput, Wake, Woke
from floorwire.web.server import serve

SYMBOLS = ("BTC-USDT", "ETH-USDT", "DOGE-USDT")
LEVELS = 20
MIDDLE_TICKS = 1_000
STEP_US = 10_000
SECOND_US = 1_000_000


def listing(symbol: str) -> Instrument:
    """Return an instrument whose ticks and lots are whole numbers."""
    base, quote = symbol.split("-")
    return Instrument(symbol, base, quote, "scripted", tick_size="1", lot_size="1", min_notional="10")


def snapshot(symbol: str, now_us: int) -> BookSnapshot:
    """Return a book in which every level has size 1."""
    bids = tuple((MIDDLE_TICKS - distance, 1) for distance in range(1, LEVELS + 1))
    asks = tuple((MIDDLE_TICKS + distance, 1) for distance in range(1, LEVELS + 1))
    return BookSnapshot(symbol, bids, asks, now_us)


class Scripted:
    """A venue in which each symbol has ``per_second`` quotes, trades and book changes, in steps of 10 ms.

    With 0 a second it sends nothing after its start.
    """

    name = "scripted"

    def __init__(self, per_second: int) -> None:
        self._per_second = per_second
        self._started_us = 0
        self._count = 0

    def start(self, now_us: int) -> list[VenueOutput]:
        """List the symbols and send their books."""
        self._started_us = now_us
        return [
            Listing(tuple(map(listing, SYMBOLS)), now_us),
            *(snapshot(symbol, now_us) for symbol in SYMBOLS),
            FeedStatus(None, "live", "synced", now_us),
            *([Wake(now_us + STEP_US)] if self._per_second else ()),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> list[VenueOutput]:
        """Send the events that are due since the last call."""
        assert isinstance(happened, Woke)
        outputs: list[VenueOutput] = [VenueTime(now_us)]
        due = (now_us - self._started_us) * self._per_second // SECOND_US
        while self._count < due:
            self._count += 1
            for symbol in SYMBOLS:
                outputs += events(symbol, self._count, now_us)
        return [*outputs, Wake(now_us + STEP_US)]


def events(symbol: str, count: int, ts_us: int) -> tuple[MarketEvent, ...]:
    """Return the events of a symbol with the number ``count``."""
    bid_ticks = MIDDLE_TICKS - 1 - count % LEVELS
    return (
        Quote(symbol, count, 1, count + 1, 1, ts_us),
        Trade(symbol, str(count), count, 1, "buy", ts_us),
        BookChange(symbol, ((bid_ticks, count + 1),), (), ts_us),
    )


if __name__ == "__main__":
    _, rate, *assignments = sys.argv
    serve(config.load(assignments=["port=0", *assignments]), [Scripted(int(rate))])
