"""The desk when its journal fails: nothing untrue is told, the market runs on, nothing told is lost."""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from floorwire.core import account_events
from floorwire.core.account_events import Guard, MassCancel
from floorwire.core.execution_reports import Ended, Filled
from floorwire.core.refusal import Refusal
from floorwire.core.risk_limits import Limits
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.replies import Done
from floorwire.storage.journal import JournalBrokenError, JournalCorruptError, JournalRecord
from floorwire.trading.operator_requests import Change
from floorwire.venues import sim
from tests.trading.flaky import FAR, Disk, FlakyJournal, GatewayHarness, served


async def test_what_was_not_durable_is_unknown_and_may_be_sent_again(harness: GatewayHarness) -> None:
    kept = await harness.ask("order.place", client_order_id="kept", **FAR)
    harness.disk.is_full = True
    lost = await harness.ask("order.place", client_order_id="lost", **FAR)
    assert (lost["code"], lost["order"], lost["retry"]) == ("internal", "unknown", True)
    refused = await harness.ask("order.place", client_order_id="late", **FAR)
    assert (refused["code"], refused["order"]) == ("internal", "rejected")
    harness.disk.is_full = False
    await harness.works_again()
    rows = (await harness.ask("orders"))["orders"]
    assert isinstance(rows, list)
    assert [row["client_order_id"] for row in rows if isinstance(row, dict)] == ["kept"]
    again = await harness.ask("order.place", client_order_id="lost", **FAR)
    assert again["status"] == "accepted"
    assert "duplicate" not in again
    cancelled = await harness.ask("order.cancel", order_id=kept["order_id"])
    assert cancelled["status"] == "accepted"


async def test_whoever_watches_sees_the_failure_and_its_end(harness: GatewayHarness) -> None:
    await harness.ask("order.place", client_order_id="kept", **FAR)
    harness.disk.is_full = True
    await harness.ask("order.place", client_order_id="lost", **FAR)
    figures = harness.gateway.desk.figures()
    assert (figures.refusing["journal"], figures.records, figures.stats.failures) == (True, None, 1)
    harness.disk.is_full = False
    await harness.works_again()
    figures = harness.gateway.desk.figures()
    assert figures.refusing["journal"] is False
    assert figures.records is not None
    assert (figures.records.open_orders, figures.stats.failures) == (1, 1)


async def test_files_that_are_gone_are_found_by_a_timer_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("floorwire.trading.recovery.CHECK_S", 0.001)
    async with served(Disk(), tmp_path) as harness:
        await harness.ask("order.place", client_order_id="kept", **FAR)
        harness.disk.is_gone = True
        while not harness.gateway.desk.figures().refusing["journal"]:
            await asyncio.sleep(0.001)
        refused = await harness.ask("order.place", client_order_id="late", **FAR)
        assert (refused["code"], refused["order"]) == ("internal", "rejected")
        harness.disk.is_gone = False
        await harness.works_again()


async def test_what_was_durable_after_all_is_a_duplicate(harness: GatewayHarness) -> None:
    harness.disk.is_full = harness.disk.keeps_what_it_fails = True
    lost = await harness.ask("order.place", client_order_id="lost", **FAR)
    assert lost["order"] == "unknown"
    harness.disk.is_full = False
    await harness.works_again()
    assert (await harness.ask("order.place", client_order_id="lost", **FAR))["duplicate"] is True


async def test_the_market_runs_on_without_a_journal(harness: GatewayHarness) -> None:
    harness.disk.is_full = True
    await harness.ask("order.place", client_order_id="lost", **FAR)
    assert (await harness.ask("subscribe", channel="book", symbol="BTC-USDT"))["status"] == "subscribed"
    await harness.until(lambda message: message.get("type") == "update")
    assert (await harness.ask("balances"))["code"] == "internal"
    assert (await harness.ask("subscribe", channel="orders"))["code"] == "internal"


