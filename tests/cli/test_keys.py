from __future__ import annotations

import json
import os
import re
import sqlite3
import tarfile
import time
from contextlib import closing
from pathlib import Path
from typing import TypeAlias

import pytest
from typer.testing import CliRunner, Result

from floorwire.cli.keys import app
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import KeyStore

ESCAPES = re.compile(r"\x1b\[[0-9;]*m")
Row: TypeAlias = "dict[str, str | int | list[str] | None]"
RECORDED = Path(__file__).parents[1] / "recorded"
MAKE = ("create", "--account", "alice", "--scopes", "market,account,trade")


@pytest.fixture(autouse=True)
def _no_settings_of_this_machine(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name in ("FLOORWIRE_DATA", "FLOORWIRE_MASTER_KEY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")


def run(folder: Path, *arguments: str, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [*arguments, "--data", str(folder)])
    assert result.exit_code == code, result.output
    return result


def make(folder: Path, *more: str) -> dict[str, str]:
    issued: dict[str, str] = json.loads(run(folder, *MAKE, "--json", *more).stdout)
    return issued


def rows(folder: Path) -> list[Row]:
    listed: list[Row] = json.loads(run(folder, "list", "--json").stdout)
    return listed


def test_a_key_is_printed_once_as_json(tmp_path: Path) -> None:
    issued = make(tmp_path)
    assert list(issued) == ["key", "secret"]
    (row,) = rows(tmp_path)
    assert (row["key"], row["account"], row["revoked"]) == (issued["key"], "alice", None)
    assert row["scopes"] == ["market", "account", "trade"]
    assert issued["secret"] not in run(tmp_path, "list").stdout + run(tmp_path, "list", "--json").stdout


def test_for_people_the_key_and_the_secret_are_what_stands_on_stdout(tmp_path: Path) -> None:
    said = run(tmp_path, *MAKE)
    key, secret = said.stdout.split()[1::2]
    assert key.startswith("fw")
    assert len(secret) == 43
    assert secret not in said.stderr


def test_a_key_is_narrowed(tmp_path: Path) -> None:
    before_us = time.time_ns() // 1_000
    make(
        tmp_path, "--symbols", "BTC-USDT, ETH-USDT", "--accounts", "alice,bob", "--max-notional", "1000.5",
        "--addresses", "192.0.2.0/24,::1", "--expires", "30d",
    )  # fmt: skip
    (row,) = rows(tmp_path)
    assert row["symbols"] == ["BTC-USDT", "ETH-USDT"]
    assert row["accounts"] == ["alice", "bob"]
    assert row["max_notional"] == "1000.5"
    assert row["addresses"] == ["192.0.2.0/24", "::1"]
    assert isinstance(row["expires"], int)
    assert 0 <= row["expires"] - before_us - 30 * 86_400_000_000 < 60_000_000
    shown = run(tmp_path, "list").stdout
    for word in ("BTC-USDT", "bob", "up to 1000.5 an order", "192.0.2.0/24", "live"):
        assert word in shown


def test_a_narrow_window_shows_keys_and_accounts_whole(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "80")
    monkeypatch.setenv("FORCE_COLOR", "1")  # as in a terminal
    addresses = ("--addresses", "127.0.0.1,192.0.2.0/24")
    issued = make(tmp_path, "--expires", "30d", "--symbols", "BTC-USDT,ETH-USDT", *addresses)
    shown = ESCAPES.sub("", run(tmp_path, "list").stdout)
    assert "…" not in shown
    assert max(len(line) for line in shown.splitlines()) <= 80
    words = shown.split()
    for word in (issued["key"], "alice", "account", "BTC-USDT", "ETH-USDT", "192.0.2.0/24", "live"):
        assert word in words, f"{word} is broken into pieces"
    assert len(shown.splitlines()) < 8, "a few lines a key"


def test_a_pipe_gets_a_line_a_key(tmp_path: Path) -> None:
    first, second = make(tmp_path), make(tmp_path, "--symbols", "BTC-USDT,ETH-USDT", "--expires", "30d")
    lines = [line.split("\t") for line in run(tmp_path, "list").stdout.splitlines()]
    assert [line[:4] for line in lines] == [
        [issued["key"], "alice", "live", "market,account,trade"] for issued in (first, second)
    ]
    assert [line[4] for line in lines] == ["", "BTC-USDT ETH-USDT"]
    assert [len(line) for line in lines] == [7, 7]


def test_deposits_are_kept_for_the_ledger(tmp_path: Path) -> None:
    make(tmp_path, "--deposit", "USDT=1000000", "--deposit", "BTC=2,ETH=3.5")
    held = [(given.account, given.asset, given.amount) for given in DataDir(tmp_path, {}).keys.deposits()]
    assert held == [("alice", "USDT", "1000000"), ("alice", "BTC", "2"), ("alice", "ETH", "3.5")]


def test_revoked_and_expired_are_shown(tmp_path: Path) -> None:
    issued = make(tmp_path)
    make(tmp_path, "--expires", "1s")
    run(tmp_path, "revoke", issued["key"])
    assert isinstance(rows(tmp_path)[0]["revoked"], int)
    while "expired" not in run(tmp_path, "list").stdout:
        time.sleep(0.1)
    assert "revoked" in run(tmp_path, "list").stdout


def test_a_rotated_key_keeps_its_id(tmp_path: Path) -> None:
    issued = make(tmp_path)
    rotated = json.loads(run(tmp_path, "rotate", issued["key"], "--json").stdout)
    assert rotated["key"] == issued["key"]
    assert rotated["secret"] != issued["secret"]


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("create", "--account", "a b", "--scopes", "market"), "account: 'a b'"),
        (
            ("create", "--account", "a", "--scopes", "all"),
            "each is one of market, account, trade, admin, monitor",
        ),
        ((*MAKE, "--symbols", "BTCUSDT"), "symbols: 'BTCUSDT'"),
        ((*MAKE, "--expires", "soon"), "expires: 'soon'"),
        ((*MAKE, "--deposit", "USDT"), "deposit: 'USDT'"),
        ((*MAKE, "--deposit", "NOPE=5"), "no market here trades NOPE; there are ADA, AVAX, BNB, BTC,"),
        ((*MAKE, "--symbols", "FOO-BAR"), "symbols: no market here trades FOO-BAR; there are ADA-USDT,"),
        ((*MAKE, "--symbols", "BTC-USDC"), "did you mean BTC-USDT?"),
        ((*MAKE, "--deposit", "BTC=1,USTD=5"), "no market here trades USTD; did you mean USDT?"),
        (("revoke", "nothing"), "there is no key 'nothing', or it is revoked"),
        (("rotate", "nothing"), "there is no key 'nothing', or it is revoked"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], why: str
) -> None:
    DataDir(tmp_path, {})
    said = run(tmp_path, *arguments, code=2)
    assert said.stderr.startswith("floorwire: ")
    assert why in said.stderr
    assert said.stdout == ""
    assert rows(tmp_path) == []
    assert DataDir(tmp_path, {}).keys.deposits() == []


