"""Data folders that earlier code made open with this code, tell the same, and continue.

``tests/fixtures/make_folders.py`` made them. Their keys are for tests only.
"""

from __future__ import annotations

import asyncio
import json
import random
import subprocess
import sys
import tarfile
from decimal import Decimal
from pathlib import Path

import msgspec
import pytest

from floorwire.storage.key_store import Issued
from tests.fixtures.make_folders import EXPECTED, state
from tests.trading.trader import JsonValue, Message, amount, caller, serving, trader

FIXTURES = Path(__file__).parents[1] / "fixtures"


def unpacked(name: str, folder: Path) -> tuple[Message, dict[str, Issued]]:
    """Unpack the archive into the folder; return what is expected of it, and its keys."""
    folder.mkdir(mode=0o700, exist_ok=True)
    with tarfile.open(FIXTURES / f"{name}.tar.xz") as tar:
        tar.extractall(folder, filter="data")
    expected = json.loads((folder / EXPECTED).read_text())
    return expected, {name: Issued(**one) for name, one in expected["keys"].items()}


def order_ids(expected: Message) -> dict[str, list[str]]:
    """Return the order ids of each account."""
    return msgspec.convert(expected["ids"], dict[str, list[str]])


def missing(expected: JsonValue, found: JsonValue, where: str = "") -> list[str]:
    """Return where something expected is not found. Later code may tell more, never less."""
    if isinstance(expected, dict) and isinstance(found, dict):
        if expected.get("code") == "disconnected":  # it is cancelled anew at each start from the copy
            expected = {name: one for name, one in expected.items() if name != "updated"}
        parts = [missing(one, found.get(name), f"{where}.{name}") for name, one in expected.items()]
        return [line for part in parts for line in part]
    if isinstance(expected, list) and isinstance(found, list) and len(expected) == len(found):
        parts = [missing(*pair, f"{where}[{n}]") for n, pair in enumerate(zip(expected, found, strict=True))]
        return [line for part in parts for line in part]
    return [] if expected == found else [f"{where}: {expected!r} was {found!r}"]


@pytest.mark.parametrize(
    "name",
    [
        pytest.param("stopped-d5e445b", marks=pytest.mark.slow),
        "killed-d5e445b",
        pytest.param("stopped-59eda46", marks=pytest.mark.slow),
        pytest.param("killed-59eda46", marks=pytest.mark.slow),
    ],
)
async def test_an_old_folder_tells_the_same_and_continues(name: str, tmp_path: Path) -> None:
    expected, issued = unpacked(name, tmp_path / "data")
    with serving(tmp_path / "data") as server:
        ids = order_ids(expected)
        found = state(server, issued, ids)
        assert not missing({part: expected[part] for part in ("accounts", "halts")}, found)
        async with trader(server, issued["alice"], "orders") as client:
            again = await client.place("r0", price="60000")
            assert again["duplicate"] is True
            last_id = max(int(one) for own in ids.values() for one in own)
            new = await client.place("new", type="market")
            assert int(str(new["order_id"])) > last_id
            assert (await client.until("orders", "fill", "new"))["order_id"] == new["order_id"]
            assert (await client.ask("order.cancel", client_order_id="r0"))["status"] == "accepted"
    with serving(tmp_path / "data") as server, caller(server, issued["alice"]) as http:
        assert http.get(f"/orders/{new['order_id']}").json()["order"]["state"] == "filled"


IDENTITIES = {
    "BTC-USDT": "sim:BTC-USDT",
    "ABC-USDT": "coinbase:ABC-USDT",
    "coinbase:ABC-USDT": "coinbase:ABC-USDT",
    "binance:ABC-USDT": "binance:ABC-USDT",
}
"""What the folder of several venues named its instruments, and what they are."""


def rows_of(told: JsonValue, page: str) -> list[Message]:
    """Return the rows of a page as the old code told them."""
    assert isinstance(told, dict)
    alice = told["alice"]
    assert isinstance(alice, dict)
    found = alice[page]
    assert isinstance(found, dict)
    listed = found[page]
    assert isinstance(listed, list)
    return [row for row in listed if isinstance(row, dict)]