@pytest.mark.parametrize("keeps", [False, True])
async def test_followers_miss_nothing_across_a_failure(harness: GatewayHarness, keeps: bool) -> None:
    await harness.ask("subscribe", channel="orders")
    await harness.ask("order.place", client_order_id="before", **FAR)
    harness.disk.is_full, harness.disk.keeps_what_it_fails = True, keeps
    await harness.ask("order.place", client_order_id="lost", **FAR)
    harness.disk.is_full = False
    await harness.works_again()
    await harness.ask("order.place", client_order_id="after", **FAR)
    await harness.until(lambda message: message.get("client_order_id") == "after" and "event" in message)
    events = [one for one in harness.received if one.get("channel") == "orders" and "event" in one]
    seqs = [message["seq"] for message in events]
    assert seqs == list(range(len(seqs)))
    told = [message["client_order_id"] for message in events if message["event"] == "new"]
    assert told == (["before", "lost", "after"] if keeps else ["before", "after"])


async def test_what_a_market_remembers_of_a_lost_order_befalls_no_other(harness: GatewayHarness) -> None:
    harness.disk.is_full = True
    soon_us = time.time_ns() // 1000 + 100_000
    lost = await harness.ask("order.place", client_order_id="a", time_in_force="gtd", expires=soon_us, **FAR)
    assert lost["order"] == "unknown"
    harness.disk.is_full = False
    await harness.works_again()
    order_id = (await harness.ask("order.place", client_order_id="b", **FAR))["order_id"]
    while time.time_ns() // 1000 < soon_us + 50_000:
        await asyncio.sleep(0.01)
    order = (await harness.ask("order.status", order_id=order_id))["order"]
    assert isinstance(order, dict)
    assert order["state"] == "new", "it never expires"


async def test_cancelling_more_orders_than_records_may_wait_is_no_failure(harness: GatewayHarness) -> None:
    harness.disk.waiting, harness.disk.is_full = 20, True
    await harness.ask("order.cancel_all")
    await harness.ask("order.place", client_order_id="lost", **FAR)
    harness.disk.is_full = False
    await harness.works_again()
    for number in range(30):
        await harness.ask("order.place", client_order_id=f"n{number}", **FAR)
    cancelled = (await harness.ask("order.cancel_all"))["order_ids"]
    assert isinstance(cancelled, list)
    assert len(cancelled) == 30
    assert (await harness.ask("orders"))["orders"] == []


async def test_a_damaged_journal_stops_orders_and_nothing_else(disk: Disk, tmp_path: Path) -> None:
    disk.damage = JournalCorruptError(7, "the row of records 8 to 9 was changed")
    async with served(disk, tmp_path) as harness:
        assert (await harness.ask("order.place", client_order_id="a", **FAR))["code"] == "internal"
        with pytest.raises(Refusal, match="the journal cannot be written"):
            harness.gateway.desk.operators.risk_status()
        disk.damage = None
        await harness.works_again()


