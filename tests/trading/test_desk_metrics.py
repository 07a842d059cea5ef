"""What the desk adds up for whoever watches: every outcome by its name, and all of it over ``/metrics``."""

from __future__ import annotations

from pathlib import Path

import httpx2
import pytest

from floorwire.core.authorization import Scope
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.replies import AllCancelled, BalanceList, OrderAcceptedReply, error, order_error
from floorwire.trading.desk_metrics import outcome
from tests.servers import eventually, metrics
from tests.trading.trader import FREE, key, serving, trader

REFUSAL = Refusal(Code.TICK_SIZE, "price")


@pytest.mark.parametrize(
    ("reply", "name"),
    [
        (OrderAcceptedReply(order_id="1", client_order_id="a"), "accepted"),
        (OrderAcceptedReply(order_id="1", client_order_id="a", duplicate=True), "duplicate"),
        (AllCancelled(count=0, order_ids=[]), "accepted"),
        (BalanceList(balances=[]), "ok"),
        (order_error(REFUSAL, 1, "rejected"), "tick_size"),
        (order_error(REFUSAL, 1, "rejected", duplicate=True), "tick_size"),
        (error(REFUSAL), "tick_size"),
    ],
)
def test_each_reply_is_one_outcome(reply: Reply, name: str) -> None:
    assert outcome(reply) == name


async def test_what_the_desk_does_is_counted(tmp_path: Path) -> None:
    issued, admin = key(tmp_path), key(tmp_path, "ops", (Scope.ADMIN,), money={})
    with serving(tmp_path, *FREE, "--set=storage.snapshot_records=20") as server:
        async with trader(server, issued) as client:
            before = metrics(server)
            assert before["floorwire_fills_total"] == before["floorwire_open_orders"] == 0
            assert "floorwire_snapshot_age_seconds" not in before
            await client.ask("session.cancel_on_disconnect", enabled=True)
            await client.ask("session.deadman", timeout_s=60)
            await client.place("m1")
            await client.place("m1")
            await client.place("m2", price="61000.3")
            await client.place("m3", type="market", quantity="0.01")
            now = metrics(server)
            places = {
                outcome: now[f'floorwire_commands_total{{action="order.place",outcome="{outcome}"}}']
                for outcome in ("accepted", "duplicate", "tick_size")
            }
            assert places == {"accepted": 2, "duplicate": 1, "tick_size": 1}
            assert now["floorwire_open_orders"] == now["floorwire_accounts"] == 1
            assert now["floorwire_fills_total"] >= 1
            assert now["floorwire_journal_records_total"] > before["floorwire_journal_records_total"]
            assert now["floorwire_journal_waiting"] == 0
            assert now["floorwire_commit_seconds_count"] > before["floorwire_commit_seconds_count"]
            assert now['floorwire_guards{kind="disconnect"}'] == now['floorwire_guards{kind="deadman"}'] == 1
            for n in range(20):
                await client.place(f"more-{n}")
            assert eventually(lambda: metrics(server).get("floorwire_snapshot_record", 0) >= 20)
            assert 0 <= metrics(server)["floorwire_snapshot_age_seconds"] < 60
            shown = {"authorization": f"Bearer {admin.key}.{admin.secret}"}
            halt = {"scope": "symbol", "name": "BTC-USDT"}
            httpx2.post(
                server.http("/api/v1/halts"), json=halt, headers=shown, timeout=None
            ).raise_for_status()
            now = metrics(server)
            assert now['floorwire_halts{scope="symbol"}'] == 1
            assert now["floorwire_open_orders"] == 0


async def test_a_snapshot_that_cannot_be_saved_is_counted_and_the_next_one_is_saved(tmp_path: Path) -> None:
    issued = key(tmp_path)
    in_the_way = [tmp_path / f".snapshot-{n:020d}" for n in range(1, 200)]
    for path in in_the_way:
        path.mkdir()  # where a snapshot would be drafted
    with serving(tmp_path, *FREE, "--set=storage.snapshot_records=5") as server:
        async with trader(server, issued) as client:
            for n in range(5):
                await client.place(f"lost-{n}")
            assert eventually(lambda: metrics(server)["floorwire_snapshot_failures_total"] > 0)
            assert metrics(server)["floorwire_snapshot_record"] == 0
            assert "floorwire_snapshot_age_seconds" not in metrics(server)
            assert 'event="snapshot not saved"' in server.log
            for path in in_the_way:
                path.rmdir()
            for n in range(10):  # a snapshot is due after more records than there are orders
                await client.place(f"saved-{n}")
                await client.ask("order.cancel_all")
            assert eventually(lambda: metrics(server)["floorwire_snapshot_record"] > 0)
            assert metrics(server)["floorwire_checkpoint_failures_total"] == 0


def test_a_deposit_that_is_too_much_is_seen(tmp_path: Path) -> None:
    key(tmp_path)
    key(tmp_path, "rich", money={"USDT": "9" * 30})
    with serving(tmp_path, *FREE) as server:
        now = metrics(server)
        assert now["floorwire_deposits_uncredited"] == 1
        refused = [now[f'floorwire_orders_refused{{reason="{why}"}}'] for why in ("journal", "behind")]
        assert refused == [0, 0]
