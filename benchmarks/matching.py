"""Matching alone, on one core: commands a second by mixture.

    python benchmarks/matching.py [--commands N] [--rounds N] [--seed N]

The commands are made beforehand against a live market, so that cancels and amends name open orders; then
a fresh market executes them, timed by CPU time with the garbage collector on. The best round counts (the
machine's other work can only slow a round down); the median stands beside it. Every mixture takes out of the
book about as much as it puts in, so that the book stays as deep as it opened.
"""

from __future__ import annotations

import argparse
import random
import statistics
import time
from typing import NamedTuple

from floorwire.core.commands import Amend, Cancel, Command, Place
from floorwire.core.instrument import Side
from floorwire.engine.matching import Matching

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


def main() -> None:
    """Print one line a mixture."""
    parser = argparse.ArgumentParser(description="Matching alone, on one core: commands a second.")
    parser.add_argument("--commands", type=int, default=200_000)
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    print(
        f"{'mixture':<22} {'best /s':>12} {'median /s':>12} {'us/cmd':>9} {'events/c':>9}"
        f" {'matches':>9} {'resting':>8} {'levels':>7}"
    )
    for mixture in MIXTURES:
        print(_row(mixture, options.commands, options.rounds, options.seed))


if __name__ == "__main__":
    main()
