"""Kraken's errors: one text each, on REST in a list with HTTP 200."""

from tests.fake_exchange import orders


class KrakenError(Exception):
    def __init__(self, text: str) -> None:
        super().__init__(text)
        self.text = text


UNAVAILABLE = "EService:Unavailable"
TIMEOUT = "EService:Timeout"
UNKNOWN_ORDER = "EOrder:Unknown order"
UNKNOWN_PAIR = "EQuery:Unknown asset pair"
RATE = "EAPI:Rate limit exceeded"
ORDER_RATE = "EOrder:Rate limit exceeded"
LOCKOUT = "EGeneral:Temporary lockout"


def invalid(name: str) -> KrakenError:
    return KrakenError(f"EGeneral:Invalid arguments:{name}")


def engine_refusal(refused: orders.Refused) -> KrakenError:
    texts = {
        orders.NO_MONEY: "EOrder:Insufficient funds",
        orders.WOULD_TAKE: "EOrder:Post only order",
        orders.DUPLICATE: "EGeneral:Invalid arguments:cl_ord_id is in use",
        orders.CLOSED: "EService:Market in cancel_only mode",
        orders.UNKNOWN_ORDER: UNKNOWN_ORDER,
        orders.BAD_AMENDMENT: "EOrder:Invalid order quantity",
    }
    return KrakenError(texts[refused.reason])
