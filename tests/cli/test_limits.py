"""``floorwire limits`` against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from floorwire.storage.key_store import Issued
from tests.cli.operator import operate
from tests.servers import Server
from tests.trading.trader import serving, trader


@pytest.fixture(scope="module")
def server(folder: Path, file: Path, issued: Issued) -> Iterator[Server]:
    with serving(folder, "--set=risk.max_open_orders=7") as running:
        yield running


def shown(server: Server, file: Path, *of: str) -> dict[str, str | int | dict[str, str]]:
    limits: dict[str, str | int | dict[str, str]]
    limits = json.loads(operate(server.http(), file, "limits", "show", *of, "--json").stdout)["limits"]
    return limits


def change(server: Server, file: Path, *changes: str, code: int = 0) -> str:
    return operate(server.http(), file, "limits", "set", *changes, code=code).output


def test_an_account_has_the_default_limits_until_it_is_given_its_own(server: Server, file: Path) -> None:
    assert shown(server, file, "nobody")["max_open_orders"] == 7
    said = operate(server.http(), file, "limits", "show", "nobody").stdout
    assert "its own" not in said
    (line,) = [line for line in said.splitlines() if "max_open_orders" in line]
    assert [cell.strip(" │") for cell in line.split("│")[1:4]] == [
        "max_open_orders",
        "7",
        "the server's default",
    ]
    assert "none" in next(line for line in said.splitlines() if "max_position" in line)
    assert "cancel_newest" in next(line for line in said.splitlines() if "self_trade" in line)


def test_a_name_that_nobody_has_is_done_all_the_same_with_a_warning(
    server: Server, file: Path, issued: Issued
) -> None:
    said = operate(server.http(), file, "limits", "set", "alise", "max_open_orders=5")
    assert said.stderr == "warning: there is no key of the account alise; is the name right?\n"
    assert shown(server, file, "alise")["max_open_orders"] == 5
    said = operate(server.http(), file, "limits", "show", "alice", "--key", "fw0")
    assert said.stderr == "warning: there is no key fw0 of the account alice; is the name right?\n"
    for arguments in (("alice",), ("alice", "--key", issued.key)):
        assert operate(server.http(), file, "limits", "show", *arguments).stderr == ""


def test_an_asset_that_nothing_trades_is_warned_of(server: Server, file: Path) -> None:
    warnings = [
        f"warning: no instrument here trades {asset!r}, so that this limits nothing"
        for asset in ("BCT", "btc")
    ]
    arguments = ("alice", "max_position.btc=2", "max_order_quantity.BCT=1", "max_position.BTC=2")
    assert operate(server.http(), file, "limits", "set", *arguments).stderr.splitlines() == warnings
    assert operate(server.http(), file, "limits", "show", "alice").stderr.splitlines() == warnings
    arguments = ("alice", "max_position.btc=none", "max_order_quantity.BCT=none", "max_position.BTC=none")
    assert operate(server.http(), file, "limits", "set", *arguments).stderr == ""


def test_what_is_not_named_stays(server: Server, file: Path) -> None:
    change(server, file, "bob", "max_open_orders=3", "max_position.BTC=2", "max_position.ETH=10")
    change(server, file, "bob", "price_collar=0.01", "max_position.ETH=none")
    limits = shown(server, file, "bob")
    assert limits["max_open_orders"] == 3
    assert limits["max_position"] == {"BTC": "2"}
    assert limits["price_collar"] == "0.01"
    said = change(server, file, "bob", "max_open_orders=none", "max_position.BTC=none")
    assert "its own" in next(line for line in said.splitlines() if "price_collar" in line)
    limits = shown(server, file, "bob")
    assert limits["max_open_orders"] == 7
    assert "max_position" not in limits


def test_a_default_that_changes_later_is_not_pinned(server: Server, file: Path) -> None:
    change(server, file, "carol", "self_trade=allow")
    said = operate(server.http(), file, "limits", "show", "carol").stdout
    assert said.count("its own") == 1


async def test_they_hold_from_the_next_order_on(server: Server, file: Path, issued: Issued) -> None:
    async with trader(server, issued) as client:
        change(server, file, "alice", "max_order_notional=50")
        assert (await client.place("l1"))["code"] == "max_notional"
        change(server, file, "alice", "max_order_notional=none")
        change(server, file, "alice", "max_open_orders=0", "--key", issued.key)
        assert (await client.place("l1"))["details"] == {"limit": 0, "of": "key"}
        assert shown(server, file, "alice", "--key", issued.key) == {"max_open_orders": 0}
        change(server, file, "alice", "max_open_orders=none", "--key", issued.key)
        assert (await client.place("l1"))["status"] == "accepted"


@pytest.mark.parametrize(
    ("given", "why"),
    [
        ("max_orders=3", "'max_orders=3' is not NAME=VALUE"),
        ("max_open_orders", "'max_open_orders' is not NAME=VALUE"),
        ("max_open_orders=", "'max_open_orders=' is not NAME=VALUE"),
        ("max_open_orders=many", "max_open_orders takes a whole number, not 'many'"),
        ("max_position=2", "need an asset"),
        ("price_collar.BTC=2", "need an asset"),
        ("self_trade=both", "self_trade takes allow, cancel_newest, not 'both'"),
    ],
)
def test_what_is_no_limit_is_not_sent(server: Server, file: Path, given: str, why: str) -> None:
    said = " ".join(change(server, file, "dave", given, code=2).replace("│", " ").split())
    assert why in said
    assert shown(server, file, "dave") == shown(server, file, "nobody")


def test_what_the_server_refuses_is_said(server: Server, file: Path) -> None:
    assert "bad_request: 'much' is not an amount" in change(server, file, "dave", "price_collar=much", code=1)
    assert "bad_request: price_collar: less than 1" in change(server, file, "dave", "price_collar=1", code=1)
    assert shown(server, file, "dave")["price_collar"] == "0.050000"
