"""A process that stores trades until it is killed: ``python -m tests.history.killed_writer FILE START_US``.

The n-th trade has the id n and comes a thousandth of a second after the one before. Numbers that are written
are printed.
"""

from __future__ import annotations

import asyncio
import sys
from pathlib import Path

from floorwire.core.market_events import VenueTime
from tests.history import market
from tests.history.market import SYMBOL, begin, opened, publish, trade


async def run(path: Path, start_us: int) -> None:
    """Store trades for ever."""
    store = opened(path)
    begin(store, start_us)
    first = await store.trades(SYMBOL, limit=1)
    number = int(first[0].trade_id) if first else 0
    at_us = start_us + 2 * market.SECOND_US
    while True:
        for _ in range(50):
            number += 1
            at_us += 1_000
            publish(store, trade(at_us, price=1 + number % 90, size=number, number=number))
        publish(store, VenueTime(at_us))
        await store.extent(SYMBOL)  # taken into memory
        await asyncio.to_thread(store.writer.write)
        print(number, flush=True)


if __name__ == "__main__":
    _, file, start = sys.argv
    asyncio.run(run(Path(file), int(start)))
