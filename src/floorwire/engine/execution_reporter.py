"""Execution reporter: turns the events of a market into execution reports for the orders of accounts."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Literal

from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Report, Triggered, Working
from floorwire.core.order_commands import Amend, Command, Place
from floorwire.engine.matching_events import (
    Accepted,
    Cancelled,
    Expired,
    LevelChanged,
    MatchingEvent,
    Rejected,
    TradeMatched,
)
from floorwire.engine.matching_events import Amended as MarketAmended
from floorwire.engine.matching_events import Triggered as MarketTriggered


class ExecutionReporter:
    """Reports on orders of accounts, whose ids are above 0. Simulated participants' ids are not.

    ``first_trade`` is the one of the market's ``PublicEvents``: fills and public trades have the same ids.
    """

    __slots__ = ("_first_trade",)

    def __init__(self, first_trade: int) -> None:
        self._first_trade = first_trade

    def report(self, events: Iterable[MatchingEvent], ts_us: int) -> list[Report]:
        """Return the reports of what happened to accounts' orders, in the order of the events."""
        told: list[Report] = []
        for event in events:
            if type(event) is LevelChanged:
                continue
            if type(event) is TradeMatched:
                self._tell_fills(told, event, ts_us)
            elif event.order_id > 0 and type(event) is not Rejected:
                told.append(_report(event, ts_us))
        return told

    def _tell_fills(self, told: list[Report], match: TradeMatched, ts_us: int) -> None:
        """Add the fill of the maker, then of the taker, where they are accounts."""
        maker_id, taker_id = match.maker_id, match.taker_id
        if maker_id > 0 or taker_id > 0:
            trade_id, ticks, lots = str(self._first_trade + match.match_id), match.price_ticks, match.lots
            if maker_id > 0:
                told.append(Filled(maker_id, trade_id, ticks, lots, match.maker_left, "maker", ts_us))
            if taker_id > 0:
                told.append(Filled(taker_id, trade_id, ticks, lots, match.taker_left, "taker", ts_us))


def refused(command: Command, rejected: Rejected, ts_us: int) -> Refused:
    """Return the report for a command that the market rejected."""
    action: Literal["place", "amend", "cancel"] = "cancel"
    if isinstance(command, Place):
        action = "place"
    elif isinstance(command, Amend):
        action = "amend"
    return Refused(rejected.order_id, action, rejected.code, ts_us)


def _report(event: Accepted | Cancelled | MarketAmended | Expired | MarketTriggered, ts_us: int) -> Report:
    if type(event) is Accepted:
        return Working(event.order_id, ts_us)
    if type(event) is Cancelled:
        return Ended(event.order_id, event.lots, "cancelled", event.code, ts_us)
    if type(event) is MarketAmended:
        return Amended(event.order_id, event.price_ticks, event.lots, ts_us)
    if type(event) is Expired:
        return Ended(event.order_id, event.lots, "expired", None, ts_us)
    return Triggered(event.order_id, ts_us)
