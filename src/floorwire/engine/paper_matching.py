"""Paper matching: fills the orders of one symbol against the book and the trades of another venue.

The venue does not know these orders, so their effect on it is left out. docs/paper.md describes the model and
its limits. Pure and deterministic: market events and commands in, execution reports out.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Literal

import msgspec

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Report, Triggered, Working
from floorwire.core.market_events import BookChange, BookSnapshot, Feed, Trade
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import Liquidity
from floorwire.core.ports import Prices
from floorwire.engine.paper_checks import entry_refusal_code, is_well_formed, limit_key, may_rest
from floorwire.engine.queue_positions import UNSEEN, QueuedOrder
from floorwire.engine.reference_market import ReferenceMarket
from floorwire.engine.stop_orders import StopOrders
from floorwire.engine.visible_book import VisibleSide


class PaperMatching:
    """One symbol. Reports come in the order in which things happened, all with the time ``now_us``.

    While the feed is not live nothing fills and no stop is triggered. Resting orders stay. A new order that
    may rest is suspended until the feed is live; one that may not rest is refused. A stop whose price is
    traded meanwhile is triggered when the feed is live again.
    """

    __slots__ = ("_now_us", "_orders", "_reference", "_reports", "_stops", "_suspended")

    def __init__(self, feed: Feed = "connecting") -> None:
        self._reference = ReferenceMarket(feed)
        self._orders: dict[int, QueuedOrder] = {}
        """Open orders that are no stops, or triggered ones, by id."""
        self._suspended: dict[int, QueuedOrder] = {}
        """Those of ``_orders`` that wait for a live feed."""
        self._stops = StopOrders()
        self._now_us = 0
        self._reports: list[Report] = []
        """The reports of the current call."""

    @property
    def orders(self) -> Mapping[int, QueuedOrder]:
        """The open orders that do not wait for a stop price, by id, read-only."""
        return self._orders

    def is_open(self, order_id: int) -> bool:
        """Return whether the order is open here."""
        return order_id in self._orders or order_id in self._stops.waiting

    @property
    def open_count(self) -> int:
        """How many orders are open here."""
        return len(self._orders) + len(self._stops.waiting)

    def prices(self) -> Prices:
        """Return the prices that the venue shows."""
        return self._reference.prices()

    # --- commands --------------------------------------------------------------------------

    def execute(self, command: Command, now_us: int) -> list[Report]:
        """Execute the command; return its reports. The caller gives each order a new id."""
        self._now_us = now_us
        if isinstance(command, Place):
            self._place(command)
        elif isinstance(command, Cancel):
            self._cancel(command)
        else:
            self._amend(command)
        self._trigger_stops()
        return self._pop_reports()

    def expire(self, order_id: int, now_us: int) -> list[Report]:
        """Expire the order, whose time has come; return the reports, none if it is closed."""
        self._now_us = now_us
        if self.is_open(order_id):
            self._end(order_id, "expired", None)
        return self._pop_reports()

    def remove(self, order_id: int) -> None:
        """Remove the order without a report."""
        order = self._orders.pop(order_id, None)
        if order is None:
            self._stops.remove(order_id)
        elif self._suspended.pop(order_id, None) is None:
            self._reference.queues[order.side].remove(order)

    # --- market data ----------------------------------------------------------------------

    def set_feed(self, feed: Feed, now_us: int) -> list[Report]:
        """Set how current the feed is. When it becomes live, suspended orders enter and stops trigger."""
        self._now_us = now_us
        before, self._reference.feed = self._reference.feed, feed
        if feed == "live" != before:
            self._fill_crossed()
            suspended, self._suspended = self._suspended, {}
            for order in suspended.values():
                self._activate(order)
            self._trigger_stops()
        return self._pop_reports()

    def forget_last_trade(self) -> None:
        """Forget the last trade's price: later trades are not known."""
        self._reference.last_ticks = 0

    def apply_book(self, event: BookSnapshot | BookChange, now_us: int) -> list[Report]:
        """Apply a change of the venue's book: queues move up, and orders that it crosses are filled."""
        self._now_us = now_us
        self._reference.apply_book(event)
        self._fill_crossed()
        return self._pop_reports()

    def apply_trade(self, trade: Trade, now_us: int) -> list[Report]:
        """Apply a venue's trade: it fills orders that it goes through, moves queues and triggers stops."""
        self._now_us = now_us
        self._reference.last_ticks = trade.price_ticks
        if self._reference.is_live:
            for order, lots in self._reference.apply_trade(trade):
                self._fill(order, order.price_ticks, lots, "maker", trade.trade_id)
            self._trigger_stops()
        else:
            self._stops.mark_reached(trade.price_ticks)
        return self._pop_reports()

    def _fill_crossed(self) -> None:
        """Fill resting orders whose price the opposite side has reached."""
        if not self._reference.is_live:
            return
        for side, queue in self._reference.queues.items():
            against = self._reference.opposite(side)
            best_ticks = against.best_ticks()
            if best_ticks and queue:
                for order in queue.down_to(-against.sign * best_ticks):
                    self._fill_resting(order, against)
            against.reset_growth()

    def _fill_resting(self, order: QueuedOrder, against: VisibleSide) -> None:
        """Fill a resting order from the opposite side of the book.

        By what a level grew, others came to our order: it is the maker, at its own price. Lots that were
        there before, and were thought to be traded, it takes at the level's price, as it would have on entry.
        """
        for key, available in against.available(-order.key):
            stood = min(order.open_lots, available - min(available, against.grown_lots(key)))
            self._fill_from_level(order, against, key, stood, "taker")
            self._fill_from_level(order, against, key, min(order.open_lots, available - stood), "maker")
            if not order.open_lots:
                return

    # --- place --------------------------------------------------------------------------------------

    def _place(self, place: Place) -> None:
        code = self._refusal_code(place)
        if code is not None:
            self._reports.append(Refused(place.order_id, "place", code, self._now_us))
            return
        self._reports.append(Working(place.order_id, self._now_us))
        if place.expires_us is not None and place.expires_us <= self._now_us:
            self._report_end(place.order_id, place.lots - place.filled_lots, "expired", None)
        elif place.stop_ticks is not None:
            self._stops.add(place, place.stop_ticks)
        else:
            self._match_or_rest(self._order(place))

    def _refusal_code(self, place: Place) -> Code | None:
        """Return why the order may not be placed, None if it may."""
        if not is_well_formed(place):
            return Code.BAD_REQUEST
        return None if place.stop_ticks is not None else self._entry_refusal_code(place)

    def _entry_refusal_code(self, place: Place) -> Code | None:
        return entry_refusal_code(place, self._reference.opposite(place.side), self._reference.is_live)

    def _order(self, place: Place) -> QueuedOrder:
        """Return the order that enters. An amount of money is converted to lots."""
        price_ticks, lots = place.price_ticks, place.lots
        if place.spend is not None:
            against, key = self._reference.opposite(place.side), -limit_key(place.side, price_ticks)
            more = against.affordable_lots(place.spend, key, price_ticks or place.spend + 1)
            lots = min(lots, place.filled_lots + more)
            if lots != place.lots:
                self._report_amended(place.order_id, price_ticks or 0, lots)
        return QueuedOrder(
            place.order_id,
            place.side,
            price_ticks or 0,
            limit_key(place.side, price_ticks),
            lots,
            lots - place.filled_lots,
            place.post_only,
            may_rest(place),
        )

    def _match_or_rest(self, order: QueuedOrder) -> None:
        """Match the order. What is left rests, or is cancelled if it may not rest."""
        self._orders[order.order_id] = order
        order.ahead = UNSEEN
        if not self._reference.is_live:
            self._suspended[order.order_id] = order
            return
        self._reference.add(order)
        self._match(order)
        if order.open_lots and not order.may_rest:
            self._end(order.order_id, "cancelled", Code.NO_LIQUIDITY)
        else:
            self._reference.queues[order.side].cap_ahead(order.key)

    def _activate(self, order: QueuedOrder) -> None:
        """Let an order enter that was suspended until the feed is live."""
        against = self._reference.opposite(order.side)
        if order.post_only and against.reaches(-order.key):
            self._orders.pop(order.order_id)
            self._report_end(order.order_id, order.open_lots, "cancelled", Code.POST_ONLY_WOULD_CROSS)
        else:
            self._match_or_rest(order)

    def _match(self, order: QueuedOrder) -> None:
        """Fill an order that enters from the opposite side, at each level's price."""
        against = self._reference.opposite(order.side)
        for key, available in against.available(-order.key):
            self._fill_from_level(order, against, key, min(available, order.open_lots), "taker")
            if not order.open_lots:
                return

    def _fill_from_level(
        self, order: QueuedOrder, against: VisibleSide, key: int, lots: int, liquidity: Liquidity
    ) -> None:
        """Fill the order from one level: a taker at the level's price, a maker at its own."""
        if lots:
            against.consume(key, lots)
            price_ticks = against.sign * key if liquidity == "taker" else order.price_ticks
            trade_id = f"paper-{order.order_id}-{order.lots - order.open_lots}"
            self._fill(order, price_ticks, lots, liquidity, trade_id)

    def _fill(
        self, order: QueuedOrder, price_ticks: int, lots: int, liquidity: Liquidity, trade_id: str
    ) -> None:
        order.open_lots -= lots
        left = order.open_lots
        self._reports.append(
            Filled(order.order_id, trade_id, price_ticks, lots, left, liquidity, self._now_us)
        )
        if not left:
            self.remove(order.order_id)

    # --- stops --------------------------------------------------------------------------------------

    def _trigger_stops(self) -> None:
        """Trigger the stops whose price was traded, in the order in which they were placed."""
        if not self._reference.is_live or not self._reference.last_ticks or not self._stops.waiting:
            return
        last_ticks = self._reference.last_ticks
        for place in self._stops.pop_due(last_ticks, last_ticks):
            self._reports.append(Triggered(place.order_id, self._now_us))
            code = self._entry_refusal_code(place)
            if code is None:
                self._match_or_rest(self._order(place))
            else:
                self._report_end(place.order_id, place.lots - place.filled_lots, "cancelled", code)

    # --- cancel and amend ---------------------------------------------------------------------------

    def _cancel(self, cancel: Cancel) -> None:
        order_id = cancel.order_id
        if self.is_open(order_id):
            self._end(order_id, "cancelled", cancel.code)
        else:
            self._reports.append(Refused(order_id, "cancel", Code.UNKNOWN_ORDER, self._now_us))

    def _amend(self, amend: Amend) -> None:
        order, waiting = self._orders.get(amend.order_id), self._stops.waiting.get(amend.order_id)
        known = order or waiting
        if known is None:
            return self._report_refused_amend(amend.order_id, Code.UNKNOWN_ORDER)
        price_ticks = known.price_ticks if amend.price_ticks is None else amend.price_ticks
        lots = known.lots if amend.lots is None else amend.lots
        if lots <= 0 or (price_ticks is not None and price_ticks <= 0):
            return self._report_refused_amend(amend.order_id, Code.BAD_REQUEST)
        if lots <= (known.filled_lots if isinstance(known, Place) else known.lots - known.open_lots):
            return self._end(amend.order_id, "cancelled", None)
        if isinstance(known, Place):
            self._stops.amend(known.order_id, price_ticks, lots)
            return self._report_amended(known.order_id, price_ticks or 0, lots)
        return self._move(known, price_ticks or known.price_ticks, lots)

    def _move(self, order: QueuedOrder, price_ticks: int, lots: int) -> None:
        """Change the order. It keeps its queue position if the price stays and the quantity does not rise."""
        keeps = price_ticks == order.price_ticks and lots <= order.lots
        key, against = limit_key(order.side, price_ticks), self._reference.opposite(order.side)
        if not keeps and order.post_only and self._reference.is_live and against.reaches(-key):
            return self._report_refused_amend(order.order_id, Code.POST_ONLY_WOULD_CROSS)
        self._report_amended(order.order_id, price_ticks, lots)
        if keeps:
            order.open_lots -= order.lots - lots
            order.lots = lots
            return None
        self.remove(order.order_id)
        open_lots = order.open_lots + lots - order.lots
        changes = {"price_ticks": price_ticks, "key": key, "lots": lots, "open_lots": open_lots}
        return self._match_or_rest(msgspec.structs.replace(order, **changes))

    # --- reports -------------------------------------------------------------------------------

    def _end(self, order_id: int, state: Literal["cancelled", "expired"], code: Code | None) -> None:
        """End the open order and report how many lots were left."""
        order, waiting = self._orders.get(order_id), self._stops.waiting.get(order_id)
        lots = 0 if waiting is None else waiting.lots - waiting.filled_lots
        self.remove(order_id)
        self._report_end(order_id, lots if order is None else order.open_lots, state, code)

    def _report_end(
        self, order_id: int, lots: int, state: Literal["cancelled", "expired"], code: Code | None
    ) -> None:
        self._reports.append(Ended(order_id, lots, state, code, self._now_us))

    def _report_amended(self, order_id: int, price_ticks: int, lots: int) -> None:
        self._reports.append(Amended(order_id, price_ticks, lots, self._now_us))

    def _report_refused_amend(self, order_id: int, code: Code) -> None:
        self._reports.append(Refused(order_id, "amend", code, self._now_us))

    def _pop_reports(self) -> list[Report]:
        reports, self._reports = self._reports, []
        return reports
