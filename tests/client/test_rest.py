"""The HTTP API: pages are put together, and what may work later is asked again."""

from __future__ import annotations

from datetime import UTC, datetime
from urllib.parse import parse_qs, urlsplit

import msgspec
import pytest
from msgspec import UNSET

from floorwire.client import RequestRefusedError, UnreachableError
from floorwire.client.address import Address
from floorwire.client.rest import Rest
from floorwire.client.transport import HttpAnswer
from floorwire.protocol.market_replies import CandleList, CandleRow, HoleRow, TradeList, TradeRow
from floorwire.protocol.replies import Error, FillList, OrderError, OrderList
from tests.client.events import fill_row, order_row
from tests.client.memory_transport import MemoryTransport


def asked(transport: MemoryTransport) -> list[tuple[str, dict[str, str]]]:
    """Return path and query of each request."""
    parts = [urlsplit(url) for url in transport.urls]
    return [(one.path, {name: values[0] for name, values in parse_qs(one.query).items()}) for one in parts]


def rest(*answers: msgspec.Struct | HttpAnswer) -> tuple[Rest, MemoryTransport]:
    transport = MemoryTransport()
    transport.answers = [
        one if isinstance(one, HttpAnswer) else HttpAnswer(200, msgspec.json.encode(one)) for one in answers
    ]
    return Rest(
        Address.parse("ws://localhost/x"), transport, lambda: {"Authorization": "Bearer k"}
    ), transport


def candle(start: int) -> CandleRow:
    return CandleRow(start=start, open="1", high="1", low="1", close="1", volume="1", trades=1, closed=True)


def trade(number: int) -> TradeRow:
    return TradeRow(trade_id=str(number), price="1", size="1", side="buy", ts=number)


async def test_candles_of_several_pages_are_the_oldest_first() -> None:
    hole = HoleRow(1, 2, "silent")
    api, transport = rest(
        CandleList(symbol="X", interval="1m", candles=[candle(8), candle(9)], holes=[hole], next=8),
        CandleList(symbol="X", interval="1m", candles=[candle(6), candle(7)], holes=[hole], next=6),
    )
    table = await api.candles("X", limit=4, start=datetime(1970, 1, 1, tzinfo=UTC))
    assert [row.start for row in table] == [6, 7, 8, 9]
    assert (table.holes, table.is_complete) == ((hole,), False)
    assert asked(transport) == [
        ("/x/api/v1/candles", {"symbol": "X", "interval": "1m", "limit": "4", "from": "0"}),
        ("/x/api/v1/candles", {"symbol": "X", "interval": "1m", "limit": "2", "from": "0", "to": "8"}),
    ]


async def test_trades_fills_and_closed_orders_are_turned_round() -> None:
    api, transport = rest(
        TradeList(symbol="X", trades=[trade(9), trade(8)], holes=[], next="8"),
        TradeList(symbol="X", trades=[trade(7)], holes=[]),
    )
    table = await api.trades("X")
    assert ([row.ts for row in table], table.is_complete) == ([7, 8, 9], True)
    assert asked(transport)[1][1] == {"symbol": "X", "limit": "498", "before": "8"}
    api, transport = rest(FillList(fills=[fill_row("a", 9, "1")], next="9"), FillList(fills=[], next=UNSET))
    assert [row.fill_id for row in await api.fills()] == ["9"]
    api, transport = rest(OrderList(orders=[order_row("b"), order_row("a")]))
    assert [row.client_order_id for row in await api.orders(state="all")] == ["a", "b"]
    assert asked(transport) == [("/x/api/v1/orders", {"state": "all", "limit": "500"})]


async def test_open_orders_go_on_after_the_last_one() -> None:
    api, transport = rest(OrderList(orders=[order_row("a")], next="7"), OrderList(orders=[order_row("b")]))
    assert [row.client_order_id for row in await api.orders("X")] == ["a", "b"]
    assert asked(transport)[1][1] == {"symbol": "X", "limit": "499", "after": "7"}


async def test_a_refusal_is_raised() -> None:
    refused = Error(code="unknown_symbol", message="none", retry=False)
    api, transport = rest(HttpAnswer(404, msgspec.json.encode(refused)))
    with pytest.raises(RequestRefusedError, match="unknown_symbol"):
        await api.candles("NOPE")
    about = OrderError(code="unknown_order", message="none", retry=False, order="rejected")
    api, transport = rest(HttpAnswer(404, msgspec.json.encode(about)))
    with pytest.raises(RequestRefusedError) as raised:
        await api.order("7/..")
    assert raised.value.order == "rejected"
    assert asked(transport)[0][0] == "/x/api/v1/orders/7%2F.."


async def test_what_may_work_later_is_asked_again() -> None:
    busy = HttpAnswer(429, msgspec.json.encode(Error(code="rate_limited", message="", retry=True)))
    api, transport = rest(busy, HttpAnswer(0, b"cut"), OrderList(orders=[]))
    assert len(await api.orders()) == 0
    assert len(transport.urls) == 3
    api, transport = rest(*[HttpAnswer(0, b"nothing listens there")] * 4)
    with pytest.raises(UnreachableError, match="nothing listens there"):
        await api.time()


async def test_another_server_is_said() -> None:
    api, _ = rest(*[HttpAnswer(200, b"<html>")] * 4)
    with pytest.raises(UnreachableError, match="not as Floorwire does"):
        await api.time()


async def test_a_date_needs_a_time_zone() -> None:
    api, _ = rest()
    with pytest.raises(ValueError, match="no time zone"):
        await api.candles("X", start=datetime(2026, 1, 1))
