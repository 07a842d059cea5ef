"""Market events: what happened at a venue, in ticks, lots and microseconds."""

from __future__ import annotations

from typing import Literal, TypeAlias, final

import msgspec

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument, Side

Level: TypeAlias = tuple[int, int]
"""A price level as (price in ticks, size in lots). In a change, size 0 removes the level."""

Feed: TypeAlias = Literal["live", "connecting", "stale"]


@final
class Listing(msgspec.Struct, frozen=True):
    """New or changed instruments of the venue. It comes before any other event of their symbols."""

    instruments: tuple[Instrument, ...]
    ts_us: int


class Trade(msgspec.Struct, frozen=True):
    """A trade. ``side`` is the taker's side."""

    symbol: str
    trade_id: str
    price_ticks: int
    size_lots: int
    side: Side
    ts_us: int


@final
class MissingTrade(msgspec.Struct, frozen=True):
    """A trade that the venue sent and that cannot be told in ticks and lots. Candles of its time lack it."""

    symbol: str
    ts_us: int


class Quote(msgspec.Struct, frozen=True):
    """The best bid and ask. An empty side has 0 ticks and 0 lots."""

    symbol: str
    bid_ticks: int
    bid_lots: int
    ask_ticks: int
    ask_lots: int
    ts_us: int


class BookSnapshot(msgspec.Struct, frozen=True):
    """The whole book, best levels first. It replaces what was known."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    ts_us: int


class BookChange(msgspec.Struct, frozen=True):
    """Levels that changed, with their new absolute sizes."""

    symbol: str
    bids: tuple[Level, ...]
    asks: tuple[Level, ...]
    ts_us: int


class DayStats(msgspec.Struct, frozen=True):
    """The venue's own figures of the last 24 hours. If none come, the gateway counts them from trades."""

    symbol: str
    open_ticks: int
    high_ticks: int
    low_ticks: int
    volume_lots: int
    turnover: int | None
    """Quote volume in ticks x lots; None if the venue does not send it."""
    ts_us: int


class Candle(msgspec.Struct, frozen=True):
    """A venue's own candle. For its interval it is used instead of the one that is counted from trades."""

    symbol: str
    interval_us: int
    start_us: int
    open_ticks: int
    high_ticks: int
    low_ticks: int
    close_ticks: int
    volume_lots: int
    trades: int
    closed: bool
    ts_us: int


@final
class VenueTime(msgspec.Struct, frozen=True):
    """The venue's time has come this far. It comes at least once a second, also in quiet markets.

    ``is_reckoned``: the adapter made it from our clock; the venue sent nothing. Time passes by it, but it is
    no sign that the venue is there.
    """

    ts_us: int
    is_reckoned: bool = False


@final
class FeedStatus(msgspec.Struct, frozen=True):
    """Whether what is known of a symbol (None: of the whole venue) is current, and the reason."""

    symbol: str | None
    feed: Feed
    reason: str
    """``start``, ``unwanted`` (not streamed: nobody wants it), ``synced``, ``heard`` (again),
    ``sequence_gap``, ``link_lost``, ``silent``, ``bad_message``, ``steps_changed``, ``delisted``, ``fault``,
    ``ended``."""
    ts_us: int


@final
class StreamsEnded(msgspec.Struct, frozen=True):
    """These streams of a symbol do not come any more, because nobody wants them: what they told is old.

    They may come again. Then a book begins with a snapshot.
    """

    symbol: str
    kinds: frozenset[StreamKind]
    ts_us: int


MarketEvent: TypeAlias = (
    Listing
    | Trade
    | MissingTrade
    | Quote
    | BookSnapshot
    | BookChange
    | DayStats
    | Candle
    | VenueTime
    | FeedStatus
    | StreamsEnded
)
