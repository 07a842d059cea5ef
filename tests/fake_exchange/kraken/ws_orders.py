"""The orders of Kraken's private WebSocket: one function a method."""

from collections.abc import Mapping, Sequence

from tests.fake_exchange.kraken.connection import Params
from tests.fake_exchange.kraken.errors import UNKNOWN_ORDER, KrakenError, invalid
from tests.fake_exchange.kraken.keys import KrakenAccount
from tests.fake_exchange.kraken.names import KrakenNames, symbol_of
from tests.fake_exchange.kraken.number_texts import rfc3339
from tests.fake_exchange.kraken.orders import Terms, refuse_unknown, ws_amendment, ws_terms
from tests.fake_exchange.kraken.trading import KrakenTrading
from tests.fake_exchange.orders import Order

MOST_CANCELS = 50
# One answer: its fields besides method, req_id and times.
Answer = dict[str, object]


def failure(error: KrakenError) -> Answer:
    return {"error": error.text, "success": False}


class KrakenWsOrders:
    methods = frozenset(
        {"add_order", "amend_order", "cancel_order", "cancel_all", "cancel_all_orders_after"}
        | {"batch_add", "batch_cancel"}
    )

    def __init__(self, trading: KrakenTrading, names: KrakenNames) -> None:
        self._trading = trading
        self._names = names

    def carry_out(self, method: str, account: KrakenAccount, params: Params) -> Sequence[Answer]:
        """The answers, one or more. A KrakenError is the answer if nothing was done."""
        match method:
            case "add_order":
                return [self._success(self._add(account, ws_terms(params, self._names)))]
            case "amend_order":
                return [self._success(self._amend(account, params))]
            case "cancel_order":
                return self._cancel(account, params)
            case "batch_add":
                return [self._success({"orders": self._add_batch(account, params)})]
            case "batch_cancel":
                return [self._cancel_batch(account, params)]
            case "cancel_all":
                refuse_unknown(params, frozenset({"token"}), "cancel all")
                return [self._success({"count": self._trading.cancel_all(account)})]
            case _:
                return [self._success(self._cancel_after(account, params))]

    def _success(self, result: Mapping[str, object]) -> Answer:
        return {"result": result, "success": True}

    def _add(self, account: KrakenAccount, terms: Terms) -> Answer:
        order = self._trading.place(account, terms)
        result: Answer = {} if order is None else {"order_id": self._trading.ids.of_order(order)}
        if terms.client_id:
            result["cl_ord_id"] = terms.client_id
        if terms.user_ref:
            result["order_userref"] = terms.user_ref
        return result

    def _amend(self, account: KrakenAccount, params: Params) -> Answer:
        amendment = ws_amendment(params)
        order = self._find(account, params)
        result: Answer = {"amend_id": self._trading.amend(account, order, amendment)}
        result["order_id"] = self._trading.ids.of_order(order)
        if "cl_ord_id" in params:
            result["cl_ord_id"] = order.client_id
        return result

    def _cancel(self, account: KrakenAccount, params: Params) -> Sequence[Answer]:
        """Kraken: one answer for each id."""
        refuse_unknown(params, frozenset({"order_id", "cl_ord_id", "order_userref", "token"}), "cancel order")
        answers: list[Answer] = []
        ids = [(name, text) for name in ("order_id", "cl_ord_id") for text in _texts(params, name)]
        if not ids:
            raise invalid("order_id")
        for name, text in ids:
            try:
                self._trading.cancel(account, self._by_id(account, name, text))
                answers.append(self._success({name: text}))
            except KrakenError as error:
                answers.append(failure(error) | {name: text})
        return answers

    def _add_batch(self, account: KrakenAccount, params: Params) -> list[Answer]:
        refuse_unknown(params, frozenset({"symbol", "orders", "deadline", "validate", "token"}), "batch add")
        rows = params.get("orders")
        if not isinstance(rows, list) or not 2 <= len(rows) <= 15:
            raise invalid("orders")
        shared = {name: value for name, value in params.items() if name not in ("orders", "token")}
        answers: list[Answer] = []
        # What is malformed in one order refuses the whole batch.
        all_terms = [ws_terms({**row, **shared}, self._names) for row in rows if isinstance(row, dict)]
        if len(all_terms) < len(rows):
            raise invalid("orders")
        for terms in all_terms:
            try:
                answers.append(self._add(account, terms) | {"success": True})
            except KrakenError as error:
                answers.append({"cl_ord_id": terms.client_id} | failure(error))
        return answers

    def _cancel_batch(self, account: KrakenAccount, params: Params) -> Answer:
        refuse_unknown(params, frozenset({"orders", "cl_ord_id", "token"}), "batch cancel")
        ids = [("order_id", text) for text in _texts(params, "orders")]
        ids += [("cl_ord_id", text) for text in _texts(params, "cl_ord_id")]
        if not 2 <= len(ids) <= MOST_CANCELS:
            raise invalid("orders")
        cancelled = 0
        for name, text in ids:
            order = self._by_id(account, name, text)
            if order is not None and order.state.is_open:
                self._trading.cancel(account, order)
                cancelled += 1
        return {"orders_cancelled": cancelled, "success": True}

    def _cancel_after(self, account: KrakenAccount, params: Params) -> Answer:
        refuse_unknown(params, frozenset({"timeout", "token"}), "cancel all orders after")
        timeout = params.get("timeout")
        if isinstance(timeout, bool) or not isinstance(timeout, int):
            raise invalid("timeout")
        at_us = self._trading.cancel_all_after(account, timeout)
        now_us = at_us - timeout * 1_000_000 if at_us else self._trading.now_us()
        return {"currentTime": rfc3339(now_us), "triggerTime": rfc3339(at_us) if at_us else "0"}

    def _find(self, account: KrakenAccount, params: Params) -> Order:
        name = "order_id" if "order_id" in params else "cl_ord_id"
        text = params.get(name)
        if ("order_id" in params) == ("cl_ord_id" in params) or not isinstance(text, str):
            raise invalid(name)
        order = self._by_id(account, name, text)
        if order is None or ("symbol" in params and params["symbol"] != symbol_of(order.market)):
            raise KrakenError(UNKNOWN_ORDER)
        return order

    def _by_id(self, account: KrakenAccount, name: str, text: str) -> Order | None:
        if name == "order_id":
            return self._trading.find(account, text)
        return self._trading.find_open_by_client_id(account, text)


def _texts(params: Params, name: str) -> list[str]:
    value = params.get(name, [])
    if not isinstance(value, list) or not all(isinstance(text, str) for text in value):
        raise invalid(name)
    return value
