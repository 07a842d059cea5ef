"""``floorwire bench``: put a bounded load on a WebSocket server and say what happened."""

from __future__ import annotations

import select
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, TypeAlias

import msgspec
import typer

from floorwire.cli.address import AddressError, local_url
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.load import tables
from floorwire.cli.load.connect import ConnectPlan, run_connect
from floorwire.cli.load.fanout import FanoutPlan, run_fanout
from floorwire.cli.load.process import NoSuchProcessError
from floorwire.cli.load.rtt import MessageKind, RttPlan, run_rtt
from floorwire.cli.load.stall import StallPlan, run_stall
from floorwire.cli.load.subscription import SubscriptionPlan
from floorwire.cli.load.target import Target, TargetError
from floorwire.cli.output import Table, echo, print_table
from floorwire.cli.progress import progress
from floorwire.core.os_errors import sentence
from floorwire.core.printable import printable_json
from floorwire.protocol.requests import OnSlow

app = typer.Typer(no_args_is_help=True, help="Put a bounded load on a WebSocket server.")

Url: TypeAlias = Annotated[
    str,
    typer.Argument(
        help="ws:// address of the server.", show_default="ws://127.0.0.1:8000/ws, or FLOORWIRE_PORT's port"
    ),
]
Clients: TypeAlias = Annotated[int, typer.Option(min=1, max=20_000, help="Clients that subscribe.")]
SymbolsOption: TypeAlias = Annotated[str, typer.Option(help="Symbols to draw from, with commas between.")]
Each: TypeAlias = Annotated[int, typer.Option(min=1, max=1000, help="Symbols each client subscribes to.")]
ChannelOption: TypeAlias = Annotated[str, typer.Option(help="Channel to subscribe to.")]
SecondsOption: TypeAlias = Annotated[
    float, typer.Option(min=0.1, max=600, help="Length of a measured interval.")
]
Warmup: TypeAlias = Annotated[float, typer.Option(min=0, max=60, help="Seconds before it, not measured.")]
Sampled: TypeAlias = Annotated[
    int, typer.Option(min=0, max=1000, help="Clients whose every message is read.")
]
AtOnce: TypeAlias = Annotated[int, typer.Option(min=1, max=1000, help="Handshakes at the same time.")]
Seed: TypeAlias = Annotated[int, typer.Option(help="Seed of who subscribes to what.")]
Pid: TypeAlias = Annotated[int | None, typer.Option(help="The server's process, to watch what it uses.")]
AllowRemote: TypeAlias = Annotated[bool, typer.Option("--allow-remote", help="Load another machine.")]
Json: TypeAlias = Annotated[bool, typer.Option("--json", help="Print JSON instead of a table.")]

DEFAULT_URL = ""
"""No address was given: this machine's server is meant."""
DEFAULT_SYMBOL = "BTC-USDT"
RECOVERY_S = 2.0


@app.callback()
def bench() -> None:
    """Put a bounded load on a WebSocket server: this machine's, unless --allow-remote is said."""
    if not hasattr(select, "epoll"):
        _fail("the load generator needs Linux (epoll, /proc)")


@app.command()
def fanout(
    url: Url = DEFAULT_URL,
    clients: Clients = 100,
    symbols: SymbolsOption = DEFAULT_SYMBOL,
    each: Each = 1,
    channel: ChannelOption = "ticker",
    seconds: SecondsOption = 10,
    warmup: Warmup = 1,
    sampled: Sampled = 50,
    at_once: AtOnce = 100,
    seed: Seed = 1,
    pid: Pid = None,
    allow_remote: AllowRemote = False,
    json: Json = False,
) -> None:
    """Subscribe many clients and count what they receive, how late, and what it costs the server."""
    with _exit_on_error():
        target = Target.resolve(url or local_url("ws", "/ws"), allow_remote)
        subscription = SubscriptionPlan(channel, _names(symbols), each)
        plan = FanoutPlan(target, subscription, clients, seconds, warmup, sampled, at_once, seed, pid)
        with progress(f"{clients} clients for {warmup + seconds:g} s"):
            report = run_fanout(plan)
        _show(report, tables.fanout_table(report), json)
        _succeed(report.opened == clients and not report.endings)


