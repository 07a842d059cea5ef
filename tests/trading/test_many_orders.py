"""An account with many open orders reads them page by page, and no read makes many rows at once."""

from __future__ import annotations

import asyncio

import pytest

from floorwire.trading import handlers, private_subscriptions
from tests.hub.hub_harness import Message
from tests.trading.flaky import FAR, GatewayHarness

ORDERS = 11
NAMES = [f"n{number}" for number in range(ORDERS)]


async def place(harness: GatewayHarness, *names: str) -> None:
    for name in names:
        assert (await harness.ask("order.place", client_order_id=name, **FAR))["status"] == "accepted"


def names(message: Message) -> list[object]:
    """Return the client's names of the orders in a reply or a snapshot."""
    rows = message["orders"]
    assert isinstance(rows, list)
    return [row["client_order_id"] for row in rows if isinstance(row, dict)]


async def pages(harness: GatewayHarness, **fields: object) -> list[Message]:
    """Return all pages of ``orders``."""
    found = [await harness.ask("orders", **fields)]
    while "next" in found[-1]:
        found.append(await harness.ask("orders", after=found[-1]["next"], **fields))
    return found


@pytest.mark.parametrize("limit", [pytest.param(1, marks=pytest.mark.slow), 4, ORDERS, 1000])
@pytest.mark.parametrize("examined", [pytest.param(1, marks=pytest.mark.slow), 3, 5_000])
async def test_pages_have_every_order_once(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch, limit: int, examined: int
) -> None:
    monkeypatch.setattr(handlers, "MAX_EXAMINED", examined)
    await place(harness, *NAMES)
    for fields in ({}, {"symbol": "BTC-USDT"}):
        found = await pages(harness, limit=limit, **fields)
        assert [name for page in found for name in names(page)] == NAMES
        assert max(len(names(page)) for page in found) <= min(limit, examined)


async def test_orders_that_close_between_two_pages_hide_no_other(harness: GatewayHarness) -> None:
    await place(harness, *NAMES)
    first = await harness.ask("orders", limit=5)
    for name in (*NAMES[:6], NAMES[8]):
        await harness.ask("order.cancel", client_order_id=name)
    await place(harness, "new")
    rest = await harness.ask("orders", limit=1000, after=first["next"])
    assert names(rest) == [NAMES[6], NAMES[7], NAMES[9], NAMES[10], "new"]
    assert "next" not in rest
    for limit in (0, 1001):
        assert (await harness.ask("orders", limit=limit))["code"] == "bad_request"


async def snapshot(harness: GatewayHarness) -> list[Message]:
    """Subscribe, and return the events of the snapshot."""
    await harness.ask("subscribe", channel="orders")
    parts = [await harness.until(lambda message: message.get("event") == "snapshot")]
    while parts[-1].get("more"):
        parts.append(await harness.until(lambda message: "event" in message))
    return parts


async def test_a_large_snapshot_comes_in_parts_of_one_moment(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(private_subscriptions, "MAX_SNAPSHOT_ORDERS", 4)
    monkeypatch.setattr(private_subscriptions, "ORDERS_A_PART", 3)
    await place(harness, *NAMES)
    harness.wire.ask("subscribe", channel="orders")
    harness.wire.ask("order.cancel", client_order_id="n10")
    parts = [await harness.until(lambda message: message.get("event") == "snapshot")]
    while parts[-1].get("more"):
        parts.append(await harness.until(lambda message: "event" in message))
    assert [name for part in parts for name in names(part)] == NAMES
    assert [len(names(part)) for part in parts] == [3, 3, 3, 2]
    assert {part["seq"] for part in parts} == {ORDERS}
    after = await harness.until(lambda message: "event" in message)
    assert (after["event"], after["client_order_id"], after["seq"]) == ("cancelled", "n10", ORDERS + 1)


async def test_few_orders_are_one_event(harness: GatewayHarness) -> None:
    await place(harness, *NAMES)
    (only,) = await snapshot(harness)
    assert names(only) == NAMES
    assert "more" not in only


async def test_a_snapshot_that_a_failure_interrupts_closes_the_connection(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Later events are read from the journal again; the rest of the snapshot would undo them."""
    monkeypatch.setattr(private_subscriptions, "MAX_SNAPSHOT_ORDERS", 4)
    monkeypatch.setattr(private_subscriptions, "ORDERS_A_PART", 3)
    await place(harness, *NAMES)
    connection = harness.wire.connection
    is_room = False
    monkeypatch.setattr(type(connection), "has_room", lambda self, size: is_room)
    await harness.ask("subscribe", channel="orders")
    harness.disk.is_full = True
    harness.wire.ask("order.place", client_order_id="lost", **FAR)
    await harness.until(lambda message: message.get("code") == "internal")
    harness.disk.is_full = False
    await harness.works_again()
    is_room = True
    for _ in range(1_000):
        if harness.wire.code is not None:
            break
        await asyncio.sleep(0.001)
    assert harness.wire.code == 4008
