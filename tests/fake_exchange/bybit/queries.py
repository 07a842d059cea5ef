"""Bybit's queries: instruments, books and trades for all, orders, fills and balances of an account."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fake_exchange.bybit import messages
from tests.fake_exchange.bybit.disconnect_cancel import DisconnectCancel
from tests.fake_exchange.bybit.errors import BybitError, bad_parameter
from tests.fake_exchange.bybit.history import CANDLES, BybitHistory, limit_of
from tests.fake_exchange.bybit.requests import BybitRequests
from tests.fake_exchange.live_candles import LiveCandles
from tests.fake_exchange.market import Market
from tests.fake_exchange.orders import Fill, Order, Side

Params = Mapping[str, str]
Body = dict[str, object]
# Bybit: orders that ended without a fill leave the history after a day.
UNFILLED_KEPT_US = 86_400_000_000
WINDOW_MS = 7 * 86_400_000
RECENT_CLOSED = 500


@dataclass
class Frozen:
    """What queries answer while REST lags the streams."""

    orders: dict[int, Body]
    open_ids: frozenset[int]
    fills: int
    books: dict[str, Body]
    wallets: dict[str, Body]


class BybitQueries:
    def __init__(
        self,
        requests: BybitRequests,
        accounts: list[str],
        disconnect_cancel: DisconnectCancel,
        now_us: Callable[[], int],
    ) -> None:
        self.full_books: Callable[[str], Body] | None = None
        self.maintenance: list[Body] = []
        # Bybit: for a moment an order is in no list, while it moves from the open ones to the closed ones.
        self.moving_us = 0
        self.candles = LiveCandles(requests.core, CANDLES, now_us)
        self._requests = requests
        self._core = requests.core
        self._accounts = accounts
        self._now_us = now_us
        self._history = BybitHistory(self._core, self.market, now_us)
        self._frozen: Frozen | None = None
        self.public: dict[str, Callable[[Params], Body]] = {
            "/v5/market/time": self._time,
            "/v5/market/instruments-info": self._instruments,
            "/v5/market/orderbook": self._books,
            "/v5/market/full_orderbook": self._full_book,
            "/v5/market/tickers": self._tickers,
            **self._history.public,
            "/v5/system/status": lambda params: {"list": self.maintenance},
        }
        self.private: dict[str, Callable[[str, Params], Body]] = {
            "/v5/order/realtime": self._realtime,
            "/v5/order/history": self._closed,
            "/v5/execution/list": self._executions,
            "/v5/account/wallet-balance": self._wallet,
            "/v5/account/query-dcp-info": lambda account, params: disconnect_cancel.info(account),
        }

    def freeze(self) -> None:
        core = self._core
        self._frozen = Frozen(
            {order.order_id: messages.order_view(order) for order in core.orders.values()},
            frozenset(order.order_id for order in core.orders.values() if order.state.is_open),
            len(core.fills),
            {symbol: self._book(market, 200) for symbol, market in core.markets.items()},
            {account: self._wallet(account, {"accountType": "UNIFIED"}) for account in self._accounts},
        )
        self._history.freeze()

    def thaw(self) -> None:
        self._frozen = None
        self._history.thaw()

    def market(self, params: Params) -> Market:
        _check_category(params)
        market = self._core.markets.get(params.get("symbol", ""))
        if market is None or not market.is_listed:
            raise BybitError(10001, "Not supported symbols")
        return market

    def _time(self, params: Params) -> Body:
        now_us = self._now_us()
        return {"timeSecond": str(now_us // 1_000_000), "timeNano": str(now_us * 1_000)}

    def _instruments(self, params: Params) -> Body:
        _check_category(params)
        markets = [self.market(params)] if params.get("symbol") else self._core.listed
        return {"category": "spot", "list": [messages.instrument(market) for market in markets]}

    def _books(self, params: Params) -> Body:
        market = self.market(params)
        limit = limit_of(params, 1, 200)
        if self._frozen is not None:
            return self._frozen.books[market.symbol]
        return self._book(market, limit)

    def _book(self, market: Market, limit: int) -> Body:
        body: Body = {"s": market.symbol}
        for side, name in ((Side.BUY, "b"), (Side.SELL, "a")):
            body[name] = [
                [messages.price_text(market, price), messages.quantity_text(market, lots)]
                for price, lots in self._core.levels(market.symbol, side)[:limit]
            ]
        sequence = self._core.update_ids[market.symbol]
        now_ms = self._now_us() // 1_000
        return body | {"ts": now_ms, "cts": now_ms, "u": sequence, "seq": sequence}

    def _full_book(self, params: Params) -> Body:
        market = self.market(params)
        assert self.full_books is not None
        return self.full_books(market.symbol)

    def _tickers(self, params: Params) -> Body:
        _check_category(params)
        markets = [self.market(params)] if params.get("symbol") else list(self._core.markets.values())
        rows: list[Body] = []
        for market in markets:
            row = messages.ticker(self._core, market)
            for side, name in ((Side.BUY, "bid1"), (Side.SELL, "ask1")):
                top = self._core.levels(market.symbol, side)[:1]
                row[f"{name}Price"] = messages.price_text(market, top[0][0]) if top else ""
                row[f"{name}Size"] = messages.quantity_text(market, top[0][1]) if top else ""
            rows.append(row)
        return {"category": "spot", "list": rows}

    def _wallet(self, account: str, params: Params) -> Body:
        if params.get("accountType") != "UNIFIED":
            raise BybitError(10001, "accountType only support UNIFIED.")
        if self._frozen is not None:
            return self._frozen.wallets[account]
        wanted = [text for text in params.get("coin", "").split(",") if text]
        held = [asset for asset, b in self._core.balances(account).items() if b.free_e8 or b.locked_e8]
        assets = wanted or held
        return {"list": [messages.wallet(self._core, account, assets)]}

    def _realtime(self, account: str, params: Params) -> Body:
        """Open orders, and the newest closed ones if an id is given or openOnly is 1."""
        _check_category(params)
        if params.get("openOnly", "0") not in ("0", "1"):
            raise bad_parameter("openOnly")
        mine = [order for order in reversed(self._orders(account)) if self._is_wanted(order, params)]
        by_id = bool(params.get("orderId") or params.get("orderLinkId"))
        closed = [order for order in mine if not self._is_open(order)][:RECENT_CLOSED]
        shown = [order for order in mine if self._is_open(order)]
        if by_id:
            shown = sorted(shown + closed, key=lambda order: -order.order_id)
        elif params.get("openOnly") == "1":
            shown = closed
        return self._page([self._view(order) for order in shown], params, 20, 50)

    def _closed(self, account: str, params: Params) -> Body:
        _check_category(params)
        begin_ms, end_ms = _window(params, self._now_us() // 1_000)
        kept_us = self._now_us() - UNFILLED_KEPT_US
        shown = [
            order
            for order in reversed(self._orders(account))
            if not self._is_open(order) and self._is_wanted(order, params)
            if order.fills or order.updated_us > kept_us
            if begin_ms <= order.placed_us // 1_000 <= end_ms
        ]
        return self._page([self._view(order) for order in shown], params, 20, 50)

    def _executions(self, account: str, params: Params) -> Body:
        _check_category(params)
        begin_ms, end_ms = _window(params, self._now_us() // 1_000)
        fills = self._core.fills if self._frozen is None else self._core.fills[: self._frozen.fills]
        rows = [
            messages.execution(fill, self._core.orders[fill.order_id])
            for fill in reversed(fills)
            if fill.account == account and self._is_wanted(self._order_of(fill), params)
            if begin_ms <= fill.time_us // 1_000 <= end_ms
        ]
        return self._page(rows, params, 50, 100)

    def _page(self, rows: list[Body], params: Params, default: int, most: int) -> Body:
        """`cursor` continues a list where it ended. It is a text that only the exchange understands."""
        limit, cursor = limit_of(params, default, most), params.get("cursor", "")
        key = "execId" if rows and "execId" in rows[0] else "orderId"
        first = 0
        if cursor:
            found = [number for number, row in enumerate(rows) if f"page:{row[key]}" == cursor]
            if not found:
                raise bad_parameter("cursor")
            first = found[0] + 1
        page = rows[first : first + limit]
        is_last = not page or page[-1] is rows[-1]
        next_cursor = "" if is_last else f"page:{page[-1][key]}"
        return {"category": "spot", "list": page, "nextPageCursor": next_cursor}

    def _orders(self, account: str) -> list[Order]:
        moved_us = self._now_us() - self.moving_us
        return [
            order
            for order in self._core.orders.values()
            if order.account == account and (self._frozen is None or order.order_id in self._frozen.orders)
            if self._is_open(order) or not self.moving_us or order.updated_us <= moved_us
        ]

    def _order_of(self, fill: Fill) -> Order:
        return self._core.orders[fill.order_id]

    def _is_wanted(self, order: Order, params: Params) -> bool:
        # Bybit: if both ids are there, orderId counts.
        number, client_id = params.get("orderId", ""), params.get("orderLinkId", "")
        by_id = number == messages.order_id(order.order_id)
        by_client_id = not number and client_id in ("", order.client_id)
        return (by_id or by_client_id) and params.get("symbol", "") in ("", order.market.symbol)

    def _is_open(self, order: Order) -> bool:
        return order.state.is_open if self._frozen is None else order.order_id in self._frozen.open_ids

    def _view(self, order: Order) -> Body:
        return messages.order_view(order) if self._frozen is None else self._frozen.orders[order.order_id]


def _check_category(params: Params) -> None:
    if params.get("category") != "spot":
        raise bad_parameter("category")


def _window(params: Params, now_ms: int) -> tuple[int, int]:
    """Bybit: seven days at most in one call. Without times, the last seven."""
    texts = (params.get("startTime", ""), params.get("endTime", ""))
    if any(text and not (text.isascii() and text.isdigit()) for text in texts):
        raise bad_parameter("startTime")
    begin_ms = int(texts[0]) if texts[0] else (int(texts[1]) if texts[1] else now_ms) - WINDOW_MS
    end_ms = int(texts[1]) if texts[1] else begin_ms + WINDOW_MS
    if end_ms - begin_ms > WINDOW_MS:
        raise BybitError(10001, "The time range between startTime and endTime is over 7 days.")
    return begin_ms, end_ms
