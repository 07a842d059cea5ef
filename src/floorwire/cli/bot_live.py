"""``floorwire bot run``: a bot at a server, over the SDK; on paper with hot reload."""

from __future__ import annotations

import asyncio
import secrets
import signal
from collections.abc import Iterable
from pathlib import Path
from typing import Final

from rich.console import Console
from rich.status import Status

from floorwire.bot import bot_file, run_report
from floorwire.bot.bot import Bot
from floorwire.bot.bot_file import BotFileError
from floorwire.bot.live_run import BotRunError, LiveRun
from floorwire.bot.run_report import ModeName, RunReport
from floorwire.cli.bot_job import BotJob, BotJobError
from floorwire.cli.chosen_server import ChosenServer
from floorwire.cli.output import echo
from floorwire.cli.sdk_client import connected
from floorwire.client import Client
from floorwire.core.dates import rfc3339

LOOK_S: Final = 0.5
"""How often it looks whether the file has changed, and shows its progress."""
SCOPES: Final = "market,account,trade"
GRACE_S: Final = 10
"""If the connection is lost for longer, the server cancels the open orders of the key."""


def run(job: BotJob, server: ChosenServer, *, reloads: bool) -> RunReport:
    """Run the bot until Ctrl-C, SIGTERM, or the end of ``--for``. Raises BotJobError, CommandError."""
    try:
        return asyncio.run(_run(job, server, server.key(SCOPES), reloads=reloads))
    except (BotRunError, ValueError) as error:
        raise BotJobError(str(error)) from None


async def _run(job: BotJob, server: ChosenServer, key: str, *, reloads: bool) -> RunReport:
    ended = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    if job.seconds is not None:
        loop.call_later(job.seconds, ended.set)
    async with connected(server, key, cancel_on_disconnect_s=GRACE_S) as client:
        mode = await _mode(client, job.symbols or job.kind.symbols)
        name = f"{job.kind.__name__.lower()[:12]}-{secrets.token_hex(3)}"
        live = LiveRun(client, job.limits, name=name, seed=job.seed, on_line=_print_line)
        echo(
            f"{job.kind.__name__} runs {mode} at {server.url}; Ctrl-C ends it and cancels its orders",
            err=True,
        )
        watching = asyncio.create_task(_watch(job, live, reloads=reloads and mode == "paper"))
        try:
            await live.play(job.bot(0), ended)
        finally:
            watching.cancel()
            await asyncio.gather(watching, return_exceptions=True)
    return run_report.make(
        live.run.record,
        bot=job.kind.__name__,
        mode=mode,
        source=server.url,
        parameters={**job.values},
        seed=job.seed,
        ending=job.ending(live.run),
    )


async def _mode(client: Client, symbols: Iterable[str]) -> ModeName:
    """Return whether any of the symbols trades with real money."""
    rows = {row.symbol: row.venue for row in await client.rest.symbols()}
    orders = {row.venue: row.orders for row in await client.rest.venues()}
    return "live" if any(orders.get(rows.get(symbol, "")) == "live" for symbol in symbols) else "paper"


async def _watch(job: BotJob, live: LiveRun, *, reloads: bool) -> None:
    """Show how far the run is, and take over the file when it has changed."""
    console = Console(stderr=True)
    status = Status("", console=console)
    if console.is_terminal:
        status.start()
    try:
        changed = _changed_ns(job.file)
        while True:
            await asyncio.sleep(LOOK_S)
            record = live.run.record
            profits = ", ".join(f"{profit:.2f} {asset}" for asset, profit in record.profits.items())
            status.update(f"{record.events:,} events, {record.fill_count} fills, {profits}")
            if reloads and (now_ns := _changed_ns(job.file)) not in (0, changed):
                changed = now_ns
                _reload(job, live)
    finally:
        status.stop()


def _reload(job: BotJob, live: LiveRun) -> None:
    try:
        kind = bot_file.load(job.file, job.name)
        bot = _made(job, kind)
    except (BotFileError, ValueError) as error:
        echo(f"floorwire: not reloaded, the bot of before goes on: {error}", err=True)
        return
    live.reload(bot)
    echo(f"reloaded {job.file}", err=True)


def _made(job: BotJob, kind: type[Bot]) -> Bot:
    bot = job.bot(0, kind)
    if not bot.symbols:
        raise ValueError("it follows no symbol any more")
    return bot


def _changed_ns(file: Path) -> int:
    """Return when the file was changed; 0 while it is not there."""
    try:
        return file.stat().st_mtime_ns
    except OSError:
        return 0


def _print_line(ts_us: int, text: str) -> None:
    echo(f"{rfc3339(ts_us)} {text}")
