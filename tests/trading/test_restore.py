"""Data folders that were put back from a copy: clients are told of it, and no id is given twice."""

from __future__ import annotations

import shutil
import signal
import sqlite3
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest
from typer.testing import CliRunner, Result

from floorwire.cli import application
from tests.trading.trader import Trader, amount, funded, key, serving, trader


def run(*arguments: str | Path, code: int = 0) -> Result:
    """Return what the command line says; nothing of this machine's settings is read."""
    result = CliRunner().invoke(
        application(), [str(one) for one in arguments], env={"FLOORWIRE_MASTER_KEY": None}
    )
    assert result.exit_code == code, result.output
    return result


def by_command(folder: Path, copy: Path) -> None:
    """``floorwire backup``, and later ``floorwire restore``."""
    run("backup", copy.with_suffix(".tar"), "--data", folder)


def by_sqlite(folder: Path, copy: Path) -> None:
    """SQLite's own ``.backup`` of the databases, and the master key."""
    copy.mkdir(mode=0o700)
    for name in ("journal.db", "keys.db"):
        with closing(sqlite3.connect(folder / name)) as one, closing(sqlite3.connect(copy / name)) as other:
            one.backup(other)
        (copy / name).chmod(0o600)  # as a server asks for: SQLite makes it by the umask
    shutil.copy2(folder / "master.key", copy)


def by_copy(folder: Path, copy: Path) -> None:
    """``cp -a`` of everything, the mark too."""
    shutil.copytree(folder, copy)


async def epoch(client: Trader) -> str:
    return str((await client.ask("subscribe", channel="orders"))["epoch"])


@pytest.mark.parametrize(
    "way", [by_command, *(pytest.param(way, marks=pytest.mark.slow) for way in (by_sqlite, by_copy))]
)
async def test_a_restored_folder_is_another_history(
    way: Callable[[Path, Path], None], tmp_path: Path
) -> None:
    folder, copy = tmp_path / "data", tmp_path / "copy"
    alice = key(folder)
    given: list[int] = []
    with serving(folder) as server:
        async with trader(server, alice) as client:
            before = await epoch(client)
            for number in range(3):
                given.append(int(str((await client.place(f"a{number}", type="market"))["order_id"])))
            if way is not by_copy:  # beside the running server
                way(folder, copy)
    if way is by_copy:
        way(folder, copy)
    with serving(folder) as server:
        async with trader(server, alice) as client:
            assert await epoch(client) == before, "the folder itself goes on"
            for number in range(5):
                given.append(int(str((await client.place(f"lost{number}", type="market"))["order_id"])))
            fills = {str(fill["fill_id"]) for fill in await client.rows("fills")}
    if way is by_command:
        master = tmp_path / "kept.key"
        shutil.copy2(folder / "master.key", master)
        run("restore", copy.with_suffix(".tar"), "--data", copy, "--master-key", master)
    with serving(copy) as server:
        async with trader(server, alice) as client:
            reply = await client.ask("subscribe", channel="orders", resume={"epoch": before, "seq": 3})
            assert reply["epoch"] != before
            gap = reply["gap"]
            assert isinstance(gap, dict)
            assert gap["reason"] == "epoch"
            new = int(str((await client.place("new", type="market"))["order_id"]))
            assert new > max(given)
            assert new - max(given) > 1_000_000
            known = await client.ask("order.status", client_order_id="lost0")
            assert known["code"] == "unknown_order"
            latest = {str(fill["fill_id"]) for fill in await client.rows("fills")}
            assert len(latest - fills) == 1, "the new fill's id was never given"
            after = str(reply["epoch"])
    with serving(copy) as server:
        async with trader(server, alice) as client:
            assert await epoch(client) == after, "and from then on it is the same"
            assert int(str((await client.place("next"))["order_id"])) > new


async def test_a_killed_server_goes_on_where_it_was(tmp_path: Path) -> None:
    alice, told = key(tmp_path), set()
    for number in range(3):
        with serving(tmp_path) as server:
            async with trader(server, alice) as client:
                told.add(await epoch(client))
                for turn in range(20):
                    await client.send("order.place", client_order_id=f"k{number}-{turn}", symbol="BTC-USDT",
                                      side="buy", type="limit", quantity="0.001", price="61000")  # fmt: skip
                await client.place(f"k{number}-x")
                server.signal(signal.SIGKILL)
                server.process.wait()
    assert len(told) == 1


@pytest.mark.slow
async def test_deposits_of_a_new_key_store_are_credited(tmp_path: Path) -> None:
    key(tmp_path, money={"USDT": "1000"})
    with serving(tmp_path):
        pass
    for name in ("keys.db", "keys.db-wal", "keys.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
    again = key(tmp_path, money={"USDT": "500"})
    for _ in range(2):
        with serving(tmp_path) as server:
            async with trader(server, again) as client:
                assert amount(await client.rows("balances"), "USDT") == "1500"


@pytest.mark.slow
async def test_deposits_after_an_older_key_store_was_put_back_are_credited(tmp_path: Path) -> None:
    first = key(tmp_path, money={"USDT": "1000"})
    for name in ("keys.db", "keys.db-wal", "keys.db-shm"):
        if (tmp_path / name).exists():
            shutil.copy2(tmp_path / name, tmp_path / f"old-{name}")
    key(tmp_path, "alice", money={"USDT": "200"})
    with serving(tmp_path) as server:
        async with trader(server, first) as client:
            assert amount(await client.rows("balances"), "USDT") == "1200"
    for name in ("keys.db", "keys.db-wal", "keys.db-shm"):
        (tmp_path / name).unlink(missing_ok=True)
        if (tmp_path / f"old-{name}").exists():
            shutil.copy2(tmp_path / f"old-{name}", tmp_path / name)
    carol = key(tmp_path, "carol", money={"USDT": "55"})  # gets an id that was given before
    with serving(tmp_path) as server:
        async with trader(server, carol) as client:
            assert amount(await client.rows("balances"), "USDT") == "55"
        bob = key(tmp_path, "bob", money={"USDT": "77"})
        async with trader(server, bob) as client:
            await funded(client)
            assert amount(await client.rows("balances"), "USDT") == "77"
        async with trader(server, first) as client:
            assert amount(await client.rows("balances"), "USDT") == "1200"


@pytest.mark.slow
async def test_two_restores_of_one_backup_give_no_order_id_twice(tmp_path: Path) -> None:
    folder, archive = tmp_path / "data", tmp_path / "backup.tar"
    alice = key(folder)
    with serving(folder) as server:
        async with trader(server, alice) as client:
            await client.place("first", type="market")
    run("backup", archive, "--data", folder)
    given: list[set[int]] = []
    for name in ("one", "two"):
        run("restore", archive, "--data", tmp_path / name, "--master-key", folder / "master.key")
        with serving(tmp_path / name) as server:
            async with trader(server, alice) as client:
                placed = [await client.place(f"{name}{number}", type="market") for number in range(3)]
                given.append({int(str(reply["order_id"])) for reply in placed})
    assert not given[0] & given[1]
