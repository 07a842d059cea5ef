"""Matching alone, then with risk and ledger, on one core: commands a second by mixture.

The commands are generated first, against a market of their own, so that cancels and amends name open orders.
Then a fresh market executes them. Time is CPU time, with the garbage collector as the server sets it. Every
mixture removes about as much from the book as it adds, so that the book keeps its depth.
"""

from __future__ import annotations

import gc
import os
import random
import time
from collections.abc import Iterator
from typing import NamedTuple

from benchmarks import machine
from benchmarks.figures import Figure, TargetCheck, table
from floorwire.core.account_events import AccountEntry
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument, Side
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import OrderTicket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine.execution_reporter import ExecutionReporter, refused
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import Rejected
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.web.server import GC_THRESHOLD

SYMBOL = "BTC-USDT"
COMMANDS, SEED = 40_000, 1
OPENING = 2_000  # orders that rest before anything else happens
ALONE_PER_SECOND, WITH_RISK_PER_SECOND = 400_000.0, 150_000.0


class Mixture(NamedTuple):
    """Which share of the commands trade at once, cancel and amend. The others add a resting order."""

    name: str
    takes: float
    cancels: float
    amends: float


MIXTURES = (
    Mixture("realistic: 10% take, 40% cancel, the others add", takes=0.10, cancels=0.40, amends=0.0),
    Mixture("with amends: 8% take, 22% cancel, 40% amend", takes=0.08, cancels=0.22, amends=0.40),
    Mixture("adds and cancels only: 48% cancel", takes=0.0, cancels=0.48, amends=0.0),
    Mixture("takers' rush: 40% take, 10% cancel", takes=0.40, cancels=0.10, amends=0.0),
)


class CommandGenerator:
    """Makes random commands that fit the state of its own market."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._market = Matching()
        self._ids: list[int] = []
        self._last_id = 0
        self._middle = 100_000

    def generate(self, count: int, mixture: Mixture) -> list[Command]:
        """Return ``count`` commands, after ``OPENING`` orders that fill the book."""
        commands = [self._apply(self._add()) for _ in range(OPENING)]
        commands += [self._apply(self._next(mixture)) for _ in range(count)]
        return commands

    def _apply(self, command: Command) -> Command:
        self._market.execute(command)
        return command

    def _next(self, mixture: Mixture) -> Command:
        draw = self._rng.random()
        self._middle += draw < 0.02
        self._middle -= draw > 0.98
        draw = self._rng.random()
        if draw < mixture.takes:
            return self._take()
        if draw < mixture.takes + mixture.cancels:
            return self._cancel()
        if draw < mixture.takes + mixture.cancels + mixture.amends:
            return self._amend()
        return self._add()

    def _price(self, side: Side) -> int:
        distance = int(self._rng.expovariate(1 / 60)) + 1
        return self._middle - distance if side == "buy" else self._middle + distance

    def _number(self) -> int:
        self._last_id += 1
        return self._last_id

    def _side(self) -> Side:
        return "buy" if self._rng.random() < 0.5 else "sell"

    def _add(self) -> Command:
        side = self._side()
        order_id = self._number()
        self._ids.append(order_id)
        return Place(SYMBOL, order_id, order_id % 100, side, self._rng.randrange(1, 100), self._price(side))

    def _take(self) -> Command:
        order_id = self._number()
        lots = self._rng.randrange(1, 100)
        return Place(SYMBOL, order_id, order_id % 100, self._side(), lots, time_in_force="ioc")

    def _pop_open_id(self) -> int | None:
        """Remove a random open order's id from the list and return it. The list may hold filled orders."""
        while self._ids:
            spot = self._rng.randrange(0, len(self._ids))
            self._ids[spot], self._ids[-1] = self._ids[-1], self._ids[spot]
            order_id = self._ids.pop()
            if order_id in self._market.orders:
                return order_id
        return None

    def _cancel(self) -> Command:
        order_id = self._pop_open_id()
        return self._add() if order_id is None else Cancel(SYMBOL, order_id)

    def _amend(self) -> Command:
        order_id = self._pop_open_id()
        if order_id is None:
            return self._add()
        self._ids.append(order_id)
        return Amend(SYMBOL, order_id, price_ticks=self._price(self._market.orders[order_id].side))


class Venue:
    """A market and its execution reports, for the order manager. The time is always 0."""

    def __init__(self) -> None:
        self.market = Matching()
        self._reporter = ExecutionReporter(0)

    def prices(self, symbol: str) -> Prices:
        """Return best bid, best ask and last price."""
        market = self.market
        return Prices(market.bids.best_ticks(), market.asks.best_ticks(), market.last_ticks, "live")

    def execute(self, command: Command) -> list[Report]:
        """Execute a command; return its execution reports."""
        events = self.market.execute(command)
        if type(events[0]) is Rejected:
            return [refused(command, events[0], 0)]
        return self._reporter.report(events, 0)


RULES = TradingRules(
    limits=Limits(
        max_order_notional="10000000",
        max_order_quantity={"BTC": "1000"},
        max_open_orders=100_000,
        orders_per_second=1_000_000,
        max_position={"BTC": "2000000000"},
        price_collar="0.5",
    ),
    maker_ppm=100,
    taker_ppm=250,
)
INSTRUMENT = Instrument(SYMBOL, "BTC", "USDT", "bench", "0.1", "0.001", "0.0001", price_band="0.9")


