"""Rows are limited by rate: long replies asked for in one write delay nobody, and each can be had."""

from __future__ import annotations

import asyncio

import pytest

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.trading import read_quota
from floorwire.trading.read_quota import ROWS_PER_S, ReadQuota
from tests.trading.flaky import FAR, GatewayHarness

NOW_US = 1_800_000_000_000_000
SECOND_US = 1_000_000


def test_a_reply_of_any_length_is_sent_and_charged_afterwards() -> None:
    quota = ReadQuota()
    quota.charge("alice", 10 * ROWS_PER_S, NOW_US)
    quota.charge("bob", 1, NOW_US)
    quota.charge("alice", 0, NOW_US)
    with pytest.raises(Refusal) as caught:
        quota.charge("alice", 1, NOW_US)
    assert (caught.value.code, caught.value.wait_us) == (Code.RATE_LIMITED, 9 * SECOND_US)
    quota.charge("alice", 1, NOW_US + 9 * SECOND_US)


def test_a_steady_rate_is_never_refused() -> None:
    quota = ReadQuota()
    for second in range(100):
        for _ in range(10):
            quota.charge("alice", ROWS_PER_S // 10, NOW_US + second * SECOND_US)


def test_accounts_within_their_rate_are_removed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(read_quota, "MAX_ACCOUNTS", 3)
    quota = ReadQuota()
    for number in range(2):
        quota.charge(f"n{number}", 1, NOW_US)
    quota.charge("bob", 4 * ROWS_PER_S, NOW_US)
    assert set(quota._paid_until_us) == {"n0", "n1", "bob"}, "there is room for three"
    quota.charge("alice", 3 * ROWS_PER_S, NOW_US + SECOND_US)
    assert set(quota._paid_until_us) == {"bob", "alice"}
    for owing in ("bob", "alice"):
        with pytest.raises(Refusal):
            quota.charge(owing, 1, NOW_US + SECOND_US)


async def test_a_flood_of_long_answers_is_refused_and_orders_go_on(
    harness: GatewayHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await harness.ask("order.place", client_order_id=f"n{number}", **FAR)
    monkeypatch.setattr(read_quota, "ROWS_PER_S", 2)  # a reply of 20 rows is paid after 10 s
    monkeypatch.setattr(read_quota, "MAX_AHEAD_US", 50 * SECOND_US)
    for number in range(50):
        harness.wire.ask(
            "orders" if number % 2 else "subscribe", **({} if number % 2 else {"channel": "orders"})
        )
    replies = [await harness.until(lambda message: "status" in message) for _ in range(50)]
    refused = [reply for reply in replies if reply["status"] == "error"]
    assert len(refused) == 44, "six have 20 rows each, fifty seconds' worth ahead"
    assert {reply["code"] for reply in refused} == {"rate_limited"}
    assert all(isinstance(reply["retry_after_ms"], int) for reply in refused)
    assert (await harness.ask("order.cancel", client_order_id="n3"))["status"] == "accepted"
    assert (await harness.ask("balances"))["status"] == "ok"
    monkeypatch.setattr(read_quota, "MAX_AHEAD_US", 600 * SECOND_US)
    await asyncio.sleep(0)
    rows = (await harness.ask("orders"))["orders"]
    assert isinstance(rows, list)
    assert len(rows) == 19
