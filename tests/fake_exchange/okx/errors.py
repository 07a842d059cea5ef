"""OKX's errors. `RequestError` refuses a whole request, `OrderError` one order of it."""

from tests.fake_exchange import orders


class RequestError(Exception):
    def __init__(self, status: int, code: str, text: str) -> None:
        super().__init__(text)
        self.status = status
        self.code = code
        self.text = text


class OrderError(Exception):
    """The verdict on one order, as sCode and sMsg."""

    def __init__(self, code: str, text: str) -> None:
        super().__init__(text)
        self.code = code
        self.text = text


def bad_parameter(name: str) -> OrderError:
    return OrderError("51000", f"Parameter {name} error")


def too_many() -> RequestError:
    return RequestError(429, "50011", "Requests too frequent.")


ENGINE_REFUSALS = {
    orders.NO_MONEY: ("51008", "Order failed. Insufficient balance in account."),
    orders.DUPLICATE: ("51016", "Client order ID already exists."),
    orders.CLOSED: ("51001", "Instrument ID does not exist."),
    orders.BAD_AMENDMENT: ("51000", "Parameter newSz error"),
}


def engine_refusal(refused: orders.Refused) -> OrderError:
    return OrderError(*ENGINE_REFUSALS[refused.reason])
