"""The market data adapter of exchanges. ``Exchange`` is what differs from one to another.

A fault of one book costs one subscription or one request: other symbols of the link go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Listing, MissingTrade
from floorwire.core.microseconds import SECOND_US
from floorwire.core.past_candles import PastWanted
from floorwire.core.ports import (
    Answer,
    Close,
    Closed,
    Fetch,
    Frame,
    Headers,
    Opened,
    VenueInput,
    VenueOutput,
    Wake,
    Wanted,
    Woke,
)
from floorwire.venues.common.backoff import Jitter
from floorwire.venues.common.book_requests import BookRequests
from floorwire.venues.common.exchange import (
    Control,
    EndsSoon,
    Exchange,
    ListedRows,
    LostMessages,
    Reading,
    SeveralSymbols,
    SymbolMessages,
)
from floorwire.venues.common.followed_symbols import FollowedSymbols
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.link_rotations import LinkRotations
from floorwire.venues.common.message_handler import MessageHandler
from floorwire.venues.common.past_fetches import PastFetches
from floorwire.venues.common.rate_limits import (
    CONNECTIONS,
    REST,
    TOO_MANY_REQUESTS,
    RateLimits,
    TooManyRequestsError,
    pause_us,
)
from floorwire.venues.common.scanned_message import ScannedMessage
from floorwire.venues.common.snapshot_fetches import SnapshotFetches
from floorwire.venues.common.stream_links import StreamLinks
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol
from floorwire.venues.common.wanted_streams import WantedStreams

SAID_PAUSE_US = 60 * SECOND_US
"""The pause after an answer that says in its body that there were too many requests."""


class MarketDataAdapter:
    """The adapter, a pure state machine. ``skipped`` counts what it left out, by reason."""

    __slots__ = (
        "_activity",
        "_books",
        "_by_new",
        "_catalogue",
        "_clock",
        "_exchange",
        "_followed",
        "_ids",
        "_is_recorded",
        "_jitter",
        "_limits",
        "_links",
        "_list_failed",
        "_messages",
        "_past",
        "_read_frame",
        "_requested",
        "_rotations",
        "_stale_us",
        "_streams",
        "_symbols",
        "_wish",
        "name",
        "skipped",
        "streams_on_demand",
    )

    def __init__(
        self,
        exchange: Exchange,
        symbols: Sequence[str],
        *,
        name: str = "",
        recorded: bool,
        stale_us: int,
        limits: RateLimits,
        jitter: Jitter,
    ) -> None:
        self.name = name or exchange.name
        self.skipped = exchange.skipped
        self._exchange = exchange
        self._read_frame = exchange.read
        self._requested = symbols
        self._is_recorded = recorded
        self.streams_on_demand = not recorded
        self._stale_us = stale_us
        self._limits = limits
        self._jitter = jitter
        self._clock = exchange.clock
        self._ids = count(1)
        self._begin(None)

    def _begin(self, wanted: Mapping[str, frozenset[StreamKind]] | None) -> None:
        exchange, limits, jitter = self._exchange, self._limits, self._jitter
        self._catalogue = InstrumentCatalogue(
            self._requested, exchange.unlisted if self._is_recorded else None, self._ids, jitter
        )
        self._streams = StreamLinks(exchange, self._stale_us, limits, jitter)
        self._links = self._streams.links
        self._followed = FollowedSymbols(self._links)
        self._activity = self._followed.activity
        fetches = SnapshotFetches(self._ids, jitter)
        self._books = BookRequests(
            exchange, self._streams, self._followed, fetches, limits, jitter, is_recorded=self._is_recorded
        )
        self._past = PastFetches(
            None if self._is_recorded else exchange.candle_history,
            None if self._is_recorded else exchange.trade_history,
            limits,
            self._ids,
            jitter,
        )
        self._rotations = LinkRotations(exchange, self._streams, self._followed, self._books)
        self._by_new = self._rotations.by_new
        self._wish = WantedStreams(
            exchange,
            self._streams,
            self._followed,
            self._rotations,
            wanted,
            is_named=bool(self._requested),
        )
        self._messages = MessageHandler(
            exchange, self._followed, self._books, self._rotations, self._catalogue
        )
        self._symbols: dict[str, Instrument] = {}
        """The exchange's name -> each instrument that is listed."""
        self._list_failed = False

    @property
    def past_intervals(self) -> Sequence[str]:
        """The intervals of candles of the past that can be asked for."""
        return self._past.intervals

    @property
    def tells_past_trades(self) -> bool:
        """Whether trades of the past can be asked for."""
        return self._past.tells_trades

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Request the list of instruments. Started again, it begins anew: no link is up."""
        self._begin(self._wish.streams)
        return [
            *self._followed.statuses.set_all("connecting", "start", now_us),
            *self._request_list(now_us),
            _next_second(now_us),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input."""
        if type(happened) is Frame:
            refused = self._clock.refused
            outputs = self._clock.check(self._frame(happened.link, happened.data, now_us), now_us)
            if self._clock.refused != refused:
                self.skipped["bad_time"] = self._clock.refused
            return outputs
        return list(self._outputs(happened, now_us))

    def _outputs(self, happened: VenueInput, now_us: int) -> Iterator[VenueOutput]:
        match happened:
            case Answer():
                yield from self._answered(happened, now_us)
            case Opened(link):
                yield from self._opened(link, now_us)
            case Closed(link, _, status, headers):
                self._obey(status, headers, CONNECTIONS, now_us)
                yield from self._closed(link, now_us)
            case Woke():
                yield from self._tick(now_us)
            case Wanted(streams) if not self._is_recorded:
                self._wish.streams = streams
                yield from self._wish.apply(self._symbols, now_us)
            case PastWanted():
                self._past.want(happened)
                yield from self._past.due(self._symbols, now_us)

    def _tick(self, now_us: int) -> Iterator[VenueOutput]:
        for effect in self._links.due_effects(now_us):
            if isinstance(effect, Close):
                yield from self._link_down(effect.link, effect.reason, now_us)
            yield effect
        for link in self._streams.overfull():
            yield from self._reopen_link(link, "link_lost", now_us)
        for link in self._links.newly_quiet(now_us):
            yield from self._followed.link_stale(link, "silent", now_us)
        for native, symbol in self._followed.by_native.items():
            yield from self._check_silence(native, symbol, now_us)
            yield from self._books.due(native, symbol, now_us)
        if not self._is_recorded:
            yield from self._rotations.tick(now_us)
            yield from self._streams.due_requests(now_us)
        yield from self._followed.activity.pop()
        yield from self._request_list(now_us)
        yield from self._past.due(self._symbols, now_us)
        yield from self._clock.events(now_us)
        yield _next_second(now_us)

    # --- answers --------------------------------------------------------------------------------

    def _request_list(self, now_us: int) -> Iterator[Fetch]:
        weight = self._exchange.list_weight
        if self._catalogue.is_due(now_us) and self._limits.allow(REST, weight, now_us):
            known = () if self._list_failed else tuple(self._symbols)
            yield self._catalogue.request(self._exchange.list_url(known), now_us)

    def _answered(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        self._obey(answer.status, answer.headers, REST, now_us)
        if self._catalogue.is_answered_by(answer):
            yield from self._apply_list(answer, now_us)
        elif (found := self._books.answered(answer)) is not None:
            yield from self._messages.apply_fetched(found, answer.body, now_us)
        elif self._past.is_answered_by(answer):
            yield from self._past_answered(answer, now_us)

    def _past_answered(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        try:
            yield from self._past.apply(answer, self._symbols, now_us)
        except TooManyRequestsError:
            self._pause(SAID_PAUSE_US, now_us, REST)

    def _obey(self, status: int, headers: Headers, name: str, now_us: int) -> None:
        """Pause if the exchange asks for that: what was refused, or everything after a ban."""
        wait_us = pause_us(status, headers, self._exchange.pauses_us)
        if wait_us:
            self._pause(wait_us, now_us, name if status == TOO_MANY_REQUESTS else None)

    def _pause(self, wait_us: int, now_us: int, name: str | None) -> None:
        self.skipped["too_many_requests"] += 1
        self._limits.block(now_us + wait_us, name)

    # --- instruments ----------------------------------------------------------------------------

    def _apply_list(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        rows: Sequence[bytes] = ()
        try:
            rows = self._exchange.rows(answer.body)
        except TooManyRequestsError:
            self._pause(SAID_PAUSE_US, now_us, REST)
        except (ValueError, RecursionError):
            self.skipped["bad_list"] += 1
        listed = dict(self._listed(rows))
        self._list_failed = not listed
        self._catalogue.update(listed, now_us)
        for native, instrument in list(self._symbols.items()):
            renewed = self._catalogue.updated(native, instrument, listed)
            if native not in listed and renewed != instrument:
                self._catalogue.refresh_soon()  # a list that lacks it by mistake must not cost ten minutes
            yield from self._update_instrument(native, renewed, now_us)
        if not self._is_recorded:
            yield from self._add_listed(now_us, listed)
        elif self._catalogue.is_ready and not len(self._links):
            yield from self._open_recorded(now_us)

    def _listed(self, rows: Sequence[bytes]) -> Iterator[tuple[str, Instrument]]:
        for row in rows:
            try:
                yield self._exchange.listed(row)
            except (ValueError, RecursionError):
                self.skipped["bad_listing"] += 1

    def _add_listed(self, now_us: int, listed: Mapping[str, Instrument]) -> Iterator[VenueOutput]:
        """List the instruments that are new, and what clients want of them."""
        new = {
            native: instrument
            for native in listed
            if native not in self._symbols and (instrument := self._catalogue.find(native))
        }
        if not new:
            return
        yield Listing(tuple(new.values()), now_us)
        self._symbols.update(new)
        for instrument in new.values():
            yield from self._followed.statuses.add(instrument.symbol, now_us)
        yield from self._wish.apply(self._symbols, now_us)

    def _open_recorded(self, now_us: int) -> Iterator[VenueOutput]:
        """Open the one link of a recording, with everything on it."""
        kind = self._exchange.link_kinds[0]
        link = f"{kind.name}-0"
        for native, instrument in self._catalogue.requested().items():
            yield from self._follow(native, instrument, link, now_us)
        yield self._links.add(link, kind.url, now_us)

    def _follow(self, native: str, instrument: Instrument, link: str, now_us: int) -> Iterator[VenueOutput]:
        self._symbols[native] = instrument
        self._followed.by_native[native] = SubscribedSymbol(self._exchange.book(instrument), link, now_us)
        yield Listing((instrument,), now_us)
        yield from self._followed.statuses.add(instrument.symbol, now_us)

    def _update_instrument(self, native: str, now_listed: Instrument, now_us: int) -> Iterator[VenueOutput]:
        before = self._symbols[native]
        if before == now_listed:
            return
        self._symbols[native] = now_listed
        yield Listing((now_listed,), now_us)
        symbol = self._followed.by_native.get(native)
        if symbol is None:
            return
        symbol.book.levels.instrument = now_listed
        if now_listed.state != "open":
            symbol.is_book_silent = False  # that no change came is no fault: nothing is traded
        rotation = self._rotations.of(symbol.link or "")
        if rotation is not None:  # the new link has books in the old steps
            yield from self._rotations.abandon(rotation, now_us)
        if before.state != now_listed.state and "closed" in (before.state, now_listed.state):
            yield from self._ended_or_begun(native, symbol, now_us)
            return
        if before.steps == now_listed.steps:
            return
        if not symbol.is_synced:
            yield from self._books.request(native, symbol, now_us)  # the one under way has the old steps
        elif not symbol.book.has_left_out:
            yield symbol.book.levels.convert(before, self._clock.venue_time(now_us))
        else:  # a finer tick has levels that were left out before
            yield from self._books.resync(native, symbol, "steps_changed", now_us)

    def _ended_or_begun(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[VenueOutput]:
        """End the streams of a symbol that the exchange delisted; begin anew with one that it lists again."""
        if symbol.instrument.state == "closed":
            yield from self._followed.delisted(symbol, now_us)
        elif self._is_recorded:
            yield from self._books.request(native, symbol, now_us)
        if not self._is_recorded:
            yield from self._wish.apply(self._symbols, now_us)

    # --- links ----------------------------------------------------------------------------------

    def _opened(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        if not self._links.opened(link, now_us):
            return
        self._exchange.link_opened(link)
        self._followed.link_opened(link, now_us)
        self._rotations.opened(link, now_us)
        if not self._is_recorded:
            yield from self._streams.opened(link, now_us)

    def _closed(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        self._streams.closed(link)
        if self._links.lost(link, now_us):
            yield from self._link_down(link, "link_lost", now_us)

    def _link_down(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Drop the books of a link, unless another one takes its place already."""
        rotation = self._rotations.of(link)
        if rotation is not None and link == rotation.old and rotation.is_up:
            yield from self._rotations.end(rotation, now_us)
            return
        if rotation is not None:
            yield from self._rotations.abandon(rotation, now_us)
        yield from self._followed.link_down(link, reason, now_us)

    def _reopen_link(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Close a link, to be opened again: messages were lost, and it is not known which."""
        close = self._links.close(link, reason, now_us)
        yield from self._link_down(link, reason, now_us)
        yield close

    def _check_silence(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[VenueOutput]:
        """Find out whether the exchange stopped sending a symbol while its link is active."""
        if not self._followed.is_silent(symbol, self._exchange.symbol_silent_us, now_us):
            return
        if not self._is_recorded:
            yield from self._books.resync(native, symbol, "silent", now_us)
        elif symbol.is_regular:  # a recording has nothing more to request; later messages follow in order
            symbol.is_silent = True
            yield from self._followed.turn(symbol, "silent", now_us)

    # --- frames ---------------------------------------------------------------------------------

    def _frame(self, link: str, data: str | bytes, now_us: int) -> list[VenueOutput]:
        # Each frame comes this way: no generators here, they cost as much as the rest.
        out: list[VenueOutput] = []
        receipt = self._links.received(link, now_us)
        if receipt == "ignored":
            return out
        self._activity.link_received(link)
        if receipt == "active_again":
            out += self._followed.link_active_again(link, now_us)
        try:
            reading = self._read_frame(data, link)
        except (ValueError, RecursionError):
            out += self._unreadable(link, data, now_us)
            return out
        if isinstance(reading, ScannedMessage):
            scanned = reading
            symbol = self._symbol(scanned.symbol, link, now_us, out)
            if symbol is not None:
                self._messages.apply(scanned.symbol, symbol, scanned, now_us, out)
        elif type(reading) is SymbolMessages:
            self._read(reading, link, now_us, out)
        elif reading is None:
            self.skipped["other_kind"] += 1
        else:
            out += self._control(reading, link, now_us)
        return out

    def _read(self, reading: SymbolMessages, link: str, now_us: int, out: list[VenueOutput]) -> None:
        native = reading.native
        symbol = self._symbol(native, link, now_us, out)
        if symbol is not None:
            for message in reading.messages:
                self._messages.apply(native, symbol, message, now_us, out)

    def _symbol(self, native: str, link: str, now_us: int, out: list[VenueOutput]) -> SubscribedSymbol | None:
        """Return the symbol that a message came of; None: not followed."""
        symbol = self._followed.by_native.get(native)
        if symbol is None or symbol.is_silent:
            symbol = self._heard(native, link, now_us, out)
        elif self._by_new:
            symbol = self._rotations.symbol_on(link, native, symbol)
        if symbol is not None:
            self._activity.symbol_received(symbol.name, now_us)
        return symbol

    def _control(
        self,
        reading: Reading,
        link: str,
        now_us: int,
    ) -> Iterator[VenueOutput]:
        """Act on a frame that is not of one symbol alone."""
        match reading:
            case SeveralSymbols(readings):
                out: list[VenueOutput] = []
                for one in readings:
                    self._read(one, link, now_us, out)
                yield from out
            case ListedRows(rows):
                for native, instrument in self._listed(rows):
                    if native in self._symbols:
                        yield from self._update_instrument(native, instrument, now_us)
            case Control(refusal, retries):
                if refusal:
                    self.skipped[refusal] += 1
                if not self._is_recorded:
                    yield from self._streams.request(link, retries, now_us)
            case LostMessages(reason):
                yield from self._reopen_link(link, reason, now_us)
            case EndsSoon():
                self.skipped["link_ends_soon"] += 1
                if not self._is_recorded:
                    self._rotations.begin(link, now_us)
                    yield from self._links.due_opens(now_us)
            case _:
                pass

    def _unreadable(self, link: str, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        """Start the resync of the book of a frame that cannot be read.

        Where nothing is known of it, the next number or checksum of a book shows the loss.
        """
        self.skipped["bad_message"] += 1
        lost = self._exchange.unreadable(data)
        if lost.is_of_trades:
            for native, symbol in self._followed.on(link):
                if lost.native in (None, native):
                    yield MissingTrade(symbol.instrument.symbol, self._clock.venue_time(now_us))
        if not lost.is_of_book:
            return
        if lost.native is None:
            yield from self._reopen_link(link, "bad_message", now_us)
            return
        known = self._followed.by_native.get(lost.native)
        if known is not None and known.is_synced:
            yield from self._books.resync(lost.native, known, "bad_message", now_us)

    def _heard(self, native: str, link: str, now_us: int, out: list[VenueOutput]) -> SubscribedSymbol | None:
        """Return the symbol of the first message, or of the first after a silence; None: not followed."""
        symbol = self._followed.by_native.get(native)
        if symbol is None:
            instrument = self._catalogue.find(native) if self._is_recorded else None
            if instrument is None:
                self.skipped["unknown_symbol"] += 1
                return None
            out += self._follow(native, instrument, link, now_us)
            return self._followed.by_native[native]
        symbol.is_silent = False
        out += self._followed.heard(symbol, now_us)
        return symbol


def _next_second(now_us: int) -> Wake:
    return Wake((now_us // SECOND_US + 1) * SECOND_US)
