"""``kill -9`` while the store writes: it opens, has all that was written, and says what is missing."""

from __future__ import annotations

import random
import sys
import time
from pathlib import Path

import pytest

from floorwire.core.candle_intervals import INTERVALS
from tests.forked_python import fork_server
from tests.history import market
from tests.history.market import SECOND_US, START_US, SYMBOL, begin, opened

WRITER = ("-m", "tests.history.killed_writer")


async def check(path: Path, written: int, at_us: int, starts_us: list[int]) -> int:
    """Check what is there after a kill; return the number of the last trade."""
    store = opened(path)
    trades = await market.all_trades(store)
    numbers = [int(one.trade_id) for one in trades]
    assert numbers == list(range(1, len(numbers) + 1))
    assert len(numbers) >= written
    for interval in INTERVALS:
        expected = market.counted(trades, interval)
        assert await market.stored(store, interval, [one[0] for one in expected]) == expected
    complete_us = (await store.extent(SYMBOL)).complete_us
    begin(store, at_us)
    await store.extent(SYMBOL)
    holes = await store.holes(SYMBOL, None)
    assert holes[0].from_us == 0
    if starts_us:
        assert holes[-1].from_us == complete_us
        assert holes[-1].to_us == at_us + SECOND_US
        assert complete_us >= starts_us[-1]
    store.close()
    return len(numbers)


async def kill_often(path: Path, times: int, seed: int) -> None:
    """Start the writer, kill it after a moment, and look at what is left, again and again."""
    rng = random.Random(seed)
    starts_us: list[int] = []
    at_us = START_US
    written = 0
    for _ in range(times):
        at_us += 10_000 * SECOND_US
        process = fork_server().start((*WRITER, str(path), str(at_us)), sys.stderr.fileno())
        starts_us.append(at_us)
        for _ in range(rng.randrange(1, 4)):
            written = int(process.stdout.readline())
        time.sleep(rng.random() * 0.02)
        process.kill()
        process.wait(20)
        process.stdout.close()
        at_us += 10_000 * SECOND_US
        written = await check(path, written, at_us, starts_us)


async def test_what_was_written_is_there_after_a_kill(tmp_path: Path) -> None:
    await kill_often(tmp_path / "market.db", 3, 1)


@pytest.mark.slow
async def test_fifty_kills(tmp_path: Path) -> None:
    await kill_often(tmp_path / "market.db", 50, 2)
