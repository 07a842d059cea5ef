"""One subscription, over all connections that it lives on: which event is the next one, and what is missing.

It keeps what its readers were told up to. Everything up to there was delivered, or announced by a gap. Pure:
it returns requests and hands events on; ``connection.py`` sends and receives.
"""

from __future__ import annotations

from collections.abc import Callable
from enum import Enum, auto
from typing import Final, NamedTuple, TypeAlias

from msgspec import UNSET, UnsetType

from floorwire.client.book_keeper import WrongBookError
from floorwire.client.stream_gap import StreamGap
from floorwire.core.market_events import Feed
from floorwire.protocol.channel_events import SkippedNotice, TradesFeed
from floorwire.protocol.client_codec import PlainEvent
from floorwire.protocol.market_replies import CandleHistory, TradeHistory
from floorwire.protocol.private_events import FillsSnapshot, OrdersSnapshot
from floorwire.protocol.replies import HeldSubscription
from floorwire.protocol.requests import OnSlow, Resume, Subscribe, Unsubscribe

StreamEvent: TypeAlias = PlainEvent | OrdersSnapshot | FillsSnapshot
History: TypeAlias = TradeHistory | CandleHistory
StreamItem: TypeAlias = StreamEvent | History | StreamGap
PRIVATE: Final = frozenset({"orders", "fills", "balances", "positions"})
WITHOUT_STATE: Final = PRIVATE | {"trades", "system"}
"""Channels whose events begin after the reply's seq. The first event of all others has that seq."""
BEGINS_WITH_STATE: Final = PRIVATE | {"book"}
"""Channels whose later events make no sense without the first one, or the first ones."""
RESTARTED: Final = "restarted"
EPOCH: Final = "epoch"


class State(Enum):
    """Where a subscription stands. docs/sdk.md has the picture."""

    WANTED = auto()
    """It has to be sent, on a connection that is open or will be."""
    REQUESTED = auto()
    """Sent, without a reply yet. Events are dropped: they come again after it."""
    LIVE = auto()
    REFUSED = auto()
    ENDED = auto()
    """Nobody reads it."""


class Topic(NamedTuple):
    """What a subscription is to, as its reader wrote it or as the server names it."""

    channel: str
    symbol: str | None = None
    option: int | str | None = None
    """The depth of a book, or the interval of candles."""
    closed_only: bool = False


def depth_of(option: int | str | None) -> int | UnsetType:
    """Return the depth of a book, as requests have it."""
    return option if isinstance(option, int) else UNSET


def interval_of(option: int | str | None) -> str | UnsetType:
    """Return the interval of candles, as requests have it."""
    return option if isinstance(option, str) else UNSET


