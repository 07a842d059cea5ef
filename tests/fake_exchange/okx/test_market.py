"""The fake OKX's market data: a book kept from its frames is the exchange's, and trades are merged."""

import zlib
from collections.abc import AsyncIterator

import msgspec
import pytest

from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.okx import FakeOkx, default_markets, messages
from tests.fake_exchange.okx.books import SentBook
from tests.fake_exchange.okx.client import Body, OkxClient, receive, receive_row, send
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

BOOKS = {"channel": "books", "instId": "BTC-USDT"}
SIDES = (("bids", Side.BUY), ("asks", Side.SELL))


class Level(msgspec.Struct, array_like=True):
    price: str
    size: str
    zero: str
    orders: str


class Row(msgspec.Struct):
    asks: list[Level]
    bids: list[Level]
    seqId: int  # OKX's names
    prevSeqId: int
    checksum: int


class Push(msgspec.Struct):
    action: str
    data: list[Row]


@pytest.fixture
async def client() -> AsyncIterator[OkxClient]:
    exchange = FakeOkx(default_markets())
    exchange.sockets.attempts.limit = 100
    SeededFlow(exchange.core, "BTCUSDT", 600_000).fill_book()
    async with running(exchange) as fake, OkxClient(fake) as client:
        yield client


async def test_a_book_kept_from_the_channel_is_the_exchanges(client: OkxClient) -> None:
    fake = client.fake
    fake.market.sends_checksums = True
    market = fake.core.markets["BTCUSDT"]
    flow = SeededFlow(fake.core, "BTCUSDT", 600_000, seed=2)
    book: dict[str, dict[str, Level]] = {"bids": {}, "asks": {}}
    last_id = -1
    async with client.socket("public") as socket:
        await send(socket, {"op": "subscribe", "args": [BOOKS]})
        assert (await receive(socket))["event"] == "subscribe"
        for _ in range(6):
            push = msgspec.convert(await receive(socket), Push)
            row = push.data[0]
            assert (push.action == "snapshot") == (last_id == -1)
            assert row.prevSeqId == last_id
            last_id = row.seqId
            for name in ("bids", "asks"):
                for level in getattr(row, name):
                    if level.size == "0":
                        assert level.orders == "0"
                        del book[name][level.price]
                    else:
                        book[name][level.price] = level
            for name, side in SIDES:
                levels = fake.core.levels("BTCUSDT", side)
                expected = {messages.price_text(market, p): messages.size_text(market, n) for p, n in levels}
                assert {price: level.size for price, level in book[name].items()} == expected
            assert row.checksum == SentBook(fake.core, fake.core.markets["BTCUSDT"]).checksum()
            for _ in range(30):
                flow.step()
            fake.market.flush_all()


async def test_the_checksum_of_the_documents() -> None:
    fake = FakeOkx(default_markets())
    fake.core.deposit("first", "USDT", 10**6 * UNIT)
    fake.core.deposit("first", "BTC", 10**6 * UNIT)
    for side, price, size in (
        (Side.BUY, 33_661, 7),
        (Side.BUY, 33_660, 6),
        (Side.SELL, 33_665, 9),
    ):
        fake.core.place("first", "BTCUSDT", side, size * 10**7, price * 10, "")
    # OKX: bid and ask by turns, "price:size", and the side that is longer at the end.
    expected = zlib.crc32(b"33661:7:33665:9:33660:6")
    signed = expected - 2**32 if expected >= 2**31 else expected
    assert SentBook(fake.core, fake.core.markets["BTCUSDT"]).checksum() == signed


async def test_a_quiet_book_repeats_its_sequence(client: OkxClient) -> None:
    async with client.socket("public", BOOKS) as socket:
        client.fake.market.keep_alive_us = 0
        row = msgspec.convert(await receive(socket), Push).data[0]
        assert (row.asks, row.bids, row.prevSeqId, row.checksum) == ([], [], row.seqId, 0)


