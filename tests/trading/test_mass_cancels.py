"""Many orders are cancelled in turns: others are served in between, and a crash loses no cancel."""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Sequence

import pytest

from floorwire.core.account_events import AccountEntry, MassCancel
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Report
from floorwire.engine.mass_cancel_scan import MassCancelScan
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.protocol.replies import Done
from floorwire.protocol.trading_requests import MIN_DEADMAN_S
from floorwire.trading import handlers, mass_cancels, order_requests, read_quota
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.guard_timers import GuardOwner
from tests.hub.hub_harness import Message
from tests.trading.flaky import FAR, GatewayHarness

ORDERS = 30
CANCELS_A_TURN = 4
FOUND_AT_ONCE = CANCELS_A_TURN + 2
"""Orders that one turn finds, and may not cancel all."""
CODES = {
    "cancel_all": None,
    "symbol": None,
    "halt": Code.MARKET_HALTED,
    "disconnect": Code.DISCONNECTED,
    "deadman": Code.DEADMAN,
}
"""What starts a mass cancel, and the code of the orders."""


class Turns:
    """Records how many orders each turn of the event loop cancels."""

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        self.sizes: list[int] = []
        self.after_turn: Callable[[], None] = lambda: None
        self._is_counting = False
        executes = DecisionExecutor.execute

        def execute(
            executor: DecisionExecutor, committer: Committer, decision: OrderDecision, stamp_us: int
        ) -> list[Report]:
            if decision.commands and decision.order is None:
                if not self._is_counting:
                    self._is_counting = True
                    self.sizes.append(0)
                    asyncio.get_running_loop().call_soon(self._end_turn)
                self.sizes[-1] += len(decision.commands)
            return executes(executor, committer, decision, stamp_us)

        patch.setattr(DecisionExecutor, "execute", execute)

    def _end_turn(self) -> None:
        self._is_counting = False
        self.after_turn()


@pytest.fixture
def turns(monkeypatch: pytest.MonkeyPatch) -> Turns:
    """Small turns, counted."""
    monkeypatch.setattr(mass_cancels, "EXAMINED_A_TURN", 7)
    monkeypatch.setattr(mass_cancels, "CANCELS_A_TURN", CANCELS_A_TURN)
    monkeypatch.setattr(mass_cancels, "STEP", 2)
    return Turns(monkeypatch)


def halt(order_manager: OrderManager, stamp_us: int) -> tuple[Sequence[AccountEntry], MassCancel | None]:
    """Halt all, as an operator."""
    return [order_manager.halt("all", "", stamp_us)], MassCancel(code=Code.MARKET_HALTED)


def resume(order_manager: OrderManager, stamp_us: int) -> tuple[Sequence[AccountEntry], MassCancel | None]:
    """End the halt."""
    return [order_manager.resume("all", "", stamp_us)], None


async def place(harness: GatewayHarness, count: int) -> None:
    for number in range(count):
        assert (await harness.ask("order.place", client_order_id=f"n{number}", **FAR))["status"] == "accepted"


async def start(harness: GatewayHarness, how: str) -> None:
    """Start a mass cancel of the orders that are open, and wait for the reply."""
    if how == "cancel_all":
        harness.wire.ask("order.cancel_all", id="mass")
    elif how == "symbol":
        harness.wire.ask("order.cancel_all", id="mass", symbol="BTC-USDT")
    elif how == "halt":
        harness.gateway.desk.operators.administer(harness.wire.connection, Done(id="mass"), halt)
    elif how == "disconnect":
        await harness.ask("session.cancel_on_disconnect", enabled=True)
        harness.gateway.desk.on_disconnect(harness.wire.connection)
    else:
        armed = await harness.ask("session.deadman", timeout_s=MIN_DEADMAN_S)
        assert armed["status"] == "ok"
    if how in ("cancel_all", "symbol", "halt"):
        reply = await harness.until(lambda message: message.get("id") == "mass")
        assert reply["status"] in ("accepted", "ok")


def journalled(harness: GatewayHarness, kind: str) -> int:
    """Return how many records of this kind are on the disk."""
    return sum(record.kind == kind for record in harness.disk.records)


async def until_journalled(harness: GatewayHarness, kind: str, count: int) -> None:
    for _ in range(5_000):
        if journalled(harness, kind) >= count:
            return
        await asyncio.sleep(0.001)
    raise AssertionError(f"{journalled(harness, kind)} records {kind}")


async def check_gone(harness: GatewayHarness, code: Code | None, count: int = ORDERS) -> None:
    """Every order is cancelled, once, for this reason."""
    for number in range(count):
        order = (await harness.ask("order.status", client_order_id=f"n{number}"))["order"]
        assert isinstance(order, dict)
        assert (order["state"], order.get("code")) == ("cancelled", None if code is None else code.value)
    assert journalled(harness, "ended") == count
    assert (await harness.ask("orders"))["orders"] == []