class Subscription:
    """One topic of one connection at a time."""

    def __init__(
        self,
        topic: Topic,
        accept: Callable[[StreamItem], None],
        *,
        history: int = 0,
        on_slow: OnSlow | UnsetType = UNSET,
    ) -> None:
        """``accept`` may raise WrongBookError for a message of a book."""
        self.topic = topic
        self.state = State.WANTED
        self.name = topic
        """The topic as the server names it, known from the first reply on."""
        self.epoch = ""
        self.seq = 0
        """What the readers were told up to, in this epoch. ``""``: nothing yet."""
        self.request_count = 0
        """A reply counts only if no request was made after its own."""
        self.accept = accept
        """Gets the items in order. Whoever reads may set another one, at any time."""
        self.last: StreamEvent | None = None
        """The last event of a channel whose events do not need those before."""
        self.waits_for_listing = False
        """Whether the symbol comes again by a listing, so that it is not asked for until then."""
        self.history = history
        """How many rows of the past to ask for."""
        self.on_live: Callable[[], None] = _nothing
        """Called when a reply confirms it. What comes then is of that request."""
        self._on_slow = on_slow
        self._is_resumed = False
        """Whether the last request asked for a resume."""
        self._is_repeated = False
        """Whether the last request was ``ask_for_state``."""
        self._is_plain = topic.channel not in BEGINS_WITH_STATE
        self._has_state = self._is_plain
        """Whether later events alone are enough, so that it may resume."""
        self._is_first = False
        """Whether no event came since it began anew. Then there may be none with the reply's seq."""

    # --- requests ----------------------------------------------------------------------------------------

    def request(self) -> Subscribe:
        """Return the request to send now."""
        assert self.state is not State.ENDED
        self.state = State.REQUESTED
        self._is_repeated = False
        self._is_resumed = bool(self.epoch) and self._has_state
        return self._subscribe(Resume(self.epoch, self.seq) if self._is_resumed else UNSET)

    def _subscribe(self, resume: Resume | UnsetType) -> Subscribe:
        self.request_count += 1
        topic = self.topic
        return Subscribe(
            channel=topic.channel,
            symbol=topic.symbol or UNSET,
            depth=depth_of(topic.option),
            interval=interval_of(topic.option),
            closed_only=topic.closed_only or UNSET,
            on_slow=self._on_slow,
            history=self.history or UNSET,
            resume=resume,
        )

    def ask_for_state(self) -> Subscribe:
        """Return the request that lets the state come once more, for a further reader.

        Events go on meanwhile: those before the reply are handed on as ever.
        """
        assert self.state is State.LIVE
        self._is_repeated, self._is_resumed = True, False
        return self._subscribe(UNSET)

    def end(self) -> Unsubscribe:
        """End it; return the request to send, if it was sent on a connection that is open."""
        self.state = State.ENDED
        topic = self.topic
        return Unsubscribe(
            channel=topic.channel,
            symbol=topic.symbol or UNSET,
            depth=depth_of(topic.option),
            interval=interval_of(topic.option),
            closed_only=topic.closed_only or UNSET,
        )

    # --- what happens to it ------------------------------------------------------------------------------

    def cut(self) -> None:
        """The connection is lost, or the server says to try later."""
        if self.state in (State.REQUESTED, State.LIVE):
            self.state = State.WANTED

    def refused(self) -> None:
        """No new try helps."""
        self.state = State.REFUSED

    def begin(self, held: HeldSubscription) -> None:
        """It was subscribed to with others, by one request for all: begin anew."""
        self.request_count += 1
        self.state = State.REQUESTED
        self._is_repeated = self._is_resumed = False
        self.confirmed(held)

    def confirmed(self, reply: HeldSubscription) -> None:
        """Go live, if that was asked for."""
        if self.state is not State.REQUESTED and not (self._is_repeated and self.state is State.LIVE):
            return
        self.state = State.LIVE
        self.name = self.topic._replace(symbol=reply.instrument or None)
        if not (self._is_resumed and reply.gap is UNSET):
            self._go_on(reply)
        self.on_live()

    def _go_on(self, reply: HeldSubscription) -> None:
        """Go on where the reply says; announce what will not come."""
        after = reply.seq if self.topic.channel in WITHOUT_STATE else max(reply.seq - 1, 0)
        if reply.gap is not UNSET:
            self._announce(reply.epoch, reply.gap.first, reply.gap.last, reply.gap.reason)
        elif self.epoch and self.epoch != reply.epoch:
            self._announce(reply.epoch, 1, after, EPOCH)
        elif self.epoch and after > self.seq:
            self._announce(reply.epoch, self.seq + 1, after, RESTARTED)
        elif self.epoch and self._is_repeated and self._is_plain:
            return  # it goes on for the readers that there were
        self.epoch, self.seq = reply.epoch, after
        self._is_first = True
        self._has_state = self._is_plain

    def receive(self, event: StreamEvent) -> bool:
        """Hand an event on. Return False where it is not the next one: ``request`` has to be sent again."""
        if self.state is not State.LIVE:
            return True
        if event.seq != self.seq + 1 or event.epoch != self.epoch or not self._is_plain:
            return self._receive(event)
        self.seq = event.seq
        self._is_first = False
        self.last = event
        self.accept(event)
        return True

    def skipped(self, notice: SkippedNotice | TradesFeed) -> bool:
        """Announce what the server left out. Return False where an event before it is missing."""
        if self.state is not State.LIVE:
            return True
        gap = notice.gap
        feed = notice.feed if type(notice) is TradesFeed else None
        if notice.epoch != self.epoch:
            self.epoch, self.seq = notice.epoch, 0
        if notice.seq <= self.seq:
            return True
        if gap.first > self._next_seq(gap.first):
            return self._again()
        self._announce(notice.epoch, max(gap.first, self.seq + 1), gap.last, gap.reason, feed)
        self.seq = notice.seq
        return True

    def past(self, history: History) -> None:
        """Hand on the rows before the first event."""
        if self.state is State.LIVE:
            self.accept(history)

    def _receive(self, event: StreamEvent) -> bool:
        if _is_part_of_snapshot(event):
            return self._snapshot(event)
        if event.epoch != self.epoch:  # another tick or lot: seqs begin again
            self.epoch, self.seq = event.epoch, 0
        if event.seq <= self.seq:
            return True
        first = event.seq - _left_out(event)
        if first > self._next_seq(first):
            return self._again()
        try:
            self.accept(event)
        except WrongBookError:
            self._has_state = False
            return self._again()
        self._has_state = True
        self.seq = event.seq
        self._is_first = False
        self.last = event if self._is_plain else None
        return True

    def _snapshot(self, event: StreamEvent) -> bool:
        if self._has_state or event.seq < self.seq:
            return True
        self.accept(event)
        if type(event) is not OrdersSnapshot or not event.more:
            self.epoch, self.seq = event.epoch, event.seq
            self._has_state = True
        return True

    def _next_seq(self, first: int) -> int:
        """Return the seq that may come now. A stream that began anew may have no event with the reply's."""
        return first if self._is_first and first == self.seq + 2 else self.seq + 1

    def _again(self) -> bool:
        self.state = State.WANTED
        return False

    def _announce(self, epoch: str, first: int, last: int, reason: str, feed: Feed | None = None) -> None:
        self.accept(StreamGap(self.name.channel, self.name.symbol, epoch, first, last, reason, feed))


def _nothing() -> None:
    """Do nothing: nobody waits."""


def _is_part_of_snapshot(event: StreamEvent) -> bool:
    """Return whether it is of the snapshot that a private channel begins with. All parts have one seq."""
    return event.__class__ in (OrdersSnapshot, FillsSnapshot) or (
        getattr(event, "type", None) == "snapshot" and hasattr(event, "hidden")
    )


def _left_out(event: StreamEvent) -> int:
    """Return how many events before it it stands for, or are hidden from the key."""
    left_out: int | UnsetType = getattr(event, "conflated", UNSET)
    if left_out is UNSET:
        left_out = getattr(event, "hidden", UNSET)
    return 0 if isinstance(left_out, UnsetType) else left_out
