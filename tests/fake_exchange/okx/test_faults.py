"""Every fault at the fake OKX."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.okx import FakeOkx, default_markets
from tests.fake_exchange.okx.client import Body, OkxClient, receive, receive_row, send
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

ORDER = {
    "instId": "BTC-USDT",
    "tdMode": "cash",
    "side": "buy",
    "ordType": "limit",
    "sz": "0.001",
    "px": "50000",
}
ORDERS = {"channel": "orders", "instType": "SPOT"}
TRADES = {"channel": "trades", "instId": "BTC-USDT"}


@pytest.fixture
async def client() -> AsyncIterator[OkxClient]:
    exchange = FakeOkx(default_markets())
    exchange.sockets.attempts.limit = 100
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    SeededFlow(exchange.core, "BTCUSDT", 600_000).fill_book()
    async with running(exchange) as fake, OkxClient(fake) as client:
        yield client


async def trade(client: OkxClient, times: int = 1) -> None:
    for _ in range(times):
        client.fake.core.place("first", "BTCUSDT", Side.BUY, 1_000, 600_100, "")
        await asyncio.sleep(0)  # trades of one turn of the loop are merged


async def test_frames_are_dropped_doubled_swapped_and_cut(client: OkxClient) -> None:
    async with client.socket("public", TRADES) as socket:
        faults = client.fake.faults
        faults.drop_frame("trade")
        faults.duplicate_frame("trade")
        faults.reorder_frames("trade")
        faults.corrupt_frame('"tradeId":"6"')
        await trade(client, 6)
        frames = [await socket.recv() for _ in range(6)]
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(frames[-1])
        rows = [msgspec.json.decode(frame, type=dict[str, object])["data"] for frame in frames[:-1]]
        ids = [msgspec.convert(row, list[Body])[0]["tradeId"] for row in rows]
        assert ids == ["2", "2", "4", "3", "5"]


async def test_a_connection_ends_inside_a_snapshot(client: OkxClient) -> None:
    async with client.socket("public") as socket:
        client.fake.faults.cut_frame('"action":"snapshot"')
        await send(socket, {"op": "subscribe", "args": [{"channel": "books", "instId": "BTC-USDT"}]})
        assert (await receive(socket))["event"] == "subscribe"
        with pytest.raises(ConnectionClosedError):
            await asyncio.wait_for(socket.recv(), 5)
        assert socket.close_code == 1006


async def test_frames_are_late_but_not_slower(client: OkxClient) -> None:
    async with client.socket("public", TRADES) as socket:
        client.fake.faults.delay_frames(0.2)
        until = time.monotonic() + 0.19  # a timer may be some milliseconds early
        await trade(client, 20)
        got = [(await receive_row(socket))["tradeId"] for _ in range(20)]
        assert time.monotonic() > until
        assert got[-1] == "20"


async def test_a_half_open_socket_is_silent_until_it_is_healed(client: OkxClient) -> None:
    async with client.socket("public", TRADES) as socket:
        client.fake.faults.half_open()
        await trade(client)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.05)
        assert await asyncio.wait_for(await socket.ping(), 5) >= 0
        client.fake.faults.half_open(is_half_open=False)
        assert (await receive_row(socket))["tradeId"] == "1"


async def test_a_lost_request_did_nothing_and_a_lost_answer_did(client: OkxClient) -> None:
    faults, core = client.fake.faults, client.fake.core
    faults.lose_request("trade/order")
    with pytest.raises(httpx2.TransportError):
        await client.post("trade/order", ORDER)
    assert not core.open_orders("first")
    faults.lose_answer("trade/order")
    with pytest.raises(httpx2.TransportError):
        await client.post("trade/order", ORDER)
    assert len(core.open_orders("first")) == 1
    faults.time_out_after_execution("trade/order")
    assert (await client.post("trade/order", ORDER)).json()["code"] == "50004"
    assert len(core.open_orders("first")) == 2
    faults.cut_answer("market/books")
    with pytest.raises(httpx2.TransportError):
        await client.get("market/books?instId=BTC-USDT&sz=400")


async def test_the_same_over_the_websocket(client: OkxClient) -> None:
    faults, core = client.fake.faults, client.fake.core
    order = {key: value for key, value in ORDER.items() if key != "instId"}
    request = {
        "id": "1",
        "op": "order",
        "args": [order | {"instIdCode": client.fake.requests.codes["BTCUSDT"]}],
    }
    for lose, left in ((faults.lose_request, 0), (faults.lose_answer, 1)):
        async with client.socket("private") as socket:
            lose("/ws/order")
            await send(socket, request)
            await asyncio.wait_for(socket.wait_closed(), 5)
            assert socket.close_code == 1006
        assert len(core.open_orders("first")) == left
    async with client.socket("private") as socket:
        faults.time_out_after_execution("/ws/order")
        await send(socket, request)
        rows = msgspec.convert((await receive(socket))["data"], list[Body])
        assert rows[0]["sCode"] == "51149"
        assert len(core.open_orders("first")) == 2
        faults.too_many_requests("/ws/order")
        await send(socket, request)
        assert (await receive(socket))["code"] == "50011"
        faults.too_many_requests("/ws/subscribe")
        await send(socket, {"op": "subscribe", "args": [ORDERS]})
        assert (await receive(socket))["code"] == "60014"


async def test_rates_and_bans_that_grow(client: OkxClient) -> None:
    fake = client.fake
    fake.faults.too_many_requests()
    response = await client.get("account/balance")
    assert (response.status_code, response.json()["code"]) == (429, "50011")
    for ban_us in (60_000_000, 120_000_000):
        assert fake.rest.ban_us == ban_us
        fake.faults.ban()
        for _ in range(2):
            response = await client.get("account/balance")
            # The firewall answers, and not in JSON.
            assert (response.status_code, response.headers["Content-Type"]) == (403, "text/html")
        fake.skew_us += ban_us
        assert (await client.get("account/balance")).status_code == 200


async def test_queries_lag_the_streams(client: OkxClient) -> None:
    await client.post("trade/order", ORDER | {"clOrdId": "early"})
    client.fake.queries.freeze()
    await client.post("trade/order", ORDER | {"clOrdId": "late", "px": "60010"})
    await client.post("trade/cancel-order", {"instId": "BTC-USDT", "clOrdId": "early"})
    query = "trade/order?instId=BTC-USDT&clOrdId="
    assert (await client.get(query + "late")).json()["code"] == "51603"
    assert (await client.get(query + "early")).json()["data"][0]["state"] == "live"
    opened = (await client.get("trade/orders-pending")).json()["data"]
    assert [row["clOrdId"] for row in opened] == ["early"]
    assert (await client.get("trade/fills")).json()["data"] == []
    balance = (await client.get("account/balance")).json()["data"][0]["details"]
    assert balance[1]["frozenBal"] == "50"
    client.fake.queries.thaw()
    assert (await client.get(query + "late")).json()["data"][0]["state"] == "filled"
    assert len((await client.get("trade/fills")).json()["data"]) == 1


async def test_a_fill_is_reported_twice(client: OkxClient) -> None:
    async with client.socket("private", ORDERS) as socket:
        client.fake.faults.repeat_next_fill()
        await client.post("trade/order", ORDER | {"px": "60001"})
        rows = [await receive_row(socket) for _ in range(3)]
        assert rows[1] == rows[2]
        assert rows[1]["state"] == "filled"


async def test_maintenance_and_disconnects(client: OkxClient) -> None:
    async with client.socket("public", {"channel": "status"}) as socket:
        client.fake.start_maintenance()
        notice = await receive(socket)
        assert (notice["event"], notice["code"]) == ("notice", "64008")
        assert (await receive_row(socket))["state"] == "ongoing"
        await client.fake.disconnect_all()
        await asyncio.wait_for(socket.wait_closed(), 5)
    response = await client.get("account/balance")
    assert (response.status_code, response.json()["code"]) == (503, "50001")
    with pytest.raises(InvalidStatus):
        await connect(f"{client.fake.ws}/public")
    client.fake.end_maintenance()
    assert (await client.get("system/status")).json()["data"][0]["state"] == "completed"


async def test_an_instrument_expires(client: OkxClient) -> None:
    await client.post("trade/order", ORDER | {"clOrdId": "one"})
    async with client.socket("public", {"channel": "instruments", "instType": "SPOT"}) as socket:
        client.fake.delist("BTCUSDT")
        row = await receive_row(socket)
        assert (row["instId"], row["state"]) == ("BTC-USDT", "expired")
        assert row["expTime"] != ""
    assert not client.fake.core.open_orders("first")
    assert (await client.row("trade/order", ORDER))["sCode"] == "51001"
    # OKX: queries find orders of live instruments only.
    assert (await client.get("trade/order?instId=BTC-USDT&clOrdId=one")).json()["code"] == "51001"
    client.fake.unlist("BTCUSDT")
    assert await names(client) == ["ETH-USDT"]
    async with client.socket("public", {"channel": "instruments", "instType": "SPOT"}) as socket:
        client.fake.relist("BTCUSDT")
        row = await receive_row(socket)
        assert (row["instId"], row["state"], row["expTime"]) == ("BTC-USDT", "live", "")
    assert await names(client) == ["BTC-USDT", "ETH-USDT"]
    assert (await client.row("trade/order", ORDER))["sCode"] == "0"


async def names(client: OkxClient) -> list[str]:
    listed = (await client.get("public/instruments?instType=SPOT")).json()["data"]
    return [row["instId"] for row in listed]


async def test_steps_change(client: OkxClient) -> None:
    await client.post("trade/order", ORDER)
    books = {"channel": "books", "instId": "BTC-USDT"}
    async with client.socket("public", {"channel": "instruments", "instType": "SPOT"}, books) as socket:
        client.fake.change_steps("BTCUSDT", UNIT, UNIT // 1_000)
        rows = [await receive_row(socket) for _ in range(2)]
        assert len(msgspec.convert(rows[0]["asks"], list[list[str]])) == 20  # all are deleted
        assert (rows[1]["tickSz"], rows[1]["lotSz"]) == ("1", "0.001")
    assert (await client.row("trade/order", ORDER | {"px": "50000.1", "sz": "0.2"}))["sCode"] == "51150"


async def test_sequences_begin_again(client: OkxClient) -> None:
    async with client.socket("public", {"channel": "books", "instId": "BTC-USDT"}) as socket:
        seen = client.fake.core.update_ids["BTCUSDT"]
        client.fake.restart_ids("BTCUSDT")
        await trade(client)
        row = await receive_row(socket)
        # OKX: the chain holds, and the new number is smaller.
        assert (row["prevSeqId"], row["seqId"]) == (seen, client.fake.core.update_ids["BTCUSDT"])
        assert client.fake.core.update_ids["BTCUSDT"] < seen


async def test_who_does_not_read_is_disconnected(client: OkxClient) -> None:
    async with client.socket("public", TRADES) as socket:
        client.fake.faults.half_open()
        connection = next(iter(client.fake.sockets.connections))
        for _ in range(10_010):
            connection.send({})
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 4005
