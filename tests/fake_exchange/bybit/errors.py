"""Bybit's errors: a code and a text, mostly with HTTP status 200."""

from tests.fake_exchange import orders


class BybitError(Exception):
    def __init__(self, code: int, text: str, *, status: int = 200) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


def bad_parameter(name: str) -> BybitError:
    return BybitError(10001, f"params error: {name} invalid")


def too_many() -> BybitError:
    return BybitError(10006, "Too many visits!")


ENGINE_REFUSALS = {
    orders.NO_MONEY: (170131, "Insufficient balance."),
    orders.DUPLICATE: (170141, "Duplicate clientOrderId"),
    orders.CLOSED: (170121, "Invalid symbol."),
    orders.BAD_AMENDMENT: (10001, "The quantity has to exceed what is filled."),
}


def engine_refusal(refused: orders.Refused) -> BybitError:
    return BybitError(*ENGINE_REFUSALS[refused.reason])
