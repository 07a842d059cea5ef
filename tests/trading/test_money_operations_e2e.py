"""Operators' withdrawals, transfers and resets over real sockets: once, durable, and never of real money."""

from __future__ import annotations

import json
import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from floorwire.storage.key_store import Issued
from tests.cli.operator import operate, written
from tests.servers import Server
from tests.trading.trader import FREE, caller, key, serving, trader

ADMIN = (Scope.ADMIN,)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("money")


@pytest.fixture(scope="module")
def alice(folder: Path) -> Issued:
    return key(folder, "alice", money={"USDT": "1000", "BTC": "2"})


@pytest.fixture(scope="module")
def bob(folder: Path) -> Issued:
    return key(folder, "bob", money={"USDT": "50"})


@pytest.fixture(scope="module")
def operator(folder: Path) -> Issued:
    return key(folder, "ops", ADMIN, money={})


@pytest.fixture(scope="module")
def server(folder: Path, alice: Issued, bob: Issued, operator: Issued) -> Iterator[Server]:
    live = "--set=venues.other.account=trader"
    with serving(folder, *FREE, "--set=venues.other.kind=kraken", live) as running:
        yield running


@pytest.fixture
def ops(server: Server, operator: Issued) -> Iterator[httpx2.Client]:
    with caller(server, operator) as http:
        yield http


@pytest.fixture(autouse=True)
def balances(ops: httpx2.Client) -> None:
    """Give alice and bob what each test begins with."""
    number = time.time_ns()
    for account, money in (("alice", {"USDT": "1000", "BTC": "2"}), ("bob", {"USDT": "50"})):
        asked = {"request_id": f"{account}-{number}", "balances": money}
        assert ops.post(f"/accounts/{account}/reset", json=asked).json()["status"] == "ok"


def money(server: Server, issued: Issued) -> dict[str, str]:
    with caller(server, issued) as http:
        return {
            row["asset"]: row["total"]
            for row in http.get("/balances").json()["balances"]
            if row["total"] != "0"
        }


def audit(folder: Path, event: str) -> list[str]:
    lines = [json.loads(line) for line in (folder / "audit.jsonl").read_text().splitlines()]
    return [line["target"] for line in lines if line.get("event") == event]


def test_a_withdrawal_is_done_once(server: Server, folder: Path, ops: httpx2.Client, alice: Issued) -> None:
    asked = {"request_id": "w-1", "asset": "usdt", "amount": "400.50"}
    assert ops.post("/accounts/alice/withdrawals", json=asked).json() == {"status": "ok", "request_id": "w-1"}
    for same in (asked, {**asked, "amount": "400.5", "asset": "sim:USDT"}):
        again = ops.post("/accounts/alice/withdrawals", json=same)
        assert (again.status_code, again.json()["duplicate"]) == (200, True)
    assert money(server, alice) == {"USDT": "599.5", "BTC": "2"}
    for path, other in (
        ("alice/withdrawals", {"amount": "1"}),
        ("alice/withdrawals", {"asset": "BTC"}),
        ("bob/withdrawals", {}),
        ("alice/transfers", {"to": "bob"}),
    ):
        refused = ops.post(f"/accounts/{path}", json={**asked, **other})
        assert (refused.status_code, refused.json()["code"]) == (409, "duplicate_request_id")
    with caller(server, alice) as http:
        entry = http.get("/ledger", params={"limit": 1}).json()["entries"][0]
    assert (entry["cause"], entry["amount"], entry["reference"]) == ("withdrawal", "-400.5", "w-1")
    time.sleep(0.3)  # the audit log is written by a thread
    assert audit(folder, "accounts.withdraw") == ["w-1 alice usdt=400.50"]


async def test_only_what_no_order_holds_is_taken(server: Server, ops: httpx2.Client, alice: Issued) -> None:
    async with trader(server, alice, "balances") as client:
        placed = await client.ask(
            "order.place", client_order_id=f"h{time.time_ns()}", symbol="BTC-USDT", side="buy",
            price="60000", quantity="0.01",
        )  # fmt: skip
        assert placed["status"] == "accepted"
        (row,) = [row for row in await client.rows("balances") if row["asset"] == "USDT"]
        asked = {"request_id": f"w{time.time_ns()}", "asset": "USDT", "amount": "400"}
        refused = ops.post("/accounts/alice/withdrawals", json=asked).json()
        assert (refused["code"], refused["details"]["asset"]) == ("insufficient_balance", "USDT")
        taken = {**asked, "amount": row["available"]}
        assert ops.post("/accounts/alice/withdrawals", json=taken).json()["status"] == "ok"
        (row,) = [row for row in await client.rows("balances") if row["asset"] == "USDT"]
        assert (row["available"], row["total"]) == ("0", row["held"])
        assert client.events["balances"][-1]["balances"] == [row]


def test_a_transfer_moves_all_or_nothing(
    server: Server, ops: httpx2.Client, alice: Issued, bob: Issued
) -> None:
    asked = {"request_id": "t-1", "to": "bob", "asset": "BTC", "amount": "0.5"}
    assert ops.post("/accounts/alice/transfers", json=asked).json()["status"] == "ok"
    assert ops.post("/accounts/alice/transfers", json=asked).json()["duplicate"] is True
    assert money(server, alice) == {"USDT": "1000", "BTC": "1.5"}
    assert money(server, bob) == {"USDT": "50", "BTC": "0.5"}
    with caller(server, bob) as http:
        entry = http.get("/ledger", params={"limit": 1}).json()["entries"][0]
    assert (entry["cause"], entry["amount"], entry["account"]) == ("transfer", "0.5", "alice")
    for wrong in ({"to": "alice"}, {"to": "nobody"}, {"amount": "9"}, {"amount": "0"}, {"asset": "NOPE"}):
        refused = ops.post("/accounts/alice/transfers", json={**asked, "request_id": "t-2", **wrong})
        assert refused.json()["code"] in ("bad_request", "insufficient_balance")
    assert money(server, bob) == {"USDT": "50", "BTC": "0.5"}


