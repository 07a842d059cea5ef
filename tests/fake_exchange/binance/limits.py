"""Binance's limits: weight and requests by address, orders by account, and bans of those who go on."""

from collections.abc import Callable, Mapping

from tests.fake_exchange.binance.errors import BinanceError
from tests.fake_exchange.binance.order_counts import OrderCounts
from tests.fake_exchange.limits import Counts, FixedWindow

Params = Mapping[str, str]
# A success of these weighs nothing, a failure the documented weight.
FREE_IF_DONE = frozenset({"order.place", "order.test", "order.cancel", "order.cancelReplace"})
WEIGHTS = {
    "exchangeInfo": 20,
    "klines": 2,
    "trades.recent": 25,
    "trades.historical": 25,
    "trades.aggregate": 4,
    "order.status": 4,
    "allOrders": 20,
    "account.status": 20,
}


class BinanceLimits:
    def __init__(self, counts: Counts, now_us: Callable[[], int]) -> None:
        self.weight = FixedWindow(6_000, 60_000_000, now_us)
        self.raw_requests = FixedWindow(300_000, 300_000_000, now_us)
        self.orders = OrderCounts(now_us)
        self._counts = counts
        self._now_us = now_us
        self._banned_until_us = 0
        self._ban_s = 120
        self._ignored_refusals = 0

    def admit(self, name: str, params: Params) -> None:
        """Refuse by rate, before the request is looked at. Who goes on after that is banned."""
        if self._now_us() < self._banned_until_us:
            raise self.banned()
        self._counts.requests[name] += 1
        cost = 0 if name in FREE_IF_DONE else weight_of(name, params)
        self._counts.weight += cost
        if not self.weight.take(cost) or not self.raw_requests.take():
            self._ignored_refusals += 1
            if self._ignored_refusals > 10:
                self.ban()
                raise self.banned()
            raise self.too_many()
        self._ignored_refusals = 0

    def too_many(self) -> BinanceError:
        error = BinanceError(429, -1003, "Too much request weight used; please slow down.")
        error.retry_after_s = self.weight.wait_s()
        return error

    def ban(self) -> None:
        """Bans grow from two minutes to three days."""
        self._banned_until_us = self._now_us() + self._ban_s * 1_000_000
        self._ban_s = min(2 * self._ban_s, 3 * 86_400)

    def banned(self) -> BinanceError:
        wait_s = max(1, (self._banned_until_us - self._now_us()) // 1_000_000)
        error = BinanceError(418, -1003, "Way too much request weight used; IP banned.")
        error.retry_after_s = wait_s
        return error

    def charge_failure(self, name: str, params: Params) -> None:
        if name in FREE_IF_DONE:
            self.weight.take(weight_of(name, params))

    def take_order(self, account: str) -> None:
        """Count an order that was sent, and refuse it if there are too many unfilled ones."""
        wait_s = self.orders.take(account)
        if wait_s is not None:
            error = BinanceError(429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.")
            error.retry_after_s = wait_s
            raise error

    def listed(self) -> list[dict[str, object]]:
        """As in exchangeInfo."""
        return [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, self.weight.limit),
            _limit("ORDERS", "SECOND", 10, self.orders.limit),
            _limit("ORDERS", "DAY", 1, self.orders.day_limit),
            _limit("RAW_REQUESTS", "MINUTE", 5, self.raw_requests.limit),
        ]


def weight_of(name: str, params: Params) -> int:
    if name == "depth":
        limit = params.get("limit", "100")
        size = min(5_000, int(limit)) if limit.isdigit() else 100
        return next(weight for top, weight in ((100, 5), (500, 25), (1_000, 50), (10**9, 250)) if size <= top)
    if name == "openOrders.status":
        return 6 if "symbol" in params else 80
    if name == "myTrades":
        return 5 if "orderId" in params else 20
    return WEIGHTS.get(name, 4 if "amend" in name else 1)


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}
