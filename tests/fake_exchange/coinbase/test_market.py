"""The market channels of the fake Coinbase."""

import asyncio
from collections.abc import AsyncIterator

import pytest
from websockets.exceptions import InvalidStatus

from tests.fake_exchange.coinbase import FakeCoinbase, default_markets
from tests.fake_exchange.coinbase.client import event_of, market_socket, rows, token, user_socket
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import plain_e8
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running

SIDES = {"bid": Side.BUY, "offer": Side.SELL}


@pytest.fixture
async def fake() -> AsyncIterator[FakeCoinbase]:
    exchange = FakeCoinbase(default_markets())
    SeededFlow(exchange.core, "BTCUSD", 6_000_000).fill_book()
    async with running(exchange):
        yield exchange


def take(fake: FakeCoinbase, lots: int = 1) -> None:
    fake.core.place("flow", "BTCUSD", Side.BUY, lots, None, "")


async def test_a_book_kept_from_the_channel_is_the_exchanges(fake: FakeCoinbase) -> None:
    flow = SeededFlow(fake.core, "BTCUSD", 6_000_000, seed=2)
    book: dict[str, dict[str, str]] = {"bid": {}, "offer": {}}
    async with market_socket(fake) as client:
        await client.send("subscribe", "level2", "BTC-USD")
        first = await client.receive()
        assert (first["channel"], first["sequence_num"], event_of(first)["type"]) == (
            "l2_data",
            0,
            "snapshot",
        )
        frames = [first]
        for _ in range(3):
            for _ in range(50):
                flow.step()
            fake.market_data.flush_levels()
        await client.send("unsubscribe", "level2", "BTC-USD")
        while frames[-1]["channel"] != "subscriptions" or event_of(frames[-1])["subscriptions"]:
            frames.append(await client.receive())
    # One sequence for all channels and acknowledgements.
    assert [frame["sequence_num"] for frame in frames] == list(range(len(frames)))
    for frame in frames:
        for update in rows(event_of(frame), "updates") if frame["channel"] == "l2_data" else ():
            price, quantity = str(update["price_level"]), str(update["new_quantity"])
            if quantity == "0":
                book[str(update["side"])].pop(price, None)
            else:
                book[str(update["side"])][price] = quantity
    market = fake.core.markets["BTCUSD"]
    for name, side in SIDES.items():
        levels = fake.core.levels("BTCUSD", side)
        assert book[name] == {
            plain_e8(ticks * market.tick_e8): plain_e8(lots * market.step_e8) for ticks, lots in levels
        }


async def test_a_subscription_takes_no_change_of_another_book(fake: FakeCoinbase) -> None:
    flow = SeededFlow(fake.core, "ETHUSD", 300_000)
    async with market_socket(fake) as client:
        await client.send("subscribe", "level2", "ETH-USD")
        while (await client.receive())["channel"] != "subscriptions":
            pass
        flow.fill_book()
        connection = next(iter(fake.sockets.connections))
        fake.market_data.start(connection, "level2", ["BTC-USD"])
        fake.market_data.flush_levels()
        frames = [event_of(await client.receive()) for _ in range(3)]
    assert [(frame["product_id"], len(rows(frame, "updates"))) for frame in frames] == [
        ("BTC-USD", 40), ("BTC-USD", 0), ("ETH-USD", 40),
    ]  # fmt: skip


async def test_a_snapshot_comes_before_its_acknowledgement_and_an_alias_by_its_own_name(
    fake: FakeCoinbase,
) -> None:
    async with market_socket(fake) as client:
        await client.send("subscribe", "ticker", "BTC-USDC")
        snapshot, acknowledged = await client.receive(), await client.receive()
        (ticker,) = rows(event_of(snapshot), "tickers")
        assert (ticker["product_id"], ticker["best_bid"], ticker["best_ask"]) == (
            "BTC-USD", "59999.99", "60000.01",
        )  # fmt: skip
        assert event_of(acknowledged) == {"subscriptions": {"ticker": ["BTC-USDC"]}}
        fake.sockets.acks_first = True
        await client.send("subscribe", "market_trades", "ETH-USD")
        acknowledged, snapshot = await client.receive(), await client.receive()
        assert event_of(acknowledged)["subscriptions"] == {
            "ticker": ["BTC-USDC"], "market_trades": ["ETH-USD"],
        }  # fmt: skip
        assert event_of(snapshot) == {"type": "snapshot", "trades": []}


