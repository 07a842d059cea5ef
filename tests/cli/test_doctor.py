"""``floorwire doctor`` says what a server lacks here, and what an exchange sends."""

from __future__ import annotations

import asyncio
import json
import os
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path

import pytest
from typer.testing import CliRunner

from floorwire.cli import application, server_checks
from tests.connectors.local_venue import tcp_venue, websocket_venue
from tests.connectors.small_exchange import SmallExchange
from tests.servers import scripted
from tests.trading.trader import key
from tests.web import certificates


def settings(folder: Path, ws_url: str, rest_url: str) -> str:
    file = folder / "floorwire.toml"
    file.write_text(f'[venues.here]\nkind = "binance"\nws_url = "{ws_url}"\nrest_url = "{rest_url}"\n')
    return str(file)


async def doctor(*arguments: str) -> tuple[int | None, str]:
    """Run it as a process: it sets up the logs of its whole process."""
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "floorwire", "doctor", "venue", "here", "--seconds", "1", *arguments),
        env={**os.environ, "NO_PROXY": "127.0.0.1", "COLUMNS": "150"},
        stdout=asyncio.subprocess.PIPE,
    )
    output = (await process.communicate())[0].decode()
    return process.returncode, output


async def test_an_exchange_that_is_well(tmp_path: Path) -> None:
    exchange = SmallExchange()
    async with websocket_venue(exchange.talk) as ws_url, tcp_venue(exchange.answer) as port:
        code, output = await doctor("--config", settings(tmp_path, ws_url, f"http://127.0.0.1:{port}"))
    assert code == 0, output
    assert "here:BTC-USDT" in output
    assert "all is well" in output


async def test_an_exchange_that_does_not_answer(tmp_path: Path) -> None:
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{unused.getsockname()[1]}"
        file = settings(tmp_path, f"ws://{address}", f"http://{address}")
        code, output = await doctor("--config", file, "--symbol", "ETH-USDT")
    assert code == 1
    assert "wrong: 1 requests failed: no answer (nothing listens there" in output


def test_a_venue_that_connects_to_nothing_is_refused() -> None:
    for name, said in (("sim", "sim is no exchange"), ("nobody", "'nobody' is none of")):
        result = CliRunner().invoke(application(), ["doctor", "venue", name])
        assert result.exit_code == 2
        assert said in result.output


# --- the machine and the settings --------------------------------------------------------------------------


