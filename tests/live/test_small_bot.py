"""The small bot of the examples, unchanged, on the simulator, on a recording and on each fake exchange."""

from __future__ import annotations

import asyncio
import os
import time
from pathlib import Path

import pytest

from tests.forked_python import fork_server
from tests.live.faces import FACES, Face, trading
from tests.live.live_server import serving as serving_live
from tests.trading.trader import key, serving

TESTS = Path(__file__).parent.parent
BOT = TESTS.parent / "examples" / "small_bot.py"
TRIES = 20
REFUSALS = 10
"""A market that just came has no prices for a while. What is refused for longer is refused for good."""


def first_event(bearer: str, symbol: str, url: str, quantity: str = "0.001") -> str:
    """Return the first line that tells of an order of the bot. A server that just started knows no symbol."""
    for _ in range(TRIES):
        if line := _first_event(bearer, symbol, quantity, url):
            return line
        time.sleep(0.5)
    raise AssertionError("the bot has no order")


def _first_event(*arguments: str) -> str:
    """Return that line; an empty one where the bot ended before."""
    with Path(os.devnull).open("w") as errors:
        process = fork_server().start(["-P", str(BOT), *arguments], errors.fileno())
    refusals: list[str] = []
    with process.stdout:
        try:
            for line in process.stdout:
                if not line.startswith("refused: "):
                    return line
                refusals.append(line)
                assert len(refusals) < REFUSALS, refusals[-1]
        finally:
            process.kill()
            process.wait()
    return ""


@pytest.mark.parametrize(
    ("venue", "symbol", "quantity"),
    [
        ("sim", "BTC-USDT", "0.00100"),
        pytest.param(f"replay:{TESTS}/recorded/okx", "ABC-USDT", "0.010", marks=pytest.mark.slow),
    ],
)
def test_on_the_simulator_and_on_a_recording(venue: str, symbol: str, quantity: str, tmp_path: Path) -> None:
    issued = key(tmp_path)
    with serving(tmp_path, "--venue", venue, "--set=replay.loop=true") as started:
        line = first_event(f"{issued.key}.{issued.secret}", symbol, started.ws(), quantity)
    assert line == f"buy new {quantity}\n"


@pytest.mark.slow
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
    assert line.startswith("buy "), line
