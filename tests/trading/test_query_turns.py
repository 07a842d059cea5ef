"""Long replies are made in steps: no step has more rows than its share, and replies keep their order."""

from __future__ import annotations

from collections.abc import Iterable

import pytest

from floorwire.core.orders import Order
from floorwire.core.venue_names import VenueNames
from floorwire.engine.order_manager import OrderManager
from floorwire.hub.turn_queue import TurnQueue
from floorwire.protocol.account_rows import OrderRow
from floorwire.trading import handlers, query_turns
from tests.hub.hub_harness import Message
from tests.trading.flaky import FAR, GatewayHarness

ORDERS, STEP = 11, 3
NEAR: Message = {"symbol": "BTC-USDT", "type": "market", "quantity": "0.00100"}


class Steps:
    """Counts the rows of each step, and fails when it is told to."""

    def __init__(self) -> None:
        self.sizes: list[int] = []
        self.fails_at = 0

    def order_rows(
        self, order_manager: OrderManager, listed: Iterable[Order], names: VenueNames
    ) -> list[OrderRow]:
        """Make the rows as the real function does."""
        rows = ROWS(order_manager, listed, names)
        self.sizes.append(len(rows))
        if len(self.sizes) == self.fails_at:
            raise LookupError("a bug")
        return rows


ROWS = handlers.order_rows


@pytest.fixture
async def steps(harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch) -> Steps:
    """An account with open orders, and the steps that list them."""
    for number in range(ORDERS):
        await harness.ask("order.place", client_order_id=f"n{number}", **FAR)
    counted = Steps()
    monkeypatch.setattr(handlers, "ROWS_A_STEP", STEP)
    monkeypatch.setattr(handlers, "EXAMINED_A_STEP", STEP)
    monkeypatch.setattr(handlers, "order_rows", counted.order_rows)
    return counted


async def replies(harness: GatewayHarness, count: int) -> list[Message]:
    """Return the next replies."""
    return [await harness.until(lambda message: "status" in message) for _ in range(count)]


def column(message: Message, listed: str, name: str) -> list[object]:
    """Return one field of each row of a reply."""
    rows = message[listed]
    assert isinstance(rows, list)
    return [row[name] for row in rows if isinstance(row, dict)]


@pytest.mark.parametrize("is_busy", [False, True])
async def test_replies_keep_the_order_of_the_requests(
    harness: GatewayHarness, steps: Steps, monkeypatch: pytest.MonkeyPatch, is_busy: bool
) -> None:
    if is_busy:  # this turn has no room: every step waits for the queue
        monkeypatch.setattr(TurnQueue, "admits", lambda _, cost_us: False)
    harness.wire.ask("orders", id=1)
    harness.wire.ask("order.cancel", id=2, client_order_id="n0")
    harness.wire.ask("orders", id=3, symbol="BTC-USDT", limit=5)
    harness.wire.ask("balances", id=4)
    first, second, third, fourth = await replies(harness, 4)
    assert [reply["id"] for reply in (first, second, third, fourth)] == [1, 2, 3, 4]
    assert column(first, "orders", "client_order_id") == [f"n{number}" for number in range(ORDERS)]
    assert set(column(first, "orders", "state")) == {"new"}, "as they were when the request came"
    assert column(third, "orders", "client_order_id") == [f"n{number}" for number in range(1, 6)]
    assert max(steps.sizes) == STEP


async def test_a_fault_in_a_step_is_answered_and_the_next_replies_come(
    harness: GatewayHarness, steps: Steps
) -> None:
    steps.fails_at = 2
    harness.wire.ask("orders", id=1)
    harness.wire.ask("balances", id=2)
    first, second = await replies(harness, 2)
    assert (first["id"], first["code"]) == (1, "internal")
    assert (second["id"], second["status"]) == (2, "ok")


async def test_fills_that_are_checked_in_steps_are_all_there(harness: GatewayHarness, steps: Steps) -> None:
    assert steps.sizes == []
    for number in range(4):
        await harness.ask("order.place", client_order_id=f"f{number}", side="buy", **NEAR)
    whole = column(await harness.ask("fills", limit=1000), "fills", "fill_id")
    assert len(whole) >= 4
    page = await harness.ask("fills", limit=2)
    found = column(page, "fills", "fill_id")
    while "next" in page:
        page = await harness.ask("fills", limit=2, before=page["next"])
        found += column(page, "fills", "fill_id")
    assert found == whole


async def test_a_connection_that_leaves_in_the_middle_leaves_no_reply_behind(
    harness: GatewayHarness, steps: Steps
) -> None:
    harness.wire.ask("orders", id=1)
    harness.wire.cut()
    other = GatewayHarness(harness.gateway, harness.disk)
    assert (await other.ask("orders"))["status"] == "ok"
    assert sum(steps.sizes) >= ORDERS


@pytest.mark.parametrize("action", ["orders", "fills"])
async def test_so_many_replies_of_an_account_wait_and_no_more(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch, action: str
) -> None:
    """Also those without rows, and on all its connections: each takes memory until its turn."""
    monkeypatch.setattr(TurnQueue, "admits", lambda _, cost_us: False)
    monkeypatch.setattr(query_turns, "MAX_WAITING", 3)
    other = GatewayHarness(harness.gateway, harness.disk)
    for number in range(2):
        harness.wire.ask(action, id=number)
        other.wire.ask(action, id=number)
    assert [reply["status"] for reply in await replies(harness, 2)] == ["ok", "ok"]
    first, second = await replies(other, 2)
    assert (first["status"], second["code"], second["retry"]) == ("ok", "rate_limited", True)
    assert (await other.ask(action))["status"] == "ok"
    harness.wire.ask(action)
    harness.wire.cut()
    for _ in range(3):
        assert (await other.ask(action))["status"] == "ok", "what a client left behind counts no longer"
