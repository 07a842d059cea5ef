"""Kraken's REST face: all answers have HTTP 200, a list of errors, and a result."""

import json
from collections.abc import Callable, Mapping
from urllib.parse import parse_qsl

import msgspec
from starlette.requests import Request
from starlette.types import Receive, Scope, Send

from tests.fake_exchange.faults import Faults, RequestFault
from tests.fake_exchange.kraken.errors import LOCKOUT, RATE, TIMEOUT, UNKNOWN_ORDER, KrakenError, invalid
from tests.fake_exchange.kraken.keys import KrakenAccount, KrakenKeys
from tests.fake_exchange.kraken.limits import KrakenLimits
from tests.fake_exchange.kraken.messages import description
from tests.fake_exchange.kraken.names import KrakenNames
from tests.fake_exchange.kraken.number_texts import rfc3339
from tests.fake_exchange.kraken.orders import rest_amendment, rest_terms
from tests.fake_exchange.kraken.queries import Form, KrakenQueries
from tests.fake_exchange.kraken.trading import KrakenTrading
from tests.fake_exchange.limits import Counts
from tests.fake_exchange.orders import Order
from tests.fake_exchange.rest import RestAnswer, serve_rest

# What a call adds to the counter of REST. The calls of trading are counted by the engine alone.
COSTS = {"ClosedOrders": 2, "TradesHistory": 2}
TRADING = frozenset(
    {"AddOrder", "AddOrderBatch", "AmendOrder", "CancelOrder", "CancelOrderBatch", "CancelAll"}
    | {"CancelAllOrdersAfter"}
)
COUNTED_BY_PAIR = frozenset({"OHLC", "Trades"})
HTML = {"Content-Type": "text/html; charset=UTF-8"}
Body = Mapping[str, object]


