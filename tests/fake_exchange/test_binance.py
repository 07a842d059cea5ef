"""The fake Binance over real sockets, by a client of the libraries alone."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from urllib.parse import urlencode

import httpx2
import msgspec
import pytest
from websockets.asyncio.client import ClientConnection, connect

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.binance_signatures import hmac_hex
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

Body = dict[str, object]
ORDER = {"symbol": "BTCUSDT", "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "0.001"}


@pytest.fixture
async def fake() -> AsyncIterator[FakeBinance]:
    exchange = FakeBinance(default_markets())
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    SeededFlow(exchange.core, "BTCUSDT", 6_000_000).fill_book()
    async with running(exchange):
        yield exchange


def signed(fake: FakeBinance, params: Mapping[str, str]) -> str:
    fields = {"timestamp": str(fake.now_us() // 1_000), **params}
    payload = urlencode(fields)
    return f"{payload}&signature={hmac_hex(fake.first.secret, payload)}"


async def call(fake: FakeBinance, method: str, path: str, params: Mapping[str, str]) -> httpx2.Response:
    async with httpx2.AsyncClient(base_url=fake.http) as client:
        url = f"/api/v3/{path}?{signed(fake, params)}"
        return await client.request(method, url, headers={"X-MBX-APIKEY": fake.first.api_key})


async def receive(socket: ClientConnection) -> Body:
    return msgspec.json.decode(await asyncio.wait_for(socket.recv(), 5), type=Body)


async def user_stream(fake: FakeBinance, socket: ClientConnection) -> None:
    params = {"apiKey": fake.first.api_key, "timestamp": str(fake.now_us() // 1_000)}
    payload = "&".join(f"{name}={params[name]}" for name in sorted(params))
    params["signature"] = hmac_hex(fake.first.secret, payload)
    request = {"id": "1", "method": "userDataStream.subscribe.signature", "params": params}
    await socket.send(msgspec.json.encode(request), text=True)
    assert (await receive(socket))["result"] == {"subscriptionId": 0}


def code(response: httpx2.Response) -> tuple[int, int]:
    return response.status_code, response.json()["code"]


def test_signature_of_the_documents() -> None:
    # Binance: the example of the REST documents.
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    payload = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
        "&timestamp=1499827319559"
    )
    expected = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert hmac_hex(secret, payload) == expected


async def test_an_order_is_placed_amended_cancelled_and_queried(fake: FakeBinance) -> None:
    placed = await call(fake, "POST", "order", ORDER | {"price": "50000.00", "newClientOrderId": "one"})
    assert placed.json()["status"] == "NEW"
    ids = {"symbol": "BTCUSDT", "origClientOrderId": "one"}
    amended = await call(
        fake, "PUT", "order/amend/keepPriority", ids | {"newQty": "0.0005", "newClientOrderId": "one"}
    )
    assert amended.json()["amendedOrder"]["origQty"] == "0.00050000"
    opened = await call(fake, "GET", "openOrders", {"symbol": "BTCUSDT"})
    assert [order["clientOrderId"] for order in opened.json()] == ["one"]
    assert fake.core.balance("first", "USDT").locked_e8 == 25 * UNIT
    assert (await call(fake, "DELETE", "order", ids)).json()["status"] == "CANCELED"
    assert code(await call(fake, "DELETE", "order", ids)) == (400, -2011)
    assert (await call(fake, "GET", "order", ids)).json()["status"] == "CANCELED"
    assert fake.core.balance("first", "USDT").locked_e8 == 0


async def test_fills_are_reported_once_and_balances_are_exact(fake: FakeBinance) -> None:
    async with connect(f"{fake.ws}/ws-api/v3") as socket:
        await user_stream(fake, socket)
        placed = await call(fake, "POST", "order", ORDER | {"price": "60000.01"})
        assert placed.json()["status"] == "FILLED"
        reports = [(await receive(socket))["event"] for _ in range(3)]
        kinds = [(event["e"], event.get("x")) for event in reports if isinstance(event, dict)]
        assert kinds[:2] == [("executionReport", "NEW"), ("executionReport", "TRADE")]
        assert kinds[2][0] == "outboundAccountPosition"
    trades = (await call(fake, "GET", "myTrades", {"symbol": "BTCUSDT"})).json()
    assert [trade["qty"] for trade in trades] == ["0.00100000"]
    account = (await call(fake, "GET", "account", {})).json()
    free = {balance["asset"]: balance["free"] for balance in account["balances"]}
    assert free == {"BTC": "1.00099900", "USDT": "99939.99999000"}


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": "50000.001"}, (400, -1013)),
        ({"price": "5e4"}, (400, -1100)),
        ({"quantity": "0.000001"}, (400, -1013)),
        ({"quantity": "0.00001"}, (400, -1013)),
        ({"quantity": "100"}, (400, -2010)),
        ({"symbol": "btcusdt"}, (400, -1121)),
        ({"side": "buy"}, (400, -1117)),
        ({"type": "MARKET"}, (400, -1106)),
        ({"type": "LIMIT_MAKER"}, (400, -1106)),
        ({"newClientOrderId": "a" * 37}, (400, -1100)),
        ({"newClientOrderId": "drop-1"}, (403, 0)),
        ({"unknown": "1"}, (400, -1104)),
        ({"recvWindow": "60001"}, (400, -1131)),
        ({"timestamp": "1499827319559"}, (400, -1021)),
        ({"timestamp": "9999999999999"}, (400, -1021)),
    ],
)
async def test_a_bad_order_is_refused(
    fake: FakeBinance, changes: dict[str, str], expected: tuple[int, int]
) -> None:
    response = await call(fake, "POST", "order", {**ORDER, "price": "50000.00", **changes})
    assert code(response) == expected
    assert not fake.core.open_orders("first")


async def test_a_bad_key_or_signature_is_refused(fake: FakeBinance) -> None:
    async with httpx2.AsyncClient(base_url=fake.http) as client:
        url = f"/api/v3/account?{signed(fake, {})}"
        key = {"X-MBX-APIKEY": fake.first.api_key}
        assert code(await client.get(url)) == (401, -2014)
        assert code(await client.get(url, headers={"X-MBX-APIKEY": "wrong"})) == (401, -2015)
        assert code(await client.get(url[:-1] + "g", headers=key)) == (400, -1022)
        assert code(await client.get(url.replace("account?", "account?a=b&"), headers=key)) == (400, -1022)


async def test_a_lost_request_did_nothing_and_a_lost_answer_did(fake: FakeBinance) -> None:
    order = ORDER | {"price": "50000.00"}
    fake.faults.lose_request("order")
    with pytest.raises(httpx2.TransportError):
        await call(fake, "POST", "order", order)
    assert not fake.core.open_orders("first")
    fake.faults.lose_answer("order")
    with pytest.raises(httpx2.TransportError):
        await call(fake, "POST", "order", order)
    assert len(fake.core.open_orders("first")) == 1
    fake.faults.time_out_after_execution("order")
    assert code(await call(fake, "POST", "order", order)) == (504, -1007)
    assert len(fake.core.open_orders("first")) == 2
    fake.faults.cut_answer("depth")
    async with httpx2.AsyncClient() as client:
        with pytest.raises(httpx2.TransportError):
            await client.get(f"{fake.http}/api/v3/depth?symbol=BTCUSDT")


async def test_rates_and_bans(fake: FakeBinance) -> None:
    fake.faults.too_many_requests()
    assert code(await call(fake, "GET", "account", {})) == (429, -1003)
    fake.faults.ban()
    assert (await call(fake, "GET", "account", {})).status_code == 418
    banned = await call(fake, "GET", "account", {})
    assert banned.status_code == 418
    assert 0 < int(banned.headers["Retry-After"]) <= 120


async def test_the_count_of_unfilled_orders_is_limited(fake: FakeBinance) -> None:
    fake.requests.orders.limit = 1
    order = ORDER | {"price": "50000.00"}
    await call(fake, "POST", "order", order)
    fake.requests.orders.take()  # the window may have changed between the two
    assert code(await call(fake, "POST", "order", order)) == (429, -1015)


async def test_a_book_kept_from_the_stream_is_the_exchanges(fake: FakeBinance) -> None:
    flow = SeededFlow(fake.core, "BTCUSDT", 6_000_000, seed=2)
    async with connect(f"{fake.ws}/stream?streams=btcusdt@depth@100ms") as socket:
        async with httpx2.AsyncClient() as client:
            for _ in range(50):
                flow.step()
            snapshot = (await client.get(f"{fake.http}/api/v3/depth?symbol=BTCUSDT&limit=5000")).json()
        book = {side: dict(map(tuple, snapshot[side])) for side in ("bids", "asks")}
        last_id = snapshot["lastUpdateId"]
        for _ in range(200):
            flow.step()
        while last_id < fake.core.update_ids["BTCUSDT"]:
            diff = (await receive(socket))["data"]
            assert isinstance(diff, dict)
            if diff["u"] <= last_id:
                continue
            assert diff["U"] <= last_id + 1 <= diff["u"]
            last_id = diff["u"]
            for key, side in (("b", "bids"), ("a", "asks")):
                for price, quantity in diff[key]:
                    book[side][price] = quantity
    market = fake.core.markets["BTCUSDT"]
    for book_side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
        levels = fake.core.levels("BTCUSDT", book_side)
        expected = {market.price_text(ticks): market.quantity_text(lots) for ticks, lots in levels}
        assert {p: q for p, q in book[name].items() if q != "0.00000000"} == expected


async def test_faults_of_frames(fake: FakeBinance) -> None:
    async with connect(f"{fake.ws}/ws/btcusdt@trade") as socket:
        fake.faults.drop_frame("trade")
        fake.faults.duplicate_frame("trade")
        fake.faults.reorder_frames("trade")
        fake.faults.corrupt_frame('"t":6')
        for _ in range(6):
            await call(fake, "POST", "order", ORDER | {"price": "60010.00", "quantity": "0.0001"})
        frames = [await socket.recv() for _ in range(6)]
        assert isinstance(frames[-1], str)
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(frames[-1])
        ids = [msgspec.json.decode(frame, type=Body)["t"] for frame in frames[:-1]]
        assert ids == [2, 2, 4, 3, 5]


async def test_a_stream_socket_is_limited(fake: FakeBinance) -> None:
    async with connect(f"{fake.ws}/ws") as socket:
        for number in range(6):
            await socket.send(f'{{"method":"LIST_SUBSCRIPTIONS","id":{number}}}')
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 1008


async def test_a_fill_is_reported_twice_on_demand(fake: FakeBinance) -> None:
    async with connect(f"{fake.ws}/ws-api/v3") as socket:
        await user_stream(fake, socket)
        fake.faults.repeat_next_fill()
        await call(fake, "POST", "order", ORDER | {"price": "60001.00"})
        events = [(await receive(socket))["event"] for _ in range(3)]
        assert events[1] == events[2]


async def test_queries_lag_and_a_symbol_is_delisted(fake: FakeBinance) -> None:
    fake.requests.freeze_queries()
    order = ORDER | {"price": "50000.00", "newClientOrderId": "late"}
    assert (await call(fake, "POST", "order", order)).status_code == 200
    ids = {"symbol": "BTCUSDT", "origClientOrderId": "late"}
    assert code(await call(fake, "GET", "order", ids)) == (400, -2013)
    fake.requests.thaw_queries()
    assert (await call(fake, "GET", "order", ids)).json()["status"] == "NEW"
    fake.delist("BTCUSDT")
    assert code(await call(fake, "POST", "order", ORDER | {"price": "50000.00"})) == (400, -2010)


async def test_cancel_and_replace(fake: FakeBinance) -> None:
    order = ORDER | {"price": "50000.00", "newClientOrderId": "old"}
    await call(fake, "POST", "order", order)
    replace = order | {"newClientOrderId": "new", "cancelOrigClientOrderId": "old"}
    stop = {"cancelReplaceMode": "STOP_ON_FAILURE"}
    done = await call(fake, "POST", "order/cancelReplace", replace | stop)
    assert done.json()["newOrderResult"] == "SUCCESS"
    failed = await call(fake, "POST", "order/cancelReplace", replace | stop)
    assert code(failed) == (400, -2022)
    assert failed.json()["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    allow = {"cancelReplaceMode": "ALLOW_FAILURE", "newClientOrderId": "third"}
    assert code(await call(fake, "POST", "order/cancelReplace", replace | allow)) == (409, -2021)


async def test_maintenance(fake: FakeBinance) -> None:
    async with connect(f"{fake.ws}/ws-api/v3") as socket:
        fake.start_maintenance()
        event = (await receive(socket))["event"]
        assert isinstance(event, dict)
        assert event["e"] == "serverShutdown"
        await fake.disconnect_all()
        await asyncio.wait_for(socket.wait_closed(), 5)
    assert code(await call(fake, "GET", "account", {})) == (503, -1016)
