"""What ``floorwire bot run`` was asked for, and what it shows at the end."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from decimal import Decimal
from pathlib import Path

import msgspec

from floorwire.bot import parameters, report_files
from floorwire.bot.bot import Bot
from floorwire.bot.bot_file import where
from floorwire.bot.bot_limits import BotLimits
from floorwire.bot.parameters import Value
from floorwire.bot.report_page import best_first
from floorwire.bot.run import Run
from floorwire.bot.run_report import RunReport
from floorwire.cli.output import Table, echo, print_table

SHOWN_RUNS = 20


class BotJobError(ValueError):
    """Options that do not fit. The message is a sentence for people."""


class BotJob(msgspec.Struct, frozen=True, kw_only=True):
    """The bot and its options."""

    file: Path
    kind: type[Bot]
    name: str | None
    """The class, if one was named."""
    symbols: tuple[str, ...]
    values: Mapping[str, Value]
    combinations: Sequence[Mapping[str, Value]]
    """Of a sweep, which has several; else one that is empty."""
    seed: int
    limits: BotLimits
    seconds: float | None
    report: Path | None
    is_verbose: bool

    def check(self) -> None:
        """Raise BotJobError for what cannot be run."""
        if not self.symbols and not self.kind.symbols:
            raise BotJobError(f"{self.kind.__name__} follows no symbol: set its symbols, or give --symbol")

    def refuse_backtest_options(
        self, sweep: Sequence[str] | None, deposit: Sequence[str] | None, latency_ms: float | None
    ) -> None:
        """Raise BotJobError for options that only a backtest has."""
        given = {"--sweep": sweep, "--deposit": deposit, "--latency-ms": latency_ms}
        wrong = [option for option, value in given.items() if value]
        if wrong:
            raise BotJobError(f"{', '.join(wrong)}: only for a backtest, with --venue replay:FILE")

    def bot(self, number: int, kind: type[Bot] | None = None) -> Bot:
        """Return a new bot with the values of one combination. ``kind``: a class that was loaded later."""
        return parameters.make(kind or self.kind, self.symbols, {**self.values, **self.combinations[number]})

    def ending(self, run: Run) -> str:
        """Return why the run ended early; "": it did not."""
        if run.failure is None:
            return run.ending
        cause = run.failure.__cause__ or run.failure
        return f"{where(cause, self.file)}: {type(cause).__name__}: {cause}"

    def show(self, reports: Sequence[RunReport]) -> None:
        """Write the report files, if a folder was given, and print the figures. Raises OSError."""
        if len(reports) == 1:
            _show_run(reports[0])
        else:
            _show_sweep(reports)
        if self.report is not None:
            single = len(reports) == 1
            page = (
                report_files.write_run(self.report, reports[0])
                if single
                else report_files.write_sweep(self.report, reports)
            )
            echo(f"report: {page}")


def _show_run(report: RunReport) -> None:
    table = Table("", report.bot)
    table.add_row("fills", f"{report.fills:,}")
    for money in report.money:
        table.add_row(f"profit {money.asset}", money.profit)
        table.add_row("  turnover", money.turnover)
        table.add_row("  greatest drawdown", money.max_drawdown)
        table.add_row("  largest exposure", money.max_exposure)
        table.add_row("  time exposed", f"{money.exposed_share:.1%}")
    for asset, fee in report.fees.items():
        table.add_row(f"fees {asset}", fee)
    for symbol, position in report.positions.items():
        if Decimal(position):
            table.add_row(f"left, {symbol}", position)
    table.add_row(
        "orders", ", ".join(f"{count:,} {event}" for event, count in report.orders.items()) or "none"
    )
    if report.refusals:
        table.add_row("refused for", ", ".join(f"{code} {n:,}" for code, n in report.refusals.items()))
    if report.set_latency_us is not None:
        table.add_row("latency, as set", f"{report.set_latency_us / 1_000:.3f} ms")
    if report.latency is not None:
        table.add_row("latency, median", f"{report.latency.median_us / 1_000:.3f} ms")
    print_table(table)
    if report.ending:
        echo(f"floorwire: {report.ending}", err=True)


def _show_sweep(reports: Sequence[RunReport]) -> None:
    names = list(reports[0].parameters)
    assets = [money.asset for money in reports[0].money]
    table = Table(
        *names, "fills", *(f"profit {asset}" for asset in assets), *(f"drawdown {a}" for a in assets)
    )
    for report in sorted(reports, key=best_first, reverse=True)[:SHOWN_RUNS]:
        table.add_row(
            *(report.parameters[name] for name in names),
            f"{report.fills:,}",
            *(money.profit for money in report.money),
            *(money.max_drawdown for money in report.money),
        )
    print_table(table)
    if len(reports) > SHOWN_RUNS:
        echo(f"the best {SHOWN_RUNS} of {len(reports)} runs; --report FOLDER writes all")
    failed = [report.ending for report in reports if report.ending]
    if failed:
        echo(f"floorwire: {len(failed)} runs ended early, the first: {failed[0]}", err=True)
