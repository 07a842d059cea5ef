"""Messages of Coinbase Advanced Trade about orders: answers of REST, and the channel ``user``.

Source: the guide of Coinbase, "Advanced Trade". Numbers are text.
"""

from __future__ import annotations

from typing import TypeVar

import msgspec

from floorwire.core.ports import Answer
from floorwire.venues.common.request_sequences import BadAnswerError

KindT = TypeVar("KindT")
NO_DATA = msgspec.Raw(b"null")
MOST_MS = 4_102_444_800_000
"""The year 2100."""


# --- REST --------------------------------------------------------------------------------------------


class Configuration(msgspec.Struct, frozen=True):
    """What an order is: the fields of the one configuration that it has."""

    base_size: str = ""
    limit_price: str = ""


class OrderRow(msgspec.Struct):
    """An order."""

    order_id: str
    product_id: str
    status: str
    """``PENDING``, ``QUEUED``, ``OPEN``, ``FILLED``, ``CANCELLED``, ``EXPIRED``, ``FAILED``,
    ``CANCEL_QUEUED``, ``EDIT_QUEUED``."""
    client_order_id: str = ""
    filled_size: str = "0"
    time_in_force: str = ""
    order_type: str = ""
    reject_reason: str | None = None
    reject_message: str | None = None
    order_configuration: dict[str, Configuration | None] = {}


class OneOrder(msgspec.Struct):
    """The answer about one order."""

    order: OrderRow


class OrderPage(msgspec.Struct):
    """A page of orders."""

    orders: list[OrderRow]
    has_next: bool = False
    cursor: str = ""


class FillRow(msgspec.Struct):
    """An execution."""

    entry_id: str
    trade_id: str
    order_id: str
    trade_type: str
    """``FILL``; others correct or reverse one."""
    price: str
    size: str
    commission: str
    product_id: str
    sequence_timestamp: str
    liquidity_indicator: str = ""
    size_in_quote: bool = False


class FillPage(msgspec.Struct):
    """A page of executions, the newest first."""

    fills: list[FillRow]
    cursor: str = ""


class Money(msgspec.Struct):
    """An amount of the currency of its wallet."""

    value: str


class AccountRow(msgspec.Struct):
    """A wallet."""

    currency: str
    available_balance: Money
    hold: Money | None = None


class AccountPage(msgspec.Struct):
    """A page of wallets."""

    accounts: list[AccountRow]
    has_next: bool = False
    cursor: str = ""


class Success(msgspec.Struct):
    """An order that was taken."""

    order_id: str = ""
    client_order_id: str = ""


class Failure(msgspec.Struct):
    """Why an order was not taken. One of the fields has the reason; the others say that they have none."""

    error: str = ""
    message: str = ""
    error_details: str = ""
    new_order_failure_reason: str = ""
    preview_failure_reason: str = ""
    edit_failure_reason: str = ""


class Placed(msgspec.Struct):
    """The answer to an order. HTTP 200 says nothing: ``success`` does."""

    success: bool
    failure_reason: str = ""
    success_response: Success | None = None
    error_response: Failure | None = None


class Edited(msgspec.Struct):
    """The answer to an edit."""

    success: bool
    errors: list[Failure] = []


class CancelResult(msgspec.Struct):
    """What became of one cancel."""

    order_id: str
    success: bool
    failure_reason: str = ""


class Cancelled(msgspec.Struct):
    """The answer to cancels."""

    results: list[CancelResult]


class ServerTime(msgspec.Struct, rename="camel"):
    """The venue's time."""

    epoch_millis: str


class ProductRow(msgspec.Struct):
    """An instrument, as far as orders need it."""

    product_id: str
    quote_currency_id: str
    base_increment: str


class ProductPage(msgspec.Struct):
    """The list of instruments. Rows are decoded one by one, so that a broken one affects no other."""

    products: list[msgspec.Raw]


class ErrorBody(msgspec.Struct):
    """The body of a refusal by HTTP status."""

    error: str = ""
    message: str = ""


def result(answer: Answer, kind: type[KindT]) -> KindT:
    """Return the answer of a request. Raises ValueError: BadAnswerError where the status is not 200."""
    if answer.status != 200:
        raise BadAnswerError(f"status {answer.status}")
    return msgspec.json.decode(answer.body, type=kind)


def date_us(answer: Answer) -> int:
    """Return the date of Coinbase in an answer. Raises ValueError."""
    millis = int(result(answer, ServerTime).epoch_millis)
    if not 0 <= millis < MOST_MS:
        raise ValueError(millis)
    return millis * 1_000


def products(answer: Answer) -> list[ProductRow]:
    """Return the instruments that can be read. Raises ValueError."""
    rows: list[ProductRow] = []
    for raw in result(answer, ProductPage).products:
        try:
            rows.append(msgspec.json.decode(raw, type=ProductRow))
        except ValueError:
            continue
    return rows


def error_of(answer: Answer) -> ErrorBody:
    """Return the error in the body of an answer; an empty one where there is none."""
    try:
        return msgspec.json.decode(answer.body, type=ErrorBody)
    except (ValueError, RecursionError):
        return ErrorBody()


# --- the channel ``user`` ----------------------------------------------------------------------------


class UserOrder(msgspec.Struct):
    """An order with all that happened to it so far. Executions are not told one by one."""

    order_id: str
    status: str
    client_order_id: str = ""
    cumulative_quantity: str = "0"
    leaves_quantity: str = ""
    limit_price: str = ""
    order_type: str = ""
    time_in_force: str = ""
    reject_reason: str | None = None


class UserEvent(msgspec.Struct):
    """All open orders (``snapshot``), or those that changed. Also which channels are subscribed to."""

    type: str = ""
    orders: list[msgspec.Raw] = []
    subscriptions: dict[str, msgspec.Raw] = {}


class UserFrame(msgspec.Struct):
    """A frame. ``sequence_num`` counts all frames of a connection. An error has neither it nor a channel."""

    channel: str = ""
    sequence_num: int | None = None
    events: list[UserEvent] = []
    type: str = ""
    message: str = ""


_frames = msgspec.json.Decoder(UserFrame)
_order = msgspec.json.Decoder(UserOrder)


def read(data: str | bytes) -> UserFrame:
    """Return the frame. Raises ValueError if it is none, RecursionError if it is nested too deep."""
    return _frames.decode(data)


def orders(frame: UserFrame) -> list[UserOrder]:
    """Return the orders of a frame. One that cannot be read is left out: it costs no other order."""
    rows: list[UserOrder] = []
    for event in frame.events:
        for raw in event.orders:
            try:
                rows.append(_order.decode(raw))
            except ValueError:
                continue
    return rows
