"""What Coinbase's REST tells of accounts and products. It can lag the streams."""

from collections.abc import Callable, Mapping, Sequence

from tests.fake_exchange.coinbase.errors import CoinbaseError, invalid
from tests.fake_exchange.coinbase.history import CoinbaseHistory, check, limit_of
from tests.fake_exchange.coinbase.keys import CoinbaseAccount
from tests.fake_exchange.coinbase.messages import STATES, parse_time_us, time_text
from tests.fake_exchange.coinbase.trading import CoinbaseTrading
from tests.fake_exchange.market import plain_e8
from tests.fake_exchange.orders import Fill, Order, Side

Body = dict[str, object]
Query = Mapping[str, Sequence[str]]
MOST_ACCOUNTS = 250
MOST_ORDERS = 1_000
MOST_FILLS = 100


class CoinbaseQueries:
    def __init__(
        self, trading: CoinbaseTrading, accounts: list[CoinbaseAccount], now_us: Callable[[], int]
    ) -> None:
        self._trading = trading
        self._core = trading.core
        self._products = trading.products
        self._accounts = accounts
        self._now_us = now_us
        self._history = CoinbaseHistory(self._core, now_us)
        self._is_frozen = False
        self._are_fills_frozen = False
        self._frozen_orders: dict[int, Body] = {}
        self._frozen_fills = 0
        self._frozen_balances: dict[str, list[Body]] = {}
        self._frozen_books: dict[str, Body] = {}

    def freeze(self) -> None:
        """From now on REST answers with the state of this moment."""
        portfolios = {account.name: account.portfolio for account in self._accounts}
        self._frozen_orders = {
            number: self._trading.views.order(order, portfolios[order.account])
            for number, order in self._core.orders.items()
            if order.account in portfolios
        }
        self._frozen_fills = len(self._core.fills)
        self._frozen_balances = {account.name: self._fresh_balances(account) for account in self._accounts}
        self._frozen_books = {name: self._fresh_book(name, 10_000) for name in self._products.ids}
        self._history.freeze()
        self._is_frozen = self._are_fills_frozen = True

    def freeze_fills(self) -> None:
        """From now on REST has no new fills, but all else: fills can trail the state of an order."""
        self._frozen_fills = len(self._core.fills)
        self._are_fills_frozen = True

    def thaw(self) -> None:
        self._history.thaw()
        self._is_frozen = self._are_fills_frozen = False

    def time(self) -> Body:
        now_us = self._now_us()
        seconds = now_us // 1_000_000
        iso = time_text(seconds * 1_000_000)
        return {"iso": iso, "epochSeconds": str(seconds), "epochMillis": str(now_us // 1_000)}

    def products(self, query: Query) -> Body:
        allowed = {
            "limit",
            "offset",
            "product_type",
            "product_ids",
            "get_all_products",
            "contract_expiry_type",
        }
        check(query, allowed | {"get_tradability_status"})
        ids = self._products.ids
        if query.get("product_type", ["SPOT"])[0] != "SPOT":
            ids = []
        if "product_ids" in query:
            ids = [name for name in ids if name in query["product_ids"]]
        return {"products": [self._products.view(name) for name in ids], "num_products": len(ids)}

    def product(self, product_id: str) -> Body:
        return self._products.view(self._known_product(product_id))

    def product_book(self, query: Query) -> Body:
        check(query, {"product_id", "limit", "aggregation_price_increment"})
        product_id = self._known_product(query.get("product_id", [""])[0])
        limit = limit_of(query, 10_000)
        book = self._frozen_books[product_id] if self._is_frozen else self._fresh_book(product_id, limit)
        return {"pricebook": book, "last": "", "mid_market": "", "spread_bps": "", "spread_absolute": ""}

    def ticker(self, product_id: str, query: Query) -> Body:
        """The last trades, newest first."""
        check(query, {"limit", "start", "end"})
        market = self._products.find(self._known_product(product_id))
        assert market is not None
        best: Body = {"trades": self._history.trades(market, product_id, query)}
        for name, side in (("best_bid", Side.BUY), ("best_ask", Side.SELL)):
            top = self._core.levels(market.symbol, side)[:1]
            best[name] = plain_e8(top[0][0] * market.tick_e8) if top else ""
        return best

    def candles(self, product_id: str, query: Query) -> Body:
        market = self._products.find(self._known_product(product_id))
        assert market is not None
        return {"candles": self._history.candles(market, query)}

    def accounts(self, account: CoinbaseAccount, query: Query) -> Body:
        check(query, {"limit", "cursor", "retail_portfolio_id"})
        rows = self._frozen_balances[account.name] if self._is_frozen else self._fresh_balances(account)
        page, cursor = _page(rows, query, MOST_ACCOUNTS)
        return {"accounts": page, "has_next": bool(cursor), "cursor": cursor, "size": len(page)}

    def transaction_summary(self, account: CoinbaseAccount, query: Query) -> Body:
        check(query, {"product_type", "contract_expiry_type", "product_venue"})
        tier = {"pricing_tier": "Advanced 1", "taker_fee_rate": "0.001", "maker_fee_rate": "0.001"}
        return {"total_volume": 0, "total_fees": 0, "fee_tier": tier, "advanced_trade_only_volume": 0}

    def order(self, account: CoinbaseAccount, order_id: str) -> Body:
        order = self._trading.find(account, order_id)
        if order is None or not self._is_visible(order):
            raise CoinbaseError(404, "NOT_FOUND", "order with this orderID was not found")
        return {"order": self._view(order, account)}

    def orders(self, account: CoinbaseAccount, query: Query) -> Body:
        allowed = {"order_ids", "product_ids", "product_id", "order_status", "limit", "cursor", "order_side"}
        check(query, allowed | {"start_date", "end_date", "order_type", "product_type", "sort_by"})
        statuses = query.get("order_status", ())
        if set(statuses) - {"OPEN", "PENDING", "QUEUED", *STATES.values(), "EXPIRED", "FAILED"}:
            raise invalid("order_status")
        if "OPEN" in statuses and len(statuses) > 1:
            raise invalid("OPEN can not be combined with other statuses")
        products = (*query.get("product_ids", ()), *query.get("product_id", ()))
        first_us, last_us = _time_us(query, "start_date", 0), _time_us(query, "end_date", 2**62)
        rows = [
            self._view(order, account)
            for order in reversed(self._core.orders.values())
            if order.account == account.name and self._is_visible(order)
            if first_us <= order.placed_us < last_us
            if not products or self._trading.views.product_id(order) in products
            if self._trading.views.ids.of_order(order) in query.get("order_ids", ())
            or "order_ids" not in query
            if order.side.value in query.get("order_side", ("BUY", "SELL"))
        ]
        rows = [row for row in rows if not statuses or row["status"] in statuses]
        page, cursor = _page(rows, query, MOST_ORDERS)
        return {"orders": page, "sequence": "0", "has_next": bool(cursor), "cursor": cursor}

    def fills(self, account: CoinbaseAccount, query: Query) -> Body:
        allowed = {"order_ids", "order_id", "trade_ids", "product_ids", "product_id", "limit", "cursor"}
        check(query, allowed | {"start_sequence_timestamp", "end_sequence_timestamp", "sort_by"})
        first_us = _time_us(query, "start_sequence_timestamp", 0)
        last_us = _time_us(query, "end_sequence_timestamp", 2**62)
        wanted_orders = (*query.get("order_ids", ()), *query.get("order_id", ()))
        wanted_products = (*query.get("product_ids", ()), *query.get("product_id", ()))
        seen: Sequence[Fill] = (
            self._core.fills[: self._frozen_fills] if self._are_fills_frozen else self._core.fills
        )
        rows = [
            self._trading.views.fill(fill, self._core.orders[fill.order_id], account.portfolio)
            for fill in reversed(seen)
            if fill.account == account.name and first_us <= fill.time_us < last_us
        ]
        rows = [
            row
            for row in rows
            if not wanted_orders or row["order_id"] in wanted_orders
            if not wanted_products or row["product_id"] in wanted_products
            if row["trade_id"] in query.get("trade_ids", ()) or "trade_ids" not in query
        ]
        page, cursor = _page(rows, query, MOST_FILLS)
        return {"fills": page, "cursor": cursor}

    def _known_product(self, product_id: str) -> str:
        if product_id not in self._products.ids:
            raise CoinbaseError(404, "NOT_FOUND", "valid product_id is required")
        return product_id

    def _is_visible(self, order: Order) -> bool:
        return not self._is_frozen or order.order_id in self._frozen_orders

    def _view(self, order: Order, account: CoinbaseAccount) -> Body:
        if self._is_frozen:
            return self._frozen_orders[order.order_id]
        return self._trading.views.order(order, account.portfolio)

    def _fresh_balances(self, account: CoinbaseAccount) -> list[Body]:
        return [
            {
                "uuid": self._trading.views.ids.make(f"account {account.name} {asset}"),
                "name": f"{asset} Wallet",
                "currency": asset,
                "available_balance": {"value": plain_e8(kept.free_e8), "currency": asset},
                "default": True,
                "active": True,
                "created_at": "2021-05-31T09:59:59Z",
                "updated_at": time_text(self._now_us()),
                "deleted_at": None,
                "type": "ACCOUNT_TYPE_FIAT" if asset in ("USD", "EUR", "GBP") else "ACCOUNT_TYPE_CRYPTO",
                "ready": True,
                "hold": {"value": plain_e8(kept.locked_e8), "currency": asset},
                "retail_portfolio_id": account.portfolio,
            }
            for asset, kept in self._core.balances(account.name).items()
        ]

    def _fresh_book(self, product_id: str, limit: int) -> Body:
        return self._products.price_book(product_id, limit, time_text(self._now_us()))


def _page(rows: list[Body], query: Query, most: int) -> tuple[list[Body], str]:
    start = query.get("cursor", ("",))[0] or "0"
    if not start.isdigit():
        raise invalid("cursor")
    end = int(start) + limit_of(query, most)
    return rows[int(start) : end], str(end) if end < len(rows) else ""


def _time_us(query: Query, name: str, default_us: int) -> int:
    if name not in query:
        return default_us
    time_us = parse_time_us(query[name][0])
    if time_us is None:
        raise invalid(name)
    return time_us
