"""``floorwire export``: the market events of a recording as a Parquet file."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Annotated, get_args

import typer

from floorwire import config
from floorwire.cli.output import echo
from floorwire.config import SettingsError
from floorwire.connectors import parquet_file, recording
from floorwire.connectors.event_rows import EVENTS, EventRows, Row
from floorwire.connectors.parquet_file import ParquetMissingError
from floorwire.connectors.recording import Playable
from floorwire.connectors.recording_files import RecordingError
from floorwire.connectors.venue_specs import specs
from floorwire.core.market_events import MarketEvent
from floorwire.core.os_errors import sentence
from floorwire.core.ports import VenueOutput, Wake, Woke

UNUSABLE = 2
MARKET_EVENTS = get_args(MarketEvent)


def export(
    out: Annotated[Path, typer.Option(help="The Parquet file. An earlier one is replaced.")],
    file: Annotated[
        Path | None, typer.Option("--recording", help="A recording: a file, or a folder with one session.")
    ] = None,
    venue: Annotated[
        str,
        typer.Option(help="In place of --recording: replay:FILE, or the ID of a \\[venues.ID] that replays."),
    ] = "",
    adapter: Annotated[
        str, typer.Option(help="The exchange, where the recording does not say whose it is.")
    ] = "",
    event: Annotated[
        list[str] | None, typer.Option(help=f"Only these events: {', '.join(EVENTS)}. May be given again.")
    ] = None,
    config_file: Annotated[Path | None, typer.Option("--config", help="TOML file with settings.")] = None,
) -> None:
    """Play a recording through its adapter as fast as possible, and write the events as one table.

    It needs the extra floorwire\\[parquet]. docs/recordings.md has the columns.
    """
    wanted = frozenset(event or EVENTS)
    if unknown := sorted(wanted - set(EVENTS)):
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(EVENTS)}", param_hint="--event")
    if (file is None) is (not venue):
        raise typer.BadParameter("one of the two is needed", param_hint="--recording or --venue")
    counts: Counter[str] = Counter()
    try:
        recorded = _recorded(venue, config_file) if file is None else recording.read(file, adapter or None)
        rows = parquet_file.write(out, _rows(recorded, wanted, counts))
    except (SettingsError, RecordingError, ParquetMissingError) as error:
        echo(f"floorwire: {error}", err=True)
        raise typer.Exit(UNUSABLE) from None
    except OSError as error:
        echo(f"floorwire: {sentence(error)}", err=True)
        raise typer.Exit(UNUSABLE) from None
    for skipped in recorded.skipped:
        echo(f"left out: {skipped.reason} {skipped.count} ({' '.join(skipped.lines)})", err=True)
    echo(f"{out}: {rows} rows: {', '.join(f'{name} {count}' for name, count in counts.items()) or 'none'}")


def _recorded(venue: str, config_file: Path | None) -> Playable:
    """Return the recording of a venue. Raises SettingsError."""
    [spec] = specs(config.load(config_file, os.environ, (), {"venue": [venue]}))
    if spec.recorded is None:
        raise SettingsError(f"{venue} plays no recording: make one first, floorwire record --venue {venue}")
    return spec.recorded


def _rows(recorded: Playable, wanted: frozenset[str], counts: Counter[str]) -> Iterator[Row]:
    """Yield the rows of the wanted events."""
    made = EventRows()
    for output in _played(recorded):
        if isinstance(output, MARKET_EVENTS):
            for row in made.rows(output):
                if row["event"] in wanted:
                    counts[str(row["event"])] += 1
                    yield row


def _played(recorded: Playable) -> Iterator[VenueOutput]:
    """Yield all that the recording gives, to its end."""
    replay = recording.replay(recorded, speed=None)
    outputs = replay.start(0)
    while outputs:
        yield from outputs
        outputs = replay.receive(Woke(), 0) if isinstance(outputs[-1], Wake) else []
