"""Coinbase: the Exchange feed (Coinbase Pro's of 2021 and today's), and Advanced Trade's where it comes.

Source: docs.cdp.coinbase.com, exchange/websocket-feed and advanced-trade/websocket. docs/venues.md tells what
is understood and what happens on each fault.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Literal

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Listing, MarketEvent
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
from floorwire.venues.coinbase import mapping as terms
from floorwire.venues.coinbase import messages as shapes
from floorwire.venues.coinbase import messages_advanced as advanced
from floorwire.venues.common.ages import Ages
from floorwire.venues.common.decimals import OffTickError, levels, micros
from floorwire.venues.common.feed_statuses import FeedStatuses
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.link import SECOND_US, STALE_US
from floorwire.venues.common.links import Links
from floorwire.venues.common.trade_ids import TradeIds
from floorwire.venues.common.venue_book import VenueBook
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
"""``level2`` itself is only for those who sign in; the batched one tells the same, every 50 ms."""

PRODUCTS_PER_LINK = 25
SILENT_US = 30 * SECOND_US
"""Every product has a heartbeat a second."""
SYMBOL_SILENT_US = 10 * SECOND_US
"""A product without one, and without anything else, for this long is not sent any more."""
SNAPSHOT_S = (10, 20, 40, 80, 160, 300)
"""How long a snapshot may take before it is asked for again, by the number of times that it did not come."""


def venue(
    symbols: Sequence[str] = (), prefix: str = "", *, recorded: bool = False, stale_us: int = STALE_US
) -> Coinbase:
    """Return the adapter for these symbols (BASE-QUOTE); with none, for whatever comes on the link.

    ``prefix`` is put before canonical symbols. ``recorded``: for recordings, where all is on one link, and
    where the list may be missing; a product that no list tells is then taken at eight decimals. ``stale_us``:
    how long nothing may come on an open link until what it told is not current.
    """
    return Coinbase(symbols, prefix, recorded=recorded, stale_us=stale_us)


def asked_for(text: str) -> list[str]:
    """Return the products that a recorded subscription names; addresses name none. Raises ValueError."""
    if not text.startswith("{"):
        return []
    request = msgspec.json.decode(text, type=shapes.Request)
    if request.type != "subscribe":
        return []
    own = [channel.product_ids for channel in request.channels if isinstance(channel, shapes.Channel)]
    return list(dict.fromkeys(sum(own, request.product_ids)))


class ProductState:
    """One product that is followed."""

    __slots__ = (
        "asked_us",
        "book",
        "changed_us",
        "excused",
        "has_beats",
        "is_silent",
        "last_beat",
        "link",
        "ticked",
        "ticked_us",
        "trade_ids",
        "tries",
    )

    def __init__(self, instrument: Instrument, link: str) -> None:
        self.book = VenueBook(instrument)
        self.link = link
        self.asked_us = 0
        """When the snapshot was asked for that has not come."""
        self.tries = 0
        self.trade_ids = TradeIds()
        self.ticked = 0
        self.ticked_us = 0
        self.last_beat = 0
        """The last trade that the last heartbeat told."""
        self.has_beats = False
        """Whether heartbeats came: then the product is never silent for long."""
        self.is_silent = False
        """Whether nothing of the product comes any more though its link speaks."""
        self.changed_us = 0
        """The venue's time of the last change of the book that was applied."""
        self.excused = 0
        """Up to this trade, what is missing has been dealt with."""

    @property
    def instrument(self) -> Instrument:
        """What is traded."""
        return self.book.instrument

    def forget(self, now_us: int) -> None:
        """What is known of the book is not to be trusted any more; a snapshot is to come."""
        self.book.forget()
        self.asked_us = now_us
        self.last_beat = 0

    def snapshot_is_due(self, now_us: int) -> bool:
        """Return whether a snapshot was asked for and has not come in time."""
        return not self.book.is_synced and now_us - self.asked_us >= SNAPSHOT_S[self.tries] * SECOND_US


