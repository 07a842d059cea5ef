"""Messages of Kraken about orders: the private WebSocket v2, and answers of the private REST API.

Source: the API guide of Kraken, "Spot WebSocket v2 / Executions", "Add order", "Account data". Numbers of the
WebSocket are JSON numbers, and are kept as they were written. Those of REST are text.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TypeVar

import msgspec

from floorwire.core.ports import Answer
from floorwire.venues.common.order_amounts import plain
from floorwire.venues.common.request_sequences import BadAnswerError

KindT = TypeVar("KindT")
NULL = b"null"
NO_DATA = msgspec.Raw(NULL)
MOST_S = 4_102_444_800
"""The year 2100."""


# --- the private WebSocket ---------------------------------------------------------------------------


class Fee(msgspec.Struct):
    """A fee of an execution; negative for a rebate."""

    asset: str
    qty: msgspec.Raw


class ExecutionRow(msgspec.Struct):
    """A row of the channel ``executions``: an order, or one execution of it.

    After the first row of an order only what changed is in a row.
    """

    order_id: str
    exec_type: str = ""
    """``pending_new``, ``new``, ``trade``, ``filled``, ``canceled``, ``expired``, ``amended``, ``restated``,
    ``status``, ``iceberg_refill``."""
    order_status: str = ""
    """``pending_new``, ``new``, ``partially_filled``, ``filled``, ``canceled``, ``expired``."""
    cl_ord_id: str = ""
    symbol: str = ""
    order_type: str = ""
    time_in_force: str = ""
    limit_price: msgspec.Raw = NO_DATA
    order_qty: msgspec.Raw = NO_DATA
    cum_qty: msgspec.Raw = NO_DATA
    exec_id: str = ""
    """``T...``, unique; of executions."""
    trade_id: int | None = None
    last_qty: msgspec.Raw = NO_DATA
    last_price: msgspec.Raw = NO_DATA
    liquidity_ind: str = ""
    """``m``: maker, ``t``: taker."""
    fees: list[Fee] = []
    reason: str = ""
    timestamp: str = ""


class Result(msgspec.Struct):
    """What a request gave."""

    channel: str = ""
    order_id: str = ""
    cl_ord_id: str = ""


class PrivateFrame(msgspec.Struct):
    """A frame: data of a channel, or the answer to a request (``method``)."""

    channel: str = ""
    type: str = ""
    data: msgspec.Raw = NO_DATA
    sequence: int | None = None
    """Of the channel on this connection: 1, 2, 3, ..."""
    method: str = ""
    req_id: int | None = None
    success: bool = False
    error: str = ""
    result: Result | None = None


_frames = msgspec.json.Decoder(PrivateFrame)
_raw = msgspec.json.Decoder(list[msgspec.Raw])
_execution = msgspec.json.Decoder(ExecutionRow)


def read(data: str | bytes) -> PrivateFrame:
    """Return the frame. Raises ValueError if it is none, RecursionError if it is nested too deep."""
    return _frames.decode(data)


def executions(frame: PrivateFrame) -> list[ExecutionRow]:
    """Return the rows of a frame. One that cannot be read is left out: it costs no other row."""
    rows: list[ExecutionRow] = []
    for raw in _raw.decode(frame.data):
        try:
            rows.append(_execution.decode(raw))
        except ValueError:
            continue
    return rows


def is_given(raw: msgspec.Raw) -> bool:
    """Return whether a message has the field."""
    return bytes(raw) != NULL


def number(raw: msgspec.Raw) -> str:
    """Return a JSON number as plain decimal text: 1e-08 -> 0.00000001. Raises AmountError."""
    return plain(bytes(raw).decode("ascii", "replace"))


def request(number: int, method: str, params: Mapping[str, object]) -> str:
    """Return a request."""
    return msgspec.json.encode({"method": method, "params": params, "req_id": number}).decode()


# --- REST --------------------------------------------------------------------------------------------


class RestAnswer(msgspec.Struct):
    """The answer of the REST API. HTTP 200 says nothing: ``error`` does."""

    error: list[str]
    result: msgspec.Raw = NO_DATA


class Description(msgspec.Struct):
    """What an order is."""

    ordertype: str = ""
    price: str = ""
    price2: str = ""


class OrderInfo(msgspec.Struct):
    """An order."""

    status: str
    """``pending``, ``open``, ``closed``, ``canceled``, ``expired``."""
    vol: str
    vol_exec: str
    descr: Description
    cl_ord_id: str | None = None
    reason: str | None = None
    timeinforce: str | None = None
    opentm: msgspec.Raw = msgspec.Raw(b"0")
    trades: list[str] = []


class TradeInfo(msgspec.Struct):
    """An execution."""

    ordertxid: str
    pair: str
    price: str
    vol: str
    fee: str
    """In the quote currency."""
    time: msgspec.Raw
    """Seconds, as a number with decimals."""
    trade_id: int | None = None
    maker: bool = False


class OpenOrders(msgspec.Struct):
    """All open orders, by their ids."""

    open: dict[str, OrderInfo]


class ClosedOrders(msgspec.Struct):
    """Closed orders, by their ids."""

    closed: dict[str, OrderInfo]


class Trades(msgspec.Struct):
    """A page of executions, by their ids; ``count`` of all pages."""

    trades: dict[str, TradeInfo]
    count: int = 0


class Balance(msgspec.Struct):
    """What the account has of an asset, held parts included."""

    balance: str


class Token(msgspec.Struct):
    """What opens the private WebSocket."""

    token: str


class Switch(msgspec.Struct, rename="camel"):
    """When all orders are cancelled, unless that is asked for again."""

    trigger_time: str


class Placed(msgspec.Struct):
    """Orders that were placed."""

    txid: list[str]


class Cancelled(msgspec.Struct):
    """How many orders were cancelled."""

    count: int


class ServerTime(msgspec.Struct):
    """The venue's time in whole seconds."""

    unixtime: int


