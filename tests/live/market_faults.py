"""Injects faults into the prices of a fake exchange, and compares what the feed tells with its books.

    python -m tests.live.market_faults --faults 2000 --seed 1 --face binance

A round is some faults of frames of two markets, then one of a link or a request. The other markets must not
notice the faults of frames. After each round every book is compared with the exchange's own. While a book is
live it has to be a state that the exchange's book had, no older than a few seconds. With ``--by-socket`` a
book is what a client of a whole gateway has of it, over a WebSocket.

Waits and bans of minutes take no time: the clocks of both sides are set ahead while a round heals.
"""

from __future__ import annotations

import argparse
import asyncio
import logging
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from random import Random

import structlog

from floorwire.bus.local import LocalBus
from floorwire.clock import Clock
from floorwire.connectors import recording
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.stream_interest import StreamInterest
from floorwire.ops.stats import Stats
from floorwire.venue_feed import VenueFeed
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.serving import running
from tests.live.beside import beside
from tests.live.market_books import BookHistory, WatchedFeed
from tests.live.market_client import client_of
from tests.live.market_faces import FACES, MIDS_E8, MarketFace, filled_in
from tests.live.market_flow import WalkingFlow

PREFIX = "here:"
STALE_S = 10
STEP_S = 0.06
FRAMES_A_ROUND = 12
VICTIMS = 2
MOST_BANS = 2
PATIENCE_S = 60.0
SECOND_US = 1_000_000
FRAME_KINDS = ("drop", "duplicate", "reorder", "corrupt")
LINK_KINDS = (
    "disconnect", "cut_frame", "cut_snapshot", "delay", "half_open", "too_many_requests", "ban",
    "lose_request", "maintenance", "restart_ids",
)  # fmt: skip
ENDS_LINK = ("disconnect", "cut_frame", "cut_snapshot", "half_open", "maintenance")
"""Faults that every book has to announce."""