class Coinbase:
    """The adapter: a pure state machine. ``skipped`` counts what was left out, by reason."""

    name = terms.VENUE

    def __init__(self, symbols: Sequence[str], prefix: str, *, recorded: bool, stale_us: int) -> None:
        self.skipped: Counter[str] = Counter()
        self._prefix = prefix
        self._catalogue = InstrumentCatalogue(LIST_URL, symbols, self._guess if recorded else None)
        self._lines = Links(SILENT_US, None if recorded else PRODUCTS_PER_LINK, stale_us)
        self._ages = Ages()
        self._is_recorded = recorded
        self._numbers: dict[str, int] = {}
        self._statuses = FeedStatuses()
        self._times = VenueClock()
        self._markets: dict[str, ProductState] = {}

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Ask for the list of products."""
        return [
            *self._statuses.all("connecting", "start", now_us),
            *self._catalogue.ask(now_us),
            _next_second(now_us),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input."""
        match happened:
            case Frame(link, data):
                outputs = self._times.hear(self._frame(link, data, now_us), now_us)
                self.skipped["bad_time"] = self._times.refused
                return outputs
            case Answer(url) if url == self._catalogue.url:
                return list(self._take_list(happened, now_us))
            case Opened(link):
                return list(self._opened(link, now_us))
            case Closed(link):
                return list(self._closed(link, now_us))
            case Woke():
                return list(self._tick(now_us))
            case _:
                return []

    def _tick(self, now_us: int) -> Iterator[VenueOutput]:
        for effect in self._lines.watch(now_us):
            if isinstance(effect, Close):
                yield from self._down(effect.link, effect.reason, now_us)
            yield effect
        for link in self._lines.quieted(now_us):
            yield from self._not_current(link, "silent", now_us)
        for product, market in self._markets.items():
            yield from self._watch_symbol(product, market, now_us)
            if market.snapshot_is_due(now_us):
                yield from self._ask_again(product, market, now_us)
        yield from self._ages.news()
        yield from self._catalogue.ask(now_us)
        yield from self._times.clock(now_us)
        yield _next_second(now_us)

    # --- products -------------------------------------------------------------------------------

    def _take_list(self, answer: Answer, now_us: int) -> Iterator[VenueOutput]:
        listed = dict(self._listed(answer.body))
        self._catalogue.take(listed, now_us)
        for product, market in self._markets.items():
            renewed = self._catalogue.renewed(product, market.instrument, listed)
            yield from self._relist(product, market, renewed, now_us)
        if self._catalogue.is_ready and not len(self._lines):
            yield from self._begin(now_us)

    def _listed(self, body: bytes) -> Iterator[tuple[str, Instrument]]:
        try:
            products = shapes.products(body)
        except (ValueError, RecursionError):
            self.skipped["bad_list"] += 1
            return
        for raw in products:
            try:
                product = msgspec.json.decode(raw, type=shapes.Product)
                yield product.id or product.product_id, terms.instrument(product, self._prefix)
            except (ValueError, RecursionError):
                self.skipped["bad_listing"] += 1

    def _guess(self, text: str) -> tuple[str, Instrument] | None:
        instrument = terms.guessed(text.upper(), self._prefix)
        return None if instrument is None else (text.upper(), instrument)

    def _begin(self, now_us: int) -> Iterator[VenueOutput]:
        wanted = self._catalogue.wanted()
        for some in self._lines.spread(wanted):
            link = f"feed-{len(self._lines)}"
            for product in some:
                yield from self._follow(product, wanted[product], link, now_us)
            yield self._lines.add(link, FEED_URL, now_us)

    def _follow(self, product: str, instrument: Instrument, link: str, now_us: int) -> Iterator[VenueOutput]:
        market = self._markets[product] = ProductState(instrument, link)
        market.asked_us = now_us
        yield Listing((instrument,), now_us)
        yield from self._statuses.add(instrument.symbol, now_us)

    def _relist(
        self, product: str, market: ProductState, now_listed: Instrument, now_us: int
    ) -> Iterator[VenueOutput]:
        before, market.book.instrument = market.instrument, now_listed
        if before == now_listed:
            return
        yield Listing((now_listed,), now_us)
        if (before.price, before.size) != (now_listed.price, now_listed.size):
            yield from self._statuses.one(now_listed.symbol, "connecting", "start", now_us)
            yield from self._ask_again(product, market, now_us)  # what is known is in the old steps

    # --- links ----------------------------------------------------------------------------------

    def _opened(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        if not self._lines.opened(link, now_us):
            return
        self._numbers.pop(link, None)
        products = [product for product, market in self._markets.items() if market.link == link]
        for product in products:
            self._markets[product].asked_us = now_us
        if products:
            yield _request("subscribe", link, products)

    def _closed(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        if self._lines.lost(link, now_us):
            yield from self._down(link, "link_lost", now_us)

    def _down(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """What came on the link has no future: its books begin anew when it is up again."""
        for market in self._markets.values():
            if market.link == link:
                market.forget(now_us)
                market.tries = 0
                market.has_beats = market.is_silent = False
        yield from self._not_current(link, reason, now_us)

    def _not_current(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Say that what came on the link is not current."""
        if not self._lines.any_speaks():
            yield from self._statuses.all("stale", reason, now_us)
            return
        for market in self._markets.values():
            if market.link == link:
                yield from self._statuses.one(market.instrument.symbol, "stale", reason, now_us)

    def _heard_again(self, link: str, now_us: int) -> Iterator[VenueOutput]:
        """A link that was only quiet has lost nothing: the books of before are current again."""
        for market in self._markets.values():
            if market.link == link and market.book.is_synced and not market.is_silent:
                yield from self._statuses.one(market.instrument.symbol, "live", "heard", now_us)

    def _watch_symbol(self, product: str, market: ProductState, now_us: int) -> Iterator[VenueOutput]:
        """Notice a product that is not sent any more while others on its link are."""
        speaks_us = self._lines.speaks_us(market.link, now_us)
        if market.is_silent or not market.book.is_synced or not speaks_us:
            return
        age_us = self._ages.of(market.instrument.symbol, now_us)
        quiet_us = speaks_us if age_us is None else min(age_us, speaks_us)
        if quiet_us < SYMBOL_SILENT_US or not (market.has_beats or not self._is_recorded):
            return
        if not self._is_recorded:
            yield from self._distrust(product, market, "silent", now_us)
        else:  # nothing can be asked for again; what comes later comes in order
            market.is_silent = True
            yield from self._statuses.one(market.instrument.symbol, "stale", "silent", now_us)

    def _give_up(self, link: str, reason: str, now_us: int) -> Iterator[VenueOutput]:
        """Messages of the link were lost, and nothing tells which: open it anew."""
        close = self._lines.close(link, reason, now_us)
        yield from self._down(link, reason, now_us)
        yield close

    # --- frames ---------------------------------------------------------------------------------

    def _frame(self, link: str, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        hearing = self._lines.heard(link, now_us)
        if hearing == "deaf":
            return
        self._ages.link(link)
        if hearing == "heard_again":
            yield from self._heard_again(link, now_us)
        try:
            kind = shapes.head(data)
        except (ValueError, RecursionError):
            self.skipped["bad_message"] += 1
            yield from self._give_up(link, "bad_message", now_us)
            return
        match self._order(kind.sequence_num, link):
            case "next":
                yield from self._read(kind, link, data, now_us)
            case "gap":
                yield from self._give_up(link, "sequence_gap", now_us)
            case "late":
                self.skipped["out_of_order"] += 1

    def _order(self, number: int | None, link: str) -> Literal["next", "gap", "late"]:
        """Advanced Trade numbers the messages of a link one by one; the Exchange feed does not."""
        if number is None:
            return "next"
        last = self._numbers.get(link, number - 1)
        if number <= last:
            return "late"
        self._numbers[link] = number
        return "next" if number == last + 1 else "gap"

    def _read(self, kind: shapes.Head, link: str, data: str | bytes, now_us: int) -> Iterator[VenueOutput]:
        try:
            messages = advanced.read(kind.channel, data) if kind.channel else shapes.read(kind.type, data)
        except (ValueError, RecursionError):
            yield from self._bad(kind, kind.product_id, link, now_us)
            return
        if messages is None:
            self.skipped["other_kind"] += 1
            return
        for message in messages:
            try:
                yield from self._message(message, link, now_us)
            except OffTickError:
                self.skipped["off_tick"] += 1
                self._catalogue.hurry()  # what trades is on the ticks of today
            except ValueError:
                yield from self._bad(kind, message.product_id, link, now_us)

    def _bad(self, kind: shapes.Head, product: str | None, link: str, now_us: int) -> Iterator[VenueOutput]:
        """Where a book is wrong without the message, have that book anew; of all the link's where unknown."""
        self.skipped["bad_message"] += 1
        if not kind.is_of_a_book:
            return
        if product is None:
            yield from self._give_up(link, "bad_message", now_us)
        elif market := self._markets.get(product):
            yield from self._distrust(product, market, "bad_message", now_us)

    def _message(self, message: shapes.Message, link: str, now_us: int) -> Iterator[VenueOutput]:
        product = message.product_id
        yield from self._place(product, link, now_us)
        market = self._markets.get(product)
        if market is None:
            self.skipped["unknown_symbol"] += 1
            return
        self._ages.symbol(market.instrument.symbol, now_us)
        if market.is_silent:
            market.is_silent = False
            yield from self._statuses.one(market.instrument.symbol, "live", "heard", now_us)
        match message:
            case shapes.Snapshot():
                yield from self._snapshot(message, market, now_us)
            case shapes.Change():
                yield from self._change(message, market, now_us)
            case shapes.Match():
                yield from self._match(message, market, now_us)
            case shapes.Ticker():
                yield from self._ticker(message, market, now_us)
            case shapes.Heartbeat():
                yield from self._beat(message, market, now_us)
            case shapes.Candle():
                yield terms.candle(message, market.instrument)

    def _place(self, product: str, link: str, now_us: int) -> Iterator[VenueOutput]:
        """Follow a product that appears, where it is to be; and know which link it is on."""
        market = self._markets.get(product)
        if market is not None:
            market.link = link
            return
        instrument = self._catalogue.find(product)
        if instrument is not None:
            yield from self._follow(product, instrument, link, now_us)

    def _match(self, said: shapes.Match, market: ProductState, now_us: int) -> Iterator[MarketEvent]:
        trade = terms.match(said, market.instrument)
        match market.trade_ids.take(said.trade_id, self._times.bounded(trade.ts_us, now_us)):
            case "repeated":  # last_match, known before
                self.skipped["repeated"] += 1
                return
            case "restarted":
                market.last_beat = market.excused = 0
            case "new":
                pass
        yield trade

    def _ticker(self, said: shapes.Ticker, market: ProductState, now_us: int) -> Iterator[MarketEvent]:
        ts_us = self._times.bounded(terms.when(said.time, now_us), now_us)
        is_later = said.time is not None and ts_us > market.ticked_us  # then the venue counts anew
        if said.sequence < market.ticked and not is_later:
            self.skipped["out_of_order"] += 1
            return
        market.ticked, market.ticked_us = said.sequence, max(market.ticked_us, ts_us)
        if day := terms.day(said, market.instrument, now_us):
            yield day
        if not market.book.is_synced and (quote := terms.quote(said, market.instrument, now_us)):
            yield quote  # the book says it sooner and for each change, where there is one

    def _beat(self, said: shapes.Heartbeat, market: ProductState, now_us: int) -> Iterator[VenueOutput]:
        """A trade that one heartbeat told and that has not come by the next is lost, and maybe more."""
        market.has_beats = True
        lost = market.last_beat
        market.last_beat = said.last_trade_id
        traded = market.trade_ids.last
        if traded is not None and lost > max(traded, market.excused):
            market.excused = lost
            yield from self._distrust(said.product_id, market, "sequence_gap", now_us)

    # --- books ----------------------------------------------------------------------------------

    def _snapshot(self, said: shapes.Snapshot, market: ProductState, now_us: int) -> Iterator[VenueOutput]:
        bids, bids_off = levels(market.instrument, said.bids)
        asks, asks_off = levels(market.instrument, said.asks)
        ts_us = terms.when(said.time, now_us)
        if said.time is not None and ts_us < market.changed_us:
            self.skipped["old_snapshot"] += 1  # what is known is newer; another one will be asked for
            return
        self.skipped["off_tick"] += bids_off + asks_off
        yield market.book.snapshot(bids, asks, ts_us)
        market.tries = 0
        yield from self._statuses.one(market.instrument.symbol, "live", "synced", now_us)
        yield from market.book.best(ts_us)

    def _change(self, said: shapes.Change, market: ProductState, now_us: int) -> Iterator[VenueOutput]:
        if not market.book.is_synced:
            return
        bids, bids_off = levels(market.instrument, terms.side(said, "buy"))
        asks, asks_off = levels(market.instrument, terms.side(said, "sell"))
        ts_us = micros(said.time)
        market.changed_us = max(market.changed_us, self._times.bounded(ts_us, now_us))
        self.skipped["off_tick"] += bids_off + asks_off
        yield market.book.change(bids, asks, ts_us)
        yield from market.book.best(ts_us)

    def _distrust(
        self, product: str, market: ProductState, reason: str, now_us: int
    ) -> Iterator[VenueOutput]:
        """Something of the product was lost: have its snapshot anew, unless that is under way."""
        if market.book.is_synced:
            yield from self._statuses.one(market.instrument.symbol, "stale", reason, now_us)
            yield from self._ask_again(product, market, now_us)

    def _ask_again(self, product: str, market: ProductState, now_us: int) -> Iterator[VenueOutput]:
        """A snapshot comes with a subscription only."""
        market.forget(now_us)
        if self._lines.up_us(market.link, now_us) is not None:
            market.tries = min(market.tries + 1, len(SNAPSHOT_S) - 1)
            yield _request("unsubscribe", market.link, [product])
            yield _request("subscribe", market.link, [product])


def _next_second(now_us: int) -> Wake:
    return Wake((now_us // SECOND_US + 1) * SECOND_US)


def _request(kind: str, link: str, products: list[str]) -> Send:
    request = {"type": kind, "product_ids": products, "channels": CHANNELS}
    return Send(link, msgspec.json.encode(request).decode())
