"""The public channels of the fake Kraken."""

from collections.abc import AsyncIterator

import pytest

from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken import FakeKraken, default_markets
from tests.fake_exchange.kraken.client import Body, SocketClient, public_socket, rest, rows
from tests.fake_exchange.kraken.number_texts import checksum, increment, price_text, quantity_text
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

SIDES = {"bids": Side.BUY, "asks": Side.SELL}
Book = dict[str, dict[str, str]]


@pytest.fixture
async def fake() -> AsyncIterator[FakeKraken]:
    exchange = FakeKraken(default_markets())
    SeededFlow(exchange.core, "BTCUSD", 600_000).fill_book()
    async with running(exchange):
        yield exchange


def apply(book: Book, frame: Body, depth: int) -> None:
    """What a client does: entries in order, zeros delete, and then both sides are cut to the depth."""
    (row,) = rows(frame)
    for key, levels in book.items():
        if frame["type"] == "snapshot":
            levels.clear()
        entries = row[key]
        assert isinstance(entries, list)
        for entry in entries:
            price, quantity = str(entry["price"]), str(entry["qty"])
            if float(quantity):
                levels[price] = quantity
            else:
                levels.pop(price, None)
        ordered = sorted(levels.items(), key=lambda level: float(level[0]), reverse=key == "bids")
        levels.clear()
        levels |= dict(ordered[:depth])
    if "checksum" in row:
        assert checksum(list(book["asks"].items()), list(book["bids"].items())) == row["checksum"]


def test_the_checksum_of_a_recorded_snapshot() -> None:
    # Kraken: BTC/USD of 2026-07-19. The digits that change are few, so one frame shows the rule.
    bids = "64525.0 0.53807066 64524.2 0.03095975 64524.1 0.24102802 64524.0 0.77490540 64523.3 0.00154900 "
    bids += "64522.9 0.00005100 64521.9 0.77493047 64521.5 0.00123904 64521.4 0.37127532 64521.3 0.47213100"
    asks = "64525.1 0.01077490 64526.1 0.00005100 64529.3 0.00005100 64530.8 0.03095975 64530.9 0.15498085 "
    asks += "64531.0 0.77482234 64532.2 0.23247128 64532.5 0.00005100 64532.6 0.03099208 64532.8 1.23479983"
    pairs = [list(zip(text.split()[::2], text.split()[1::2], strict=True)) for text in (asks, bids)]
    assert checksum(pairs[0], pairs[1]) == 2_175_437_505


