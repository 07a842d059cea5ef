"""Binance's errors: HTTP status, code and text."""

from tests.fake_exchange import orders


class BinanceError(Exception):
    def __init__(self, status: int, code: int, text: str, data: dict[str, object] | None = None) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text
        self.data = data
        self.retry_after_s: int | None = None

    def body(self) -> dict[str, object]:
        body: dict[str, object] = {"code": self.code, "msg": self.text}
        return body if self.data is None else body | {"data": self.data}


def missing(name: str) -> BinanceError:
    return BinanceError(
        400, -1102, f"Mandatory parameter '{name}' was not sent, was empty/null, or malformed."
    )


def illegal(name: str) -> BinanceError:
    return BinanceError(400, -1100, f"Illegal characters found in parameter '{name}'.")


def not_required(name: str) -> BinanceError:
    return BinanceError(400, -1106, f"Parameter '{name}' sent when not required.")


def filter_failure(name: str) -> BinanceError:
    return BinanceError(400, -1013, f"Filter failure: {name}")


def engine_refusal(refused: orders.Refused, code: int = -2010) -> BinanceError:
    texts = {
        orders.NO_MONEY: "Account has insufficient balance for requested action.",
        orders.WOULD_TAKE: "Order would immediately match and take.",
        orders.DUPLICATE: "Duplicate order sent.",
        orders.CLOSED: "Market is closed.",
        orders.UNKNOWN_ORDER: "Unknown order sent.",
        orders.BAD_AMENDMENT: "The requested action would change no state; rejecting.",
    }
    return BinanceError(400, code, texts[refused.reason])
