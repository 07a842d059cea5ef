"""How many requests and orders Binance allows, and how many of them are used.

Source: github.com/binance/binance-spot-api-docs, rest-api.md, "LIMITS". Limits are of fixed windows: all of a
minute's weight comes back when the minute is over. Binance tells the present numbers with each answer.
"""

from __future__ import annotations

from collections.abc import Iterable

from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_ports import AddressLimits
from floorwire.venues.binance.order_codes import TOO_MANY_ORDERS
from floorwire.venues.binance.order_messages import Failure, RateLimit, retry_after_us
from floorwire.venues.common.rate_limits import REST

UNITS_US = {
    "SECOND": SECOND_US,
    "MINUTE": 60 * SECOND_US,
    "HOUR": 3_600 * SECOND_US,
    "DAY": 86_400 * SECOND_US,
}
WEIGHT = ("REQUEST_WEIGHT", 60 * SECOND_US)
BAN_US = 60 * SECOND_US
"""How long to wait after a 418 or 429 that does not say it."""
LONGEST_BAN_US = 3 * 86_400 * SECOND_US
"""Binance: bans last up to three days. A longer one is not believed."""
FOR_CANCELS = 200
"""What orders leave of the weight of a minute, and of what the address has at once: cancels go first."""
FOR_ORDERS = 400
"""What reads leave."""
SOCKET_WEIGHT = 2
"""Binance: of a new connection to the WebSocket API."""


class _Window:
    __slots__ = ("interval_us", "limit", "number", "used")

    def __init__(self, limit: int, interval_us: int) -> None:
        self.limit = limit
        self.interval_us = interval_us
        self.number = 0
        """Which window since the epoch ``used`` is of."""
        self.used = 0

    def at(self, date_us: int) -> None:
        number = date_us // self.interval_us
        if number != self.number:
            self.number, self.used = number, 0


class OrderLimits:
    """The limits of an address (weight) and of an account (orders). Dates are Binance's own.

    Weight is counted twice: as Binance counts it, which knows of other processes at the address, and in the
    bucket that prices in this process spend from too.
    """

    def __init__(self, address: AddressLimits | None = None) -> None:
        """``address``: the limits that prices have too; None: there are none."""
        self._address = address
        self.now_us = 0
        """Monotonic time, in which the address's bucket counts."""
        self._windows = {
            WEIGHT: _Window(6_000, WEIGHT[1]),
            ("ORDERS", 10 * SECOND_US): _Window(50, 10 * SECOND_US),
            ("ORDERS", 86_400 * SECOND_US): _Window(160_000, 86_400 * SECOND_US),
        }
        """The limits that the documents name; an answer tells the present ones."""
        self._orders_sent = 0
        """Orders on their way: they are in no count that Binance told."""
        self._blocked_until_us = 0

    def spend_order(self, date_us: int) -> bool:
        """Count an order that is sent now; False, and count nothing, where there are too many."""
        orders = [window for (kind, _), window in self._windows.items() if kind == "ORDERS"]
        for window in orders:
            window.at(date_us)
        if any(window.used + self._orders_sent >= window.limit for window in orders):
            return False
        if not self.spend(1, date_us, FOR_CANCELS):
            return False
        self._orders_sent += 1
        return True

    def order_answered(self, date_us: int, told: Iterable[RateLimit], *, is_counted: bool) -> None:
        """An order is not on its way any more. ``is_counted``: Binance took it in, or may have."""
        self._orders_sent = max(0, self._orders_sent - 1)
        counts = {_key(one): one for one in told}
        for key, window in self._windows.items():
            if key[0] != "ORDERS":
                continue
            window.at(date_us)
            if key not in counts and is_counted:
                window.used += 1
        self.told(counts.values(), date_us)

    def spend(self, weight: int, date_us: int, left: int) -> bool:
        """Count a request that is sent now; False, and count nothing, where there are too many.

        ``left``: the weight that has to be left, for what goes first.
        """
        if date_us < self._blocked_until_us:
            return False
        window = self._windows[WEIGHT]
        window.at(date_us)
        if window.used + weight > window.limit - left:
            return False
        if self._address is not None and not self._address.spend(REST, weight, self.now_us, left):
            return False
        window.used += weight
        return True

    def told(self, limits: Iterable[RateLimit], date_us: int) -> None:
        """Take in what Binance said with an answer."""
        for one in limits:
            key = _key(one)
            if key[0] not in ("ORDERS", "REQUEST_WEIGHT") or not key[1]:
                continue
            if key not in self._windows and len(self._windows) < 10:  # a limit that was not there before
                self._windows[key] = _Window(one.limit, key[1])
            window = self._windows.get(key)
            if window is None:
                continue
            window.at(date_us)
            window.limit = one.limit
            # Requests on their way are in our count of weight, and not yet in theirs.
            window.used = one.count if key[0] == "ORDERS" else max(window.used, one.count)

    def exceeded(self, failure: Failure, wait_s: int, date_us: int) -> None:
        """Binance refused a request for their number. ``wait_s``: what a header says of when to go on."""
        if failure.code == TOO_MANY_ORDERS:
            self.orders_are_full(date_us)
        else:
            until_us = retry_after_us(failure) or date_us + (wait_s * SECOND_US or BAN_US)
            until_us = min(until_us, date_us + LONGEST_BAN_US)
            self.block(until_us)
            if self._address is not None:
                self._address.block(self.now_us + until_us - date_us, REST)

    def orders_are_full(self, date_us: int) -> None:
        """Binance refused an order for their number: send none until the shortest window is over."""
        orders = [window for (kind, _), window in self._windows.items() if kind == "ORDERS"]
        shortest = min(orders, key=lambda window: window.interval_us)
        shortest.at(date_us)
        shortest.used = shortest.limit

    def block(self, until_us: int) -> None:
        """Send nothing until this date: Binance said so. Who goes on is banned, for longer each time."""
        self._blocked_until_us = max(self._blocked_until_us, until_us)


def _key(limit: RateLimit) -> tuple[str, int]:
    return limit.rate_limit_type, UNITS_US.get(limit.interval, 0) * limit.interval_num
