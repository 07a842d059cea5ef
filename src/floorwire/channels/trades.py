"""The trades channel: one message for each trade. It has no state, so it starts with the next trade.

A change of the feed status is a notice with a seq of its own.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec import UNSET

from floorwire.channels import Channel, Option, refuse_options
from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Feed, MarketEvent, Trade
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.protocol import channel_events
from floorwire.protocol.event_stamps import EventStamp
from floorwire.protocol.replies import Gap
from floorwire.protocol.requests import OnSlow


class TradesTracker:
    """The feed status. A trade itself leaves no state."""

    __slots__ = ("feed", "instrument")

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        self.feed: Feed = "live"

    def apply(self, event: MarketEvent | Notice) -> None:
        """Record the feed status."""
        if isinstance(event, SymbolFeedChanged):
            self.feed = event.feed

    def change_steps(self, instrument: Instrument) -> None:
        """Format the next trades in the new ticks and lots."""
        self.instrument = instrument

    def stream(self, _option: Option) -> TradesStream:
        """Return a new stream."""
        return TradesStream(self)


class TradesStream:
    """A symbol's trades."""

    __slots__ = ("_instrument", "_tracker")

    def __init__(self, tracker: TradesTracker) -> None:
        self._tracker = tracker
        self._instrument = tracker.instrument

    def apply(
        self, event: MarketEvent | Notice, at: EventStamp
    ) -> Sequence[channel_events.Trades] | Sequence[channel_events.TradesFeed]:
        """Return the trade, or the change of the feed status, as one message."""
        if isinstance(event, SymbolFeedChanged):
            return (self._notice(event, at),)
        if not isinstance(event, Trade):
            return ()
        message = channel_events.Trades(
            epoch=at.epoch,
            seq=at.seq,
            ts=event.ts_us,
            recv=at.recv_us,
            sent=at.sent_us,
            symbol=self._instrument.symbol,
            trade_id=event.trade_id,
            price=self._instrument.price.format(event.price_ticks),
            size=self._instrument.size.format(event.size_lots),
            side=event.side,
            feed=UNSET if self._tracker.feed == "live" else self._tracker.feed,
        )
        return (message,)

    def _notice(self, turned: SymbolFeedChanged, at: EventStamp) -> channel_events.TradesFeed:
        return channel_events.TradesFeed(
            epoch=at.epoch,
            seq=at.seq,
            ts=turned.ts_us,
            recv=at.recv_us,
            sent=at.sent_us,
            symbol=self._instrument.symbol,
            gap=Gap(at.seq, at.seq, "feed"),
            feed=turned.feed,
            reason=turned.reason,
        )

    def state(self, _at: EventStamp, _conflated: int = 0) -> None:
        """Return None: past trades are no state."""


class TradesChannel:
    """Every trade is sent. A slow client gets a notice with the range of seqs that it missed."""

    name = "trades"
    on_slow: OnSlow = "skip"
    contracts: frozenset[OnSlow] = frozenset(("skip", "disconnect"))
    per_symbol = True
    event_types: tuple[type[MarketEvent | Notice], ...] = (Trade, SymbolFeedChanged)
    needs: frozenset[StreamKind] = frozenset(("trades",))

    def option(self, depth: int | None, interval: str | None, closed_only: bool = False) -> Option:
        """Return None: there is none. Raises BadOptionError."""
        refuse_options(self.name, depth, interval, closed_only)
        return None

    def tracker(self, instrument: Instrument | None) -> TradesTracker:
        """Return a new tracker of the instrument."""
        assert instrument is not None
        return TradesTracker(instrument)


CHANNEL: Channel = TradesChannel()
