"""Runs a bot over the SDK on a whole gateway that plays a recording at its own speed."""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from floorwire import config
from floorwire.app import Gateway
from floorwire.bot import Bot
from floorwire.bot.bot_limits import BotLimits
from floorwire.bot.live_run import LiveRun
from floorwire.bot.run import Run
from floorwire.client.testing import InProcessClient
from floorwire.connectors import venue_registry
from floorwire.protocol.replies import SymbolRow
from floorwire.web import create_app
from tests.frozen_loop import FrozenLoop
from tests.trading import trader


async def on_paper(
    bot: Bot,
    recording: Path | str,
    folder: Path,
    *,
    deposits: dict[str, str],
    latency_us: int = 0,
    seconds: float,
    limits: BotLimits | None = None,
    after: float = 0.0,
    then: Bot | None = None,
) -> Run:
    """Run the bot for so long, from the first event of the recording on; return its run.

    ``recording``: a file, or another venue as the settings name it. ``then``: runs in place of the bot after
    so many seconds.
    """
    loop = asyncio.get_running_loop()
    assert isinstance(loop, FrozenLoop)
    clock = loop.clock()
    venue = recording if isinstance(recording, str) else f"replay:{recording}"
    assignments = [
        f"data={folder}",
        "journal=memory",
        f"paper.latency_us={latency_us}",
        "history.store=memory",
    ]
    settings = config.load(None, {}, assignments, {"venue": [venue]})
    issued = trader.key(folder, "bot", money=deposits)
    gateway = Gateway(settings, venue_registry.build(settings), clock)
    async with InProcessClient(create_app(gateway), key=f"{issued.key}.{issued.secret}") as client:
        live = LiveRun(client, limits, name="bot", stamp_us=clock.stamp_us)
        ended = asyncio.Event()
        loop.call_later(seconds, ended.set)
        start = live.run.start

        def start_and_go_on(bot: Bot, rows: Iterable[SymbolRow]) -> None:
            loop.is_held = False
            start(bot, rows)
            if then is not None:
                loop.call_later(after, live.reload, then)

        live.run.start = start_and_go_on  # type: ignore[method-assign]
        await live.play(bot, ended)
        loop.is_held = True  # what ends the gateway may use threads, and has limits of time
    return live.run
