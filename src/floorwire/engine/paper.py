"""Paper: one symbol's orders of accounts, filled against the book and the trades of a market outside.

The market does not know of them, so what they would have done to it is left out; docs/paper.md tells the
model and what it cannot know. Pure and deterministic: events and commands in, reports out.
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
from floorwire.engine.paper_checks import bar, is_sound, limit_key, rests
from floorwire.engine.queue_positions import UNSEEN, QueuedOrder
from floorwire.engine.reference_market import ReferenceMarket
from floorwire.engine.stop_orders import StopOrders
from floorwire.engine.visible_book import VisibleSide


class PaperMatching:
    """One symbol's. Reports come in the order in which things happened, all as of ``now_us``.

    While the feed is not live nothing fills and no stop is triggered: what rests stays, what comes and may
    rest waits until the feed is live again, and what may not rest is refused. A stop whose price is traded
    meanwhile is triggered when the feed is live again.
    """

    __slots__ = ("_asleep", "_now_us", "_orders", "_outside", "_stops", "_told")

    def __init__(self, feed: Feed = "connecting") -> None:
        self._outside = ReferenceMarket(feed)
        self._orders: dict[int, QueuedOrder] = {}
        self._asleep: dict[int, QueuedOrder] = {}
        self._stops = StopOrders()
        self._now_us = 0
        self._told: list[Report] = []

    @property
    def orders(self) -> Mapping[int, QueuedOrder]:
        """The open orders that do not wait for a stop price, by their ids, to read only."""
        return self._orders

    def is_open(self, order_id: int) -> bool:
        """Return whether the order is open here."""
        return order_id in self._orders or order_id in self._stops.waiting

    @property
    def open_count(self) -> int:
        """How many orders are open here."""
        return len(self._orders) + len(self._stops.waiting)

    def prices(self) -> Prices:
        """Return what the venue shows."""
        return self._outside.prices()

    # --- what accounts ask --------------------------------------------------------------------------

    def execute(self, command: Command, now_us: int) -> list[Report]:
        """Return what came of the command. Order ids are the caller's, each placed once."""
        self._now_us = now_us
        if isinstance(command, Place):
            self._place(command)
        elif isinstance(command, Cancel):
            self._cancel(command)
        else:
            self._amend(command)
        self._trigger()
        return self._tell()

    def expire(self, order_id: int, now_us: int) -> list[Report]:
        """End the order, whose time has come; nothing where it is closed."""
        self._now_us = now_us
        if self.is_open(order_id):
            self._end(order_id, "expired", None)
        return self._tell()

    def forget(self, order_id: int) -> None:
        """Take the order out and say nothing of it."""
        order = self._orders.pop(order_id, None)
        if order is None:
            self._stops.remove(order_id)
        elif self._asleep.pop(order_id, None) is None:
            self._outside.lines[order.side].leave(order)

    # --- what the market shows ----------------------------------------------------------------------

    def follow(self, feed: Feed, now_us: int) -> list[Report]:
        """Take in how current the feed is; when it comes to life, so does what waited for that."""
        self._now_us = now_us
        before, self._outside.feed = self._outside.feed, feed
        if feed == "live" != before:
            self._cross()
            asleep, self._asleep = self._asleep, {}
            for order in asleep.values():
                self._wake(order)
            self._trigger()
        return self._tell()

    def show(self, event: BookSnapshot | BookChange, now_us: int) -> list[Report]:
        """Take in what the book is now: queues move up, and what the opposite side crosses fills."""
        self._now_us = now_us
        self._outside.show(event)
        self._cross()
        return self._tell()

    def trade(self, trade: Trade, now_us: int) -> list[Report]:
        """Take in a trade: it fills what it goes through, moves the queue at its price, triggers stops."""
        self._now_us = now_us
        self._outside.last_ticks = trade.price_ticks
        if self._outside.is_live:
            for order, lots in self._outside.trade(trade):
                self._fill(order, order.price_ticks, lots, "maker", trade.trade_id)
            self._trigger()
        else:
            self._stops.reach(trade.price_ticks)
        return self._tell()

    def _cross(self) -> None:
        """Fill what rests where the opposite side has come to its price."""
        if not self._outside.is_live:
            return
        for side, lines in self._outside.lines.items():
            against = self._outside.against(side)
            best_ticks = against.best_ticks()
            if best_ticks and lines:
                for order in lines.down_to(-against.sign * best_ticks):
                    self._meet(order, against)
            against.met()

    def _meet(self, order: QueuedOrder, against: VisibleSide) -> None:
        """Fill a resting order from what is shown against it.

        By what a level grew somebody came to the order: it is the maker, at its own price. What stood there
        before, and was thought to be traded, it takes as it would have at its entry.
        """
        for key, there in against.there(-order.key):
            stood = min(order.open_lots, there - min(there, against.grown(key)))
            self._take_at(order, against, key, stood, "taker")
            self._take_at(order, against, key, min(order.open_lots, there - stood), "maker")
            if not order.open_lots:
                return

    # --- place --------------------------------------------------------------------------------------

    def _place(self, place: Place) -> None:
        code = self._objection(place)
        if code is not None:
            self._told.append(Refused(place.order_id, "place", code, self._now_us))
            return
        self._told.append(Working(place.order_id, self._now_us))
        if place.expires_us is not None and place.expires_us <= self._now_us:
            self._ended(place.order_id, place.lots - place.filled_lots, "expired", None)
        elif place.stop_ticks is not None:
            self._stops.add(place, place.stop_ticks)
        else:
            self._enter(self._order(place))

    def _objection(self, place: Place) -> Code | None:
        """Return why the order may not be placed, None where it may."""
        if not is_sound(place):
            return Code.BAD_REQUEST
        return None if place.stop_ticks is not None else self._bar(place)

    def _bar(self, place: Place) -> Code | None:
        return bar(place, self._outside.against(place.side), self._outside.is_live)

    def _order(self, place: Place) -> QueuedOrder:
        """Return the order that enters, in lots also where it was in money."""
        price_ticks, lots = place.price_ticks, place.lots
        if place.spend is not None:
            against, key = self._outside.against(place.side), -limit_key(place.side, price_ticks)
            more = against.affordable(place.spend, key, price_ticks or place.spend + 1)
            lots = min(lots, place.filled_lots + more)
            if lots != place.lots:
                self._amended(place.order_id, price_ticks or 0, lots)
        return QueuedOrder(
            place.order_id,
            place.side,
            price_ticks or 0,
            limit_key(place.side, price_ticks),
            lots,
            lots - place.filled_lots,
            place.post_only,
            rests(place),
        )

    def _enter(self, order: QueuedOrder) -> None:
        """Let the order take what it may; what is left rests, or is cancelled where it may not."""
        self._orders[order.order_id] = order
        order.ahead = UNSEEN
        if not self._outside.is_live:
            self._asleep[order.order_id] = order
            return
        self._outside.join(order)
        self._take(order)
        if order.open_lots and not order.rests:
            self._end(order.order_id, "cancelled", Code.NO_LIQUIDITY)
        else:
            self._outside.lines[order.side].sight(order.key)

    def _wake(self, order: QueuedOrder) -> None:
        """Let an order that waited for prices enter."""
        against = self._outside.against(order.side)
        if order.post_only and against.reaches(-order.key):
            self._orders.pop(order.order_id)
            self._ended(order.order_id, order.open_lots, "cancelled", Code.POST_ONLY_WOULD_CROSS)
        else:
            self._enter(order)

    def _take(self, order: QueuedOrder) -> None:
        """Fill an order that enters from what is shown against it, at each level's price."""
        against = self._outside.against(order.side)
        for key, there in against.there(-order.key):
            self._take_at(order, against, key, min(there, order.open_lots), "taker")
            if not order.open_lots:
                return

    def _take_at(
        self, order: QueuedOrder, against: VisibleSide, key: int, lots: int, liquidity: Liquidity
    ) -> None:
        """Fill the order from one level: a taker at the level's price, a maker at its own."""
        if lots:
            against.take(key, lots)
            price_ticks = against.sign * key if liquidity == "taker" else order.price_ticks
            trade_id = f"paper-{order.order_id}-{order.lots - order.open_lots}"
            self._fill(order, price_ticks, lots, liquidity, trade_id)

    def _fill(
        self, order: QueuedOrder, price_ticks: int, lots: int, liquidity: Liquidity, trade_id: str
    ) -> None:
        order.open_lots -= lots
        left = order.open_lots
        self._told.append(Filled(order.order_id, trade_id, price_ticks, lots, left, liquidity, self._now_us))
        if not left:
            self.forget(order.order_id)

    # --- stops --------------------------------------------------------------------------------------

    def _trigger(self) -> None:
        """Let in the stops whose price was traded, in the order in which they came."""
        if not self._outside.is_live or not self._outside.last_ticks or not self._stops.waiting:
            return
        last_ticks = self._outside.last_ticks
        for place in self._stops.due(last_ticks, last_ticks):
            self._told.append(Triggered(place.order_id, self._now_us))
            code = self._bar(place)
            if code is None:
                self._enter(self._order(place))
            else:
                self._ended(place.order_id, place.lots - place.filled_lots, "cancelled", code)

    # --- cancel and amend ---------------------------------------------------------------------------

    def _cancel(self, cancel: Cancel) -> None:
        order_id = cancel.order_id
        if self.is_open(order_id):
            self._end(order_id, "cancelled", cancel.code)
        else:
            self._told.append(Refused(order_id, "cancel", Code.UNKNOWN_ORDER, self._now_us))

    def _amend(self, amend: Amend) -> None:
        order, waiting = self._orders.get(amend.order_id), self._stops.waiting.get(amend.order_id)
        known = order or waiting
        if known is None:
            return self._refuse(amend.order_id, Code.UNKNOWN_ORDER)
        price_ticks = known.price_ticks if amend.price_ticks is None else amend.price_ticks
        lots = known.lots if amend.lots is None else amend.lots
        if lots <= 0 or (price_ticks is not None and price_ticks <= 0):
            return self._refuse(amend.order_id, Code.BAD_REQUEST)
        if lots <= (known.filled_lots if isinstance(known, Place) else known.lots - known.open_lots):
            return self._end(amend.order_id, "cancelled", None)
        if isinstance(known, Place):
            self._stops.change(known.order_id, price_ticks, lots)
            return self._amended(known.order_id, price_ticks or 0, lots)
        return self._move(known, price_ticks or known.price_ticks, lots)

    def _move(self, order: QueuedOrder, price_ticks: int, lots: int) -> None:
        """Change the order; it keeps its place where it stays at its price and does not grow."""
        keeps = price_ticks == order.price_ticks and lots <= order.lots
        key, against = limit_key(order.side, price_ticks), self._outside.against(order.side)
        if not keeps and order.post_only and self._outside.is_live and against.reaches(-key):
            return self._refuse(order.order_id, Code.POST_ONLY_WOULD_CROSS)
        self._amended(order.order_id, price_ticks, lots)
        if keeps:
            order.open_lots -= order.lots - lots
            order.lots = lots
            return None
        self.forget(order.order_id)
        open_lots = order.open_lots + lots - order.lots
        changes = {"price_ticks": price_ticks, "key": key, "lots": lots, "open_lots": open_lots}
        return self._enter(msgspec.structs.replace(order, **changes))

    # --- what is told -------------------------------------------------------------------------------

    def _end(self, order_id: int, state: Literal["cancelled", "expired"], code: Code | None) -> None:
        """Take the open order out, and say what was left of it."""
        order, waiting = self._orders.get(order_id), self._stops.waiting.get(order_id)
        lots = 0 if waiting is None else waiting.lots - waiting.filled_lots
        self.forget(order_id)
        self._ended(order_id, lots if order is None else order.open_lots, state, code)

    def _ended(
        self, order_id: int, lots: int, state: Literal["cancelled", "expired"], code: Code | None
    ) -> None:
        self._told.append(Ended(order_id, lots, state, code, self._now_us))

    def _amended(self, order_id: int, price_ticks: int, lots: int) -> None:
        self._told.append(Amended(order_id, price_ticks, lots, self._now_us))

    def _refuse(self, order_id: int, code: Code) -> None:
        self._told.append(Refused(order_id, "amend", code, self._now_us))

    def _tell(self) -> list[Report]:
        told, self._told = self._told, []
        return told
