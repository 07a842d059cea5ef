from __future__ import annotations

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import msgspec
import pytest
from typer.testing import CliRunner, Result

from floorwire.cli.journal import app
from floorwire.core import account_events
from floorwire.core.account_events import Seqs
from floorwire.storage import journal_file
from floorwire.storage.data_dir import DataDir
from floorwire.storage.journal import JournalEntry, JournalSnapshot
from floorwire.storage.journal_sqlite import SqliteJournal
from tests.storage.journals import NOW, entry, keep
from tests.trading.trader import key, serving, trader


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.delenv("FLOORWIRE_DATA", raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))


def halted(account: str, name: str = "") -> JournalEntry:
    """Return what the desk journals of an event."""
    event = account_events.Halted("account", name, NOW, account)
    return entry(
        account, msgspec.msgpack.encode(account_events.AccountEntry(event, Seqs(orders=7))), "halted"
    )


async def fill(journal: SqliteJournal) -> None:
    for number in range(5):
        await keep(journal, [halted(account, str(number)) for account in ("alice", "bob")])
    await journal.save_snapshot(JournalSnapshot(8, [b"state"]))


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Ten records of two accounts in five commits."""
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        asyncio.run(fill(journal))
    return tmp_path


def run(folder: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [*arguments, "--data", str(folder)])
    assert result.exit_code == code, result.output
    return result


def damage(folder: Path, statement: str) -> None:
    with closing(sqlite3.connect(folder / journal_file.FILE)) as connection, connection:
        connection.execute(statement)


def test_a_good_journal_verifies(folder: Path) -> None:
    assert run(folder, "verify").stdout == "10 records, all verified; snapshot of record 8\n"


def test_a_new_journal_verifies(tmp_path: Path) -> None:
    SqliteJournal(tmp_path, 1).close()
    assert run(tmp_path, "verify").stdout == "0 records, all verified; no snapshot\n"


async def test_both_work_beside_a_server(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        await fill(journal)
        assert run(tmp_path, "verify").stdout.startswith("10 records")
        assert len(run(tmp_path, "export").stdout.splitlines()) == 10
        await keep(journal, [entry()])


def test_no_journal_is_said_and_none_is_made(tmp_path: Path) -> None:
    for command in ("verify", "export", "repair"):
        for folder in (tmp_path, tmp_path / "nowhere"):
            assert f"{folder}: there is no data folder" in run(folder, command, code=2).stderr
    assert list(tmp_path.iterdir()) == []
    DataDir(tmp_path, {})
    for command in ("verify", "export"):
        assert "there is no journal" in run(tmp_path, command, code=2).stderr


@pytest.mark.parametrize(
    ("statement", "said"),
    [
        (
            "UPDATE commits SET records = x'90' WHERE last_n = 6",
            "damaged after record 4: the row of records 5 to 6",
        ),
        ("DELETE FROM commits WHERE last_n = 6", "damaged after record 4: the next row starts with record 7"),
        (
            "DELETE FROM commits WHERE last_n = 10",
            "damaged after record 8: records 9 to 10 were acknowledged",
        ),
        ("DELETE FROM account_commits WHERE last_n = 6", "the index of accounts is wrong at record 6"),
        ("INSERT INTO account_commits VALUES ('eve', 4)", "the index of accounts is wrong at record 4"),
    ],
)
def test_damage_is_said_where_it_is(folder: Path, statement: str, said: str) -> None:
    damage(folder, statement)
    assert said in run(folder, "verify", code=1).stderr


def test_an_export_is_lines_of_json(folder: Path) -> None:
    lines = [json.loads(line) for line in run(folder, "export").stdout.splitlines()]
    assert [line["n"] for line in lines] == list(range(1, 11))
    assert lines[3] == {
        "n": 4,
        "ts": NOW,
        "account": "bob",
        "kind": "halted",
        "event": {"scope": "account", "name": "1", "ts_us": NOW, "account": "bob"},
        "seqs": {"orders": 7, "fills": 0, "balances": 0, "positions": 0},
    }


async def test_what_a_server_journals_is_exported_from_its_first_record_on(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    issued = key(folder)
    with serving(folder) as server:
        async with trader(server, issued) as alice:
            assert (await alice.place("a1"))["status"] == "accepted"
        lines = [json.loads(line) for line in run(folder, "export").stdout.splitlines()]
    assert [line["n"] for line in lines] == list(range(1, len(lines) + 1))
    assert (lines[0]["kind"], list(lines[0]["event"])) == ("begun", ["epoch"])
    (placed,) = [line for line in lines if line["kind"] == "accepted"]
    assert placed["event"]["order"]["ticket"]["client_order_id"] == "a1"
    assert [balance["asset"] for balance in placed["event"]["balances"]] == ["sim:USDT"]


def test_an_export_may_be_of_one_account_or_of_the_end(folder: Path) -> None:
    lines = run(folder, "export", "--account", "bob", "--after", "4").stdout.splitlines()
    assert [json.loads(line)["n"] for line in lines] == [6, 8, 10]


def test_an_export_gives_what_is_before_the_damage(folder: Path) -> None:
    damage(folder, "UPDATE commits SET records = x'90' WHERE last_n = 6")
    result = run(folder, "export", code=1)
    assert len(result.stdout.splitlines()) == 4
    assert "damaged after record 4" in result.stderr


def test_an_event_that_is_not_ours_is_said(tmp_path: Path) -> None:
    with closing(SqliteJournal(tmp_path, 100)) as journal:
        asyncio.run(keep(journal, [halted("alice"), entry(payload=b"\xc1")]))
    result = run(tmp_path, "export", code=2)
    assert len(result.stdout.splitlines()) == 1
    assert "record 2 is not damaged, but a newer version of Floorwire wrote it" in result.stderr
    assert run(tmp_path, "repair").stdout == "nothing to repair\n"


def test_a_good_journal_is_not_repaired(folder: Path) -> None:
    before = (folder / journal_file.FILE).read_bytes()
    assert run(folder, "repair").stdout == "nothing to repair\n"
    assert (folder / journal_file.FILE).read_bytes() == before
    assert list(folder.glob("damaged*")) == []


@pytest.mark.parametrize(
    ("statement", "kept"),
    [
        ("UPDATE commits SET records = x'90' WHERE last_n = 6", 4),
        ("DELETE FROM commits WHERE last_n = 10", 8),
        ("DELETE FROM account_commits WHERE last_n = 6", 10),
        ("DELETE FROM commits WHERE last_n = 2", 0),
    ],
)
async def test_a_repair_keeps_what_verifies_and_the_journal_goes_on(
    folder: Path, statement: str, kept: int
) -> None:
    damage(folder, statement)
    said = run(folder, "repair").stdout
    lost = f"records {kept + 1} to 10" if kept < 10 else "the index of accounts"
    assert said.startswith(f"kept {kept} records; lost: {lost}"), "all that came after the damage"
    (aside,) = folder.glob("damaged-*")
    assert str(aside) in said
    assert (aside / journal_file.FILE).exists()
    assert (aside / f"snapshot-{8:020d}").exists() == (kept < 8)
    assert run(folder, "verify").stdout.startswith(f"{kept} records, all verified")
    with closing(SqliteJournal(folder, 100)) as journal:
        await keep(journal, [entry("alice")])
        assert journal.last_n == kept + 1
        assert [record.n for record in await journal.read_account("bob", 0, 99)] == list(
            range(2, kept + 1, 2)
        )


async def test_an_export_never_goes_on_behind_the_damage(folder: Path) -> None:
    damage(folder, "UPDATE commits SET records = x'90' WHERE last_n = 6")
    for after, printed in ((0, 4), (2, 2), (6, 0), (9, 0)):
        ended = run(folder, "export", "--after", str(after), code=1)
        assert len(ended.stdout.splitlines()) == printed


async def test_after_a_repair_nobody_resumes_into_numbers_that_were_lost(tmp_path: Path) -> None:
    folder = tmp_path / "data"
    issued = key(folder)
    with serving(folder) as server:
        async with trader(server, issued) as alice:
            await alice.place("lost")
            seen = await alice.ask("subscribe", channel="orders")
    damage(folder, "DELETE FROM commits WHERE last_n = (SELECT max(last_n) FROM commits)")
    assert run(folder, "repair").stdout.startswith("kept ")
    with serving(folder) as server:
        async with trader(server, issued) as alice:
            await alice.place("another")
            place = {"epoch": seen["epoch"], "seq": seen["seq"]}
            reply = await alice.ask("subscribe", channel="orders", resume=place)
    assert reply["epoch"] != seen["epoch"]
    assert isinstance(reply["gap"], dict)
    assert reply["gap"]["reason"] == "epoch"


def test_a_repair_beside_a_server_is_refused(folder: Path) -> None:
    with closing(SqliteJournal(folder, 100)):
        assert "another process has it open" in run(folder, "repair", code=2).stderr
