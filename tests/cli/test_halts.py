"""``floorwire halt``, ``resume`` and ``halts`` against a real server."""

from __future__ import annotations

import json
from collections.abc import Iterator
from pathlib import Path

import pytest

from floorwire.storage.key_store import Issued
from tests.cli.operator import operate
from tests.servers import Server
from tests.trading.trader import FREE, serving, trader


@pytest.fixture(scope="module")
def server(folder: Path, file: Path, issued: Issued) -> Iterator[Server]:
    with serving(folder, *FREE) as running:
        yield running


@pytest.mark.parametrize(
    "asked",
    [("all",), ("symbol", "BTC-USDT"), ("symbol", "btcusdt"), ("account", "alice"), ("key", "{key}")],
    ids=" ".join,
)
async def test_a_halt_cancels_and_refuses_until_it_is_ended(
    server: Server, file: Path, issued: Issued, asked: tuple[str, ...]
) -> None:
    asked = tuple(part.format(key=issued.key) for part in asked)
    shown = " ".join(asked).replace("btcusdt", "BTC-USDT")
    async with trader(server, issued) as client:
        tag = "-".join(asked)[:20]
        await client.place(f"{tag}-1")
        said = operate(server.http(), file, "halt", *asked).stdout
        assert said.splitlines() == [
            f"halted: {shown}; 1 open order cancelled, new orders and amends are refused",
            f"halts in force: {shown}",
        ]
        assert await client.rows("orders") == []
        assert (await client.place(f"{tag}-2"))["code"] == "market_halted"
        assert shown.split()[-1] in operate(server.http(), file, "halts").stdout
        said = operate(server.http(), file, "resume", *asked).stdout
        assert said.splitlines() == [
            f"resumed: {shown}; cancelled orders stay cancelled",
            "halts in force: none",
        ]
        assert (await client.place(f"{tag}-3"))["status"] == "accepted"
        await client.ask("order.cancel_all")


def test_to_resume_all_leaves_narrower_halts_and_says_so(server: Server, file: Path) -> None:
    operate(server.http(), file, "halt", "all")
    operate(server.http(), file, "halt", "symbol", "ETH-USDT")
    assert json.loads(operate(server.http(), file, "halts", "--json").stdout) == [
        {"scope": "all", "name": ""},
        {"scope": "symbol", "name": "ETH-USDT"},
    ]
    assert "in force: symbol ETH-USDT" in operate(server.http(), file, "resume", "all").stdout
    operate(server.http(), file, "resume", "symbol", "ETH-USDT")
    assert operate(server.http(), file, "halts").stdout == "nothing is halted\n"


def test_to_resume_what_is_not_halted_is_an_error_that_names_what_is(server: Server, file: Path) -> None:
    operate(server.http(), file, "halt", "account", "bob")
    said = operate(server.http(), file, "resume", "account", "bib", code=1).stderr
    assert said == "floorwire: account bib was not halted; halts in force: account bob\n"
    operate(server.http(), file, "resume", "account", "bob")


def test_a_symbol_that_names_nothing_is_refused(server: Server, file: Path) -> None:
    for command in ("halt", "resume"):
        said = operate(server.http(), file, command, "symbol", "BTC-USDD", code=1)
        assert said.stderr.startswith("floorwire: unknown_symbol: 'BTC-USDD' names no instrument")
        assert said.stdout == ""


@pytest.mark.parametrize(
    ("asked", "warning"),
    [
        (("account", "alise"), "warning: there is no key of the account alise; is the name right?\n"),
        (("key", "fw0"), "warning: there is no key fw0; is the name right?\n"),
        (("account", "alice"), ""),
        (("symbol", "BTC-USDT"), ""),
        (("all",), ""),
    ],
)
def test_a_name_that_nobody_has_is_halted_all_the_same_with_a_warning(
    server: Server, file: Path, asked: tuple[str, ...], warning: str
) -> None:
    said = operate(server.http(), file, "halt", *asked)
    assert said.stdout.startswith(f"halted: {' '.join(asked)}; 0 open orders cancelled")
    assert said.stderr == warning
    operate(server.http(), file, "resume", *asked)


@pytest.mark.parametrize(
    ("asked", "why"),
    [(("all", "BTC-USDT"), "not with all"), (("symbol",), "which symbol?"), (("everything",), "everything")],
)
def test_what_makes_no_sense_is_not_sent(
    server: Server, file: Path, asked: tuple[str, ...], why: str
) -> None:
    assert why in operate(server.http(), file, "halt", *asked, code=2).stderr
    assert operate(server.http(), file, "halts").stdout == "nothing is halted\n"
