"""``floorwire export``: events of a recording, or the history of accounts or markets, as CSV or Parquet."""

from __future__ import annotations

import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Final, TypeAlias, get_args

import msgspec
import typer

from floorwire import config
from floorwire.channels.candles import DEFAULT_INTERVAL
from floorwire.cli.chosen_server import Json
from floorwire.cli.command_error import fail
from floorwire.cli.data_folder import Data, existing_folder
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import echo, write_json
from floorwire.cli.progress import progress
from floorwire.config import SettingsError
from floorwire.connectors import csv_file, event_rows, parquet_file, recording
from floorwire.connectors.event_rows import EVENTS, EventRows
from floorwire.connectors.parquet_file import ParquetMissingError
from floorwire.connectors.recording import Playable
from floorwire.connectors.recording_files import RecordingError
from floorwire.connectors.table_columns import Columns, Row
from floorwire.connectors.venue_specs import specs
from floorwire.core.candle_intervals import INTERVALS
from floorwire.core.market_events import MarketEvent
from floorwire.core.market_history import MOST_US
from floorwire.core.os_errors import sentence
from floorwire.core.ports import VenueOutput, Wake, Woke
from floorwire.history import market_tables
from floorwire.history.history_file import HistoryFileError
from floorwire.history.stored_history import StoredHistory
from floorwire.storage import journal_inspection
from floorwire.storage.data_dir import DataDirError
from floorwire.storage.journal import JournalCorruptError, JournalError
from floorwire.trading import account_export
from floorwire.trading.account_export import ExportFilter, Table

MARKET_EVENTS: Final = get_args(MarketEvent)
PARQUET: Final = ".parquet"

app = typer.Typer(
    name="export",
    help="Market events, or the history of accounts or markets, as CSV or Parquet.",
    no_args_is_help=True,
)


class WrittenOutput(msgspec.Struct, frozen=True):
    """The file that was written."""

    path: str
    rows: int


Account: TypeAlias = Annotated[str | None, typer.Option(help="Only this account's.")]
Symbol: TypeAlias = Annotated[
    str | None, typer.Option(help="Only of this symbol: BASE-QUOTE on every venue, or venue:BASE-QUOTE.")
]
Asset: TypeAlias = Annotated[str | None, typer.Option(help="Only of this asset, or venue:ASSET.")]
From: TypeAlias = Annotated[
    datetime | None, typer.Option("--from", help="Only from this date on, UTC.", show_default=False)
]
To: TypeAlias = Annotated[
    datetime | None, typer.Option("--to", help="Only before this date, UTC.", show_default=False)
]
Out: TypeAlias = Annotated[
    Path | None,
    typer.Option(
        help="The file: .parquet, or CSV. An earlier one is replaced. Without it: CSV on the output."
    ),
]


@app.command()
def events(
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
    json: Json = False,
) -> None:
    """Play a recording through its adapter as fast as possible, and write the events as one table.

    It needs pip install "floorwire\\[parquet]". docs/recordings.md has the columns.
    """
    wanted = frozenset(event or EVENTS)
    if unknown := sorted(wanted - set(EVENTS)):
        raise typer.BadParameter(f"{unknown[0]!r} is none of {', '.join(EVENTS)}", param_hint="--event")
    if (file is None) is (not venue):
        raise typer.BadParameter("one of the two is needed", param_hint="--recording or --venue")
    counts: Counter[str] = Counter()
    with _exit_on_error():
        recorded = _recorded(venue, config_file) if file is None else recording.read(file, adapter or None)
        with progress(f"writing {out}") as shown:
            played = shown.counted(_rows(recorded, wanted, counts), "events")
            rows = parquet_file.write(out, played, event_rows.COLUMNS)
    for skipped in recorded.skipped:
        echo(f"left out: {skipped.reason} {skipped.count} ({' '.join(skipped.lines)})", err=True)
    each = ", ".join(f"{name} {count}" for name, count in counts.items()) or "none"
    _told(out, rows, f"{out}: {rows} rows: {each}", json=json)


