"""A market so simple that it is plainly right: one list of orders, searched anew at each step."""

from __future__ import annotations

from dataclasses import dataclass, replace

from msgspec.structs import replace as replace_struct

from floorwire.core.codes import Code
from floorwire.core.instrument import Side
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.engine.matching_events import (
    Accepted,
    Amended,
    Cancelled,
    Expired,
    LevelChanged,
    MatchingEvent,
    Rejected,
    TradeMatched,
    Triggered,
)


@dataclass
class Resting:
    order_id: int
    owner: int
    side: Side
    price: int | None
    lots: int
    open_lots: int
    post_only: bool
    no_self_trade: bool
    expires_us: int | None


class NaiveMatching:
    """Does what ``Matching`` does; level changes are the difference of the book before and after."""

    def __init__(self) -> None:
        self.resting: list[Resting] = []  # in order of time
        self.matches = 0
        self.waiting: list[Place] = []
        self.last = 0
        self.traded: list[int] = []  # the prices of this command's trades, and the last one before

    def execute(self, command: Command) -> list[MatchingEvent]:
        before = self.book()
        self.traded = [self.last] if self.last else []
        events = self._answer(command)
        if not isinstance(command, Cancel):
            events += self._trigger()
        return events + self._changes(before)

    def expire(self, now_us: int) -> list[MatchingEvent]:
        before = self.book()
        open_orders: list[Resting | Place] = [*self.resting, *self.waiting]
        due = [
            (order.expires_us, order.order_id)
            for order in open_orders
            if order.expires_us is not None and order.expires_us <= now_us
        ]
        events: list[MatchingEvent] = []
        for _, order_id in sorted(due):
            cancelled = self._cancel(order_id)[0]
            assert isinstance(cancelled, Cancelled)
            events.append(Expired(order_id, cancelled.lots))
        return events + self._changes(before)

    def _changes(self, before: dict[tuple[Side, int], int]) -> list[MatchingEvent]:
        events: list[MatchingEvent] = []
        after = self.book()
        for side, price in sorted(before.keys() | after.keys()):
            if before.get((side, price)) != after.get((side, price)):
                events.append(LevelChanged(side, price, after.get((side, price), 0)))
        return events

    def _trigger(self) -> list[MatchingEvent]:
        events: list[MatchingEvent] = []
        queue: list[Place] = []
        while True:
            due = [place for place in self.waiting if self.last and self._is_due(place)]
            self.waiting = [place for place in self.waiting if place not in due]
            queue += due
            if not queue:
                return events
            place = queue.pop(0)
            entered = self._place(replace_struct(place, stop_ticks=None))
            if isinstance(entered[0], Rejected):
                entered = [Cancelled(place.order_id, place.lots - place.filled_lots, entered[0].code)]
            else:
                entered = entered[1:]
            events += [Triggered(place.order_id), *entered]

    def _is_due(self, place: Place) -> bool:
        assert place.stop_ticks is not None
        stop, buys = place.stop_ticks, place.side == "buy"
        return any(stop <= price if buys else stop >= price for price in self.traded)

    def book(self) -> dict[tuple[Side, int], int]:
        sizes: dict[tuple[Side, int], int] = {}
        for order in self.resting:
            assert order.price is not None
            sizes[order.side, order.price] = sizes.get((order.side, order.price), 0) + order.open_lots
        return sizes

    def queue(self, side: Side) -> list[Resting]:
        """The side's orders in order of priority; sorting keeps the order of time among equals."""
        ours = [order for order in self.resting if order.side == side]
        return sorted(ours, key=lambda order: -(order.price or 0) if side == "buy" else (order.price or 0))

    def _find(self, order_id: int) -> Resting | None:
        return next((order for order in self.resting if order.order_id == order_id), None)

    def _answer(self, command: Command) -> list[MatchingEvent]:
        match command:
            case Place():
                return self._place(command)
            case Cancel(_, order_id, code):
                return self._cancel(order_id, code)
            case Amend():
                return self._amend(command)

    def _matchable(self, order: Resting) -> list[Resting]:
        if order.side == "buy":
            return [o for o in self.queue("sell") if order.price is None or (o.price or 0) <= order.price]
        return [o for o in self.queue("buy") if order.price is None or (o.price or 0) >= order.price]

    def _place(self, place: Place) -> list[MatchingEvent]:
        order = Resting(
            place.order_id,
            place.owner,
            place.side,
            place.price_ticks,
            place.lots,
            place.lots - place.filled_lots,
            place.post_only,
            place.no_self_trade,
            place.expires_us,
        )
        may_rest = place.time_in_force in ("gtc", "gtd") and place.price_ticks is not None
        other: Side = "sell" if place.side == "buy" else "buy"
        code = None
        prices = (place.price_ticks, place.stop_ticks)
        below_one = order.open_lots < 1 or any(price is not None and price < 1 for price in prices)
        if below_one or (place.post_only and not may_rest):
            code = Code.BAD_REQUEST
        elif place.stop_ticks is not None:
            self.waiting.append(place)
            return [Accepted(place.order_id, place.owner)]
        elif place.post_only and self._matchable(order):
            code = Code.POST_ONLY_WOULD_CROSS
        elif (place.price_ticks is None and not self.queue(other)) or (
            place.spend is not None and not self._bought(order, place.spend)[0]
        ):
            code = Code.NO_LIQUIDITY
        elif place.time_in_force == "fok" and self._fillable(order) < order.open_lots:
            code = Code.FOK_UNFILLED
        if code is not None:
            return [Rejected(place.order_id, code)]
        events: list[MatchingEvent] = [Accepted(place.order_id, place.owner)]
        if place.spend is not None:
            lots, left = self._bought(order, place.spend)
            lots += place.filled_lots + (left // place.price_ticks if place.price_ticks else 0)
            lots = min(order.lots, lots)
            if lots != order.lots:
                events.append(Amended(order.order_id, place.price_ticks or 0, lots, kept_priority=False))
            order = replace(order, lots=lots, open_lots=lots - place.filled_lots)
        events += self._enter(order, may_rest)
        return events

    def _bought(self, order: Resting, spend: int) -> tuple[int, int]:
        """Return the lots that money comes to, bought one by one, and what is left of it."""
        lots = 0
        for maker in self._matchable(order):
            for _ in range(maker.open_lots):
                if (maker.price or 0) > spend:
                    return lots, spend
                lots, spend = lots + 1, spend - (maker.price or 0)
        return lots, spend

    def _fillable(self, order: Resting) -> int:
        lots = 0
        for maker in self._matchable(order):
            if order.no_self_trade and maker.owner == order.owner:
                break
            lots += maker.open_lots
        return lots

    def _enter(self, taker: Resting, may_rest: bool) -> list[MatchingEvent]:
        events: list[MatchingEvent] = []
        code = None
        for maker in self._matchable(taker):
            lots = min(maker.open_lots, taker.open_lots)
            if not lots:
                break
            if taker.no_self_trade and maker.owner == taker.owner:
                code = Code.SELF_TRADE
                break
            self.last = maker.price or 0
            self.traded.append(self.last)
            maker.open_lots -= lots
            taker.open_lots -= lots
            self.matches += 1
            assert maker.price is not None
            events.append(
                TradeMatched(
                    match_id=self.matches,
                    taker_side=taker.side,
                    price_ticks=maker.price,
                    lots=lots,
                    maker_id=maker.order_id,
                    maker_owner=maker.owner,
                    maker_left=maker.open_lots,
                    taker_id=taker.order_id,
                    taker_owner=taker.owner,
                    taker_left=taker.open_lots,
                )
            )
        self.resting = [order for order in self.resting if order.open_lots]
        if taker.open_lots and may_rest and code is None:
            self.resting.append(taker)
        elif taker.open_lots:
            events.append(Cancelled(taker.order_id, taker.open_lots, code or Code.NO_LIQUIDITY))
        return events

    def _cancel(self, order_id: int, code: Code | None = None) -> list[MatchingEvent]:
        order = self._find(order_id)
        if order is None:
            for place in self.waiting:
                if place.order_id == order_id:
                    self.waiting.remove(place)
                    return [Cancelled(order_id, place.lots - place.filled_lots, code)]
            return [Rejected(order_id, Code.UNKNOWN_ORDER)]
        self.resting.remove(order)
        return [Cancelled(order_id, order.open_lots, code)]

    def _amend_waiting(self, amend: Amend) -> list[MatchingEvent]:
        for index, place in enumerate(self.waiting):
            if place.order_id == amend.order_id:
                price = place.price_ticks if amend.price_ticks is None else amend.price_ticks
                lots = place.lots if amend.lots is None else amend.lots
                if lots < 1 or (price is not None and price < 1):
                    return [Rejected(amend.order_id, Code.BAD_REQUEST)]
                if lots <= place.filled_lots:
                    return self._cancel(amend.order_id)
                self.waiting[index] = replace_struct(place, price_ticks=price, lots=lots)
                return [Amended(amend.order_id, price or 0, lots, kept_priority=True)]
        return [Rejected(amend.order_id, Code.UNKNOWN_ORDER)]

    def _amend(self, amend: Amend) -> list[MatchingEvent]:
        order = self._find(amend.order_id)
        if order is None:
            return self._amend_waiting(amend)
        price = order.price if amend.price_ticks is None else amend.price_ticks
        lots = order.lots if amend.lots is None else amend.lots
        assert price is not None
        if price < 1 or lots < 1:
            return [Rejected(order.order_id, Code.BAD_REQUEST)]
        filled = order.lots - order.open_lots
        if lots <= filled:
            return self._cancel(order.order_id)
        amended = replace(order, price=price, lots=lots, open_lots=lots - filled)
        if price == order.price and lots <= order.lots:
            self.resting[self.resting.index(order)] = amended
            return [Amended(order.order_id, price, lots, kept_priority=True)]
        if order.post_only and self._matchable(amended):
            return [Rejected(order.order_id, Code.POST_ONLY_WOULD_CROSS)]
        self.resting.remove(order)
        return [Amended(order.order_id, price, lots, kept_priority=False), *self._enter(amended, True)]
