"""One fake exchange, the feed that follows it, and faults in rounds: what ``market_faults`` runs.

Waits take no time (``tests/skipping_loop.py``). Where minutes pass, the clocks of both sides are set ahead
instead: what happens every tenth of a second need not happen thousands of times.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.connectors import recording
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.stream_interest import StreamInterest
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.ops.stats import Stats
from tests.fake_exchange.market import Market
from tests.fake_exchange.serving import running
from tests.live.beside import beside
from tests.live.market_books import BookHistory, WatchedFeed
from tests.live.market_client import INTERVALS_US, client_of
from tests.live.market_faces import MIDS_E8, MarketFace
from tests.live.market_flow import WalkingFlow
from tests.live.market_prices import ClientPrices, TradedCandles
from tests.skipping_loop import SkippingLoop

PREFIX = "here:"
STALE_S = 10
STEP_S = 0.06
VICTIMS = 2
PATIENCE_S = 60.0
SECOND_US = 1_000_000
LEAP_S = 2
"""By how much clocks are set ahead at once while links are up: none of them may seem silent by that."""
BETWEEN_LEAPS_S = 0.25
"""Some books of Binance, each 0.1 s, come in between: one that is 5 s behind its best prices has ended."""


class MarketFaultRun:
    """One face, the feed that follows it, others who trade there, and time."""

    def __init__(self, face: MarketFace, seed: str, *, by_socket: bool = False) -> None:
        """``by_socket``: the books are those of a client of a whole gateway, over a WebSocket."""
        self.face = face
        self.faults: Counter[str] = Counter()
        self.problems: list[str] = []
        loop = asyncio.get_running_loop()
        assert isinstance(loop, SkippingLoop)
        self._loop: SkippingLoop = loop
        self.fake = face.make()
        # before anybody trades: on a busy machine the loop's date is behind that of the machine
        self.fake.date_ns = loop.date_ns
        self.markets = list(self.fake.core.markets.values())
        self.random = Random(seed)
        self.delisted: set[str] = set()
        """Symbols of the feed that the exchange has delisted now: their books need not be right."""
        self.compared = face.depth
        """How many levels of a side are compared after each round."""
        self.by_socket = by_socket
        self._seed = seed
        self._flows = {one.symbol: self._flow(one, 0) for one in self.markets}
        self._is_trading = True
        history = BookHistory(self.fake.core, face.depth)
        prefix = "" if by_socket else PREFIX
        self.feed = WatchedFeed(self.markets, history, prefix)
        if by_socket:
            traded = TradedCandles(self.fake.core, INTERVALS_US[face.interval])
            for symbol, book in list(self.feed.books.items())[:VICTIMS]:
                self.feed.prices[symbol] = ClientPrices(book.symbol, traded, has_day=face.has_day)

    @property
    def skipped(self) -> Counter[str]:
        """What the adapter left out, by reason."""
        return Counter(self._skipped())

    _skipped: Callable[[], dict[str, int]] = staticmethod(dict)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Run the exchange, others who trade there, and the feed."""
        loop = self._loop
        clock = Clock(
            lambda: loop.monotonic_ns() + self.fake.skew_us * 1000,
            lambda: loop.date_ns() + self.fake.skew_us * 1000,
        )
        async with running(self.fake), self._feeding(clock), beside(self._trade()):
            await self.heal("start")
            yield

    @asynccontextmanager
    async def _feeding(self, clock: Clock) -> AsyncIterator[None]:
        """Run what the books come from: the feed alone, or a gateway with a client."""
        if self.by_socket:
            async with client_of(self.face.face, self.fake, self.feed, clock, self.face.interval):
                yield
            return
        exchange = recording.exchanges()[self.face.face.kind]
        names = [f"{one.base}-{one.quote}" for one in self.markets]
        jitter = Random(1).random
        venue = exchange.venue(names, PREFIX, stale_us=STALE_S * SECOND_US, jitter=jitter)
        self._skipped = lambda: dict(venue.skipped)
        address = f"127.0.0.1:{self.fake.port}"
        route = NetworkRoute(f"ws://{address}", f"http://{address}", proxies={})
        interest = StreamInterest(SECOND_US)
        for symbol in self.feed.books:
            interest.add(symbol, ("book", "quote", "trades"))
        bus = LocalBus()
        bus.subscribe(self.feed.consume)
        connector = VenueConnector(venue.name, route)
        feed = VenueFeed(venue, bus, Stats(), clock, STALE_S * SECOND_US, connector, interest)
        async with beside(feed.run()):
            yield

    # --- markets --------------------------------------------------------------------------------------

    def victim(self) -> Market:
        """Return a market that faults are made in. The others must not notice those of one market."""
        return self.random.choice(self.markets[:VICTIMS])

    def symbol_of(self, market: Market) -> str:
        """Return the symbol of the feed."""
        return list(self.feed.books)[self.markets.index(market)]

    def trade_anew(self, market: Market) -> None:
        """Let others begin again in a market: it has other steps, or has opened."""
        self._flows[market.symbol] = self._flow(market, self.faults.total())

    def _flow(self, market: Market, number: int) -> WalkingFlow:
        mid_ticks = MIDS_E8[market.base] // market.tick_e8
        return WalkingFlow(self.fake.core, market.symbol, mid_ticks, f"{self._seed} {number}")

    async def _trade(self) -> None:
        while True:
            await asyncio.sleep(STEP_S)
            self.feed.check_all()
            if self._is_trading:
                for flow in self._flows.values():
                    flow.step()

    # --- time -----------------------------------------------------------------------------------------

    async def set_ahead(self, seconds: float, wait_s: float) -> None:
        """Set the clocks of both sides ahead."""
        self.fake.skew_us += int(seconds * SECOND_US)
        await asyncio.sleep(wait_s)

    async def let_pass(self, seconds: float) -> None:
        """Let time pass so that no link that is up seems silent."""
        for _ in range(int(seconds / LEAP_S) + 1):
            await self.set_ahead(LEAP_S, BETWEEN_LEAPS_S)

    def leap_s(self, waited_s: float) -> int:
        """Return by how much to set the clocks ahead, after so long in vain."""
        if any(self.feed.is_live(symbol) for symbol in self.feed.books):
            return LEAP_S if waited_s > 1 else 0
        if waited_s > 5:
            return 600
        return 10 if waited_s > 0.3 else 0

    async def until(self, is_so: Callable[[], bool], what: str, most_s: float) -> None:
        """Wait until something is so. What takes longer by the clocks of both sides is a problem."""
        begin_us = self.fake.now_us()
        while not is_so() and not self.feed.problems:
            if self.fake.now_us() - begin_us > most_s * SECOND_US:
                self.problems.append(f"{what}: not in {most_s:.0f} s")
                return
            await self.set_ahead(LEAP_S, BETWEEN_LEAPS_S)

    async def used_up(self) -> None:
        """Wait until the fault was made: its frame may come only after the link is up again."""
        begin_s = _now_s()
        while self.fake.faults.frames:
            waited_s = _now_s() - begin_s
            if waited_s > PATIENCE_S or self.feed.problems:
                self.problems.append(f"no frame came for {self.fake.faults.frames}")
                return
            await self.set_ahead(self.leap_s(waited_s), 0.02 if waited_s < 1 else 0.25)

    # --- agreement ------------------------------------------------------------------------------------

    async def heal(self, what: str) -> None:
        """Wait until every book is live, then stop the trading for a moment and compare all."""
        begin_s = _now_s()
        while not self.feed.problems:
            waited_s = _now_s() - begin_s
            if not await self._differing():
                break
            if waited_s > PATIENCE_S:
                states = [(s, self.feed.is_live(s), o.reason) for s, o in self.feed.books.items()]
                self.problems.append(f"after {what}: never right again: {states}")
                break
            await self.set_ahead(self.leap_s(waited_s), 0.25)
        self.fake.faults.requests.clear()
        self.fake.faults.frames.clear()
        self.problems += [f"{problem} (in or after {what})" for problem in self.feed.problems]

    async def compare_prices(self, market: Market, what: str) -> None:
        """Compare ticker and candles of a market, where a client has them, while nobody trades."""
        prices, differences = self.feed.prices.get(self.symbol_of(market)), ["not compared"]
        interval_us = INTERVALS_US[self.face.interval]
        end_us = self.fake.now_us() + 3 * interval_us
        while prices is not None and not self.feed.problems:
            self._is_trading = False
            await asyncio.sleep(1.5)  # longer than exchanges wait with candles
            differences = prices.differences()
            self._is_trading = True
            if not differences:
                return
            if self.fake.now_us() > end_us:
                self.problems.append(f"after {what}: {market.symbol}: {differences}")
                return
            await self.let_pass(interval_us // 10 / SECOND_US)

    async def _differing(self) -> list[str]:
        """Return which books differ from the exchange's while nobody trades."""
        if not all(self.feed.is_live(one) for one in self.feed.books if one not in self.delisted):
            return ["not live"]
        self._is_trading = False
        try:
            for _ in range(10):
                await asyncio.sleep(0.08)
                differing = [one for one in self.feed.differing(self.compared) if one not in self.delisted]
                if not differing:
                    break
        finally:
            self._is_trading = True
        return differing


def _now_s() -> float:
    return asyncio.get_running_loop().time()
