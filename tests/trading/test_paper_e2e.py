"""Orders over a real socket to a server that plays a recording: they fill on paper."""

from __future__ import annotations

import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from floorwire.core.authorization import Scope
from floorwire.protocol.trading_requests import MIN_DEADMAN_S
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import SCOPES, Message, Trader, amount, caller, key, serving, trader

RECORDED = Path(__file__).parent.parent / "recorded" / "coinbase"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("paper")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder, money={"USDT": "1000", "ABC": "10"})


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued) -> Iterator[Server]:
    with serving(folder, f"--venue=replay:{RECORDED}", "--set=replay.loop=true") as running:
        yield running


async def placed(client: Trader, client_order_id: str, **fields: str) -> Message:
    """Place an order once the feed is live: the recording loses its link now and then, and begins again."""
    for attempt in range(1_000):
        name = f"{client_order_id}-{attempt}"
        reply = await client.place(name, symbol="ABC-USDT", quantity="0.2", **fields)
        if reply.get("code") not in ("stale_market", "venue_unavailable", "no_liquidity"):
            return {**reply, "name": name}
        await client.receive()
    raise AssertionError("the feed never came to life")


async def test_an_order_fills_against_a_recording_and_shows_in_every_stream(
    server: Server, issued: Issued
) -> None:
    async with trader(server, issued, "orders", "fills", "balances") as alice:
        await alice.ask("subscribe", channel="heartbeat")
        before = await alice.rows("balances")
        reply = await placed(alice, "take", price="10.02")
        assert reply["status"] == "accepted", reply
        done = await alice.until("orders", "fill", str(reply["name"]))
        assert (done["state"], done["filled_quantity"]) == ("filled", done["quantity"])
        fills = await alice.rows("fills")
        assert [fill["order_id"] for fill in fills] == [reply["order_id"]]
        assert (fills[0]["price"], fills[0]["liquidity"]) == ("10.02", "taker")
        assert any(event.get("event") != "snapshot" for event in alice.events["fills"])
        after = await alice.rows("balances")
        assert float(amount(after, "ABC")) == pytest.approx(float(amount(before, "ABC")) + 0.2)
        assert any(event.get("event") != "snapshot" for event in alice.events["balances"])


async def test_an_order_rests_on_paper_and_is_cancelled(server: Server, issued: Issued) -> None:
    async with trader(server, issued, "orders") as alice:
        await alice.ask("subscribe", channel="heartbeat")
        reply = await placed(alice, "rest", price="9.95")
        assert reply["status"] == "accepted", reply
        assert (await alice.ask("order.cancel", order_id=reply["order_id"]))["status"] == "accepted"
        assert (await alice.until("orders", "cancelled", str(reply["name"])))["state"] == "cancelled"


async def test_an_order_is_in_the_market_again_after_the_server_was_killed(tmp_path: Path) -> None:
    issued = key(tmp_path, money={"USDT": "1000"})
    arguments = (f"--venue=replay:{RECORDED}", "--set=replay.loop=true")
    with serving(tmp_path, *arguments) as first:
        async with trader(first, issued) as alice:
            await alice.ask("subscribe", channel="heartbeat")
            reply = await placed(alice, "stays", price="9.95")
            assert reply["status"] == "accepted", reply
            first.signal(signal.SIGKILL)
            first.wait()
    with serving(tmp_path, *arguments) as second:
        async with trader(second, issued, "orders") as alice:
            assert [row["order_id"] for row in await alice.rows("orders")] == [reply["order_id"]]
            cancelled = await alice.ask("order.cancel", order_id=reply["order_id"])
            assert cancelled["status"] == "accepted", cancelled
            await alice.until("orders", "cancelled", str(reply["name"]))


@pytest.mark.parametrize(
    ("who", "code"),
    [
        ("client", None),
        pytest.param("operator", "market_halted", marks=pytest.mark.slow),
        pytest.param("deadman", "deadman", marks=pytest.mark.slow),
    ],
)
@pytest.mark.slow
async def test_a_cancel_on_its_way_holds_though_the_server_was_killed(
    tmp_path: Path, who: str, code: str | None
) -> None:
    issued = key(tmp_path, money={"USDT": "1000"})
    operator = key(tmp_path, "ops", (*SCOPES, Scope.ADMIN), {})
    arguments = (f"--venue=replay:{RECORDED}", "--set=replay.loop=true")
    with serving(tmp_path, *arguments, "--set=paper.latency_us=600000000") as first:
        async with trader(first, issued) as alice:
            await alice.ask("subscribe", channel="heartbeat")
            reply = await placed(alice, "leaves", price="9.95")
            if who == "deadman":
                armed = await alice.ask("session.deadman", timeout_s=MIN_DEADMAN_S)
                assert armed["status"] == "ok"
                while "cancelled" not in first.log:
                    await alice.receive()
            elif who == "operator":
                with caller(first, operator) as ops:
                    assert ops.post("/halts", json={"scope": "all"}).json()["cancelled"] == 1
            if who != "deadman":  # who asks after the operator is not the reason
                cancelled = await alice.ask("order.cancel", order_id=reply["order_id"])
                assert cancelled["status"] == "accepted", cancelled
            waits = await alice.rows("orders")
            assert [(row["state"], row.get("code")) for row in waits] == [("new", None)]
            first.signal(signal.SIGKILL)
            first.wait()
    with serving(tmp_path, *arguments) as second:
        async with trader(second, issued) as alice:
            await alice.ask("subscribe", channel="heartbeat")
            for _ in range(10):
                if not await alice.rows("orders"):  # it ends when the venue has opened
                    break
                await alice.receive()
            order = (await alice.ask("order.status", order_id=reply["order_id"]))["order"]
            assert isinstance(order, dict)
            assert (order["state"], order["filled_quantity"]) == ("cancelled", "0")
            assert order.get("code") == code
