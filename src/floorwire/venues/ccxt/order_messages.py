"""What the order adapter and ccxt tell each other: calls of ccxt's methods, and their results.

The connector makes each call once. It writes ccxt's floats as their shortest text, as for prices.
"""

from __future__ import annotations

from typing import Literal, TypeAlias, TypeVar

import msgspec

from floorwire.core.ports import Answer
from floorwire.venues.common.request_sequences import BadAnswerError

ListMethod: TypeAlias = Literal[
    "fetchOpenOrders", "fetchOrders", "fetchClosedOrders", "fetchCanceledOrders", "fetchMyTrades"
]
OK = 200
REFUSED = 400
"""The status of an answer with a ``Failure``. Any other status but ``OK``: nobody knows what happened."""

# --- calls -------------------------------------------------------------------------------------------


class CreateOrder(msgspec.Struct, frozen=True, tag_field="method", tag="createOrder"):
    """Place a limit order. ``amount`` and ``price`` are texts that are floats exactly."""

    symbol: str
    side: Literal["buy", "sell"]
    amount: str
    price: str
    params: dict[str, str | bool]


class EditCall(msgspec.Struct, frozen=True, tag_field="method", tag="editOrder"):
    """Amend a limit order by the exchange's id. ``amount`` is the whole one, filled parts included."""

    id: str
    symbol: str
    amount: str
    price: str


class CancelCall(msgspec.Struct, frozen=True, tag_field="method", tag="cancelOrder"):
    """Cancel an order by the exchange's id."""

    id: str
    symbol: str


class FetchOrder(msgspec.Struct, frozen=True, tag_field="method", tag="fetchOrder"):
    """Ask for an order by the exchange's id."""

    id: str
    symbol: str


class FetchList(msgspec.Struct, frozen=True, tag_field="method", tag="list"):
    """Ask for a list."""

    name: ListMethod
    symbol: str | None = None
    since_ms: int | None = None
    limit: int | None = None


class FetchBalance(msgspec.Struct, frozen=True, tag_field="method", tag="fetchBalance"):
    """Ask for all balances."""


Call: TypeAlias = CreateOrder | EditCall | CancelCall | FetchOrder | FetchList | FetchBalance

# --- results -----------------------------------------------------------------------------------------


class OrderRow(msgspec.Struct, frozen=True):
    """One order. None: the exchange does not say."""

    id: str
    client_id: str | None = None
    symbol: str | None = None
    status: str | None = None
    filled: str | None = None
    amount: str | None = None
    price: str | None = None
    ts_ms: int | None = None
    """When it was placed."""
    updated_ms: int | None = None


class ExecutionRow(msgspec.Struct, frozen=True):
    """One of our own trades."""

    id: str
    order: str
    symbol: str
    price: str
    amount: str
    is_maker: bool | None = None
    fee: str | None = None
    fee_asset: str | None = None
    ts_ms: int | None = None


class Failure(msgspec.Struct, frozen=True):
    """An error of ccxt: the names of its classes, the most special one first."""

    kinds: tuple[str, ...]
    message: str = ""


class SignedInFrame(msgspec.Struct, frozen=True, tag_field="type", tag="signed_in"):
    """The exchange has taken the key: it has told the balances."""


class OrdersFrame(msgspec.Struct, frozen=True, tag_field="type", tag="orders"):
    """Orders that changed, where ccxt streams them."""

    orders: tuple[OrderRow, ...]


AccountFrame: TypeAlias = SignedInFrame | OrdersFrame
account_frames: msgspec.json.Decoder[AccountFrame] = msgspec.json.Decoder(AccountFrame)
ResultT = TypeVar("ResultT")


def result(answer: Answer, kind: type[ResultT]) -> ResultT:
    """Return the result of a call. Raises ValueError where there is none, or another one."""
    if answer.status != OK:
        raise BadAnswerError(f"status {answer.status}")
    return msgspec.json.decode(answer.body, type=kind)


def failure(answer: Answer) -> Failure | None:
    """Return the error of ccxt; None where there is none, or where nobody knows what happened."""
    return msgspec.json.decode(answer.body, type=Failure) if answer.status == REFUSED else None
