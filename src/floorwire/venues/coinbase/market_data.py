"""The adapter for Coinbase: the Exchange feed (also as Coinbase Pro had it in 2021), and Advanced Trade's.

Source: docs.cdp.coinbase.com, exchange/websocket-feed and advanced-trade/websocket. docs/venues.md says which
messages are understood and what happens on each fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import count
from typing import Literal

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Listing, MarketEvent, MissingTrade
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
from floorwire.venues.coinbase import mapping, messages, messages_advanced
from floorwire.venues.coinbase.symbol_state import SNAPSHOT_S, SymbolState
from floorwire.venues.common.decimals import OffTickError, levels, rfc3339_us
from floorwire.venues.common.feed_statuses import FeedStatuses
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.links import SECOND_US, STALE_US, ActivityTracker, Links
from floorwire.venues.common.venue_clock import VenueClock

HOSTS = frozenset(
    (
        "ws-feed.exchange.coinbase.com",
        "api.exchange.coinbase.com",
        "ws-feed.pro.coinbase.com",
        "api.pro.coinbase.com",
        "advanced-trade-ws.coinbase.com",
        "api.coinbase.com",
    )
)
FEED_URL = "wss://ws-feed.exchange.coinbase.com"
LIST_URL = "https://api.exchange.coinbase.com/products"
CHANNELS = ["level2_batch", "matches", "ticker", "heartbeat"]
"""Coinbase: ``level2`` needs a key; ``level2_batch`` has the same content every 50 ms, without one."""

PRODUCTS_PER_LINK = 25
SILENT_US = 30 * SECOND_US
"""Coinbase sends a heartbeat of each product once a second."""
SYMBOL_SILENT_US = 10 * SECOND_US
"""If nothing of a product comes for this long while its link is active, Coinbase stopped sending it."""


def venue(
    symbols: Sequence[str] = (), prefix: str = "", *, recorded: bool = False, stale_us: int = STALE_US
) -> Coinbase:
    """Return the adapter for these symbols (BASE-QUOTE); without symbols, for every product that comes.

    ``prefix`` goes before each canonical symbol. ``recorded``: for recordings, which have one link and may
    lack the list; an unlisted product then has steps of eight decimals. ``stale_us``: after this long without
    a message on an open link, what came on it is not current.
    """
    return Coinbase(symbols, prefix, recorded=recorded, stale_us=stale_us)


def requested_symbols(text: str) -> list[str]:
    """Return the products in a recorded subscription; none for an address. Raises ValueError."""
    if not text.startswith("{"):
        return []
    request = msgspec.json.decode(text, type=messages.Request)
    if request.type != "subscribe":
        return []
    own = [channel.product_ids for channel in request.channels if isinstance(channel, messages.Channel)]
    return list(dict.fromkeys(sum(own, request.product_ids)))


class Coinbase:
    """The adapter, a pure state machine. ``skipped`` counts what it left out, by reason."""

    name = mapping.VENUE

    def __init__(self, symbols: Sequence[str], prefix: str, *, recorded: bool, stale_us: int) -> None:
        self.skipped: Counter[str] = Counter()
        self._prefix = prefix
        self._catalogue = InstrumentCatalogue(
            LIST_URL, symbols, self._unlisted_instrument if recorded else None, count(1)
        )
        self._links = Links(SILENT_US, None if recorded else PRODUCTS_PER_LINK, stale_us)
        self._activity = ActivityTracker()
        self._is_recorded = recorded
        self._sequence_numbers: dict[str, int] = {}
        self._statuses = FeedStatuses()
        self._clock = VenueClock()
        self._symbols: dict[str, SymbolState] = {}

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Request the list of products."""
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
            case Answer() if self._catalogue.is_answered_by(happened):
                return list(self._apply_list(happened, now_us))
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
        for product, state in self._symbols.items():
            yield from self._check_silence(product, state, now_us)
            if state.snapshot_is_due(now_us):
                yield from self._request_snapshot(product, state, now_us)
        yield from self._activity.pop()
        yield from self._catalogue.request_if_due(now_us)
        yield from self._clock.events(now_us)
        yield _next_second(now_us)

    # --- products -------------------------------------------------------------------------------

    def _apply_list(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        listed = dict(self._listed(answer.body))
        self._catalogue.update(listed, now_us)
        for product, state in self._symbols.items():
            renewed = self._catalogue.updated(product, state.instrument, listed)
            yield from self._update_instrument(product, state, renewed, now_us)
        if self._catalogue.is_ready and not len(self._links):
            yield from self._open_links(now_us)

    def _listed(self, body: bytes) -> Iterator[tuple[str, Instrument]]:
        try:
            products = messages.products(body)
        except (ValueError, RecursionError):
            self.skipped["bad_list"] += 1
            return
        for raw in products:
            try:
                product = msgspec.json.decode(raw, type=messages.Product)
                yield product.id or product.product_id, mapping.instrument(product, self._prefix)
            except (ValueError, RecursionError):
                self.skipped["bad_listing"] += 1

    def _unlisted_instrument(self, text: str) -> tuple[str, Instrument] | None:
        instrument = mapping.unlisted_instrument(text.upper(), self._prefix)
        return None if instrument is None else (text.upper(), instrument)

    def _open_links(self, now_us: int) -> Iterator[VenueOutput]:
        wanted = self._catalogue.requested()
        for some in self._links.batches(wanted):
            link = f"feed-{len(self._links)}"
            for product in some:
                yield from self._follow(product, wanted[product], link, now_us)
            yield self._links.add(link, FEED_URL, now_us)

    def _follow(self, product: str, instrument: Instrument, link: str, now_us: int) -> Iterator[VenueOutput]:
        state = self._symbols[product] = SymbolState(instrument, link)
        state.requested_us = now_us
        yield Listing((instrument,), now_us)
        yield from self._statuses.add(instrument.symbol, now_us)

    def _update_instrument(
        self, product: str, state: SymbolState, now_listed: Instrument, now_us: int
    ) -> Iterator[VenueOutput]:
        before, state.book.instrument = state.instrument, now_listed
        if before == now_listed:
            return
        yield Listing((now_listed,), now_us)
        if before.steps == now_listed.steps:
            return
        if state.book.is_synced and not state.has_left_out:
            yield state.book.convert(before, self._clock.venue_time(now_us))
            return
        if state.book.is_synced:  # a finer tick has levels that were left out before
            yield from self._statuses.set_symbol(now_listed.symbol, "stale", "steps_changed", now_us)
        yield from self._request_snapshot(product, state, now_us)

    # --- links ----------------------------------------------------------------------------------

    def _opened(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        if not self._links.opened(link, now_us):
            return
        self._sequence_numbers.pop(link, None)
        products = [product for product, state in self._symbols.items() if state.link == link]
        for product in products:
            self._symbols[product].requested_us = now_us
        if products:
            yield _request("subscribe", link, products)

    def _closed(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        if self._links.lost(link, now_us):
            yield from self._link_down(link, "link_lost", now_us)

    def _link_down(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Drop the books of the link. They start again (resync) when it is up again."""
        for state in self._symbols.values():
            if state.link == link:
                state.clear(now_us)
                state.tries = 0
                state.has_heartbeats = state.is_silent = False
        yield from self._mark_stale(link, reason, now_us)

    def _mark_stale(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Mark the products of the link stale, or the venue if no link is active."""
        if not self._links.any_active():
            yield from self._statuses.set_all("stale", reason, now_us)
            return
        for state in self._symbols.values():
            if state.link == link:
                yield from self._statuses.set_symbol(state.instrument.symbol, "stale", reason, now_us)

    def _mark_live_again(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        """Mark the books of the link live again: it was only quiet and lost no message."""
        for state in self._symbols.values():
            if state.link == link and state.book.is_synced and not state.is_silent:
                yield from self._statuses.set_symbol(state.instrument.symbol, "live", "heard", now_us)

    def _check_silence(self, product: str, state: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """Find out whether the venue stopped sending a product while its link is active."""
        active_us = self._links.active_us(state.link, now_us)
        if state.is_silent or not state.book.is_synced or not active_us:
            return
        age_us = self._activity.age_us(state.instrument.symbol, now_us)
        quiet_us = active_us if age_us is None else min(age_us, active_us)
        if quiet_us < SYMBOL_SILENT_US or not (state.has_heartbeats or not self._is_recorded):
            return
        if not self._is_recorded:
            yield from self._resync(product, state, "silent", now_us)
        else:  # a recording has nothing more to request; later messages follow in order
            state.is_silent = True
            yield from self._statuses.set_symbol(state.instrument.symbol, "stale", "silent", now_us)

    def _reopen_link(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Close the link, to be opened again: messages were lost, and it is not known which."""
        close = self._links.close(link, reason, now_us)
        yield from self._link_down(link, reason, now_us)
        yield close

    # --- frames ---------------------------------------------------------------------------------

    def _frame(self, link: str, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        receipt = self._links.received(link, now_us)
        if receipt == "ignored":
            return
        self._activity.link_received(link)
        if receipt == "active_again":
            yield from self._mark_live_again(link, now_us)
        try:
            head = messages.head(data)
        except (ValueError, RecursionError):
            self.skipped["bad_message"] += 1
            yield from self._reopen_link(link, "bad_message", now_us)
            return
        match self._check_sequence(head.sequence_num, link):
            case "next":
                yield from self._read(head, link, data, now_us)
            case "gap":
                yield from self._reopen_link(link, "sequence_gap", now_us)
            case "late":
                self.skipped["out_of_order"] += 1

    def _check_sequence(self, number: int | None, link: str) -> Literal["next", "gap", "late"]:
        """Compare the number of a message with the last one.

        Advanced Trade numbers the messages of a link one by one (sequence_num); the Exchange feed does not.
        """
        if number is None:
            return "next"
        last = self._sequence_numbers.get(link, number - 1)
        if number <= last:
            return "late"
        self._sequence_numbers[link] = number
        return "next" if number == last + 1 else "gap"

    def _read(self, head: messages.Head, link: str, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        try:
            received = (
                messages_advanced.read(head.channel, data) if head.channel else messages.read(head.type, data)
            )
        except (ValueError, RecursionError):
            if head.is_of_trades:
                yield from self._missing_trades(head.product_id, link, now_us)
            yield from self._skip_bad(head, head.product_id, link, now_us)
            return
        if received is None:
            self.skipped["other_kind"] += 1
            return
        for message in received:
            try:
                yield from self._message(message, link, now_us)
            except OffTickError:
                self.skipped["off_tick"] += 1
                self._catalogue.refresh_soon()  # trades are on the current ticks, so the list is old
            except ValueError:
                yield from self._skip_bad(head, message.product_id, link, now_us)

    def _skip_bad(
        self, head: messages.Head, product: str | None, link: str, now_us: int
    ) -> Iterator[VenueOutput]:
        """Count a bad message. Resync the book that it was of; all books of the link if unknown."""
        self.skipped["bad_message"] += 1
        if not head.is_of_a_book:
            return
        if product is None:
            yield from self._reopen_link(link, "bad_message", now_us)
        elif state := self._symbols.get(product):
            yield from self._resync(product, state, "bad_message", now_us)

    def _message(self, message: messages.Message, link: str, now_us: int) -> Iterator[VenueOutput]:
        product = message.product_id
        yield from self._follow_if_wanted(product, link, now_us)
        state = self._symbols.get(product)
        if state is None:
            self.skipped["unknown_symbol"] += 1
            return
        self._activity.symbol_received(state.instrument.symbol, now_us)
        if state.is_silent:
            state.is_silent = False
            yield from self._statuses.set_symbol(state.instrument.symbol, "live", "heard", now_us)
        match message:
            case messages.Snapshot():
                yield from self._snapshot(message, state, now_us)
            case messages.Change():
                yield from self._change(message, state, now_us)
            case messages.Match():
                yield from self._match(message, state, now_us)
            case messages.Ticker():
                yield from self._ticker(message, state, now_us)
            case messages.Heartbeat():
                yield from self._heartbeat(message, state, now_us)
            case messages.Candle():
                yield mapping.candle(message, state.instrument)

    def _follow_if_wanted(self, product: str, link: str, now_us: int) -> Iterator[VenueOutput]:
        """Follow a product that appears if it is wanted; record the link on which it comes."""
        state = self._symbols.get(product)
        if state is not None:
            state.link = link
            return
        instrument = self._catalogue.find(product)
        if instrument is not None:
            yield from self._follow(product, instrument, link, now_us)

    def _match(self, message: messages.Match, state: SymbolState, now_us: int) -> Iterator[MarketEvent]:
        try:
            ts_us = self._clock.bounded(mapping.event_us(message.time, now_us), now_us)
        except ValueError:
            yield from self._missing_trades(message.product_id, state.link, now_us)
            raise
        # The id counts also if the trade itself is left out below: it came, so it is not lost.
        match state.trade_ids.check(message.trade_id, ts_us):
            case "repeated":  # after a subscription Coinbase sends last_match, which may have come before
                self.skipped["repeated"] += 1
                return
            case "restarted":
                state.awaited_trade = state.resynced_to_trade = 0
            case "new":
                if message.trade_id == state.awaited_trade:
                    state.awaited_trade = 0
        try:
            trade = mapping.match(message, state.instrument)
        except ValueError:
            yield MissingTrade(state.instrument.symbol, ts_us)
            raise
        yield trade

    def _missing_trades(self, product: str | None, link: str, now_us: int) -> Iterator[MissingTrade]:
        """Tell that trades were left out of which the time is unknown. Product None: of all of the link."""
        for name, state in self._symbols.items():
            if name == product or (product is None and state.link == link):
                yield MissingTrade(state.instrument.symbol, self._clock.venue_time(now_us))

    def _ticker(self, message: messages.Ticker, state: SymbolState, now_us: int) -> Iterator[MarketEvent]:
        ts_us = self._clock.bounded(mapping.event_us(message.time, now_us), now_us)
        is_later = message.time is not None and ts_us > state.ticker_us  # the venue restarted its sequence
        if message.sequence < state.ticker_sequence and not is_later:
            self.skipped["out_of_order"] += 1
            return
        state.ticker_sequence, state.ticker_us = message.sequence, max(state.ticker_us, ts_us)
        if day := mapping.day(message, state.instrument, now_us):
            yield day
        if not state.book.is_synced and (quote := mapping.quote(message, state.instrument, now_us)):
            yield quote  # a synced book gives quotes sooner and for each change

    def _heartbeat(
        self, message: messages.Heartbeat, state: SymbolState, now_us: int
    ) -> Iterator[VenueOutput]:
        """Find lost trades: a trade id in one heartbeat whose match has not come by the next one is lost.

        Other messages may be lost with it, so the book is resynced.
        """
        state.has_heartbeats = True
        lost, last, came = state.awaited_trade, message.last_trade_id, state.trade_ids.last
        state.awaited_trade = last if came is not None and last > came else 0
        if lost > state.resynced_to_trade:
            state.resynced_to_trade = lost
            yield from self._resync(message.product_id, state, "sequence_gap", now_us)

    # --- books ----------------------------------------------------------------------------------

    def _snapshot(self, message: messages.Snapshot, state: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        bids, bids_off = levels(state.instrument, message.bids)
        asks, asks_off = levels(state.instrument, message.asks)
        ts_us = mapping.event_us(message.time, now_us)
        if message.time is not None and ts_us < state.changed_us:
            self.skipped["old_snapshot"] += 1  # the book is newer; another snapshot will be requested
            return
        self.skipped["off_tick"] += bids_off + asks_off
        state.has_left_out = bids_off + asks_off > 0
        yield state.book.apply_snapshot(bids, asks, ts_us)
        state.tries = 0
        yield from self._statuses.set_symbol(state.instrument.symbol, "live", "synced", now_us)
        yield from state.book.changed_quote(ts_us)

    def _change(self, message: messages.Change, state: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        if not state.book.is_synced:
            return
        bids, bids_off = levels(state.instrument, mapping.side(message, "buy"))
        asks, asks_off = levels(state.instrument, mapping.side(message, "sell"))
        ts_us = rfc3339_us(message.time)
        state.changed_us = max(state.changed_us, self._clock.bounded(ts_us, now_us))
        self.skipped["off_tick"] += bids_off + asks_off
        state.has_left_out = state.has_left_out or bids_off + asks_off > 0
        yield state.book.apply_change(bids, asks, ts_us)
        yield from state.book.changed_quote(ts_us)

    def _resync(self, product: str, state: SymbolState, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Start the resync of a book after a loss, unless it is under way: stale, and a new snapshot."""
        if state.book.is_synced:
            yield from self._statuses.set_symbol(state.instrument.symbol, "stale", reason, now_us)
            yield from self._request_snapshot(product, state, now_us)

    def _request_snapshot(self, product: str, state: SymbolState, now_us: int) -> Iterator[VenueOutput]:
        """Request a snapshot by subscribing again: Coinbase sends one only after a subscription."""
        state.clear(now_us)
        if self._links.up_us(state.link, now_us) is not None:
            state.tries = min(state.tries + 1, len(SNAPSHOT_S) - 1)
            yield _request("unsubscribe", state.link, [product])
            yield _request("subscribe", state.link, [product])


def _next_second(now_us: int) -> Wake:
    return Wake((now_us // SECOND_US + 1) * SECOND_US)


def _request(kind: str, link: str, products: list[str]) -> Send:
    request = {"type": kind, "product_ids": products, "channels": CHANNELS}
    return Send(link, msgspec.json.encode(request).decode())
