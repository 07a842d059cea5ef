"""Notices: what the gateway itself says, beside what venues say."""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from floorwire.core.market_events import Feed, FeedStatus


class SecondPassed(msgspec.Struct, frozen=True):
    """A second has passed."""

    ts_us: int


class Draining(msgspec.Struct, frozen=True):
    """The server is shutting down; clients should reconnect within this time."""

    reconnect_within_s: int
    ts_us: int


class VenueFeedChanged(msgspec.Struct, frozen=True):
    """What a venue said of its feed, with the name of the venue, which it did not say itself."""

    venue: str
    status: FeedStatus


class SymbolFeedChanged(msgspec.Struct, frozen=True):
    """How current one symbol is from now on: what the statuses of its venue and its own come to."""

    symbol: str
    feed: Feed
    reason: str
    ts_us: int


class TradingChanged(msgspec.Struct, frozen=True):
    """An operator has halted trading, or let it go on: of one symbol, or of all where None."""

    symbol: str | None
    is_halted: bool
    ts_us: int


Notice: TypeAlias = SecondPassed | Draining | VenueFeedChanged | SymbolFeedChanged | TradingChanged
