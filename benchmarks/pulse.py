"""Floorwire as a contestant: the whole server, all features on, with a venue that keeps the rhythm."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from benchmarks.rhythm import LOT, TICK, Rhythm
from floorwire.config import LimitSettings, Settings
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent, Quote, Trade
from floorwire.core.ports import VenueInput, VenueOutput, Wake, Woke
from floorwire.web.server import serve


class Pulse:
    """A venue of bursts of quotes, each another than the last; the rest of the ticker stands still."""

    name = "pulse"

    def __init__(self, rhythm: Rhythm) -> None:
        self._names = rhythm.names
        self._bursts: Iterator[list[str]] = rhythm.bursts()
        self._period_us = round(1_000_000 / rhythm.bursts_per_second)
        self._due_us = 0
        self._move = 0

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """List the symbols, with one trade each so that no field of the ticker is empty."""
        self._due_us = now_us + self._period_us
        listed = tuple(
            Instrument(name, name.partition("-")[0], "USDT", self.name, TICK, LOT) for name in self._names
        )
        opening: list[MarketEvent] = [Listing(listed, now_us), FeedStatus(None, "live", "start", now_us)]
        for name in self._names:
            opening += Trade(name, "1", 64_250_500, 1_234, "buy", now_us), self._quote(name, now_us)
        return [*opening, Wake(self._due_us)]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Publish the next burst; one that comes late does not delay those after it."""
        assert isinstance(happened, Woke)
        self._due_us += self._period_us
        return [*(self._quote(name, now_us) for name in next(self._bursts)), Wake(self._due_us)]

    def _quote(self, symbol: str, now_us: int) -> Quote:
        self._move = (self._move + 1) % 1000
        return Quote(symbol, 64_250_000 + self._move, 12_345, 64_251_000 + self._move, 23_456, now_us)


# As shipped, but that one client may ask as often as it can: round trips of pings are timed.
UNHURRIED = LimitSettings(commands_per_second=1_000_000)

if __name__ == "__main__":
    asked = Rhythm.from_arguments()
    serve(Settings(port=asked.port, echo=True, log_level="warning", limits=UNHURRIED), [Pulse(asked)])
