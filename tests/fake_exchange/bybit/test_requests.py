"""The fake Bybit over real sockets: orders, queries, checks and limits."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.fake_exchange.bybit import FakeBybit, default_markets
from tests.fake_exchange.bybit.client import Body, BybitClient, receive, receive_rows, send
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
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


@pytest.fixture
async def client() -> AsyncIterator[BybitClient]:
    exchange = FakeBybit(default_markets())
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    SeededFlow(exchange.core, "BTCUSDT", 6_000_000).fill_book()
    async with running(exchange) as fake, BybitClient(fake) as client:
        yield client


async def test_an_order_is_created_amended_cancelled_and_queried(client: BybitClient) -> None:
    created = await client.post("order/create", ORDER | {"orderLinkId": "one"})
    assert (created["retCode"], created["retMsg"]) == (0, "OK")
    opened = await client.rows("order/realtime")
    assert [(row["orderLinkId"], row["orderStatus"], row["avgPrice"]) for row in opened] == [
        ("one", "New", "")
    ]
    ids = {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": "one"}
    assert await client.code("order/amend", ids | {"qty": "0.002", "price": "50001"}) == 0
    assert await client.code("order/amend", ids | {"qty": "0.002"}) == 10001  # nothing changes
    by_id = "category=spot&orderLinkId=one"
    row = (await client.rows("order/realtime", by_id))[0]
    assert (row["qty"], row["price"], row["leavesQty"]) == ("0.002", "50001", "0.002")
    assert client.fake.core.balance("first", "USDT").locked_e8 == 100_002 * UNIT // 1_000
    assert await client.code("order/cancel", ids) == 0
    assert await client.code("order/cancel", ids) == 170142
    assert await client.code("order/cancel", ids | {"orderLinkId": "none"}) == 170213
    assert await client.rows("order/realtime") == []
    # With an id, closed orders are found too.
    row = (await client.rows("order/realtime", by_id))[0]
    assert (row["orderStatus"], row["cancelType"], row["leavesQty"]) == ("Cancelled", "CancelByUser", "0")
    assert [row["orderLinkId"] for row in await client.rows("order/history")] == ["one"]
    assert client.fake.core.balance("first", "USDT").locked_e8 == 0
    # Bybit: the id is used up for ever.
    assert await client.code("order/create", ORDER | {"orderLinkId": "one"}) == 170141


async def test_fills_are_reported_once_and_balances_are_exact(client: BybitClient) -> None:
    async with client.socket("private", "order", "execution", "execution.fast", "wallet") as socket:
        await client.post("order/create", ORDER | {"price": "60000.01", "orderLinkId": "one"})
        frames = [await receive(socket) for _ in range(5)]
        assert sorted(str(frame["topic"]) for frame in frames) == [
            "execution", "execution.fast", "order", "order", "wallet",
        ]  # fmt: skip
    fills = await client.rows("execution/list", "category=spot&orderLinkId=one")
    assert [(f["execQty"], f["execFee"], f["feeCurrency"], f["isMaker"]) for f in fills] == [
        ("0.001", "0.000001", "BTC", False)
    ]
    row = (await client.rows("order/realtime", "category=spot&orderLinkId=one"))[0]
    assert (row["orderStatus"], row["cumFeeDetail"]) == ("Filled", {"BTC": "0.000001"})
    response = await client.get("account/wallet-balance", "accountType=UNIFIED")
    coins = response.json()["result"]["list"][0]["coin"]
    assert {c["coin"]: c["walletBalance"] for c in coins} == {"BTC": "1.000999", "USDT": "99939.99999"}
    assert (await client.get("account/wallet-balance", "accountType=SPOT")).json()["retCode"] == 10001


async def test_a_market_buy_has_its_size_in_the_quote_asset(client: BybitClient) -> None:
    market = {key: value for key, value in ORDER.items() if key not in ("price", "timeInForce")}
    market |= {"orderType": "Market"}
    await client.post("order/create", market | {"qty": "60", "orderLinkId": "quote"})
    await client.post(
        "order/create", market | {"qty": "0.001", "marketUnit": "baseCoin", "orderLinkId": "base"}
    )
    rows = {row["orderLinkId"]: row for row in await client.rows("order/history")}
    assert (rows["quote"]["qty"], rows["quote"]["cumExecQty"]) == ("60", "0.000999")
    assert (rows["base"]["qty"], rows["base"]["cumExecQty"]) == ("0.001", "0.001")
    # More than the book has: what is left of it ends.
    client.fake.core.deposit("first", "BTC", 10**5 * UNIT)
    await client.post("order/create", market | {"side": "Sell", "qty": "5000", "orderLinkId": "all"})
    row = (await client.rows("order/realtime", "category=spot&orderLinkId=all"))[0]
    assert (row["orderStatus"], row["timeInForce"]) == ("PartiallyFilledCanceled", "IOC")


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"price": "50000.001"}, 170134),
        ({"price": "5e4"}, 10001),
        ({"price": 50_000}, 10001),
        ({"qty": "0.0000001"}, 170137),
        ({"qty": "0.00001"}, 170136),
        ({"qty": "0.00002"}, 170140),
        ({"qty": "100"}, 170131),
        ({"symbol": "BTC-USDT"}, 170121),
        ({"side": "BUY"}, 10001),
        ({"category": "linear"}, 10001),
        ({"timeInForce": "GTD"}, 10001),
        ({"orderLinkId": "a" * 37}, 10001),
        ({"orderLinkId": "with space"}, 10001),
        ({"smpType": "None?"}, 10001),
        ({"orderFilter": "StopOrder"}, 10001),
        ({"unknown": "1"}, 10001),
    ],
)
async def test_a_bad_order_is_refused(client: BybitClient, changes: Body, expected: int) -> None:
    assert await client.code("order/create", {**ORDER, **changes}) == expected
    assert not client.fake.core.open_orders("first")
    assert client.fake.counts.refusals[expected] == 1


async def test_a_bad_key_signature_or_time_is_refused(client: BybitClient) -> None:
    query, now_us = "accountType=UNIFIED", client.fake.now_us()
    good = client.headers(query)
    expected = [
        (good, 0),
        (good | {"X-BAPI-SIGN": "x"}, 10004),
        (good | {"X-BAPI-API-KEY": "x"}, 10003),
        (good | {"X-BAPI-RECV-WINDOW": "6000"}, 10004),
        (client.headers(query + "&coin=BTC"), 10004),
        (client.headers(query, at_us=now_us - 6_000_000), 10002),
        (client.headers(query, at_us=now_us + 2_000_000), 10002),
        (client.headers(query, at_us=now_us - 6_000_000, window="60000"), 0),
    ]
    for headers, code in expected:
        response = await client.http.get(f"/v5/account/wallet-balance?{query}", headers=headers)
        assert response.json()["retCode"] == code


async def test_orders_over_the_websocket(client: BybitClient) -> None:
    async with client.socket("trade") as socket:
        created = await client.request(socket, "order.create", ORDER | {"orderLinkId": "one"})
        assert (created["retCode"], created["op"], created["reqId"]) == (0, "order.create", "r1")
        header = created["header"]
        assert isinstance(header, dict)
        assert (header["X-Bapi-Limit"], header["X-Bapi-Limit-Status"]) == ("20", "19")
        again = await client.request(socket, "order.create", ORDER, reqId="r1")
        assert again["retCode"] == 20006
        row = {"orderLinkId": "two", **{key: value for key, value in ORDER.items() if key != "category"}}
        batch: Body = {"category": "spot", "request": [row, row]}
        answer = await client.request(socket, "order.create-batch", batch)
        extra = answer["retExtInfo"]
        assert answer["retCode"] == 0
        assert isinstance(extra, dict)
        assert [verdict["code"] for verdict in extra["list"]] == [0, 170141]
        ids: Body = {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": "one"}
        assert (await client.request(socket, "order.amend", ids | {"qty": "0.002"}))["retCode"] == 0
        assert (await client.request(socket, "order.cancel", ids))["retCode"] == 0
        assert (await client.request(socket, "order.cancel-all", {"category": "spot"}))["retCode"] == 10404
        assert (await client.request(socket, "order.create", ORDER | {"category": "linear"}))[
            "retCode"
        ] == 10404
        late = {"X-BAPI-TIMESTAMP": str(client.fake.now_us() // 1_000 - 6_000)}
        assert (await client.request(socket, "order.create", ORDER, header=late))["retCode"] == 10002
    assert [order.client_id for order in client.fake.core.open_orders("first")] == ["two"]
    assert await client.code("order/cancel-all", {"category": "spot"}) == 0
    assert not client.fake.core.open_orders("first")


async def test_a_post_only_order_that_would_take_is_accepted_and_then_rejected(client: BybitClient) -> None:
    async with client.socket("private", "order.spot") as socket:
        assert await client.code("order/create", ORDER | {"timeInForce": "PostOnly", "price": "60010"}) == 0
        rows = [(await receive_rows(socket))[0] for _ in range(2)]
        assert [(row["orderStatus"], row["rejectReason"]) for row in rows] == [
            ("New", "EC_NoError"),
            ("Rejected", "EC_PostOnlyWillTakeLiquidity"),
        ]


async def test_a_cancel_that_a_fill_overtook_repeats_the_fill(client: BybitClient) -> None:
    client.fake.requests.acknowledges_late_cancels = True
    ids = {"category": "spot", "symbol": "BTCUSDT", "orderLinkId": "one"}
    async with client.socket("private", "order") as socket:
        await client.post("order/create", ORDER | {"price": "60000.01", "orderLinkId": "one"})
        assert await client.code("order/cancel", ids) == 0
        rows = [(await receive_rows(socket))[0] for _ in range(3)]
        assert [(row["orderStatus"], row["cancelType"], row["rejectReason"]) for row in rows[1:]] == [
            ("Filled", "UNKNOWN", "EC_NoError"),
            ("Filled", "CancelByUser", "EC_OrigClOrdIDDoesNotExist"),
        ]
    client.fake.requests.acknowledges_late_cancels = False
    assert await client.code("order/cancel", ids) == 170139


async def test_own_orders_meet(client: BybitClient) -> None:
    inside = ORDER | {"price": "60000"}
    await client.post("order/create", inside | {"orderLinkId": "rest"})
    sell = {"side": "Sell", "smpType": "CancelMaker", "orderLinkId": "take"}
    await client.post("order/create", inside | sell)
    rows = {row["orderLinkId"]: row for row in await client.rows("order/history")}
    assert (rows["rest"]["orderStatus"], rows["rest"]["cancelType"]) == ("Cancelled", "CancelBySmp")


async def test_prices_outside_the_band_are_refused(client: BybitClient) -> None:
    await client.post("order/create", ORDER | {"price": "60001"})
    client.fake.requests.price_band_percent = 5
    assert await client.code("order/create", ORDER | {"price": "64000"}) == 170193
    assert await client.code("order/create", ORDER | {"side": "Sell"}) == 170194


async def test_pages_go_from_the_newest_to_the_oldest(client: BybitClient) -> None:
    for number in range(5):
        await client.post("order/create", ORDER | {"orderLinkId": f"n{number}"})
    seen: list[object] = []
    cursor = ""
    while True:
        query = f"category=spot&limit=2&cursor={cursor}"
        result = (await client.get("order/realtime", query)).json()["result"]
        seen += [row["orderLinkId"] for row in result["list"]]
        cursor = result["nextPageCursor"]
        if not cursor:
            break
    assert seen == ["n4", "n3", "n2", "n1", "n0"]
    week_ms = 7 * 86_400_000
    query = f"category=spot&startTime=0&endTime={week_ms + 1}"
    assert (await client.get("execution/list", query)).json()["retCode"] == 10001


async def test_each_account_has_its_limits_by_the_second(client: BybitClient) -> None:
    fake = client.fake
    fake.requests.order_limits["order.create"] = 1
    fake.requests.query_limit = 1
    assert await client.code("order/create", ORDER) == 0
    codes = {await client.code("order/create", ORDER) for _ in range(3)}
    assert 10006 in codes
    response = await client.get("order/realtime")
    assert response.headers["X-Bapi-Limit"] == "1"
    codes = {(await client.get("order/realtime")).json()["retCode"] for _ in range(3)}
    assert 10006 in codes
    async with client.socket("trade") as socket:
        fake.trade.address_limit.limit = 0
        assert (await client.request(socket, "order.create", ORDER))["retCode"] == 10403


async def test_subscriptions_are_refused_as_a_whole(client: BybitClient) -> None:
    good = "orderbook.50.BTCUSDT"
    async with client.socket("public/spot") as socket:
        for args, text in (
            ([good, "orderbook.50.NOSUCHSYM"], "Invalid symbol :[orderbook.50.NOSUCHSYM]"),
            ([good, "orderbook.500.BTCUSDT"], "handler not found,topic:orderbook.500.BTCUSDT"),
            ([good] * 11, "args size >10"),
            (["system.status"], "handler not found,topic:system.status"),
        ):
            await send(socket, {"op": "subscribe", "args": args, "req_id": "s1"})
            reply = await receive(socket)
            assert (reply["success"], reply["ret_msg"], reply["req_id"]) == (False, text, "s1")
        assert not client.fake.counts.subscriptions
        await send(socket, {"op": "ping", "req_id": "p"})
        reply = await receive(socket)
        assert (reply["ret_msg"], reply["op"], reply["req_id"]) == ("pong", "ping", "p")
    async with client.socket("private") as socket:
        await send(socket, {"op": "subscribe", "args": ["order", "order.spot"]})
        assert (await receive(socket))["success"] is False
        await send(socket, {"op": "ping"})
        assert (await receive(socket))["op"] == "pong"


async def test_authentication_of_sockets(client: BybitClient) -> None:
    async with connect(f"{client.fake.ws}/private") as socket:
        await send(socket, {"op": "subscribe", "args": ["order"]})
        assert (await receive(socket))["ret_msg"] == "Request not authorized"
        await client.authenticate(socket, in_ms=-1)
        assert (await receive(socket))["success"] is False
        await client.authenticate(socket, signed="x")
        assert (await receive(socket))["success"] is False
        await client.authenticate(socket)
        assert (await receive(socket))["success"] is True
    async with connect(f"{client.fake.ws}/trade") as socket:
        assert (await client.request(socket, "order.create", ORDER))["retCode"] == 10003
        await client.authenticate(socket, signed="x")
        assert (await receive(socket))["retCode"] == 10004
        await client.authenticate(socket)
        assert (await receive(socket))["retCode"] == 0
        await client.authenticate(socket)
        assert (await receive(socket))["retCode"] == 20001


async def test_connections_are_counted_and_silent_ones_end(client: BybitClient) -> None:
    fake = client.fake
    async with connect(f"{fake.ws}/private?max_active_time=30s", ping_interval=None) as socket:
        connection = next(iter(fake.sockets.connections))
        assert connection.idle_us == 30_000_000
        fake.skew_us += 31_000_000
        await asyncio.wait_for(socket.wait_closed(), 5)
    for address in ("private?max_active_time=5s", "private?max_active_time=x", "nowhere"):
        with pytest.raises(InvalidStatus):
            await connect(f"{fake.ws}/{address}")
    fake.sockets.attempts.limit = 0
    with pytest.raises(InvalidStatus):
        await connect(f"{fake.ws}/private")
    assert fake.counts.connections == {"private": 1}
