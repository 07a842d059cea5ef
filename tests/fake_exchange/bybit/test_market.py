"""The fake Bybit's market data: books kept from its frames are the exchange's."""

from collections.abc import AsyncIterator

import msgspec
import pytest
from websockets.asyncio.client import ClientConnection

from tests.fake_exchange.bybit import FakeBybit, default_markets, messages
from tests.fake_exchange.bybit.client import BybitClient, receive, receive_rows, send
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

Book = dict[str, dict[str, str]]


class Data(msgspec.Struct):
    b: list[tuple[str, str]]
    a: list[tuple[str, str]]
    u: int
    seq: int

    def apply(self, book: Book) -> None:
        for name, levels in (("b", self.b), ("a", self.a)):
            for price, size in levels:
                if size == "0":
                    del book[name][price]  # a deletion names a level that was there
                else:
                    book[name][price] = size


class Push(msgspec.Struct):
    topic: str
    type: str
    data: Data


@pytest.fixture
async def client() -> AsyncIterator[BybitClient]:
    exchange = FakeBybit(default_markets())
    exchange.core.deposit("first", "USDT", 10**6 * UNIT)
    SeededFlow(exchange.core, "BTCUSDT", 6_000_000).fill_book()
    async with running(exchange) as fake, BybitClient(fake) as client:
        yield client


async def next_push(socket: ClientConnection) -> Push:
    return msgspec.convert(await receive(socket), Push)


def book_of(fake: FakeBybit, depth: int) -> Book:
    market = fake.core.markets["BTCUSDT"]
    return {
        name: {
            messages.price_text(market, price): messages.quantity_text(market, lots)
            for price, lots in fake.core.levels("BTCUSDT", side)[:depth]
        }
        for name, side in (("b", Side.BUY), ("a", Side.SELL))
    }


@pytest.mark.parametrize("depth", [50, 200, 1_000])
async def test_a_book_kept_from_a_topic_is_the_exchanges(client: BybitClient, depth: int) -> None:
    fake = client.fake
    flow = SeededFlow(fake.core, "BTCUSDT", 6_000_000, seed=2)
    async with client.socket("public/spot", f"orderbook.{depth}.BTCUSDT") as socket:
        push = await next_push(socket)
        assert push.type == "snapshot"
        book: Book = {"b": dict(push.data.b), "a": dict(push.data.a)}
        for _ in range(5):
            for _ in range(30):
                flow.step()
            fake.market.flush("BTCUSDT")
            last_id, push = push.data.u, await next_push(socket)
            assert (push.type, push.data.u) == ("delta", last_id + 1)
            push.data.apply(book)
            assert book == book_of(fake, depth)


async def test_the_whole_book_joins_deltas_with_a_snapshot_of_rest(client: BybitClient) -> None:
    fake = client.fake
    flow = SeededFlow(fake.core, "BTCUSDT", 6_000_000, seed=3)
    async with client.socket("public/spot", "orderbook.full.BTCUSDT") as socket:
        for _ in range(30):
            flow.step()
        fake.market.flush("BTCUSDT")
        for _ in range(30):
            flow.step()
        url = "/v5/market/full_orderbook?category=spot&symbol=BTCUSDT"
        snapshot = msgspec.convert((await client.http.get(url)).json()["result"], Data)
        for _ in range(30):
            flow.step()
        fake.market.flush("BTCUSDT")
        book: Book = {"b": dict(snapshot.b), "a": dict(snapshot.a)}
        while True:
            data = (await next_push(socket)).data
            if data.seq <= snapshot.seq:
                assert (data.seq, data.u) <= (snapshot.seq, snapshot.u)
                continue
            data.apply(book)
            break
    assert book == book_of(fake, 10_000)


async def test_the_best_prices_are_snapshots_and_come_again(client: BybitClient) -> None:
    fake = client.fake
    fake.market.repeat_us = 50_000
    async with client.socket("public/spot", "orderbook.1.BTCUSDT") as socket:
        first, second = await next_push(socket), await next_push(socket)
        assert (second.type, second.data) == ("snapshot", first.data)
        fake.core.place("first", "BTCUSDT", Side.BUY, 1_000, 6_000_000, "")
        while second.data.u == first.data.u:
            second = await next_push(socket)
        assert (second.type, second.data.b[0][0]) == ("snapshot", "60000")


async def test_candles_say_whether_they_are_closed(client: BybitClient) -> None:
    fake = client.fake
    fake.skew_us += 60_000_000 - fake.now_us() % 60_000_000  # not at the end of a minute
    async with client.socket("public/spot", "kline.1.BTCUSDT") as socket:
        fake.core.place("first", "BTCUSDT", Side.BUY, 1_000, 6_000_001, "")
        fake.market.publish_candles()
        row = (await receive_rows(socket))[0]
        assert (row["confirm"], row["open"], row["volume"], row["turnover"]) == (
            False, "60000.01", "0.001", "60.00001",
        )  # fmt: skip
        fake.skew_us += 60_000_000
        fake.market.publish_candles()
        closed = (await receive_rows(socket))[0]
        assert (closed["confirm"], closed["start"]) == (True, row["start"])
    url = "/v5/market/kline?category=spot&symbol=BTCUSDT&interval=1"
    rows = (await client.http.get(url)).json()["result"]["list"]
    # The minute that is open has no trade.
    assert [other[1:] for other in rows] == [
        [*["60000.01"] * 4, "0", "0"], [*["60000.01"] * 4, "0.001", "60.00001"],
    ]  # fmt: skip
    assert [int(other[0]) for other in rows] == [int(str(closed["end"])) + 1, row["start"]]


async def test_trades_and_tickers(client: BybitClient) -> None:
    fake = client.fake
    async with client.socket("public/spot", "publicTrade.BTCUSDT", "tickers.BTCUSDT") as socket:
        assert (await receive(socket))["topic"] == "tickers.BTCUSDT"
        fake.core.place("first", "BTCUSDT", Side.BUY, 1_000_000, 6_000_003, "")
        rows = await receive_rows(socket)
        # One frame has all trades of an order.
        assert [row["S"] for row in rows] == ["Buy"] * len(rows)
        assert len(rows) > 1
        ticker = (await receive(socket))["data"]
        assert isinstance(ticker, dict)
        assert "bid1Price" not in ticker
        assert ticker["lastPrice"] == rows[-1]["p"]
        await send(socket, {"op": "unsubscribe", "args": ["tickers.BTCUSDT"]})
        assert (await receive(socket))["op"] == "unsubscribe"
