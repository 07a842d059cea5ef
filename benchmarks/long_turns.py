"""Long turns: how long one turn of the event loop takes while 100,000 open orders are dealt with.

    python -m benchmarks.long_turns [--orders N] [--accounts N]

Each case starts a whole gateway over a journal with these orders: a start, a start that finishes a mass
cancel, a start after the instrument's tick changed, and a failure of the journal. Printed is the CPU time of
the event loop's thread in the longest turn, so that the thread that reads the journal does not count.
"""

from __future__ import annotations

import argparse
import asyncio
import gc
import random
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import uvloop
from msgspec.structs import replace

from floorwire.app import Gateway
from floorwire.config import RiskSettings, Settings
from floorwire.core.account_events import AccountEntry, MassCancel
from floorwire.core.dates import Moment
from floorwire.core.orders import OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.risk_limits import Limits
from floorwire.engine.trading_rules import TradingRules
from floorwire.ops import logs
from floorwire.storage.journal import JournalError
from floorwire.storage.journal_sqlite import SqliteJournal
from floorwire.trading.account_store import AccountStore
from floorwire.trading.commit_batch import CommitBatch
from floorwire.venues import sim
from floorwire.web.server import GC_THRESHOLD

SYMBOL, LEVELS, BATCH = "BTC-USDT", 200, 4_096
RULES = TradingRules(Limits(price_collar="0.5"))
QUIET_S = 1.0
"""A case goes on for so long after its end, so that nothing of it is missed."""


def settings(folder: Path) -> Settings:
    """Return settings under which an account may have all the orders."""
    risk = RiskSettings(max_open_orders=10_000_000, orders_per_second=10_000_000)
    return Settings(data=str(folder), risk=risk, log_level="error")


def market(**changed: str) -> sim.SimVenue:
    """Return the simulated market; ``changed``: what is different from its usual instrument."""
    (profile,) = sim.venue(random.Random(3), (SYMBOL,))._profiles
    return sim.SimVenue([replace(profile, **changed)], random.Random(3))


async def fill(folder: Path, orders: int, accounts: int, *, has_mass_cancel: bool) -> None:
    """Journal so many open orders, far below the market; and the begin of a mass cancel of all of them."""
    (profile,) = market()._profiles
    instrument = profile.instrument(sim.NAME)
    ticks = int(instrument.price.floor(profile.price))
    with closing(SqliteJournal(folder, 4 * BATCH)) as journal:
        prices = Prices(ticks - 1, ticks + 1, ticks, "live")
        store = AccountStore(journal, RULES, lambda _: prices)
        first, _ = store.opening_records(0)
        journal.append(first, lambda _: None)
        manager, names = store.order_manager, [f"trader{number}" for number in range(accounts)]
        made = [*manager.list_instruments([instrument], 0)]
        for number, name in enumerate(names, 1):
            made += manager.deposit(name, "USDT", "1000000000", number, 0)
        for number in range(orders):
            name, price = names[number % accounts], ticks * 9 // 10 - number % LEVELS
            ticket = OrderTicket(name, f"n{number}", SYMBOL, "buy", "limit", 100, price_ticks=price)
            made += manager.place(ticket, Moment(number, number, number), key="k").entries
            if len(made) >= BATCH:
                await keep(journal, made)
                made = []
        if has_mass_cancel:
            made.append(manager.start_mass_cancel(manager.mass_cancel(MassCancel(), 0)))
        await keep(journal, made)


async def keep(journal: SqliteJournal, entries: list[AccountEntry]) -> None:
    """Append, and wait until that is durable."""
    batch, durable = CommitBatch(), asyncio.Event()
    batch.entries += entries
    journal.append(batch.journal_entries(), lambda _: durable.set())
    await durable.wait()


class Turns:
    """Measures each turn of the event loop, by the CPU time of its thread."""

    def __init__(self) -> None:
        self.longest_us = 0
        self.over_2_ms = 0
        self._began_ns = time.thread_time_ns()
        self._loop = asyncio.get_running_loop()
        self._loop.call_soon(self._turn)

    def _turn(self) -> None:
        now_ns = time.thread_time_ns()
        spent_us = (now_ns - self._began_ns) // 1_000
        self._began_ns = now_ns
        self.longest_us = max(self.longest_us, spent_us)
        self.over_2_ms += spent_us > 2_000
        self._loop.call_soon(self._turn)

    async def until(self, is_over: Callable[[], bool]) -> None:
        """Wait until it is over, at most two minutes. To ask for that does not count."""
        for _ in range(1_200):
            began_ns = time.thread_time_ns()
            found = is_over()
            self._began_ns += time.thread_time_ns() - began_ns
            if found:
                break
            await asyncio.sleep(0.1)
        await asyncio.sleep(QUIET_S)


async def measure(folder: Path, venue: sim.SimVenue, count: int, *, fails: bool = False) -> str:
    """Return one line about a gateway over the folder, until the market has so many orders of accounts."""
    gateway = Gateway(settings(folder), [venue])
    turns = Turns()

    def is_over() -> bool:
        records = gateway.desk.figures().records
        return records is not None and records.open_orders == count == len(resting(venue))

    async with gateway.running():
        started = time.monotonic()
        await turns.until(is_over)
        if fails:
            turns = Turns()
            started = time.monotonic()
            committer = gateway.desk._lifecycle.state.committer
            assert committer is not None
            committer.fail(JournalError("a failure"))
            await turns.until(is_over)
        spent = time.monotonic() - started - QUIET_S
        return (
            f"longest turn {turns.longest_us / 1_000:,.1f} ms, {turns.over_2_ms} turns over 2 ms,"
            f" in all {spent:.1f} s; {len(resting(venue)):,} orders in the market"
        )


def resting(venue: sim.SimVenue) -> list[int]:
    """Return the ids of the accounts' orders in the market."""
    if not venue._reached_us:
        return []
    # The ids of the simulation's own orders are negative.
    return [order_id for order_id in venue._simulation.exchange.markets[SYMBOL].orders if order_id > 0]


def main() -> None:
    """Print one line for each case."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.long_turns", description=__doc__)
    parser.add_argument("--orders", type=int, default=100_000)
    parser.add_argument("--accounts", type=int, default=100)
    options = parser.parse_args()
    logs.configure("error")
    gc.set_threshold(*GC_THRESHOLD)
    cases: tuple[tuple[str, dict[str, str], bool, bool, int], ...] = (
        ("a start without orders", {}, False, False, 0),
        ("a start", {}, False, False, options.orders),
        ("a start that finishes a mass cancel", {}, True, False, 0),
        ("a start with another tick", {"tick_size": "0.2"}, False, False, 0),
        ("a failure of the journal", {}, False, True, options.orders),
    )
    for name, changed, has_mass_cancel, fails, count in cases:
        with tempfile.TemporaryDirectory() as made:
            folder = Path(made)
            orders = 0 if name.endswith("without orders") else options.orders
            uvloop.run(fill(folder, orders, options.accounts, has_mass_cancel=has_mass_cancel))
            print(f"{name}: {uvloop.run(measure(folder, market(**changed), count, fails=fails))}", flush=True)


if __name__ == "__main__":
    main()