@pytest.mark.parametrize("how", CODES)
@pytest.mark.parametrize("orders", [ORDERS, pytest.param(FOUND_AT_ONCE, marks=pytest.mark.slow)])
async def test_no_turn_cancels_more_than_its_share(
    harness: GatewayHarness, turns: Turns, orders: int, how: str
) -> None:
    await place(harness, orders)
    await start(harness, how)
    await until_journalled(harness, "mass_cancel_ended", 1)
    assert sum(turns.sizes) == orders
    assert max(turns.sizes) <= CANCELS_A_TURN
    assert journalled(harness, "mass_cancel") == 1
    await check_gone(harness, CODES[how], orders)


@pytest.mark.parametrize("how", CODES)
@pytest.mark.parametrize("turn", [1, pytest.param(3, marks=pytest.mark.slow)])
async def test_what_a_failure_interrupts_is_finished(
    harness: GatewayHarness, turns: Turns, how: str, turn: int
) -> None:
    await place(harness, ORDERS)

    def fail() -> None:
        harness.disk.is_full = len(turns.sizes) >= turn

    turns.after_turn = fail
    await start(harness, how)
    await harness.until_refusing()
    assert journalled(harness, "ended") < ORDERS
    turns.after_turn = lambda: None
    harness.disk.is_full = False
    await harness.works_again()
    await until_journalled(harness, "mass_cancel_ended", 1)
    assert journalled(harness, "mass_cancel") == journalled(harness, "mass_cancel_ended") == 1
    await check_gone(harness, CODES[how])


async def test_few_orders_are_cancelled_in_the_turn_of_the_request(
    harness: GatewayHarness, turns: Turns
) -> None:
    await place(harness, CANCELS_A_TURN)
    reply = await harness.ask("order.cancel_all")
    assert (reply["count"], len(listed(reply))) == (CANCELS_A_TURN, CANCELS_A_TURN)
    assert turns.sizes == [CANCELS_A_TURN]
    assert journalled(harness, "mass_cancel") == 0
    assert (await harness.ask("order.cancel_all"))["count"] == 0


async def test_many_small_ones_at_once_share_the_turns(harness: GatewayHarness, turns: Turns) -> None:
    await place(harness, 3)
    for number in range(4):
        harness.wire.ask("order.cancel_all", id=number)
        for place_number in range(3):
            harness.wire.ask("order.place", client_order_id=f"m{number}.{place_number}", **FAR)
    await harness.until(lambda message: message.get("status") == "accepted" and message.get("id") == 3)
    await until_journalled(harness, "ended", 12)
    assert max(turns.sizes) <= CANCELS_A_TURN
    assert sum(turns.sizes) >= 12


def listed(reply: Message) -> list[object]:
    """Return the ids in the reply."""
    order_ids = reply["order_ids"]
    assert isinstance(order_ids, list)
    return list(order_ids)


