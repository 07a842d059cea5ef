"""``floorwire doctor venue`` says what an exchange sends, and fails where something is wrong."""

from __future__ import annotations

import asyncio
import os
import socket
import sys
from pathlib import Path

from typer.testing import CliRunner

from floorwire.cli import application
from tests.connectors.local_venue import tcp_venue, websocket_venue
from tests.connectors.small_exchange import SmallExchange


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
    assert "wrong: 1 requests failed: no answer (ConnectError: " in output


def test_a_venue_that_connects_to_nothing_is_refused() -> None:
    for name, said in (("sim", "sim is no exchange"), ("nobody", "'nobody' is none of")):
        result = CliRunner().invoke(application(), ["doctor", "venue", name])
        assert result.exit_code == 2
        assert said in result.output
