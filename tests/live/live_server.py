"""A whole server in a process of its own, whose venues are fake exchanges in this one."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.live.faces import FakeMarket, environment, write_settings
from tests.servers import Server, forked, metrics
from tests.trading.trader import FREE

QUICK = Path(__file__).with_name("quick_server.py")
TRIES = 1_200


@asynccontextmanager
async def serving(
    markets: Sequence[FakeMarket], folder: Path, *arguments: str, is_quick: bool = False
) -> AsyncIterator[Server]:
    """Run ``floorwire serve --live`` with these venues. The first is the default one.

    ``is_quick``: with the shorter waits of ``quick_server.py``.
    """
    program = ["-P", str(QUICK)] if is_quick else ["-m", "floorwire"]
    config = write_settings(folder, markets)
    command = [*program, "serve", "--live", "--port", "0", "--config", str(config)]
    command += ["--data", str(folder / "data"), "--set=drain.seconds=0.1", *FREE, *arguments]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        for name, text in environment(markets).items():
            patch.setenv(name, text)
        process = forked(*command)
        # Its start and its end are waited for in a thread: the exchanges go on meanwhile.
        server = await asyncio.to_thread(process.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)


async def until_open(server: Server, markets: Sequence[FakeMarket]) -> None:
    """Wait until orders may go to all exchanges."""
    names = [f'floorwire_live_orders_open{{venue="{market.face}"}}' for market in markets]
    for _ in range(TRIES):
        now = await asyncio.to_thread(metrics, server)
        closed = [name for name in names if now.get(name) != 1]
        if not closed:
            return
        await asyncio.sleep(0.1)
    raise AssertionError(f"never open: {closed}\n{server.log[-4000:]}")


def name(market: FakeMarket, markets: Sequence[FakeMarket], text: str) -> str:
    """Return the name of a symbol or an asset of the venue, as clients write it."""
    return text if market is markets[0] else f"{market.face}:{text}"
