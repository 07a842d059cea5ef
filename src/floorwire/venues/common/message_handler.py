"""Handles messages of symbols: the exchange's rules, what a fault of one costs, and when a symbol is live."""

from __future__ import annotations

from collections.abc import Iterator

from floorwire.core.market_events import BookSnapshot, Quote
from floorwire.core.ports import VenueOutput
from floorwire.venues.common.book_requests import BookRequests
from floorwire.venues.common.decimals import OffTickError
from floorwire.venues.common.exchange import Exchange
from floorwire.venues.common.followed_symbols import FollowedSymbols
from floorwire.venues.common.instrument_catalogue import InstrumentCatalogue
from floorwire.venues.common.link_rotations import LinkRotations
from floorwire.venues.common.snapshot_fetches import FetchedSymbol
from floorwire.venues.common.subscribed_symbol import SubscribedSymbol
from floorwire.venues.common.venue_book import CrossedBookError, LostChangeError


class MessageHandler:
    """Gives messages to the exchange's rules, and acts on what they find. It counts what is left out."""

    __slots__ = (
        "_apply",
        "_books",
        "_by_new",
        "_catalogue",
        "_exchange",
        "_followed",
        "_rotations",
        "_skipped",
    )

    def __init__(
        self,
        exchange: Exchange,
        followed: FollowedSymbols,
        books: BookRequests,
        rotations: LinkRotations,
        catalogue: InstrumentCatalogue,
    ) -> None:
        self._exchange = exchange
        self._apply = exchange.apply
        self._followed = followed
        self._books = books
        self._rotations = rotations
        self._by_new = rotations.by_new
        self._catalogue = catalogue
        self._skipped = exchange.skipped

    def apply_fetched(self, found: FetchedSymbol, body: bytes, now_us: int) -> Iterator[VenueOutput]:
        """Yield what follows from the answer to a request for a book."""
        snapshots, symbol = self._exchange.snapshots, found.symbol
        if snapshots is None or symbol.is_synced or symbol.is_book_silent:
            return
        out: list[VenueOutput] = []
        try:
            if not snapshots.apply(body, symbol, now_us, out):
                self._skipped["old_snapshot"] += 1
        except CrossedBookError:
            symbol.clear(now_us)
            self._skipped["crossed_book"] += 1
            if symbol is self._followed.by_native.get(found.native):
                yield from self._followed.turn(symbol, "bad_message", now_us)
        except (ValueError, RecursionError):
            self._skipped["bad_snapshot"] += 1
        yield from out
        if out and symbol is self._followed.by_native.get(found.native):
            symbol.is_heard = True
            symbol.book_synced()
            yield from self._followed.synced(symbol, now_us)
        else:
            yield from self._rotations.move_if_synced(found.native, symbol, now_us)

    def apply(
        self, native: str, symbol: SubscribedSymbol, message: object, now_us: int, out: list[VenueOutput]
    ) -> None:
        """Append what follows from one message of a symbol."""
        levels, before = symbol.levels, len(out)
        was_synced = levels.is_synced
        reason = "bad_message"
        try:
            self._apply(message, symbol, now_us, out)
        except OffTickError:
            self._skipped["off_tick"] += 1
            self._catalogue.refresh_soon()  # trades are on the current ticks, so the list is old
        except LostChangeError as lost:
            reason = lost.reason
        except CrossedBookError:
            self._skipped["crossed_book"] += 1
        except ValueError:
            self._skipped["bad_message"] += 1
        if self._by_new and symbol is not self._followed.by_native.get(native):
            out[before:] = [event for event in out[before:] if type(event) is not Quote]  # it comes twice
            out += self._rotations.move_if_synced(native, symbol, now_us)
            out += self._books.fetch(native, symbol, now_us)
        elif levels.is_synced:
            symbol.is_heard = True
            if len(out) > before and type(out[before]) is BookSnapshot:
                symbol.book_synced()
                out += self._followed.synced(symbol, now_us)
        elif "book" in symbol.wanted or not symbol.is_heard:
            out += self._without_book(native, symbol, reason, now_us, was_synced=was_synced)

    def _without_book(
        self, native: str, symbol: SubscribedSymbol, reason: str, now_us: int, *, was_synced: bool
    ) -> Iterator[VenueOutput]:
        """Act after a message of a symbol that has no book."""
        if "book" not in symbol.wanted:
            # What comes on another link does not say that nothing is missing on the symbol's own one.
            if not symbol.is_heard and self._followed.is_linked(symbol, now_us):
                symbol.is_heard = True
                yield from self._followed.synced(symbol, now_us)
        elif was_synced:
            yield from self._books.resync(native, symbol, reason, now_us)
        else:
            yield from self._books.fetch(native, symbol, now_us)
