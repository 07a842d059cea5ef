"""The faults of the fake Kraken."""

import asyncio
import time
from collections.abc import AsyncIterator

import httpx2
import pytest
from websockets.exceptions import ConnectionClosed, InvalidStatus

from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken import FakeKraken, default_markets
from tests.fake_exchange.kraken.client import decode, private_socket, public_socket, rest, rows
from tests.fake_exchange.kraken.test_market import follow
from tests.fake_exchange.kraken.test_requests import FORM, ORDER, result
from tests.fake_exchange.market import UNIT
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running


@pytest.fixture
async def fake() -> AsyncIterator[FakeKraken]:
    exchange = FakeKraken(default_markets())
    exchange.core.deposit("first", "USD", 100_000 * UNIT)
    exchange.core.deposit("first", "BTC", UNIT)
    SeededFlow(exchange.core, "BTCUSD", 600_000).fill_book()
    async with running(exchange):
        yield exchange


def trade(fake: FakeKraken) -> None:
    fake.core.place("first", "BTCUSD", Side.BUY, 1_000, None, "")


async def test_frames_are_lost_doubled_swapped_and_cut(fake: FakeKraken) -> None:
    async with public_socket(fake) as client:
        await client.request("subscribe", channel="trade", symbol=["BTC/USD"])
        fake.faults.drop_frame('"trade"')
        fake.faults.duplicate_frame('"trade"')
        fake.faults.reorder_frames('"trade"')
        fake.faults.corrupt_frame('"trade_id":6')
        for _ in range(6):
            trade(fake)
        frames = [await asyncio.wait_for(client.socket.recv(), 5) for _ in range(6)]
        assert [rows(decode(frame))[0]["trade_id"] for frame in frames[:-1]] == [2, 2, 4, 3, 5]
        with pytest.raises(ValueError, match="line 1"):
            decode(frames[-1])


async def test_frames_are_late_or_do_not_come(fake: FakeKraken) -> None:
    async with public_socket(fake) as client:
        await client.request("subscribe", channel="trade", symbol=["BTC/USD"])
        fake.faults.half_open()
        trade(fake)
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(client.socket.recv(), 0.05)
        await (await client.socket.ping())  # the socket itself is alive
        fake.faults.half_open(False)
        assert rows(await client.data("trade"))[0]["trade_id"] == 1
        fake.faults.delay_frames(0.1)
        until = time.monotonic() + 0.09  # a timer may be some milliseconds early
        trade(fake)
        assert rows(await client.data("trade"))[0]["trade_id"] == 2
        assert time.monotonic() > until


async def test_requests_of_rest_are_lost_before_or_after(fake: FakeKraken) -> None:
    async with rest(fake) as client:
        fake.faults.lose_request("AddOrder")
        with pytest.raises(httpx2.TransportError):
            await client.private("AddOrder", **FORM)
        assert not fake.core.open_orders("first")
        fake.faults.lose_answer("AddOrder")
        with pytest.raises(httpx2.TransportError):
            await client.private("AddOrder", **FORM)
        assert len(fake.core.open_orders("first")) == 1
        fake.faults.time_out_after_execution("AddOrder")
        assert (await client.private("AddOrder", **FORM))["error"] == ["EService:Timeout"]
        assert len(fake.core.open_orders("first")) == 2
        fake.rest.timeouts_are_pages = True
        fake.faults.time_out_after_execution("AddOrder")
        response = await client.post("AddOrder", FORM)
        assert (response.status_code, response.text[:15]) == (520, "<!DOCTYPE html>")
        assert len(fake.core.open_orders("first")) == 3
        fake.faults.cut_answer("Depth")
        with pytest.raises(httpx2.TransportError):
            await client.public("Depth", pair="XBTUSD")


async def test_requests_of_the_websocket_are_lost_before_or_after(fake: FakeKraken) -> None:
    for lose, orders in ((fake.faults.lose_request, 0), (fake.faults.lose_answer, 1)):
        lose("add_order")
        async with private_socket(fake) as client:
            with pytest.raises(ConnectionClosed):
                await client.request("add_order", **ORDER)
        assert len(fake.core.open_orders("first")) == orders
    async with private_socket(fake) as client:
        fake.faults.time_out_after_execution("add_order")
        assert (await client.request("add_order", **ORDER))["error"] == "EService:Timeout"
    assert len(fake.core.open_orders("first")) == 2


async def test_a_socket_ends_with_its_subscription(fake: FakeKraken) -> None:
    for lose, count in ((fake.faults.lose_request, 0), (fake.faults.lose_answer, 1)):
        lose("subscribe")
        async with public_socket(fake) as client:
            with pytest.raises(ConnectionClosed):
                await follow(client, "book", symbol=["BTC/USD"])
        assert fake.counts.subscriptions["book"] == count


async def test_a_socket_ends_inside_a_snapshot(fake: FakeKraken) -> None:
    fake.faults.cut_frame('"snapshot","data"')
    async with public_socket(fake) as client:
        assert (await client.request("subscribe", channel="book", symbol=["BTC/USD"]))["success"]
        with pytest.raises(ConnectionClosed):
            await client.data("book")


