"""Paper trading so simple that it is plainly right: lists searched anew at each step, prices and no keys."""

from __future__ import annotations

from dataclasses import dataclass

from floorwire.core.codes import Code
from floorwire.core.execution_reports import Amended, Ended, Filled, Refused, Report, Working
from floorwire.core.instrument import Side
from floorwire.core.order_commands import Amend, Cancel, Command, Place

OTHER: dict[Side, Side] = {"buy": "sell", "sell": "buy"}
FAR = 1 << 62
SECOND_US = 1_000_000


@dataclass(eq=False)
class Lost:
    """Lots that a level lost, and perhaps not by trades."""

    side: Side
    price: int
    us: int
    lots: int
    left: int


@dataclass(eq=False)
class Mine:
    order_id: int
    side: Side
    price: int
    lots: int
    open_lots: int
    post_only: bool
    rests: bool
    ahead: int = FAR
    since_us: int = 0
    sleeps: bool = False


class NaivePaper:
    """Does what ``Paper`` does with limit orders, over a book that never crosses."""

    def __init__(self) -> None:
        self.book: dict[Side, dict[int, int]] = {"buy": {}, "sell": {}}
        self.free: dict[tuple[Side, int], list[int]] = {}
        """Each lot that is shown and that none of ours took, the oldest first: in which round it came."""
        self.round = 0
        """How often resting orders have met the other side."""
        self.traded: dict[tuple[Side, int], tuple[int, int]] = {}
        self.lost: list[Lost] = []
        self.book_us = 0
        self.orders: list[Mine] = []
        self.live = False
        self.now_us = 0
        self.told: list[Report] = []

    def tell(self) -> list[Report]:
        told, self.told = self.told, []
        return told

    # --- what is where

    def best_first(self, side: Side, prices: list[int]) -> list[int]:
        return sorted(prices, reverse=side == "buy")

    def as_good(self, side: Side, price: int, limit: int) -> bool:
        return price >= limit if side == "buy" else price <= limit

    def would_take(self, side: Side, limit: int) -> list[int]:
        against = OTHER[side]
        prices = [p for p in self.book[against] if (p <= limit if side == "buy" else p >= limit)]
        return self.best_first(against, prices)

    def there(self, side: Side, price: int) -> int:
        return len(self.available(side, price))

    def available(self, side: Side, price: int) -> list[int]:
        """Return the lots that may be taken: the oldest of the free ones are those that were traded."""
        return self.free.get((side, price), [])[self.traded.get((side, price), (0, 0))[0] :]

    def taken(self, side: Side, price: int) -> int:
        return self.book[side].get(price, 0) - len(self.free.get((side, price), []))

    def in_sight(self, side: Side, price: int) -> bool:
        return any(self.as_good(side, price, shown) for shown in self.book[side])

    def queue(self, side: Side, limit: int) -> list[Mine]:
        """Those at the limit or better; at one price in the order of the list."""
        here = [
            o for o in self.orders if o.side == side and not o.sleeps and self.as_good(side, o.price, limit)
        ]
        return sorted(here, key=lambda o: -o.price if side == "buy" else o.price)

    def sight(self, side: Side, price: int) -> None:
        if self.in_sight(side, price):
            size = self.book[side].get(price, 0)
            size += sum(lost.lots for lost in self.lost if (lost.side, lost.price) == (side, price))
            for order in self.queue(side, price):
                if order.price == price:
                    order.ahead = min(order.ahead, size)

    def has_seen(self, order: Mine, us: int) -> bool:
        """Whether the order came when the book was of that time already, or a later one."""
        return us <= order.since_us <= self.book_us

    def settle(self, side: Side, us: int) -> None:
        """What a level lost before that time was cancelled."""
        here = [lost for lost in self.lost if lost.side == side]
        while here and not us <= here[0].us <= self.book_us:
            lost = here.pop(0)
            self.lost.remove(lost)
            if not lost.lots:
                continue  # trades explained it, and moved the queue
            for order in self.orders:
                if (order.side, order.price, order.sleeps) != (side, lost.price, False):
                    continue
                if not self.has_seen(order, lost.us):
                    exact = order.ahead * lost.left
                    before = lost.left + lost.lots
                    order.ahead = exact // before + (exact % before > 0)
            self.sight(side, lost.price)

    # --- what happens

    def fill(self, order: Mine, price: int, lots: int, liquidity: str, trade_id: str) -> None:
        order.open_lots -= lots
        maker = liquidity == "maker"
        self.told.append(
            Filled(
                order.order_id,
                trade_id,
                price,
                lots,
                order.open_lots,
                "maker" if maker else "taker",
                self.now_us,
            )
        )
        if not order.open_lots:
            self.orders.remove(order)

    def take(self, order: Mine, rests: bool) -> None:
        """Take lot by lot, the oldest first; what came after the last round came to those that rest."""
        for price in self.would_take(order.side, order.price):
            level = OTHER[order.side], price
            lots = self.available(*level)[: order.open_lots]
            if lots:
                first = self.traded.get(level, (0, 0))[0]
                del self.free[level][first : first + len(lots)]
            came = [lot for lot in lots if rests and lot == self.round]
            for count, liquidity in ((len(lots) - len(came), "taker"), (len(came), "maker")):
                if count:
                    trade_id = f"paper-{order.order_id}-{order.lots - order.open_lots}"
                    at = price if liquidity == "taker" else order.price
                    self.fill(order, at, count, liquidity, trade_id)

    def enter(self, order: Mine) -> None:
        order.ahead, order.sleeps, order.since_us = FAR, not self.live, self.book_us
        self.orders.append(order)
        if not self.live:
            return
        self.take(order, rests=False)
        if order.open_lots and not order.rests:
            self.end(order, Code.NO_LIQUIDITY)
        else:
            self.sight(order.side, order.price)

    def end(self, order: Mine, code: Code | None) -> None:
        self.orders.remove(order)
        self.told.append(Ended(order.order_id, order.open_lots, "cancelled", code, self.now_us))

    def cross(self) -> None:
        if self.live:
            for side in OTHER:
                for order in self.queue(side, -FAR if side == "buy" else FAR):
                    self.take(order, rests=True)
            self.round += 1

    def follow(self, live: bool) -> list[Report]:
        woke, self.live = live and not self.live, live
        if woke:
            self.cross()
            for order in [o for o in self.orders if o.sleeps]:
                if order.post_only and self.would_take(order.side, order.price):
                    self.end(order, Code.POST_ONLY_WOULD_CROSS)
                else:
                    self.orders.remove(order)
                    self.enter(order)
        return self.tell()

    def show(self, side: Side, sizes: dict[int, int], ts_us: int) -> None:
        """Take in one side as it is now, whole; ``cross`` comes after both."""
        self.book_us = ts_us
        before, self.book[side] = self.book[side], sizes
        for price in sorted(before.keys() | sizes.keys()):
            was, now = before.get(price, 0), sizes.get(price, 0)
            if was == now:
                continue
            free = self.free.setdefault((side, price), [])
            del free[: max(0, was - now)]  # whoever cancelled: none of what was taken, while there is other
            free += [self.round] * (now - was)
            traded, traded_us = self.traded.pop((side, price), (0, 0))
            explained = min(traded, max(0, was - now))
            if traded_us > ts_us and traded > explained:
                self.traded[side, price] = traded - explained, traded_us
            if was - explained > now and (now or self.in_sight(side, price)):
                self.lost.append(Lost(side, price, ts_us, was - explained - now, now))
            self.sight(side, price)
        self.settle(side, ts_us - SECOND_US)

    def trade(self, taker: Side, price: int, size: int, trade_id: str, ts_us: int) -> list[Report]:
        side = OTHER[taker]
        if not self.live:
            return []
        self.settle(side, ts_us)
        self.sight(side, price)
        shown = 0
        for lost in self.lost:
            if (lost.side, lost.price) == (side, price) and lost.us >= ts_us:
                part = min(lost.lots, size - shown)
                lost.lots, shown = lost.lots - part, shown + part
        if size > shown and ts_us > self.book_us - SECOND_US:
            self.traded[side, price] = self.traded.get((side, price), (0, 0))[0] + size - shown, ts_us
        left = size
        for order in self.queue(side, price):
            if self.has_seen(order, ts_us):
                continue
            ahead = order.ahead if order.price == price else 0
            lots = max(0, min(order.open_lots, size - ahead, left - ahead))
            order.ahead = max(0, ahead - size)
            left -= lots
            if lots:
                self.fill(order, order.price, lots, "maker", trade_id)
        return self.tell()

    # --- what is asked

    def execute(self, command: Command) -> list[Report]:
        if isinstance(command, Place):
            self.place(command)
            return self.tell()
        found = [order for order in self.orders if order.order_id == command.order_id]
        if not found:
            action = "cancel" if isinstance(command, Cancel) else "amend"
            self.refuse(command.order_id, action, Code.UNKNOWN_ORDER)
        elif isinstance(command, Cancel):
            self.end(found[0], command.code)
        else:
            self.amend(found[0], command)
        return self.tell()

    def refuse(self, order_id: int, action: str, code: Code) -> None:
        known = {
            "place": Refused(order_id, "place", code, self.now_us),
            "cancel": Refused(order_id, "cancel", code, self.now_us),
        }
        self.told.append(known.get(action, Refused(order_id, "amend", code, self.now_us)))

    def place(self, place: Place) -> None:
        assert place.price_ticks is not None
        rests = place.time_in_force == "gtc"
        prices = self.would_take(place.side, place.price_ticks)
        there = sum(self.there(OTHER[place.side], price) for price in prices)
        if not self.live and not rests:
            return self.refuse(place.order_id, "place", Code.STALE_MARKET)
        if self.live and place.post_only and prices:
            return self.refuse(place.order_id, "place", Code.POST_ONLY_WOULD_CROSS)
        if place.time_in_force == "fok" and there < place.lots:
            return self.refuse(place.order_id, "place", Code.FOK_UNFILLED)
        self.told.append(Working(place.order_id, self.now_us))
        order = Mine(
            place.order_id, place.side, place.price_ticks, place.lots, place.lots, place.post_only, rests
        )
        return self.enter(order)

    def amend(self, order: Mine, amend: Amend) -> None:
        price, lots = amend.price_ticks or order.price, amend.lots or order.lots
        filled = order.lots - order.open_lots
        if lots <= filled:
            return self.end(order, None)
        stays = price == order.price and lots <= order.lots
        if not stays and self.live and order.post_only and self.would_take(order.side, price):
            return self.refuse(order.order_id, "amend", Code.POST_ONLY_WOULD_CROSS)
        self.told.append(Amended(order.order_id, price, lots, self.now_us))
        order.price, order.lots, order.open_lots = price, lots, lots - filled
        if not stays:
            self.orders.remove(order)
            self.enter(order)
        return None