@app.command()
def stall(
    url: Url = DEFAULT_URL,
    clients: Clients = 100,
    stalled: Annotated[int, typer.Option(min=1, max=1000, help="Clients that never read.")] = 1,
    symbols: SymbolsOption = DEFAULT_SYMBOL,
    each: Each = 1,
    stalled_each: Annotated[
        int, typer.Option(min=1, max=1000, help="Symbols each stalled client takes.")
    ] = 1000,
    on_slow: Annotated[OnSlow | None, typer.Option(help="The contract the stalled clients ask for.")] = None,
    channel: ChannelOption = "ticker",
    seconds: SecondsOption = 5,
    warmup: Warmup = 1,
    sampled: Sampled = 50,
    at_once: AtOnce = 100,
    seed: Seed = 1,
    pid: Pid = None,
    allow_remote: AllowRemote = False,
    json: Json = False,
) -> None:
    """Compare the others with and without clients that never read; then let these read again."""
    with _exit_on_error():
        target, names = Target.resolve(url or local_url("ws", "/ws"), allow_remote), _names(symbols)
        readers = FanoutPlan(
            target,
            SubscriptionPlan(channel, names, each),
            clients,
            seconds,
            warmup,
            sampled,
            at_once,
            seed,
            pid,
        )
        subscription = SubscriptionPlan(channel, names, stalled_each, on_slow)
        plan = StallPlan(readers, stalled, subscription, RECOVERY_S)
        lasts_s = 3 * (warmup + seconds) + RECOVERY_S
        with progress(f"{clients} clients, with and without {stalled} stalled ones, for {lasts_s:g} s"):
            report = run_stall(plan)
        _show(report, tables.stall_table(report), json)
        _succeed(report.opened == clients and not report.endings)


@app.command()
def rtt(
    url: Url = DEFAULT_URL,
    message: Annotated[
        MessageKind | None,
        typer.Option(help="What to send; by default echo where the path ends so, else ping."),
    ] = None,
    count: Annotated[int, typer.Option(min=1, max=1_000_000, help="Round trips to measure.")] = 20_000,
    warmup: Annotated[int, typer.Option(min=0, max=100_000, help="Round trips before these.")] = 1_000,
    seconds: SecondsOption = 30,
    allow_remote: AllowRemote = False,
    json: Json = False,
) -> None:
    """Time round trips on one connection: the protocol's ping, or an echo as large as an order.

    A server answers so many pings a second (limits.commands_per_second): beyond, this waits.
    """
    with _exit_on_error():
        target = Target.resolve(url or local_url("ws", "/ws"), allow_remote)
        chosen = message or ("echo" if target.path.endswith("/echo") else "ping")
        with progress(f"{warmup + count} round trips within {seconds:g} s"):
            report = run_rtt(RttPlan(target, chosen, count, warmup, seconds))
        _show(report, tables.rtt_table(report), json)


@app.command()
def connect(
    url: Url = DEFAULT_URL,
    count: Annotated[int, typer.Option(min=1, max=100_000, help="Clients that come and go.")] = 1_000,
    symbols: SymbolsOption = DEFAULT_SYMBOL,
    channel: ChannelOption = "ticker",
    seconds: SecondsOption = 60,
    at_once: AtOnce = 50,
    seed: Seed = 1,
    pid: Pid = None,
    allow_remote: AllowRemote = False,
    json: Json = False,
) -> None:
    """Open, subscribe, wait for the first event and close, over and over."""
    with _exit_on_error():
        target = Target.resolve(url or local_url("ws", "/ws"), allow_remote)
        subscription = SubscriptionPlan(channel, _names(symbols), each=1)
        with progress(f"{count} clients within {seconds:g} s"):
            report = run_connect(ConnectPlan(target, subscription, count, at_once, seconds, seed, pid))
        _show(report, tables.connect_table(report), json)
        _succeed(report.completed == count)


def _names(text: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in text.split(",") if name.strip())
    if not names:
        _fail("name at least one symbol")
    return names


def _show(report: msgspec.Struct, table: Table, json: bool) -> None:
    if json:
        echo(msgspec.json.format(printable_json(msgspec.json.encode(report))))
    else:
        print_table(table)


def _succeed(succeeded: bool) -> None:
    if not succeeded:
        raise typer.Exit(ExitCode.FAILED)


@contextmanager
def _exit_on_error() -> Iterator[None]:
    try:
        yield
    except (AddressError, TargetError, NoSuchProcessError, OSError) as error:
        _fail(sentence(error))


def _fail(text: str) -> None:
    echo(f"floorwire bench: {text}", err=True)
    raise typer.Exit(ExitCode.UNUSABLE)