@pytest.mark.parametrize(
    ("recording", "asset"), [("coinbase/COINBASE.ws.3.0", "EUR"), ("sessions/BINANCE.ws.1.0", "QRS")]
)
def test_deposits_are_in_what_the_servers_venues_trade(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, recording: str, asset: str
) -> None:
    monkeypatch.setenv("FLOORWIRE_VENUE", f"replay:{RECORDED / recording}")
    make(tmp_path, "--deposit", f"{asset}=1000")
    said = run(tmp_path, *MAKE, "--deposit", "BTC=5", code=2).stderr
    assert "no market here trades BTC; there are ABC, EUR," in said
    monkeypatch.setenv("FLOORWIRE_VENUE", "replay:nowhere")
    assert "nowhere" in run(tmp_path, *MAKE, "--deposit", "NOPE=5", code=2).stderr


@pytest.mark.parametrize("arguments", [("list",), ("revoke", "k"), ("rotate", "k")])
def test_a_folder_that_is_not_there_is_not_made(tmp_path: Path, arguments: tuple[str, ...]) -> None:
    make(tmp_path / "gateway")
    said = run(tmp_path / "gatewya", *arguments, code=2).stderr
    assert said == (
        f"floorwire: {tmp_path / 'gatewya'}: there is no data folder; did you mean {tmp_path / 'gateway'}?\n"
    )
    (tmp_path / "empty").mkdir()
    said = run(tmp_path / "empty", *arguments, code=2).stderr
    assert "there is no data folder; name it with --data" in said
    assert {path.name for path in tmp_path.iterdir()} - {"home"} == {"gateway", "empty"}
    assert list((tmp_path / "empty").iterdir()) == []


