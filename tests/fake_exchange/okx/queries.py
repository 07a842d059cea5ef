"""OKX's queries: instruments, books and trades for all, orders, fills and balances of an account."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from tests.fake_exchange.market import Market
from tests.fake_exchange.okx import messages
from tests.fake_exchange.okx.errors import OrderError, RequestError
from tests.fake_exchange.okx.history import OkxHistory, number, paging
from tests.fake_exchange.okx.requests import OkxRequests
from tests.fake_exchange.orders import Fill, Order, Side

Params = Mapping[str, str]
Body = dict[str, object]
FIRST_BILL_ID = 1_000_000
MAX_PAGE = 100
# OKX: orders that were cancelled without a fill leave the history after two hours.
CANCELLED_KEPT_US = 2 * 3_600_000_000


@dataclass
class Frozen:
    """What queries answer while REST lags the streams."""

    orders: dict[int, Body]
    open_ids: frozenset[int]
    fills: int
    books: dict[str, Body] = field(default_factory=dict)
    balances: dict[str, Body] = field(default_factory=dict)


class OkxQueries:
    def __init__(self, requests: OkxRequests, accounts: list[str], now_us: Callable[[], int]) -> None:
        self.listed_us = now_us()
        self.expired_us: dict[str, int] = {}
        self.maintenance: list[Body] = []
        self._requests = requests
        self._core = requests.core
        self._accounts = accounts
        self._now_us = now_us
        self._history = OkxHistory(self._core, self.market, now_us)
        self._frozen: Frozen | None = None
        self.public: dict[str, Callable[[Params], Sequence[Body | list[str]]]] = {
            "/api/v5/public/time": self._time,
            "/api/v5/public/instruments": self.instruments,
            "/api/v5/market/books": self._books,
            "/api/v5/market/ticker": self._ticker,
            "/api/v5/market/tickers": self._tickers,
            **self._history.public,
            "/api/v5/system/status": lambda params: self.maintenance,
        }
        self.private: dict[str, Callable[[str, Params], list[Body]]] = {
            "/api/v5/account/instruments": lambda account, params: self.instruments(params),
            "/api/v5/account/balance": self._balance,
            "/api/v5/trade/order": self._order,
            "/api/v5/trade/orders-pending": self._pending,
            "/api/v5/trade/orders-history": self._closed,
            "/api/v5/trade/orders-history-archive": self._closed,
            "/api/v5/trade/fills": self._fills,
            "/api/v5/trade/fills-history": self._fills,
        }

    def freeze(self) -> None:
        core = self._core
        self._frozen = Frozen(
            {order.order_id: self._view(order) for order in core.orders.values()},
            frozenset(order.order_id for order in core.orders.values() if order.state.is_open),
            len(core.fills),
            {symbol: self._book(market, 400) for symbol, market in core.markets.items()},
            {account: self._balance(account, {})[0] for account in self._accounts},
        )
        self._history.freeze()

    def thaw(self) -> None:
        self._frozen = None
        self._history.thaw()

    def instruments(self, params: Params) -> list[Body]:
        if params.get("instType") != "SPOT":
            raise RequestError(400, "51000", "Parameter instType error")
        wanted = params.get("instId", "")
        rows = [
            messages.instrument(
                market, self._requests.codes[symbol], listed_us=self.listed_us,
                expires_us=self.expired_us.get(symbol),
            )
            for symbol, market in self._core.markets.items()
            if market.is_listed and wanted in ("", messages.inst_id(market))
        ]  # fmt: skip
        if not rows:
            raise _no_instrument()
        return rows

    def market(self, params: Params) -> Market:
        market = self._requests.market_by_id(params.get("instId", ""))
        if market is None:
            raise _no_instrument()
        return market

    def _time(self, params: Params) -> list[Body]:
        return [{"ts": messages.time_text(self._now_us())}]

    def _books(self, params: Params) -> list[Body]:
        market = self.market(params)
        size = params.get("sz", "1")
        if not size.isdigit() or not 1 <= int(size) <= 400:
            raise RequestError(400, "51000", "Parameter sz error")
        if self._frozen is not None:
            return [self._frozen.books[market.symbol]]
        return [self._book(market, int(size))]

    def _book(self, market: Market, size: int) -> Body:
        body: Body = {}
        for side, name in ((Side.SELL, "asks"), (Side.BUY, "bids")):
            counts = self._core.level_orders(market.symbol, side)
            body[name] = [
                [messages.price_text(market, p), messages.size_text(market, lots), "0", str(counts[p])]
                for p, lots in self._core.levels(market.symbol, side)[:size]
            ]
        return body | {
            "ts": messages.time_text(self._now_us()),
            "seqId": self._core.update_ids[market.symbol],
        }

    def _ticker(self, params: Params) -> list[Body]:
        return [messages.ticker(self._core, self.market(params), self._now_us())]

    def _tickers(self, params: Params) -> list[Body]:
        markets = self._core.markets.values()
        return [messages.ticker(self._core, market, self._now_us()) for market in markets]

    def _balance(self, account: str, params: Params) -> list[Body]:
        if self._frozen is not None:
            return [self._frozen.balances[account]]
        wanted = [text for text in params.get("ccy", "").split(",") if text]
        assets = messages.held_assets(self._core, account)
        assets = [asset for asset in assets if not wanted or asset in wanted]
        return [messages.account_body(self._core, account, assets, self._now_us())]

    def _order(self, account: str, params: Params) -> list[Body]:
        market = self.market(params)
        # OKX: only orders of instruments that are live.
        if not market.is_trading:
            raise _no_instrument()
        try:
            order = self._requests.find(account, market, params)
        except OrderError as error:
            raise RequestError(400, error.code, error.text) from None
        if order is None or (self._frozen is not None and order.order_id not in self._frozen.orders):
            raise RequestError(200, "51603", "Order does not exist")
        return [self._view(order)]

    def _pending(self, account: str, params: Params) -> list[Body]:
        return self._page(account, params, is_open=True)

    def _closed(self, account: str, params: Params) -> list[Body]:
        if params.get("instType") != "SPOT":
            raise RequestError(400, "51000", "Parameter instType error")
        return self._page(account, params, is_open=False)

    def _page(self, account: str, params: Params, *, is_open: bool) -> list[Body]:
        """The newest first. `after` continues with older ones than that id."""
        found = [
            order
            for order in reversed(self._core.orders.values())
            if order.account == account and self._is_open(order) is is_open
            if params.get("instId", "") in ("", messages.inst_id(order.market))
            if order.fills or is_open or order.updated_us > self._now_us() - CANCELLED_KEPT_US
        ]
        first_id = messages.FIRST_ORDER_ID
        after, before, limit = paging(params, MAX_PAGE, MAX_PAGE)
        found = [order for order in found if before < order.order_id + first_id < after]
        return [self._view(order) for order in found[:limit]]

    def _fills(self, account: str, params: Params) -> list[Body]:
        """The newest first, paged by billId."""
        after, before, limit = paging(params, MAX_PAGE, MAX_PAGE)
        rows: list[Body] = []
        shown = self._core.fills if self._frozen is None else self._core.fills[: self._frozen.fills]
        for bill_id, fill in reversed(list(enumerate(shown, FIRST_BILL_ID))):
            if fill.account != account or not self._is_wanted(fill, params):
                continue
            if not before < bill_id < after:
                continue
            order = self._core.orders[fill.order_id]
            rows.append(messages.fill_view(fill, order, self._requests.tags.get(order.order_id, ""), bill_id))
        return rows[:limit]

    def _is_wanted(self, fill: Fill, params: Params) -> bool:
        inst_id = messages.inst_id(self._core.markets[fill.symbol])
        return (
            params.get("instId", "") in ("", inst_id)
            and params.get("ordId", "") in ("", messages.ord_id(fill.order_id))
            and number(params, "begin", 0) <= fill.time_us // 1_000
            and fill.time_us // 1_000 <= number(params, "end", 10**15)
        )

    def _is_open(self, order: Order) -> bool | None:
        if self._frozen is None:
            return order.state.is_open
        if order.order_id not in self._frozen.orders:
            return None
        return order.order_id in self._frozen.open_ids

    def _view(self, order: Order) -> Body:
        if self._frozen is not None and order.order_id in self._frozen.orders:
            return self._frozen.orders[order.order_id]
        return messages.order_view(order, self._requests.tags.get(order.order_id, ""))


def _no_instrument() -> RequestError:
    return RequestError(400, "51001", "Instrument ID does not exist.")
