"""Binance's queries: instruments, books and candles for all, orders, fills and balances of an account."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import msgspec

from tests.fake_exchange.binance import messages, order_messages
from tests.fake_exchange.binance.errors import BinanceError, missing
from tests.fake_exchange.binance.history import KLINES, BinanceHistory
from tests.fake_exchange.binance.limits import BinanceLimits
from tests.fake_exchange.binance.orders import market_of, number, refuse_unknown
from tests.fake_exchange.binance.signatures import Account
from tests.fake_exchange.live_candles import LiveCandles
from tests.fake_exchange.market import text_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Order

Params = Mapping[str, str]
Body = dict[str, object]
IDS = frozenset({"symbol", "orderId", "origClientOrderId"})


@dataclass
class Frozen:
    """What queries answer while REST lags the streams."""

    orders: dict[int, Body]
    fills: int
    depths: dict[str, Body]
    balances: dict[str, dict[str, tuple[int, int]]]


class BinanceQueries:
    def __init__(
        self, core: MatchingCore, limits: BinanceLimits, accounts: list[Account], now_us: Callable[[], int]
    ) -> None:
        self.candles = LiveCandles(core, KLINES, now_us)
        self._core = core
        self._history = BinanceHistory(core, now_us)
        self._limits = limits
        self._accounts = accounts
        self._now_us = now_us
        self._frozen: Frozen | None = None
        self.signed: dict[str, Callable[[Account, Params], object]] = {
            "order.status": self._status,
            "openOrders.status": self._open_orders,
            "allOrders": self._all_orders,
            "myTrades": self._my_trades,
            "account.status": self._account,
        }
        self.public: dict[str, Callable[[Params], object]] = {
            "ping": lambda params: {},
            "time": lambda params: {"serverTime": self._now_us() // 1_000},
            "exchangeInfo": self._exchange_info,
            "depth": self._depth,
            **self._history.public,
        }

    def freeze(self) -> None:
        """From now on queries answer with the state of this moment: REST lags the stream."""
        core = self._core
        self._frozen = Frozen(
            {order_id: order_messages.order_view(order) for order_id, order in core.orders.items()},
            len(core.fills),
            {symbol: messages.depth(core, market, 5_000) for symbol, market in core.markets.items()},
            {account.name: self._balances(account.name) for account in self._accounts},
        )

        self._history.freeze()

    def thaw(self) -> None:
        self._frozen = None
        self._history.thaw()

    def _status(self, account: Account, params: Params) -> object:
        refuse_unknown(params, IDS)
        order = find_order(self._core, account, params)
        if order is None or (self._frozen is not None and order.order_id not in self._frozen.orders):
            raise BinanceError(400, -2013, "Order does not exist.")
        return self._view(order)

    def _open_orders(self, account: Account, params: Params) -> object:
        symbol = market_of(self._core, params).symbol if "symbol" in params else None
        views = (self._view(order) for order in self._orders_of(account, symbol))
        return [view for view in views if view["status"] in ("NEW", "PARTIALLY_FILLED")]

    def _all_orders(self, account: Account, params: Params) -> object:
        return [self._view(order) for order in self._orders_of(account, market_of(self._core, params).symbol)]

    def _orders_of(self, account: Account, symbol: str | None) -> list[Order]:
        return [
            order
            for order in self._core.orders.values()
            if order.account == account.name
            and symbol in (None, order.market.symbol)
            and (self._frozen is None or order.order_id in self._frozen.orders)
        ]

    def _my_trades(self, account: Account, params: Params) -> object:
        if "fromId" in params and ({"startTime", "endTime"} & set(params)):
            raise BinanceError(400, -1128, "Combination of optional parameters invalid.")
        market = market_of(self._core, params)
        first, limit = number(params, "fromId", 0), number(params, "limit", 500, 1_000)
        begin_ms, end_ms = number(params, "startTime", 0), number(params, "endTime", 10**15)
        order_id = params.get("orderId")
        shown = self._core.fills if self._frozen is None else self._core.fills[: self._frozen.fills]
        fills = [
            fill
            for fill in shown
            if fill.account == account.name and fill.symbol == market.symbol and fill.trade_id >= first
            if order_id in (None, str(fill.order_id)) and begin_ms <= fill.time_us // 1_000 <= end_ms
        ]
        chosen = fills[:limit] if "fromId" in params else fills[-limit:]
        return [messages.trade_view(fill, market) for fill in chosen]

    def _account(self, account: Account, params: Params) -> object:
        refuse_unknown(params, frozenset({"omitZeroBalances"}))
        omit = params.get("omitZeroBalances") == "true"
        frozen = self._frozen
        amounts = self._balances(account.name) if frozen is None else frozen.balances[account.name]
        balances = [
            {"asset": asset, "free": text_e8(free_e8), "locked": text_e8(locked_e8)}
            for asset, (free_e8, locked_e8) in amounts.items()
            if free_e8 or locked_e8 or not omit
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
        named = msgspec.json.decode(params.get("symbols", "[]"), type=list[str])
        listed = {market.symbol: market for market in self._core.listed}
        if set(named) - set(listed):
            raise BinanceError(400, -1121, "Invalid symbol.")
        return {
            "timezone": "UTC",
            "serverTime": self._now_us() // 1_000,
            "rateLimits": self._limits.listed(),
            "exchangeFilters": [],
            "symbols": [messages.instrument(listed[symbol]) for symbol in named or listed],
        }

    def _depth(self, params: Params) -> object:
        market = market_of(self._core, params)
        limit = number(params, "limit", 100, 5_000)
        if self._frozen is not None:
            return self._frozen.depths[market.symbol]
        return messages.depth(self._core, market, limit)

    def _balances(self, account: str) -> dict[str, tuple[int, int]]:
        """Free and locked amounts by asset."""
        return {asset: (b.free_e8, b.locked_e8) for asset, b in self._core.balances(account).items()}

    def _view(self, order: Order) -> Body:
        return (
            order_messages.order_view(order) if self._frozen is None else self._frozen.orders[order.order_id]
        )


def find_order(core: MatchingCore, account: Account, params: Params) -> Order | None:
    market = market_of(core, params)
    order_id, client_id = params.get("orderId"), params.get("origClientOrderId")
    if order_id is None and client_id is None:
        raise BinanceError(400, -1102, "Param 'origClientOrderId' or 'orderId' must be sent.")
    if order_id is not None and not order_id.isdigit():
        raise missing("orderId")
    wanted = None if order_id is None else int(order_id)
    return core.find(account.name, market.symbol, wanted, client_id)
