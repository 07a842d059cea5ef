"""Notices: events that the gateway makes itself. Market events come from venues."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from floorwire.core.market_events import Feed, FeedStatus


class SecondPassed(msgspec.Struct, frozen=True):
    """A second has passed. Each is one message of the heartbeat channel."""

    ts_us: int


class DrainBegun(msgspec.Struct, frozen=True):
    """The server shuts down. Clients should reconnect within ``reconnect_within_s`` seconds."""

    reconnect_within_s: int
    ts_us: int


class VenueFeedChanged(msgspec.Struct, frozen=True):
    """A venue reported the status of its feed, or of the feed of one symbol."""

    venue: str
    status: FeedStatus


class SymbolFeedChanged(msgspec.Struct, frozen=True):
    """The feed status of one symbol changed. It combines the status of its venue and its own."""

    symbol: str
    feed: Feed
    reason: str
    ts_us: int


class TradingChanged(msgspec.Struct, frozen=True):
    """An operator halted or resumed trading, of one symbol or (None) of all."""

    symbol: str | None
    is_halted: bool
    ts_us: int


Notice: TypeAlias = SecondPassed | DrainBegun | VenueFeedChanged | SymbolFeedChanged | TradingChanged
