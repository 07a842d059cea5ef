"""Resume of private channels: with other clients, while the journal fails, and where it forgets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import pytest

from floorwire.storage.journal import ForgottenError, JournalRecord
from floorwire.trading import private_resume
from tests.hub.hub_harness import Message
from tests.trading.flaky import FAR, FlakyJournal, GatewayHarness


async def began(harness: GatewayHarness, *client_order_ids: str) -> Message:
    """Place the orders; return where a client was that knows of none."""
    epoch = (await harness.ask("subscribe", channel="orders"))["epoch"]
    await harness.ask("unsubscribe", channel="orders")
    for client_order_id in client_order_ids:
        await harness.ask("order.place", client_order_id=client_order_id, **FAR)
    harness.wire.messages()
    return {"epoch": epoch, "seq": 0}


async def test_resuming_again_and_again_gets_replies_and_one_read(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = await began(harness, *map(str, range(20)))
    read, reads = FlakyJournal.read_account, 0

    async def counted(
        journal: FlakyJournal, account: str, n: int, limit: int, *, back: bool = False
    ) -> Sequence[JournalRecord]:
        nonlocal reads
        reads += 1
        await asyncio.sleep(0)
        return await read(journal, account, n, limit, back=back)

    monkeypatch.setattr(FlakyJournal, "read_account", counted)
    for number in range(100):
        harness.wire.ask("subscribe", id=number, channel="orders", resume=resume)
    heard = [await harness.until(lambda message: "status" in message) for _ in range(100)]
    assert {str(message["id"]) for message in heard} == set(map(str, range(100)))
    for number in range(20):
        assert (await harness.until(lambda m: "event" in m))["client_order_id"] == str(number)
    assert reads < 20


async def test_a_client_is_closed_when_the_journal_forgets_what_it_resumes(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = await began(harness, "first", "second")
    monkeypatch.setattr(private_resume, "PAGE_RECORDS", 1)
    read = FlakyJournal.read_account

    async def forgetful(
        journal: FlakyJournal, account: str, n: int, limit: int, *, back: bool = False
    ) -> Sequence[JournalRecord]:
        if harness.wire.unread_bytes():
            raise ForgottenError(n, n + 2)
        return await read(journal, account, n, limit, back=back)

    monkeypatch.setattr(FlakyJournal, "read_account", forgetful)
    harness.wire.ask("subscribe", channel="orders", resume=resume)
    for _ in range(2_000):
        if harness.wire.code is not None:
            break
        await asyncio.sleep(0.001)
    assert harness.wire.code == 4008


async def test_a_journal_that_fails_during_a_resume_costs_no_event(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = await began(harness, "first")
    read, gates = FlakyJournal.read_account, defaultdict[FlakyJournal, asyncio.Event](asyncio.Event)

    async def slow(
        journal: FlakyJournal, account: str, n: int, limit: int, *, back: bool = False
    ) -> Sequence[JournalRecord]:
        found = await read(journal, account, n, limit, back=back)
        if limit == private_resume.PAGE_RECORDS:
            await gates[journal].wait()
        return found

    monkeypatch.setattr(FlakyJournal, "read_account", slow)
    harness.wire.ask("subscribe", channel="orders", resume=resume)
    while len(gates) < 1:
        await asyncio.sleep(0.001)
    await harness.ask("order.place", client_order_id="second", **FAR)
    harness.disk.is_full = True
    await harness.ask("order.place", client_order_id="lost", **FAR)
    harness.disk.is_full = False
    await harness.works_again()
    while len(gates) < 2:
        await asyncio.sleep(0.001)
    await harness.ask("order.place", client_order_id="third", **FAR)
    for gate in gates.values():
        gate.set()
        await asyncio.sleep(0.01)
    told = [await harness.until(lambda message: "event" in message) for _ in range(3)]
    assert [message["client_order_id"] for message in told] == ["first", "second", "third"]


async def test_a_refused_subscription_gets_no_events(harness: GatewayHarness) -> None:
    harness.disk.is_full = True
    harness.wire.ask("order.place", client_order_id="lost", **FAR)
    assert (await harness.ask("subscribe", channel="orders"))["order"] == "unknown"
    assert (await harness.until(lambda message: "status" in message))["code"] == "internal"
    harness.disk.is_full = False
    await harness.works_again()
    for name in ("first", "second"):
        await harness.ask("order.place", client_order_id=name, **FAR)
    await asyncio.sleep(0.01)
    harness.wire.ask("ping")
    assert (await harness.until(lambda _: True))["status"] == "pong", "no event before it"
    harness.wire.ask("subscribe", channel="orders")
    snapshot = await harness.until(lambda message: message.get("event") == "snapshot")
    assert snapshot["seq"] == 2
