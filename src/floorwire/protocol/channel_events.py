"""Events: what the gateway publishes on its market channels, as it stands on the wire."""

from __future__ import annotations

from typing import Literal, TypeAlias

import msgspec
from msgspec import UNSET, UnsetType

from floorwire.core.instrument import Side
from floorwire.core.market_events import Feed
from floorwire.protocol.replies import Gap, HeldSubscription

SystemEvent: TypeAlias = Literal["gap", "stale", "fresh", "halted", "resumed", "draining"]
WireLevel: TypeAlias = tuple[str, str]
"""(price, size) as decimals; size "0": the level is gone."""


class Event(msgspec.Struct, frozen=True, tag_field="channel", kw_only=True):
    """What every event has: its stream's epoch and its place in it, and three times.

    ``conflated`` says how many events before this one were not sent to this connection.
    """

    epoch: str
    seq: int
    conflated: int | UnsetType = UNSET
    ts: int
    """Microseconds since the epoch, UTC, at the venue."""
    recv: int
    """When the gateway received it."""
    sent: int
    """When the gateway published it."""


class Ticker(Event, frozen=True, tag="ticker", kw_only=True):
    """Best bid and ask, the last trade, and the last 24 hours; null where nothing is known yet."""

    symbol: str
    bid: str | None
    bid_size: str | None
    ask: str | None
    ask_size: str | None
    last: str | None
    last_size: str | None
    open: str | None
    high: str | None
    low: str | None
    volume: str | None
    quote_volume: str | None
    change: str | None
    """last - open, in quote currency."""
    feed: Feed | UnsetType = UNSET
    """There only while what the gateway knows is not current."""


class Trades(Event, frozen=True, tag="trades", kw_only=True):
    """One print; ``side`` is the taker's."""

    symbol: str
    trade_id: str
    price: str
    size: str
    side: Side
    feed: Feed | UnsetType = UNSET
    """There only while the symbol's feed is not current: other trades may be missing."""


class TradesFeed(msgspec.Struct, frozen=True, kw_only=True):
    """Says on ``trades``, in place of a trade, that the symbol's feed is current or not from now on.

    It has the form of a gap notice, which every client of trades must know: trades may be missing here.
    """

    channel: Literal["trades"] = "trades"
    epoch: str
    seq: int
    ts: int
    recv: int
    sent: int
    symbol: str
    event: Literal["gap"] = "gap"
    gap: Gap
    """This message alone, with the reason ``feed``."""
    feed: Feed
    reason: str


class BookEvent(Event, frozen=True, tag="book", kw_only=True):
    """A snapshot replaces the client's book; an update applies only where ``prev`` is its last seq."""

    symbol: str
    type: Literal["snapshot", "update"]
    depth: int
    prev: int | UnsetType = UNSET
    bids: tuple[WireLevel, ...]
    asks: tuple[WireLevel, ...]
    checksum: int
    feed: Feed | UnsetType = UNSET
    """There only while the book is not current. When that changes, an update without levels says so."""


class Candles(Event, frozen=True, tag="candles", kw_only=True):
    """One candle as it now is; ``closed`` once, when its interval is over. ``start`` in microseconds."""

    symbol: str
    interval: str
    start: int
    open: str
    high: str
    low: str
    close: str
    volume: str
    trades: int
    closed: bool
    incomplete: bool | UnsetType = UNSET
    """True where the gateway did not hear all of the interval: trades may be missing."""
    closed_only: bool | UnsetType = UNSET
    """True in a stream that has closed candles only."""
    feed: Feed | UnsetType = UNSET
    """There only while the candle is not current."""


class Heartbeat(Event, frozen=True, tag="heartbeat", kw_only=True):
    """One counted beat a second: ``seq`` is the count."""


class System(Event, frozen=True, tag="system", kw_only=True):
    """What happens to the gateway and its feeds. ``symbol`` and ``venue`` where it is about one."""

    event: SystemEvent
    symbol: str | UnsetType = UNSET
    venue: str | UnsetType = UNSET
    reason: str | UnsetType = UNSET
    reconnect_within_s: int | UnsetType = UNSET


AnyEvent: TypeAlias = Ticker | Trades | TradesFeed | BookEvent | Candles | Heartbeat | System


class SkippedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Stands for the events ``gap.from`` to ``gap.to``; ``seq`` is the last of them."""

    channel: str
    symbol: str | UnsetType = UNSET
    depth: int | UnsetType = UNSET
    interval: str | UnsetType = UNSET
    closed_only: bool | UnsetType = UNSET
    epoch: str
    seq: int
    event: Literal["gap"] = "gap"
    gap: Gap
    sent: int


class ListedNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Tells a subscriber of all symbols of a venue about one that is listed from now on. It has no seq.

    ``subscription`` is that of the symbol, whose first state follows. Without one, ``code`` says why.
    """

    channel: str
    event: Literal["listed"] = "listed"
    symbol: str
    venue: str
    subscription: HeldSubscription | UnsetType = UNSET
    code: str | UnsetType = UNSET
    sent: int


class SlowNotice(msgspec.Struct, frozen=True, kw_only=True):
    """Tells one client, on ``system``, that it reads too slowly; of this connection alone, so without seq."""

    channel: Literal["system"] = "system"
    event: Literal["slow"] = "slow"
    streams: int
    """How many of its streams were conflated or skipped."""
    sent: int
