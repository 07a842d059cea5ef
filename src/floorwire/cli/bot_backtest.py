"""``floorwire bot run --venue replay:FILE``: backtests, one or a sweep of many, with progress."""

from __future__ import annotations

import os
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from functools import partial
from pathlib import Path
from typing import Final

import msgspec
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from floorwire import config
from floorwire.bot import Bot, run_report
from floorwire.bot.backtest import bot_topics, parallel_runs
from floorwire.bot.backtest.backtest import Backtest
from floorwire.bot.backtest.market_player import NEVER, BacktestError, Batch, Heard, heard
from floorwire.bot.backtest.parallel_runs import WorkerFailedError
from floorwire.bot.backtest.recorded_markets import RecordedMarkets
from floorwire.bot.run_report import RunReport
from floorwire.cli.bot_job import BotJob, BotJobError
from floorwire.cli.output import echo
from floorwire.config import Settings
from floorwire.core.dates import rfc3339
from floorwire.ops import logs
from floorwire.trading.configured_rules import trading_rules

REPORT: Final = msgspec.msgpack.Decoder(RunReport)
REFRESH_S: Final = 0.2
BATCHES_A_UPDATE: Final = 1_000
US: Final = 1_000_000


def settings(
    venues: Sequence[str], latency_ms: float | None, config_file: Path | None, assignments: Iterable[str]
) -> Settings:
    """Return the settings of a backtest. Raises SettingsError."""
    given = list(assignments)
    if latency_ms is not None:
        given.append(f"paper.latency_us={round(latency_ms * 1_000)}")
    return config.load(config_file, os.environ, given, {"venue": [*venues]})


def run(job: BotJob, settings: Settings, deposits: Mapping[str, str], jobs: int) -> list[RunReport]:
    """Run each combination; return the reports in their order. Raises BotJobError, SettingsError."""
    logs.configure("warning")
    for number in range(len(job.combinations)):
        fault = bot_topics.fault(job.bot(number))
        if fault is not None:
            raise BotJobError(f"{job.kind.__name__}: {fault}")
    markets = RecordedMarkets(settings)
    try:
        if len(job.combinations) == 1:
            return [_one(job, settings, markets, deposits)]
        return _sweep(job, settings, markets, deposits, jobs)
    except (BacktestError, WorkerFailedError) as error:
        raise BotJobError(str(error)) from None


def _one(job: BotJob, settings: Settings, markets: RecordedMarkets, deposits: Mapping[str, str]) -> RunReport:
    with _progress("backtest") as shown:
        task = shown.add_task("", total=markets.length_us, text="")
        backtest = _backtest(job, settings, markets, deposits)
        began, drawn = time.monotonic(), 0.0
        for at_us in backtest.play(job.bot(0), markets.play(job.bot(0)), _until_us(job, markets)):
            now = time.monotonic()
            if now - drawn >= REFRESH_S:
                drawn = now
                record, events = backtest.run.record, backtest.market_events
                profits = ", ".join(f"{profit:.2f} {asset}" for asset, profit in record.profits.items())
                rate = events / (now - began)
                text = f"{events:,} events, {rate:,.0f}/s, {record.fill_count} fills, {profits}"
                shown.update(task, completed=at_us - markets.begin_us, text=text)
        shown.update(task, completed=markets.length_us)
    return _report(job, settings, backtest, 0)


def _sweep(
    job: BotJob, settings: Settings, markets: RecordedMarkets, deposits: Mapping[str, str], jobs: int
) -> list[RunReport]:
    played: dict[Heard, Sequence[Batch]] = {}
    reports: dict[int, RunReport] = {}
    with _progress("decode") as shown:
        for number in range(len(job.combinations)):
            bot = job.bot(number)
            if heard(bot) not in played:
                played[heard(bot)] = list(_decoded(markets, bot, shown))
    work = partial(_run_again, job, settings, markets, deposits, played)
    with _progress("sweep") as shown:
        count = len(job.combinations)
        task = shown.add_task("", total=count, text="")
        for number, encoded in parallel_runs.run(work, count, jobs):
            result = REPORT.decode(encoded) if encoded[:1] != b"!" else None
            if result is None:
                raise BotJobError(encoded[1:].decode())
            reports[number] = result
            shown.update(task, completed=len(reports), text=f"{len(reports)} of {count} runs")
    return [reports[number] for number in range(len(reports))]


def _decoded(markets: RecordedMarkets, bot: Bot, shown: Progress) -> Iterator[Batch]:
    task = shown.add_task("", total=markets.length_us, text="")
    for number, batch in enumerate(markets.play(bot)):
        if number % BATCHES_A_UPDATE == 0:
            shown.update(task, completed=batch.at_us - markets.begin_us)
        yield batch


def _run_again(
    job: BotJob,
    settings: Settings,
    markets: RecordedMarkets,
    deposits: Mapping[str, str],
    played: Mapping[Heard, Sequence[Batch]],
    number: int,
) -> bytes:
    """Return the report of one combination, encoded; or ``!`` and why it cannot be run."""
    backtest, bot = _backtest(job, settings, markets, deposits), job.bot(number)
    try:
        for _ in backtest.play(bot, played[heard(bot)], _until_us(job, markets)):
            pass
    except BacktestError as error:
        return b"!" + str(error).encode()
    return msgspec.msgpack.encode(_report(job, settings, backtest, number))


def _backtest(
    job: BotJob, settings: Settings, markets: RecordedMarkets, deposits: Mapping[str, str]
) -> Backtest:
    venues = markets.venues()
    return Backtest(
        venues,
        trading_rules(settings, venues[0].name),
        markets.begin_us,
        deposits,
        limits=job.limits,
        seed=job.seed,
        on_line=_print_line if job.is_verbose else None,
    )


def _until_us(job: BotJob, markets: RecordedMarkets) -> int:
    return NEVER if job.seconds is None else markets.begin_us + round(job.seconds * US)


def _report(job: BotJob, settings: Settings, backtest: Backtest, number: int) -> RunReport:
    return run_report.make(
        backtest.run.record,
        bot=job.kind.__name__,
        mode="backtest",
        source=", ".join(settings.venue),
        parameters={**job.values, **job.combinations[number]},
        seed=job.seed,
        ending=job.ending(backtest.run),
        set_latency_us=settings.paper.latency_us,
    )


def _print_line(ts_us: int, text: str) -> None:
    echo(f"{rfc3339(ts_us)} {text}")


@contextmanager
def _progress(name: str) -> Iterator[Progress]:
    """Show progress on a terminal; nothing where standard error is none."""
    console = Console(stderr=True)
    columns = (TextColumn(name), BarColumn(), TimeRemainingColumn(), TextColumn("{task.fields[text]}"))
    with Progress(*columns, console=console, transient=True, disable=not console.is_terminal) as shown:
        yield shown
