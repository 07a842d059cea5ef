"""The small bot of the examples, unchanged, on the simulator, on a recording and on each fake exchange."""

from __future__ import annotations

import asyncio
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.live.faces import FACES, Face, trading
from tests.live.live_server import serving as serving_live
from tests.trading.trader import key, serving

pytestmark = pytest.mark.slow
TESTS = Path(__file__).parent.parent
BOT = TESTS.parent / "examples" / "small_bot.py"


def first_event(bearer: str, symbol: str, url: str) -> str:
    """Return the first line that tells of an order of the bot. A server that just started knows no symbol."""
    for _ in range(20):
        if line := _first_event(bearer, symbol, url):
            return line
        time.sleep(0.5)
    raise AssertionError("the bot has no order")


def _first_event(bearer: str, symbol: str, url: str) -> str:
    command = [sys.executable, "-u", str(BOT), bearer, symbol, "0.001", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True) as process:
        assert process.stdout is not None
        try:
            return next((line for line in process.stdout if not line.startswith("refused: ")), "")
        finally:
            process.send_signal(signal.SIGKILL)


@pytest.mark.parametrize(
    ("venue", "symbol"), [("sim", "BTC-USDT"), (f"replay:{TESTS}/recorded/okx", "ABC-USDT")]
)
def test_on_the_simulator_and_on_a_recording(venue: str, symbol: str, tmp_path: Path) -> None:
    issued = key(tmp_path)
    with serving(tmp_path, "--venue", venue, "--set=replay.loop=true") as started:
        line = first_event(f"{issued.key}.{issued.secret}", symbol, started.ws())
    assert line.startswith("new buy new 0.001"), line


@pytest.mark.parametrize("face", FACES, ids=str)
async def test_on_an_exchange(face: Face, tmp_path: Path) -> None:
    issued = key(tmp_path / "data", money={})
    async with trading(face) as market, serving_live([market], tmp_path) as started:
        bearer = f"{issued.key}.{issued.secret}"
        line = await asyncio.to_thread(first_event, bearer, face.symbol, started.ws())
        for _ in range(50):
            if market.orders():
                break
            await asyncio.sleep(0.1)
        assert market.orders(), f"{line}\n{started.log}"
    assert " buy " in line
