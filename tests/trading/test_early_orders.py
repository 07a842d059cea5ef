"""Orders that leave when their intent is on the disk: once, and none that the disk does not know of."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import msgspec
import pytest
from msgspec.structs import replace

from floorwire.core.account_events import MassCancel
from floorwire.core.authorization import Principal, Scope
from floorwire.core.codes import Code
from floorwire.core.remote_order_messages import (
    AmendOrder,
    CancelOrder,
    LinkDown,
    LinkUp,
    PlaceAnswer,
    PlaceOrder,
    QueryOrder,
)
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.replies import Done
from floorwire.storage import intent_file
from floorwire.trading.order_intents import OrderIntent
from tests.hub.hub_harness import Message
from tests.trading.early import EarlyHarness, Starts
from tests.trading.flaky import ALICE, GatewayHarness
from tests.trading.real_disk import Moment
from tests.trading.remote import NEAR, ScriptedAdapter, fill, seen

pytestmark = pytest.mark.skipif(not intent_file.IS_COMPILED, reason="no intent is written without the C part")
BOB = Principal("bob", "k2", frozenset((Scope.MARKET, Scope.ACCOUNT, Scope.TRADE)))
TOO_LATE: Message = {**NEAR, "deadline": 1}
"""Refused, though the accounts allow it."""


# --- one order ----------------------------------------------------------------------------------------


async def test_an_order_leaves_when_its_intent_is_on_the_disk_and_before_its_records(
    early: EarlyHarness,
) -> None:
    journal = early.disk.journal
    assert journal is not None
    before_n = journal.durable_n
    early.disk.may_commit.clear()
    await early.held()
    assert early.count(PlaceOrder) == 0
    found = early.disk.intent()
    assert found == early.disk.intents[-1]
    intent = msgspec.msgpack.decode(found, type=OrderIntent)
    early.disk.release()
    (command,) = [one for one in early.adapter.commands if isinstance(one, PlaceOrder)]
    assert intent.early.order_id == command.order_id
    await asyncio.sleep(0.02)
    assert journal.durable_n == before_n
    assert not [one for one in early.wire.messages() if "status" in one]
    early.release()
    reply = await early.reply()
    assert (reply["status"], reply["state"], reply["order_id"]) == (
        "accepted",
        "submitting",
        str(intent.early.order_id),
    )
    assert await early.money() == ("1000000", "6003")
    assert early.count(PlaceOrder) == 1


async def test_an_order_whose_intent_the_disk_fails_leaves_when_its_records_are_durable(
    early: EarlyHarness,
) -> None:
    early.disk.fails_intents = True
    early.disk.may_commit.clear()
    commits = early.disk.commits
    early.begin()
    await early.disk.until_committing(commits + 1)
    await asyncio.sleep(0.02)
    assert (len(early.disk.intents), early.count(PlaceOrder)) == (1, 0)
    early.release()
    assert (await early.reply())["status"] == "accepted"
    await early.sent(PlaceOrder)
    await early.durable()
    assert early.count(PlaceOrder) == 1


async def test_a_second_order_waits_for_its_records(early: EarlyHarness) -> None:
    early.disk.may_commit.clear()
    early.disk.holds_intents = True
    early.begin("a")
    early.begin("b")
    await early.disk.until_held()
    early.begin("c")  # in a later turn
    await asyncio.sleep(0.02)
    assert early.count(PlaceOrder) == 0
    early.disk.release()
    await asyncio.sleep(0.02)
    first = await early.sent(PlaceOrder)
    assert (len(early.disk.intents), early.count(PlaceOrder)) == (1, 1)
    early.release()
    for client_order_id in "abc":
        assert (await early.reply(client_order_id))["status"] == "accepted"
    await early.sent(PlaceOrder, 3)
    sent = [one for one in early.adapter.commands if isinstance(one, PlaceOrder)]
    assert [one.order_id - first.order_id for one in sent] == [0, 1, 2]


async def test_an_order_is_early_again_when_everything_is_durable(early: EarlyHarness) -> None:
    for number in range(5):
        await early.placed(f"n{number}")
        await early.durable()
    assert len(early.disk.intents) == 5


@pytest.mark.parametrize("is_later", [False, True])
async def test_an_order_that_is_cancelled_before_its_intent_is_written_never_leaves(
    early: EarlyHarness, is_later: bool
) -> None:
    early.disk.holds_intents = True
    early.begin()
    if is_later:
        await early.disk.until_held()
        await asyncio.sleep(0.01)
    early.wire.ask("order.cancel", id="c", client_order_id="a")
    await early.disk.until_held()
    early.release()
    assert (await early.reply())["status"] == "accepted"
    assert (await early.reply("c"))["status"] == "accepted"
    assert (await early.news("cancelled"))["state"] == "cancelled"
    assert early.count(PlaceOrder) == early.count(CancelOrder) == 0
    assert await early.money() == ("1000000", "0")


async def test_a_cancel_after_an_order_left_is_sent_when_the_venue_has_the_order(early: EarlyHarness) -> None:
    command = await early.left()
    early.wire.ask("order.cancel", id="c", client_order_id="a")
    early.report(PlaceAnswer(command.client_id, "accepted", "V1"))
    await asyncio.sleep(0.02)
    assert early.count(CancelOrder) == 0  # nothing of this is durable
    early.release()
    assert (await early.sent(CancelOrder)).client_id == command.client_id
    assert (await early.news("submitting"))["client_order_id"] == "a"
    assert (await early.news("new"))["client_order_id"] == "a"
    await early.durable()
    assert early.count(PlaceOrder) == 1


async def test_an_amend_while_the_intent_is_written_is_refused(early: EarlyHarness) -> None:
    await early.held()
    early.wire.ask("order.amend", id="m", client_order_id="a", price="59000")
    early.release()
    assert (await early.reply())["status"] == "accepted"
    assert (await early.reply("m"))["code"] == "venue_unavailable"
    await early.sent(PlaceOrder)
    await early.durable()
    assert (early.count(PlaceOrder), early.count(AmendOrder)) == (1, 0)


async def test_a_repetition_while_the_intent_is_written_is_the_same_order(early: EarlyHarness) -> None:
    await early.held()
    early.wire.ask("order.place", id="again", client_order_id="a", **NEAR)
    early.wire.ask("order.place", id="other", client_order_id="a", **{**NEAR, "quantity": "0.20"})
    early.release()
    first, again = await early.reply(), await early.reply("again")
    assert (again["duplicate"], again["order_id"]) == (True, first["order_id"])
    assert (await early.reply("other"))["code"] == "duplicate_client_order_id"
    await early.durable()
    assert (len(early.disk.intents), early.count(PlaceOrder)) == (1, 1)
    await early.ask("order.place", client_order_id="a", **NEAR)
    assert len(early.disk.intents) == 1


# --- which orders are early ---------------------------------------------------------------------------


async def test_a_refused_order_is_overwritten_and_its_key_waits_until_one_is_accepted(
    early: EarlyHarness,
) -> None:
    other = GatewayHarness(early.gateway, early.disk, replace(ALICE, key="k9"))
    early.begin("r", **TOO_LATE)
    assert (await early.reply("r"))["code"] == "deadline_passed"
    assert (len(early.disk.intents), early.disk.discarded) == (1, 1)
    async with asyncio.timeout(10):
        while any(early.disk.block()):
            await asyncio.sleep(0.001)
    early.begin("r2", **TOO_LATE)
    assert (await early.reply("r2"))["code"] == "deadline_passed"
    assert len(early.disk.intents) == 1
    await other.ask("order.place", client_order_id="o", **NEAR)  # another key
    assert len(early.disk.intents) == 2
    await early.durable()
    await early.placed("a")  # accepted, by its records
    assert len(early.disk.intents) == 2
    await early.durable()
    await early.placed("b")
    assert len(early.disk.intents) == 3
    sent = [one.order_id for one in early.adapter.commands if isinstance(one, PlaceOrder)]
    assert sent == [sent[0], sent[0] + 1, sent[0] + 2]


async def test_an_order_after_a_refused_one_of_the_same_turn_leaves_by_its_records(
    early: EarlyHarness,
) -> None:
    """Both would have the same id. The file still has the one that was refused."""
    early.disk.holds_intents = True
    early.disk.may_commit.clear()
    other = GatewayHarness(early.gateway, early.disk, replace(ALICE, key="k9"))
    early.begin("r", **TOO_LATE)
    other.wire.ask("order.place", client_order_id="a", **NEAR)
    await early.disk.until_held()
    early.disk.release()
    await asyncio.sleep(0.02)
    assert (len(early.disk.intents), early.count(PlaceOrder)) == (1, 0)
    early.release()
    assert (await early.reply("r"))["code"] == "deadline_passed"
    await early.sent(PlaceOrder)
    await early.durable()
    assert early.count(PlaceOrder) == 1


@pytest.mark.parametrize(
    "fields",
    [
        {"type": "market"},
        {"type": "stop", "stop_price": "60500"},
        {"symbol": "ETH-USDT"},
    ],
)
async def test_others_are_not_early(early: EarlyHarness, fields: Message) -> None:
    terms = {**NEAR, **fields}
    if "type" in fields:
        del terms["price"]
    await early.ask("order.place", client_order_id="a", **terms)
    assert early.disk.intents == []


async def test_orders_of_another_account_and_of_a_closed_venue_are_not_early(early: EarlyHarness) -> None:
    other = GatewayHarness(early.gateway, early.disk, BOB)
    assert (await other.ask("order.place", client_order_id="a", **NEAR))["code"] == "forbidden"
    early.report(LinkDown())
    await early.ask("order.place", client_order_id="a", **NEAR)
    assert early.disk.intents == []


async def test_an_order_after_a_change_of_the_same_turn_is_not_early(early: EarlyHarness) -> None:
    early.wire.ask("session.deadman", id="g", timeout_s=60)
    early.begin()
    assert (await early.reply())["status"] == "accepted"
    await early.sent(PlaceOrder)
    assert early.disk.intents == []


async def test_an_order_while_a_record_is_not_durable_is_not_early(early: EarlyHarness) -> None:
    commits = early.disk.commits
    early.disk.may_commit.clear()
    early.wire.ask("session.deadman", id="g", timeout_s=60)
    await early.disk.until_committing(commits + 1)
    early.begin()
    await asyncio.sleep(0.02)
    assert (early.disk.intents, early.count(PlaceOrder)) == ([], 0)
    early.release()
    assert (await early.reply())["status"] == "accepted"
    await early.sent(PlaceOrder)


# --- what happens meanwhile ---------------------------------------------------------------------------


def halt(order_manager: OrderManager, stamp_us: int) -> tuple[list[object], MassCancel]:
    entry = order_manager.halt("account", "alice", stamp_us)
    return [entry], MassCancel(account="alice", code=Code.MARKET_HALTED)


async def test_a_halt_while_the_intent_is_written_keeps_the_order_here(early: EarlyHarness) -> None:
    await early.held()
    early.gateway.desk.operators.administer(early.wire.connection, Done(id="halt"), halt)  # type: ignore[arg-type]
    early.release()
    assert (await early.news("cancelled"))["code"] == "market_halted"
    await early.durable()
    assert early.count(PlaceOrder) == 0
    assert await early.money() == ("1000000", "0")


async def test_a_lost_stream_while_the_intent_is_written_keeps_the_order_here(early: EarlyHarness) -> None:
    await early.held()
    early.report(LinkDown())
    early.release()
    assert (await early.news("unknown"))["state"] == "unknown"
    early.report(LinkUp())
    assert (await early.news("rejected"))["code"] == "venue_unavailable"
    assert early.count(PlaceOrder) == 0
    assert await early.money() == ("1000000", "0")


async def test_waiting_for_the_disk_and_the_state_append_what_waits(early: EarlyHarness) -> None:
    await early.held()
    desk = early.gateway.desk
    n, state = desk.state()
    assert any(b'"a"' in piece or b"\xa1a" in piece for piece in state)
    await early.durable()
    assert early.disk.journal is not None
    assert early.disk.journal.durable_n == n
    assert (await early.reply())["state"] == "submitting"
    assert early.count(PlaceOrder) == 0
    early.begin("b")  # not early: nobody was told of the other block
    early.release()
    await early.sent(PlaceOrder, 2)
    await early.durable()
    assert (early.count(PlaceOrder), len(early.disk.intents)) == (2, 1)


async def test_draining_and_closing_with_an_intent_on_its_way(early: EarlyHarness, starts: Starts) -> None:
    await early.held()
    early.gateway.desk.drain()
    adapter = early.adapter
    await starts.end()  # the block is told only now
    assert len([one for one in adapter.commands if isinstance(one, PlaceOrder)]) <= 1
    again = await starts.start()
    assert await again.until_known() == "rejected"
    assert again.count(PlaceOrder) == 0


# --- kills: the rows of docs/live-orders.md -----------------------------------------------------------


def has(command: PlaceOrder) -> Callable[[ScriptedAdapter], None]:
    """The venue has the order."""

    def prepare(adapter: ScriptedAdapter) -> None:
        adapter.known[command.client_id] = seen(command)

    return prepare


def cut(moment: Moment, size: int) -> None:
    """The disk has only so many bytes of the new block."""
    moment.files[intent_file.FILE] = moment.files[intent_file.FILE][:size].ljust(
        intent_file.BLOCK_BYTES, b"\0"
    )


def with_block(early: EarlyHarness) -> Moment:
    """Return this moment, in which the block is not overwritten yet, or is back after a power cut."""
    moment = Moment(early.disk.folder)
    content = intent_file.encode(early.disk.last_n(), early.disk.intents[-1])
    moment.files[intent_file.FILE] = content.ljust(intent_file.BLOCK_BYTES, b"\0")
    return moment


async def test_killed_before_the_block_is_whole(early: EarlyHarness, starts: Starts) -> None:
    await early.held()
    moment = Moment(early.disk.folder)
    cut(moment, 40)
    again = await starts.kill(moment)
    assert await again.rows("orders") == []
    assert (await again.ask("order.status", client_order_id="a"))["code"] == "unknown_order"
    assert await again.money() == ("1000000", "0")
    command = await again.placed()  # the client sends it again
    assert command.order_id > 0


async def test_killed_when_the_block_is_written_and_the_order_not_sent(
    early: EarlyHarness, starts: Starts
) -> None:
    await early.held()
    assert early.count(PlaceOrder) == 0
    again = await starts.kill(Moment(early.disk.folder))
    assert await again.until_known() == "rejected"
    assert again.count(PlaceOrder) == 0
    assert again.count(QueryOrder) >= 1
    assert await again.money() == ("1000000", "0")
    reply = await again.ask("order.place", client_order_id="a", **NEAR)
    assert reply["duplicate"] is True
    await again.durable()
    assert again.count(PlaceOrder) == 0


async def test_killed_when_it_was_sent_and_its_records_are_not_durable(
    early: EarlyHarness, starts: Starts
) -> None:
    first = await early.placed("before")
    early.report(PlaceAnswer(first.client_id, "accepted", "V0"))
    await early.durable()
    command = await early.left()
    again = await starts.kill(
        Moment(early.disk.folder), lambda adapter: (has(first)(adapter), has(command)(adapter))[0]
    )
    assert await again.until_known() == "new"
    assert again.count(PlaceOrder) == 0
    assert await again.money() == ("1000000", "12006")
    (row,) = [row for row in await again.rows("orders") if row["client_order_id"] == "a"]
    assert row["order_id"] == str(command.order_id)
    following = await again.placed("c")
    assert following.order_id == command.order_id + 1
    assert following.client_id not in (first.client_id, command.client_id)


async def test_killed_when_it_was_sent_and_filled_and_nothing_of_it_is_durable(
    early: EarlyHarness, starts: Starts
) -> None:
    command = await early.left()

    def prepare(adapter: ScriptedAdapter) -> None:
        adapter.known[command.client_id] = seen(command, "filled", "0.10")
        adapter.executions[command.client_id] = (fill(command),)

    again = await starts.kill(Moment(early.disk.folder), prepare)
    assert await again.until_known() == "filled"
    (row,) = await again.rows("fills")
    assert (row["order_id"], row["quantity"]) == (str(command.order_id), "0.10")
    assert again.count(PlaceOrder) == 0


async def test_killed_when_it_was_refused_for_want_of_money(early: EarlyHarness, starts: Starts) -> None:
    """The accounts refuse it at the start, too."""
    early.disk.holds_intents = True
    early.begin("r", **{**NEAR, "quantity": "90.00"})
    await early.disk.until_held()
    again = await starts.kill(with_block(early))
    assert (await again.ask("order.status", client_order_id="r"))["code"] == "unknown_order"
    assert again.count(PlaceOrder) == 0
    assert (await again.placed()).order_id > 0


async def test_killed_when_its_records_are_durable(early: EarlyHarness, starts: Starts) -> None:
    command = await early.placed()
    early.report(PlaceAnswer(command.client_id, "accepted", "V1"))
    await early.durable()
    early.wire.ask("order.cancel", id="c", client_order_id="a")
    await early.sent(CancelOrder)
    early.report(seen(command, "cancelled"))
    assert (await early.news("cancelled"))["state"] == "cancelled"
    await early.durable()
    again = await starts.kill(Moment(early.disk.folder))
    assert await again.state() == "cancelled"
    assert await again.money() == ("1000000", "0")


async def test_killed_when_it_was_refused(early: EarlyHarness, starts: Starts) -> None:
    early.disk.holds_intents = True
    early.begin("r", **TOO_LATE)
    await early.disk.until_held()
    again = await starts.kill(with_block(early))
    assert await again.until_known("r") == "rejected"
    assert again.count(PlaceOrder) == 0
    assert await again.money() == ("1000000", "0")


async def test_a_second_kill_finds_what_the_first_one_found(early: EarlyHarness, starts: Starts) -> None:
    command = await early.left()
    moment = Moment(early.disk.folder)
    for _ in range(2):
        again = await starts.kill(moment, has(command))
        assert await again.until_known() == "new"
        await again.durable()
        assert again.count(PlaceOrder) == 0
        moment = Moment(again.disk.folder)
    assert await again.money() == ("1000000", "6003")


# --- the journal fails --------------------------------------------------------------------------------


async def test_the_journal_fails_after_an_order_left(early: EarlyHarness) -> None:
    """The accounts are read again, and the file has what the journal lost."""
    command = await early.left()
    early.adapter.known[command.client_id] = seen(command)
    early.disk.fails_commits = True
    early.disk.may_commit.set()
    assert (await early.reply())["code"] == "internal"
    early.disk.fails_commits = False
    await early.until_open()
    assert await early.until_known() == "new"
    assert early.count(PlaceOrder) == 1
    assert await early.money() == ("1000000", "6003")


async def test_the_journal_fails_while_the_intent_is_written(early: EarlyHarness) -> None:
    await early.held()
    journal = early.disk.journal
    assert journal is not None
    journal.check()
    early.gateway.desk._lifecycle.state.committer.fail(OSError("as the disk"))  # type: ignore[union-attr]
    early.release()
    assert (await early.reply())["code"] == "internal"
    await early.until_open()
    assert await early.until_known() == "rejected"
    assert early.count(PlaceOrder) == 0
    assert await early.money() == ("1000000", "0")
