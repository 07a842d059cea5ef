"""Paper accounts that a key's owner makes: within the limits, and for no more than the key itself is for."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire.auth.grant import Grant
from floorwire.config.trading import AccountSettings
from floorwire.core.authorization import Scope
from tests.web.admin_server import AdminServer, open_admin_server

TRADER = (Scope.MARKET, Scope.ACCOUNT, Scope.TRADE)


@pytest.fixture
def server(tmp_path: Path) -> AdminServer:
    return open_admin_server(
        tmp_path, accounts=AccountSettings(own_accounts=2, own_deposit=("USDT=500", "BTC=1"))
    )


def test_an_owner_makes_accounts_up_to_the_limit(server: AdminServer) -> None:
    alice = server.key(Grant("alice", TRADER))
    server.key(Grant("alicia--x", TRADER))
    with server.client() as http:
        made = http.post("/api/v1/accounts", json={"name": "grid"}, headers=alice)
        assert (made.status_code, made.json()["account"]) == (201, "alice--grid")
        own = {"authorization": f"Bearer {made.json()['key']}.{made.json()['secret']}"}
        assert http.get("/api/v1/accounts", headers=own).json()["accounts"] == ["alice--grid"]
        again = http.post("/api/v1/accounts", json={"name": "grid"}, headers=alice)
        assert (again.status_code, again.json()["details"]) == (400, {"field": "name"})
        second = http.post("/api/v1/accounts", json={"name": "b"}, headers=own)
        assert second.json()["account"] == "alice--b", "an account of the same owner"
        for headers in (alice, own):
            refused = http.post("/api/v1/accounts", json={"name": "c"}, headers=headers)
            assert (refused.status_code, refused.json()["details"]) == (403, {"limit": 2})
        listed = http.get("/api/v1/accounts", headers=alice).json()["accounts"]
        assert listed == ["alice", "alice--b", "alice--grid"]
    every = server.gateway.data_dir.keys.deposits()
    deposits = [(one.account, one.asset, one.amount) for one in every if one.account.startswith("alice--")]
    assert deposits == [
        (account, asset, amount)
        for account in ("alice--grid", "alice--b")
        for asset, amount in (("USDT", "500"), ("BTC", "1"))
    ]
    made_events = [line for line in server.audit() if line["event"] == "accounts.create"]
    assert [str(line["target"]).split()[0] for line in made_events] == ["alice--grid", "alice--b"]


def test_its_key_may_no_more_than_the_one_that_made_it(server: AdminServer) -> None:
    narrow = Grant(
        "alice", (*TRADER, Scope.ADMIN), symbols=("BTC-USDT",), max_notional="50.5",
        addresses=("127.0.0.0/8",), expires_us=4 * 10**15,
    )  # fmt: skip
    shown = server.key(narrow)
    with server.client() as http:
        key = http.post("/api/v1/accounts", json={"name": "x"}, headers=shown).json()["key"]
    made = server.gateway.data_dir.keys.find(key).grant
    assert made == Grant(
        "alice--x", TRADER, symbols=("BTC-USDT",), max_notional="50.5", addresses=("127.0.0.0/8",),
        expires_us=4 * 10**15,
    )  # fmt: skip


def test_a_key_for_some_accounts_makes_no_other(server: AdminServer) -> None:
    shown = server.key(Grant("alice", TRADER, accounts=("alice", "alice--mine")))
    with server.client() as http:
        refused = http.post("/api/v1/accounts", json={"name": "x"}, headers=shown)
        assert (refused.status_code, refused.json()["details"]) == (403, {"account": "alice--x"})
        made = http.post("/api/v1/accounts", json={"name": "mine"}, headers=shown)
        assert made.json()["account"] == "alice--mine"


@pytest.mark.parametrize("name", ["", "-a", "a.b", "x" * 21, "a/b", "ä"])
def test_a_name_that_no_account_can_have_is_refused(server: AdminServer, name: str) -> None:
    with server.client() as http:
        refused = http.post("/api/v1/accounts", json={"name": name}, headers=server.key(Grant("al", TRADER)))
        assert (refused.status_code, refused.json()["code"]) == (400, "bad_request")


def test_who_may_not_trade_makes_none_and_by_default_nobody_does(tmp_path: Path, server: AdminServer) -> None:
    with server.client() as http:
        reader = server.key(Grant("alice", (Scope.ACCOUNT,)))
        assert http.post("/api/v1/accounts", json={"name": "x"}, headers=reader).json()["code"] == "forbidden"
        assert http.post("/api/v1/accounts", json={"name": "x"}).json()["code"] == "unauthenticated"
    other = open_admin_server(tmp_path / "other")
    with other.client() as http:
        refused = http.post("/api/v1/accounts", json={"name": "x"}, headers=other.key(Grant("alice", TRADER)))
        assert (refused.status_code, refused.json()["details"]) == (403, {"limit": 0})
