"""Every fault and limit at the fake Binance."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosedError, InvalidStatus

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.binance.client import BinanceClient, Body, code, receive
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}


@pytest.fixture
async def client() -> AsyncIterator[BinanceClient]:
    exchange = FakeBinance(default_markets())
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    SeededFlow(exchange.core, "BTCUSDT", 6_000_000).fill_book()
    async with running(exchange) as fake, BinanceClient(fake) as client:
        yield client


async def trade(client: BinanceClient, times: int = 1) -> None:
    for _ in range(times):
        client.fake.core.place("first", "BTCUSDT", Side.BUY, 100, 6_001_000, "")


async def test_a_lost_request_did_nothing_and_a_lost_answer_did(client: BinanceClient) -> None:
    order = ORDER | {"price": "50000.00"}
    client.fake.faults.lose_request("order")
    with pytest.raises(httpx2.TransportError):
        await client.call("POST", "order", order)
    assert not client.fake.core.open_orders("first")
    client.fake.faults.lose_answer("order")
    with pytest.raises(httpx2.TransportError):
        await client.call("POST", "order", order)
    assert len(client.fake.core.open_orders("first")) == 1
    client.fake.faults.time_out_after_execution("order")
    assert code(await client.call("POST", "order", order)) == (504, -1007)
    assert len(client.fake.core.open_orders("first")) == 2
    client.fake.faults.cut_answer("depth")
    with pytest.raises(httpx2.TransportError):
        await client.http.get(f"{client.fake.http}/api/v3/depth?symbol=BTCUSDT")


async def test_rates_and_bans_that_grow(client: BinanceClient) -> None:
    fake = client.fake
    fake.faults.too_many_requests()
    assert code(await client.call("GET", "account", {})) == (429, -1003)
    for ban_s in (120, 240):
        fake.faults.ban()
        for _ in range(2):
            banned = await client.call("GET", "account", {})
            assert code(banned) == (418, -1003)
            assert ban_s - 5 <= int(banned.headers["Retry-After"]) <= ban_s
        fake.skew_us += ban_s * 1_000_000
        assert (await client.call("GET", "account", {})).status_code == 200


async def test_who_goes_on_after_a_refusal_is_banned(client: BinanceClient) -> None:
    client.fake.limits.weight.limit = 0
    refusals = [(await client.call("GET", "account", {})).status_code for _ in range(11)]
    assert refusals == [429] * 10 + [418]
    assert client.fake.counts.weight == 11 * 20


async def test_the_count_of_unfilled_orders_is_limited(client: BinanceClient) -> None:
    fake = client.fake
    fake.limits.orders.limit = 1
    order = ORDER | {"price": "50000.00"}
    await client.call("POST", "order", order)
    fake.limits.orders.take("first")  # the window may have changed between the two
    assert code(await client.call("POST", "order", order)) == (429, -1015)
    assert fake.limits.orders.take("second") is None  # another account has its own
    fake.limits.orders.limit, fake.limits.orders.day_limit = 100, 0
    refused = await client.call("POST", "order", order)
    assert code(refused) == (429, -1015)
    assert int(refused.headers["X-MBX-ORDER-COUNT-1D"]) >= 2
    fake.limits.raw_requests.limit = 0
    assert code(await client.call("GET", "account", {})) == (429, -1003)


async def test_faults_of_frames(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws/btcusdt@trade") as socket:
        client.fake.faults.drop_frame("trade")
        client.fake.faults.duplicate_frame("trade")
        client.fake.faults.reorder_frames("trade")
        client.fake.faults.corrupt_frame('"t":6')
        for _ in range(6):
            await client.call("POST", "order", ORDER | {"price": "60010.00", "quantity": "0.0001"})
        frames = [await socket.recv() for _ in range(6)]
        assert isinstance(frames[-1], str)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(frames[-1])
        ids = [msgspec.json.decode(frame, type=Body)["t"] for frame in frames[:-1]]
        assert ids == [2, 2, 4, 3, 5]


async def test_a_stream_socket_is_limited(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws") as socket:
        for number in range(6):
            await socket.send(f'{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}')
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 1008


async def test_a_fill_is_reported_twice_on_demand(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws-api/v3") as socket:
        await client.user_stream(socket)
        client.fake.faults.repeat_next_fill()
        await client.call("POST", "order", ORDER | {"price": "60001.00"})
        events = [(await receive(socket))["event"] for _ in range(3)]
        assert events[1] == events[2]


async def test_queries_lag_and_a_symbol_is_delisted(client: BinanceClient) -> None:
    client.fake.queries.freeze()
    order = ORDER | {"price": "50000.00", "newClientOrderId": "late"}
    assert (await client.call("POST", "order", order)).status_code == 200
    ids = {"symbol": "BTCUSDT", "origClientOrderId": "late"}
    assert code(await client.call("GET", "order", ids)) == (400, -2013)
    client.fake.queries.thaw()
    assert (await client.call("GET", "order", ids)).json()["status"] == "NEW"
    client.fake.delist("BTCUSDT")
    assert code(await client.call("POST", "order", ORDER | {"price": "50000.00"})) == (400, -2010)
    client.fake.unlist("BTCUSDT")
    assert not client.fake.core.open_orders("first")
    assert [row["symbol"] for row in await listed(client)] == ["ETHUSDT"]
    # Binance: one symbol that it does not have refuses the whole request.
    named = {"symbols": '["BTCUSDT","ETHUSDT"]'}
    assert code(await client.http.get("/api/v3/exchangeInfo", params=named)) == (400, -1121)
    client.fake.relist("BTCUSDT")
    assert [row["status"] for row in await listed(client)] == ["TRADING", "TRADING"]
    assert (await client.call("POST", "order", ORDER | {"price": "50000.00"})).status_code == 200


async def listed(client: BinanceClient) -> list[dict[str, object]]:
    body = (await client.http.get("/api/v3/exchangeInfo")).json()
    return msgspec.convert(body["symbols"], list[dict[str, object]])


async def test_maintenance(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws-api/v3") as socket:
        client.fake.start_maintenance()
        event = (await receive(socket))["event"]
        assert isinstance(event, dict)
        assert event["e"] == "serverShutdown"
        await client.fake.disconnect_all()
        await asyncio.wait_for(socket.wait_closed(), 5)
    assert code(await client.call("GET", "account", {})) == (503, -1016)


async def test_a_connection_ends_inside_a_frame(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws/btcusdt@trade") as socket:
        client.fake.faults.cut_frame("trade")
        await trade(client)
        with pytest.raises(ConnectionClosedError):
            await asyncio.wait_for(socket.recv(), 5)
        assert socket.close_code == 1006


async def test_frames_are_late_but_not_slower(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws/btcusdt@trade") as socket:
        client.fake.faults.delay_frames(0.2)
        until = time.monotonic() + 0.19  # a timer may be some milliseconds early
        await trade(client, 20)
        got = [(await receive(socket))["t"] for _ in range(20)]
        assert time.monotonic() > until
        assert got[-1] == 20


async def test_a_half_open_socket_is_silent_until_it_is_healed(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws/btcusdt@trade") as socket:
        client.fake.faults.half_open()
        await trade(client)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(socket.recv(), 0.05)
        assert await asyncio.wait_for(await socket.ping(), 5) >= 0
        client.fake.faults.half_open(is_half_open=False)
        assert (await receive(socket))["t"] == 1


async def test_lost_requests_and_answers_over_the_websocket(client: BinanceClient) -> None:
    faults, core = client.fake.faults, client.fake.core
    order = ORDER | {"price": "50000.00"}
    for lose, left in ((faults.lose_request, 0), (faults.lose_answer, 1)):
        async with connect(f"{client.fake.ws}/ws-api/v3") as socket:
            lose("order.place")
            await client.ws_send(socket, "order.place", **order)
            await asyncio.wait_for(socket.wait_closed(), 5)
            assert socket.close_code == 1006
        assert len(core.open_orders("first")) == left
    async with connect(f"{client.fake.ws}/ws-api/v3") as socket:
        for fault, expected in (
            (faults.time_out_after_execution, (504, -1007)),
            (faults.too_many_requests, (429, -1003)),
            (faults.ban, (418, -1003)),
        ):
            fault("order.place")
            answer = await client.ws_call(socket, "order.place", **order)
            error = answer["error"]
            assert isinstance(error, dict)
            assert (answer["status"], error["code"]) == expected
    assert len(core.open_orders("first")) == 2


async def test_steps_change(client: BinanceClient) -> None:
    order = ORDER | {"price": "50000.01"}
    assert (await client.call("POST", "order", order)).status_code == 200
    client.fake.send_changes("BTCUSDT")
    async with connect(f"{client.fake.ws}/ws/btcusdt@depth@100ms") as socket:
        client.fake.change_steps("BTCUSDT", UNIT, UNIT // 1_000)
        diff = await receive(socket)
        assert all(quantity == "0.00000000" for _, quantity in msgspec.convert(diff["a"], list[list[str]]))
    assert not client.fake.core.open_orders("first")
    assert code(await client.call("POST", "order", order)) == (400, -1013)
    info = (await client.http.get("/api/v3/exchangeInfo")).json()["symbols"][0]["filters"]
    assert (info[0]["tickSize"], info[1]["stepSize"]) == ("1.00000000", "0.00100000")


async def test_update_ids_begin_again(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws/btcusdt@depth@100ms") as socket:
        await trade(client)
        before = await receive(socket)
        client.fake.restart_ids("BTCUSDT")
        await trade(client)
        after = await receive(socket)
        assert (after["U"], after["u"]) == (1, client.fake.core.update_ids["BTCUSDT"])
        assert msgspec.convert(after["u"], int) < msgspec.convert(before["U"], int)


async def test_connections_and_streams_are_limited(client: BinanceClient) -> None:
    fake = client.fake
    async with connect(f"{fake.ws}/ws") as socket:
        names = [f"s{number}@trade" for number in range(1_025)]
        request = {"method": "SUBSCRIBE", "id": 1, "params": names}
        await socket.send(msgspec.json.encode(request), text=True)
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 1008
    fake.streams.attempts.limit = fake.ws_api.attempts.limit = 0
    for address in ("ws/btcusdt@trade", "ws-api/v3"):
        with pytest.raises(InvalidStatus):
            await connect(f"{fake.ws}/{address}")
    assert fake.counts.connections == {"streams": 1}


async def test_a_connection_ends_after_a_day(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws") as stream, connect(f"{client.fake.ws}/ws-api/v3") as api:
        client.fake.skew_us += 86_400_000_001
        await asyncio.wait_for(asyncio.gather(stream.wait_closed(), api.wait_closed()), 5)


async def test_private_streams_end(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws-api/v3") as socket:
        await client.user_stream(socket)
        client.fake.ws_api.end_subscriptions()
        event = (await receive(socket))["event"]
        assert isinstance(event, dict)
        assert event["e"] == "eventStreamTerminated"


async def test_who_does_not_read_is_disconnected(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws") as socket:
        client.fake.faults.half_open()
        connection = next(iter(client.fake.streams.connections))
        for _ in range(10_010):
            connection.send("x", {})
        await asyncio.wait_for(socket.wait_closed(), 5)
