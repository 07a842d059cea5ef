"""Prices of a fake exchange through an unmodified ccxt."""

from __future__ import annotations

import asyncio
import os
import sys
from asyncio.subprocess import PIPE
from pathlib import Path

import msgspec
import pytest

from tests.fake_exchange.flow import SeededFlow
from tests.fake_exchange.kraken import FakeKraken, default_markets
from tests.fake_exchange.serving import running

# ccxt comes last on the path, so that all other packages are ours.
RUN = "import sys, runpy; sys.path.append(sys.argv.pop(1)); runpy.run_module({!r}, run_name='__main__')"


async def packages() -> str:
    """Return the folder that has ccxt. Skip where CCXT_PYTHON names no Python that has it."""
    python = os.environ.get("CCXT_PYTHON", "")
    if not Path(python).is_file():
        pytest.skip("CCXT_PYTHON names no Python that has ccxt: make test-slow installs one")
    code = "import ccxt, sys; print(ccxt.__path__[0], *sys.version_info[:2])"
    asked = await asyncio.create_subprocess_exec(python, "-c", code, stdout=PIPE)
    folder, *version = (await asked.communicate())[0].decode().split()
    if version != [str(part) for part in sys.version_info[:2]]:
        pytest.skip("CCXT_PYTHON is another version of Python")
    return str(Path(folder).parent)


async def trade(flow: SeededFlow) -> None:
    while True:
        flow.step()
        await asyncio.sleep(0.05)


@pytest.mark.slow
async def test_prices_come_and_come_again_after_a_loss() -> None:
    folder = await packages()
    exchange = FakeKraken(default_markets())
    flow = SeededFlow(exchange.core, "BTCUSD", 600_000)
    flow.fill_book()
    async with running(exchange) as fake:
        arguments = ("kraken", fake.http, fake.http.replace("http", "ws", 1), "BTC-USD")
        trading = asyncio.create_task(trade(flow))
        session = await asyncio.create_subprocess_exec(
            sys.executable, "-c", RUN.format("tests.connectors.ccxt_prices_session"), folder, *arguments,
            stdin=PIPE, stdout=PIPE, stderr=PIPE,
        )  # fmt: skip
        assert session.stdin is not None
        assert session.stdout is not None
        try:
            said = ""
            async with asyncio.timeout(40):
                while line := (await session.stdout.readline()).decode():
                    if line == "up\n":
                        await fake.disconnect_all()
                        session.stdin.write(b"\n")
                    said = line
                await session.wait()
        finally:
            if session.returncode is None:
                session.kill()
            trading.cancel()
            await asyncio.wait((trading,))
        assert session.stderr is not None
        assert session.returncode == 0, (await session.stderr.read()).decode()
    seen = msgspec.json.decode(said, type=dict[str, object])
    assert seen["venue"] == "ccxt-kraken"
    assert seen["statuses"] == ["connecting start", "live synced", "stale link_lost", "live synced"]
    assert {"Trade", "Quote", "DayStats", "BookSnapshot", "BookChange"} <= set(seen["kinds"])  # type: ignore[call-overload]
    assert seen["crossed"] is False
    assert not fake.counts.refusals
