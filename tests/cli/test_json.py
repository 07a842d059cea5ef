"""Every command has ``--json``, and what it prints then is JSON."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from pathlib import Path

import pytest
import typer
from typer.testing import CliRunner

from floorwire.cli import application
from tests.cli.operator import operate
from tests.cli.test_sentences import PATHS, ROOT
from tests.servers import ANSWERS_WITHIN_S, STOPS_WITHIN_S, Server
from tests.trading.trader import key, serving

WITHOUT = {("journal", "export")}
"""It writes lines of JSON always."""


def command(path: tuple[str, ...]) -> typer.core.TyperCommand | typer.core.TyperGroup:
    found: object = ROOT
    for name in path:
        assert isinstance(found, typer.core.TyperGroup)
        found = found.commands[name]
    assert isinstance(found, typer.core.TyperCommand | typer.core.TyperGroup)
    return found


def test_every_command_takes_it() -> None:
    commands = {path for path in PATHS if not isinstance(command(path), typer.core.TyperGroup)}
    have = {path for path in commands if any("--json" in one.opts for one in command(path).params)}
    assert commands - have == WITHOUT


def local(folder: Path, *arguments: str) -> object:
    """Return the JSON that a command on the data folder prints."""
    ended = CliRunner().invoke(application([arguments[0]]), [*arguments, "--json", "--data", str(folder)])
    assert ended.exit_code == 0, ended.output
    return json.loads(ended.stdout)


def test_commands_on_a_data_folder(folder: Path, tmp_path: Path) -> None:
    issued = key(folder)
    archive = tmp_path / "a.tar"
    assert local(folder, "keys", "accept") == {"accepted": 1, "removed": []}
    assert local(folder, "keys", "revoke", issued.key) == {"revoked": issued.key}
    with serving(folder):
        pass  # it makes the journal
    assert local(folder, "journal", "repair") is None
    verified = local(folder, "journal", "verify")
    assert isinstance(verified, dict)
    assert verified.keys() == {"records", "snapshot"}
    copied = local(folder, "backup", str(archive))
    assert isinstance(copied, dict)
    assert (copied["path"], copied["records"]) == (str(archive), verified["records"])
    back = local(tmp_path / "back", "restore", str(archive))
    assert isinstance(back, dict)
    assert back["records"] == verified["records"]
    written = local(folder, "export", "ledger", "--out", str(tmp_path / "ledger.csv"))
    assert isinstance(written, dict)
    rows = (
        CliRunner()
        .invoke(application(["export"]), ["export", "ledger", "--json", "--data", str(folder)])
        .stdout
    )
    lines = [json.loads(line) for line in rows.splitlines()]
    assert len(lines) == written["rows"] > 0
    assert {"owner", "asset", "amount"} <= lines[0].keys()


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, file: Path, folder: Path) -> Iterator[Server]:
    with serving(folder) as running:
        yield running


def test_a_server_says_where_it_is(folder: Path) -> None:
    key(folder)
    command = [sys.executable, "-m", "floorwire", "serve", "--port", "0", "--data", str(folder), "--json"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout is not None
        said = json.loads(process.stdout.readline())
        assert set(said) == {"page", "websocket", "api", "data"}
        with urllib.request.urlopen(said["api"], timeout=ANSWERS_WITHIN_S) as answer:
            assert answer.status == 200
        process.send_signal(signal.SIGTERM)
        assert process.communicate(timeout=STOPS_WITHIN_S)[0] == ""
        assert (process.returncode, said["data"]) == (0, str(folder))


def test_commands_at_a_server(server: Server, file: Path) -> None:
    def asked(*arguments: str) -> dict[str, object]:
        found = json.loads(operate(server.http(""), file, *arguments, "--json").stdout)
        assert isinstance(found, dict)
        return found

    halt = {"scope": "symbol", "name": "BTC-USDT"}
    made = asked("halt", "symbol", "BTC-USDT")
    assert made == {"halt": halt, "cancelled": 0, "halts": [halt]}
    assert asked("resume", "symbol", "BTC-USDT") == {"halt": halt, "cancelled": 0, "halts": []}
    limits = asked("limits", "set", "alice", "max_open_orders=5")["limits"]
    assert isinstance(limits, dict)
    assert limits["max_open_orders"] == 5