async def test_a_fault_of_a_venue_is_not_an_answer(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError("a venue's bug")

    kept = await harness.ask("order.place", client_order_id="kept", **FAR)
    with monkeypatch.context() as patch:
        patch.setattr(sim.SimVenue, "execute", fault)
        reply = await harness.ask("order.place", client_order_id="odd", **FAR)
        assert (reply["code"], reply["order"]) == ("internal", "unknown")
    await harness.works_again()
    assert (await harness.ask("order.status", order_id=kept["order_id"]))["status"] == "ok"
    assert (await harness.ask("order.place", client_order_id="odd", **FAR))["status"] == "accepted"


async def test_what_a_venue_reports_is_booked_and_journalled_or_neither(harness: GatewayHarness) -> None:
    placed = [await harness.ask("order.place", client_order_id=name, **FAR) for name in "ab"]
    first, second = (int(str(reply["order_id"])) for reply in placed)
    nonsense = Filled(second, "t", 1, "many", 0, "maker", 1)  # type: ignore[arg-type] # as a venue's bug may be
    harness.gateway.desk.reported([Ended(first, 1, "expired", None, 1), nonsense])
    await harness.works_again()
    for name in "ab":
        order = (await harness.ask("order.status", client_order_id=name))["order"]
        assert isinstance(order, dict)
        assert order["state"] == "new"


async def test_a_halt_that_a_venue_fails_is_not_told_of_as_done(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fault(*_: object) -> None:
        raise ZeroDivisionError("a venue's bug")

    def halt(
        order_manager: OrderManager, now_us: int
    ) -> tuple[Sequence[account_events.AccountEntry], MassCancel | None]:
        return [order_manager.halt("all", "", now_us)], MassCancel()

    await harness.ask("order.place", client_order_id="kept", **FAR)
    with monkeypatch.context() as patch:
        patch.setattr(sim.SimVenue, "execute", fault)
        harness.gateway.desk.operators.administer(harness.wire.connection, Done(id="halt"), halt)
        assert (await harness.until(lambda message: "status" in message))["code"] == "internal"
    await harness.works_again()
    harness.gateway.desk.operators.administer(harness.wire.connection, Done(id="halt"), halt)
    assert (await harness.until(lambda message: message.get("id") == "halt"))["status"] == "ok"
    assert (await harness.ask("orders"))["orders"] == []


@pytest.mark.parametrize("keeps", [False, True])
async def test_a_halt_made_as_the_journal_fails_is_in_doubt_until_it_is_read_again(
    harness: GatewayHarness, keeps: bool
) -> None:
    def halt(name: str) -> Change:
        return lambda order_manager, now_us: ([order_manager.halt("account", name, now_us)], None)

    desk = harness.gateway.desk
    desk.operators.administer(harness.wire.connection, Done(id="halt"), halt("bob"))
    assert (await harness.until(lambda message: "status" in message))["status"] == "ok"
    harness.disk.is_full, harness.disk.keeps_what_it_fails = True, keeps
    desk.operators.administer(harness.wire.connection, Done(id="halt"), halt("carol"))
    assert (await harness.until(lambda message: "status" in message))["code"] == "internal"
    assert not desk.operators.risk_status().is_current
    assert desk.operators.risk_status().halts() == [("account", "bob")]
    assert desk.operators.risk_status().uncertain_halts() == [("account", "carol")]
    harness.disk.is_full = False
    await harness.works_again()
    assert desk.operators.risk_status().is_current
    assert desk.operators.risk_status().halts() == [
        ("account", "bob"),
        *([("account", "carol")] if keeps else []),
    ]
    assert desk.operators.risk_status().uncertain_halts() == []


async def test_what_no_record_can_hold_leaves_nobody_without_an_answer(harness: GatewayHarness) -> None:
    def limit(
        order_manager: OrderManager, now_us: int
    ) -> tuple[Sequence[account_events.AccountEntry], MassCancel | None]:
        return [order_manager.set_limits("alice", Limits(max_open_orders=1 << 64), now_us)], None

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("floorwire.engine.order_manager.check", lambda _: None)
        harness.gateway.desk.operators.administer(harness.wire.connection, Done(id="limit"), limit)
    reply = await harness.ask("order.place", client_order_id="beside", **FAR)
    assert reply["code"] == "internal", "of the limit"
    reply = await harness.until(lambda message: "status" in message)
    assert (reply["code"], reply["order"]) == ("internal", "unknown")
    await harness.works_again()
    assert (await harness.ask("order.place", client_order_id="beside", **FAR))["status"] == "accepted"


async def test_who_is_told_the_past_when_the_journal_fails_is_closed_and_may_resume(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    reply = await harness.ask("subscribe", channel="orders")
    await harness.ask("order.place", client_order_id="before", **FAR)

    async def unreadable(*_: object) -> Sequence[JournalRecord]:
        raise JournalBrokenError("cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(FlakyJournal, "read_account", unreadable)
        harness.wire.ask("subscribe", channel="orders", resume={"epoch": reply["epoch"], "seq": 0})
        for _ in range(2_000):
            if harness.wire.code is not None:
                break
            await asyncio.sleep(0.001)
    assert harness.wire.code == 4008
    back = GatewayHarness(harness.gateway, harness.disk)
    await back.ask("subscribe", channel="orders", resume={"epoch": reply["epoch"], "seq": 0})
    assert (await back.until(lambda message: "event" in message))["client_order_id"] == "before"


async def ended(harness: GatewayHarness, client_order_id: str) -> tuple[object, object]:
    """Return the order's state, and why."""
    order = (await harness.ask("order.status", client_order_id=client_order_id))["order"]
    assert isinstance(order, dict)
    return order["state"], order.get("code")


async def test_a_timer_that_is_up_without_a_journal_cancels_when_there_is_one(
    harness: GatewayHarness,
) -> None:
    await harness.ask("order.place", client_order_id="dead", **FAR)
    await harness.ask("session.deadman", timeout_s=0.1)
    harness.disk.is_full = True
    await harness.ask("order.place", client_order_id="lost", **FAR)
    await asyncio.sleep(0.2)
    harness.disk.is_full = False
    await harness.works_again()
    assert (await harness.ask("orders"))["orders"] == []
    assert await ended(harness, "dead") == ("cancelled", "deadman")
    assert harness.gateway.desk.order_manager().guards() == []


async def test_what_a_guard_cancelled_and_the_journal_lost_stays_cancelled(harness: GatewayHarness) -> None:
    await harness.ask("order.place", client_order_id="dead", **FAR)
    await harness.ask("session.deadman", timeout_s=0.1)
    harness.disk.is_full = True
    await asyncio.sleep(0.2)
    assert (await harness.ask("orders"))["code"] == "internal", "the cancel is what failed"
    harness.disk.is_full = False
    await harness.works_again()
    assert (await harness.ask("orders"))["orders"] == []
    assert await ended(harness, "dead") == ("cancelled", "deadman")
    await harness.ask("order.place", client_order_id="later", **FAR)
    harness.disk.is_full = True
    await harness.ask("order.place", client_order_id="lost", **FAR)
    harness.disk.is_full = False
    await harness.works_again()
    rows = (await harness.ask("orders"))["orders"]
    assert isinstance(rows, list)
    assert len(rows) == 1, "it is cancelled for once"


async def test_guards_of_the_living_outlast_a_failure(harness: GatewayHarness) -> None:
    await harness.ask("session.cancel_on_disconnect", enabled=True, grace_s=60)
    await harness.ask("session.deadman", timeout_s=50)
    harness.disk.is_full = True
    assert (await harness.ask("session.deadman", timeout_s=40))["code"] == "internal"
    harness.disk.is_full = False
    await harness.works_again()
    asked_last = Guard(grace_us=60_000_000, deadman_us=40_000_000)
    assert harness.gateway.desk.order_manager().guards() == [("alice", "k1", asked_last)]


def closing_slowly(monkeypatch: pytest.MonkeyPatch, meanwhile: Callable[[], None]) -> None:
    """Let the first journal take its time to close, and this happen on the loop meanwhile."""
    close, loop = FlakyJournal.close, asyncio.get_running_loop()

    def slow(journal: FlakyJournal) -> None:
        monkeypatch.setattr(FlakyJournal, "close", close)
        close(journal)
        loop.call_soon_threadsafe(meanwhile)
        time.sleep(0.05)

    monkeypatch.setattr(FlakyJournal, "close", slow)


async def test_a_journal_that_fails_at_the_end_is_the_end(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(disk, tmp_path) as harness:
        await harness.ask("order.place", client_order_id="guarded", **FAR)
        await harness.ask("session.deadman", timeout_s=60)
        disk.is_full = True
        closing_slowly(monkeypatch, lambda: None)
    disk.is_full = False
    assert disk.opened == 1, "by the process that is gone"
    async with served(disk, tmp_path) as harness:
        order = (await harness.ask("order.status", client_order_id="guarded"))["order"]
        assert isinstance(order, dict)
        assert order["state"] == "new", "its timer runs anew"


async def test_what_venues_report_while_the_journal_is_closed_opens_it_no_more(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with served(disk, tmp_path) as harness:
        order_id = int(str((await harness.ask("order.place", client_order_id="late", **FAR))["order_id"]))
        report, desk = Ended(order_id, 1, "expired", None, 1), harness.gateway.desk
        closing_slowly(monkeypatch, lambda: desk.reported([report]))
    assert disk.opened == 1


async def test_a_journal_that_is_being_opened_at_the_end_is_closed(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[FlakyJournal] = []
    begun, may_end = threading.Event(), threading.Event()

    def slow() -> FlakyJournal:
        begun.set()
        may_end.wait(20)
        opened.append(FlakyJournal(disk))
        return opened[-1]

    async with served(disk, tmp_path) as harness:
        disk.is_full = True
        await harness.ask("order.place", client_order_id="lost", **FAR)
        monkeypatch.setattr(disk, "open", slow)
        close = harness.gateway.desk.close

        async def closed() -> None:
            await close()
            asyncio.get_running_loop().call_later(0.02, may_end.set)

        monkeypatch.setattr(harness.gateway.desk, "close", closed)
        while not begun.is_set():
            await asyncio.sleep(0.001)
        disk.is_full = False
    assert [str(journal.broken) for journal in opened] == ["the journal is closed"]