async def test_the_reply_says_how_many_and_lists_the_oldest(
    harness: GatewayHarness, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(handlers, "MAX_LISTED_IDS", 5)
    await place(harness, ORDERS)
    oldest = (await harness.ask("order.status", client_order_id="n0"))["order"]
    harness.wire.ask("order.cancel_all", id="mass")
    harness.wire.ask("balances", id="later")
    reply = await harness.until(lambda message: "status" in message)
    assert (reply["id"], reply["status"], reply["count"]) == ("mass", "accepted", ORDERS)
    assert isinstance(oldest, dict)
    assert listed(reply)[0] == oldest["order_id"]
    assert len(listed(reply)) == 5
    assert (await harness.until(lambda message: "status" in message))["id"] == "later", "in order"


async def test_a_reply_that_the_journal_did_not_live_to_see_is_unknown(
    harness: GatewayHarness, turns: Turns
) -> None:
    await place(harness, ORDERS)
    harness.disk.is_full = True
    reply = await harness.ask("order.cancel_all")
    assert (reply["code"], reply["order"]) == ("internal", "unknown")
    harness.disk.is_full = False
    await harness.works_again()
    assert journalled(harness, "mass_cancel") == 0
    assert (await harness.ask("order.cancel_all"))["count"] == ORDERS


async def test_a_halt_stops_new_orders_before_its_cancels_have_ended(
    harness: GatewayHarness, turns: Turns
) -> None:
    await place(harness, ORDERS)
    counts: list[int] = []
    harness.gateway.desk.operators.administer(harness.wire.connection, Done(id="halt"), halt, counts.append)
    harness.wire.ask("order.place", id="late", client_order_id="late", **FAR)
    assert turns.sizes == [], "in the turn of the halt"
    refused = await harness.until(lambda message: message.get("id") == "late")
    assert refused["code"] == "market_halted"
    await harness.until(lambda message: message.get("id") == "halt")
    assert counts == [ORDERS]
    await until_journalled(harness, "mass_cancel_ended", 1)
    kinds = [record.kind for record in harness.disk.records]
    assert kinds.index("halted") + 1 == kinds.index("mass_cancel"), "one is never durable without the other"
    await check_gone(harness, Code.MARKET_HALTED)


async def test_orders_after_the_request_are_not_cancelled(harness: GatewayHarness, turns: Turns) -> None:
    await place(harness, ORDERS)
    trading_desk, client = harness.gateway.desk, harness.wire.connection
    trading_desk.operators.administer(client, Done(id="halt"), halt)
    trading_desk.operators.administer(client, Done(id="resume"), resume)
    harness.wire.ask("order.place", id="kept", client_order_id="kept", **FAR)
    assert (await harness.until(lambda message: message.get("id") == "kept"))["status"] == "accepted"
    await until_journalled(harness, "mass_cancel_ended", 1)
    kinds = [record.kind for record in harness.disk.records]
    assert kinds.index("resumed") < max(n for n, kind in enumerate(kinds) if kind == "accepted")
    assert max(n for n, kind in enumerate(kinds) if kind == "accepted") < kinds.index("mass_cancel_ended")
    harness.wire.ask("orders", id="look")
    rows = (await harness.until(lambda message: message.get("id") == "look"))["orders"]
    assert isinstance(rows, list)
    assert [row["client_order_id"] for row in rows if isinstance(row, dict)] == ["kept"]


async def test_the_events_of_an_account_keep_their_order(harness: GatewayHarness, turns: Turns) -> None:
    await harness.ask("subscribe", channel="orders")
    await place(harness, ORDERS)
    await start(harness, "cancel_all")
    for number in range(5):
        harness.wire.ask("order.place", client_order_id=f"later{number}", **FAR)
    await until_journalled(harness, "mass_cancel_ended", 1)
    await harness.ask("balances", id="last")
    await harness.until(lambda message: message.get("id") == "last")
    events = [
        message for message in harness.received if message.get("channel") == "orders" and "event" in message
    ]
    assert [event["seq"] for event in events] == list(range(len(events)))
    assert [event["event"] for event in events].count("cancelled") == ORDERS


async def close_again() -> None:
    """Do nothing."""


async def test_a_server_that_stops_waits_for_its_guards(harness: GatewayHarness, turns: Turns) -> None:
    await place(harness, ORDERS)
    await harness.ask("session.deadman", timeout_s=600)
    await harness.gateway.desk.close()
    harness.gateway.desk.close = close_again  # type: ignore[method-assign] # the fixture closes it too
    assert journalled(harness, "ended") == ORDERS
    assert journalled(harness, "mass_cancel_ended") == 1


@pytest.mark.parametrize("how", ["cancel_all", "disconnect"])
async def test_many_mass_cancels_at_once_share_the_turns(
    harness: GatewayHarness, turns: Turns, monkeypatch: pytest.MonkeyPatch, how: str
) -> None:
    await place(harness, ORDERS)
    examined: list[int] = [0]
    finds = MassCancelScan.find

    def find(scan: MassCancelScan, at_most: int) -> list[int]:
        before = scan.examined
        found = finds(scan, at_most)
        if not examined[-1]:
            asyncio.get_running_loop().call_soon(examined.append, 0)
        examined[-1] += scan.examined - before
        return found

    monkeypatch.setattr(MassCancelScan, "find", find)
    for number in range(20):
        if how == "cancel_all":
            harness.wire.ask("order.cancel_all", id=number)
        else:
            owner = GuardOwner("alice", "k1")
            harness.gateway.desk._guard_cancels._cancel(owner, Code.DISCONNECTED)
    if how == "cancel_all":
        for number in range(20):
            reply = await harness.until(lambda message: message.get("id") is not None)
            assert (reply["id"], reply["status"]) == (number, "accepted")
    await until_journalled(harness, "mass_cancel_ended", 20)
    assert max(turns.sizes) <= CANCELS_A_TURN
    assert max(examined) <= mass_cancels.EXAMINED_A_TURN
    await check_gone(harness, CODES[how])


async def test_who_asks_without_end_is_refused(
    harness: GatewayHarness, turns: Turns, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each request makes the server examine every open order, though there is nothing to cancel."""
    monkeypatch.setattr(order_requests, "ORDERS_A_ROW", 1)
    monkeypatch.setattr(read_quota, "ROWS_PER_S", 100)
    await place(harness, ORDERS)
    for number in range(30):
        harness.wire.ask("order.cancel_all", id=number, symbol="BTC-USDT")
        harness.wire.ask("order.place", client_order_id=f"m{number}", **FAR)
    replies = [await harness.until(lambda message: "status" in message) for _ in range(60)]
    refused = [reply for reply in replies if reply["status"] == "error"]
    assert {reply["code"] for reply in refused} == {"rate_limited"}
    assert len(refused) > 20
    assert (await harness.ask("balances"))["status"] == "ok"
