"""An adapter for exchanges that send a whole book after each subscription, and then its changes.

``Exchange`` is what differs from one exchange to another. A fault of one book costs one subscription: other
symbols of the link go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from itertools import count
from typing import Generic, final

from floorwire.core.capabilities import StreamKind
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookSnapshot, Listing
from floorwire.core.ports import (
    Answer,
    Close,
    Closed,
    Frame,
    Opened,
    Send,
    VenueInput,
    VenueOutput,
    Wake,
    Wanted,
    Woke,
)
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.feed_statuses import FeedStatuses
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.links import SECOND_US, ActivityTracker
from floorwire.venues.common.lost_change import LostChangeError
from floorwire.venues.common.snapshot_stream_exchange import (
    Control,
    Exchange,
    ListedRows,
    MessageT,
    SymbolMessages,
)
from floorwire.venues.common.stream_links import StreamLinks
from floorwire.venues.common.subscribed_symbol import EVERYTHING, SubscribedSymbol
from floorwire.venues.common.venue_book import CrossedBookError


@final
class SnapshotStreamAdapter(Generic[MessageT]):
    """The adapter, a pure state machine. ``skipped`` counts what it left out, by reason."""

    def __init__(
        self, exchange: Exchange[MessageT], symbols: Sequence[str], *, recorded: bool, stale_us: int
    ) -> None:
        self.name = exchange.name
        self.skipped = exchange.skipped
        self._exchange = exchange
        self._is_recorded = recorded
        self._catalogue = InstrumentCatalogue(
            exchange.list_url, symbols, exchange.unlisted if recorded else None, count(1)
        )
        self._streams = StreamLinks(exchange, stale_us)
        self._links = self._streams.links
        self._activity = ActivityTracker()
        self._statuses = FeedStatuses()
        self._clock = exchange.clock
        self._symbols: dict[str, SubscribedSymbol] = {}
        """The exchange's name -> each symbol that is listed."""
        self._followed: dict[str, SubscribedSymbol] = {}
        """Those of which something is wanted; all in a recording."""
        self._wish: Mapping[str, frozenset[StreamKind]] | None = None
        """Canonical symbol -> the streams that clients want. None before the first wish: all named."""
        self._is_named = bool(symbols)

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Request the list of instruments."""
        return [
            *self._statuses.set_all("connecting", "start", now_us),
            *self._catalogue.request_if_due(now_us),
            _next_second(now_us),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input."""
        if isinstance(happened, Frame):
            outputs = self._clock.check(self._frame(happened.link, happened.data, now_us), now_us)
            self.skipped["bad_time"] = self._clock.refused
            return outputs
        return list(self._outputs(happened, now_us))

    def _outputs(self, happened: VenueInput, now_us: int) -> Iterator[VenueOutput]:
        match happened:
            case Answer() if self._catalogue.is_answered_by(happened):
                yield from self._apply_answer(happened, now_us)
            case Opened(link):
                yield from self._opened(link, now_us)
            case Closed(link):
                yield from self._closed(link, now_us)
            case Woke():
                yield from self._tick(now_us)
            case Wanted(streams) if not self._is_recorded:
                self._wish = streams
                yield from self._apply_wish(now_us)

    def _tick(self, now_us: int) -> Iterator[VenueOutput]:
        for effect in self._links.due_effects(now_us):
            if isinstance(effect, Close):
                yield from self._link_down(effect.link, effect.reason, now_us)
            yield effect
        for link in self._links.newly_quiet(now_us):
            yield from self._mark_stale(link, "silent", now_us)
        for native, symbol in self._followed.items():
            yield from self._check_silence(native, symbol, now_us)
            if symbol.snapshot_is_due(now_us):
                yield from self._request_snapshot(native, symbol, now_us)
        if not self._is_recorded:
            yield from self._streams.pings(now_us)
        yield from self._activity.pop()
        yield from self._catalogue.request_if_due(now_us)
        yield from self._clock.events(now_us)
        yield _next_second(now_us)

    # --- instruments ----------------------------------------------------------------------------

    def _apply_answer(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        try:
            rows = self._exchange.rows(answer.body)
        except (ValueError, RecursionError):
            self.skipped["bad_list"] += 1
            rows = ()
        listed = dict(self._listed(rows))
        self._catalogue.update(listed, now_us)
        for native, symbol in self._symbols.items():
            renewed = self._catalogue.updated(native, symbol.instrument, listed)
            yield from self._update_instrument(native, symbol, renewed, now_us)
        if not self._is_recorded:
            yield from self._add_listed(now_us, listed)
        elif self._catalogue.is_ready and not len(self._links):
            yield from self._open_recorded(now_us)

    def _apply_rows(self, rows: Sequence[bytes], now_us: int) -> Iterator[VenueOutput]:
        """Apply new or changed instruments that came on a link."""
        for native, instrument in self._listed(rows):
            symbol = self._symbols.get(native)
            if symbol is not None:
                yield from self._update_instrument(native, symbol, instrument, now_us)

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
        for native, instrument in new.items():
            self._symbols[native] = SubscribedSymbol(
                self._exchange.book(instrument), None, now_us, frozenset()
            )
            yield from self._statuses.add(instrument.symbol, now_us)
        yield from self._apply_wish(now_us)

    def _open_recorded(self, now_us: int) -> Iterator[VenueOutput]:
        """Open the one link of a recording, with everything on it."""
        kind = self._exchange.link_kinds[0]
        link = f"{kind.name}-0"
        for native, instrument in self._catalogue.requested().items():
            yield from self._follow(native, instrument, link, now_us)
        yield self._links.add(link, kind.url, now_us)

    def _follow(self, native: str, instrument: Instrument, link: str, now_us: int) -> Iterator[VenueOutput]:
        symbol = SubscribedSymbol(self._exchange.book(instrument), link, now_us)
        self._symbols[native] = self._followed[native] = symbol
        yield Listing((instrument,), now_us)
        yield from self._statuses.add(instrument.symbol, now_us)

    # --- what is wanted -------------------------------------------------------------------------

    def _apply_wish(self, now_us: int) -> Iterator[VenueOutput]:
        """Subscribe to what is wanted now, and unsubscribe from all else."""
        wish = {native: kinds for native, symbol in self._symbols.items() if (kinds := self._wanted(symbol))}
        yield from self._streams.want(wish, now_us)
        for native, symbol in self._symbols.items():
            wanted = wish.get(native, frozenset())
            if symbol.wanted != wanted or symbol.link != self._streams.link_of(native):
                yield from self._streams_changed(native, symbol, wanted, now_us)

    def _wanted(self, symbol: SubscribedSymbol) -> frozenset[StreamKind]:
        if self._wish is None:
            return EVERYTHING if self._is_named else frozenset()
        return self._wish.get(symbol.instrument.symbol, frozenset())

    def _streams_changed(
        self, native: str, symbol: SubscribedSymbol, wanted: frozenset[StreamKind], now_us: int
    ) -> Iterator[VenueOutput]:
        """Take in what is wanted of a symbol. Its book stays while other streams come and go."""
        link = self._streams.link_of(native)
        if ("book" in symbol.wanted) != ("book" in wanted) or link != symbol.link:
            symbol.link_lost(now_us)
        symbol.wanted, symbol.link = wanted, link
        if wanted:
            self._followed[native] = symbol
        else:
            self._followed.pop(native, None)
        if not symbol.is_current:
            yield from self._statuses.set_symbol(symbol.instrument.symbol, "connecting", "start", now_us)

    def _update_instrument(
        self, native: str, symbol: SubscribedSymbol, now_listed: Instrument, now_us: int
    ) -> Iterator[VenueOutput]:
        before, symbol.book.levels.instrument = symbol.instrument, now_listed
        if before == now_listed:
            return
        yield Listing((now_listed,), now_us)
        if before.steps == now_listed.steps:
            return
        if not symbol.is_synced:
            yield from self._request_snapshot(native, symbol, now_us)  # the one under way has the old steps
        elif not symbol.book.has_left_out:
            yield symbol.book.levels.convert(before, self._clock.venue_time(now_us))
        else:  # a finer tick has levels that were left out before
            yield from self._resync(native, symbol, "steps_changed", now_us)

    # --- links ----------------------------------------------------------------------------------

    def _opened(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        if not self._links.opened(link, now_us):
            return
        for symbol in self._followed.values():
            if symbol.link == link:
                symbol.requested_us = now_us
        if not self._is_recorded:
            yield from self._streams.opened(link, now_us)

    def _closed(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        self._streams.closed(link)
        if self._links.lost(link, now_us):
            yield from self._link_down(link, "link_lost", now_us)

    def _link_down(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Drop the books of the link. They start again (resync) when it is up again."""
        for symbol in self._followed.values():
            if symbol.link == link:
                symbol.link_lost(now_us)
        yield from self._mark_stale(link, reason, now_us)

    def _mark_stale(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Mark the symbols of the link stale, or the venue if no link with books is active."""
        if not self._links.any_active({symbol.link for symbol in self._followed.values() if symbol.link}):
            yield from self._statuses.set_all("stale", reason, now_us)
            return
        for symbol in self._followed.values():
            if symbol.link == link:
                yield from self._statuses.set_symbol(symbol.instrument.symbol, "stale", reason, now_us)

    def _mark_live_again(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        """Mark the books of the link live again: it was only quiet and lost no message."""
        for symbol in self._followed.values():
            if symbol.link == link and symbol.is_current and not symbol.is_silent:
                yield from self._statuses.set_symbol(symbol.instrument.symbol, "live", "heard", now_us)

    # --- silence --------------------------------------------------------------------------------

    def _check_silence(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[VenueOutput]:
        """Find out whether the exchange stopped sending a symbol while its link is active."""
        active_us = self._links.active_us(symbol.link or "", now_us)
        if symbol.is_silent or not symbol.is_synced or not active_us:
            return
        age_us = self._activity.age_us(symbol.instrument.symbol, now_us)
        quiet_us = active_us if age_us is None else min(age_us, active_us)
        if quiet_us < self._exchange.symbol_silent_us or (self._is_recorded and not symbol.is_regular):
            return
        if not self._is_recorded:
            yield from self._resync(native, symbol, "silent", now_us)
        else:  # a recording has nothing more to request; later messages follow in order
            symbol.is_silent = True
            yield from self._statuses.set_symbol(symbol.instrument.symbol, "stale", "silent", now_us)

    # --- frames ---------------------------------------------------------------------------------

    def _frame(self, link: str, data: str | bytes, now_us: int) -> list[VenueOutput]:
        # Each frame comes this way: no generators here, they cost as much as the rest.
        out: list[VenueOutput] = []
        receipt = self._links.received(link, now_us)
        if receipt == "ignored":
            return out
        self._activity.link_received(link)
        self._streams.received(link, now_us)
        if receipt == "active_again":
            out += self._mark_live_again(link, now_us)
        try:
            reading = self._exchange.read(data)
        except (ValueError, RecursionError):
            out += self._unreadable(data, now_us)
            return out
        if type(reading) is SymbolMessages:
            symbol = self._followed.get(reading.native)
            if symbol is None or symbol.is_silent:
                symbol = self._heard(reading.native, link, now_us, out)
            if symbol is not None:
                self._activity.symbol_received(symbol.instrument.symbol, now_us)
                for message in reading.messages:
                    self._apply(reading.native, symbol, message, now_us, out)
        elif reading is None:
            self.skipped["other_kind"] += 1
        elif isinstance(reading, ListedRows):
            out += self._apply_rows(reading.rows, now_us)
        elif isinstance(reading, Control):
            if reading.refusal:
                self.skipped[reading.refusal] += 1
            out += [Send(link, request) for request in reading.retries if not self._is_recorded]
        return out

    def _unreadable(self, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        """Start the resync of the book of a frame that cannot be read.

        Of a frame that is no message at all, the next number or checksum of a book shows the loss.
        """
        self.skipped["bad_message"] += 1
        native = self._exchange.native_of_book(data) or ""
        symbol = self._followed.get(native)
        if symbol is not None and symbol.is_synced:
            yield from self._resync(native, symbol, "bad_message", now_us)

    def _heard(self, native: str, link: str, now_us: int, out: list[VenueOutput]) -> SubscribedSymbol | None:
        """Return the symbol of the first message, or of the first after a silence; None: not followed."""
        symbol = self._followed.get(native)
        if symbol is None:
            instrument = self._catalogue.find(native) if self._is_recorded else None
            if instrument is None:
                self.skipped["unknown_symbol"] += 1
                return None
            out += self._follow(native, instrument, link, now_us)
            return self._symbols[native]
        symbol.is_silent = False
        out += self._statuses.set_symbol(symbol.instrument.symbol, "live", "heard", now_us)
        return symbol

    def _apply(
        self, native: str, symbol: SubscribedSymbol, message: MessageT, now_us: int, out: list[VenueOutput]
    ) -> None:
        was_synced, before = symbol.is_synced, len(out)
        reason = "bad_message"
        try:
            self._exchange.apply(message, symbol, now_us, out)
        except OffTickError:
            self.skipped["off_tick"] += 1
            self._catalogue.refresh_soon()  # trades are on the current ticks, so the list is old
        except LostChangeError as lost:
            reason = lost.reason
        except CrossedBookError:
            self.skipped["crossed_book"] += 1
        except ValueError:
            self.skipped["bad_message"] += 1
        if symbol.is_synced:
            symbol.is_heard = True
            if len(out) > before and type(out[before]) is BookSnapshot:
                symbol.tries = 0
                out += self._statuses.set_symbol(symbol.instrument.symbol, "live", "synced", now_us)
        elif "book" not in symbol.wanted:
            if not symbol.is_heard:
                symbol.is_heard = True
                out += self._statuses.set_symbol(symbol.instrument.symbol, "live", "synced", now_us)
        elif was_synced:
            out += self._resync(native, symbol, reason, now_us)

    # --- books ----------------------------------------------------------------------------------

    def _resync(
        self, native: str, symbol: SubscribedSymbol, reason: str, now_us: int
    ) -> Iterator[VenueOutput]:
        """Start the resync of a book: stale, and a new snapshot."""
        yield from self._statuses.set_symbol(symbol.instrument.symbol, "stale", reason, now_us)
        yield from self._request_snapshot(native, symbol, now_us)

    def _request_snapshot(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[Send]:
        """Request a snapshot by subscribing to the book again, if the rate limit allows it now."""
        symbol.clear(now_us)
        symbol.count_try()
        if not self._is_recorded and "book" in symbol.wanted:
            yield from self._streams.resubscribe(native, now_us)


def _next_second(now_us: int) -> Wake:
    return Wake((now_us // SECOND_US + 1) * SECOND_US)
