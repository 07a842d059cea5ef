"""Private streams over real sockets: after a reconnect nothing is missed, and nothing comes twice."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import FREE, Message, Trader, key, serving, trader

CHANNELS = ("orders", "fills", "balances", "positions")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("resume")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder)


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued) -> Iterator[Server]:
    with serving(folder, *FREE) as running:
        yield running


async def busy(client: Trader, name: str, times: int) -> None:
    """Trade, rest, amend and cancel."""
    for number in range(times):
        await client.place(f"{name}-m{number}", type="market", quantity="0.001")
        await client.place(f"{name}-r{number}")
        await client.ask("order.amend", client_order_id=f"{name}-r{number}", quantity="0.002")
        await client.ask("order.cancel", client_order_id=f"{name}-r{number}")


def plain(messages: list[Message]) -> list[Message]:
    """Return the messages without when they were sent."""
    return [{name: value for name, value in message.items() if name != "sent"} for message in messages]


async def resumed(client: Trader, channel: str, seq: int, epoch: str) -> Message:
    """Subscribe from there on, and read up to the present."""
    reply = await client.ask("subscribe", channel=channel, resume={"epoch": epoch, "seq": seq})
    while client.events.get(channel, [{"seq": seq}])[-1]["seq"] != reply["seq"]:
        await client.receive()
    return reply


async def test_any_place_resumes_to_exactly_what_was_missed(server: Server, issued: Issued) -> None:
    async with trader(server, issued, *CHANNELS) as live, trader(server, issued) as hands:
        await busy(hands, "any", 4)
        for channel in CHANNELS:
            reply = await live.ask("subscribe", channel=channel)
            while live.events[channel][-1]["event"] != "snapshot":
                await live.receive()
            told = [one for one in live.events[channel][1:] if one["event"] != "snapshot"]
            first = int(str(live.events[channel][0]["seq"]))
            for place in range(first, int(str(reply["seq"])) + 1, 3):
                async with trader(server, issued) as client:
                    reply = await resumed(client, channel, place, str(reply["epoch"]))
                    assert "gap" not in reply
                    missed = client.events.get(channel, [])
                    assert plain(missed) == plain(told[place - first :])


async def test_a_restart_loses_nothing_of_a_stream(folder: Path, tmp_path: Path) -> None:
    issued = key(tmp_path)
    with serving(tmp_path, *FREE) as server:
        async with trader(server, issued, "orders") as client:
            await busy(client, "before", 2)
            epoch = str(client.events["orders"][0]["epoch"])
            told = client.events["orders"][1:]
            server.process.kill()
            server.process.wait()
    with serving(tmp_path, *FREE) as server:
        async with trader(server, issued) as client:
            reply = await resumed(client, "orders", 3, epoch)
            assert "gap" not in reply
            assert plain(client.events["orders"])[: len(told) - 3] == plain(told[3:])


async def test_who_resumes_while_orders_come_hears_each_once(server: Server, issued: Issued) -> None:
    async with trader(server, issued) as hands, trader(server, issued, "orders") as start:
        snapshot = start.events["orders"][0]
        first, epoch = int(str(snapshot["seq"])), str(snapshot["epoch"])
        await busy(hands, "warm", 20)
        for number in range(40):
            await hands.send("order.place", client_order_id=f"live-{number}", symbol="BTC-USDT",
                             side="buy", price="60000", quantity="0.001")  # fmt: skip
        async with trader(server, issued) as client:
            await client.ask("subscribe", channel="orders", resume={"epoch": epoch, "seq": first})
            await client.until("orders", "new", "live-39")
            seqs = [message["seq"] for message in client.events["orders"]]
        assert seqs == list(range(first + 1, first + 1 + len(seqs)))


async def test_places_that_cannot_be_resumed_say_so_and_begin_anew(server: Server, issued: Issued) -> None:
    async with trader(server, issued) as client:
        true_epoch = (await client.ask("subscribe", channel="orders"))["epoch"]
        places: list[tuple[Message, str]] = [
            ({"epoch": "other", "seq": 1}, "epoch"),
            ({"epoch": true_epoch, "seq": 9**9}, "ahead"),
        ]
        for resume, reason in places:
            reply = await client.ask("subscribe", channel="orders", resume=resume)
            gap = reply["gap"]
            assert isinstance(gap, dict)
            assert gap["reason"] == reason
            await client.receive()
            assert client.events["orders"][-1]["event"] == "snapshot"


async def test_unsubscribing_ends_it_and_subscriptions_tell(server: Server, issued: Issued) -> None:
    async with trader(server, issued, "orders", "fills") as client:
        held = (await client.ask("subscriptions"))["subscriptions"]
        assert isinstance(held, list)
        assert [one["channel"] for one in held if isinstance(one, dict)] == ["orders", "fills"]
        assert (await client.ask("unsubscribe", channel="orders"))["status"] == "unsubscribed"
        assert (await client.ask("unsubscribe", channel="orders"))["code"] == "not_subscribed"
        heard = len(client.events.get("orders", []))
        await client.place("unheard-1")
        await client.ask("orders")
        assert len(client.events["orders"]) == heard


async def test_a_private_channel_takes_no_options(server: Server, issued: Issued) -> None:
    async with trader(server, issued) as client:
        given: list[Message] = [{"symbol": "BTC-USDT"}, {"depth": 5}, {"on_slow": "conflate"}]
        for options in given:
            assert (await client.ask("subscribe", channel="orders", **options))["code"] == "bad_request"