async def test_rates_and_bans(fake: FakeKraken) -> None:
    async with rest(fake) as client, private_socket(fake) as socket:
        fake.faults.too_many_requests("Balance")
        assert (await client.private("Balance"))["error"] == ["EAPI:Rate limit exceeded"]
        fake.faults.too_many_requests("add_order")
        assert (await socket.request("add_order", **ORDER))["error"] == "EOrder:Rate limit exceeded"
        fake.faults.ban("/0/")
        for _ in range(2):
            assert (await client.private("Balance"))["error"] == ["EGeneral:Temporary lockout"]
        fake.faults.ban("ping")
        assert (await socket.request("ping"))["error"] == "EGeneral:Temporary lockout"
        with pytest.raises(InvalidStatus):
            async with public_socket(fake):
                pass


async def test_connections_and_messages_are_limited(fake: FakeKraken) -> None:
    fake.sockets.attempts.limit = 1
    fake.sockets.messages_per_s = 1
    async with public_socket(fake) as client:
        await client.request("ping")
        assert (await client.request("ping"))["error"] == "Exceeded msg rate"
        with pytest.raises(InvalidStatus):
            async with public_socket(fake):
                pass
    assert fake.counts.connections == {"public": 1}


async def test_rest_lags_the_stream(fake: FakeKraken) -> None:
    async with rest(fake) as client, private_socket(fake) as socket:
        early = result(await socket.request("add_order", **ORDER))["order_id"]
        fake.queries.freeze()
        late = result(await socket.request("add_order", **ORDER | {"limit_price": 60_000.1}))["order_id"]
        await socket.request("cancel_order", order_id=[early])
        seen = await client.result("QueryOrders", txid=f"{early},{late}")
        assert list(seen) == [early]
        assert seen[str(early)]["status"] == "open"  # type: ignore[index]
        assert (await client.result("TradesHistory"))["count"] == 0
        assert (await client.result("Balance"))["XXBT"] == "1.00000000"
        fake.queries.thaw()
        seen = await client.result("QueryOrders", txid=f"{early},{late}")
        assert [view["status"] for view in seen.values()] == ["canceled", "closed"]  # type: ignore[index]


async def test_maintenance_and_modes(fake: FakeKraken) -> None:
    async with private_socket(fake) as client, rest(fake) as rest_client:
        fake.start_maintenance()
        assert rows(await client.data("status"))[0]["system"] == "maintenance"
        assert (await client.request("add_order", **ORDER))["error"] == "EService:Unavailable"
        assert (await rest_client.private("AddOrder", **FORM))["error"] == ["EService:Unavailable"]
        fake.start_maintenance("post_only")
        refused = await client.request("add_order", **ORDER)
        assert refused["error"] == "EService:Market in post_only mode"
        assert (await client.request("add_order", **ORDER, post_only=True))["success"]
        fake.end_maintenance()
        fake.set_pair_status("BTCUSD", "cancel_only")
        refused = await client.request("add_order", **ORDER)
        assert refused["error"] == "EService:Market in cancel_only mode"
        await fake.disconnect_all()
        await asyncio.wait_for(client.socket.wait_closed(), 5)


async def test_a_pair_is_delisted_and_another_has_new_steps(fake: FakeKraken) -> None:
    async with public_socket(fake) as client:
        await follow(client, "instrument")
        fake.change_steps("BTCUSD", UNIT, UNIT // 100_000)
        assert str(pair_of(await client.data("instrument"))["price_increment"]) == "1"
        fake.delist("BTCUSD")
        assert pair_of(await client.data("instrument"))["status"] == "delisted"
        refused = await client.request("subscribe", channel="book", symbol=["BTC/USD"])
        assert refused["error"] == "Currency pair not supported BTC/USD"
    async with private_socket(fake) as client:
        assert not (await client.request("add_order", **ORDER))["success"]
    async with public_socket(fake) as client, rest(fake) as rest_client:
        fake.unlist("BTCUSD")
        assert "XXBTZUSD" not in str(await rest_client.public("AssetPairs"))
        await follow(client, "instrument")
        fake.relist("BTCUSD")
        assert pair_of(await client.data("instrument"))["status"] == "online"
        assert (await client.request("subscribe", channel="book", symbol=["BTC/USD"]))["success"]


async def test_ids_begin_again_and_sequences_have_gaps(fake: FakeKraken) -> None:
    async with private_socket(fake) as client, public_socket(fake) as public:
        await follow(client, "executions")
        fake.executions.skip_sequence()
        trade(fake)
        assert (await client.data("executions"))["sequence"] == 3
        await follow(public, "trade", symbol=["BTC/USD"])
        fake.restart_ids("BTCUSD")
        trade(fake)
        assert rows(await public.data("trade"))[0]["trade_id"] == 1


async def test_a_fill_is_reported_twice_on_demand(fake: FakeKraken) -> None:
    async with private_socket(fake) as client:
        await follow(client, "executions")
        fake.faults.repeat_next_fill()
        trade(fake)
        frames = [await client.data("executions") for _ in range(5)]
        assert [frame["sequence"] for frame in frames] == [2, 3, 4, 5, 6]
        assert frames[2]["data"] == frames[3]["data"]
        types = [row["exec_type"] for frame in frames for row in rows(frame)]
        assert types == ["pending_new", "new", "trade", "trade", "filled"]


def pair_of(frame: dict[str, object]) -> dict[str, object]:
    data = frame["data"]
    assert isinstance(data, dict)
    pair = data["pairs"][0]
    assert isinstance(pair, dict)
    return pair