def test_a_folder_that_cannot_be_used(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    for arguments in (("list",), MAKE):
        assert "file" in run(tmp_path / "file", *arguments, code=2).stderr


def test_the_master_key_may_come_from_the_environment(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FLOORWIRE_MASTER_KEY", "ab" * 32)
    make(tmp_path)
    assert not (tmp_path / "master.key").exists()
    monkeypatch.setenv("FLOORWIRE_MASTER_KEY", "cd" * 32)
    assert "another master key" in run(tmp_path, "list", code=2).stderr
    monkeypatch.setenv("FLOORWIRE_MASTER_KEY", "short")
    said = run(tmp_path, "list", code=2).stderr
    assert "64 hex digits" in said
    assert "short" not in said


def test_each_change_is_in_the_audit_log_without_its_secret(tmp_path: Path) -> None:
    issued = make(tmp_path)
    rotated = json.loads(run(tmp_path, "rotate", issued["key"], "--json").stdout)
    run(tmp_path, "revoke", issued["key"])
    text = (tmp_path / "audit.jsonl").read_text()
    lines = [json.loads(line) for line in text.splitlines()]
    assert [line["event"] for line in lines] == ["keys.create", "keys.rotate", "keys.revoke"]
    assert {line["target"] for line in lines} == {issued["key"]}
    assert all(line["account"].startswith("os:") for line in lines)
    assert issued["secret"] not in text
    assert rotated["secret"] not in text


def test_everything_in_the_folder_is_its_owners_alone(tmp_path: Path) -> None:
    folder = tmp_path / "new"
    make(folder)
    assert folder.stat().st_mode & 0o777 == 0o700
    modes = {path.name: path.stat().st_mode & 0o777 for path in folder.iterdir()}
    names = ("keys.db", "keys.mark", "master.key", "audit.jsonl")
    assert modes == dict.fromkeys(names, 0o600)


def test_the_scopes_are_those_of_the_protocol() -> None:
    assert [scope.value for scope in Scope] == ["market", "account", "trade", "admin", "monitor"]


def test_rows_that_somebody_changed_are_told_of_and_can_be_removed(tmp_path: Path) -> None:
    bad, good = make(tmp_path), make(tmp_path)
    with closing(sqlite3.connect(tmp_path / "keys.db", isolation_level=None)) as database:
        database.execute("UPDATE keys SET revoked_us = 1 WHERE id = ?", (bad["key"],))
    for arguments in (("list",), ("list", "--json")):
        said = run(tmp_path, *arguments, code=1)
        assert f"the row of key '{bad['key']}' was changed by somebody else" in said.stderr
        assert "KeysTampered" in said.stderr
        assert bad["key"] not in said.stdout
        assert good["key"] in said.stdout
    assert "changed by somebody else" in run(tmp_path, "rotate", bad["key"], code=2).stderr
    assert f"removed '{bad['key']}'" in run(tmp_path, "accept").stdout
    assert [row["key"] for row in rows(tmp_path)] == [good["key"]]


def test_the_new_secret_is_shown_before_the_old_one_ends(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    issued = make(tmp_path)
    before = DataDir(tmp_path, {}).keys.find(issued["key"])

    def fail(*_: object) -> None:
        raise DatabaseError("the disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(KeyStore, "replace_secret", fail)
        said = run(tmp_path, "rotate", issued["key"], code=2)
    assert "secret" in said.stdout
    assert "the new secret is not good, the old one still is: the disk is full" in said.stderr
    assert DataDir(tmp_path, {}).keys.find(issued["key"]) == before


def test_that_an_earlier_versions_keys_were_taken_over_is_said_once(tmp_path: Path) -> None:
    with tarfile.open(Path(__file__).parents[1] / "fixtures" / "stopped-d5e445b.tar.xz") as tar:
        tar.extractall(tmp_path, filter="data")
    said = run(tmp_path, "list", "--json")
    assert "keys.db of an earlier version was taken over with 3 keys" in said.stderr
    assert len(json.loads(said.stdout)) == 3
    assert run(tmp_path, "list", "--json").stderr == ""


@pytest.mark.parametrize("error", [KeyError, OSError])
def test_a_user_without_a_name_makes_keys_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, error: type[Exception]
) -> None:
    """As in a container that runs as a number. Python 3.13 raises OSError, those before KeyError."""

    def nobody() -> str:
        raise error

    monkeypatch.setattr("getpass.getuser", nobody)
    make(tmp_path)
    assert f'"os:{os.getuid()}"' in (tmp_path / "audit.jsonl").read_text()