@pytest.mark.parametrize("orders", [1, 150])
async def test_a_reset_cancels_orders_first(
    server: Server, ops: httpx2.Client, alice: Issued, orders: int
) -> None:
    async with trader(server, alice, "orders", "positions") as client:
        name = f"r{time.time_ns()}"
        for number in range(orders):
            await client.send("order.place", client_order_id=f"{name}-{number}", symbol="BTC-USDT",
                              side="buy", price="50000", quantity="0.0001")  # fmt: skip
        await client.send("order.place", client_order_id=f"{name}-m", symbol="BTC-USDT", side="sell",
                          type="market", quantity="0.01")  # fmt: skip
        assert len(await client.rows("orders")) == orders
        asked = {"request_id": name, "balances": {"USDT": "777", "sim:ETH": "3"}}
        assert ops.post("/accounts/alice/reset", json=asked).json()["status"] == "ok"
        assert money(server, alice) == {"USDT": "777", "ETH": "3"}
        assert await client.rows("orders") == []
        await client.until("orders", "cancelled", f"{name}-0")
        cancelled = [event for event in client.events["orders"] if event["event"] == "cancelled"]
        assert {event["code"] for event in cancelled} == {"market_halted"}
        positions = {row["symbol"]: row for row in await client.rows("positions")}
        assert positions["BTC-USDT"]["quantity"] == positions["BTC-USDT"]["realised"] == "0"
        assert (await client.place(f"{name}-after", symbol="BTC-USDT", side="buy", price="50000",
                                   quantity="0.001"))["status"] == "accepted"  # fmt: skip
        assert ops.post("/accounts/alice/reset", json=asked).json()["duplicate"] is True
        assert len(await client.rows("orders")) == 1, (
            "what came after the reset is not cancelled by its repetition"
        )


def test_an_account_with_real_money_is_left_alone(ops: httpx2.Client) -> None:
    ask = {"request_id": "live", "asset": "USDT", "amount": "1"}
    for path, more in (("trader/withdrawals", {}), ("alice/transfers", {"to": "trader"})):
        refused = ops.post(f"/accounts/{path}", json={**ask, **more})
        assert refused.json()["code"] in ("forbidden", "bad_request")
    refused = ops.post("/accounts/trader/reset", json={"request_id": "live", "balances": {}})
    assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_admins_of_others_and_of_some_symbols_may_not(server: Server, folder: Path, alice: Issued) -> None:
    keys = DataDir(folder, {}).keys
    now_us = time.time_ns() // 1000
    of_bob = keys.create(Grant("bob", ADMIN, accounts=("bob",)), {}, now_us)
    of_symbol = keys.create(Grant("ops", ADMIN, symbols=("BTC-USDT",)), {}, now_us)
    ask = {"request_id": "x", "asset": "USDT", "amount": "1"}
    for shown, path, more in (
        (of_bob, "alice/withdrawals", {}),
        (of_bob, "bob/transfers", {"to": "alice"}),
        (of_symbol, "alice/withdrawals", {}),
        (alice, "alice/withdrawals", {}),
    ):
        with caller(server, shown) as http:
            refused = http.post(f"/accounts/{path}", json={**ask, **more})
            assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")
    with caller(server, of_bob) as http:
        assert http.post("/accounts/bob/withdrawals", json=ask).json()["status"] == "ok"


def test_the_commands_do_the_same(
    server: Server, tmp_path: Path, operator: Issued, alice: Issued, bob: Issued
) -> None:
    file, url = written(tmp_path / "ops.key", operator), server.http()
    said = operate(url, file, "accounts", "withdraw", "alice", "USDT=100", "--request-id", "c-1").output
    assert said.splitlines() == ["request id: c-1", "done"]
    assert (
        "done before"
        in operate(url, file, "accounts", "withdraw", "alice", "USDT=100", "--request-id", "c-1").output
    )
    operate(url, file, "accounts", "transfer", "alice", "bob", "BTC=1")
    assert money(server, alice) == {"USDT": "900", "BTC": "1"}
    operate(url, file, "accounts", "reset", "bob", "USDT=5", "BTC=6")
    assert money(server, bob) == {"USDT": "5", "BTC": "6"}
    operate(url, file, "accounts", "reset", "bob")
    assert money(server, bob) == {}
    assert (
        "insufficient_balance" in operate(url, file, "accounts", "withdraw", "bob", "USDT=100", code=1).output
    )
    operate(url, file, "accounts", "withdraw", "bob", "USDT", code=2)


def test_what_was_moved_is_known_after_a_kill(folder: Path, tmp_path: Path) -> None:
    shown, carol = key(tmp_path, "ops", ADMIN, money={}), key(tmp_path, "carol", money={"USDT": "10"})
    asked = {"request_id": "k-1", "asset": "USDT", "amount": "4"}
    for again in (False, True):
        with serving(tmp_path) as server, caller(server, shown) as http:
            reply = http.post("/accounts/carol/withdrawals", json=asked).json()
            assert reply.get("duplicate", False) is again
            assert money(server, carol) == {"USDT": "6"}
            server.process.kill()
