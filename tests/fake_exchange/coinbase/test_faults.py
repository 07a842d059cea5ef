"""The faults of the fake Coinbase."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import msgspec
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fake_exchange.coinbase import FakeCoinbase, default_markets
from tests.fake_exchange.coinbase.client import (
    Body,
    RestClient,
    event_of,
    market_socket,
    rest,
    rows,
    user_socket,
)
from tests.fake_exchange.coinbase.test_requests import failure, order, place, status
from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running


@pytest.fixture
async def fake() -> AsyncIterator[FakeCoinbase]:
    exchange = FakeCoinbase(default_markets())
    exchange.core.deposit("first", "USD", 100_000 * UNIT)
    SeededFlow(exchange.core, "BTCUSD", 6_000_000).fill_book()
    async with running(exchange):
        yield exchange


def trade(fake: FakeCoinbase) -> None:
    fake.core.place("first", "BTCUSD", Side.BUY, 10, None, "")
    fake.market_data.flush_trades()


async def test_frames_are_lost_doubled_swapped_and_cut(fake: FakeCoinbase) -> None:
    async with market_socket(fake) as client:
        await client.follow("market_trades", "BTC-USD")
        fake.faults.drop_frame("market_trades")
        fake.faults.duplicate_frame("market_trades")
        fake.faults.reorder_frames("market_trades")
        fake.faults.corrupt_frame('"trade_id":"6"')
        for _ in range(6):
            trade(fake)
        frames = [await asyncio.wait_for(client.socket.recv(), 5) for _ in range(6)]
        decoded = [msgspec.json.decode(frame, type=Body) for frame in frames[:-1]]
        assert [rows(event_of(frame), "trades")[0]["trade_id"] for frame in decoded] == [
            "2",
            "2",
            "4",
            "3",
            "5",
        ]
        assert [frame["sequence_num"] for frame in decoded] == [3, 3, 5, 4, 6]
        with pytest.raises(msgspec.DecodeError):
            msgspec.json.decode(frames[-1])


async def test_frames_are_late_or_do_not_come(fake: FakeCoinbase) -> None:
    async with market_socket(fake) as client:
        await client.follow("market_trades", "BTC-USD")
        fake.faults.half_open()
        trade(fake)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.socket.recv(), 0.05)
        await (await client.socket.ping())  # the socket itself is alive
        fake.faults.half_open(False)
        assert rows(await client.data("market_trades"), "trades")[0]["trade_id"] == "1"
        fake.faults.delay_frames(0.1)
        until = time.monotonic() + 0.09  # a timer may be some milliseconds early
        trade(fake)
        assert rows(await client.data("market_trades"), "trades")[0]["trade_id"] == "2"
        assert time.monotonic() > until


async def test_requests_are_lost_before_or_after(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        fake.faults.lose_request("orders")
        with pytest.raises(httpx2.TransportError):
            await place(client, order("one"))
        assert not fake.core.open_orders("first")
        fake.faults.lose_answer("orders")
        with pytest.raises(httpx2.TransportError):
            await place(client, order("one"))
        assert len(fake.core.open_orders("first")) == 1
        # The same id is the safe way to ask again.
        await place(client, order("one"))
        assert len(fake.core.open_orders("first")) == 1
        fake.faults.time_out_after_execution("orders")
        response = await client.send("POST", "orders", content=order("two"))
        assert (response.status_code, response.text[:15]) == (504, "<!DOCTYPE html>")
        assert len(fake.core.open_orders("first")) == 2
        fake.faults.cut_answer("product_book")
        with pytest.raises(httpx2.TransportError):
            await client.public("market/product_book", product_id="BTC-USD")


async def test_subscriptions_are_lost_before_or_after(fake: FakeCoinbase) -> None:
    for lose, count in ((fake.faults.lose_request, 0), (fake.faults.lose_answer, 1)):
        lose("/ws/subscribe")
        async with market_socket(fake) as client:
            with pytest.raises(ConnectionClosed):
                await client.follow("market_trades", "BTC-USD")
        assert fake.counts.subscriptions["market_trades"] == count


async def test_a_socket_ends_inside_a_snapshot(fake: FakeCoinbase) -> None:
    fake.faults.cut_frame('"snapshot"')
    async with market_socket(fake) as client:
        with pytest.raises(ConnectionClosed):
            await client.follow("level2", "BTC-USD")


async def test_rates_and_bans(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        fake.faults.too_many_requests()
        assert (await client.send("GET", "accounts")).status_code == 429
        assert (await client.send("GET", "accounts")).status_code == 200
        for ban_s in (60, 120):
            fake.faults.ban()
            assert (await client.send("GET", "accounts")).status_code == 429
            fake.skew_us += (ban_s - 1) * 1_000_000
            assert (await client.send("GET", "accounts")).status_code == 429
            fake.skew_us += 2_000_000
            assert (await client.send("GET", "accounts")).status_code == 200


async def test_rest_lags_the_stream(fake: FakeCoinbase) -> None:
    async with rest(fake) as client:
        early = await place(client, order("early"))
        fake.queries.freeze()
        late = await place(client, order("late", market_market_ioc={"base_size": "0.001"}))
        await client.post("orders/batch_cancel", order_ids=[early])
        assert (await status(client, early))["status"] == "OPEN"
        assert (await client.send("GET", f"orders/historical/{late}")).status_code == 404
        assert (await client.get("orders/historical/fills"))["fills"] == []
        assert len(rows(await client.get("orders/historical/batch"), "orders")) == 1
        fake.queries.thaw()
        assert (await status(client, early))["status"] == "CANCELLED"
        assert len(rows(await client.get("orders/historical/fills"), "fills")) == 1
        fake.queries.freeze_fills()
        last = await place(client, order("last", market_market_ioc={"base_size": "0.001"}))
        assert (await status(client, last))["status"] == "FILLED"
        assert len(rows(await client.get("orders/historical/fills"), "fills")) == 1


async def test_maintenance_comes_without_notice(fake: FakeCoinbase) -> None:
    async with market_socket(fake) as client, rest(fake) as rest_client:
        fake.start_maintenance()
        await fake.disconnect_all()
        await asyncio.wait_for(client.socket.wait_closed(), 5)
        response = await rest_client.send("GET", "accounts")
        assert (response.status_code, response.headers["content-type"][:9]) == (503, "text/html")
        with pytest.raises(InvalidStatus):
            async with market_socket(fake):
                pass
        fake.end_maintenance()
        assert (await rest_client.send("GET", "accounts")).status_code == 200


async def test_a_product_is_delisted_and_another_has_new_steps(fake: FakeCoinbase) -> None:
    async with market_socket(fake) as client, rest(fake) as rest_client:
        await client.follow("status", "BTC-USD")
        fake.change_steps("BTCUSD", UNIT, UNIT // 1_000)
        assert rows(await client.data("status"), "products")[0]["quote_increment"] == "1"
        fake.delist("BTCUSD")
        assert rows(await client.data("status"), "products")[0]["status"] == "delisted"
        assert await failure(rest_client, order("one")) == "ORDER_ENTRY_DISABLED"
        product = await rest_client.public("market/products/BTC-USD")
        assert (product["trading_disabled"], product["price_increment"]) == (True, "1")
        fake.unlist("BTCUSD")
        assert await names(rest_client) == ["ETH-USD"]
        fake.relist("BTCUSD")
        assert rows(await client.data("status"), "products")[0]["status"] == "online"
        assert await names(rest_client) == ["BTC-USD", "ETH-USD", "BTC-USDC"]
        assert not (await rest_client.public("market/products/BTC-USD"))["trading_disabled"]


async def test_ids_begin_again_and_sequences_have_gaps(fake: FakeCoinbase) -> None:
    async with market_socket(fake) as client:
        await client.follow("market_trades", "BTC-USD")
        trade(fake)
        assert (await client.receive())["sequence_num"] == 2
        fake.sockets.skip_sequence()
        fake.restart_ids("BTCUSD")
        trade(fake)
        frame = await client.receive()
        assert (frame["sequence_num"], rows(event_of(frame), "trades")[0]["trade_id"]) == (4, "1")


async def test_an_update_of_a_fill_comes_twice_on_demand(fake: FakeCoinbase) -> None:
    async with user_socket(fake) as client, rest(fake) as rest_client:
        await client.follow("user")
        fake.faults.repeat_next_fill()
        await place(rest_client, order("one", market_market_ioc={"base_size": "0.001"}))
        updates = [rows(await client.data("user"), "orders")[0] for _ in range(4)]
        assert [update["status"] for update in updates] == ["PENDING", "OPEN", "FILLED", "FILLED"]
        assert updates[2] == updates[3]
        await fake.disconnect_all()
        await asyncio.wait_for(client.socket.wait_closed(), 5)


async def names(client: RestClient) -> list[object]:
    return [row["product_id"] for row in rows(await client.public("market/products"), "products")]
