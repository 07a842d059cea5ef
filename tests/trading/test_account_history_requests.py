"""The account history when it cannot be read, or the journal fails: every request is answered once."""

from __future__ import annotations

import asyncio
import sqlite3
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from floorwire.engine import account
from floorwire.engine.chunked_history import CHUNK_SIZE
from floorwire.trading import account_history_requests
from floorwire.trading.account_history_indexer import AccountHistoryIndexer
from tests.hub.hub_harness import Message
from tests.trading.flaky import FAR, Disk, GatewayHarness, served

TAKE: Message = {"symbol": "BTC-USDT", "side": "buy", "type": "market", "quantity": "0.001"}


@pytest.fixture
async def harness(
    disk: Disk, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[GatewayHarness]:
    """Where alice has more fills than are at hand."""
    monkeypatch.setattr(account, "KEPT_FILLS", CHUNK_SIZE)
    async with served(disk, tmp_path) as harness:
        number = 0
        while harness.gateway.desk.order_manager().seqs("alice").fills <= CHUNK_SIZE:
            number += 1
            reply = await harness.ask("order.place", client_order_id=f"t{number}", **TAKE)
            assert reply["status"] == "accepted"
        yield GatewayHarness(harness.gateway, disk)


def replies(harness: GatewayHarness) -> list[Message]:
    """Return what was answered."""
    return [message for message in harness.received if "status" in message]


async def test_the_first_fill_is_found(harness: GatewayHarness) -> None:
    fills = (await harness.ask("fills", limit=1000))["fills"]
    assert isinstance(fills, list)
    assert len(fills) == harness.gateway.desk.order_manager().seqs("alice").fills
    assert len(harness.gateway.desk.order_manager().fills("alice")) == CHUNK_SIZE


async def test_so_many_searches_of_all_accounts_run_at_once(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_history_requests, "MAX_WAITING", 2)
    for number in range(3):
        harness.wire.ask("fills", id=number, limit=1000)
    said = [await harness.until(lambda message: "status" in message) for _ in range(3)]
    assert [reply.get("code") for reply in said] == [None, None, "rate_limited"]
    assert (await harness.ask("fills", limit=1000))["status"] == "ok"


async def test_an_unreadable_index_is_an_answer_and_stops_nothing(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def unreadable(*_: object) -> None:
        raise sqlite3.OperationalError("cannot be read")

    with monkeypatch.context() as patch:
        patch.setattr(AccountHistoryIndexer, "read", unreadable)
        harness.wire.ask("fills", limit=1000)
        assert (await harness.ask("order.place", client_order_id="on", **FAR))["code"] == "internal"
        assert (await harness.until(lambda one: "order_id" in one))["status"] == "accepted"
    assert (await harness.ask("fills", limit=1000))["status"] == "ok"


async def test_a_journal_that_fails_first_is_an_answer(harness: GatewayHarness) -> None:
    harness.disk.is_full = True
    harness.wire.ask("order.place", client_order_id="lost", **FAR)
    harness.wire.ask("fills", limit=1000)
    harness.wire.ask("order.place", client_order_id="late", **FAR)
    harness.wire.ask("orders")
    for _ in range(4):
        await harness.until(lambda one: "status" in one)
    told = [(reply["code"], reply.get("order")) for reply in replies(harness)]
    assert [order for _, order in told] == ["unknown", None, "unknown", None]
    harness.disk.is_full = False
    await harness.works_again()
    assert (await harness.ask("fills", limit=1000))["status"] == "ok"


async def test_a_server_that_stops_answers_whoever_waits(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def never(*_: object) -> None:
        await asyncio.get_running_loop().create_future()

    monkeypatch.setattr(AccountHistoryIndexer, "read", never)
    harness.wire.ask("fills", limit=1000)
    reading: list[asyncio.Task[object]] = []
    while not reading:
        await asyncio.sleep(0.001)
        reading = [task for task in asyncio.all_tasks() if "AccountHistoryRequests._answer" in repr(task)]
    await asyncio.sleep(0.01)  # it has begun to wait
    reading[0].cancel()
    assert (await harness.until(lambda one: "status" in one))["code"] == "draining"
