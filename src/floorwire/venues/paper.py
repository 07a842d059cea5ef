"""Paper trading: any venue whose prices come from outside, with orders of accounts filled against them.

The venue's own outputs pass through unchanged; what they do to orders comes right behind them, as
``Reported``. A command reaches the market ``latency_us`` after it was given, in monotonic time; orders expire
by the date.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Collection, Iterator, Mapping, Sequence
from heapq import heapify, heappop, heappush

from msgspec.structs import replace

from floorwire.core.capabilities import ORDER_TYPES, TIMES_IN_FORCE, Capabilities, StreamKind
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Feed,
    FeedStatus,
    Listing,
    Quote,
    StreamsEnded,
    Trade,
)
from floorwire.core.order_commands import Command, Place
from floorwire.core.past_candles import TellsPast
from floorwire.core.ports import (
    CountsSkipped,
    Execution,
    Frame,
    Prices,
    Reported,
    StreamsOnDemand,
    Venue,
    VenueInput,
    VenueOutput,
    Wake,
    Woke,
)
from floorwire.core.replay_controls import PlaysRecording, ReplayControl, ReplayPosition
from floorwire.engine.execution_reporter import refused
from floorwire.engine.matching_events import Rejected
from floorwire.engine.paper_matching import PaperMatching

UNSWEPT = 64
"""So many dates of orders that are closed may be kept before it is worth sweeping."""
UNKNOWN = Prices(0, 0, 0, "connecting")


class PaperVenue:
    """A trading venue of a venue that takes no orders.

    ``name`` is its id; None: the venue's own name. ``capabilities``: what the venue gives, if that is known.
    """

    def __init__(
        self,
        venue: Venue,
        latency_us: int,
        name: str | None = None,
        capabilities: Capabilities | None = None,
    ) -> None:
        can = capabilities or Capabilities(venue.name)
        self.capabilities = replace(
            can,
            places_orders=True,
            amends_orders=True,
            order_types=ORDER_TYPES,
            times_in_force=TIMES_IN_FORCE,
        )
        """What the venue gives, and the orders that are filled here."""
        self.name = name or venue.name
        self._venue = venue
        self._latency_us = latency_us
        self._offset_us = 0
        """What to add to monotonic time to get the date."""
        self._clear()

    def _clear(self) -> None:
        self._feed: Feed = "connecting"
        self._feeds: dict[str, Feed] = {}
        self._without_book: set[str] = set()
        """Symbols whose books are not streamed, or have not come yet."""
        self._listed: dict[str, Instrument] = {}
        self._markets: dict[str, PaperMatching] = {}
        self._on_their_way: deque[tuple[int, int, Command]] = deque()
        """When each arrives, and how many were sent before it."""
        self._sent = 0
        self._void: dict[int, int] = {}
        """By order: of the first so many that were sent, what is on its way to it does nothing any more."""
        self._dates: list[tuple[int, str, int]] = []
        self._wake_us: int | None = None
        self._last_id = 0

    @property
    def plays_recording(self) -> bool:
        """Whether its prices are those of a recording: of the past, and shown again at each start."""
        return isinstance(self._venue, PlaysRecording)

    @property
    def streams_on_demand(self) -> bool:
        """Whether the venue streams only what is wanted."""
        return isinstance(self._venue, StreamsOnDemand) and self._venue.streams_on_demand

    @property
    def resting_symbols(self) -> Collection[str]:
        """The symbols with open orders: their prices are needed."""
        return [symbol for symbol, market in self._markets.items() if market.open_count]

    @property
    def past_intervals(self) -> Sequence[str]:
        """The intervals of candles that the venue can tell of its past."""
        return self._venue.past_intervals if isinstance(self._venue, TellsPast) else ()

    @property
    def tells_past_trades(self) -> bool:
        """Whether the venue can tell trades of its past."""
        return isinstance(self._venue, TellsPast) and self._venue.tells_past_trades

    @property
    def skipped(self) -> Mapping[str, int]:
        """What the venue left out, by reason."""
        return self._venue.skipped if isinstance(self._venue, CountsSkipped) else {}

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Start the venue. Started again, it begins anew: no account's order is in its market."""
        self._clear()
        return [*self._follow(self._venue.start(now_us), now_us), *self._wake()]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input, and what became due up to now."""
        if type(happened) is Frame and not self._on_their_way and not self._dates:
            due_us = self._wake_us
            outputs = self._follow(self._venue.receive(happened, now_us), now_us)
            return outputs if self._wake_us == due_us else [*outputs, *self._wake()]
        is_woken = isinstance(happened, Woke)
        if is_woken and not self._on_their_way and not self._dates:
            return self._wake_up(now_us)
        before_us = self._wake_us if is_woken and self._wake_us is not None else now_us
        outputs = _reported(self._due(min(before_us, now_us)))
        if not is_woken or (self._wake_us is not None and self._wake_us <= now_us):
            self._wake_us = None if is_woken else self._wake_us
            outputs += self._follow(self._venue.receive(happened, now_us), now_us)
        outputs += _reported(self._due(now_us))
        outputs += self._wake()
        return outputs

    def _wake_up(self, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows where the time has come for the venue alone, if it has."""
        outputs: list[VenueOutput] = []
        if self._wake_us is not None and self._wake_us <= now_us:
            self._wake_us = None
            outputs = self._follow(self._venue.receive(Woke(), now_us), now_us)
        return [*outputs, *self._wake()]

    def control(self, control: ReplayControl, now_us: int) -> Sequence[VenueOutput]:
        """Do what an operator asks of the recording that it plays; nothing if it plays none.

        Raises SeekError, SpeedError.
        """
        if not isinstance(self._venue, PlaysRecording):
            return []
        outputs = _reported(self._due(now_us))
        outputs += self._follow(self._venue.control(control, now_us), now_us)
        return [*outputs, *self._wake()]

    def position(self, now_us: int) -> ReplayPosition | None:
        """Return where the recording stands; None if it plays none."""
        return self._venue.position(now_us) if isinstance(self._venue, PlaysRecording) else None

    def date(self, offset_us: int) -> None:
        """Take in what the date is: ``now_us + offset_us``."""
        self._offset_us = offset_us

    def execute(self, command: Command, now_us: int) -> Execution:
        """Send the command to the market; where there is no latency it is there at once."""
        reports = self._due(now_us)
        if isinstance(command, Place):
            self._forget(command)
        self._on_their_way.append((now_us + self._latency_us, self._sent, command))
        self._sent += 1
        reports += self._due(now_us)
        return Execution(reports, tuple(self._wake()))

    def prices(self, symbol: str) -> Prices:
        """Return what the venue shows."""
        market = self._markets.get(symbol)
        return UNKNOWN if market is None else market.prices()

    def _forget(self, place: Place) -> None:
        """Forget what was done to the order before: whoever places it again knows nothing of that."""
        if place.order_id <= self._last_id:
            self._void[place.order_id] = self._sent
            market = self._markets.get(place.symbol)
            if market is not None:
                market.remove(place.order_id)
        self._last_id = max(self._last_id, place.order_id)

    # --- what becomes due ---------------------------------------------------------------------------

    def _due(self, now_us: int) -> list[Report]:
        """Return what came of all that became due up to now, in order of time."""
        reports: list[Report] = []
        while True:
            arrival = self._on_their_way[0][0] if self._on_their_way else now_us + 1
            date = self._dates[0][0] - self._offset_us if self._dates else now_us + 1
            if min(arrival, date) > now_us:
                return reports
            if date <= arrival:
                expires_us, symbol, order_id = heappop(self._dates)
                reports += self._markets[symbol].expire(order_id, expires_us)
            else:
                reports += self._arrive(*self._on_their_way.popleft())

    def _arrive(self, at_us: int, number: int, command: Command) -> list[Report]:
        is_void = number < self._void.get(command.order_id, 0)
        if not self._on_their_way:
            self._void.clear()
        if is_void:
            return []
        market = self._markets.get(command.symbol)
        if market is None:
            return [
                refused(command, Rejected(command.order_id, Code.UNKNOWN_SYMBOL), at_us + self._offset_us)
            ]
        reports = market.execute(command, at_us + self._offset_us)
        if isinstance(command, Place) and command.expires_us is not None:
            self._note_date(command, command.expires_us)
        return reports

    def _note_date(self, place: Place, expires_us: int) -> None:
        heappush(self._dates, (expires_us, place.symbol, place.order_id))
        if len(self._dates) > UNSWEPT + 2 * sum(market.open_count for market in self._markets.values()):
            self._dates = [entry for entry in self._dates if self._markets[entry[1]].is_open(entry[2])]
            heapify(self._dates)

    def _wake(self) -> Iterator[Wake]:
        due_us = [] if self._wake_us is None else [self._wake_us]
        due_us += [self._on_their_way[0][0]] if self._on_their_way else []
        due_us += [entry[0] - self._offset_us for entry in self._dates[:1]]
        if due_us:
            yield Wake(min(due_us))

    # --- what the venue says ------------------------------------------------------------------------

    def _follow(self, outputs: Sequence[VenueOutput], now_us: int) -> list[VenueOutput]:
        """Return the outputs, each with what it did to orders behind it."""
        followed: list[VenueOutput] = []
        for output in outputs:
            if type(output) is Trade:  # most are this or a change of a book
                market = self._markets.get(output.symbol)
                followed.append(output)
                if market is not None and (reports := market.apply_trade(output, now_us + self._offset_us)):
                    followed.append(Reported(tuple(reports)))
                continue
            if type(output) is Quote:
                followed.append(output)
                continue
            if type(output) is Wake:
                self._wake_us = output.at_us
                continue
            if isinstance(output, Listing):
                output = own_listing(output, self.name)
            followed.append(output)
            followed += _reported(self._hear(output, now_us + self._offset_us))
        return followed

    def _hear(self, output: VenueOutput, wall_us: int) -> list[Report]:
        match output:
            case BookSnapshot(symbol) | BookChange(symbol) if symbol in self._markets:
                reports = self._markets[symbol].apply_book(output, wall_us)
                if symbol in self._without_book:
                    self._without_book.discard(symbol)
                    reports += self._markets[symbol].set_feed(self._current(symbol), wall_us)
                return reports
            case FeedStatus(symbol, feed):
                return self._turn(symbol, feed, wall_us)
            case StreamsEnded(symbol, kinds) if symbol in self._markets:
                return self._end_streams(symbol, kinds, wall_us)
            case Listing(instruments):
                for instrument in instruments:
                    self._list(instrument)
        return []

    def _list(self, instrument: Instrument) -> None:
        """Open the symbol's market, or open it anew where its steps are others now.

        Whoever has the accounts then ends the orders that were in it, on his own.
        """
        symbol, known = instrument.symbol, self._listed.get(instrument.symbol)
        self._listed[symbol] = instrument
        if known is None or known.steps != instrument.steps:
            self._markets[symbol] = PaperMatching(self._current(symbol))
            left = [entry for entry in self._on_their_way if entry[2].symbol != symbol]
            self._on_their_way = deque(left)

    def _turn(self, symbol: str | None, feed: Feed, wall_us: int) -> list[Report]:
        """Take in how current a symbol is, or the whole venue: no symbol is more current than that."""
        if symbol is not None:
            self._feeds[symbol] = feed
            market = self._markets.get(symbol)
            return [] if market is None else market.set_feed(self._current(symbol), wall_us)
        self._feed = feed
        if feed != "live":  # what comes after is said of each symbol again
            self._feeds.clear()
        return [
            report
            for name, market in self._markets.items()
            for report in market.set_feed(self._current(name), wall_us)
        ]

    def _end_streams(self, symbol: str, kinds: frozenset[StreamKind], wall_us: int) -> list[Report]:
        """Take in what is not streamed any more. Without a book, nothing can be filled against it."""
        market = self._markets[symbol]
        if "trades" in kinds:
            market.forget_last_trade()
        if "book" not in kinds:
            return []
        self._without_book.add(symbol)
        return market.set_feed(self._current(symbol), wall_us)

    def _current(self, symbol: str) -> Feed:
        if symbol in self._without_book:
            return "connecting"
        return self._feeds.get(symbol, "live") if self._feed == "live" else self._feed


def own_listing(listing: Listing, name: str) -> Listing:
    """Return the listing as of the venue ``name``."""
    if all(instrument.venue == name for instrument in listing.instruments):
        return listing
    return Listing(tuple(replace(one, venue=name) for one in listing.instruments), listing.ts_us)


def _reported(reports: list[Report]) -> list[VenueOutput]:
    return [Reported(tuple(reports))] if reports else []
