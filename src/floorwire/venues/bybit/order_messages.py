"""Messages of Bybit (version 5, spot) about orders: private topics, order requests, answers of REST.

Source: the API guide of Bybit, version 5, "Order", "Execution", "Websocket Trade Guideline", "Trade" and
"Account". Numbers and times are text; an empty text means that there is none.
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
NOTHING = msgspec.Raw(b"null")


class OrderRow(msgspec.Struct, frozen=True, rename="camel"):
    """An order, in the topic ``order`` and in answers."""

    symbol: str
    order_id: str
    order_status: str
    category: str = "spot"
    """Answers do not repeat it for each order."""
    order_link_id: str = ""
    """Our id; "" for orders from elsewhere."""
    order_type: str = ""
    time_in_force: str = ""
    price: str = ""
    qty: str = ""
    cum_exec_qty: str = ""
    cancel_type: str = ""
    reject_reason: str = ""
    updated_time: Time = 0


class ExecutionRow(msgspec.Struct, frozen=True, rename="camel"):
    """An execution, in the topic ``execution`` and in the list of executions."""

    symbol: str
    order_id: str
    exec_id: str
    exec_price: str
    exec_qty: str
    side: str
    is_maker: bool
    exec_time: Time
    category: str = "spot"
    order_link_id: str = ""
    exec_type: str = "Trade"
    exec_fee: str = ""
    fee_currency: str = ""


class CoinRow(msgspec.Struct, frozen=True, rename="camel"):
    """What the account has of a coin."""

    coin: str
    wallet_balance: str
    spot_borrow: str = ""


class AccountRow(msgspec.Struct, frozen=True):
    """The account, in the answer about its balances."""

    coin: list[CoinRow]


class Page(msgspec.Struct, frozen=True, rename="camel"):
    """A list, and where its next page begins; "" at its end."""

    list: msgspec.Raw
    next_page_cursor: str = ""


class DcpInfo(msgspec.Struct, frozen=True, rename="camel"):
    """Cancel on disconnect of one product."""

    product: str
    dcp_status: str
    """``ON``, ``OFF``."""
    time_window: str
    """Seconds."""


class DcpInfos(msgspec.Struct, frozen=True, rename="camel"):
    """Cancel on disconnect of all products that it is enabled for."""

    dcp_infos: list[DcpInfo] = []


class RestAnswer(msgspec.Struct, frozen=True, rename="camel"):
    """The answer of the REST API. HTTP 200 says nothing: ``retCode`` does."""

    ret_code: int
    ret_msg: str = ""
    result: msgspec.Raw = NOTHING
    time: Time = 0
    """Bybit's own time."""


class PrivateFrame(msgspec.Struct, frozen=True):
    """A frame of the private or the trade WebSocket: an answer (``op``), or rows of a topic."""

    op: str = ""
    topic: str = ""
    success: bool | None = None
    """Of an answer on the private WebSocket."""
    req_id: str = ""
    """Of the request there that it answers."""
    ret_msg: str = ""
    ret_code: int | None = msgspec.field(default=None, name="retCode")
    """Of an answer on the trade WebSocket."""
    text: str = msgspec.field(default="", name="retMsg")
    request_id: str = msgspec.field(default="", name="reqId")
    data: msgspec.Raw = NOTHING


class Ids(msgspec.Struct, frozen=True, rename="camel"):
    """What the answer to an order request says: it is accepted for processing, and nothing more."""

    order_id: str = ""


class PlacedRow(msgspec.Struct, frozen=True):
    """The answer to an order request."""

    code: int
    text: str = ""
    order_id: str = ""


