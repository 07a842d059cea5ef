"""Long answers: asked for in one write they hold up nobody, and each can be had."""

from __future__ import annotations

import asyncio

import pytest

from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.trading import read_quota
from floorwire.trading.read_quota import ROWS_PER_S, ReadQuota
from tests.trading.flaky import FAR, Office

NOW_US = 1_800_000_000_000_000
SECOND_US = 1_000_000


def test_an_answer_of_any_length_is_given_and_paid_for_afterwards() -> None:
    quota = ReadQuota()
    quota.charge("alice", 10 * ROWS_PER_S, NOW_US)
    quota.charge("bob", 1, NOW_US)
    quota.charge("alice", 0, NOW_US)
    with pytest.raises(Refusal) as caught:
        quota.charge("alice", 1, NOW_US)
    assert (caught.value.code, caught.value.wait_us) == (Code.RATE_LIMITED, 9 * SECOND_US)
    quota.charge("alice", 1, NOW_US + 9 * SECOND_US)


def test_what_is_asked_for_steadily_is_given() -> None:
    quota = ReadQuota()
    for second in range(100):
        for _ in range(10):
            quota.charge("alice", ROWS_PER_S // 10, NOW_US + second * SECOND_US)


def test_accounts_that_owe_nothing_are_forgotten(monkeypatch: pytest.MonkeyPatch) -> None:
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
    office: Office, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(20):
        await office.ask("order.place", client_order_id=f"n{number}", **FAR)
    monkeypatch.setattr(read_quota, "ROWS_PER_S", 100)
    for number in range(50):
        office.wire.ask(
            "orders" if number % 2 else "subscribe", **({} if number % 2 else {"channel": "orders"})
        )
    replies = [await office.until(lambda message: "status" in message) for _ in range(50)]
    given = [reply for reply in replies if reply["status"] != "error"]
    assert len(given) == 6, "20 rows each, a second's worth ahead"
    assert {reply.get("code") for reply in replies[6:]} == {"rate_limited"}
    assert all(isinstance(reply["retry_after_ms"], int) for reply in replies[6:])
    assert (await office.ask("order.cancel", client_order_id="n3"))["status"] == "accepted"
    assert (await office.ask("balances"))["status"] == "ok"
    monkeypatch.setattr(read_quota, "MAX_AHEAD_US", 60 * SECOND_US)
    await asyncio.sleep(0)
    rows = (await office.ask("orders"))["orders"]
    assert isinstance(rows, list)
    assert len(rows) == 19
