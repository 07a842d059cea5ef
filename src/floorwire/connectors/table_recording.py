"""A recording that is made of published tables: CSV files of Binance or Tardis, played as one session."""

from __future__ import annotations

import re
from collections.abc import Iterator, Sequence
from contextlib import suppress
from heapq import merge
from operator import attrgetter
from pathlib import Path

from floorwire.connectors.recorded_line import SkippedLineCounter, SkippedLines
from floorwire.connectors.recording_files import RecordingError
from floorwire.connectors.table_files import TableFile, row_groups, table_file
from floorwire.core.capabilities import Capabilities, StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.ports import Frame, Opened
from floorwire.core.units import MAX_DECIMALS
from floorwire.venues.binance import mapping
from floorwire.venues.kraken.pair_names import current_coin
from floorwire.venues.recorded_answers import RecordedAnswer
from floorwire.venues.recorded_links import RecordedInput
from floorwire.venues.recorded_round import Adapter
from floorwire.venues.tables import rows
from floorwire.venues.tables.adapter import TableVenue
from floorwire.venues.tables.rows import TableKind

LINK = "tables"
SUFFIX = re.compile(r"\.csv(\.gz)?$|\.zip$")
SEPARATOR = re.compile(r"[-/_]")
STREAMS: dict[TableKind, StreamKind] = {
    "trades": "trades",
    "aggTrades": "trades",
    "tardis_trades": "trades",
    "klines": "candles",
    "bookTicker": "quote",
    "quotes": "quote",
    "book_snapshot": "book",
    "incremental_book": "book",
}


class TableRecording:
    """The tables of one exchange. ``skipped`` says which rows could not be read."""

    answers: Sequence[RecordedAnswer] = ()

    def __init__(self, path: Path, files: Sequence[TableFile]) -> None:
        """Read all files once. Raises RecordingError, OSError."""
        exchanges = {file.exchange for file in files}
        if len(exchanges) != 1:
            raise RecordingError(path, f"has tables of {', '.join(sorted(exchanges))}: name a file")
        self.adapter = exchanges.pop()
        """The name of the exchange."""
        self.frames = 0
        """How many groups of rows the tables have."""
        self.first_us = self.last_us = 0
        self._files = files
        self._decimals: dict[str, tuple[int, int]] = {}
        """By symbol: the most decimals of a price and of a size."""
        self._tables: dict[tuple[TableKind, str], None] = {}
        skipped = SkippedLineCounter()
        for file in files:
            self._index(file, skipped)
        self.skipped: tuple[SkippedLines, ...] = skipped.all()
        self._pairs = {native: _pair(path, native, self.adapter) for native in self._decimals}
        self.symbols = tuple("-".join(pair) for pair in self._pairs.values())

    @property
    def capabilities(self) -> Capabilities:
        """What the tables have."""
        streams = dict.fromkeys(STREAMS[table] for table, _ in self._tables)
        return Capabilities(self.adapter, tuple(streams))

    def make_adapter(self, prefix: str, stale_us: int) -> Adapter:
        """Return what plays the tables. They end no silence: nothing in a table says that it was lost."""
        instruments: dict[str, Instrument] = {}
        for native, (base, quote) in self._pairs.items():
            tick, lot = map(_step, self._decimals[native])
            symbol = f"{prefix}{base}-{quote}"
            instruments[native] = Instrument(symbol, base, quote, self.adapter, tick, lot)
        return TableVenue(self.adapter, instruments, tuple(self._tables))

    def inputs(self) -> Iterator[RecordedInput]:
        """Yield the rows of all tables, in order of time."""
        if self.frames:
            yield RecordedInput(self.first_us, Opened(LINK))
        yield from merge(*map(_inputs, self._files), key=attrgetter("at_us"))

    def _index(self, file: TableFile, skipped: SkippedLineCounter) -> None:
        for group in row_groups(file, skipped):
            self.frames += 1
            self.first_us = min(self.first_us or group.at_us, group.at_us)
            self.last_us = max(self.last_us, group.at_us)
            self._tables[file.table, group.symbol] = None
            price, size = self._decimals.get(group.symbol, (0, 0))
            for text in group.rows:
                prices, sizes = rows.prices_and_sizes(file.table, text.split(","))
                price = max(price, *map(_decimals_of, prices))
                size = max(size, *map(_decimals_of, sizes))
            self._decimals[group.symbol] = price, size


def table_files(path: Path) -> list[TableFile]:
    """Return the tables in a folder, or the one that a file has. Raises OSError."""
    files = sorted(path.iterdir()) if path.is_dir() else [path]
    tables = (table_file(file) for file in files if file.is_file() and SUFFIX.search(file.name))
    return [file for file in tables if file is not None]


def _inputs(file: TableFile) -> Iterator[RecordedInput]:
    with suppress(OSError):  # the file may go away while it is played; what was read stays played
        for group in row_groups(file, SkippedLineCounter()):
            text = "\n".join((f"{file.table} {group.symbol}", *group.rows))
            yield RecordedInput(group.at_us, Frame(LINK, text))


def _pair(path: Path, native: str, exchange: str) -> tuple[str, str]:
    """Return base and quote of a symbol. Raises RecordingError."""
    parts = SEPARATOR.split(native.upper())
    if len(parts) == 1:
        unlisted = mapping.unlisted_instrument(native.upper(), "")
        parts = [] if unlisted is None else [unlisted.base, unlisted.quote]
    if len(parts) != 2 or not all(parts):
        raise RecordingError(path, f"{native!r} is no pair of two coins")
    base, quote = map(current_coin, parts) if exchange == "kraken" else parts
    return base, quote


def _decimals_of(text: str) -> int:
    return min(MAX_DECIMALS, len(text.partition(".")[2].rstrip("0")))


def _step(decimals: int) -> str:
    return f"0.{'0' * (decimals - 1)}1" if decimals else "1"
