"""Messages of OKX (API v5, spot) about orders: the private channel, order requests, answers of REST.

Source: the API guide of OKX, "WebSocket / Login", "Order Book Trading / Trade" and "Trading Account". Numbers
and times are text; an empty text means that there is none.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, TypeAlias, TypeVar

import msgspec

from floorwire.core.ports import Answer
from floorwire.venues.common.request_sequences import BadAnswerError

Time: TypeAlias = Annotated[int, msgspec.Meta(ge=0, le=4_102_444_800_000)]
"""Milliseconds since the epoch, up to the year 2100. The decoders accept them in text."""
RowT = TypeVar("RowT")


class OrderRow(msgspec.Struct, rename="camel"):
    """An order, in the channel ``orders`` and in answers. In the channel it may have one execution."""

    inst_id: str
    ord_id: str
    state: str
    """``live``, ``partially_filled``, ``filled``, ``canceled``, ``mmp_canceled``."""
    cl_ord_id: str = ""
    ord_type: str = ""
    px: str = ""
    sz: str = ""
    acc_fill_sz: str = ""
    """All that was filled so far."""
    u_time: Time = 0
    cancel_source: str = ""
    trade_id: str = ""
    """Of the execution that this frame is about; "" where it is about none."""
    fill_px: str = ""
    fill_sz: str = ""
    fill_fee: str | None = None
    """Of this execution; negative: paid. Old frames lack it."""
    fill_fee_ccy: str = ""
    exec_type: str = ""
    """``T``: taker, ``M``: maker."""
    req_id: str = ""
    """Of the amend that this frame is about."""
    amend_result: str = ""
    """``0``: amended, ``-1``: failed, ``1``: cancelled after it failed."""
    code: str = ""
    """Why the amend failed."""
    msg: str = ""


class FillRow(msgspec.Struct, rename="camel"):
    """An execution, in the list of fills."""

    inst_id: str
    trade_id: str
    ord_id: str
    bill_id: str
    """Rises. The list is paged by it."""
    fill_px: str
    fill_sz: str
    cl_ord_id: str = ""
    exec_type: str = ""
    fee: str = ""
    """Negative: paid."""
    fee_ccy: str = ""


class BalanceRow(msgspec.Struct, rename="camel"):
    """What the account has of a currency."""

    ccy: str
    cash_bal: str
    """Free and frozen together."""


class AccountRow(msgspec.Struct):
    """The account, in the answer about its balances."""

    details: list[BalanceRow]


class InstrumentCode(msgspec.Struct, rename="camel"):
    """An instrument, as far as orders need it."""

    inst_id: str
    lot_sz: str
    inst_id_code: int | None = None
    """The number that order requests on the WebSocket name the instrument by."""


class TimeRow(msgspec.Struct):
    """The venue's time."""

    ts: Time


class SwitchRow(msgspec.Struct, rename="camel"):
    """When all orders are cancelled, unless that is asked for again."""

    trigger_time: str


class PlacedRow(msgspec.Struct, rename="camel"):
    """The verdict about one order of a request."""

    ord_id: str = ""
    cl_ord_id: str = ""
    s_code: str = ""
    s_msg: str = ""
    sub_code: str = ""


class RestAnswer(msgspec.Struct):
    """The answer of the REST API. HTTP 200 says nothing: ``code`` does."""

    code: str
    msg: str = ""
    data: msgspec.Raw = msgspec.Raw(b"[]")


class Channel(msgspec.Struct, rename="camel", frozen=True):
    """What a frame is about."""

    channel: str = ""
    inst_type: str = ""


class PrivateFrame(msgspec.Struct):
    """A frame of the private WebSocket: an event, the answer to an order request (``op``), or orders."""

    event: str = ""
    op: str = ""
    id: str = ""
    code: str = ""
    msg: str = ""
    arg: Channel = Channel()
    channel: str = ""
    """In ``channel-conn-count-error``."""
    data: msgspec.Raw = msgspec.Raw(b"[]")


