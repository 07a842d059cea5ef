"""Matching alone, then with risk and ledger, on one core: commands a second by mixture.

    python benchmarks/matching.py [--commands N] [--rounds N] [--seed N]

The commands are made beforehand against a live market, so that cancels and amends name open orders; then
a fresh market executes them, timed by CPU time with the garbage collector as the server sets it. The best
round counts (the machine's other work can only slow a round down); the median stands beside it. Every mixture
takes out of the book about as much as it puts in, so that the book stays as deep as it opened.
"""

from __future__ import annotations

import argparse
import gc
import random
import statistics
import time
from typing import NamedTuple

from floorwire.core.accounts import Entry
from floorwire.core.commands import Amend, Cancel, Command, Place
from floorwire.core.instrument import Instrument, Side
from floorwire.core.limits import Limits
from floorwire.core.orders import Ticket
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.core.reports import Report
from floorwire.engine.events import Rejected
from floorwire.engine.house import Decision, House, Rules
from floorwire.engine.matching import Matching
from floorwire.engine.reporter import Reporter, refused
from floorwire.web.server import GC_THRESHOLD

SYMBOL = "BTC-USDT"
OPENING = 2_000  # orders that rest before anything else happens


class Mixture(NamedTuple):
    """What share of the commands takes, cancels and amends; the others add."""

    name: str
    takes: float
    cancels: float
    amends: float


MIXTURES = (
    Mixture("realistic", takes=0.10, cancels=0.40, amends=0.0),
    Mixture("realistic with amends", takes=0.08, cancels=0.22, amends=0.40),
    Mixture("adds and cancels only", takes=0.0, cancels=0.48, amends=0.0),
    Mixture("takers' rush", takes=0.40, cancels=0.10, amends=0.0),
)


class Flow:
    """Makes commands that fit the market as it is."""

    def __init__(self, seed: int) -> None:
        self._rng = random.Random(seed)
        self._market = Matching()
        self._ids: list[int] = []
        self._last_id = 0
        self._middle = 100_000

    def make(self, count: int, mixture: Mixture) -> list[Command]:
        """Return so many commands, after those that open the market."""
        commands = [self._keep(self._add()) for _ in range(OPENING)]
        commands += [self._keep(self._next(mixture)) for _ in range(count)]
        return commands

    def _keep(self, command: Command) -> Command:
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

    def _open(self) -> int | None:
        """Take an open order's id out of the list, which may hold filled ones."""
        while self._ids:
            spot = self._rng.randrange(0, len(self._ids))
            self._ids[spot], self._ids[-1] = self._ids[-1], self._ids[spot]
            order_id = self._ids.pop()
            if order_id in self._market.orders:
                return order_id
        return None

    def _cancel(self) -> Command:
        order_id = self._open()
        return self._add() if order_id is None else Cancel(SYMBOL, order_id)

    def _amend(self) -> Command:
        order_id = self._open()
        if order_id is None:
            return self._add()
        self._ids.append(order_id)
        return Amend(SYMBOL, order_id, price_ticks=self._price(self._market.orders[order_id].side))


class Venue:
    """What the house settles with: a market, and a reporter on what it did; time stands still."""

    def __init__(self) -> None:
        self.market = Matching()
        self._reporter = Reporter(0)

    def prices(self, symbol: str) -> Prices:
        """Return the best of both sides, and the last trade's."""
        market = self.market
        return Prices(market.bids.best_ticks(), market.asks.best_ticks(), market.last_ticks, "live")

    def execute(self, command: Command) -> list[Report]:
        """Return what came of the command."""
        events = self.market.execute(command)
        if type(events[0]) is Rejected:
            return [refused(command, events[0], 0)]
        return self._reporter.report(events, 0)


