"""A market so simple that it is plainly right: one list of orders, searched anew at each step."""

from __future__ import annotations

from dataclasses import dataclass, replace

from floorwire.core.codes import Code
from floorwire.core.commands import Amend, Cancel, Command, Place
from floorwire.core.instrument import Side
from floorwire.engine.events import Accepted, Amended, Cancelled, Event, LevelChanged, Match, Rejected


@dataclass
class Resting:
    order_id: int
    owner: int
    side: Side
    price: int | None
    lots: int
    open_lots: int
    post_only: bool


class NaiveMatching:
    """Does what ``Matching`` does; level changes are the difference of the book before and after."""

    def __init__(self) -> None:
        self.resting: list[Resting] = []  # in order of time
        self.matches = 0

    def execute(self, command: Command) -> list[Event]:
        before = self.book()
        events = self._answer(command)
        after = self.book()
        for side, price in sorted(before.keys() | after.keys()):
            if before.get((side, price)) != after.get((side, price)):
                events.append(LevelChanged(side, price, after.get((side, price), 0)))
        return events

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

    def _answer(self, command: Command) -> list[Event]:
        match command:
            case Place():
                return self._place(command)
            case Cancel(_, order_id):
                return self._cancel(order_id)
            case Amend():
                return self._amend(command)

    def _matchable(self, order: Resting) -> list[Resting]:
        if order.side == "buy":
            return [o for o in self.queue("sell") if order.price is None or (o.price or 0) <= order.price]
        return [o for o in self.queue("buy") if order.price is None or (o.price or 0) >= order.price]

    def _place(self, place: Place) -> list[Event]:
        order = Resting(
            place.order_id,
            place.owner,
            place.side,
            place.price_ticks,
            place.lots,
            place.lots,
            place.post_only,
        )
        may_rest = place.time_in_force == "gtc" and place.price_ticks is not None
        other: Side = "sell" if place.side == "buy" else "buy"
        code = None
        below_one = place.lots < 1 or (place.price_ticks is not None and place.price_ticks < 1)
        if below_one or (place.post_only and not may_rest):
            code = Code.BAD_REQUEST
        elif place.post_only and self._matchable(order):
            code = Code.POST_ONLY_WOULD_CROSS
        elif place.price_ticks is None and not self.queue(other):
            code = Code.NO_LIQUIDITY
        elif place.time_in_force == "fok" and sum(o.open_lots for o in self._matchable(order)) < place.lots:
            code = Code.FOK_UNFILLED
        if code is not None:
            return [Rejected(place.order_id, code)]
        events: list[Event] = [Accepted(place.order_id, place.owner)]
        events += self._enter(order, may_rest)
        return events

    def _enter(self, taker: Resting, may_rest: bool) -> list[Event]:
        events: list[Event] = []
        for maker in self._matchable(taker):
            lots = min(maker.open_lots, taker.open_lots)
            if not lots:
                break
            maker.open_lots -= lots
            taker.open_lots -= lots
            self.matches += 1
            assert maker.price is not None
            events.append(
                Match(
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
        if taker.open_lots and may_rest:
            self.resting.append(taker)
        elif taker.open_lots:
            events.append(Cancelled(taker.order_id, taker.open_lots, Code.NO_LIQUIDITY))
        return events

    def _cancel(self, order_id: int) -> list[Event]:
        order = self._find(order_id)
        if order is None:
            return [Rejected(order_id, Code.UNKNOWN_ORDER)]
        self.resting.remove(order)
        return [Cancelled(order_id, order.open_lots, None)]

    def _amend(self, amend: Amend) -> list[Event]:
        order = self._find(amend.order_id)
        if order is None:
            return [Rejected(amend.order_id, Code.UNKNOWN_ORDER)]
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