class KrakenRest:
    """`timeouts_are_pages`: what timed out is answered with a page of the network in front of Kraken."""

    def __init__(
        self, trading: KrakenTrading, queries: KrakenQueries, keys: KrakenKeys, names: KrakenNames,
        limits: KrakenLimits, faults: Faults, counts: Counts,
    ) -> None:  # fmt: skip
        self.timeouts_are_pages = False
        self._trading = trading
        self._keys = keys
        self._names = names
        self._limits = limits
        self._faults = faults
        self._counts = counts
        self._public: dict[str, Callable[[Form], object]] = {
            "Time": queries.time,
            "SystemStatus": queries.system_status,
            "Assets": queries.assets,
            "AssetPairs": queries.asset_pairs,
            "Depth": queries.depth,
            "OHLC": queries.history.ohlc,
            "Trades": queries.history.trades,
        }
        self._private: dict[str, Callable[[KrakenAccount, Form], object]] = {
            "GetWebSocketsToken": lambda account, form: keys.new_token(account),
            "QueryOrders": queries.query_orders,
            "OpenOrders": queries.open_orders,
            "ClosedOrders": queries.closed_orders,
            "TradesHistory": queries.trades_history,
            "QueryTrades": queries.query_trades,
            "Balance": queries.balance,
            "BalanceEx": queries.balance_extended,
            "AddOrder": self._add,
            "AmendOrder": self._amend,
            "CancelOrder": self._cancel,
            "CancelAll": lambda account, form: {"count": trading.cancel_all(account)},
            "CancelAllOrdersAfter": self._cancel_after,
        }
        self._batches: dict[str, Callable[[KrakenAccount, Body], object]] = {
            "AddOrderBatch": self._add_batch,
            "CancelOrderBatch": self._cancel_batch,
        }

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        await serve_rest(scope, receive, send, self._faults, self._reply)

    def _reply(self, request: Request, body: str, fault: RequestFault | None) -> RestAnswer:
        try:
            answer: Body = {"error": [], "result": self._answer(request, body, fault)}
        except KrakenError as error:
            self._counts.refusals[error.text] += 1
            answer = {"error": [error.text]}
        if fault is RequestFault.TIMEOUT_AFTER and self.timeouts_are_pages:
            return RestAnswer(520, b"<!DOCTYPE html><html><title>api.kraken.com | 520</title></html>", HTML)
        return RestAnswer(200, msgspec.json.encode(answer))

    def _answer(self, request: Request, body: str, fault: RequestFault | None) -> object:
        if fault is RequestFault.TOO_MANY:
            raise KrakenError(RATE)
        if fault is RequestFault.BANNED:
            self._limits.lock_out()
        if self._limits.is_locked:
            raise KrakenError(LOCKOUT)
        kind, _, name = request.url.path.removeprefix("/0/").partition("/")
        self._counts.requests[name] += 1
        if kind == "public" and request.method == "GET" and name in self._public:
            return self._public_answer(
                name, dict(parse_qsl(request.url.query, keep_blank_values=True)), fault
            )
        known = name in self._private or name in self._batches
        if kind != "private" or request.method != "POST" or not known:
            raise KrakenError("EGeneral:Unknown method")
        content = self._content(request, body, name)
        nonce = str(content.get("nonce", ""))
        api_key, signature = request.headers.get("API-Key", ""), request.headers.get("API-Sign", "")
        account = self._keys.check(request.url.path, body, nonce, api_key, signature)
        if name not in TRADING and not self._limits.rest(account.name).take(COSTS.get(name, 1)):
            raise KrakenError(RATE)
        fields = {field: value for field, value in content.items() if field not in ("nonce", "otp")}
        if name in self._batches:
            result = self._batches[name](account, fields)
        else:
            result = self._private[name](account, {field: _text(value) for field, value in fields.items()})
        if fault is RequestFault.TIMEOUT_AFTER:
            raise KrakenError(TIMEOUT)
        return result

    def _public_answer(self, name: str, form: Form, fault: RequestFault | None) -> object:
        # Kraken: the lists of the past are counted by address and pair.
        if name in COUNTED_BY_PAIR and not self._limits.pair(name, form.get("pair", "")).take(1):
            raise KrakenError(RATE)
        result = self._public[name](form)
        if fault is RequestFault.TIMEOUT_AFTER:
            raise KrakenError(TIMEOUT)
        return result

    def _content(self, request: Request, body: str, name: str) -> Body:
        """A form, or JSON. Batches are lists, so they need JSON."""
        if request.headers.get("Content-Type", "").startswith("application/json"):
            try:
                content = json.loads(body)
            except ValueError:
                raise invalid("body") from None
            if not isinstance(content, dict):
                raise invalid("body")
            return content
        if name in self._batches:
            raise invalid("orders")
        pairs = parse_qsl(body, keep_blank_values=True)
        if len(dict(pairs)) < len(pairs):
            raise invalid("body")
        return dict(pairs)

    def _add(self, account: KrakenAccount, form: Form) -> object:
        terms = rest_terms(form, self._names)
        order = self._trading.place(account, terms)
        if order is None:
            price = f"limit {terms.price}" if terms.price else "market"
            return {"descr": {"order": f"{terms.side} {terms.quantity} {form['pair']} @ {price}"}}
        return {"descr": {"order": description(order)}, "txid": [self._trading.ids.of_order(order)]}

    def _add_batch(self, account: KrakenAccount, content: Body) -> object:
        rows = content.get("orders")
        if not isinstance(rows, list) or not 2 <= len(rows) <= 15:
            raise invalid("orders")
        shared = {name: _text(value) for name, value in content.items() if name != "orders"}
        if not all(isinstance(row, dict) for row in rows):
            raise invalid("orders")
        all_forms = [{name: _text(value) for name, value in row.items()} | shared for row in rows]
        for form in all_forms:
            rest_terms(form, self._names)  # what is malformed in one order refuses the whole batch
        answers: list[object] = []
        for form in all_forms:
            try:
                order = self._trading.place(account, rest_terms(form, self._names))
            except KrakenError as error:
                answers.append({"error": error.text})
                continue
            placed: dict[str, object] = {}
            if order is not None:
                placed = {"descr": {"order": description(order)}, "txid": self._trading.ids.of_order(order)}
            answers.append(placed)
        return {"orders": answers}

    def _amend(self, account: KrakenAccount, form: Form) -> object:
        amendment = rest_amendment(form)
        order = self._find(account, form)
        if order is None:
            raise KrakenError(UNKNOWN_ORDER)
        return {"amend_id": self._trading.amend(account, order, amendment)}

    def _cancel(self, account: KrakenAccount, form: Form) -> object:
        self._trading.cancel(account, self._find(account, form))
        return {"count": 1}

    def _cancel_batch(self, account: KrakenAccount, content: Body) -> object:
        orders, client_ids = content.get("orders", []), content.get("cl_ord_ids", [])
        if not isinstance(orders, list) or not isinstance(client_ids, list):
            raise invalid("orders")
        if not 1 <= len(orders) + len(client_ids) <= 50:
            raise invalid("orders")
        found = [self._trading.find(account, str(text)) for text in orders]
        found += [self._trading.find_open_by_client_id(account, str(text)) for text in client_ids]
        is_open = [order for order in found if order is not None and order.state.is_open]
        for order in is_open:
            self._trading.cancel(account, order)
        return {"count": len(is_open)}

    def _cancel_after(self, account: KrakenAccount, form: Form) -> object:
        timeout = form.get("timeout", "")
        if not timeout.isdigit():
            raise invalid("timeout")
        at_us = self._trading.cancel_all_after(account, int(timeout))
        now = rfc3339(self._trading.now_us())
        return {"currentTime": now, "triggerTime": rfc3339(at_us) if at_us else "0"}

    def _find(self, account: KrakenAccount, form: Form) -> Order | None:
        if ("txid" in form) == ("cl_ord_id" in form):
            raise invalid("txid")
        if "txid" in form:
            return self._trading.find(account, form["txid"])
        return self._trading.find_open_by_client_id(account, form["cl_ord_id"])


def _text(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else str(value)
