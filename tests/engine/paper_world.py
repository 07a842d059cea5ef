"""A paper market and the market outside, for tests."""

from __future__ import annotations

import msgspec

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Ended, Filled, Refused, Report
from floorwire.core.instrument import Side
from floorwire.core.market_events import BookChange, BookSnapshot, Feed, Level, Trade
from floorwire.core.order_commands import Command, Place
from floorwire.core.orders import TimeInForce
from floorwire.engine.paper_matching import PaperMatching
from floorwire.engine.unattributed_decreases import LATE_US

S = "BTC-USDT"
BIDS: tuple[Level, ...] = ((100, 10), (99, 20), (97, 30))
ASKS: tuple[Level, ...] = ((102, 5), (103, 15), (105, 25))


class World:
    """A paper market and the market outside, whose clock ticks with each event."""

    def __init__(self, feed: Feed = "live") -> None:
        self.paper = PaperMatching()
        self.now_us = 0
        self.snapshot(BIDS, ASKS)
        self.follow(feed)

    def snapshot(self, bids: tuple[Level, ...], asks: tuple[Level, ...]) -> list[Report]:
        self.now_us += 1
        return self.paper.apply_book(BookSnapshot(S, bids, asks, self.now_us), self.now_us)

    def bids(self, *levels: Level, ts_us: int | None = None) -> list[Report]:
        self.now_us += 1
        return self.paper.apply_book(BookChange(S, levels, (), ts_us or self.now_us), self.now_us)

    def asks(self, *levels: Level, ts_us: int | None = None) -> list[Report]:
        self.now_us += 1
        return self.paper.apply_book(BookChange(S, (), levels, ts_us or self.now_us), self.now_us)

    def trade(self, side: Side, price: int, lots: int, ts_us: int | None = None) -> list[Report]:
        self.now_us += 1
        trade = Trade(S, f"t{self.now_us}", price, lots, side, ts_us or self.now_us)
        return self.paper.apply_trade(trade, self.now_us)

    def follow(self, feed: Feed) -> list[Report]:
        self.now_us += 1
        return self.paper.set_feed(feed, self.now_us)

    def ask(self, command: Command) -> list[Report]:
        self.now_us += 1
        return self.paper.execute(command, self.now_us)

    def later(self) -> None:
        """Let so much time go by that no trade can come for what the book showed."""
        self.now_us += LATE_US
        assert self.bids() == []

    def ahead(self, order_id: int) -> int:
        return self.paper.orders[order_id].ahead


def buy(order_id: int, lots: int, price: int | None = None, **terms: object) -> Place:
    return placed("buy", order_id, lots, price, terms)


def sell(order_id: int, lots: int, price: int | None = None, **terms: object) -> Place:
    return placed("sell", order_id, lots, price, terms)


def placed(side: Side, order_id: int, lots: int, price: int | None, terms: dict[str, object]) -> Place:
    tif: TimeInForce = "ioc" if price is None else "gtc"
    return msgspec.structs.replace(Place(S, order_id, 1, side, lots, price, tif), **terms)


def fills(reports: list[Report]) -> list[tuple[int, int, int, str]]:
    """Return the fills as (order, price, lots, liquidity)."""
    return [
        (report.order_id, report.price_ticks, report.lots, report.liquidity)
        for report in reports
        if isinstance(report, Filled)
    ]


def code(reports: list[Report]) -> Code | None:
    """Return why the command was refused or the order ended."""
    last = reports[-1]
    assert isinstance(last, Refused | Ended), last
    return last.code
