"""The messages that a bot gets in a backtest: made by the channels, as for a client of the server.

One topic is one channel of one symbol. What one call of a venue gives is delivered together, topic by topic,
as the server's hub sends it. A book is told once, as it is then.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Final, Protocol, TypeAlias

from floorwire import channels
from floorwire.bot.bot import Bot, overrides
from floorwire.bot.price_marks import Priced
from floorwire.channels import Channel, Option, Stream, Tracker
from floorwire.channels.book import DEPTHS, BookTracker, DepthWindow
from floorwire.client.book_keeper import Book
from floorwire.client.stream_gap import StreamGap
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookSnapshot, Feed, MarketEvent, StreamsEnded
from floorwire.core.notices import Notice, SymbolFeedChanged
from floorwire.protocol.channel_events import AnyEvent, TradesFeed
from floorwire.protocol.event_stamps import EventStamp

HubEvent: TypeAlias = MarketEvent | Notice
Told: TypeAlias = tuple[str, Priced | StreamGap]
"""The callback that is called, and with what."""
GAP: Final = "on_gap"
CALLBACKS: Final[Mapping[str, str]] = {
    "ticker": "on_ticker",
    "trades": "on_trade",
    "book": "on_book",
    "candles": "on_candle",
}
"""Channel -> the callback that gets it."""
EPOCH: Final = "backtest-{}"


class Topic(Protocol):
    """One channel of one symbol, from the first event of the symbol on."""

    kinds: Sequence[type[HubEvent]]
    """The events that it needs."""

    def apply(self, event: HubEvent, now_us: int) -> bool:
        """Apply an event. Return whether something is to be delivered."""
        ...

    def change_steps(self, instrument: Instrument, now_us: int) -> bool:
        """Go on with other ticks and lots. Return whether something is to be delivered."""
        ...

    def start(self, now_us: int) -> bool:
        """Tell the bot from now on. Return whether there is a state, which is told first."""
        ...

    def pop_told(self) -> Sequence[Told]:
        """Return what the bot is to be told."""
        ...


class MessageTopic:
    """A topic whose messages are all told: ``ticker``, ``trades``, ``candles``."""

    def __init__(self, channel: Channel, instrument: Instrument, option: Option) -> None:
        self.kinds: Sequence[type[HubEvent]] = channel.event_types
        self._tracker: Tracker = channel.tracker(instrument)
        self._stream: Stream = self._tracker.stream(option)
        self._option = option
        self._callback = CALLBACKS[channel.name]
        self._is_started = False
        self._epoch = EPOCH.format(1)
        self._restarts = 0
        self._seq = 0
        self._waiting: list[AnyEvent] = []

    def apply(self, event: HubEvent, now_us: int) -> bool:
        """Apply an event."""
        self._tracker.apply(event)
        messages = self._stream.apply(event, EventStamp(self._epoch, self._seq + 1, now_us, now_us))
        if not messages:
            return False
        self._seq += len(messages)
        if not self._is_started:
            return False
        self._waiting.extend(messages)
        return True

    def change_steps(self, instrument: Instrument, now_us: int) -> bool:
        """Go on with other ticks and lots."""
        self._tracker.change_steps(instrument)
        self._stream = self._tracker.stream(self._option)
        self._restarts += 1
        self._epoch, self._seq = EPOCH.format(1 + self._restarts), 0
        return self._is_started and self._tell_state(now_us)

    def start(self, now_us: int) -> bool:
        """Tell the bot from now on."""
        self._is_started = True
        return self._tell_state(now_us)

    def _tell_state(self, now_us: int) -> bool:
        self._seq = max(self._seq, 1)
        state = self._stream.state(EventStamp(self._epoch, self._seq, now_us, now_us))
        if state is not None:
            self._waiting.append(state)
        return state is not None

    def pop_told(self) -> Sequence[Told]:
        """Return each message."""
        waiting, self._waiting = self._waiting, []
        return [
            (GAP, _feed_gap(message)) if type(message) is TradesFeed else (self._callback, message)  # type: ignore[misc] # of these three channels
            for message in waiting
        ]


class BookTopic:
    """The book to some depth."""

    kinds: Sequence[type[HubEvent]] = channels.book.CHANNEL.event_types

    def __init__(self, instrument: Instrument, depth: int) -> None:
        self._tracker = BookTracker(instrument)
        self._depth = depth
        self._is_started = False
        self._epoch = 1
        self._seq = 0
        self._ts_us = 0
        self._now_us = 0
        self._restart()

    def _restart(self) -> None:
        self._bids = DepthWindow(self._tracker.bids, self._depth)
        self._asks = DepthWindow(self._tracker.asks, self._depth)

    def apply(self, event: HubEvent, now_us: int) -> bool:
        """Apply an event. Only a change within the depth is told."""
        self._tracker.apply(event)
        if type(event) is BookSnapshot:
            self._restart()
        elif type(event) is SymbolFeedChanged:
            if not self._tracker.known:
                return False
        elif type(event) is StreamsEnded:
            return False
        else:
            bids, asks = self._bids.changes(), self._asks.changes()
            if not bids and not asks:
                return False
        self._ts_us = self._tracker.ts_us
        self._seq += 1
        self._now_us = now_us
        return self._is_started

    def change_steps(self, instrument: Instrument, now_us: int) -> bool:
        """Go on with other ticks and lots."""
        self._tracker.change_steps(instrument)
        self._restart()
        self._epoch, self._seq, self._now_us = self._epoch + 1, 1, now_us
        return self._is_started and self._tracker.known

    def start(self, now_us: int) -> bool:
        """Tell the bot from now on."""
        self._is_started, self._now_us = True, now_us
        self._seq = max(self._seq, 1)
        return self._tracker.known

    def pop_told(self) -> Sequence[Told]:
        """Return the book of now."""
        tracker, feed = self._tracker, self._tracker.feed
        book = Book(
            symbol=tracker.symbol,
            depth=self._depth,
            epoch=EPOCH.format(self._epoch),
            seq=self._seq,
            ts=self._ts_us,
            sent=self._now_us,
            bids=tracker.bids.top(self._depth),
            asks=tracker.asks.top(self._depth),
            feed=_unless_live(feed),
        )
        return ((CALLBACKS["book"], book),)


def make(bot: Bot, instrument: Instrument) -> list[Topic]:
    """Return the topics of an instrument that the bot has callbacks for."""
    made: list[Topic] = []
    for name, callback in CALLBACKS.items():
        if not overrides(bot, callback):
            continue
        if name == "book":
            made.append(BookTopic(instrument, bot.depth))
            continue
        channel = channels.discover()[name]
        option = channel.option(None, None, False)
        if name == "candles":
            option = channel.option(None, bot.interval, bot.closed_candles)
        made.append(MessageTopic(channel, instrument, option))
    return made


def fault(bot: Bot) -> str | None:
    """Return what is wrong with the bot's choice of depth or candles; None: nothing."""
    if bot.depth not in DEPTHS:
        return f"depth: one of {', '.join(map(str, DEPTHS))}"
    try:
        channels.discover()["candles"].option(None, bot.interval, bot.closed_candles)
    except channels.BadOptionError as error:
        return str(error)
    return None


def _unless_live(feed: Feed) -> Feed | None:
    return None if feed == "live" else feed


def _feed_gap(notice: TradesFeed) -> StreamGap:
    return StreamGap(
        "trades",
        notice.symbol,
        notice.epoch,
        notice.gap.first,
        notice.gap.last,
        notice.gap.reason,
        notice.feed,
    )
