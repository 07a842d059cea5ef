"""Messages of Binance about orders: answers of its WebSocket API and of REST, and events of an account.

Source: github.com/binance/binance-spot-api-docs, web-socket-api.md, rest-api.md and user-data-stream.md. Each
part is decoded by itself, so that a broken one does not take the rest along. Times are in milliseconds.
"""

from __future__ import annotations

from typing import Annotated, TypeAlias

import msgspec

NOTHING = msgspec.Raw(b"")
Id: TypeAlias = Annotated[int, msgspec.Meta(ge=-1, le=2**63 - 1)]
Time: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=2**53)]


class Reply(msgspec.Struct, frozen=True, rename={"rate_limits": "rateLimits"}):
    """A frame of the WebSocket API: the answer to a request (``status``), or an event of an account."""

    id: int | str | None = None
    status: int = 0
    result: msgspec.Raw = NOTHING
    error: msgspec.Raw = NOTHING
    rate_limits: msgspec.Raw = NOTHING
    event: msgspec.Raw = NOTHING


class Failure(msgspec.Struct, frozen=True):
    """Why a request failed."""

    code: int = 0
    msg: str = ""
    data: msgspec.Raw = NOTHING


class FailureData(msgspec.Struct, frozen=True, rename="camel"):
    """What comes with some failures. ``retry_after``: a time since the epoch."""

    retry_after: Time = 0


class RateLimit(msgspec.Struct, frozen=True, rename="camel"):
    """How much of a limit is used."""

    rate_limit_type: str
    interval: str
    interval_num: Annotated[int, msgspec.Meta(gt=0, le=100_000)]
    limit: Annotated[int, msgspec.Meta(ge=0, le=2**40)]
    count: Annotated[int, msgspec.Meta(ge=0, le=2**40)] = 0


class ServerTime(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to ``time``."""

    server_time: Time


class Subscribed(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to ``userDataStream.subscribe.signature``."""

    subscription_id: int


class Fill(msgspec.Struct, frozen=True, rename="camel"):
    """One execution in the answer to an order."""

    price: str
    qty: str
    commission: str
    commission_asset: str
    trade_id: Id


class OrderRow(msgspec.Struct, frozen=True, rename="camel"):
    """An order in answers: placed, cancelled, asked for, or one of the open ones."""

    symbol: str
    order_id: Id
    client_order_id: str
    orig_client_order_id: str | None = None
    """Of a cancelled order: the id that it had until then."""
    status: str = ""
    price: str = "0"
    orig_qty: str = "0"
    executed_qty: str = "0"
    time_in_force: str = ""
    type: str = ""
    transact_time: Time = 0
    update_time: Time = 0
    expiry_reason: str | None = None
    fills: list[Fill] = []


class AmendedOrder(msgspec.Struct, frozen=True, rename="camel"):
    """An order after its amend."""

    order_id: Id
    status: str = ""


class Amended(msgspec.Struct, frozen=True, rename="camel"):
    """The answer to ``order.amend.keepPriority``."""

    transact_time: Time
    amended_order: AmendedOrder


class Trade(msgspec.Struct, frozen=True, rename="camel"):
    """One execution in ``myTrades``."""

    symbol: str
    id: Id
    order_id: Id
    price: str
    qty: str
    commission: str
    commission_asset: str
    is_maker: bool


class Balance(msgspec.Struct, frozen=True):
    """What the account has of an asset."""

    asset: str
    free: str
    locked: str


class Account(msgspec.Struct, frozen=True):
    """The answer to ``account.status``."""

    balances: list[Balance]


class Event(msgspec.Struct, frozen=True, rename={"kind": "e"}):
    """The field of an event that says which it is."""

    kind: str = ""


class ExecutionReport(
    msgspec.Struct,
    frozen=True,
    rename={
        "symbol": "s",
        "client_id": "c",
        "original_client_id": "C",
        "type": "o",
        "time_in_force": "f",
        "quantity": "q",
        "price": "p",
        "execution": "x",
        "status": "X",
        "reject_reason": "r",
        "order_id": "i",
        "last_quantity": "l",
        "filled": "z",
        "last_price": "L",
        "fee": "n",
        "fee_asset": "N",
        "time": "T",
        "trade_id": "t",
        "is_maker": "m",
        "expiry_reason": "eR",
    },
):
    """Something happened to an order."""

    symbol: str
    client_id: str
    order_id: Id
    execution: str
    status: str
    filled: str
    time: Time
    original_client_id: str | None = None
    """Of a cancel or an amend: the id that the order had until then. "" or null otherwise."""
    type: str = ""
    time_in_force: str = ""
    quantity: str = "0"
    price: str = "0"
    reject_reason: str = "NONE"
    last_quantity: str = "0"
    last_price: str = "0"
    fee: str | None = None
    fee_asset: str | None = None
    trade_id: Id = -1
    is_maker: bool = False
    expiry_reason: str | None = None


reply_decoder = msgspec.json.Decoder(Reply)
failure_decoder = msgspec.json.Decoder(Failure)
_failure_data_decoder = msgspec.json.Decoder(FailureData)
_rate_limits_decoder = msgspec.json.Decoder(list[RateLimit])
server_time_decoder = msgspec.json.Decoder(ServerTime)
subscribed_decoder = msgspec.json.Decoder(Subscribed)
order_decoder = msgspec.json.Decoder(OrderRow)
orders_decoder = msgspec.json.Decoder(list[OrderRow])
amended_decoder = msgspec.json.Decoder(Amended)
trades_decoder = msgspec.json.Decoder(list[Trade])
account_decoder = msgspec.json.Decoder(Account)
event_decoder = msgspec.json.Decoder(Event)
execution_report_decoder = msgspec.json.Decoder(ExecutionReport)


def rate_limits(text: bytes) -> list[RateLimit]:
    """Return what an answer says of limits. What cannot be read says nothing: the answer still counts."""
    try:
        return _rate_limits_decoder.decode(text) if text else []
    except (ValueError, RecursionError):
        return []


def retry_after_us(failure: Failure) -> int:
    """Return the date until which nothing should be sent; 0 where a failure does not say it."""
    try:
        return _failure_data_decoder.decode(failure.data).retry_after * 1_000
    except (ValueError, RecursionError):
        return 0
