"""Property: whatever happens, stored candles are those of the stored trades, in every interval."""

from __future__ import annotations

import asyncio
import shutil
import tempfile
from pathlib import Path

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.market_events import FeedStatus, Listing, MissingTrade, Trade, VenueTime
from floorwire.core.market_history import StoredTrade
from tests.history import market
from tests.history.market import SECOND_US, SYMBOL, publish

MINUTE_US = 60 * SECOND_US
DAY_US = 86_400 * SECOND_US
# The last seconds of a week, of a February with 29 days, of a year.
EDGES_US = [1_709_510_399_000_000, 1_709_251_199_000_000, 1_735_689_599_000_000]

steps = st.sampled_from([("0.5", "0.001"), ("0.2", "0.01"), ("1", "0.001"), ("0.05", "1")])
gaps_us = st.one_of(
    st.integers(0, 1_500_000),
    st.sampled_from([MINUTE_US, 45 * MINUTE_US, DAY_US, 8 * DAY_US, 40 * DAY_US]),
)


class StoreMachine(RuleBasedStateMachine):
    """A store that is written, closed, killed and opened again while a market goes on."""

    @initialize(at_us=st.sampled_from(EDGES_US))
    def start(self, at_us: int) -> None:
        self.loop = asyncio.new_event_loop()
        self.folder = Path(tempfile.mkdtemp())
        self.now_us = at_us
        self.number = 0
        self.kept: list[tuple[str, str, str]] = []
        """Id, price and size of what has to be there."""
        self.unwritten: list[tuple[str, str, str]] = []
        self.instrument = market.instrument()
        self.copies = 0
        self.path = self.folder / "market.db"
        self.store = market.opened(self.path)
        self.begin()

    def begin(self) -> None:
        market.begin(self.store, self.now_us, self.instrument)

    def do(self, call: object) -> object:
        return self.loop.run_until_complete(call)  # type: ignore[arg-type]

    @rule(
        gap_us=gaps_us,
        trades=st.lists(
            st.tuples(st.integers(-3_000_000, 400_000), st.integers(1, 50), st.integers(1, 1 << 70)),
            min_size=1,
            max_size=12,
        ),
    )
    def trade(self, gap_us: int, trades: list[tuple[int, int, int]]) -> None:
        """Trades come, some of them late."""
        self.now_us += gap_us
        events: list[Trade] = []
        for shift_us, price, size in trades:
            self.number += 1
            ts_us = self.now_us + shift_us
            events.append(Trade(SYMBOL, str(self.number), price, size, "buy", ts_us))
            prices, sizes = self.instrument.price, self.instrument.size
            self.unwritten.append((str(self.number), prices.format(price), sizes.format(size)))
        publish(self.store, *events, VenueTime(self.now_us))

    @rule(count=st.integers(200, 600))
    def burst(self, count: int) -> None:
        """Many trades fill blocks."""
        self.trade(0, [(n % 7, 1 + n % 40, 1 + n) for n in range(count)])

    @rule(steps=steps)
    def change_steps(self, steps: tuple[str, str]) -> None:
        """Tick and lot change."""
        self.instrument = market.instrument(*steps)
        publish(self.store, Listing((self.instrument,), self.now_us))

    @rule(lost=st.booleans())
    def hole(self, lost: bool) -> None:
        """Something is missing."""
        if not lost:
            publish(self.store, MissingTrade(SYMBOL, self.now_us))
            return
        publish(self.store, FeedStatus(None, "stale", "silent", self.now_us))
        publish(
            self.store, FeedStatus(None, "live", "heard", self.now_us), VenueTime(self.now_us + SECOND_US)
        )

    @rule()
    def write(self) -> None:
        """What waits is written."""
        self.do(self.store.extent(SYMBOL))
        self.store.writer.write()
        self.kept += self.unwritten
        self.unwritten = []

    @rule()
    def restart(self) -> None:
        """The server ends in order, and starts."""
        self.store.close()
        self.kept += self.unwritten
        self.unwritten = []
        self.store = market.opened(self.path)
        self.begin()

    @rule()
    def kill(self) -> None:
        """The server is killed: its files are taken as they are. What was not written is lost."""
        self.copies += 1
        copy = self.folder / f"{self.copies}.db"
        with self.store.writer.lock:
            for end in ("", "-wal"):
                source = self.path.with_name(self.path.name + end)
                if source.exists():
                    shutil.copy(source, copy.with_name(copy.name + end))
        self.store.close()
        self.path = copy
        self.store = market.opened(self.path)
        self.begin()
        found = self.read_trades()
        written = [(one.trade_id, one.price, one.size) for one in found]
        everything = self.kept + self.unwritten
        assert len(written) >= len(self.kept)  # the thread may have written more by then
        assert written == everything[: len(written)]
        self.kept, self.unwritten = written, []

    def read_trades(self) -> list[StoredTrade]:
        found = self.do(market.all_trades(self.store))
        assert isinstance(found, list)
        return found

    @invariant()
    def candles_are_those_of_the_trades(self) -> None:
        if not hasattr(self, "store"):
            return
        trades = self.read_trades()
        assert [(one.trade_id, one.price, one.size) for one in trades] == self.kept + self.unwritten
        assert [one.row for one in trades] == sorted({one.row for one in trades})
        for interval in INTERVALS:
            expected = market.counted(trades, interval)
            starts_us = [figures[0] for figures in expected]
            for newest_first in (False, True):
                read = market.stored(self.store, interval, starts_us, newest_first=newest_first)
                assert self.do(read) == expected

    def teardown(self) -> None:
        if hasattr(self, "store"):
            self.store.close()
            self.loop.close()
            shutil.rmtree(self.folder)


TestStoredCandles = StoreMachine.TestCase
TestStoredCandles.settings = settings(
    max_examples=12, stateful_step_count=10, deadline=None, suppress_health_check=list(HealthCheck)
)
