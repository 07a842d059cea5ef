"""Following from where one was, while others do, while the journal fails, and where it forgets."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from collections.abc import Sequence

import pytest

from floorwire.storage.journal import ForgottenError, JournalRecord
from floorwire.trading import private_resume
from tests.hub.world import Message
from tests.trading.flaky import FAR, FlakyJournal, Office


async def began(office: Office, *client_order_ids: str) -> Message:
    """Place the orders; return where a client was that knows of none."""
    epoch = (await office.ask("subscribe", channel="orders"))["epoch"]
    await office.ask("unsubscribe", channel="orders")
    for client_order_id in client_order_ids:
        await office.ask("order.place", client_order_id=client_order_id, **FAR)
    office.wire.messages()
    return {"epoch": epoch, "seq": 0}


async def test_who_resumes_again_and_again_is_answered_and_read_for_once(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = await began(office, *map(str, range(20)))
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
        office.wire.ask("subscribe", id=number, channel="orders", resume=resume)
    heard = [await office.until(lambda message: "status" in message) for _ in range(100)]
    assert {str(message["id"]) for message in heard} == set(map(str, range(100)))
    for number in range(20):
        assert (await office.until(lambda m: "event" in m))["client_order_id"] == str(number)
    assert reads < 20


async def test_who_is_told_what_is_then_forgotten_is_closed(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = await began(office, "first", "second")
    monkeypatch.setattr(private_resume, "PAGE_RECORDS", 1)
    read = FlakyJournal.read_account

    async def forgetful(
        journal: FlakyJournal, account: str, n: int, limit: int, *, back: bool = False
    ) -> Sequence[JournalRecord]:
        if office.wire.unread_bytes():
            raise ForgottenError(n, n + 2)
        return await read(journal, account, n, limit, back=back)

    monkeypatch.setattr(FlakyJournal, "read_account", forgetful)
    office.wire.ask("subscribe", channel="orders", resume=resume)
    for _ in range(2_000):
        if office.wire.code is not None:
            break
        await asyncio.sleep(0.001)
    assert office.wire.code == 4008


async def test_a_journal_that_fails_while_the_past_is_told_costs_no_event(
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    resume = await began(office, "first")
    read, gates = FlakyJournal.read_account, defaultdict[FlakyJournal, asyncio.Event](asyncio.Event)

    async def slow(
        journal: FlakyJournal, account: str, n: int, limit: int, *, back: bool = False
    ) -> Sequence[JournalRecord]:
        found = await read(journal, account, n, limit, back=back)
        if limit == private_resume.PAGE_RECORDS:
            await gates[journal].wait()
        return found

    monkeypatch.setattr(FlakyJournal, "read_account", slow)
    office.wire.ask("subscribe", channel="orders", resume=resume)
    while len(gates) < 1:
        await asyncio.sleep(0.001)
    await office.ask("order.place", client_order_id="second", **FAR)
    office.disk.is_full = True
    await office.ask("order.place", client_order_id="lost", **FAR)
    office.disk.is_full = False
    await office.works_again()
    while len(gates) < 2:
        await asyncio.sleep(0.001)
    await office.ask("order.place", client_order_id="third", **FAR)
    for authenticator in gates.values():
        authenticator.set()
        await asyncio.sleep(0.01)
    told = [await office.until(lambda message: "event" in message) for _ in range(3)]
    assert [message["client_order_id"] for message in told] == ["first", "second", "third"]


async def test_who_is_told_that_it_does_not_follow_does_not(office: Office) -> None:
    office.disk.is_full = True
    office.wire.ask("order.place", client_order_id="lost", **FAR)
    assert (await office.ask("subscribe", channel="orders"))["order"] == "unknown"
    assert (await office.until(lambda message: "status" in message))["code"] == "internal"
    office.disk.is_full = False
    await office.works_again()
    for name in ("first", "second"):
        await office.ask("order.place", client_order_id=name, **FAR)
    await asyncio.sleep(0.01)
    office.wire.ask("ping")
    assert (await office.until(lambda _: True))["status"] == "pong", "no event before it"
    office.wire.ask("subscribe", channel="orders")
    snapshot = await office.until(lambda message: message.get("event") == "snapshot")
    assert snapshot["seq"] == 2
