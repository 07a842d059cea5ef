"""Run ccxt against a fake exchange, while others trade there."""

import asyncio
import os
from contextlib import suppress
from pathlib import Path

import msgspec
import pytest

from tests.fake_exchange.flow import SeededFlow

SESSION = Path(__file__).with_name("ccxt_session.py")
# What every face shows to ccxt.
SEEN = {
    "uncrossed": True,
    "open": True,
    "queried": "open",
    "edited": 0.002,
    "cancelled": "canceled",
    "filled": "closed",
    "over_ws": "canceled",
    "order_events": True,
    "fill_events": True,
    "trade_events": True,
    "fills": [0.001],
    "base": 1.000999,
}


async def ccxt_session(flow: SeededFlow, *arguments: str) -> dict[str, object]:
    """What the common session saw."""
    seen = await run_ccxt(SESSION, flow, *arguments)
    assert seen.pop("bids") != 0
    return seen


async def run_ccxt(script: Path, flow: SeededFlow, *arguments: str) -> dict[str, object]:
    """What a session printed, while the flow traded."""
    trading = asyncio.create_task(_keep_trading(flow))
    try:
        printed = await run_session(script, *arguments)
    finally:
        trading.cancel()
        with suppress(asyncio.CancelledError):
            await trading
    return msgspec.json.decode(printed, type=dict[str, object])


async def run_session(script: Path, *arguments: str) -> bytes:
    """What a session printed. It needs a Python that has ccxt, named by CCXT_PYTHON."""
    python = os.environ.get("CCXT_PYTHON", "")
    if not Path(python).is_file():
        pytest.skip("CCXT_PYTHON names no Python that has ccxt: make test-slow installs one")
    client = await asyncio.create_subprocess_exec(
        python, str(script), *arguments, stdout=asyncio.subprocess.PIPE, stderr=asyncio.subprocess.PIPE
    )
    try:
        out, err = await asyncio.wait_for(client.communicate(), 60)
    finally:
        if client.returncode is None:
            client.kill()
    assert client.returncode == 0, err.decode()
    return out


async def _keep_trading(flow: SeededFlow) -> None:
    while True:
        flow.step()
        await asyncio.sleep(0.05)
