"""An adapter for exchanges that send a whole book after each subscription, and then its changes.

``Exchange`` is what differs from one exchange to another. A fault of one book costs one subscription: other
symbols of the link go on.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Generic, final

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
    Woke,
)
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.feed_statuses import FeedStatuses
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.links import SECOND_US, ActivityTracker, Links
from floorwire.venues.common.lost_change import LostChangeError
from floorwire.venues.common.request_bucket import RequestBucket
from floorwire.venues.common.snapshot_stream_exchange import (
    Control,
    Exchange,
    ListedRows,
    MessageT,
    SymbolMessages,
)
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol
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
            exchange.list_url, symbols, exchange.unlisted if recorded else None
        )
        self._links = Links(exchange.silent_us, None, stale_us)
        self._natives: dict[str, tuple[str, list[str]]] = {}
        """Link -> its kind, and the exchange's names of its symbols."""
        self._heard_us: dict[str, int] = {}
        """Link -> when its last message came, or a ping was sent."""
        self._buckets: dict[str, RequestBucket] = {}
        self._activity = ActivityTracker()
        self._statuses = FeedStatuses()
        self._clock = exchange.clock
        self._symbols: dict[str, SubscribedSymbol] = {}

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Request the list of instruments."""
        return [
            *self._statuses.set_all("connecting", "start", now_us),
            *self._catalogue.request_if_due(now_us),
            _next_second(now_us),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input."""
        match happened:
            case Frame(link, data):
                outputs = self._clock.check(self._frame(link, data, now_us), now_us)
                self.skipped["bad_time"] = self._clock.refused
                return outputs
            case Answer(url) if url == self._catalogue.url:
                return list(self._apply_answer(happened, now_us))
            case Opened(link):
                return list(self._opened(link, now_us))
            case Closed(link):
                return list(self._closed(link, now_us))
            case Woke():
                return list(self._tick(now_us))
            case _:
                return []

    def _tick(self, now_us: int) -> Iterator[VenueOutput]:
        for effect in self._links.due_effects(now_us):
            if isinstance(effect, Close):
                yield from self._link_down(effect.link, effect.reason, now_us)
            yield effect
        for link in self._links.newly_quiet(now_us):
            yield from self._mark_stale(link, "silent", now_us)
        for native, symbol in self._symbols.items():
            yield from self._check_silence(native, symbol, now_us)
            if symbol.snapshot_is_due(now_us):
                yield from self._request_snapshot(native, symbol, now_us)
        yield from self._pings(now_us)
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
        if self._catalogue.is_ready and not len(self._links):
            yield from self._open_links(now_us)

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

    def _open_links(self, now_us: int) -> Iterator[VenueOutput]:
        wanted = self._catalogue.requested()
        natives = list(wanted)
        for place, kind in enumerate(self._exchange.link_kinds):
            step = len(natives) or 1 if self._is_recorded else kind.symbols
            for start in range(0, len(natives) or 1, step):
                link, some = f"{kind.name}-{start // step}", natives[start : start + step]
                self._natives[link] = (kind.name, some)
                for native in some if place == 0 else ():
                    yield from self._follow(native, wanted[native], link, now_us)
                yield self._links.add(link, kind.url, now_us)
            if self._is_recorded:
                return  # a recording has one link, with everything on it

    def _follow(self, native: str, instrument: Instrument, link: str, now_us: int) -> Iterator[VenueOutput]:
        self._symbols[native] = SubscribedSymbol(self._exchange.book(instrument), link, now_us)
        yield Listing((instrument,), now_us)
        yield from self._statuses.add(instrument.symbol, now_us)

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
        kind, natives = self._natives[link]
        self._heard_us[link] = now_us
        self._buckets[link] = RequestBucket(*self._exchange.requests, now_us)
        for symbol in self._symbols.values():
            if symbol.link == link:
                symbol.requested_us = now_us
        if natives and not self._is_recorded:
            yield from (Send(link, request) for request in self._exchange.subscriptions(kind, natives))

    def _closed(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        if self._links.lost(link, now_us):
            yield from self._link_down(link, "link_lost", now_us)

    def _link_down(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Drop the books of the link. They start again (resync) when it is up again."""
        for symbol in self._symbols.values():
            if symbol.link == link:
                symbol.link_lost(now_us)
        yield from self._mark_stale(link, reason, now_us)

    def _mark_stale(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Mark the symbols of the link stale, or the venue if no link with books is active."""
        if not self._links.any_active({symbol.link for symbol in self._symbols.values()}):
            yield from self._statuses.set_all("stale", reason, now_us)
            return
        for symbol in self._symbols.values():
            if symbol.link == link:
                yield from self._statuses.set_symbol(symbol.instrument.symbol, "stale", reason, now_us)

    def _mark_live_again(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        """Mark the books of the link live again: it was only quiet and lost no message."""
        for symbol in self._symbols.values():
            if symbol.link == link and symbol.is_synced and not symbol.is_silent:
                yield from self._statuses.set_symbol(symbol.instrument.symbol, "live", "heard", now_us)

    def _pings(self, now_us: int) -> Iterator[Send]:
        for link, heard_us in self._heard_us.items():
            is_up = self._links.up_us(link, now_us) is not None
            if is_up and not self._is_recorded and now_us - heard_us >= self._exchange.ping_us:
                self._heard_us[link] = now_us
                yield Send(link, self._exchange.ping)

    # --- silence --------------------------------------------------------------------------------

    def _check_silence(self, native: str, symbol: SubscribedSymbol, now_us: int) -> Iterator[VenueOutput]:
        """Find out whether the exchange stopped sending a symbol while its link is active."""
        active_us = self._links.active_us(symbol.link, now_us)
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
        self._heard_us[link] = now_us
        if receipt == "active_again":
            out += self._mark_live_again(link, now_us)
        try:
            reading = self._exchange.read(data)
        except (ValueError, RecursionError):
            out += self._unreadable(data, now_us)
            return out
        if type(reading) is SymbolMessages:
            symbol = self._symbols.get(reading.native)
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
            self.skipped["refused"] += bool(reading.refusal)
        return out

    def _unreadable(self, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        """Start the resync of the book of a frame that cannot be read.

        Of a frame that is no message at all, the next number or checksum of a book shows the loss.
        """
        self.skipped["bad_message"] += 1
        native = self._exchange.native_of_book(data) or ""
        symbol = self._symbols.get(native)
        if symbol is not None and symbol.is_synced:
            yield from self._resync(native, symbol, "bad_message", now_us)

    def _heard(self, native: str, link: str, now_us: int, out: list[VenueOutput]) -> SubscribedSymbol | None:
        """Return the symbol of the first message, or of the first after a silence; None: not followed."""
        symbol = self._symbols.get(native)
        if symbol is None:
            instrument = self._catalogue.find(native)
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
            if len(out) > before and type(out[before]) is BookSnapshot:
                symbol.tries = 0
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
        if self._is_recorded or self._links.up_us(symbol.link, now_us) is None:
            return
        requests = self._exchange.resubscriptions(native)
        if self._buckets[symbol.link].spend(len(requests), now_us):
            yield from (Send(symbol.link, request) for request in requests)


def _next_second(now_us: int) -> Wake:
    return Wake((now_us // SECOND_US + 1) * SECOND_US)
