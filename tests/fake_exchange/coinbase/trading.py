"""What Coinbase's REST does with orders."""

from collections.abc import Callable

from tests.fake_exchange.coinbase.errors import CoinbaseError, OrderFailure, engine_refusal, invalid
from tests.fake_exchange.coinbase.keys import CoinbaseAccount
from tests.fake_exchange.coinbase.messages import CoinbaseViews
from tests.fake_exchange.coinbase.orders import (
    Fields,
    NewOrder,
    check_value,
    lots_of,
    parse_order,
    price_ticks_of,
    text_of,
)
from tests.fake_exchange.coinbase.products import CoinbaseProducts
from tests.fake_exchange.limits import Counts
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Order, OrderState, Refused, SelfTrade, TimeInForce

Body = dict[str, object]
UNKNOWN = "UNKNOWN_FAILURE_REASON"
MOST_CANCELS = 100


class CoinbaseTrading:
    """`post_only_refused`: a post-only order that would take fails. Else it is accepted and cancelled."""

    def __init__(
        self,
        core: MatchingCore,
        products: CoinbaseProducts,
        views: CoinbaseViews,
        counts: Counts,
        now_us: Callable[[], int],
    ) -> None:
        self.core = core
        self.products = products
        self.views = views
        self.counts = counts
        self.post_only_refused = True
        self._now_us = now_us
        self._by_client_id: dict[tuple[str, str], Order] = {}

    def create(self, account: CoinbaseAccount, fields: Fields) -> Body:
        client_id = text_of(fields, "client_order_id")
        if not 1 <= len(client_id) <= 128:
            raise invalid("client_order_id has to have 1 to 128 characters")
        self._check_permission(account, fields)
        try:
            order = self._by_client_id.get((account.name, client_id))
            # Coinbase: an id that is known already gives the order that has it.
            if order is None:
                order = self._place(account, client_id, fields)
        except OrderFailure as failure:
            self.counts.refusals[failure.reason] += 1
            return _failed(failure, fields)
        return {
            "success": True,
            "success_response": {
                "order_id": self.views.ids.of_order(order),
                "product_id": self.views.product_id(order),
                "side": order.side.value,
                "client_order_id": client_id,
                "attached_order_id": "",
            },
            "order_configuration": self.views.configurations[order.order_id],
        }

    def preview(self, account: CoinbaseAccount, fields: Fields) -> Body:
        errors: list[str] = []
        try:
            self._parse(fields)
        except OrderFailure as failure:
            errors.append(failure.reason)
        return {"errs": errors, "preview_id": self.views.ids.make("preview")}

    def edit(self, account: CoinbaseAccount, fields: Fields) -> Body:
        try:
            self._edit(account, fields)
        except OrderFailure as failure:
            self.counts.refusals[failure.reason] += 1
            error = {
                "edit_failure_reason": failure.reason,
                "preview_failure_reason": "UNKNOWN_PREVIEW_FAILURE_REASON",
            }
            return {"success": False, "errors": [error]}
        return {"success": True, "errors": []}

    def cancel(self, account: CoinbaseAccount, fields: Fields) -> Body:
        ids = fields.get("order_ids")
        if not isinstance(ids, list) or not 1 <= len(ids) <= MOST_CANCELS:
            raise invalid("order_ids has to have 1 to 100 ids")
        results = []
        for text in ids:
            reason = self._cancel(account, str(text))
            result = {"success": reason is None, "failure_reason": reason or "UNKNOWN_CANCEL_FAILURE_REASON"}
            results.append({**result, "order_id": text})
        return {"results": results}

    def find(self, account: CoinbaseAccount, text: str) -> Order | None:
        number = self.views.ids.order_id(text)
        order = None if number is None else self.core.orders[number]
        return order if order is not None and order.account == account.name else None

    def _check_permission(self, account: CoinbaseAccount, fields: Fields) -> None:
        portfolio = fields.get("retail_portfolio_id", account.portfolio)
        if not account.may_trade:
            raise CoinbaseError(403, "PERMISSION_DENIED", "Missing required scopes")
        if portfolio != account.portfolio:
            raise CoinbaseError(403, "PERMISSION_DENIED", "account is not available")

    def _parse(self, fields: Fields) -> NewOrder:
        core = self.core
        return parse_order(fields, self.products, core.lots_for_quote, self._now_us(), core.last_price)

    def _place(self, account: CoinbaseAccount, client_id: str, fields: Fields) -> Order:
        new = self._parse(fields)
        # What the user channel says of the new order needs these before the order is there.
        number = self.core.next_order_id
        self.views.product_ids[number] = new.product_id
        self.views.configurations[number] = new.configuration
        if new.end_us is not None:
            self.views.expiries.set(number, new.end_us)
        prevents = "self_trade_prevention_id" in fields
        try:
            order = self.core.place(
                account.name, new.market.symbol, new.side, new.lots, new.price_ticks, client_id,
                time_in_force=new.time_in_force, post_only=new.post_only, quote_e8=new.quote_e8,
                self_trade=SelfTrade.CANCEL_TAKER if prevents else SelfTrade.ALLOW,
                accepts_first=not self.post_only_refused, stop=new.stop,
            )  # fmt: skip
        except Refused as refused:
            raise engine_refusal(refused) from None
        self._by_client_id[account.name, client_id] = order
        self.counts.orders += 1
        return order

    def _edit(self, account: CoinbaseAccount, fields: Fields) -> None:
        if set(fields) - {"order_id", "price", "size"}:
            raise invalid(f"unknown field {min(set(fields) - {'order_id', 'price', 'size'})}")
        order = self.find(account, text_of(fields, "order_id"))
        if order is None:
            raise OrderFailure("ORDER_NOT_FOUND")
        if not order.state.is_open:
            raise OrderFailure("ONLY_OPEN_ORDERS_CAN_BE_EDITED")
        # Coinbase edits stop orders too, with their stop price; the fake does not.
        is_limit = order.price_ticks is not None and order.stop is None
        if not is_limit or order.time_in_force is not TimeInForce.GTC:
            raise OrderFailure("ONLY_LIMIT_ORDER_EDITS_SUPPORTED")
        # Coinbase: what is not sent counts as zero.
        if "size" not in fields:
            raise OrderFailure("INVALID_EDITED_SIZE")
        if "price" not in fields:
            raise OrderFailure("INVALID_EDITED_PRICE")
        price_ticks = price_ticks_of(order.market, text_of(fields, "price"))
        lots = lots_of(order.market, text_of(fields, "size"))
        if lots <= order.filled_lots:
            raise OrderFailure("CANNOT_EDIT_TO_BELOW_FILLED_SIZE")
        check_value(order.market, lots, price_ticks)
        try:
            self.core.amend(order, lots, price_ticks, accepts_first=not self.post_only_refused)
        except Refused as refused:
            raise engine_refusal(refused) from None

    def _cancel(self, account: CoinbaseAccount, text: str) -> str | None:
        """Why it was not done."""
        order = self.find(account, text)
        if order is None or order.state in (OrderState.FILLED, OrderState.EXPIRED):
            return "UNKNOWN_CANCEL_ORDER"
        if not order.state.is_open:
            return "DUPLICATE_CANCEL_REQUEST"
        self.core.cancel(order)
        return None


def _failed(failure: OrderFailure, fields: Fields) -> Body:
    """Coinbase tells the reason in one of several fields, and the others are unknown."""
    is_preview = failure.reason.startswith("PREVIEW_")
    response = {
        "error": UNKNOWN if is_preview else failure.reason,
        "message": failure.text,
        "error_details": "",
        "preview_failure_reason": failure.reason if is_preview else "UNKNOWN_PREVIEW_FAILURE_REASON",
        "new_order_failure_reason": UNKNOWN,
    }
    configuration = fields.get("order_configuration")
    return {
        "success": False,
        "failure_reason": UNKNOWN,
        "error_response": response,
        "order_configuration": configuration,
    }
