"""``floorwire bot run``: run a bot of a Python file, on recordings or at a server."""

from __future__ import annotations

import os
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from floorwire.bot import bot_file, parameters
from floorwire.bot.bot_file import BotFileError
from floorwire.bot.bot_limits import BotLimits
from floorwire.bot.parameters import ParameterError
from floorwire.cli import bot_backtest, bot_live
from floorwire.cli.bot_job import BotJob, BotJobError
from floorwire.cli.chosen_server import LOCAL_SERVER, Ca, KeyFile, ProfileName, choose
from floorwire.cli.command_error import CommandError, fail
from floorwire.cli.durations import seconds
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import echo
from floorwire.config import SettingsError
from floorwire.core.os_errors import sentence

app = typer.Typer(no_args_is_help=True, help="Run your own bots: on recordings, on paper and live.")


@app.callback()
def bot() -> None:
    """Run your own bots: on recordings, on paper and live."""


@app.command()
def run(
    file: Annotated[Path, typer.Argument(help="A Python file with a class that is a floorwire.bot.Bot.")],
    venue: Annotated[
        list[str] | None,
        typer.Option(help="Backtest on replay:FILE\\[,adapter=NAME]\\[,id=ID]. May be given again."),
    ] = None,
    url: Annotated[
        str, typer.Option(help="The server, without --venue.", show_default="FLOORWIRE_URL, or the profile's")
    ] = LOCAL_SERVER,
    key_file: KeyFile = None,
    ca: Ca = None,
    profile: ProfileName = None,
    report: Annotated[
        Path | None, typer.Option(help="The folder for report.html, report.json and fills.csv.")
    ] = None,
    name: Annotated[
        str | None, typer.Option("--bot", help="Which class, if the file has several bots.")
    ] = None,
    symbol: Annotated[
        list[str] | None, typer.Option(help="In place of the bot's symbols. May be given again.")
    ] = None,
    param: Annotated[
        list[str] | None, typer.Option(metavar="NAME=VALUE", help="A parameter. May be given again.")
    ] = None,
    sweep: Annotated[
        list[str] | None,
        typer.Option(metavar="NAME=A,B,C", help="Backtest each combination. May be given again."),
    ] = None,
    jobs: Annotated[int, typer.Option(min=0, help="Processes for a sweep. 0: one for each CPU.")] = 0,
    duration: Annotated[str, typer.Option("--for", help="How long at most, such as 90s, 10m, 2h.")] = "",
    seed: Annotated[int, typer.Option(help="Of the bot's randomness.")] = 0,
    deposit: Annotated[
        list[str] | None,
        typer.Option(metavar="ASSET=AMOUNT", help="Backtest money. Default: 1000000 of each quote asset."),
    ] = None,
    latency_ms: Annotated[
        float | None, typer.Option(min=0, help="Backtest: how long an order takes to the market.")
    ] = None,
    max_order_notional: Annotated[
        str | None, typer.Option(help="The most that an order may be worth, in the quote asset.")
    ] = None,
    max_position: Annotated[
        list[str] | None,
        typer.Option(metavar="SYMBOL=QUANTITY", help="The largest position. May be given again."),
    ] = None,
    max_open_orders: Annotated[int | None, typer.Option(min=1, help="Orders that may be open.")] = None,
    orders_per_second: Annotated[int | None, typer.Option(min=1, help="Orders that may be sent.")] = None,
    max_loss: Annotated[
        str | None, typer.Option(help="End the run when it has lost so much, in any quote asset.")
    ] = None,
    reload: Annotated[
        bool, typer.Option("--reload/--no-reload", help="On paper, take over the file when it changes.")
    ] = True,
    verbose: Annotated[
        bool, typer.Option("--verbose", help="Print the bot's log in a backtest too.")
    ] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print the report as JSON.")] = False,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting. May be given again.")
    ] = None,
) -> None:
    """Run a bot. With --venue on recordings, in seconds; else at a server, on whatever it trades."""
    try:
        kind = bot_file.load(file, name)
        job = BotJob(
            file=file,
            kind=kind,
            name=name,
            symbols=tuple(symbol or ()),
            values=parameters.given(kind, param or ()),
            combinations=parameters.sweep(kind, sweep or ()),
            seed=seed,
            limits=BotLimits(
                max_order_notional=_decimal("--max-order-notional", max_order_notional),
                max_position=dict(_pair("--max-position", text) for text in max_position or ()),
                max_open_orders=max_open_orders,
                orders_per_second=orders_per_second,
                max_loss=_decimal("--max-loss", max_loss),
            ),
            seconds=seconds(duration, "--for") if duration else None,
            report=report,
            is_verbose=verbose,
        )
        job.check()
        if venue:
            if url:
                raise BotJobError("--url and --venue: a backtest needs no server; give one of them")
            settings = bot_backtest.settings(venue, latency_ms, config_file, assignments or ())
            deposits = dict(parameters.assignment(text) for text in deposit or ())
            reports = bot_backtest.run(job, settings, deposits, jobs or os.cpu_count() or 1)
        else:
            job.refuse_backtest_options(sweep, deposit, latency_ms)
            server = choose(url or os.environ.get("FLOORWIRE_URL", LOCAL_SERVER), key_file, ca, profile)
            reports = [bot_live.run(job, server, reloads=reload)]
    except (BotJobError, BotFileError, ParameterError, SettingsError) as error:
        fail(str(error), ExitCode.UNUSABLE)
    except CommandError as error:
        fail(str(error), error.exit_code)
    except OSError as error:
        fail(sentence(error), ExitCode.UNUSABLE)
    if as_json:
        echo(msgspec.json.encode(reports))
    else:
        job.show(reports)
    if any(one.ending for one in reports):
        raise typer.Exit(ExitCode.FAILED)


def _decimal(option: str, text: str | None) -> Decimal | None:
    if text is None:
        return None
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal(-1)
    if not value.is_finite() or value < 0:
        raise BotJobError(f"{option}: {text!r} is no amount")
    return value


def _pair(option: str, text: str) -> tuple[str, Decimal]:
    name, value = parameters.assignment(text)
    amount = _decimal(option, value)
    assert amount is not None, "a text was given"
    return name, amount