PONG = PrivateFrame(event="pong")

_frames = msgspec.json.Decoder(PrivateFrame)
_rest = msgspec.json.Decoder(RestAnswer)
_placed = msgspec.json.Decoder(list[PlacedRow])
_raw = msgspec.json.Decoder(list[msgspec.Raw])
# Not strict: times are numbers in text.
_order = msgspec.json.Decoder(OrderRow, strict=False)
ORDERS = msgspec.json.Decoder(list[OrderRow], strict=False)
FILLS = msgspec.json.Decoder(list[FillRow], strict=False)
ACCOUNTS = msgspec.json.Decoder(list[AccountRow], strict=False)
TIMES = msgspec.json.Decoder(list[TimeRow], strict=False)
SWITCHES = msgspec.json.Decoder(list[SwitchRow])
INSTRUMENT = msgspec.json.Decoder(InstrumentCode, strict=False)


class RefusedReadError(BadAnswerError):
    """The venue refused a read."""

    def __init__(self, code: str) -> None:
        super().__init__(f"code {code[:10]}")
        self.code = code


def read(data: str | bytes) -> PrivateFrame:
    """Return the frame. Raises ValueError if it is none, RecursionError if it is nested too deep."""
    if data in (b"pong", "pong"):  # OKX answers the text ping with a text, not with JSON
        return PONG
    return _frames.decode(data)


def orders(frame: PrivateFrame) -> list[OrderRow]:
    """Return the orders of a frame. One that cannot be read is left out: it costs no other order."""
    return _usable(frame.data, _order)


def verdict_of(frame: PrivateFrame) -> PlacedRow:
    """Return the verdict about the one order of a request.

    OKX has two levels: ``sCode`` of the order, and ``code`` of the request where no order was looked at.
    """
    rows = _placed.decode(frame.data)
    if rows and rows[0].s_code:
        return rows[0]
    return PlacedRow(s_code=frame.code, s_msg=frame.msg)


def rows(answer: Answer, decoder: msgspec.json.Decoder[list[RowT]]) -> list[RowT]:
    """Return the rows of a REST answer. Raises ValueError: BadAnswerError where it is no success."""
    return decoder.decode(_data(answer))


def usable_rows(answer: Answer, decoder: msgspec.json.Decoder[RowT]) -> list[RowT]:
    """Return the rows of a REST answer that can be read; one that cannot costs no other."""
    return _usable(_data(answer), decoder)


def placed(answer: Answer) -> PlacedRow:
    """Return the verdict about the one order of a REST request. Raises ValueError."""
    head = _rest.decode(answer.body)
    return verdict_of(PrivateFrame(code=head.code, msg=head.msg, data=head.data))


def date_us(answer: Answer) -> int:
    """Return the date of OKX in an answer. Raises ValueError."""
    (row,) = rows(answer, TIMES)
    return row.ts * 1_000


def code_of(answer: Answer) -> str:
    """Return the code of a REST answer; "" where it has none."""
    try:
        return _rest.decode(answer.body).code
    except (ValueError, RecursionError):
        return ""


def _data(answer: Answer) -> msgspec.Raw:
    if answer.status != 200:
        raise BadAnswerError(f"status {answer.status}")
    head = _rest.decode(answer.body)
    if head.code != "0":
        raise RefusedReadError(head.code)
    return head.data


def _usable(data: msgspec.Raw, decoder: msgspec.json.Decoder[RowT]) -> list[RowT]:
    found: list[RowT] = []
    for raw in _raw.decode(data):
        try:
            found.append(decoder.decode(raw))
        except ValueError:
            continue
    return found


def request(number: str, op: str, argument: Mapping[str, str | int], expires_ms: int | None = None) -> str:
    """Return an order request. OKX discards it after ``expires_ms``."""
    head: dict[str, object] = {"id": number, "op": op}
    if expires_ms is not None:
        head["expTime"] = str(expires_ms)
    return msgspec.json.encode(head | {"args": [argument]}).decode()
