"""Matching of one market: price-time priority, pure and deterministic."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from hashlib import blake2b
from heapq import heapify, heappop, heappush

import msgspec

from floorwire.core.codes import Code
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import TimeInForce
from floorwire.engine.book_side import MIN_SWEEP, BookSide, RestingOrder
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
from floorwire.engine.stop_orders import StopOrders

RESTING: tuple[TimeInForce, ...] = ("gtc", "gtd")
ANY_PRICE = -(1 << 80)
"""The key of an order without a limit: less than every level's key, so all levels match."""


class DuplicateOrderError(ValueError):
    """The order id is already open. The caller gives the ids, so this is the caller's mistake."""

    def __init__(self, order_id: int) -> None:
        super().__init__(f"order {order_id} is already open")
        self.order_id = order_id


class Matching:
    """The order book of one market and its rules: the best price first, at one price the oldest order first.

    The book is never crossed after a command. A rejected command leaves the book as it was. Time in force,
    post-only and self-trade prevention are decided here.
    """

    __slots__ = ("_expiries", "_orders", "_stops", "asks", "bids", "last_ticks", "matches")

    def __init__(self) -> None:
        self.bids = BookSide("buy")
        self.asks = BookSide("sell")
        self.matches = 0
        """How many trades there were: the id of the last match."""
        self.last_ticks = 0
        """The last trade's price; 0 before the first."""
        self._stops = StopOrders()
        self._expiries: list[tuple[int, int]] = []
        self._orders: dict[int, RestingOrder] = {}

    @property
    def orders(self) -> Mapping[int, RestingOrder]:
        """The orders in the book by their ids, read-only."""
        return self._orders

    @property
    def waiting(self) -> Mapping[int, Place]:
        """The stop orders that are not triggered yet, by their ids, read-only."""
        return self._stops.waiting

    def execute(self, command: Command) -> list[MatchingEvent]:
        """Execute the command; return its events. Raises DuplicateOrderError."""
        if type(command) is Place:
            events = self._place(command)
        elif type(command) is Cancel:
            return self._cancel(command.order_id, command.code)
        else:
            events = self._amend(command)
        if self._stops.waiting:
            self._trigger_stops(events)
        return events

    def expire(self, now_us: int) -> list[MatchingEvent]:
        """Expire the orders whose time has come at ``now_us``; return the events."""
        events: list[MatchingEvent] = []
        while self._expiries and self._expiries[0][0] <= now_us:
            self._expire(heappop(self._expiries)[1], events)
        return events

    def next_expiry_us(self) -> int | None:
        """Return when ``expire`` has to be called next, None if no order expires."""
        return self._expiries[0][0] if self._expiries else None

    def state_hash(self) -> str:
        """Return a digest of everything that decides what the market does next: all orders, in priority."""
        expiries = sorted(entry for entry in self._expiries if self._is_open(entry[1]))
        state = self.matches, self.last_ticks, list(self.bids), list(self.asks), list(self._stops), expiries
        return blake2b(msgspec.msgpack.encode(state), digest_size=16).hexdigest()

    # --- place --------------------------------------------------------------------------------------

    def _place(self, place: Place) -> list[MatchingEvent]:
        order_id = place.order_id
        if order_id in self._orders or order_id in self._stops.waiting:
            raise DuplicateOrderError(order_id)
        if place.stop_ticks is not None:
            return self._add_stop(place, place.stop_ticks)
        against = self.asks if place.side == "buy" else self.bids
        key = ANY_PRICE if place.price_ticks is None else against.sign * place.price_ticks
        code = self._refusal_code(place, against, key)
        if code is not None:
            return [Rejected(order_id, code)]
        events: list[MatchingEvent] = [Accepted(order_id, place.owner)]
        self._match_or_rest(place, against, key, events)
        return events

    def _match_or_rest(self, place: Place, against: BookSide, key: int, events: list[MatchingEvent]) -> None:
        """Match the order. What is left rests, or is cancelled if it may not rest."""
        price_ticks, lots = place.price_ticks, place.lots
        if place.spend is not None:
            lots = self._affordable_lots(place, place.spend, against, key, events)
        order = RestingOrder(
            place.order_id,
            place.owner,
            place.side,
            price_ticks or 0,
            lots,
            lots - place.filled_lots,
            place.post_only,
            place.no_self_trade,
        )
        code = self._match(order, against, key, events)
        if order.open_lots:
            if code is None and price_ticks is not None and place.time_in_force in RESTING:
                self._rest(order, events)
                if place.expires_us is not None:
                    self._schedule_expiry(place.expires_us, place.order_id)
            else:
                events.append(Cancelled(order.order_id, order.open_lots, code or Code.NO_LIQUIDITY))

    def _affordable_lots(
        self, place: Place, spend: int, against: BookSide, key: int, events: list[MatchingEvent]
    ) -> int:
        """Return how many lots the order's amount buys, plus the lots that were filled before."""
        price_ticks = place.price_ticks or 0
        more = against.affordable_lots(spend, key, price_ticks or spend + 1)
        lots = min(place.lots, place.filled_lots + more)
        if lots != place.lots:
            events.append(Amended(place.order_id, price_ticks, lots, kept_priority=False))
        return lots

    def _refusal_code(self, place: Place, against: BookSide, key: int) -> Code | None:
        """Return why the order is refused, None if it is accepted."""
        price_ticks = place.price_ticks
        if place.lots <= place.filled_lots or (price_ticks is not None and price_ticks <= 0):
            return Code.BAD_REQUEST
        if price_ticks is not None and place.time_in_force in RESTING:
            crosses = place.post_only and against.reaches(key)
            return Code.POST_ONLY_WOULD_CROSS if crosses else None
        if place.post_only:
            return Code.BAD_REQUEST  # post-only means: only rest
        if price_ticks is None and not against.keys:
            return Code.NO_LIQUIDITY
        return self._refusal_code_if_immediate(place, against, key)

    def _refusal_code_if_immediate(self, place: Place, against: BookSide, key: int) -> Code | None:
        """Return why an order that never rests is refused, None if it is accepted."""
        if place.spend is not None and not against.affordable_lots(place.spend, key, place.spend + 1):
            return Code.NO_LIQUIDITY
        if place.time_in_force != "fok":
            return None
        lots = place.lots - place.filled_lots
        if place.no_self_trade:
            return None if against.has_lots_of_others(lots, key, place.owner) else Code.FOK_UNFILLED
        return None if against.has_lots(lots, key) else Code.FOK_UNFILLED

    def _match(
        self, taker: RestingOrder, against: BookSide, key: int, events: list[MatchingEvent]
    ) -> Code | None:
        """Match the taker with everything that rests at the key or better, until one side is used up.

        Self-trade prevention: matching stops when the next order in the queue has the taker's owner. Return
        the code for that; None if nothing stopped it.
        """
        keys = against.keys
        own_owner = taker.owner if taker.no_self_trade else None
        while taker.open_lots and keys and keys[-1] >= key:
            level = against.best()
            price_ticks = against.sign * keys[-1]
            if own_owner is not None and level.first().owner == own_owner:
                return Code.SELF_TRADE
            self.last_ticks = price_ticks
            while taker.open_lots and level.lots:
                maker = level.first()
                if maker.owner == own_owner:
                    events.append(LevelChanged(against.side, price_ticks, level.lots))
                    return Code.SELF_TRADE
                lots = min(maker.open_lots, taker.open_lots)
                level.fill(maker, lots)
                taker.open_lots -= lots
                events.append(self._trade(taker, maker, price_ticks, lots))
            if not level.lots:
                against.drop_best()
            events.append(LevelChanged(against.side, price_ticks, level.lots))
        return None

    def _trade(self, taker: RestingOrder, maker: RestingOrder, price_ticks: int, lots: int) -> TradeMatched:
        self.matches += 1
        if not maker.open_lots:
            del self._orders[maker.order_id]
        return TradeMatched(
            self.matches,
            taker.side,
            price_ticks,
            lots,
            maker.order_id,
            maker.owner,
            maker.open_lots,
            taker.order_id,
            taker.owner,
            taker.open_lots,
        )

    def _rest(self, order: RestingOrder, events: list[MatchingEvent]) -> None:
        self._orders[order.order_id] = order
        lots = self._side_of(order).add(order)
        events.append(LevelChanged(order.side, order.price_ticks, lots))

    def _side_of(self, order: RestingOrder) -> BookSide:
        return self.bids if order.side == "buy" else self.asks

    # --- stops --------------------------------------------------------------------------------------

    def _add_stop(self, place: Place, stop_ticks: int) -> list[MatchingEvent]:
        price_ticks = place.price_ticks
        rests = price_ticks is not None and place.time_in_force in RESTING
        sized = place.lots > place.filled_lots and place.spend is None
        priced = stop_ticks > 0 and (price_ticks is None or price_ticks > 0)
        if not (sized and priced) or (place.post_only and not rests):
            return [Rejected(place.order_id, Code.BAD_REQUEST)]
        self._stops.add(place, stop_ticks)
        if place.expires_us is not None:
            self._schedule_expiry(place.expires_us, place.order_id)
        return [Accepted(place.order_id, place.owner)]

    def _trigger_stops(self, events: list[MatchingEvent]) -> None:
        """Trigger the stops that the command's trades reach, then those that the trades of these stops reach.

        Stops are triggered in the order in which they were placed.
        """
        due = deque(self._pop_due_stops(events, 0)) if self.last_ticks else None
        while due:
            place, events_seen = due.popleft(), len(events)
            events.append(Triggered(place.order_id))
            against = self.asks if place.side == "buy" else self.bids
            key = ANY_PRICE if place.price_ticks is None else against.sign * place.price_ticks
            code = self._refusal_code(place, against, key)
            if code is None:
                self._match_or_rest(place, against, key, events)
            else:
                events.append(Cancelled(place.order_id, place.lots - place.filled_lots, code))
            due.extend(self._pop_due_stops(events, events_seen))

    def _pop_due_stops(self, events: list[MatchingEvent], events_seen: int) -> list[Place]:
        """Remove and return the stops whose price lies within the trades since ``events_seen``.

        One sweep may trade through a stop's price and end elsewhere, so the lowest and the highest trade
        count. Without a trade the last price counts.
        """
        lowest = highest = self.last_ticks
        for event in events[events_seen:]:
            if type(event) is TradeMatched:
                lowest, highest = min(lowest, event.price_ticks), max(highest, event.price_ticks)
        return self._stops.pop_due(lowest, highest)

    # --- expiry -------------------------------------------------------------------------------------

    def _is_open(self, order_id: int) -> bool:
        return order_id in self._orders or order_id in self._stops.waiting

    def _schedule_expiry(self, expires_us: int, order_id: int) -> None:
        expiries = self._expiries
        if len(expiries) > MIN_SWEEP and len(expiries) > 2 * (len(self._orders) + len(self._stops.waiting)):
            expiries[:] = [entry for entry in expiries if self._is_open(entry[1])]
            heapify(expiries)
        heappush(expiries, (expires_us, order_id))

    def _expire(self, order_id: int, events: list[MatchingEvent]) -> None:
        order, waiting = self._orders.pop(order_id, None), self._stops.remove(order_id)
        if order is not None:
            events.append(Expired(order_id, order.open_lots))
            events.append(LevelChanged(order.side, order.price_ticks, self._side_of(order).remove(order)))
        elif waiting is not None:
            events.append(Expired(order_id, waiting.lots - waiting.filled_lots))

    # --- cancel and amend ---------------------------------------------------------------------------

    def _cancel(self, order_id: int, code: Code | None) -> list[MatchingEvent]:
        order = self._orders.pop(order_id, None)
        if order is None:
            waiting = self._stops.remove(order_id)
            if waiting is None:
                return [Rejected(order_id, Code.UNKNOWN_ORDER)]
            return [Cancelled(order_id, waiting.lots - waiting.filled_lots, code)]
        open_lots = order.open_lots
        lots = self._side_of(order).remove(order)
        return [
            Cancelled(order_id, open_lots, code),
            LevelChanged(order.side, order.price_ticks, lots),
        ]

    def _amend(self, amend: Amend) -> list[MatchingEvent]:
        order = self._orders.get(amend.order_id)
        if order is None:
            return self._amend_stop(amend)
        price_ticks = order.price_ticks if amend.price_ticks is None else amend.price_ticks
        lots = order.lots if amend.lots is None else amend.lots
        if price_ticks <= 0 or lots <= 0:
            return [Rejected(order.order_id, Code.BAD_REQUEST)]
        if lots <= order.lots - order.open_lots:
            return self._cancel(order.order_id, None)
        if price_ticks == order.price_ticks and lots <= order.lots:
            return self._shrink(order, lots)
        return self._move(order, price_ticks, lots)

    def _amend_stop(self, amend: Amend) -> list[MatchingEvent]:
        order_id, waiting = amend.order_id, self._stops.waiting.get(amend.order_id)
        if waiting is None:
            return [Rejected(order_id, Code.UNKNOWN_ORDER)]
        price_ticks = waiting.price_ticks if amend.price_ticks is None else amend.price_ticks
        lots = waiting.lots if amend.lots is None else amend.lots
        if lots <= 0 or (price_ticks is not None and price_ticks <= 0):
            return [Rejected(order_id, Code.BAD_REQUEST)]
        if lots <= waiting.filled_lots:
            return self._cancel(order_id, None)
        self._stops.amend(order_id, price_ticks, lots)
        return [Amended(order_id, price_ticks or 0, lots, kept_priority=True)]

    def _shrink(self, order: RestingOrder, lots: int) -> list[MatchingEvent]:
        level = self._side_of(order).at(order.price_ticks)
        amended = Amended(order.order_id, order.price_ticks, lots, kept_priority=True)
        if lots == order.lots:
            return [amended]
        level.reduce(order, order.lots - lots)
        order.lots = lots
        return [amended, LevelChanged(order.side, order.price_ticks, level.lots)]

    def _move(self, order: RestingOrder, price_ticks: int, lots: int) -> list[MatchingEvent]:
        """Remove the order and place it again: as the last at its price, or as a taker."""
        against = self.asks if order.side == "buy" else self.bids
        key = against.sign * price_ticks
        if order.post_only and against.reaches(key):
            return [Rejected(order.order_id, Code.POST_ONLY_WOULD_CROSS)]
        filled = order.lots - order.open_lots
        moved = msgspec.structs.replace(order, price_ticks=price_ticks, lots=lots, open_lots=lots - filled)
        events: list[MatchingEvent] = [Amended(order.order_id, price_ticks, lots, kept_priority=False)]
        del self._orders[order.order_id]
        left_lots = self._side_of(order).remove(order)
        if price_ticks != order.price_ticks:
            events.append(LevelChanged(order.side, order.price_ticks, left_lots))
        code = self._match(moved, against, key, events)
        if code is not None:
            events.append(Cancelled(order.order_id, moved.open_lots, code))
        elif moved.open_lots:
            self._rest(moved, events)
        return events
