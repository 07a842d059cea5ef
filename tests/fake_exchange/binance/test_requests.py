"""The fake Binance over real sockets: orders, checks, and a book kept from its stream."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from websockets.asyncio.client import connect

from tests.fake_exchange.binance import FakeBinance, default_markets
from tests.fake_exchange.binance.client import BinanceClient, code, receive
from tests.fake_exchange.binance.signatures import hmac_hex
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


def test_signature_of_the_documents() -> None:
    # Binance: the example of the REST documents.
    secret = "NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j"
    payload = (
        "symbol=LTCBTC&side=BUY&type=LIMIT&timeInForce=GTC&quantity=1&price=0.1&recvWindow=5000"
        "&timestamp=1499827319559"
    )
    expected = "c8db56825ae71d6d79447849e617115f4a920fa2acdcab2b053c4b2838bd6b71"
    assert hmac_hex(secret, payload) == expected


async def test_an_order_is_placed_amended_cancelled_and_queried(client: BinanceClient) -> None:
    placed = await client.call("POST", "order", ORDER | {"price": "50000.00", "newClientOrderId": "one"})
    assert placed.json()["status"] == "NEW"
    ids = {"symbol": "BTCUSDT", "origClientOrderId": "one"}
    amended = await client.call(
        "PUT", "order/amend/keepPriority", ids | {"newQty": "0.0005", "newClientOrderId": "one"}
    )
    assert amended.json()["amendedOrder"]["qty"] == "0.00050000"
    opened = await client.call("GET", "openOrders", {"symbol": "BTCUSDT"})
    assert [order["clientOrderId"] for order in opened.json()] == ["one"]
    assert client.fake.core.balance("first", "USDT").locked_e8 == 25 * UNIT
    assert (await client.call("DELETE", "order", ids)).json()["status"] == "CANCELED"
    assert code(await client.call("DELETE", "order", ids)) == (400, -2011)
    assert (await client.call("GET", "order", ids)).json()["status"] == "CANCELED"
    assert client.fake.core.balance("first", "USDT").locked_e8 == 0


async def test_fills_are_reported_once_and_balances_are_exact(client: BinanceClient) -> None:
    async with connect(f"{client.fake.ws}/ws-api/v3") as socket:
        await client.user_stream(socket)
        placed = await client.call("POST", "order", ORDER | {"price": "60000.01"})
        assert placed.json()["status"] == "FILLED"
        reports = [(await receive(socket))["event"] for _ in range(3)]
        kinds = [(event["e"], event.get("x")) for event in reports if isinstance(event, dict)]
        assert kinds[:2] == [("executionReport", "NEW"), ("executionReport", "TRADE")]
        assert kinds[2][0] == "outboundAccountPosition"
    trades = (await client.call("GET", "myTrades", {"symbol": "BTCUSDT"})).json()
    assert [trade["qty"] for trade in trades] == ["0.00100000"]
    account = (await client.call("GET", "account", {})).json()
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
        ({"quoteOrderQty": "100"}, (400, -1106)),
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
    client: BinanceClient, changes: dict[str, str], expected: tuple[int, int]
) -> None:
    response = await client.call("POST", "order", {**ORDER, "price": "50000.00", **changes})
    assert code(response) == expected
    assert not client.fake.core.open_orders("first")


async def test_a_market_order_may_name_what_it_spends(client: BinanceClient) -> None:
    market = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET"}
    placed = (await client.call("POST", "order", market | {"quoteOrderQty": "60"})).json()
    assert (placed["origQuoteOrderQty"], placed["executedQty"]) == ("60.00000000", "0.00099000")
    assert code(await client.call("POST", "order", market | {"quoteOrderQty": "4.99"})) == (400, -1013)
    assert code(await client.call("POST", "order", market)) == (400, -1102)


async def test_candles_say_whether_they_are_closed(client: BinanceClient) -> None:
    fake = client.fake
    fake.skew_us += 60_000_000 - fake.now_us() % 60_000_000  # not at the end of a minute
    async with connect(f"{fake.ws}/ws/btcusdt@kline_1m") as socket:
        fake.core.place("first", "BTCUSDT", Side.BUY, 100, 6_000_001, "")
        fake.streams.publish_klines()
        fake.skew_us += 60_000_000
        fake.streams.publish_klines()
        bars = [msgspec.convert((await receive(socket))["k"], dict[str, str | int | bool]) for _ in range(2)]
    assert [bar["x"] for bar in bars] == [False, True]
    assert (bars[0]["o"], bars[0]["v"], bars[0]["V"], bars[0]["f"]) == (
        "60000.01000000", "0.00100000", "0.00100000", 1,
    )  # fmt: skip
    rows = (await client.http.get("/api/v3/klines?symbol=BTCUSDT&interval=1m")).json()
    # The minute that is open has no trade.
    assert [(row[1], row[8]) for row in rows] == [("60000.01000000", 1), ("60000.01000000", 0)]
    assert [row[0] for row in rows] == [bars[0]["t"], int(bars[0]["T"]) + 1]


async def test_a_bad_key_or_signature_is_refused(client: BinanceClient) -> None:
    url = f"/api/v3/account?{client.signed({})}"
    key = {"X-MBX-APIKEY": client.fake.first.api_key}
    assert code(await client.http.get(url)) == (401, -2014)
    assert code(await client.http.get(url, headers={"X-MBX-APIKEY": "wrong"})) == (401, -2015)
    assert code(await client.http.get(url[:-1] + "g", headers=key)) == (400, -1022)
    assert code(await client.http.get(url.replace("account?", "account?a=b&"), headers=key)) == (400, -1022)


async def test_a_book_kept_from_the_stream_is_the_exchanges(client: BinanceClient) -> None:
    flow = SeededFlow(client.fake.core, "BTCUSDT", 6_000_000, seed=2)
    async with connect(f"{client.fake.ws}/stream?streams=btcusdt@depth@100ms") as socket:
        for _ in range(50):
            flow.step()
        snapshot = (await client.http.get("/api/v3/depth?symbol=BTCUSDT&limit=5000")).json()
        book = {side: dict(map(tuple, snapshot[side])) for side in ("bids", "asks")}
        last_id = snapshot["lastUpdateId"]
        for _ in range(200):
            flow.step()
        while last_id < client.fake.core.update_ids["BTCUSDT"]:
            diff = (await receive(socket))["data"]
            assert isinstance(diff, dict)
            if diff["u"] <= last_id:
                continue
            assert diff["U"] <= last_id + 1 <= diff["u"]
            last_id = diff["u"]
            for key, side in (("b", "bids"), ("a", "asks")):
                for price, quantity in diff[key]:
                    book[side][price] = quantity
    market = client.fake.core.markets["BTCUSDT"]
    for book_side, name in ((Side.BUY, "bids"), (Side.SELL, "asks")):
        levels = client.fake.core.levels("BTCUSDT", book_side)
        expected = {market.price_text(ticks): market.quantity_text(lots) for ticks, lots in levels}
        assert {p: q for p, q in book[name].items() if q != "0.00000000"} == expected


async def test_cancel_and_replace(client: BinanceClient) -> None:
    order = ORDER | {"price": "50000.00", "newClientOrderId": "old"}
    await client.call("POST", "order", order)
    replace = order | {"newClientOrderId": "new", "cancelOrigClientOrderId": "old"}
    stop = {"cancelReplaceMode": "STOP_ON_FAILURE"}
    done = await client.call("POST", "order/cancelReplace", replace | stop)
    assert done.json()["newOrderResult"] == "SUCCESS"
    failed = await client.call("POST", "order/cancelReplace", replace | stop)
    assert code(failed) == (400, -2022)
    assert failed.json()["data"]["newOrderResult"] == "NOT_ATTEMPTED"
    allow = {"cancelReplaceMode": "ALLOW_FAILURE", "newClientOrderId": "third"}
    assert code(await client.call("POST", "order/cancelReplace", replace | allow)) == (409, -2021)