def checked(*arguments: str, code: int = 0) -> dict[str, tuple[str, str]]:
    """Return the state and the text of each check, with what to do behind it."""
    ended = CliRunner().invoke(application(["doctor"]), ["doctor", "--json", *arguments])
    assert ended.exit_code == code, ended.output
    rows = json.loads(ended.stdout)
    assert all(bool(row["todo"]) is (row["state"] != "well") for row in rows), "it says what to do"
    return {row["name"]: (row["state"], f"{row['text']}; {row['todo']}") for row in rows}


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Return a data folder that is not there yet, where a server would make it."""
    monkeypatch.setenv("FLOORWIRE_DATA", str(tmp_path / "data"))
    monkeypatch.setenv("FLOORWIRE_PORT", "0")
    return tmp_path / "data"


def test_a_machine_that_has_all(data: Path) -> None:
    found = checked("--set", "limits.connections=10", "--set", "history.store=memory")
    assert list(found) == ["open files", "clock", "disk", "port", "TLS", "keys", "venue sim"]
    assert {name: state for name, (state, _) in found.items() if name not in ("clock", "disk")} == {
        name: "well" for name in found if name not in ("clock", "disk")
    }
    assert not data.exists(), "it makes nothing"


def test_each_check_is_a_line_for_people(data: Path) -> None:
    ended = CliRunner().invoke(application(["doctor"]), ["doctor"])
    assert ended.exit_code == 0
    assert "well   TLS: none is needed" in ended.stdout


def test_too_few_open_files(data: Path) -> None:
    program = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_NOFILE, (int(sys.argv.pop(1)),) * 2);"
        "from floorwire.cli import main; main()"
    )
    for limit, state, code in ((60, "wrong", 1), (200, "note", 0)):
        command = [sys.executable, "-c", program, str(limit), "doctor", "--json"]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
        [row] = [row for row in json.loads(ended.stdout) if row["name"] == "open files"]
        assert (ended.returncode, row["state"]) == (code, state), ended
        assert "ulimit -n" in row["todo"]


@pytest.mark.slow
def test_a_port_that_is_taken_says_by_whom(data: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        taken.settimeout(0)  # it accepts, and says nothing
        port = taken.getsockname()[1]
        state, text = checked("--set", f"port={port}", code=1)["port"]
    assert state == "wrong"
    assert "another program listens there" in text
    with scripted(per_second=0) as server:
        state, text = checked("--set", f"port={server.port}")["port"]
    assert "a Floorwire runs there" in text
    assert "does not" not in checked("--set", "host=192.0.2.1", "--set", "port=8000", code=1)["port"][1]


def test_where_others_can_connect_tls_and_keys_are_needed(data: Path) -> None:
    found = checked("--set", "host=0.0.0.0", code=1)
    assert found["TLS"][0] == "wrong"
    assert "--tls-cert" in found["TLS"][1]
    assert found["keys"][0] == "wrong"
    assert "floorwire keys create" in found["keys"][1]
    key(data, "alice")
    found = checked("--set", "host=0.0.0.0", "--set", "doors.behind_proxy=true")
    assert found["TLS"][0] == "well"
    assert found["keys"] == ("well", "1 of 1 keys are live; ")


def test_a_certificate_and_its_end(data: Path, tmp_path: Path) -> None:
    cert, private = certificates.write(tmp_path)
    state, text = checked("--set", f"tls.cert={cert}", "--set", f"tls.key={private}")["TLS"]
    assert state in ("well", "note")
    assert "is good until" in text
    now = datetime.now(UTC)
    states = [server_checks.how_long(now + timedelta(days=days, hours=1)).state for days in (100, 3, -1)]
    assert states == ["well", "note", "wrong"]
    private.write_text("nonsense")
    assert checked("--set", f"tls.cert={cert}", "--set", f"tls.key={private}", code=1)["TLS"][0] == "wrong"


def test_a_data_folder_that_is_not_as_it_should_be(data: Path) -> None:
    key(data, "alice")
    (data / "keys.db").chmod(0o644)
    state, text = checked(code=1)["keys"]
    assert (state, "chmod 600" in text) == ("wrong", True)
    (data / "keys.db").chmod(0o600)
    (data / "master.key").rename(data.with_name("master.key"))
    assert "the master key is missing" in checked(code=1)["keys"][1]


def test_settings_that_cannot_be_used_are_a_sentence(data: Path) -> None:
    for given in ("limits.connections=x", "venue=nobody"):
        ended = CliRunner().invoke(application(["doctor"]), ["doctor", "--set", given])
        assert ended.exit_code == 2
        assert ended.stderr.startswith("floorwire: ")


async def test_venues_of_the_settings(tmp_path: Path, data: Path) -> None:
    exchange = SmallExchange()
    async with websocket_venue(exchange.talk) as ws_url, tcp_venue(exchange.answer) as port:
        file = settings(tmp_path, ws_url, f"http://127.0.0.1:{port}")
        arguments = ("--config", file, "--set", "venue=here", "--set", "venues.here.symbols=BTC-USDT")
        found = await asyncio.to_thread(checked, *arguments)
        assert found["venue here"] == ("well", "books of 1 symbols came; ")
    found = await asyncio.to_thread(partial(checked, *arguments, "--seconds", "1", code=1))
    state, text = found["venue here"]
    assert state == "wrong"
    assert "floorwire doctor venue here" in text


async def test_a_report_of_a_venue_as_json(tmp_path: Path) -> None:
    exchange = SmallExchange()
    async with websocket_venue(exchange.talk) as ws_url, tcp_venue(exchange.answer) as port:
        file = settings(tmp_path, ws_url, f"http://127.0.0.1:{port}")
        code, output = await doctor("--config", file, "--symbol", "BTC-USDT", "--json")
    assert code == 0, output
    told = json.loads(output)
    assert told["failures"] == []
    assert [one["symbol"] for one in told["symbols"]] == ["here:BTC-USDT"]
