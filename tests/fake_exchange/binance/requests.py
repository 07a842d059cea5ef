"""What Binance's REST and WebSocket API both do: one function a request, named as in the WebSocket API."""

from collections.abc import Callable, Mapping

from tests.fake_exchange.binance import messages
from tests.fake_exchange.binance.errors import BinanceError, engine_refusal, missing
from tests.fake_exchange.binance.order_counts import OrderCounts
from tests.fake_exchange.binance.orders import (
    check_notional,
    client_id_of,
    market_of,
    parse_new_quantity,
    parse_order,
    refuse_unknown,
)
from tests.fake_exchange.binance.signatures import Account
from tests.fake_exchange.limits import Counts, FixedWindow
from tests.fake_exchange.live_candles import MINUTE_US, LiveCandles
from tests.fake_exchange.market import text_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import BAD_AMENDMENT, Event, Order, OrderChanged, Refused

Params = Mapping[str, str]
IDS = frozenset({"symbol", "orderId", "origClientOrderId"})
CANCEL = IDS | {"newClientOrderId", "cancelRestrictions"}
# A success of these weighs nothing, a failure the documented weight.
MINUTE_NAMES = {"1m": 1, "3m": 3, "5m": 5, "15m": 15, "30m": 30}
HOUR_NAMES = {"1h": 1, "2h": 2, "4h": 4, "6h": 6, "8h": 8, "12h": 12, "1d": 24}
# Weeks and months are not here.
KLINES_US = {
    "1s": 1_000_000,
    **{name: minutes * MINUTE_US for name, minutes in MINUTE_NAMES.items()},
    **{name: hours * 60 * MINUTE_US for name, hours in HOUR_NAMES.items()},
}
FREE_IF_DONE = frozenset({"order.place", "order.test", "order.cancel", "order.cancelReplace"})


