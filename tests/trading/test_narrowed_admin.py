"""Admins of some accounts or symbols: they give no more than they have, and see nothing of others."""

from __future__ import annotations

import time
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import caller, key, serving

ADMIN = (Scope.ADMIN, Scope.MARKET, Scope.ACCOUNT)
BOB = {"account": "bob", "scopes": ["market"]}


class ServerWithKeys:
    """A server with an admin of everything, and keys of alice and bob."""

    def __init__(self, server: Server, folder: Path) -> None:
        self.server = server
        self.folder = folder
        self.ops = self.key(Grant("ops", ADMIN))
        self.alice, self.bob = key(folder, "alice"), key(folder, "bob")

    def key(self, grant: Grant) -> Issued:
        """Make a key beside the server."""
        return DataDir(self.folder, {}).keys.create(grant, {}, time.time_ns() // 1_000)


@pytest.fixture(scope="module")
def at(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerWithKeys]:
    folder = tmp_path_factory.mktemp("data")
    with serving(folder) as server:
        yield ServerWithKeys(server, folder)


@pytest.fixture
def root(at: ServerWithKeys) -> Iterator[httpx2.Client]:
    with caller(at.server, at.ops) as http:
        yield http
        for row in http.get("/halts").json()["halts"]:
            http.delete("/halts", params=row)


def halts(http: httpx2.Client) -> list[tuple[str, str]]:
    return [(row["scope"], row["name"]) for row in http.get("/halts").json()["halts"]]


def test_an_admin_of_one_address_makes_no_admin_of_all(at: ServerWithKeys) -> None:
    here = at.key(Grant("ops", ADMIN, addresses=("127.0.0.1",)))
    everywhere = at.key(Grant("ops", ADMIN))
    with caller(at.server, here) as http:
        for addresses in ([], ["0.0.0.0/0"], ["127.0.0.0/8"], ["127.0.0.1", "10.0.0.1"], ["::/0"]):
            refused = http.post("/keys", json={**BOB, "scopes": ["admin"], "addresses": addresses})
            assert (refused.status_code, refused.json()["details"]) == (403, {"field": "addresses"})
        assert http.post(f"/keys/{everywhere.key}/rotate").status_code == 403
        made = http.post("/keys", json={**BOB, "addresses": ["127.0.0.1"]})
        assert made.status_code == 201
        assert http.post(f"/keys/{made.json()['key']}/rotate").status_code == 200


def test_an_admin_of_an_account_sees_halts_of_its_own_only(at: ServerWithKeys, root: httpx2.Client) -> None:
    narrow = at.key(Grant("alice", ADMIN, accounts=("alice",)))
    own = [("symbol", "BTC-USDT"), ("account", "alice"), ("key", at.alice.key)]
    others = [("account", "bob"), ("key", at.bob.key), ("key", "fw0123456789abcdef")]
    for scope, name in (*own, *others):
        assert root.post("/halts", json={"scope": scope, "name": name}).status_code == 200
    with caller(at.server, narrow) as http:
        assert sorted(halts(http)) == sorted(own)
        for row in (
            {"scope": "all"},
            *({"scope": scope, "name": name} for scope, name in (own[0], own[2], *others)),
        ):
            assert http.post("/halts", json=row).status_code == 403
            assert http.delete("/halts", params=row).status_code == 403
        assert http.delete("/halts", params={"scope": "account", "name": "alice"}).status_code == 200
    assert ("account", "alice") not in halts(root)
    assert root.post("/halts", json={"scope": "all"}).status_code == 200
    with caller(at.server, narrow) as http:
        assert ("all", "") in halts(http), "it stops alice too"


def test_an_admin_of_a_symbol_halts_and_sees_no_other(at: ServerWithKeys, root: httpx2.Client) -> None:
    narrow = at.key(Grant("ops", ADMIN, symbols=("BTC-USDT",)))
    for symbol in ("BTC-USDT", "ETH-USDT"):
        assert root.post("/halts", json={"scope": "symbol", "name": symbol}).status_code == 200
    with caller(at.server, narrow) as http:
        assert halts(http) == [("symbol", "BTC-USDT")]
        for row in (
            {"scope": "all"}, {"scope": "account", "name": "bob"}, {"scope": "key", "name": at.bob.key},
            {"scope": "symbol", "name": "ETH-USDT"}, {"scope": "symbol", "name": "ethusdt"},
        ):  # fmt: skip
            assert http.post("/halts", json=row).status_code == 403
            assert http.delete("/halts", params=row).status_code == 403
        assert http.delete("/halts", params={"scope": "symbol", "name": "btcusdt"}).status_code == 200
    assert halts(root) == [("symbol", "ETH-USDT")]


@pytest.mark.parametrize(
    "narrow",
    [
        Grant("alice", ADMIN, accounts=("alice",)),
        Grant("ops", ADMIN, symbols=("BTC-USDT",)),
    ],
    ids=["account", "symbol"],
)
def test_a_narrowed_admin_is_not_told_the_state_of_all_accounts(
    at: ServerWithKeys, root: httpx2.Client, narrow: Grant
) -> None:
    assert root.get("/journal").status_code == 200
    with caller(at.server, at.key(narrow)) as http:
        refused = http.get("/journal")
        assert (refused.status_code, refused.json()["code"]) == (403, "forbidden")


def test_a_list_of_keys_names_no_account_that_its_reader_may_not_see(at: ServerWithKeys) -> None:
    shared = at.key(Grant("alice", (Scope.MARKET,), accounts=("alice", "bob")))
    narrow = at.key(Grant("alice", ADMIN, accounts=("alice",)))
    with caller(at.server, narrow) as http:
        said = http.get("/keys").json()
        assert {row["account"] for row in said["keys"]} == {"alice"}
        (row,) = (row for row in said["keys"] if row["key"] == shared.key)
        assert row["accounts"] == ["alice"]
        assert "faults" not in said
        assert "bob" not in http.get("/keys").text


def test_limits_hold_for_all_symbols_so_no_admin_of_some_sets_them(at: ServerWithKeys) -> None:
    narrow = at.key(Grant("ops", ADMIN, symbols=("BTC-USDT",)))
    with caller(at.server, narrow) as http:
        refused = http.put("/limits/alice", json={"max_open_orders": 0})
        assert (refused.status_code, refused.json()["details"]) == (403, {"field": "symbols"})


def test_an_admin_with_a_largest_order_allows_no_larger_one(at: ServerWithKeys) -> None:
    narrow = at.key(Grant("ops", ADMIN, max_notional="100"))
    with caller(at.server, narrow) as http:
        for limits in ({}, {"max_order_notional": "100.01"}, {"max_order_notional": "x"}):
            for key_of in ({}, {"key": at.bob.key}):
                refused = http.put("/limits/bob", json=limits, params=key_of)
                assert (refused.status_code, refused.json()["details"]) == (
                    403,
                    {"field": "max_order_notional"},
                )
        assert http.put("/limits/bob", json={"max_order_notional": "100"}).status_code == 200


def test_names_that_no_market_trades_are_refused_as_on_the_command_line(at: ServerWithKeys) -> None:
    new = {"account": "zed", "scopes": ["market"]}
    with caller(at.server, at.ops) as http:
        for more, field in (({"deposit": {"NOPE": "5"}}, "deposit"), ({"symbols": ["FOO-BAR"]}, "symbols")):
            refused = http.post("/keys", json={**new, **more})
            assert (refused.status_code, refused.json()["details"]) == (400, {"field": field})
            assert "no market here trades" in refused.json()["message"]
        assert "zed" not in http.get("/keys").text


def test_an_admin_of_symbols_gives_only_what_they_trade_and_sees_keys_of_these_only(
    at: ServerWithKeys,
) -> None:
    narrow = at.key(Grant("ops", ADMIN, symbols=("BTC-USDT",)))
    other = at.key(Grant("bob", (Scope.MARKET,), symbols=("ETH-USDT",)))
    both = at.key(Grant("bob", (Scope.MARKET,), symbols=("ETH-USDT", "BTC-USDT")))
    new = {**BOB, "symbols": ["BTC-USDT"]}
    with caller(at.server, narrow) as http:
        refused = http.post("/keys", json={**new, "deposit": {"ETH": "1"}})
        assert (refused.status_code, refused.json()["details"]) == (403, {"field": "deposit"})
        assert http.post("/keys", json={**new, "deposit": {"USDT": "1"}}).status_code == 201
        rows = {row["key"]: row["symbols"] for row in http.get("/keys").json()["keys"]}
        assert other.key not in rows
        assert rows[both.key] == ["BTC-USDT"]
        assert "faults" not in http.get("/keys").json()