def _through_order_manager(commands: list[Command], accounts: int) -> tuple[float, int, OrderManager]:
    """Check, match and settle all commands; return CPU seconds, the number of entries, and the manager."""
    venue = Venue()
    order_manager = OrderManager(RULES, venue.prices)
    names = [f"trader{number}" for number in range(accounts)]
    fund_accounts(order_manager, names)
    tickets = [ticket_of(command, names[command.order_id % accounts]) for command in commands]
    ids: dict[int, int] = {}  # from generated order ids to the order manager's
    entries = 0
    started = time.process_time()
    for now_us, (command, ticket) in enumerate(zip(commands, tickets, strict=True)):
        try:
            decision = decide(order_manager, command, ticket, names[command.order_id % accounts], ids, now_us)
        except Refusal:
            continue
        entries += len(decision.entries)
        for ordered in decision.commands:
            entries += len(order_manager.settle(venue.execute(ordered), now_us))
    return time.process_time() - started, entries, order_manager


def fund_accounts(order_manager: OrderManager, names: list[str]) -> list[AccountEntry]:
    """List the instrument and deposit money for each account; return the entries."""
    entries = [*order_manager.list_instruments([INSTRUMENT], 0)]
    for number, name in enumerate(names):
        entries += order_manager.deposit(name, "BTC", "1000000000", 2 * number + 1, 0)
        entries += order_manager.deposit(name, "USDT", "1000000000", 2 * number + 2, 0)
    return entries


def decide(
    order_manager: OrderManager,
    command: Command,
    ticket: OrderTicket | None,
    account: str,
    ids: dict[int, int],
    now_us: int,
) -> OrderDecision:
    """Send a command to the order manager; return its decision. Raises Refusal.

    ``ids`` maps generated order ids to the order manager's.
    """
    if ticket is not None:
        decision = order_manager.place(ticket, Moment(now_us, now_us, now_us))
        if decision.order is not None:
            ids[command.order_id] = decision.order.order_id
        return decision
    order = order_manager.find(account, ids[command.order_id])
    if type(command) is Amend:
        return order_manager.amend(order, Moment(now_us, now_us, now_us), price_ticks=command.price_ticks)
    return order_manager.cancel(order)


def ticket_of(command: Command, account: str) -> OrderTicket | None:
    """Return a place command as an order request of the account; None for other commands."""
    if type(command) is not Place:
        return None
    return OrderTicket(
        account,
        str(command.order_id),
        SYMBOL,
        command.side,
        "market" if command.price_ticks is None else "limit",
        command.lots,
        price_ticks=command.price_ticks,
        time_in_force=command.time_in_force,
    )


def _alone(commands: list[Command]) -> tuple[float, float]:
    """Return the microseconds of a command in matching alone, and how many events one made."""
    market = Matching()
    execute = market.execute
    events = 0
    started = time.process_time()
    for command in commands:
        events += len(execute(command))
    return 1e6 * (time.process_time() - started) / len(commands), events / len(commands)


def _with_risk(commands: list[Command], accounts: int = 100) -> tuple[float, float]:
    """Return the microseconds of a command with risk and ledger, and how many entries one made."""
    seconds, entries, order_manager = _through_order_manager(commands, accounts)
    assert order_manager.conserved(), "money was lost"
    return 1e6 * seconds / len(commands), entries / len(commands)


def compare(rounds: int) -> Iterator[str]:
    """Measure every mixture, alone and with risk in turn; yield the results."""
    mine, thresholds = os.sched_getaffinity(0), gc.get_threshold()
    os.sched_setaffinity(0, {machine.cpu_of_server()})
    gc.set_threshold(*GC_THRESHOLD)
    try:
        rows, figures = [], []
        for mixture in MIXTURES:
            commands = CommandGenerator(SEED).generate(COMMANDS, mixture)
            alone, with_risk = zip(
                *((_alone(commands), _with_risk(commands)) for _ in range(rounds)), strict=True
            )
            figures.append((Figure.of(us for us, _ in alone), Figure.of(us for us, _ in with_risk)))
            rows.append(_row(mixture.name, *figures[-1], alone[0][1], with_risk[0][1]))
    finally:
        os.sched_setaffinity(0, mine)
        gc.set_threshold(*thresholds)
    yield "### Matching, alone and with risk and ledger"
    yield f"{COMMANDS:,} commands of 100 accounts on one core, after {OPENING:,} that rest; CPU time."
    yield table(
        ("mixture", "alone, us", "a second", "events", "with risk and ledger, us", "a second", "entries"),
        rows,
    )
    alone_us, with_risk_us = figures[0]
    yield "\n".join(
        (
            _target("matching, realistic", alone_us, ALONE_PER_SECOND),
            _target("matching with risk and ledger, realistic", with_risk_us, WITH_RISK_PER_SECOND),
        )
    )


def _row(name: str, alone: Figure, with_risk: Figure, events: float, entries: float) -> tuple[str, ...]:
    rates = [f"{1e6 / figure.median:,.0f}" for figure in (alone, with_risk)]
    return name, alone.text(), rates[0], f"{events:.2f}", with_risk.text(), rates[1], f"{entries:.2f}"


def _target(what: str, us: Figure, per_second: float) -> str:
    over = Figure.of(per_second * one / 1e6 for one in us.rounds)
    return TargetCheck(f"{per_second:,.0f} a second over {what}", over, 1.0).text()