class PairInfo(msgspec.Struct):
    """An instrument, as REST names it."""

    altname: str
    wsname: str
    base: str
    quote: str
    lot_decimals: int


_rest = msgspec.json.Decoder(RestAnswer)


class RefusedReadError(BadAnswerError):
    """Kraken refused a request of REST."""

    def __init__(self, error: str) -> None:
        super().__init__(error[:80])
        self.error = error


def result(answer: Answer, kind: type[KindT]) -> KindT:
    """Return the result of an answer of REST. Raises ValueError: BadAnswerError where it is no success."""
    return msgspec.json.decode(_result(answer), type=kind)


def date_us(answer: Answer) -> int:
    """Return the date of Kraken in an answer. Raises ValueError."""
    time = result(answer, ServerTime)
    if not 0 <= time.unixtime < MOST_S:
        raise ValueError(time.unixtime)
    # Kraken cuts off the second: half of one is added
    return time.unixtime * 1_000_000 + 500_000


def usable_pairs(answer: Answer) -> dict[str, PairInfo]:
    """Return the instruments that can be read, by their ids. Raises ValueError."""
    pairs: dict[str, PairInfo] = {}
    for name, raw in msgspec.json.decode(_result(answer), type=dict[str, msgspec.Raw]).items():
        try:
            pairs[name] = msgspec.json.decode(raw, type=PairInfo)
        except ValueError:
            continue
    return pairs


def error_of(answer: Answer) -> str:
    """Return the error of an answer of REST; "" where it has none, or is no answer of Kraken."""
    try:
        head = _rest.decode(answer.body)
    except (ValueError, RecursionError):
        return ""
    return next((error for error in head.error if not error.startswith("W")), "")


def _result(answer: Answer) -> msgspec.Raw:
    if answer.status != 200:
        raise BadAnswerError(f"status {answer.status}")
    error = error_of(answer)  # Kraken: those that begin with W are warnings
    if error:
        raise RefusedReadError(error)
    return _rest.decode(answer.body).result
