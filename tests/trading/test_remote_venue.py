"""Orders at a venue outside the process: nothing leaves before it is durable, and every answer is told."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from random import Random

import pytest
from msgspec import UNSET
from msgspec.structs import replace

from floorwire.app import Gateway
from floorwire.config import Settings
from floorwire.core.account_events import MassCancel
from floorwire.core.authorization import Principal, Scope
from floorwire.core.codes import Code
from floorwire.core.order_ports import OrderAdapterOutput
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelOrder,
    LinkDown,
    LinkUp,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryOrder,
    RemoteCommand,
)
from floorwire.protocol.replies import Done
from floorwire.trading.remote_venue import RemotePhase
from floorwire.venues import sim
from tests.trading.flaky import Disk, GatewayHarness
from tests.trading.remote import BTC, NEAR, POLICY, RemoteHarness, ScriptedAdapter, fill, seen, served

BOB = Principal("bob", "k2", frozenset((Scope.MARKET, Scope.ACCOUNT, Scope.TRADE)))


@pytest.fixture
async def venue(disk: Disk, tmp_path: Path) -> AsyncIterator[RemoteHarness]:
    async with served(disk, tmp_path) as harness:
        await harness.until_open()
        await harness.ask("subscribe", channel="orders")
        yield harness


async def test_an_order_is_submitted_accepted_and_filled(venue: RemoteHarness) -> None:
    command = await venue.placed()
    assert (command.symbol, command.quantity, command.price) == ("BTC-USDT", "0.10", "60000.0")
    assert (await venue.news("submitting"))["state"] == "submitting"
    venue.report(PlaceAnswer(command.client_id, "accepted", "V1"))
    assert (await venue.news("new"))["state"] == "new"
    venue.report(fill(command))
    assert (await venue.news("fill"))["state"] == "filled"
    balances = {row["asset"]: row for row in await venue.rows("balances")}
    assert (balances["BTC"]["total"], balances["USDT"]["total"]) == ("10.1", "993999.5")
    again = await venue.ask("order.place", client_order_id="a", **NEAR)
    assert again["duplicate"] is True
    assert "state" not in again
    assert venue.count(PlaceOrder) == 1


async def test_nothing_leaves_before_it_is_durable(venue: RemoteHarness) -> None:
    venue.disk.is_stalled = True
    venue.wire.ask("order.place", client_order_id="a", **NEAR)
    await asyncio.sleep(0.03)
    assert venue.count(PlaceOrder) == 0
    venue.disk.is_stalled = False
    await venue.sent(PlaceOrder)


async def preparing(venue: RemoteHarness) -> PlaceOrder:
    """Place an order while the disk stalls; return what was prepared for it."""
    venue.disk.is_stalled = True
    venue.wire.ask("order.place", client_order_id="a", **NEAR)
    while not venue.adapter.prepared:
        await asyncio.sleep(0.001)
    assert venue.count(PlaceOrder) == 0
    return venue.adapter.prepared[0]


async def test_an_order_is_prepared_while_the_disk_writes_and_left_to_be_sent(venue: RemoteHarness) -> None:
    prepared = await preparing(venue)
    await asyncio.sleep(0.03)
    assert venue.count(PlaceOrder) == 0
    venue.disk.is_stalled = False
    assert await venue.sent(PlaceOrder) is prepared


async def test_a_prepared_order_that_is_cancelled_never_leaves(venue: RemoteHarness) -> None:
    await preparing(venue)
    venue.wire.ask("order.cancel", client_order_id="a")
    await asyncio.sleep(0.01)
    venue.disk.is_stalled = False
    assert (await venue.news("cancelled"))["state"] == "cancelled"
    assert venue.count(PlaceOrder) == 0
    other = await venue.placed("b", quantity="0.20")
    assert (other.order_id, other.quantity) == (venue.adapter.prepared[0].order_id + 1, "0.20")


async def test_a_prepared_order_never_leaves_where_the_journal_fails(venue: RemoteHarness) -> None:
    await preparing(venue)
    venue.disk.is_full = True
    await venue.ask("order.place", client_order_id="b", **NEAR)
    await venue.until_refusing()
    venue.disk.is_full = venue.disk.is_stalled = False
    await venue.works_again()
    assert venue.count(PlaceOrder) == 0


async def test_orders_go_on_where_preparing_fails(
    venue: RemoteHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(command: PlaceOrder) -> None:
        raise ZeroDivisionError(command)

    monkeypatch.setattr(venue.gateway._live_orders.connectors[0], "prepare", fail)
    venue.disk.is_stalled = True
    venue.wire.ask("order.place", client_order_id="a", **NEAR)
    await asyncio.sleep(0.03)
    venue.disk.is_stalled = False
    await venue.sent(PlaceOrder)
    assert venue.phase() is RemotePhase.OPEN


async def test_what_the_venue_says_is_told_when_it_is_durable(venue: RemoteHarness) -> None:
    command = await venue.placed()
    venue.disk.is_stalled = True
    venue.report(PlaceAnswer(command.client_id, "rejected", code=Code.MIN_NOTIONAL))
    await asyncio.sleep(0.01)
    assert not [one for one in venue.wire.messages() if one.get("event") == "rejected"]
    venue.disk.is_stalled = False
    assert (await venue.news("rejected"))["code"] == "min_notional"
    held = {str(row["asset"]): row["held"] for row in await venue.rows("balances")}
    assert set(held.values()) == {"0"}


async def test_an_unknown_outcome_is_told_and_looked_up(venue: RemoteHarness) -> None:
    command = await venue.placed()
    venue.report(PlaceAnswer(command.client_id, "unknown"))
    assert (await venue.news("unknown"))["state"] == "unknown"
    assert (await venue.ask("order.place", client_order_id="a", **NEAR))["state"] == "unknown"
    await venue.sent(QueryOrder)
    assert (await venue.news("rejected"))["code"] == "venue_unavailable"
    assert venue.count(PlaceOrder) == 1


async def test_an_unknown_order_that_the_venue_has_is_found(venue: RemoteHarness) -> None:
    command = await venue.placed()
    venue.adapter.known[command.client_id] = seen(command)
    venue.report(PlaceAnswer(command.client_id, "unknown"))
    assert (await venue.news("new"))["state"] == "new"


async def test_no_answer_at_all_makes_an_order_unknown(disk: Disk, tmp_path: Path) -> None:
    def is_impatient(adapter: ScriptedAdapter) -> None:
        adapter.policy = replace(POLICY, answer_us=20_000)

    async with served(disk, tmp_path, prepare=is_impatient) as venue:
        await venue.until_open()
        await venue.ask("subscribe", channel="orders")
        await venue.placed()
        assert (await venue.news("unknown"))["state"] == "unknown"


async def test_an_order_is_not_sent_again_after_the_journal_failed(venue: RemoteHarness) -> None:
    command = await venue.placed()
    venue.adapter.known[command.client_id] = seen(command)
    venue.disk.is_full = True
    await venue.ask("order.place", client_order_id="b", **NEAR)
    venue.report(PlaceAnswer(command.client_id, "accepted", "V1"))  # nobody can book it
    await venue.until_refusing()
    venue.disk.is_full = False
    await venue.works_again()
    state = "unknown"
    while state == "unknown":
        state = await venue.state()
    assert state == "new"
    assert venue.count(PlaceOrder) == 1
    assert venue.count(CancelOrder) == 0
    assert (await venue.ask("order.status", client_order_id="b"))["code"] == "unknown_order"


async def test_what_is_cancelled_before_it_left_never_leaves(venue: RemoteHarness) -> None:
    venue.wire.ask("order.place", client_order_id="a", **NEAR)
    venue.wire.ask("order.cancel", client_order_id="a")
    assert (await venue.news("cancelled"))["state"] == "cancelled"
    assert venue.count(PlaceOrder) == 0


async def working(venue: RemoteHarness, client_order_id: str = "a") -> PlaceOrder:
    """Place an order that the venue accepts."""
    command = await venue.placed(client_order_id)
    venue.report(PlaceAnswer(command.client_id, "accepted", "V" + client_order_id))
    await venue.news("new", client_order_id)
    return command


async def test_a_stop_order_is_not_amended_where_the_venue_cannot(venue: RemoteHarness) -> None:
    terms = {"type": "stop_limit", "stop_price": "60500", "price": "60600"}
    command = await venue.placed("stop", **terms)
    assert (command.type, command.stop_price, command.price) == ("stop_limit", "60500.0", "60600.0")
    venue.report(PlaceAnswer(command.client_id, "accepted", "Vstop"))
    await venue.news("new", "stop")
    refused = await venue.ask("order.amend", client_order_id="stop", price="60700")
    assert (refused["status"], refused["code"]) == ("error", "venue_rejected")
    assert venue.count(AmendOrder) == 0


async def test_cancels_and_amends_are_the_venues_to_decide(venue: RemoteHarness) -> None:
    command = await working(venue)
    reply = await venue.ask("order.amend", client_order_id="a", price="59000")
    assert reply["status"] == "accepted"
    amend = await venue.sent(AmendOrder)
    assert (amend.price, amend.quantity, amend.venue_order_id) == ("59000.0", "0.10", "Va")
    assert (await venue.ask("order.amend", client_order_id="a", price="58000"))["code"] == "venue_unavailable"
    venue.report(AmendAnswer(command.client_id, "amended"))
    assert (await venue.news("amended"))["price"] == "59000.0"
    assert (await venue.ask("order.cancel", client_order_id="a"))["status"] == "accepted"
    assert (await venue.ask("order.cancel", client_order_id="a"))["status"] == "accepted"
    cancel = await venue.sent(CancelOrder)
    assert cancel.venue_order_id == "Va"
    venue.report(seen(command, "cancelled"))
    assert "code" not in await venue.news("cancelled")
    assert venue.count(CancelOrder) == 1


async def test_cancel_all_halts_and_timers_reach_the_venue(venue: RemoteHarness) -> None:
    first, second, third = [await working(venue, name) for name in "abc"]
    await venue.ask("order.cancel_all", symbol="BTC-USDT")
    await venue.sent(CancelOrder, 3)
    for command in (first, second, third):
        venue.report(seen(command, "cancelled"))
    assert "code" not in await venue.news("cancelled", "c")
    fourth = await working(venue, "d")
    await venue.ask("session.deadman", timeout_s=0.1)
    await venue.sent(CancelOrder, 4)
    venue.report(seen(fourth, "cancelled"))
    assert (await venue.news("cancelled", "d"))["code"] == "deadman"
    fifth = await working(venue, "e")

    def halt(order_manager: object, stamp_us: int) -> tuple[list[object], MassCancel]:
        entry = order_manager.halt("account", "alice", stamp_us)  # type: ignore[attr-defined]
        return [entry], MassCancel(account="alice", code=Code.MARKET_HALTED)

    venue.gateway.desk.operators.administer(venue.wire.connection, Done(id=UNSET), halt)  # type: ignore[arg-type]
    await venue.sent(CancelOrder, 5)
    venue.report(seen(fifth, "cancelled"))
    assert (await venue.news("cancelled", "e"))["code"] == "market_halted"
    assert (await venue.ask("order.place", client_order_id="f", **NEAR))["code"] == "market_halted"


async def test_a_cancel_of_an_order_on_its_way_is_sent_later(venue: RemoteHarness) -> None:
    command = await venue.placed()
    await venue.ask("order.cancel", client_order_id="a")
    assert venue.count(CancelOrder) == 0
    venue.report(PlaceAnswer(command.client_id, "accepted", "V1"))
    await venue.sent(CancelOrder)


async def test_who_may_place_and_when(venue: RemoteHarness) -> None:
    other = GatewayHarness(venue.gateway, venue.disk, BOB)
    assert (await other.ask("order.place", client_order_id="a", **NEAR))["code"] == "forbidden"
    venue.report(LinkDown())
    assert venue.phase() is RemotePhase.DOWN
    reply = await venue.ask("order.place", client_order_id="a", **NEAR)
    assert (reply["code"], reply["retry"], reply["order"]) == ("venue_unavailable", True, "rejected")
    venue.report(LinkUp())
    assert venue.phase() is RemotePhase.RECONCILING
    await venue.until_open()
    await venue.placed()


async def test_a_lost_stream_makes_orders_on_their_way_unknown(venue: RemoteHarness) -> None:
    command = await venue.placed()
    venue.adapter.known[command.client_id] = seen(command)
    venue.report(LinkDown())
    await venue.news("unknown")
    venue.report(LinkUp())
    await venue.news("new")


async def test_fills_of_the_time_without_a_stream_come_by_reconciliation(venue: RemoteHarness) -> None:
    command = await working(venue)
    venue.report(LinkDown())
    venue.adapter.executions[command.client_id] = (fill(command, "0.04"),)
    venue.adapter.known[command.client_id] = seen(command, "open", "0.04")
    venue.report(LinkUp())
    assert (await venue.news("fill"))["filled_quantity"] == "0.04"
    venue.report(fill(command, "0.04"))  # once more, by the stream
    venue.report(fill(command, "0.06", "e2"))
    assert (await venue.news("fill"))["filled_quantity"] == "0.10"
    assert [row["quantity"] for row in await venue.rows("fills")] == ["0.06", "0.04"]


async def test_a_stray_report_stops_one_order(venue: RemoteHarness) -> None:
    first, second = await working(venue, "a"), await working(venue, "b")
    venue.report(fill(first, "0.20"))  # more than it has
    (one,) = venue.gateway.desk.operators.quarantine()
    assert (one.venue, one.account, one.client_id) == ("rem", "alice", first.client_id)
    venue.report(fill(first, "0.10", "e2"))
    venue.report(OrderSeen(second.client_id, "Vb", "cancelled", "0"))
    await venue.news("cancelled", "b")
    assert await venue.state() == "new"
    venue.adapter.known[first.client_id] = seen(first, "filled", "0.10")
    venue.adapter.executions[first.client_id] = (fill(first, "0.10", "e2"),)
    operators, client = venue.gateway.desk.operators, venue.wire.connection
    operators.release(client, Done(id="released"), one.number, is_over=False)
    assert (await venue.news("fill", "a"))["state"] == "filled"
    assert operators.quarantine() == []


async def test_a_fault_of_ours_stops_one_venue(venue: RemoteHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    command = await working(venue)

    def fail(*_: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr("floorwire.engine.order_reports.OrderReports.receive", fail)
    venue.report(fill(command))
    assert venue.remote.phase is RemotePhase.FAULT
    await venue.works_again()
    monkeypatch.undo()
    venue.report(fill(command))
    assert (await venue.ask("order.place", client_order_id="b", **NEAR))["code"] == "venue_unavailable"
    assert (await venue.ask("order.cancel", client_order_id="a"))["status"] == "accepted"
    assert (await venue.sent(CancelOrder)).venue_order_id == "Va"
    figures = venue.gateway.desk.figures().remote["rem"]
    assert (figures.phase, figures.left_out["ignored"]) == ("fault", 1)


async def test_a_dry_run_shows_and_sends_nothing(disk: Disk, tmp_path: Path) -> None:
    async with served(disk, tmp_path, dry_run=True) as venue:
        await venue.until_open()
        await venue.ask("subscribe", channel="orders")
        venue.wire.ask("order.place", client_order_id="a", **NEAR)
        assert (await venue.news("rejected"))["code"] == "dry_run"


async def test_a_venue_without_a_stream_takes_no_orders(disk: Disk, tmp_path: Path) -> None:
    def is_cut_off(adapter: ScriptedAdapter) -> None:
        adapter.is_linked = False

    async with served(disk, tmp_path, prepare=is_cut_off) as venue:
        assert venue.remote.phase is RemotePhase.DOWN
        assert (await venue.ask("order.place", client_order_id="a", **NEAR))["code"] == "venue_unavailable"
        rows = await venue.rows("symbols")
        assert (rows[0]["orders"], rows[0]["amends"]) == ("live", True)


async def test_other_steps_wait_until_the_venue_has_closed_the_orders(
    venue: RemoteHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floorwire.trading.symbol_listing.CLOSED_S", 0.01)
    command = await working(venue)
    finer = replace(BTC, tick_size="0.1")
    venue.gateway.desk.listed([finer])
    await venue.sent(CancelOrder)
    await asyncio.sleep(0.03)
    assert (await venue.ask("order.place", client_order_id="b", **NEAR))["code"] == "stale_market"
    venue.report(fill(command, "0.04"))  # still in the steps that it was made with
    venue.report(OrderSeen(command.client_id, "Va", "cancelled", "0.04"))
    assert (await venue.news("cancelled"))["code"] == "market_halted"
    in_new_steps = {**NEAR, "price": "12000.1"}  # the prices become ticks of 0.1
    while (await venue.ask("order.place", client_order_id="c", **in_new_steps))["status"] != "accepted":
        await asyncio.sleep(0.001)
    assert (await venue.sent(PlaceOrder, 2)).price == "12000.1"


async def test_a_venue_that_does_not_run_keeps_its_orders(disk: Disk, tmp_path: Path) -> None:
    async with served(disk, tmp_path) as venue:
        await venue.until_open()
        await venue.ask("subscribe", channel="orders")
        await working(venue)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("floorwire.app.open_journal", lambda *_: disk.open())
        gateway = Gateway(Settings(data=str(tmp_path)), [sim.venue(Random(3), ("BTC-USDT",))])
        async with gateway.running():
            client = GatewayHarness(gateway, disk)
            assert (await client.ask("order.cancel", client_order_id="a"))["status"] == "accepted"
            order = (await client.ask("order.status", client_order_id="a"))["order"]
            assert isinstance(order, dict)
            assert order["state"] == "new"

    def has_it(adapter: ScriptedAdapter) -> None:
        adapter.look_up = lambda query: OrderSeen(query.client_id, "Va", "open", "0")

    async with served(disk, tmp_path, prepare=has_it) as venue:
        query = await venue.sent(QueryOrder)  # does the cancel still have to be sent?
        assert query.venue_order_id == "Va"
        assert (await venue.sent(CancelOrder)).client_id == query.client_id
        assert venue.count(PlaceOrder) == 0


async def test_last_cancels_leave_before_the_process_ends(disk: Disk, tmp_path: Path) -> None:
    def cancels(command: RemoteCommand) -> list[OrderAdapterOutput]:
        return [seen(command, "cancelled")] if isinstance(command, CancelOrder) else []

    async with served(disk, tmp_path, last_wait_s=60) as venue:
        await venue.until_open()
        await venue.ask("subscribe", channel="orders")
        await working(venue)
        await venue.ask("session.deadman", timeout_s=60)
        adapter = venue.adapter
        adapter.answer = cancels
    assert isinstance(adapter.commands[-1], CancelOrder)


@pytest.mark.parametrize("name", ["start", "wake", "command"])
async def test_a_fault_anywhere_stops_one_venue(
    venue: RemoteHarness, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    await working(venue)

    def fail(*_: object, **__: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(f"floorwire.engine.remote_orders.RemoteOrders.{name}", fail)
    if name == "start":
        venue.disk.is_full = True
        await venue.ask("order.cancel", client_order_id="a")
        await venue.until_refusing()
        venue.disk.is_full = False
    elif name == "wake":
        venue.remote._wake()
    else:
        await venue.ask("order.cancel", client_order_id="a")
    await venue.until_phase(RemotePhase.FAULT)
    await venue.works_again()
    assert (await venue.ask("order.place", client_order_id="b", **NEAR))["code"] == "venue_unavailable"
