"""Coinbase's errors: HTTP errors with a body, and orders that fail with HTTP 200."""

import msgspec

from tests.fake_exchange import orders
from tests.fake_exchange.rest import RestAnswer

HTML = {"Content-Type": "text/html; charset=UTF-8"}


class CoinbaseError(Exception):
    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text

    def answer(self) -> RestAnswer:
        body = {"error": self.code, "error_details": self.text, "message": self.text}
        return RestAnswer(self.status, msgspec.json.encode(body))


class OrderFailure(Exception):
    """An order, edit or cancel that fails. `reason` is Coinbase's own word."""

    def __init__(self, reason: str, text: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.text = text


def invalid(text: str) -> CoinbaseError:
    return CoinbaseError(400, "INVALID_ARGUMENT", text)


def unauthorized() -> RestAnswer:
    return RestAnswer(401, b"Unauthorized\n", {"Content-Type": "text/plain; charset=utf-8"})


def too_many() -> RestAnswer:
    body = {"errors": [{"id": "rate_limit_exceeded", "message": "Too many requests"}]}
    return RestAnswer(429, msgspec.json.encode(body))


def gateway_page(status: int) -> RestAnswer:
    """What the network in front of Coinbase answers for it."""
    text = f"<!DOCTYPE html><html><head><title>api.coinbase.com | {status}</title></head></html>"
    return RestAnswer(status, text.encode(), HTML)


def engine_refusal(refused: orders.Refused) -> OrderFailure:
    reasons = {
        orders.NO_MONEY: ("INSUFFICIENT_FUND", "Insufficient balance in source account"),
        orders.WOULD_TAKE: ("INVALID_LIMIT_PRICE_POST_ONLY", "Post only order would be matched"),
        orders.CLOSED: ("ORDER_ENTRY_DISABLED", "Orderbook is not accepting orders"),
        orders.BAD_AMENDMENT: ("CANNOT_EDIT_TO_BELOW_FILLED_SIZE", ""),
        orders.UNKNOWN_ORDER: ("ONLY_OPEN_ORDERS_CAN_BE_EDITED", ""),
    }
    return OrderFailure(*reasons[refused.reason])