_frames = msgspec.json.Decoder(PrivateFrame)
_rest = msgspec.json.Decoder(RestAnswer)
_pages = msgspec.json.Decoder(Page)
_ids = msgspec.json.Decoder(Ids)
_raw = msgspec.json.Decoder(list[msgspec.Raw])
# Not strict: times are numbers in text.
ORDER = msgspec.json.Decoder(OrderRow, strict=False)
ORDERS = msgspec.json.Decoder(list[OrderRow], strict=False)
EXECUTION = msgspec.json.Decoder(ExecutionRow, strict=False)
EXECUTIONS = msgspec.json.Decoder(list[ExecutionRow], strict=False)
ACCOUNTS = msgspec.json.Decoder(list[AccountRow])


class RefusedReadError(BadAnswerError):
    """The venue refused a read."""

    def __init__(self, code: int) -> None:
        super().__init__(f"code {code}")
        self.code = code


def read(data: str | bytes) -> PrivateFrame:
    """Return the frame. Raises ValueError if it is none, RecursionError if it is nested too deep."""
    return _frames.decode(data)


def usable_rows(frame: PrivateFrame, decoder: msgspec.json.Decoder[RowT]) -> list[RowT]:
    """Return the rows of a frame. One that cannot be read is left out: it costs no other."""
    found: list[RowT] = []
    for raw in _raw.decode(frame.data):
        try:
            found.append(decoder.decode(raw))
        except ValueError:
            continue
    return found


def placed_on_socket(frame: PrivateFrame) -> PlacedRow:
    """Return the answer to an order request on the trade WebSocket. Raises ValueError."""
    if frame.ret_code is None:
        raise ValueError("an answer without retCode")
    return PlacedRow(frame.ret_code, frame.text, _order_id(frame.data))


def placed(answer: Answer) -> PlacedRow:
    """Return the answer to an order request by REST. Raises ValueError where it has none."""
    if answer.status != 200:
        raise BadAnswerError(f"status {answer.status}")
    head = _rest.decode(answer.body)
    return PlacedRow(head.ret_code, head.ret_msg, _order_id(head.result))


def _order_id(data: msgspec.Raw) -> str:
    try:
        return _ids.decode(data).order_id
    except ValueError:  # refusals have other data, or none
        return ""


def page(answer: Answer, decoder: msgspec.json.Decoder[list[RowT]]) -> tuple[list[RowT], str]:
    """Return the rows of a REST answer, and where the next page begins. Raises ValueError."""
    found = _pages.decode(_result(answer).result)
    return decoder.decode(found.list), found.next_page_cursor


def dcp_window(answer: Answer) -> str | None:
    """Return the seconds of cancel on disconnect for spot; None: it is not enabled. Raises ValueError."""
    rows = msgspec.json.decode(_result(answer).result, type=DcpInfos).dcp_infos
    return next((row.time_window for row in rows if (row.product, row.dcp_status) == ("SPOT", "ON")), None)


def done(answer: Answer) -> None:
    """Raise ValueError where the answer to a request is no success."""
    _result(answer)


def date_us(answer: Answer) -> int:
    """Return the date of Bybit in an answer. Raises ValueError."""
    head = _result(answer)
    if not head.time:
        raise BadAnswerError("no time")
    return head.time * 1_000


def code_of(answer: Answer) -> int | None:
    """Return the code of a REST answer; None where it has none."""
    try:
        return _rest.decode(answer.body).ret_code
    except (ValueError, RecursionError):
        return None


def _result(answer: Answer) -> RestAnswer:
    if answer.status != 200:
        raise BadAnswerError(f"status {answer.status}")
    head = _rest.decode(answer.body)
    if head.ret_code != 0:
        raise RefusedReadError(head.ret_code)
    return head


def request(request_id: str, op: str, argument: Mapping[str, object], date_us: int, window_ms: int) -> str:
    """Return an order request for the trade WebSocket."""
    header = {"X-BAPI-TIMESTAMP": str(date_us // 1_000), "X-BAPI-RECV-WINDOW": str(window_ms)}
    message = {"reqId": request_id, "header": header, "op": op, "args": [argument]}
    return msgspec.json.encode(message).decode()
