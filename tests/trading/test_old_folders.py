"""Data folders that earlier code made open with this code, tell the same, and continue.

``tests/fixtures/make_folders.py`` made them. Their keys are for tests only.
"""

from __future__ import annotations

import json
import tarfile
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


@pytest.mark.parametrize("name", ["stopped-d5e445b", "killed-d5e445b"])
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
