"""Every fault at the fake Bybit."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.fake_exchange.bybit import FakeBybit, default_markets
from tests.fake_exchange.bybit.client import Body, BybitClient, receive, receive_rows, send
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

ORDER: Body = {
    "category": "spot",
    "symbol": "BTCUSDT",
    "side": "Buy",
    "orderType": "Limit",
    "qty": "0.001",
    "price": "50000",
    "timeInForce": "GTC",
}
TRADES = "publicTrade.BTCUSDT"
FIRST_TRADE = 2_290_000_000_000_000_000


@pytest.fixture
async def client() -> AsyncIterator[BybitClient]:
    exchange = FakeBybit(default_markets())
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    SeededFlow(exchange.core, "BTCUSDT", 6_000_000).fill_book()
    async with running(exchange) as fake, BybitClient(fake) as client:
        yield client


async def trade(client: BybitClient, times: int = 1) -> None:
    for _ in range(times):
        client.fake.core.place("first", "BTCUSDT", Side.BUY, 1_000, 6_001_000, "")
        await asyncio.sleep(0)  # trades of one turn of the loop are in one frame


def trade_number(rows: list[Body]) -> int:
    return int(str(rows[0]["i"])) - FIRST_TRADE


async def test_frames_are_dropped_doubled_swapped_and_cut(client: BybitClient) -> None:
    async with client.socket("public/spot", TRADES) as socket:
        faults = client.fake.faults
        faults.drop_frame("publicTrade")
        faults.duplicate_frame("publicTrade")
        faults.reorder_frames("publicTrade")
        faults.corrupt_frame(f'"i":"{FIRST_TRADE + 6}"')
        await trade(client, 6)
        seen = [trade_number(await receive_rows(socket)) for _ in range(5)]
        assert seen == [2, 2, 4, 3, 5]
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(await socket.recv())


async def test_a_connection_ends_inside_a_snapshot(client: BybitClient) -> None:
    client.fake.faults.cut_frame('"type":"snapshot"')
    async with client.socket("public/spot", "orderbook.50.BTCUSDT") as socket:
        with pytest.raises(ConnectionClosedError):
            await asyncio.wait_for(socket.recv(), 5)
        assert socket.close_code == 1006


async def test_frames_are_late_but_not_slower(client: BybitClient) -> None:
    async with client.socket("public/spot", TRADES) as socket:
        client.fake.faults.delay_frames(0.2)
        until = time.monotonic() + 0.19  # a timer may be some milliseconds early
        await trade(client, 20)
        got = [trade_number(await receive_rows(socket)) for _ in range(20)]
        assert time.monotonic() > until
        assert got[-1] == 20


async def test_a_half_open_socket_is_silent_until_it_is_healed(client: BybitClient) -> None:
    async with client.socket("public/spot", TRADES) as socket:
        client.fake.faults.half_open()
        await trade(client)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.05)
        assert await asyncio.wait_for(await socket.ping(), 5) >= 0
        client.fake.faults.half_open(is_half_open=False)
        assert trade_number(await receive_rows(socket)) == 1


async def test_a_lost_request_did_nothing_and_a_lost_answer_did(client: BybitClient) -> None:
    faults, core = client.fake.faults, client.fake.core
    faults.lose_request("order/create")
    with pytest.raises(httpx2.TransportError):
        await client.post("order/create", ORDER)
    assert not core.open_orders("first")
    faults.lose_answer("order/create")
    with pytest.raises(httpx2.TransportError):
        await client.post("order/create", ORDER)
    assert len(core.open_orders("first")) == 1
    faults.time_out_after_execution("order/create")
    assert await client.code("order/create", ORDER) == 10000
    assert len(core.open_orders("first")) == 2
    faults.cut_answer("market/orderbook")
    with pytest.raises(httpx2.TransportError):
        await client.get("market/orderbook", "category=spot&symbol=BTCUSDT&limit=200")


async def test_the_same_over_the_websocket(client: BybitClient) -> None:
    faults, core = client.fake.faults, client.fake.core
    for lose, left in ((faults.lose_request, 0), (faults.lose_answer, 1)):
        async with client.socket("trade") as socket:
            lose("/ws/order.create")
            await send(
                socket, {"op": "order.create", "args": [ORDER], "reqId": "a", "header": header(client)}
            )
            await asyncio.wait_for(socket.wait_closed(), 5)
            assert socket.close_code == 1006
        assert len(core.open_orders("first")) == left
    async with client.socket("trade") as socket:
        faults.time_out_after_execution("/ws/order.create")
        assert (await client.request(socket, "order.create", ORDER))["retCode"] == 170007
        assert len(core.open_orders("first")) == 2
        faults.too_many_requests("/ws/order.create")
        assert (await client.request(socket, "order.create", ORDER))["retCode"] == 10006
    async with client.socket("public/spot") as socket:
        faults.too_many_requests("/ws/subscribe")
        await send(socket, {"op": "subscribe", "args": [TRADES]})
        assert (await receive(socket))["success"] is False


def header(client: BybitClient) -> dict[str, str]:
    return {"X-BAPI-TIMESTAMP": str(client.fake.now_us() // 1_000)}


async def test_rates_and_bans_that_grow(client: BybitClient) -> None:
    fake = client.fake
    fake.faults.too_many_requests()
    assert (await client.get("order/realtime")).json()["retCode"] == 10006
    for ban_us in (600_000_000, 1_200_000_000):
        assert fake.rest.ban_us == ban_us
        if ban_us == 600_000_000:
            fake.faults.ban()
        else:
            fake.rest.address_limit.limit = 0  # who goes over the limit of an address is banned
        for _ in range(2):
            response = await client.get("order/realtime")
            assert (response.status_code, response.text) == (403, "access too frequent")
        fake.rest.address_limit.limit = 600
        fake.skew_us += ban_us
        assert (await client.get("order/realtime")).status_code == 200


async def test_queries_lag_the_streams(client: BybitClient) -> None:
    ids = {"category": "spot", "symbol": "BTCUSDT"}
    await client.post("order/create", ORDER | {"orderLinkId": "early"})
    client.fake.queries.freeze()
    await client.post("order/create", ORDER | {"orderLinkId": "late", "price": "60010"})
    await client.post("order/cancel", ids | {"orderLinkId": "early"})
    assert await client.rows("order/realtime", "category=spot&orderLinkId=late") == []
    assert await client.rows("execution/list") == []
    assert [(row["orderLinkId"], row["orderStatus"]) for row in await client.rows("order/realtime")] == [
        ("early", "New")
    ]
    response = await client.get("account/wallet-balance", "accountType=UNIFIED")
    assert response.json()["result"]["list"][0]["coin"][1]["locked"] == "50"
    client.fake.queries.thaw()
    assert len(await client.rows("order/realtime", "category=spot&orderLinkId=late")) == 1
    assert len(await client.rows("execution/list")) == 1


async def test_an_order_is_in_no_list_while_it_moves(client: BybitClient) -> None:
    client.fake.queries.moving_us = 5_000_000
    await client.post("order/create", ORDER | {"orderLinkId": "one", "price": "60010"})
    by_id = "category=spot&orderLinkId=one"
    assert await client.rows("order/realtime", by_id) == []
    assert await client.rows("order/history", by_id) == []
    assert len(await client.rows("execution/list", by_id)) == 1
    client.fake.skew_us += 5_000_000
    assert len(await client.rows("order/realtime", by_id)) == 1
    assert len(await client.rows("order/history", by_id)) == 1


async def test_a_fill_is_reported_twice(client: BybitClient) -> None:
    async with client.socket("private", "execution") as socket:
        client.fake.faults.repeat_next_fill()
        await client.post("order/create", ORDER | {"price": "60001"})
        first, second = await receive_rows(socket), await receive_rows(socket)
        assert first == second


async def test_maintenance_and_disconnects(client: BybitClient) -> None:
    async with (
        client.socket("public/misc/status", "system.status") as socket,
        client.socket("trade") as trade,
    ):
        client.fake.start_maintenance()
        assert (await receive_rows(socket))[0]["state"] == "ongoing"
        assert (await client.request(trade, "order.create", ORDER))["retCode"] == 10019
        await client.fake.disconnect_all()
        await asyncio.wait_for(socket.wait_closed(), 5)
    response = await client.get("order/realtime")
    assert (response.status_code, response.json()["retCode"]) == (503, 10016)
    # Bybit: 403 would be a ban of the address.
    with pytest.raises(InvalidStatus, match="503"):
        await connect(f"{client.fake.ws}/public/spot")
    client.fake.end_maintenance()
    assert (await client.rows("system/status"))[0]["state"] == "completed"


async def test_a_symbol_closes(client: BybitClient) -> None:
    await client.post("order/create", ORDER)
    client.fake.delist("BTCUSDT")
    assert not client.fake.core.open_orders("first")
    assert await client.code("order/create", ORDER) == 170121
    rows = await client.rows("market/instruments-info", "category=spot&symbol=BTCUSDT")
    assert rows[0]["status"] == "Closed"
    client.fake.unlist("BTCUSDT")
    assert [row["symbol"] for row in await client.rows("market/instruments-info")] == ["ETHUSDT"]
    assert await client.code("order/create", ORDER) == 170121
    client.fake.relist("BTCUSDT")
    rows = await client.rows("market/instruments-info")
    assert [row["status"] for row in rows] == ["Trading", "Trading"]
    assert await client.code("order/create", ORDER) == 0


async def test_steps_change(client: BybitClient) -> None:
    await client.post("order/create", ORDER)
    async with client.socket("public/spot", "orderbook.50.BTCUSDT") as socket:
        await receive(socket)
        client.fake.change_steps("BTCUSDT", UNIT, UNIT // 1_000)
        data = (await receive(socket))["data"]
        assert isinstance(data, dict)
        assert len(data["a"]) == 20  # all are deleted
    rows = await client.rows("market/instruments-info")
    assert rows[0]["priceFilter"] == {"tickSize": "1"}
    assert await client.code("order/create", ORDER | {"price": "50000.5", "qty": "0.1"}) == 170134


async def test_sequences_begin_again(client: BybitClient) -> None:
    async with client.socket("public/spot", "orderbook.50.BTCUSDT") as socket:
        await receive(socket)
        await trade(client)
        client.fake.restart_ids("BTCUSDT")
        push = await receive(socket)
        data = push["data"]
        assert isinstance(data, dict)
        assert (push["type"], data["u"], len(data["b"])) == ("snapshot", 1, 20)
        await trade(client, 2)
        data = (await receive(socket))["data"]
        assert isinstance(data, dict)
        assert data["u"] == 2


async def test_who_does_not_read_is_disconnected(client: BybitClient) -> None:
    async with client.socket("public/spot") as socket:
        client.fake.faults.half_open()
        connection = next(iter(client.fake.sockets.connections))
        for _ in range(10_010):
            connection.send({})
        await asyncio.wait_for(socket.wait_closed(), 5)
