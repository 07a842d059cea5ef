"""``floorwire record``: write down what an exchange sends, to play it again later."""

from __future__ import annotations

import asyncio
import os
import signal
from contextlib import suppress
from pathlib import Path
from typing import Annotated, Final

import msgspec
import typer
from msgspec.structs import replace

from floorwire import config
from floorwire.bus.local import LocalBus
from floorwire.cli.background import in_background
from floorwire.cli.chosen_server import Json
from floorwire.cli.command_error import fail
from floorwire.cli.durations import seconds as parse_seconds
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import echo
from floorwire.cli.progress import Progress, progress
from floorwire.clock import Clock
from floorwire.config import Settings, SettingsError, VenueSettings
from floorwire.connectors import venue_registry
from floorwire.connectors.recording_writer import RecordingWriter, session_name
from floorwire.connectors.traffic_recorder import TrafficRecorder
from floorwire.connectors.venue_specs import REPLAY, SIM, specs
from floorwire.core.os_errors import reason, sentence
from floorwire.feeds.venue_feed import VenueFeed
from floorwire.ops import logs
from floorwire.ops.stats import Stats
from floorwire.ops.venue_check import VenueCheck

TELL_S: Final = 0.5
"""How often the progress is told."""


class RecordedOutput(msgspec.Struct, frozen=True, kw_only=True):
    """What was recorded. ``fault``: why it ended early."""

    messages: int
    left_out: int
    symbols: int
    bytes: int
    files: list[str]
    fault: str


def record(
    venue: Annotated[
        str, typer.Option("--venue", help="An exchange, such as binance, or the ID of a \\[venues.ID].")
    ],
    duration: Annotated[
        str, typer.Option("--for", help="How long, such as 90s, 10m, 2h. Without it: until Ctrl-C.")
    ] = "",
    out: Annotated[Path, typer.Option(help="The folder for the files. It is made.")] = Path("recordings"),
    symbol: Annotated[list[str] | None, typer.Option(help="Only this symbol. May be given again.")] = None,
    rotate_mb: Annotated[
        float, typer.Option(min=0.01, help="Begin a new file when one has so many megabytes on the disk.")
    ] = 256.0,
    rotate_every: Annotated[str, typer.Option(help="Begin a new file after so long.")] = "1h",
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")] = None,
    assignments: Annotated[
        list[str] | None, typer.Option("--set", metavar="KEY=VALUE", help="A setting. May be given again.")
    ] = None,
    json: Json = False,
) -> None:
    """Record the public messages of an exchange, both ways, compressed. Ends with Ctrl-C.

    It needs no server and no account. `floorwire serve --venue replay:FOLDER` plays the recording.
    """
    seconds = parse_seconds(duration, "--for") if duration else None
    try:
        settings = config.load(config_file, os.environ, tuple(assignments or ()), {"venue": [venue]})
        [spec] = specs(settings)
        if spec.kind in (SIM, REPLAY):
            raise SettingsError(f"{venue} is no exchange: a {spec.kind} venue connects to nothing")
        settings = _prices_only(settings, venue, tuple(symbol or ()))
        out.mkdir(parents=True, exist_ok=True)
        max_age_us = round(parse_seconds(rotate_every, "--rotate-every") * 1_000_000)
        writer = RecordingWriter(
            out, spec.id, spec.kind, session_name(spec.id), round(rotate_mb * 1_000_000), max_age_us
        )
        logs.configure(settings.log_level)
        with progress(f"recording {spec.id}; Ctrl-C ends it") as shown:
            recorder, check = asyncio.run(_run(settings, writer, seconds, shown))
    except SettingsError as error:
        fail(str(error), ExitCode.UNUSABLE)
    except OSError as error:
        fail(sentence(error), ExitCode.UNUSABLE)
    if json:
        echo(msgspec.json.encode(_output(recorder, writer, check)))
    else:
        _summary(recorder, writer, check, out)
    if recorder.fault is not None or recorder.counts.left_out or not recorder.counts.messages:
        raise typer.Exit(ExitCode.FAILED)


def _output(recorder: TrafficRecorder, writer: RecordingWriter, check: VenueCheck) -> RecordedOutput:
    fault = "" if recorder.fault is None else reason(recorder.fault)
    return RecordedOutput(
        messages=recorder.counts.messages,
        left_out=recorder.counts.left_out,
        symbols=len(check.symbols),
        bytes=writer.total_bytes,
        files=[str(file) for file in writer.files],
        fault=fault,
    )


def _summary(recorder: TrafficRecorder, writer: RecordingWriter, check: VenueCheck, out: Path) -> None:
    size = f"{writer.total_bytes / 1e6:.1f} MB"
    echo(f"recorded: {recorder.counts.messages} messages of {len(check.symbols)} symbols, {size}")
    for file in writer.files:
        echo(str(file))
    if recorder.counts.left_out:
        echo(f"floorwire: {recorder.counts.left_out} records were left out: the disk is too slow", err=True)
    if recorder.fault is not None:
        echo(f"floorwire: it ended early: {reason(recorder.fault)}", err=True)
    elif not recorder.counts.messages:
        echo("floorwire: the exchange sent nothing", err=True)
    else:
        echo(f"to play it: floorwire serve --venue replay:{out / writer.session}")


def _prices_only(settings: Settings, name: str, symbols: tuple[str, ...]) -> Settings:
    """Return the settings with these symbols, if any are given, and without orders of the venue."""
    own = settings.venues.get(name, VenueSettings(kind=name))
    own = replace(own, symbols=symbols or own.symbols, orders="paper")
    return replace(settings, venues={**settings.venues, name: own})


async def _run(
    settings: Settings, writer: RecordingWriter, seconds: float | None, shown: Progress
) -> tuple[TrafficRecorder, VenueCheck]:
    """Record until the time is over, a signal comes, or the disk fails. Raises SettingsError, OSError."""
    [venue] = venue_registry.build(settings)
    clock, check, bus, ended = Clock(), VenueCheck(), LocalBus(), asyncio.Event()
    bus.subscribe(check.consume)
    loop = asyncio.get_running_loop()

    def on_fault(_: OSError) -> None:
        loop.call_soon_threadsafe(ended.set)

    recorder = TrafficRecorder(writer, clock.stamp_us, on_fault)
    recorder.start()
    connector = venue_registry.connector(venue.name, settings, recorder)
    feed = VenueFeed(venue, bus, Stats(), clock, round(settings.feed.stale_s * 1_000_000), connector)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, ended.set)
    async with in_background(feed.run()):
        async with in_background(recorder.run()), in_background(_tell(recorder, shown)):
            with suppress(TimeoutError):
                async with asyncio.timeout(seconds):
                    await ended.wait()
        recorder.end()  # before the links are closed: the venue did not lose them
    return recorder, check


async def _tell(recorder: TrafficRecorder, shown: Progress) -> None:
    while True:
        shown.tell(f"{recorder.counts.messages} messages")
        await asyncio.sleep(TELL_S)
