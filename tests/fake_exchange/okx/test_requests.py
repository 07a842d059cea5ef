"""The fake OKX over real sockets: orders, queries, checks and limits."""

import asyncio
from collections.abc import AsyncIterator

import msgspec
import pytest
from websockets.asyncio.client import connect
from websockets.exceptions import InvalidStatus

from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.okx import FakeOkx, default_markets
from tests.fake_exchange.okx.client import OkxClient, receive, receive_row, send
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


@pytest.fixture
async def client() -> AsyncIterator[OkxClient]:
    exchange = FakeOkx(default_markets())
    exchange.sockets.attempts.limit = 100
    exchange.core.deposit("first", "USDT", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    SeededFlow(exchange.core, "BTCUSDT", 600_000).fill_book()
    async with running(exchange) as fake, OkxClient(fake) as client:
        yield client


async def test_an_order_is_placed_amended_cancelled_and_queried(client: OkxClient) -> None:
    placed = await client.row("trade/order", ORDER | {"clOrdId": "one", "tag": "t"})
    assert (placed["sCode"], placed["clOrdId"]) == ("0", "one")
    opened = (await client.get("trade/orders-pending?instType=SPOT")).json()["data"]
    assert [(order["ordId"], order["state"], order["tag"]) for order in opened] == [
        (placed["ordId"], "live", "t")
    ]
    ids = {"instId": "BTC-USDT", "clOrdId": "one"}
    assert (await client.row("trade/amend-order", ids | {"newSz": "0.002", "newPx": "50001"}))["sCode"] == "0"
    query = "trade/order?instId=BTC-USDT&clOrdId=one"
    order = (await client.get(query)).json()["data"][0]
    assert (order["sz"], order["px"]) == ("0.002", "50001")
    assert client.fake.core.balance("first", "USDT").locked_e8 == 100_002 * UNIT // 1_000
    assert (await client.row("trade/cancel-order", ids))["sCode"] == "0"
    order = (await client.get(query)).json()["data"][0]
    assert (order["state"], order["cancelSource"]) == ("canceled", "1")
    assert (await client.row("trade/cancel-order", ids))["sCode"] == "51401"
    assert (await client.row("trade/amend-order", ids | {"newSz": "0.003"}))["sCode"] == "51509"
    assert (await client.row("trade/cancel-order", ids | {"clOrdId": "none"}))["sCode"] == "51400"
    assert (await client.get("trade/order?instId=BTC-USDT&clOrdId=none")).json()["code"] == "51603"
    history = (await client.get("trade/orders-history?instType=SPOT")).json()["data"]
    assert [row["clOrdId"] for row in history] == ["one"]
    assert client.fake.core.balance("first", "USDT").locked_e8 == 0


async def test_fills_are_reported_once_and_balances_are_exact(client: OkxClient) -> None:
    async with client.socket("private", ORDERS, {"channel": "account"}) as socket:
        await client.post("trade/order", ORDER | {"px": "60000.1"})
        rows = [await receive_row(socket) for _ in range(3)]
        assert [row.get("state") for row in rows] == ["live", "filled", None]
        assert (rows[1]["fillSz"], rows[1]["fillFee"], rows[1]["execType"]) == ("0.001", "-0.000001", "T")
        assert msgspec.convert(rows[2]["details"], list[dict[str, str]])[0]["cashBal"] == "1.000999"
    fills = (await client.get("trade/fills?instType=SPOT")).json()["data"]
    assert [(fill["fillSz"], fill["feeCcy"]) for fill in fills] == [("0.001", "BTC")]
    details = (await client.get("account/balance")).json()["data"][0]["details"]
    assert {row["ccy"]: row["cashBal"] for row in details} == {"BTC": "1.000999", "USDT": "99939.9999"}


async def test_a_market_buy_has_its_size_in_the_quote_asset(client: OkxClient) -> None:
    market = {key: value for key, value in ORDER.items() if key != "px"} | {"ordType": "market"}
    async with client.socket("private", ORDERS) as socket:
        await client.post("trade/order", market | {"sz": "60.0001"})
        rows = [await receive_row(socket) for _ in range(3)]
        # The last frame ends the order and has no fill.
        assert [row["state"] for row in rows] == ["live", "partially_filled", "filled"]
        assert [row["tradeId"] for row in rows] == ["", "1", ""]
        assert (rows[2]["sz"], rows[2]["accFillSz"]) == ("60.0001", "0.001")
        await client.post("trade/order", market | {"sz": "0.001", "tgtCcy": "base_ccy"})
        rows = [await receive_row(socket) for _ in range(2)]
        assert [row["state"] for row in rows] == ["live", "filled"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"px": "50000.01"}, "51150"),
        ({"px": "5e4"}, "51000"),
        ({"px": ""}, "51000"),
        ({"sz": "0.00000001"}, "51121"),
        ({"sz": "0.000001"}, "51020"),
        ({"sz": 1}, "51000"),
        ({"sz": "100"}, "51008"),
        ({"instId": "BTCUSDT"}, "51001"),
        ({"side": "BUY"}, "51000"),
        ({"tdMode": "cross"}, "51000"),
        ({"ordType": "gtc"}, "51000"),
        ({"clOrdId": "a" * 33}, "51000"),
        ({"clOrdId": "with-dash"}, "51000"),
        ({"tag": "a" * 17}, "51000"),
        ({"stpMode": "cancel_both", "ordType": "fok"}, "51000"),
        ({"tradeQuoteCcy": "USD"}, "51000"),
        ({"unknown": "1"}, "51000"),
    ],
)
async def test_a_bad_order_is_refused(client: OkxClient, changes: dict[str, object], expected: str) -> None:
    response = (await client.post("trade/order", {**ORDER, **changes})).json()
    assert (response["code"], response["data"][0]["sCode"]) == ("1", expected)
    assert not client.fake.core.open_orders("first")
    assert client.fake.counts.refusals[expected] == 1