async def test_a_folder_of_several_venues_gets_their_identities_and_loses_nothing(tmp_path: Path) -> None:
    """Earlier versions had one balance of an asset for all venues, and named symbols by what ran."""
    expected, issued = unpacked("several-59eda46", tmp_path / "data")
    told = expected["accounts"]
    before = {str(row["asset"]): row for row in rows_of(told, "balances")}
    for _ in range(2):  # converted once, and read again
        with serving(tmp_path / "data") as server:
            async with trader(server, issued["alice"]) as client:
                sums: dict[str, dict[str, Decimal]] = {}
                balances = await client.rows("balances")
                for row in balances:
                    of_asset = sums.setdefault(str(row["asset"]).rpartition(":")[2], {})
                    for field in ("total", "held", "available"):
                        of_asset[field] = of_asset.get(field, Decimal(0)) + Decimal(str(row[field]))
                assert sums == {
                    asset: {field: Decimal(str(row[field])) for field in ("total", "held", "available")}
                    for asset, row in before.items()
                }
                assert {str(row["asset"]) for row in balances} == {
                    "BTC", "USDT", "DOGE", "coinbase:USDT", "coinbase:ABC", "binance:USDT"
                }  # fmt: skip
                assert amount(balances, "coinbase:ABC") == before["ABC"]["total"]
                assert amount(balances, "coinbase:USDT", "available") == "0"
                for page in ("orders", "fills"):
                    rows = [
                        {**row, "symbol": IDENTITIES[str(row["symbol"])].removeprefix("sim:")}
                        for row in rows_of(told, page)
                    ]
                    for row in rows:
                        if page == "fills" and row["symbol"] != "BTC-USDT":
                            row["fee_asset"] = "coinbase:USDT"
                    assert await client.rows(page) == rows
                positions = {str(row["symbol"]): row for row in await client.rows("positions")}
                assert set(positions) == {"BTC-USDT", "coinbase:ABC-USDT"}
                joined = positions["coinbase:ABC-USDT"]
                assert (joined["quantity"], joined["average_price"]) == ("4", "10.02")
                # older events are told by today's names, from the journal
                resumed = await client.ask("subscribe", channel="orders")
                epoch = resumed["epoch"]
                assert (await client.ask("unsubscribe", channel="orders"))["status"] == "unsubscribed"
                resume: JsonValue = {"epoch": epoch, "seq": 0}
                assert (await client.ask("subscribe", channel="orders", resume=resume))["status"] == (
                    "subscribed"
                )
                client.events.clear()
                while len(client.events.get("orders", ())) < 8:
                    await client.receive()
                named = {str(event["symbol"]) for event in client.events["orders"]}
                assert named <= {"BTC-USDT", "coinbase:ABC-USDT", "binance:ABC-USDT"}
            with caller(server, issued["ops"]) as http:
                assert http.get("/halts").json()["halts"] == expected["halts"]
    venue = f"--venue=replay:{FIXTURES.parent / 'recorded' / 'coinbase'}"
    with serving(tmp_path / "data", venue, "--loop") as server:
        async with trader(server, issued["alice"]) as client:
            assert amount(await client.rows("balances"), "ABC") == before["ABC"]["total"]
            assert {row["symbol"] for row in await client.rows("orders", symbol="ABC-USDT")} == {"ABC-USDT"}


def totals(rows: list[Message]) -> dict[str, Decimal]:
    """Return the sum of each asset over all venues."""
    sums: dict[str, Decimal] = {}
    for row in rows:
        asset = str(row["asset"]).rpartition(":")[2]
        sums[asset] = sums.get(asset, Decimal(0)) + Decimal(str(row["total"]))
    return sums


@pytest.mark.slow
async def test_a_start_that_is_killed_while_it_converts_loses_nothing_and_converts_once(
    tmp_path: Path,
) -> None:
    folder = tmp_path / "data"
    expected, issued = unpacked("several-59eda46", folder)
    command = [sys.executable, "-m", "floorwire", "serve", "--port", "0", "--data", str(folder)]
    chances = random.Random(1)
    for _ in range(12):
        with subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL) as started:
            await asyncio.sleep(0.6 + chances.random() * 1.2)
            started.kill()
    with serving(folder) as server:
        async with trader(server, issued["alice"]) as client:
            assert totals(await client.rows("balances")) == totals(rows_of(expected["accounts"], "balances"))
            assert len(await client.rows("orders")) == len(rows_of(expected["accounts"], "orders"))
        export = [sys.executable, "-m", "floorwire", "journal", "export", "--data", str(folder)]
        lines = subprocess.run(export, capture_output=True, text=True, check=True).stdout.splitlines()
    assert sum(json.loads(line)["kind"] == "identified" for line in lines) == 1


async def test_a_folder_whose_balances_overflowed_opens_again(tmp_path: Path) -> None:
    """It was opened once with a session at eight decimals: then no record could hold alice's USD."""
    _, issued = unpacked("overflowed-d5e445b", tmp_path / "data")
    for _ in range(2):  # what was mended stays so
        with serving(tmp_path / "data") as server:
            async with trader(server, issued["alice"]) as client:
                rows = await client.rows("balances")
                assert amount(rows, "coinbase:USD") == "100000", "only that venue traded it"
                assert amount(rows, "BTC") == "1"
                assert (await client.ask("subscribe", channel="book", symbol="BTC-USDT"))["status"] == (
                    "subscribed"
                )