RULES = Rules(
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


def _through_house(commands: list[Command], accounts: int) -> tuple[float, int, House]:
    """Check, match, settle and book them all; return the time that it took and how many entries it made."""
    venue = Venue()
    house = House(RULES, venue.prices)
    names = [f"trader{number}" for number in range(accounts)]
    endow(house, names)
    tickets = [ticket_of(command, names[command.order_id % accounts]) for command in commands]
    ids: dict[int, int] = {}  # the flow's order ids to the house's
    entries = 0
    started = time.process_time()
    for now_us, (command, ticket) in enumerate(zip(commands, tickets, strict=True)):
        try:
            decision = decide(house, command, ticket, names[command.order_id % accounts], ids, now_us)
        except Refusal:
            continue
        entries += len(decision.entries)
        for ordered in decision.commands:
            entries += len(house.settle(venue.execute(ordered), now_us))
    return time.process_time() - started, entries, house


def endow(house: House, names: list[str]) -> list[Entry]:
    """List the instrument and give each account money; return the entries."""
    entries = [*house.list_instruments([INSTRUMENT], 0)]
    for number, name in enumerate(names):
        entries += house.deposit(name, "BTC", "1000000000", 2 * number + 1, 0)
        entries += house.deposit(name, "USDT", "1000000000", 2 * number + 2, 0)
    return entries


def decide(
    house: House, command: Command, ticket: Ticket | None, account: str, ids: dict[int, int], now_us: int
) -> Decision:
    """Return what the house decides; ``ids`` are those it gave the flow's orders. Raises Refusal."""
    if ticket is not None:
        decision = house.place(ticket, now_us)
        if decision.order is not None:
            ids[command.order_id] = decision.order.order_id
        return decision
    order = house.find(account, ids[command.order_id])
    if type(command) is Amend:
        return house.amend(order, now_us, price_ticks=command.price_ticks)
    return house.cancel(order)


def ticket_of(command: Command, account: str) -> Ticket | None:
    """Return what a place asks for in the account's name; None for other commands."""
    if type(command) is not Place:
        return None
    return Ticket(
        account,
        str(command.order_id),
        SYMBOL,
        command.side,
        "market" if command.price_ticks is None else "limit",
        command.lots,
        price_ticks=command.price_ticks,
        time_in_force=command.time_in_force,
    )


def _round(commands: list[Command]) -> tuple[float, int, Matching]:
    market = Matching()
    execute = market.execute
    events = 0
    started = time.process_time()
    for command in commands:
        events += len(execute(command))
    return time.process_time() - started, events, market


def _row(mixture: Mixture, count: int, rounds: int, seed: int) -> str:
    commands = Flow(seed).make(count, mixture)
    spent = []
    for _ in range(rounds):
        seconds, events, market = _round(commands)
        spent.append(seconds)
    best, median = len(commands) / min(spent), len(commands) / statistics.median(spent)
    return (
        f"{mixture.name:<22} {best:>12,.0f} {median:>12,.0f} {1e6 * min(spent) / len(commands):>9.2f}"
        f" {events / len(commands):>9.2f} {market.matches:>9,} {len(market.orders):>8,}"
        f" {len(market.bids.keys) + len(market.asks.keys):>7,}"
    )


def _house_row(mixture: Mixture, count: int, rounds: int, seed: int, accounts: int = 100) -> str:
    commands = Flow(seed).make(count, mixture)
    spent = []
    for _ in range(rounds):
        seconds, entries, house = _through_house(commands, accounts)
        spent.append(seconds)
    best, median = len(commands) / min(spent), len(commands) / statistics.median(spent)
    return (
        f"{mixture.name:<22} {best:>12,.0f} {median:>12,.0f} {1e6 * min(spent) / len(commands):>9.2f}"
        f" {entries / len(commands):>9.2f} {'conserved' if house.conserved() else 'LOST MONEY':>9}"
    )


def main() -> None:
    """Print one line a mixture."""
    parser = argparse.ArgumentParser(description="Matching alone, on one core: commands a second.")
    parser.add_argument("--commands", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    gc.set_threshold(*GC_THRESHOLD)
    print(
        f"{'mixture':<22} {'best /s':>12} {'median /s':>12} {'us/cmd':>9} {'events/c':>9}"
        f" {'matches':>9} {'resting':>8} {'levels':>7}"
    )
    for mixture in MIXTURES:
        print(_row(mixture, options.commands, options.rounds, options.seed))
    print(f"{'with risk and ledger':<22} {'best /s':>12} {'median /s':>12} {'us/cmd':>9} {'entries/c':>9}")
    for mixture in MIXTURES:
        print(_house_row(mixture, options.commands, options.rounds, options.seed))


if __name__ == "__main__":
    main()
