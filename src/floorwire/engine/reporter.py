"""The reporter: what a market's events mean to the orders of accounts, as a trading venue reports it."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from floorwire.core.commands import Amend, Command, Place
from floorwire.core.reports import Amended, Ended, Filled, Refused, Report, Triggered, Working
from floorwire.engine import events as market


class Reporter:
    """Tells of orders with ids above 0, which are accounts'; ``first_trade`` is the tape's."""

    __slots__ = ("_first_trade",)

    def __init__(self, first_trade: int) -> None:
        self._first_trade = first_trade

    def report(self, events: Iterable[market.Event], ts_us: int) -> list[Report]:
        """Return what happened to accounts' orders, in order."""
        told: list[Report] = []
        for event in events:
            if isinstance(event, market.LevelChanged):
                continue
            if isinstance(event, market.Match):
                if event.maker_id > 0:
                    told.append(self._filled(event, ts_us, is_maker=True))
                if event.taker_id > 0:
                    told.append(self._filled(event, ts_us, is_maker=False))
            elif event.order_id > 0:
                report = _report(event, ts_us)
                if report is not None:
                    told.append(report)
        return told

    def _filled(self, match: market.Match, ts_us: int, is_maker: bool) -> Filled:
        return Filled(
            match.maker_id if is_maker else match.taker_id,
            str(self._first_trade + match.match_id),
            match.price_ticks,
            match.lots,
            match.maker_left if is_maker else match.taker_left,
            "maker" if is_maker else "taker",
            ts_us,
        )


def refused(command: Command, rejected: market.Rejected, ts_us: int) -> Refused:
    """Return the report of a command that the market rejected."""
    action: Literal["place", "amend", "cancel"] = "cancel"
    if isinstance(command, Place):
        action = "place"
    elif isinstance(command, Amend):
        action = "amend"
    return Refused(rejected.order_id, action, rejected.code, ts_us)


def _report(event: market.Event, ts_us: int) -> Report | None:
    if isinstance(event, market.Accepted):
        return Working(event.order_id, ts_us)
    if isinstance(event, market.Cancelled):
        return Ended(event.order_id, event.lots, "cancelled", event.code, ts_us)
    if isinstance(event, market.Amended):
        return Amended(event.order_id, event.price_ticks, event.lots, ts_us)
    if isinstance(event, market.Expired):
        return Ended(event.order_id, event.lots, "expired", None, ts_us)
    if isinstance(event, market.Triggered):
        return Triggered(event.order_id, ts_us)
    return None