@app.command()
def orders(
    account: Account = None,
    symbol: Symbol = None,
    since: From = None,
    until: To = None,
    out: Out = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write all orders: those that closed, as they did, then the open ones. Dates are of their creation.

    docs/trading.md has the columns.
    """
    _export("orders", ExportFilter(account, symbol, _us(since) or 0, _us(until)), out, data, json=json)


@app.command()
def fills(
    account: Account = None,
    symbol: Symbol = None,
    since: From = None,
    until: To = None,
    out: Out = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write all fills. docs/trading.md has the columns."""
    _export("fills", ExportFilter(account, symbol, _us(since) or 0, _us(until)), out, data, json=json)


@app.command()
def ledger(
    account: Account = None,
    asset: Asset = None,
    since: From = None,
    until: To = None,
    out: Out = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write every change of a balance, with its cause. docs/trading.md has the columns."""
    _export("ledger", ExportFilter(account, asset, _us(since) or 0, _us(until)), out, data, json=json)


@app.command()
def candles(
    symbol: Symbol = None,
    interval: Annotated[str, typer.Option(help=f"One of {', '.join(INTERVALS)}.")] = DEFAULT_INTERVAL,
    since: From = None,
    until: To = None,
    out: Out = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write the candles that start in this time, the oldest first. docs/market-history.md has the columns."""
    if interval not in INTERVALS:
        raise typer.BadParameter(f"{interval!r} is none of {', '.join(INTERVALS)}", param_hint="--interval")
    from_us, to_us = _us(since) or 0, _us(until)

    def rows(history: StoredHistory) -> Iterator[Row]:
        for one in history.symbols(symbol):
            for candle in history.candles(one, interval, from_us, MOST_US if to_us is None else to_us):
                yield market_tables.candle_row(one.symbol, interval, candle)

    _export_market(rows, market_tables.CANDLES, out, data, json=json)


@app.command()
def trades(
    symbol: Symbol = None,
    since: From = None,
    until: To = None,
    out: Out = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Write the trades of markets, the oldest first. docs/market-history.md has the columns."""
    from_us, to_us = _us(since) or 0, _us(until)

    def rows(history: StoredHistory) -> Iterator[Row]:
        for one in history.symbols(symbol):
            for trade in history.trades(one, from_us, MOST_US if to_us is None else to_us):
                yield market_tables.trade_row(one.symbol, trade)

    _export_market(rows, market_tables.TRADES, out, data, json=json)


def _us(date: datetime | None) -> int | None:
    return None if date is None else int(date.replace(tzinfo=UTC).timestamp()) * 1_000_000 + date.microsecond


def _export(table: Table, wanted: ExportFilter, out: Path | None, data: str | None, *, json: bool) -> None:
    """Write a table of the journal, while a server writes it or while none runs."""
    columns = account_export.columns(account_export.ROWS[table], account_export.OWNER)
    with _exit_on_error():
        _write(
            account_export.export(table, journal_inspection.read(existing_folder(data)), wanted),
            columns,
            out,
            json=json,
        )


def _export_market(
    rows: Callable[[StoredHistory], Iterator[Row]],
    columns: Columns,
    out: Path | None,
    data: str | None,
    *,
    json: bool,
) -> None:
    """Write a table of market history, while a server writes it or while none runs."""
    with _exit_on_error(), closing(StoredHistory(existing_folder(data))) as history:
        _write(rows(history), columns, out, json=json)


def _write(rows: Iterator[Row], columns: Columns, out: Path | None, *, json: bool) -> None:
    """Write the rows to the file, or as CSV or lines of JSON to the output."""
    if out is None and json:
        for row in rows:
            write_json(msgspec.json.encode(row))
        return
    if out is None:
        echo(csv_file.header(columns).rstrip())
        for row in rows:
            echo(csv_file.lines(columns, (row,)).rstrip())
        return
    write = parquet_file.write if out.suffix == PARQUET else csv_file.write
    with progress(f"writing {out}") as shown:
        count = write(out, shown.counted(rows, "rows"), columns)
    _told(out, count, f"{out}: {count} rows", json=json)


def _told(out: Path, rows: int, text: str, *, json: bool) -> None:
    echo(msgspec.json.encode(WrittenOutput(str(out), rows)) if json else text)


@contextmanager
def _exit_on_error() -> Iterator[None]:
    """On an error print one sentence and exit."""
    try:
        yield
    except BrokenPipeError:  # the reader of the pipe has closed it: no error
        raise
    except (
        SettingsError,
        RecordingError,
        ParquetMissingError,
        DataDirError,
        JournalError,
        HistoryFileError,
    ) as error:
        fail(str(error), ExitCode.FAILED if isinstance(error, JournalCorruptError) else ExitCode.UNUSABLE)
    except OSError as error:
        fail(sentence(error), ExitCode.UNUSABLE)


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