class FaultRun:
    """One face, the feed that follows it, and the faults."""

    def __init__(self, face: MarketFace, seed: int, *, by_socket: bool = False) -> None:
        """``by_socket``: the books are those of a client of a whole gateway, over a WebSocket."""
        self.face = face
        self.faults: Counter[str] = Counter()
        self.problems: list[str] = []
        self.fake = face.make()
        self.markets = list(self.fake.core.markets.values())
        self._random = Random(seed)
        self._flows = [
            WalkingFlow(self.fake.core, one.symbol, MIDS_E8[one.base] // one.tick_e8, seed)
            for one in self.markets
        ]
        self._is_trading = True
        self._compared = face.depth
        """How many levels of a side are compared after each round."""
        self._by_socket = by_socket
        history = BookHistory(self.fake.core, face.depth)
        self.feed = WatchedFeed(self.markets, history, "" if by_socket else PREFIX)

    @property
    def skipped(self) -> Counter[str]:
        """What the adapter left out, by reason."""
        return Counter(self._skipped())

    _skipped: Callable[[], dict[str, int]] = staticmethod(dict)

    @asynccontextmanager
    async def following(self) -> AsyncIterator[None]:
        """Run the exchange, others who trade there, and the feed."""
        async with running(self.fake), self._feeding(), beside(self._trade()):
            await self._heal("start")
            yield

    def _clock(self) -> Clock:
        """Make a clock that is set ahead with the exchange's."""
        return Clock(
            lambda: time.monotonic_ns() + self.fake.skew_us * 1000,
            lambda: time.time_ns() + self.fake.skew_us * 1000,
        )

    @asynccontextmanager
    async def _feeding(self) -> AsyncIterator[None]:
        """Run what the books come from: the feed alone, or a gateway with a client."""
        if self._by_socket:
            async with client_of(self.face.face, self.fake, self.feed, self._clock()):
                yield
        else:
            exchange = recording.exchanges()[self.face.face.kind]
            names = [f"{one.base}-{one.quote}" for one in self.markets]
            jitter = Random(1).random
            venue = exchange.venue(names, PREFIX, stale_us=STALE_S * SECOND_US, jitter=jitter)
            venue.name = PREFIX.removesuffix(":")
            self._skipped = lambda: dict(venue.skipped)
            address = f"127.0.0.1:{self.fake.port}"
            route = NetworkRoute(f"ws://{address}", f"http://{address}", proxies={})
            interest = StreamInterest(SECOND_US)
            for symbol in self.feed.books:
                interest.add(symbol, ("book", "quote", "trades"))
            bus = LocalBus()
            bus.subscribe(self.feed.consume)
            connector = VenueConnector(venue.name, route)
            feed = VenueFeed(venue, bus, Stats(), self._clock(), STALE_S * SECOND_US, connector, interest)
            async with beside(feed.run()):
                yield

    async def inject(self, count: int) -> None:
        """Inject so many faults, in rounds."""
        while self.faults.total() < count and not self.problems:
            left = count - self.faults.total()
            await self._frame_round(min(FRAMES_A_ROUND, left))
            if left > FRAMES_A_ROUND and not self.problems:
                await self._link_round(self._random.choice(self._link_kinds()))
        if self.face.depth and not self.problems:
            # What the exchange lets nobody check is right after a whole book.
            await self.fake.disconnect_all()
            self._compared = None
            await self._heal("the end")

    def _link_kinds(self) -> list[str]:
        """Return what can go wrong with a link or a request now."""
        # Each ban is twice as long as the one before. Only where whole books are requested can they lag.
        kinds = [kind for kind in LINK_KINDS if kind != "ban" or self.faults[kind] < MOST_BANS]
        kinds += [] if self.face.snapshot else ["rest_lag"]
        # The others tell new steps with the list alone. Until then levels between known ticks are left out.
        return [*kinds, "change_steps"] if self.face.tells_steps else kinds

    async def _frame_round(self, count: int) -> None:
        before = {symbol: one.losses.copy() for symbol, one in self.feed.books.items()}
        done: Counter[str] = Counter()
        for _ in range(count):
            kind, market = self._random.choice(FRAME_KINDS), self._victim()
            await self._frame_fault(kind, market)
            done[kind] += 1
            await asyncio.sleep(self._random.random() * 0.1)
        self.faults += done
        # The frame that is kept back by a reordering overtakes nothing any more after this.
        await self._heal(f"round of {dict(done)}")
        if not self.face.is_numbered_by_link:
            for symbol in list(self.feed.books)[VICTIMS:]:
                lost = self.feed.books[symbol].losses - before[symbol]
                if lost:
                    self.problems.append(f"{symbol} had no fault and was disturbed: {dict(lost)}")

    async def _frame_fault(self, kind: str, market: Market) -> None:
        faults, text = self.fake.faults, filled_in(self.face.change, market)
        match kind:
            case "drop":
                faults.drop_frame(text)
            case "duplicate":
                faults.duplicate_frame(text)
            case "reorder":
                faults.reorder_frames(text)
            case _:
                faults.corrupt_frame(text)
        await self._used_up()

    async def _link_round(self, kind: str) -> None:
        fake, market = self.fake, self._victim()
        before = {symbol: one.losses.total() for symbol, one in self.feed.books.items()}
        match kind:
            case "disconnect":
                await fake.disconnect_all()
            case "cut_frame":
                fake.faults.cut_frame(filled_in(self.face.change, market))
                await self._used_up()
            case "cut_snapshot":
                if self.face.snapshot:
                    fake.faults.cut_frame(filled_in(self.face.snapshot, market))
                else:
                    fake.faults.cut_answer(self.face.snapshot_path)
                await fake.disconnect_all()
            case "delay":
                fake.faults.delay_frames(0.2 + self._random.random() * 2)
                await asyncio.sleep(2)
                fake.faults.delay_frames(0)
            case "half_open":
                fake.faults.half_open()
                await asyncio.sleep(0.3)
                for _ in range(30):  # longer than any of them takes to give a silent link up
                    await self._set_ahead(3, 0.1)
                fake.faults.half_open(is_half_open=False)
            case "too_many_requests" | "lose_request":
                if kind == "lose_request":
                    fake.faults.lose_request(self.face.snapshot_path)
                else:
                    fake.faults.too_many_requests(self.face.snapshot_path)
                await self._frame_fault("drop", market)
            case "ban":
                fake.faults.ban(self.face.list_path)
                await self._set_ahead(601, 1.5)  # The list is requested again.
            case "maintenance":
                fake.start_maintenance()
                await fake.disconnect_all()
                await asyncio.sleep(1)
                fake.end_maintenance()
            case "restart_ids":
                fake.restart_ids(market.symbol)
                await asyncio.sleep(0.5)  # Until a change with new ids came.
            case "change_steps":
                await self._change_steps(market)
            case "rest_lag":
                fake.queries.freeze()
                await self._frame_fault("drop", market)
                await asyncio.sleep(1)
                fake.queries.thaw()
        self.faults[kind] += 1
        await self._heal(kind)
        for symbol, one in self.feed.books.items():
            if kind in ENDS_LINK and one.losses.total() == before[symbol]:
                self.problems.append(f"{symbol} did not announce: {kind}")

    async def _change_steps(self, market: Market) -> None:
        """Let the tick be ten times as large, or as it was. Others go on with the new one."""
        coarse = UNIT // 10
        tick_e8 = UNIT // 100 if market.tick_e8 == coarse else coarse
        self.fake.change_steps(market.symbol, tick_e8, market.step_e8)
        at = self.markets.index(market)
        mid_ticks = MIDS_E8[market.base] // tick_e8
        self._flows[at] = WalkingFlow(self.fake.core, market.symbol, mid_ticks, self.faults.total())
        await asyncio.sleep(0.5)

    def _victim(self) -> Market:
        return self._random.choice(self.markets[:VICTIMS])

    async def _used_up(self) -> None:
        """Wait until the fault was made: its frame may come only after the link is up again."""
        begin = time.monotonic()
        while self.fake.faults.frames:
            waited_s = time.monotonic() - begin
            if waited_s > PATIENCE_S or self.feed.problems:
                self.problems.append(f"no frame came for {self.fake.faults.frames}")
                return
            await self._set_ahead(self._leap_s(waited_s), 0.02 if waited_s < 1 else 0.25)

    def _leap_s(self, waited_s: float) -> int:
        """Return by how much to set the clocks ahead, after so long in vain."""
        if any(self.feed.is_live(symbol) for symbol in self.feed.books):
            return 2 if waited_s > 1 else 0  # A link that is up must not become silent by that.
        if waited_s > 5:
            return 600
        return 10 if waited_s > 0.3 else 0

    async def _set_ahead(self, seconds: float, wait_s: float) -> None:
        """Let time pass for both sides."""
        self.fake.skew_us += int(seconds * SECOND_US)
        await asyncio.sleep(wait_s)

    async def _heal(self, what: str) -> None:
        """Wait until every book is live, then stop the trading for a moment and compare all."""
        begin = time.monotonic()
        while not self.feed.problems:
            waited_s = time.monotonic() - begin
            is_live = all(self.feed.is_live(symbol) for symbol in self.feed.books)
            if is_live and not await self._differing():
                break
            if waited_s > PATIENCE_S:
                states = [(s, self.feed.is_live(s), o.reason) for s, o in self.feed.books.items()]
                self.problems.append(f"after {what}: never right again: {states}")
                break
            await self._set_ahead(self._leap_s(waited_s), 0.25)
        self.fake.faults.requests.clear()
        self.fake.faults.frames.clear()
        self.problems += [f"{problem} (in or after {what})" for problem in self.feed.problems]

    async def _differing(self) -> list[str]:
        """Return which books differ from the exchange's while nobody trades."""
        self._is_trading = False
        try:
            for _ in range(10):
                await asyncio.sleep(0.08)
                differing = self.feed.differing(self._compared)
                if not differing:
                    break
        finally:
            self._is_trading = True
        return differing

    async def _trade(self) -> None:
        while True:
            await asyncio.sleep(STEP_S)
            self.feed.check_all()
            if self._is_trading:
                for flow in self._flows:
                    flow.step()


async def run(face: MarketFace, count: int, seed: int, *, by_socket: bool = False) -> FaultRun:
    """Inject so many faults at one face."""
    faults = FaultRun(face, seed, by_socket=by_socket)
    async with faults.following():
        await faults.inject(count)
    return faults


def table(done: FaultRun, seconds: float) -> str:
    """Return what was done, for people."""
    lines = [
        f"{done.face}: {done.faults.total()} faults in {seconds:.0f} s, whole books: {done.feed.resyncs}"
    ]
    lines += [f"  {kind:20}{number:6}" for kind, number in sorted(done.faults.items())]
    losses = sum((one.losses for one in done.feed.books.values()), Counter[str]())
    lines += [f"  told: {reason:14}{number:6}" for reason, number in sorted(losses.items())]
    lines += [
        f"  left out: {reason:10}{number:6}" for reason, number in sorted(done.skipped.items()) if number
    ]
    return "\n".join([*lines, *(f"  WRONG: {problem}" for problem in done.problems[:20])])


def main() -> None:
    """Run the faces that are named, one after the other."""
    parser = argparse.ArgumentParser(description="Inject faults into the prices of the fake exchange.")
    parser.add_argument("--faults", type=int, default=200, help="how many at each face")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--by-socket", action="store_true", help="compare the books of a client's WebSocket")
    parser.add_argument("--face", action="append", choices=[str(face) for face in FACES])
    arguments = parser.parse_args()
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.CRITICAL))
    logging.getLogger("asyncio").setLevel(logging.CRITICAL)  # It tells of each link that is gone.
    is_wrong = False
    for face in FACES:
        if not arguments.face or str(face) in arguments.face:
            begin = time.monotonic()
            done = asyncio.run(run(face, arguments.faults, arguments.seed, by_socket=arguments.by_socket))
            print(table(done, time.monotonic() - begin), flush=True)
            is_wrong |= bool(done.problems)
    raise SystemExit(is_wrong)


if __name__ == "__main__":
    main()
