"""The market events that ``benchmarks.backtest`` gives to each backtest engine, and the strategy's figures.

It needs the standard library only: other engines read it in environments of their own. Prices and sizes are
decimal texts.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Final, NamedTuple

FAST: Final = 2 / (200 + 1)
"""The weight of a new price in the fast average; and in the slow one."""
SLOW: Final = 2 / (1_000 + 1)
SIZE: Final = "0.01"
MONEY: Final = 1_000_000
Level = tuple[str, str]


class Quote(NamedTuple):
    """The best bid and ask."""

    ts_ns: int
    bid: str
    bid_size: str
    ask: str
    ask_size: str


class Trade(NamedTuple):
    """A trade; ``side`` is the taker's."""

    ts_ns: int
    price: str
    size: str
    side: str
    trade_id: str


class Book(NamedTuple):
    """Levels that changed, with their new sizes; with ``is_snapshot`` the whole book."""

    ts_ns: int
    is_snapshot: bool
    bids: list[Level]
    asks: list[Level]


Event = Quote | Trade | Book
KINDS: Final = {"quote": Quote, "trade": Trade, "book": Book}
NAMES: Final = {kind: name for name, kind in KINDS.items()}


def write(path: Path, events: list[Event]) -> None:
    """Write the events for the processes of the others."""
    path.write_text(json.dumps([[NAMES[type(event)], *event] for event in events]))


def read(path: Path) -> list[Event]:
    """Return the events that ``write`` wrote."""
    return [KINDS[name](*fields) for name, *fields in json.loads(path.read_text())]


class Averages:
    """Two moving averages of the price between bid and ask: the strategy of all contestants."""

    def __init__(self) -> None:
        self.fast: float | None = None
        self.slow = 0.0

    def is_up(self, bid: float, ask: float) -> bool:
        """Take the next price; return whether the fast average is above the slow one."""
        price = (bid + ask) / 2
        if self.fast is None:
            self.fast = self.slow = price
        self.fast += (price - self.fast) * FAST
        self.slow += (price - self.slow) * SLOW
        return self.fast > self.slow


class Result(NamedTuple):
    """What one run gave."""

    seconds: float
    """Of CPU time, from the first event to the last one, with all events in memory before."""
    events: int
    fills: int


def print_result(result: Result) -> None:
    """Tell the benchmark."""
    print(json.dumps(result))