async def test_a_channel_without_snapshots(client: OkxClient) -> None:
    client.fake.market.sends_snapshots = False
    async with client.socket("public") as socket:
        await send(socket, {"op": "subscribe", "args": [BOOKS]})
        assert (await receive(socket))["event"] == "subscribe"
        rows = (await client.http.get("/api/v5/market/books?instId=BTC-USDT&sz=400")).json()["data"]
        client.fake.core.deposit("first", "USDT", 10**6 * UNIT)
        client.fake.core.place("first", "BTCUSDT", Side.BUY, 10**4, 600_000, "")
        push = msgspec.convert(await receive(socket), Push)
        assert push.action == "update"
        assert push.data[0].prevSeqId <= rows[0]["seqId"] < push.data[0].seqId


async def test_trades_are_merged_by_order_and_price(client: OkxClient) -> None:
    fake = client.fake
    fake.core.deposit("first", "USDT", 10**6 * UNIT)
    fake.core.deposit("first", "ETH", 10**6 * UNIT)
    for _ in range(2):
        fake.core.place("first", "ETHUSDT", Side.SELL, 10**6, 300_000, "")
    trades = {"channel": "trades", "instId": "ETH-USDT"}
    every = {"channel": "trades-all", "instId": "ETH-USDT"}
    async with client.socket("public", trades) as merged, client.socket("business", every) as single:
        fake.core.place("first", "ETHUSDT", Side.BUY, 2 * 10**6, 300_000, "")
        row = await receive_row(merged)
        assert (row["tradeId"], row["sz"], row["count"], row["side"]) == ("2", "2", "2", "buy")
        rows: list[Body] = [await receive_row(single) for _ in range(2)]
        assert [(row["tradeId"], row["sz"]) for row in rows] == [("1", "1"), ("2", "1")]


async def test_candles_say_whether_they_are_closed(client: OkxClient) -> None:
    fake = client.fake
    fake.skew_us += 60_000_000 - fake.now_us() % 60_000_000  # not at the end of a minute
    fake.core.deposit("first", "USDT", 10**6 * UNIT)
    async with client.socket("business") as socket:
        arg = {"channel": "candle1m", "instId": "BTC-USDT"}
        await send(socket, {"op": "subscribe", "args": [arg]})
        assert (await receive(socket))["event"] == "subscribe"
        fake.core.place("first", "BTCUSDT", Side.BUY, 10**4, 600_001, "")
        seen = [(await receive(socket))["data"]]
        fake.skew_us += 60_000_000
        seen.append((await receive(socket))["data"])
        rows = msgspec.convert(seen, list[list[list[str]]])
        assert [row[0][8] for row in rows] == ["0", "1"]
        assert rows[0][0][1:8] == ["60000.1"] * 4 + ["0.001", "60.0001", "60.0001"]
    url = "/api/v5/market/candles?instId=BTC-USDT&bar=1m"
    answered = (await client.http.get(url)).json()["data"]
    # The minute that is open has no trade.
    assert answered[1:] == rows[1]
    assert answered[0][1:] == [*["60000.1"] * 4, "0", "0", "0", "0"]


async def test_other_channels(client: OkxClient) -> None:
    fake = client.fake
    pair = {"instId": "BTC-USDT"}
    channels = [
        {"channel": "instruments", "instType": "SPOT"},
        {"channel": "bbo-tbt", **pair},
        {"channel": "books5", **pair},
        {"channel": "tickers", **pair},
    ]
    async with client.socket("public", *channels) as socket:
        fake.core.deposit("first", "USDT", 10**6 * UNIT)
        fake.core.place("first", "BTCUSDT", Side.BUY, 10**4, 600_000, "")
        pushes: dict[str, Body] = {}
        while len(pushes) < 3:
            push = await receive(socket)
            arg = msgspec.convert(push["arg"], dict[str, str])
            pushes[arg["channel"]] = msgspec.convert(push["data"], list[Body])[0]
        assert msgspec.convert(pushes["bbo-tbt"]["bids"], list[Level])[0].price == "60000"
        assert len(msgspec.convert(pushes["books5"]["bids"], list[Level])) == 5
        assert (pushes["tickers"]["bidPx"], pushes["tickers"]["last"]) == ("60000", "")