class BinanceRequests:
    def __init__(self, core: MatchingCore, counts: Counts, now_us: Callable[[], int]) -> None:
        self.core = core
        self.counts = counts
        self.weight = FixedWindow(6_000, 60_000_000, now_us)
        self.raw_requests = FixedWindow(300_000, 300_000_000, now_us)
        self.orders = OrderCounts(now_us)
        self.candles = LiveCandles(core, KLINES_US, now_us)
        self._now_us = now_us
        self._frozen: dict[int, dict[str, object]] | None = None
        self._frozen_depth: dict[str, dict[str, object]] = {}
        self._banned_until_us = 0
        self._ban_s = 120
        self._ignored_refusals = 0
        core.listeners.append(self._give_back_orders)
        self._signed: dict[str, Callable[[Account, Params], object]] = {
            "order.place": self._place,
            "order.test": self._test,
            "order.cancel": self._cancel,
            "order.cancelReplace": self._cancel_replace,
            "order.amend.keepPriority": self._amend,
            "order.status": self._status,
            "openOrders.status": self._open_orders,
            "openOrders.cancelAll": self._cancel_all,
            "allOrders": self._all_orders,
            "myTrades": self._my_trades,
            "account.status": self._account,
        }
        self._public: dict[str, Callable[[Params], object]] = {
            "ping": lambda params: {},
            "time": lambda params: {"serverTime": self._now_us() // 1_000},
            "exchangeInfo": self._exchange_info,
            "depth": self._depth,
            "klines": self._klines,
        }

    def freeze_queries(self) -> None:
        """From now on queries answer with the state of this moment: REST lags the stream."""
        self._frozen = {order_id: messages.order_view(order) for order_id, order in self.core.orders.items()}
        self._frozen_depth = {
            symbol: messages.depth(self.core, market, 5_000) for symbol, market in self.core.markets.items()
        }

    def thaw_queries(self) -> None:
        self._frozen = None
        self._frozen_depth = {}

    def is_signed(self, name: str) -> bool:
        return name in self._signed

    def is_known(self, name: str) -> bool:
        return name in self._signed or name in self._public

    def admit(self, name: str, params: Params) -> None:
        """Refuse by rate, before the request is looked at. Who goes on after that is banned."""
        if self._now_us() < self._banned_until_us:
            raise self.banned()
        self.counts.requests[name] += 1
        cost = 0 if name in FREE_IF_DONE else _weight(name, params)
        self.counts.weight += cost
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

    def call(self, name: str, account: Account | None, params: Params) -> object:
        try:
            if name in self._public:
                return self._public[name](params)
            assert account is not None
            return self._signed[name](account, params)
        except BinanceError as error:
            self.counts.refusals[error.code] += 1
            if name in FREE_IF_DONE:
                self.weight.take(_weight(name, params))
            raise

    def _place(self, account: Account, params: Params) -> object:
        # The unfilled-order count rises for each order that is sent.
        wait_s = self.orders.take(account.name)
        if wait_s is not None:
            error = BinanceError(429, -1015, "Too many new orders; current limit is 50 orders per 10 SECOND.")
            error.retry_after_s = wait_s
            raise error
        new = parse_order(self.core, params)
        check_notional(self.core, new)
        try:
            order = self.core.place(
                account.name, new.market.symbol, new.side, new.lots, new.price_ticks, new.client_id,
                time_in_force=new.time_in_force, post_only=new.post_only, quote_e8=new.quote_e8,
            )  # fmt: skip
        except Refused as refused:
            raise engine_refusal(refused) from None
        self.counts.orders += 1
        return messages.placed(order, new.response_type)

    def _test(self, account: Account, params: Params) -> object:
        check_notional(self.core, parse_order(self.core, params))
        return {}

    def _cancel(self, account: Account, params: Params) -> object:
        refuse_unknown(params, CANCEL)
        order = self._find(account, params)
        restriction = params.get("cancelRestrictions")
        if order is None or not order.state.is_open:
            raise BinanceError(400, -2011, "Unknown order sent.")
        if restriction is not None and restriction != f"ONLY_{order.state.value}":
            raise BinanceError(400, -2011, "Order was not canceled due to cancel restrictions.")
        request_id = client_id_of(params, "newClientOrderId")
        return messages.cancelled(self.core.cancel(order, request_id), request_id)

    def _cancel_all(self, account: Account, params: Params) -> object:
        market = market_of(self.core, params)
        orders = self.core.open_orders(account.name, market.symbol)
        if not orders:
            raise BinanceError(400, -2011, "Unknown order sent.")
        return [self._cancel(account, {"symbol": market.symbol, "orderId": str(o.order_id)}) for o in orders]

    def _cancel_replace(self, account: Account, params: Params) -> object:
        mode = params.get("cancelReplaceMode")
        if mode not in ("STOP_ON_FAILURE", "ALLOW_FAILURE"):
            raise missing("cancelReplaceMode")
        names = {"cancelOrderId": "orderId", "cancelOrigClientOrderId": "origClientOrderId"}
        names["cancelNewClientOrderId"] = "newClientOrderId"
        ids = {names[name]: value for name, value in params.items() if name in names}
        cancel = ids | {"symbol": params.get("symbol", "")}
        place = {k: v for k, v in params.items() if k not in names and k != "cancelReplaceMode"}
        cancelled, cancel_body = self._attempt(self._cancel, account, cancel)
        result: dict[str, object] = {
            "cancelResult": "SUCCESS" if cancelled else "FAILURE",
            "newOrderResult": "NOT_ATTEMPTED",
            "cancelResponse": cancel_body,
            "newOrderResponse": None,
        }
        if not cancelled and mode == "STOP_ON_FAILURE":
            self.orders.take(account.name)  # an order that was not attempted counts too
            raise BinanceError(400, -2022, "Order cancel-replace failed.", result)
        placed, place_body = self._attempt(self._place, account, place)
        result |= {"newOrderResult": "SUCCESS" if placed else "FAILURE", "newOrderResponse": place_body}
        if cancelled and placed:
            return result
        if cancelled or placed:
            raise BinanceError(409, -2021, "Order cancel-replace partially failed.", result)
        raise BinanceError(400, -2022, "Order cancel-replace failed.", result)

    def _attempt(
        self, request: Callable[[Account, Params], object], account: Account, params: Params
    ) -> tuple[bool, object]:
        try:
            return True, request(account, params)
        except BinanceError as error:
            return False, error.body()

    def _amend(self, account: Account, params: Params) -> object:
        refuse_unknown(params, IDS | {"newClientOrderId", "newQty"})
        order = self._find(account, params)
        if order is None:
            raise BinanceError(400, -2038, "Unknown order sent.")
        request_id = client_id_of(params, "newClientOrderId")
        lots = parse_new_quantity(order.market, params)
        try:
            self.core.reduce(order, lots, request_id)
        except Refused as refused:
            code = -2038 if refused.reason == BAD_AMENDMENT else -2011
            raise engine_refusal(refused, code) from None
        return {
            "transactTime": order.updated_us // 1_000,
            "executionId": order.order_id,
            "amendedOrder": messages.order_view(order),
        }

    def _status(self, account: Account, params: Params) -> object:
        refuse_unknown(params, IDS)
        order = self._find(account, params)
        if order is None or (self._frozen is not None and order.order_id not in self._frozen):
            raise BinanceError(400, -2013, "Order does not exist.")
        return self._view(order)

    def _open_orders(self, account: Account, params: Params) -> object:
        symbol = market_of(self.core, params).symbol if "symbol" in params else None
        views = (self._view(order) for order in self._orders_of(account, symbol))
        return [view for view in views if view["status"] in ("NEW", "PARTIALLY_FILLED")]

    def _all_orders(self, account: Account, params: Params) -> object:
        return [self._view(order) for order in self._orders_of(account, market_of(self.core, params).symbol)]

    def _orders_of(self, account: Account, symbol: str | None) -> list[Order]:
        return [
            order
            for order in self.core.orders.values()
            if order.account == account.name
            and symbol in (None, order.market.symbol)
            and (self._frozen is None or order.order_id in self._frozen)
        ]

    def _my_trades(self, account: Account, params: Params) -> object:
        if "fromId" in params and ({"startTime", "endTime"} & set(params)):
            raise BinanceError(400, -1128, "Combination of optional parameters invalid.")
        market = market_of(self.core, params)
        first, limit = int(params.get("fromId", "0")), min(1_000, int(params.get("limit", "500")))
        order_id = params.get("orderId")
        fills = [
            fill
            for fill in self.core.fills
            if fill.account == account.name and fill.symbol == market.symbol and fill.trade_id >= first
            if order_id in (None, str(fill.order_id))
        ]
        chosen = fills[:limit] if "fromId" in params else fills[-limit:]
        return [messages.trade_view(fill, market) for fill in chosen]

    def _account(self, account: Account, params: Params) -> object:
        refuse_unknown(params, frozenset({"omitZeroBalances"}))
        omit = params.get("omitZeroBalances") == "true"
        balances = [
            {"asset": asset, "free": text_e8(b.free_e8), "locked": text_e8(b.locked_e8)}
            for asset, b in self.core.balances(account.name).items()
            if b.free_e8 or b.locked_e8 or not omit
        ]
        return {
            "makerCommission": 10,
            "takerCommission": 10,
            "canTrade": True,
            "updateTime": self._now_us() // 1_000,
            "accountType": "SPOT",
            "balances": balances,
            "permissions": ["SPOT"],
            "uid": 1,
        }

    def _exchange_info(self, params: Params) -> object:
        return {
            "timezone": "UTC",
            "serverTime": self._now_us() // 1_000,
            "rateLimits": [
                _limit("REQUEST_WEIGHT", "MINUTE", 1, self.weight.limit),
                _limit("ORDERS", "SECOND", 10, self.orders.limit),
                _limit("ORDERS", "DAY", 1, self.orders.day_limit),
                _limit("RAW_REQUESTS", "MINUTE", 5, self.raw_requests.limit),
            ],
            "exchangeFilters": [],
            "symbols": [messages.instrument(market) for market in self.core.markets.values()],
        }

    def _depth(self, params: Params) -> object:
        market = market_of(self.core, params)
        limit = min(5_000, int(params.get("limit", "100")))
        return self._frozen_depth.get(market.symbol) or messages.depth(self.core, market, limit)

    def _klines(self, params: Params) -> object:
        """The oldest first."""
        market, interval = market_of(self.core, params), params.get("interval", "")
        if interval not in KLINES_US:
            raise BinanceError(400, -1120, "Invalid interval.")
        limit = min(1_000, int(params.get("limit", "500")))
        newest = self.candles.newest(market.symbol, interval, limit)
        return [messages.kline_row(candle) for candle in reversed(newest)]

    def _find(self, account: Account, params: Params) -> Order | None:
        market = market_of(self.core, params)
        order_id, client_id = params.get("orderId"), params.get("origClientOrderId")
        if order_id is None and client_id is None:
            raise BinanceError(400, -1102, "Param 'origClientOrderId' or 'orderId' must be sent.")
        if order_id is not None and not order_id.isdigit():
            raise missing("orderId")
        number = None if order_id is None else int(order_id)
        return self.core.find(account.name, market.symbol, number, client_id)

    def _view(self, order: Order) -> dict[str, object]:
        return messages.order_view(order) if self._frozen is None else self._frozen[order.order_id]

    def _give_back_orders(self, event: Event) -> None:
        """A first fill gives one of the unfilled orders back."""
        if isinstance(event, OrderChanged) and event.fill and len(event.order.fills) == 1:
            self.orders.give_back(event.order.account)


def _limit(kind: str, interval: str, number: int, limit: int) -> dict[str, object]:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": limit}


def _weight(name: str, params: Params) -> int:
    if name == "depth":
        limit = params.get("limit", "100")
        size = int(limit) if limit.isdigit() else 100
        return next(weight for top, weight in ((100, 5), (500, 25), (1_000, 50), (10**9, 250)) if size <= top)
    if name == "openOrders.status":
        return 6 if "symbol" in params else 80
    if name == "myTrades":
        return 5 if "orderId" in params else 20
    weights = {"exchangeInfo": 20, "order.status": 4, "klines": 2, "allOrders": 20, "account.status": 20}
    return weights.get(name, 4 if "amend" in name else 1)
