"""What Kraken's REST tells of accounts and markets. It can lag the streams."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime

from tests.fake_exchange.kraken import messages
from tests.fake_exchange.kraken.errors import UNKNOWN_PAIR, KrakenError, invalid
from tests.fake_exchange.kraken.history import KrakenHistory
from tests.fake_exchange.kraken.keys import KrakenAccount
from tests.fake_exchange.kraken.names import KrakenNames, asset_id, pair_id_of
from tests.fake_exchange.kraken.orders import rest_flag
from tests.fake_exchange.kraken.trading import KrakenTrading
from tests.fake_exchange.market import Market, text_e8
from tests.fake_exchange.orders import Fill, Order, Side

PAGE = 50
Form = Mapping[str, str]
Body = dict[str, object]


class KrakenQueries:
    def __init__(self, trading: KrakenTrading, names: KrakenNames, now_us: Callable[[], int]) -> None:
        self._trading = trading
        self._core = trading.core
        self._names = names
        self._now_us = now_us
        self.history = KrakenHistory(self._core, self._market, now_us)
        self._is_frozen = False
        self._frozen_orders: dict[int, Body] = {}
        self._frozen_fills = 0
        self._frozen_balances: dict[str, dict[str, Body]] = {}
        self._frozen_depths: dict[str, Body] = {}

    def freeze(self) -> None:
        """From now on REST answers with the state of this moment."""
        self._frozen_orders = {number: self._fresh_view(order) for number, order in self._core.orders.items()}
        self._frozen_fills = len(self._core.fills)
        accounts = {order.account for order in self._core.orders.values()} | {"first", "second"}
        self._frozen_balances = {account: self._fresh_balances(account) for account in accounts}
        self._frozen_depths = {m.symbol: self._fresh_depth(m, 500) for m in self._core.markets.values()}
        self._is_frozen = True
        self.history.freeze()

    def thaw(self) -> None:
        self._is_frozen = False
        self.history.thaw()

    def time(self, form: Form) -> object:
        now_s = self._now_us() // 1_000_000
        text = datetime.fromtimestamp(now_s, UTC).strftime("%a, %d %b %y %H:%M:%S +0000")
        return {"unixtime": now_s, "rfc1123": text}

    def system_status(self, form: Form) -> object:
        stamp = datetime.fromtimestamp(self._now_us() // 1_000_000, UTC)
        return {"status": self._trading.system, "timestamp": stamp.strftime("%Y-%m-%dT%H:%M:%SZ")}

    def assets(self, form: Form) -> object:
        names = sorted({asset for m in self._core.markets.values() for asset in (m.base, m.quote)})
        return {asset_id(name): messages.asset(name) for name in names}

    def asset_pairs(self, form: Form) -> object:
        markets = self._core.listed
        if "pair" in form:
            markets = [self._market(pair) for pair in form["pair"].split(",")]
        return {pair_id_of(m): messages.asset_pair(m, self._trading.status_of(m)) for m in markets}

    def depth(self, form: Form) -> object:
        market = self._market(form.get("pair", ""))
        count = form.get("count", "100")
        if not count.isdigit() or not 1 <= int(count) <= 500:
            raise invalid("count")
        if self._is_frozen:
            return self._frozen_depths[market.symbol]
        return self._fresh_depth(market, int(count))

    def query_orders(self, account: KrakenAccount, form: Form) -> object:
        ids = form.get("txid", "").split(",")
        if not form.get("txid") or len(ids) > 50:
            raise invalid("txid")
        found = {text: self._trading.find(account, text) for text in ids}
        return {text: self._view(order, form) for text, order in found.items() if self._is_visible(order)}

    def open_orders(self, account: KrakenAccount, form: Form) -> object:
        return {"open": self._views(account, form, ("open", "pending"))}

    def closed_orders(self, account: KrakenAccount, form: Form) -> object:
        views = self._views(account, form, ("closed", "canceled", "expired"))
        newest_first = list(reversed(views.items()))
        return {"closed": dict(_page(newest_first, form)), "count": len(views)}

    def trades_history(self, account: KrakenAccount, form: Form) -> object:
        start_us, end_us = _time_us(form, "start", 0), _time_us(form, "end", 2**62)
        rows = [
            self._fill_row(fill)
            for fill in reversed(self._fills_of(account))
            if start_us < fill.time_us <= end_us
        ]
        return {"trades": dict(_page(rows, form)), "count": len(rows)}

    def query_trades(self, account: KrakenAccount, form: Form) -> object:
        ids = form.get("txid", "").split(",")
        if not form.get("txid") or len(ids) > 20:
            raise invalid("txid")
        rows = dict(self._fill_row(fill) for fill in self._fills_of(account))
        return {text: rows[text] for text in ids if text in rows}

    def balance(self, account: KrakenAccount, form: Form) -> object:
        return {asset: row["balance"] for asset, row in self._balances(account).items()}

    def balance_extended(self, account: KrakenAccount, form: Form) -> object:
        return self._balances(account)

    def _fills_of(self, account: KrakenAccount) -> list[Fill]:
        seen = self._core.fills[: self._frozen_fills] if self._is_frozen else self._core.fills
        return [fill for fill in seen if fill.account == account.name]

    def _fill_row(self, fill: Fill) -> tuple[str, Body]:
        ids, order = self._trading.ids, self._core.orders[fill.order_id]
        return ids.of_fill(fill), messages.fill_view(fill, order, ids)

    def _market(self, pair: str) -> Market:
        market = self._names.by_pair(pair)
        if market is None:
            raise KrakenError(UNKNOWN_PAIR)
        return market

    def _views(self, account: KrakenAccount, form: Form, statuses: tuple[str, ...]) -> dict[str, Body]:
        reference = form.get("userref")
        chosen = {}
        for order in self._trading.orders_of(account):
            if "cl_ord_id" in form and form["cl_ord_id"] != order.client_id:
                continue
            if reference is not None and reference != str(self._trading.user_refs.get(order.order_id, 0)):
                continue
            if self._is_visible(order):
                view = self._view(order, form)
                if view["status"] in statuses:
                    chosen[self._trading.ids.of_order(order)] = view
        return chosen

    def _is_visible(self, order: Order | None) -> bool:
        return order is not None and (not self._is_frozen or order.order_id in self._frozen_orders)

    def _view(self, order: Order | None, form: Form) -> Body:
        assert order is not None
        view = self._frozen_orders[order.order_id] if self._is_frozen else self._fresh_view(order)
        if rest_flag(form, "trades"):
            return view
        return {name: value for name, value in view.items() if name != "trades"}

    def _fresh_view(self, order: Order) -> Body:
        reference = self._trading.user_refs.get(order.order_id, 0)
        end_us = self._trading.expiries.end_us(order.order_id)
        return messages.order_view(order, reference, end_us, self._trading.ids)

    def _balances(self, account: KrakenAccount) -> dict[str, Body]:
        if self._is_frozen:
            return self._frozen_balances.get(account.name, {})
        return self._fresh_balances(account.name)

    def _fresh_balances(self, account: str) -> dict[str, Body]:
        return {
            asset_id(asset): {
                "balance": text_e8(kept.free_e8 + kept.locked_e8),
                "hold_trade": text_e8(kept.locked_e8),
            }
            for asset, kept in self._core.balances(account).items()
        }

    def _fresh_depth(self, market: Market, count: int) -> Body:
        levels = {side: self._core.levels(market.symbol, side)[:count] for side in Side}
        return messages.depth(market, levels, self._now_us())


def _page(rows: list[tuple[str, Body]], form: Form) -> list[tuple[str, Body]]:
    offset = form.get("ofs", "0")
    if not offset.isdigit():
        raise invalid("ofs")
    return rows[int(offset) : int(offset) + PAGE]


def _time_us(form: Form, name: str, default_us: int) -> int:
    """Kraken takes a time in seconds."""
    if name not in form:
        return default_us
    try:
        return int(float(form[name]) * 1_000_000)
    except ValueError:
        raise invalid(name) from None