async def test_trades_come_in_batches_with_the_makers_side(fake: FakeCoinbase) -> None:
    async with market_socket(fake) as client:
        await client.follow("market_trades", "BTC-USD")
        take(fake)
        take(fake)
        fake.market_data.flush_trades()
        newest, oldest = rows(await client.data("market_trades"), "trades")
        assert (newest["trade_id"], oldest["trade_id"], newest["side"]) == ("2", "1", "SELL")
        fake.market_data.tells_takers = True
        take(fake)
        fake.market_data.flush_trades()
        assert rows(await client.data("market_trades"), "trades")[0]["side"] == "BUY"
    async with market_socket(fake) as client:
        snapshot = await client.follow("market_trades", "BTC-USD")
        assert [row["trade_id"] for row in rows(snapshot, "trades")] == ["3", "2", "1"]


async def test_tickers_candles_statuses_and_heartbeats(fake: FakeCoinbase) -> None:
    async with market_socket(fake) as client:
        await client.follow("ticker", "BTC-USD")
        take(fake, 100)
        ticker = rows(await client.data("ticker"), "tickers")[0]
        assert (ticker["price"], ticker["volume_24_h"]) == ("60000.01", "0.0001")
        batched = rows(await client.follow("ticker_batch", "BTC-USD"), "tickers")[0]
        assert "best_bid" not in batched
        (candle,) = rows(await client.follow("candles", "BTC-USD"), "candles")
        assert (candle["close"], int(str(candle["start"])) % 300) == ("60000.01", 0)
        fake.market_data.flush_candles()
        assert (await client.data("candles"))["type"] == "update"
        (product,) = rows(await client.follow("status", "BTC-USD"), "products")
        assert (product["id"], product["status"]) == ("BTC-USD", "online")
        await client.send("subscribe", "heartbeats")
        await client.data("subscriptions")
        fake.sockets.send_heartbeats()
        event = await client.data("heartbeats")
        assert type(event["heartbeat_counter"]) is int
        assert " +0000 UTC m=+" in str(event["current_time"])


async def test_requests_that_are_refused_have_no_channel(fake: FakeCoinbase) -> None:
    fake.sockets.messages_per_s = 100
    async with market_socket(fake) as client:
        for text, message in (
            ("{", "malformed json"),
            ('{"type":"hello"}', "invalid message type"),
            ('{"type":"subscribe","channel":"l2_data"}', "channel l2_data is not supported"),
            ('{"type":"subscribe","channel":"ticker","product_ids":["BTC"]}', "BTC is not a valid product"),
            ('{"type":"subscribe","channel":"user"}', "authentication failure"),
            ('{"type":"subscribe","channel":"ticker","jwt":"x"}', "authentication failure"),
        ):
            await client.socket.send(text)
            assert await client.receive() == {"type": "error", "message": message}
        for_rest = token(fake.first, fake.now_us() // 1_000_000, "GET api.coinbase.com/users/self")
        await client.send("subscribe", "user", bearer=for_rest)
        assert (await client.receive())["message"] == "authentication failure"
    async with user_socket(fake) as client:
        await client.send("subscribe", "ticker", "BTC-USD")
        assert (await client.receive())["message"] == "channel ticker is not supported"


async def test_messages_and_connections_are_limited(fake: FakeCoinbase) -> None:
    async with market_socket(fake) as client:
        for _ in range(9):
            await client.send("subscribe", "heartbeats")
        while "message" not in (frame := await client.receive()):
            pass
        assert frame["message"] == "rate limit exceeded"
        await asyncio.wait_for(client.socket.wait_closed(), 5)
        assert client.socket.close_code == 1008
    fake.sockets.attempts.limit = 1
    with pytest.raises(InvalidStatus):
        async with market_socket(fake):
            pass
    assert fake.counts.connections == {"market": 1}


async def test_silent_connections_are_ended(fake: FakeCoinbase) -> None:
    async with market_socket(fake) as late, market_socket(fake) as quiet, market_socket(fake) as alive:
        await quiet.follow("ticker", "ETH-USD")
        await alive.send("subscribe", "heartbeats")
        await alive.data("subscriptions")
        fake.skew_us += 6_000_000
        await fake.sockets.end_idle()
        await asyncio.wait_for(late.socket.wait_closed(), 5)
        fake.skew_us += 80_000_000
        fake.sockets.send_heartbeats()
        await fake.sockets.end_idle()
        await asyncio.wait_for(quiet.socket.wait_closed(), 5)
        assert (await alive.data("heartbeats"))["heartbeat_counter"]
