"""One market: price-time priority matching, pure and deterministic."""

from __future__ import annotations

from collections.abc import Mapping
from hashlib import blake2b

import msgspec

from floorwire.core.codes import Code
from floorwire.core.commands import Amend, Cancel, Command, Place
from floorwire.engine.events import Accepted, Amended, Cancelled, Event, LevelChanged, Match, Rejected
from floorwire.engine.levels import Levels, Order

ANY_PRICE = -(1 << 80)  # less than every key: what a market order takes at


class DuplicateOrderError(ValueError):
    """An order id that is already open: the caller numbers orders, so the caller is wrong."""

    def __init__(self, order_id: int) -> None:
        super().__init__(f"order {order_id} is already open")
        self.order_id = order_id


class Matching:
    """The book of one market and its rules: best price first, at one price first come first.

    No command leaves the book crossed, and a rejected one leaves it as it was.
    """

    __slots__ = ("_orders", "asks", "bids", "matches")

    def __init__(self) -> None:
        self.bids = Levels("buy")
        self.asks = Levels("sell")
        self.matches = 0
        self._orders: dict[int, Order] = {}

    @property
    def orders(self) -> Mapping[int, Order]:
        """The open orders by their ids, to read only."""
        return self._orders

    def execute(self, command: Command) -> list[Event]:
        """Return what came of the command. Raises DuplicateOrderError."""
        if isinstance(command, Place):
            return self._place(command)
        if isinstance(command, Cancel):
            return self._cancel(command.order_id)
        return self._amend(command)

    def state_hash(self) -> str:
        """Return a digest of all that decides what the market does next: every order in its priority."""
        state = self.matches, list(self.bids), list(self.asks)
        return blake2b(msgspec.msgpack.encode(state), digest_size=16).hexdigest()

    # --- place --------------------------------------------------------------------------------------

    def _place(self, place: Place) -> list[Event]:
        if place.order_id in self._orders:
            raise DuplicateOrderError(place.order_id)
        price_ticks, lots = place.price_ticks, place.lots
        against = self.asks if place.side == "buy" else self.bids
        key = ANY_PRICE if price_ticks is None else against.sign * price_ticks
        code = self._objection(place, against, key)
        if code is not None:
            return [Rejected(place.order_id, code)]
        order = Order(place.order_id, place.owner, place.side, price_ticks or 0, lots, lots, place.post_only)
        events: list[Event] = [Accepted(order.order_id, order.owner)]
        self._take(order, against, key, events)
        if order.open_lots:
            if price_ticks is None or place.time_in_force != "gtc":
                events.append(Cancelled(order.order_id, order.open_lots, Code.NO_LIQUIDITY))
            else:
                self._rest(order, events)
        return events

    def _objection(self, place: Place, against: Levels, key: int) -> Code | None:
        """Return why the order may not enter, None where it may."""
        price_ticks = place.price_ticks
        if place.lots <= 0 or (price_ticks is not None and price_ticks <= 0):
            return Code.BAD_REQUEST
        if price_ticks is not None and place.time_in_force == "gtc":
            crosses = place.post_only and against.reaches(key)
            return Code.POST_ONLY_WOULD_CROSS if crosses else None
        if place.post_only:
            return Code.BAD_REQUEST  # what may not rest cannot promise to
        if price_ticks is None and not against.keys:
            return Code.NO_LIQUIDITY
        if place.time_in_force == "fok" and not against.holds(place.lots, key):
            return Code.FOK_UNFILLED
        return None

    def _take(self, taker: Order, against: Levels, key: int, events: list[Event]) -> None:
        """Match the taker with all that rests at the key or better, as far as it goes."""
        keys = against.keys
        while taker.open_lots and keys and keys[-1] >= key:
            level = against.best()
            price_ticks = against.sign * keys[-1]
            while taker.open_lots and level.lots:
                maker = level.first()
                lots = min(maker.open_lots, taker.open_lots)
                level.fill(maker, lots)
                taker.open_lots -= lots
                events.append(self._match(taker, maker, price_ticks, lots))
            if not level.lots:
                against.drop_best()
            events.append(LevelChanged(against.side, price_ticks, level.lots))

    def _match(self, taker: Order, maker: Order, price_ticks: int, lots: int) -> Match:
        self.matches += 1
        if not maker.open_lots:
            del self._orders[maker.order_id]
        return Match(
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

    def _rest(self, order: Order, events: list[Event]) -> None:
        self._orders[order.order_id] = order
        lots = self._own(order).join(order)
        events.append(LevelChanged(order.side, order.price_ticks, lots))

    def _own(self, order: Order) -> Levels:
        return self.bids if order.side == "buy" else self.asks

    # --- cancel and amend ---------------------------------------------------------------------------

    def _cancel(self, order_id: int) -> list[Event]:
        order = self._orders.pop(order_id, None)
        if order is None:
            return [Rejected(order_id, Code.UNKNOWN_ORDER)]
        open_lots = order.open_lots
        lots = self._own(order).leave(order)
        return [
            Cancelled(order_id, open_lots, None),
            LevelChanged(order.side, order.price_ticks, lots),
        ]

    def _amend(self, amend: Amend) -> list[Event]:
        order = self._orders.get(amend.order_id)
        if order is None:
            return [Rejected(amend.order_id, Code.UNKNOWN_ORDER)]
        price_ticks = order.price_ticks if amend.price_ticks is None else amend.price_ticks
        lots = order.lots if amend.lots is None else amend.lots
        if price_ticks <= 0 or lots <= 0:
            return [Rejected(order.order_id, Code.BAD_REQUEST)]
        if lots <= order.lots - order.open_lots:
            return self._cancel(order.order_id)
        if price_ticks == order.price_ticks and lots <= order.lots:
            return self._shrink(order, lots)
        return self._move(order, price_ticks, lots)

    def _shrink(self, order: Order, lots: int) -> list[Event]:
        level = self._own(order).at(order.price_ticks)
        amended = Amended(order.order_id, order.price_ticks, lots, kept_priority=True)
        if lots == order.lots:
            return [amended]
        level.reduce(order, order.lots - lots)
        order.lots = lots
        return [amended, LevelChanged(order.side, order.price_ticks, level.lots)]

    def _move(self, order: Order, price_ticks: int, lots: int) -> list[Event]:
        """Take the order out and let it enter anew, as the last at its price or as a taker."""
        against = self.asks if order.side == "buy" else self.bids
        key = against.sign * price_ticks
        if order.post_only and against.reaches(key):
            return [Rejected(order.order_id, Code.POST_ONLY_WOULD_CROSS)]
        filled = order.lots - order.open_lots
        moved = msgspec.structs.replace(order, price_ticks=price_ticks, lots=lots, open_lots=lots - filled)
        events: list[Event] = [Amended(order.order_id, price_ticks, lots, kept_priority=False)]
        del self._orders[order.order_id]
        left_lots = self._own(order).leave(order)
        if price_ticks != order.price_ticks:
            events.append(LevelChanged(order.side, order.price_ticks, left_lots))
        self._take(moved, against, key, events)
        if moved.open_lots:
            self._rest(moved, events)
        return events
