"""``floorwire accounts`` at a running server: paper money is taken, moved and set, each request once."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.operator import key_file, operate
from tests.servers import Server
from tests.trading.trader import key, serving


@pytest.fixture(scope="module")
def ops(folder: Path) -> Path:
    key(folder, "alice", money={"USDT": "1000"})
    key(folder, "bob", money={"USDT": "1"})
    return key_file(folder, "treasurer")


@pytest.fixture(scope="module")
def server(folder: Path, ops: Path) -> Iterator[Server]:
    with serving(folder) as running:
        yield running


def test_a_request_is_done_once_and_its_name_is_printed(server: Server, ops: Path) -> None:
    withdraw = ("accounts", "withdraw", "alice", "USDT=100", "--request-id", "one")
    assert operate(server.http(""), ops, *withdraw).stdout == "request id: one\ndone\n"
    assert operate(server.http(""), ops, *withdraw).stdout == "request id: one\ndone before\n"
    told = operate(server.http(""), ops, "accounts", "transfer", "alice", "bob", "USDT=400", "--json")
    name = json.loads(told.stdout)["request_id"]
    assert told.stderr == f"request id: {name}\n"
    refused = operate(server.http(""), ops, "accounts", "withdraw", "alice", "USDT=501", code=1)
    assert "insufficient" in refused.stderr
    assert operate(server.http(""), ops, "accounts", "withdraw", "bob", "USDT=401").stdout.endswith("done\n")


def test_a_reset_gives_exactly_these_balances(server: Server, ops: Path) -> None:
    operate(server.http(""), ops, "accounts", "reset", "bob", "USDT=7", "BTC=1")
    assert operate(server.http(""), ops, "accounts", "withdraw", "bob", "BTC=1").exit_code == 0
    operate(server.http(""), ops, "accounts", "withdraw", "bob", "USDT=8", code=1)


def test_an_amount_that_is_none_is_not_sent(server: Server, ops: Path) -> None:
    said = operate(server.http(""), ops, "accounts", "withdraw", "alice", "USDT", code=2)
    assert "ASSET=AMOUNT" in said.stderr