async def test_a_bad_key_signature_or_time_is_refused(client: OkxClient) -> None:
    target, now_us = "/api/v5/account/balance", client.fake.now_us()
    good = client.headers("GET", target)
    expected = [
        (good, 200, "0"),
        (good | {"OK-ACCESS-SIGN": "x"}, 401, "50113"),
        (good | {"OK-ACCESS-KEY": "x"}, 401, "50119"),
        (good | {"OK-ACCESS-PASSPHRASE": "x"}, 401, "50105"),
        (good | {"OK-ACCESS-TIMESTAMP": "1700000000"}, 401, "50112"),
        (good | {"x-simulated-trading": "1"}, 401, "50101"),
        ({}, 401, "50103"),
        (client.headers("GET", target, at_us=now_us - 31_000_000), 401, "50102"),
        (client.headers("GET", target, at_us=now_us + 31_000_000), 401, "50102"),
        (client.headers("POST", target), 401, "50113"),
    ]
    for headers, status, code in expected:
        response = await client.http.get(target, headers=headers)
        assert (response.status_code, response.json()["code"]) == (status, code)


async def test_orders_over_the_websocket(client: OkxClient) -> None:
    number = client.fake.requests.codes["BTCUSDT"]
    order: dict[str, object] = {key: value for key, value in ORDER.items() if key != "instId"}
    order |= {"instIdCode": number, "clOrdId": "ws1"}
    async with client.socket("private") as socket:
        await send(socket, {"id": "1", "op": "order", "args": [order]})
        reply = await receive(socket)
        assert (reply["id"], reply["op"], reply["code"]) == ("1", "order", "0")
        await send(socket, {"id": "2", "op": "order", "args": [ORDER]})
        reply = await receive(socket)
        assert (reply["code"], reply["msg"], reply["data"]) == (
            "60013", "Parameter instIdCode can not be empty", [],
        )  # fmt: skip
        await send(socket, {"id": "3", "op": "batch-orders", "args": [order, order | {"clOrdId": "ws2"}]})
        reply = await receive(socket)
        assert reply["code"] == "2"
        rows = msgspec.convert(reply["data"], list[dict[str, str]])
        assert [row["sCode"] for row in rows] == ["51016", "0"]
        ids = {"instIdCode": number, "clOrdId": "ws1"}
        await send(socket, {"id": "4", "op": "amend-order", "args": [ids | {"newSz": "0.002"}]})
        assert (await receive(socket))["code"] == "0"
        await send(socket, {"id": "5", "op": "cancel-order", "args": [ids]})
        assert (await receive(socket))["code"] == "0"
        past = str(client.fake.now_us() // 1_000 - 1)
        await send(socket, {"id": "6", "op": "order", "expTime": past, "args": [order]})
        assert (await receive(socket))["code"] == "50036"
        await send(socket, {"id": "with-dash", "op": "order", "args": [order]})
        assert (await receive(socket))["code"] == "60012"
    assert [order.client_id for order in client.fake.core.open_orders("first")] == ["ws2"]


async def test_a_post_only_order_that_would_take_is_accepted_and_then_cancelled(client: OkxClient) -> None:
    async with client.socket("private", ORDERS) as socket:
        verdict = await client.row("trade/order", ORDER | {"ordType": "post_only", "px": "60010"})
        assert verdict["sCode"] == "0"
        rows = [await receive_row(socket) for _ in range(2)]
        assert [(row["state"], row["cancelSource"]) for row in rows] == [("live", ""), ("canceled", "31")]
        await client.post("trade/order", ORDER | {"ordType": "ioc"})
        rows = [await receive_row(socket) for _ in range(2)]
        assert [(row["state"], row["cancelSource"]) for row in rows] == [("live", ""), ("canceled", "14")]


async def test_amendments_report_their_result_on_the_orders_channel(client: OkxClient) -> None:
    ids = {"instId": "BTC-USDT", "clOrdId": "one"}
    async with client.socket("private", ORDERS) as socket:
        await client.post("trade/order", ORDER | {"clOrdId": "one"})
        await receive(socket)
        for change, expected in (
            ({"newSz": "0.002", "reqId": "r1"}, ("r1", "0", "live")),
            ({"newSz": "900", "reqId": "r2"}, ("r2", "-1", "live")),
            ({"newSz": "900", "reqId": "r3", "cxlOnFail": True}, ("r3", "1", "live")),
        ):
            assert (await client.row("trade/amend-order", ids | change))["sCode"] == "0"
            row = await receive_row(socket)
            assert (row["reqId"], row["amendResult"], row["state"]) == expected
        assert (await receive_row(socket))["state"] == "canceled"


async def test_an_amendment_to_what_is_filled_fills_the_order(client: OkxClient) -> None:
    fake = client.fake
    await client.post("trade/order", ORDER | {"clOrdId": "one", "px": "60000"})
    fake.core.deposit("second", "BTC", UNIT)
    fake.core.place("second", "BTCUSDT", Side.SELL, 4_000, 600_000, "")
    verdict = await client.row(
        "trade/amend-order", {"instId": "BTC-USDT", "clOrdId": "one", "newSz": "0.0002"}
    )
    assert verdict["sCode"] == "0"
    order = (await client.get("trade/order?instId=BTC-USDT&clOrdId=one")).json()["data"][0]
    assert (order["state"], order["accFillSz"]) == ("filled", "0.0004")
    verdict = await client.row("trade/cancel-order", {"instId": "BTC-USDT", "clOrdId": "one"})
    assert verdict["sCode"] == "51402"


async def test_batches_and_expiry_over_rest(client: OkxClient) -> None:
    rows = [ORDER | {"clOrdId": "one"}, ORDER | {"clOrdId": "one"}]
    answer = (await client.post("trade/batch-orders", rows)).json()
    assert (answer["code"], [row["sCode"] for row in answer["data"]]) == ("2", ["0", "51016"])
    assert (await client.post("trade/batch-orders", rows[0])).json()["code"] == "50002"
    assert (await client.post("trade/batch-orders", [ORDER] * 21)).json()["code"] == "51000"
    for late_ms, code in ((-1, "50036"), (5_000, "0")):
        expires = str(client.fake.now_us() // 1_000 + late_ms)
        assert (await client.post("trade/order", ORDER, expTime=expires)).json()["code"] == code
    ids = [{"instId": "BTC-USDT", "clOrdId": "one"}, {"instId": "BTC-USDT", "clOrdId": "none"}]
    answer = (await client.post("trade/cancel-batch-orders", ids)).json()
    assert [row["sCode"] for row in answer["data"]] == ["0", "51400"]


async def test_prices_outside_the_band_are_refused(client: OkxClient) -> None:
    await client.post("trade/order", ORDER | {"px": "60001"})
    client.fake.requests.price_band_percent = 5
    assert (await client.row("trade/order", ORDER | {"px": "64000"}))["sCode"] == "51137"
    assert (await client.row("trade/order", ORDER | {"side": "sell"}))["sCode"] == "51138"


async def test_balances_come_by_themselves_unless_that_is_turned_off(client: OkxClient) -> None:
    quiet = {"channel": "account", "extraParams": '{"updateInterval":"0"}'}
    async with (
        client.socket("private", {"channel": "account"}) as loud,
        client.socket("private", quiet) as silent,
        client.socket("private", {"channel": "balance_and_position"}) as balances,
    ):
        assert (await receive(loud))["event"] == "channel-conn-count"  # the other one subscribed too
        client.fake.private.account_push_us = 0
        assert (await receive(loud))["eventType"] == "snapshot"
        client.fake.private.account_push_us = 10**12
        await client.post("trade/order", ORDER)
        push = await receive(silent)
        assert push["eventType"] == "event_update"
        row = await receive_row(balances)
        assert row["eventType"] == "filled"


async def test_own_orders_do_not_trade_with_each_other(client: OkxClient) -> None:
    await client.post("trade/order", ORDER | {"clOrdId": "rest", "px": "60000"})
    await client.post("trade/order", ORDER | {"clOrdId": "take", "side": "sell", "px": "60000", "sz": "500"})
    opened = [order.client_id for order in client.fake.core.open_orders("first")]
    assert opened == ["rest"]  # the other one has no money
    for name, mode, left in (("a", "cancel_taker", ["rest"]), ("b", "cancel_maker", ["b"])):
        sell = {
            "side": "sell",
            "px": "60000",
            "sz": "0.2",
            "clOrdId": name,
            "stpMode": mode,
            "ordType": "limit",
        }
        # It takes what others have there first, then it meets the order of its own account.
        await client.post("trade/order", ORDER | sell)
        assert [order.client_id for order in client.fake.core.open_orders("first")] == left


async def test_the_dead_mans_switch_cancels_everything(client: OkxClient) -> None:
    await client.post("trade/order", ORDER | {"tag": "mine"})
    await client.post("trade/order", ORDER)
    answer = (await client.post("trade/cancel-all-after", {"timeOut": "10", "tag": "mine"})).json()["data"][0]
    assert int(answer["triggerTime"]) > client.fake.now_us() // 1_000_000
    again = await client.post("trade/cancel-all-after", {"timeOut": "10", "tag": "mine"})
    assert again.json()["code"] in ("0", "50011")  # one in a second of the clock
    assert (await client.post("trade/cancel-all-after", {"timeOut": "9"})).json()["code"] == "51000"
    client.fake.skew_us += 10_000_000
    client.fake.requests.fire_switches()
    assert len(client.fake.core.open_orders("first")) == 1


async def test_pages_go_from_the_newest_to_the_oldest(client: OkxClient) -> None:
    for number in range(5):
        await client.post("trade/order", ORDER | {"clOrdId": f"n{number}"})
    seen: list[str] = []
    after = ""
    while rows := (await client.get(f"trade/orders-pending?limit=2&after={after}")).json()["data"]:
        seen += [row["clOrdId"] for row in rows]
        after = rows[-1]["ordId"]
    assert seen == ["n4", "n3", "n2", "n1", "n0"]
    for _ in range(3):
        await client.post("trade/order", ORDER | {"px": "60010", "sz": "0.0001"})
    bills = [row["billId"] for row in (await client.get("trade/fills?limit=2")).json()["data"]]
    newer = (await client.get(f"trade/fills?before={bills[1]}")).json()["data"]
    assert [row["billId"] for row in newer] == bills[:1]


async def test_each_endpoint_has_its_limit(client: OkxClient) -> None:
    client.fake.rest.limits["/api/v5/account/balance"] = 0
    client.fake.requests.order_limit = 0
    response = await client.get("account/balance")
    assert (response.status_code, response.json()["code"]) == (429, "50011")
    response = await client.post("trade/order", ORDER)
    assert (response.status_code, response.json()["code"]) == (429, "50011")
    assert client.fake.counts.refusals["50011"] >= 2


async def test_limits_of_sockets(client: OkxClient) -> None:
    fake = client.fake
    async with client.socket("public") as socket:
        connection = next(iter(fake.sockets.connections))
        connection.subscriptions.limit = 1
        await send(socket, {"op": "subscribe", "args": [{"channel": "trades", "instId": "BTC-USDT"}]})
        assert (await receive(socket))["event"] == "subscribe"
        await send(socket, {"op": "subscribe", "args": [{"channel": "trades", "instId": "ETH-USDT"}]})
        assert (await receive(socket))["code"] == "60014"
        await socket.send("ping")
        assert await socket.recv() == "pong"
        fake.sockets.idle_us = 0
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 4004
    fake.sockets.idle_us = 30_000_000
    fake.sockets.channel_connections = 1
    async with client.socket("private", ORDERS), client.socket("private") as second:
        await send(second, {"op": "subscribe", "args": [ORDERS]})
        assert (await receive(second))["event"] == "subscribe"
        assert (await receive(second))["event"] == "channel-conn-count-error"
    async with client.socket("public") as socket:
        await socket.send("x" * 65_537)
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 1009
    fake.sockets.attempts.limit = 0
    with pytest.raises(InvalidStatus):
        await connect(f"{fake.ws}/public")


async def test_bad_subscriptions_and_logins(client: OkxClient) -> None:
    async with client.socket("public") as socket:
        for arg, code in (
            ({"channel": "orders", "instType": "SPOT"}, "60018"),
            ({"channel": "books", "instId": "NO-PAIR"}, "60018"),
            ({"channel": "trades-all", "instId": "BTC-USDT"}, "60018"),
            ({"channel": "books-l2-tbt", "instId": "BTC-USDT"}, "60011"),
        ):
            await send(socket, {"id": "x1", "op": "subscribe", "args": [arg]})
            error = await receive(socket)
            assert (error["event"], error["code"], error["id"]) == ("error", code, "x1")
        await socket.send("{")
        assert (await receive(socket))["code"] == "60012"
    async with connect(f"{client.fake.ws}/private") as socket:
        await send(socket, {"op": "subscribe", "args": [ORDERS]})
        assert (await receive(socket))["code"] == "60011"
        await client.log_in(socket)
        await client.log_in(socket, apiKey="x")
        assert (await receive(socket))["code"] == "60031"
    async with connect(f"{client.fake.ws}/private") as socket:
        await client.log_in(socket, sign="x")
        assert (await receive(socket))["code"] == "60009"
        await asyncio.wait_for(socket.wait_closed(), 5)
        assert socket.close_code == 4001