def test_small_steps_have_exponents() -> None:
    texts = [bytes(increment(step_e8)) for step_e8 in (1, 10, 5_000, 10_000, UNIT // 10, UNIT)]
    assert texts == [b"1e-08", b"1e-07", b"5e-05", b"0.0001", b"0.1", b"1"]


@pytest.mark.parametrize("depth", [10, 25])
async def test_a_book_kept_from_the_channel_is_the_exchanges(fake: FakeKraken, depth: int) -> None:
    flow = SeededFlow(fake.core, "BTCUSD", 600_000, seed=2)
    book: Book = {"bids": {}, "asks": {}}
    async with public_socket(fake) as client:
        acknowledged = await client.request("subscribe", channel="book", symbol=["BTC/USD"], depth=depth)
        assert acknowledged["result"] == {
            "channel": "book", "depth": depth, "snapshot": True, "symbol": "BTC/USD",
        }  # fmt: skip
        apply(book, await client.data("book"), depth)
        for _ in range(150):
            flow.step()
        await client.request("ping")
        for frame in client.frames:
            apply(book, frame, depth)
    market = fake.core.markets["BTCUSD"]
    for key, side in SIDES.items():
        levels = fake.core.levels("BTCUSD", side)[:depth]
        assert book[key] == {price_text(market, t): quantity_text(market, lots) for t, lots in levels}


async def test_a_thin_snapshot_comes_before_the_whole_one(fake: FakeKraken) -> None:
    fake.books.thin_next_snapshot()
    async with public_socket(fake) as client:
        await client.request("subscribe", channel="book", symbol=["BTC/USD"])
        thin, full = [rows(await client.data("book"))[0] for _ in range(2)]
    assert "checksum" not in thin
    assert (len(thin["bids"]), len(full["bids"])) == (4, 10)  # type: ignore[arg-type]  # lists
    assert "checksum" in full


async def test_subscriptions_are_answered_one_by_one(fake: FakeKraken) -> None:
    async with public_socket(fake) as client:
        first = await client.request("subscribe", channel="trade", symbol=["BTC/USD", "XBT/USD"])
        second = await client.receive()
        assert (first["success"], second["success"], second["error"]) == (
            True, False, "Currency pair not supported XBT/USD",
        )  # fmt: skip
        again = await client.request("subscribe", channel="trade", symbol=["BTC/USD"])
        assert again["error"] == "Already subscribed"
        for changes, error in (
            ({"channel": "spread"}, "Subscription name invalid"),
            ({"channel": "book", "depth": 11}, "Subscription depth not supported"),
            ({"channel": "ohlc", "interval": 2}, "Subscription ohlc interval not supported"),
            ({"channel": "trade", "symbol": "BTC/USD"}, "Symbol(s) must be an array"),
            (
                {"channel": "trade", "depth": 1},
                "Unsupported field: 'depth' for the given msg type: subscribe",
            ),
        ):
            assert (await client.request("subscribe", **{"symbol": ["BTC/USD"], **changes}))["error"] == error
        await client.request("subscribe", channel="book", symbol=["BTC/USD"], depth=25)
        wrong = await client.request("unsubscribe", channel="book", symbol=["BTC/USD"])
        assert wrong["error"] == "Subscription Not Found"
        right = await client.request("unsubscribe", channel="book", symbol=["BTC/USD"], depth=25)
        assert right["success"]
        private = await client.request("subscribe", channel="executions")
        assert "ws-auth" in str(private["error"])
    assert fake.counts.subscriptions == {"trade": 1, "book": 1}


async def test_an_acknowledgement_can_follow_the_snapshot(fake: FakeKraken) -> None:
    fake.sockets.acks_late = True
    async with public_socket(fake) as client:
        await client.request("subscribe", channel="book", symbol=["BTC/USD"])
        assert client.frames[0]["channel"] == "book"


async def test_trades_tickers_candles_and_instruments(fake: FakeKraken) -> None:
    async with public_socket(fake) as client:
        instrument = (await follow(client, "instrument"))["data"]
        assert isinstance(instrument, dict)
        pair = instrument["pairs"][0]
        assert (pair["symbol"], pair["status"], str(pair["price_increment"])) == ("BTC/USD", "online", "0.1")
        ticker = rows(await follow(client, "ticker", symbol=["BTC/USD"], event_trigger="bbo"))[0]
        assert (str(ticker["bid"]), str(ticker["ask"])) == ("59999.9", "60000.1")
        await client.request("subscribe", channel="trade", symbol=["BTC/USD"])
        await client.request("subscribe", channel="ohlc", symbol=["BTC/USD"], interval=1)
        lots = fake.core.levels("BTCUSD", Side.SELL)[0][1]
        fake.core.place("flow", "BTCUSD", Side.BUY, lots, None, "taker")
        trade = rows(await client.data("trade"))[0]
        assert (trade["side"], trade["ord_type"], trade["trade_id"], str(trade["price"])) == (
            "buy", "market", 1, "60000.1",
        )  # fmt: skip
        candle = rows(await client.data("ohlc"))[0]
        assert (candle["trades"], str(candle["close"])) == (1, "60000.1")
        assert str(candle["interval_begin"]).endswith(":00.000000000Z")
        ticker = rows(await client.data("ticker"))[0]
        assert (str(ticker["last"]), str(ticker["ask"])) == ("60000.1", "60000.2")
        await client.request("unsubscribe", channel="trade", symbol=["BTC/USD"])
        snapshot = await follow(client, "trade", symbol=["BTC/USD"])
        assert (snapshot["type"], rows(snapshot)) == ("snapshot", [trade])


async def test_heartbeats_come_when_nothing_else_does(fake: FakeKraken) -> None:
    async with public_socket(fake) as client:
        await follow(client, "ticker", symbol=["BTC/USD"])
        for _ in range(2):
            fake.sockets.send_heartbeats()  # as each second
        assert await client.socket.recv() == '{"channel":"heartbeat"}'


async def test_names_and_depth_of_rest(fake: FakeKraken) -> None:
    async with rest(fake) as client:
        pairs = (await client.public("AssetPairs"))["result"]
        assert isinstance(pairs, dict)
        assert [(name, pair["wsname"], pair["base"]) for name, pair in pairs.items()] == [
            ("XXBTZUSD", "XBT/USD", "XXBT"), ("XETHZUSD", "ETH/USD", "XETH"), ("XDGUSD", "XDG/USD", "XXDG"),
        ]  # fmt: skip
        for pair in ("XBTUSD", "XXBTZUSD", "XBT/USD"):
            depth = (await client.public("Depth", pair=pair, count="2"))["result"]
            assert isinstance(depth, dict)
            assert [row[0] for row in depth["XXBTZUSD"]["asks"]] == ["60000.10000", "60000.20000"]
        assert (await client.public("Depth", pair="BTCUSD"))["error"] == ["EQuery:Unknown asset pair"]
        assert (await client.public("SystemStatus"))["result"]["status"] == "online"  # type: ignore[index]
        assert "unixtime" in (await client.public("Time"))["result"]  # type: ignore[operator]


async def follow(client: SocketClient, channel: str, **params: object) -> Body:
    """The snapshot of a subscription."""
    assert (await client.request("subscribe", channel=channel, **params))["success"]
    return await client.data(channel)
