"""Live venue: a venue whose prices come from outside, and whose orders go there.

The venue's outputs pass through unchanged. Of each symbol it keeps the book and the last price, for the
checks of orders, and the exchange's own name, for the order adapter. All its named symbols are streamed, also
if no client wants them: nobody can trade on prices that are not there.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import TypeAlias

from msgspec.structs import replace

from floorwire.core.capabilities import Capabilities
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, Feed, FeedStatus, Listing, Trade
from floorwire.core.order_ports import AddressLimits, MakesOrderAdapter
from floorwire.core.past_candles import TellsPast
from floorwire.core.ports import CountsSkipped, Prices, Venue, VenueInput, VenueOutput
from floorwire.core.venue_names import bare
from floorwire.engine.reference_market import ReferenceMarket

UNKNOWN = Prices(0, 0, 0, "connecting")
NativeName: TypeAlias = Callable[[Instrument], str]
"""Returns the exchange's own name of an instrument, whose base and quote are as the exchange names them."""


class LiveVenue:
    """A venue with live prices, and what makes its order adapter.

    ``name`` is its id. It fits ``InstrumentNames``.
    """

    def __init__(
        self,
        venue: Venue,
        name: str,
        capabilities: Capabilities,
        native_name: NativeName,
        make_order_adapter: MakesOrderAdapter,
        limits: AddressLimits | None = None,
    ) -> None:
        """``limits``: of the address that orders are sent from; None: orders have their own."""
        self.name = name
        self.capabilities = replace(capabilities, places_orders=True)
        """What the venue gives and takes. Whether it amends orders is the order adapter's to say."""
        self.make_order_adapter = make_order_adapter
        self.limits = limits
        self._venue = venue
        self._native_name = native_name
        self._clear()

    def _clear(self) -> None:
        self._feed: Feed = "connecting"
        self._feeds: dict[str, Feed] = {}
        self._listed: dict[str, Instrument] = {}
        self._markets: dict[str, ReferenceMarket] = {}
        self._natives: dict[str, str] = {}
        self._symbols: dict[str, str] = {}

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
        """Start the venue. Started again, it begins anew."""
        self._clear()
        return list(self._follow(self._venue.start(now_us)))

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return what follows from one input."""
        return list(self._follow(self._venue.receive(happened, now_us)))

    def prices(self, symbol: str) -> Prices:
        """Return what the venue shows; all 0 and ``connecting`` if the symbol is not listed."""
        market = self._markets.get(symbol)
        if market is None:
            return UNKNOWN
        prices, feed = market.prices(), self._current(symbol)
        return prices if prices.feed == feed else replace(prices, feed=feed)

    # --- InstrumentNames of the order adapter -------------------------------------------------------

    def native(self, symbol: str) -> str | None:
        """Return the exchange's own name of a symbol; None while it is not listed."""
        return self._natives.get(bare(symbol))

    def symbol(self, native: str) -> str | None:
        """Return the symbol, without venue, of the exchange's own name; None while it is not listed."""
        return self._symbols.get(native)

    # --- what the venue says ------------------------------------------------------------------------

    def _follow(self, outputs: Sequence[VenueOutput]) -> Iterator[VenueOutput]:
        for output in outputs:
            match output:
                case BookSnapshot(symbol) | BookChange(symbol):
                    market = self._markets.get(symbol)
                    if market is not None:
                        market.apply_book(output)
                case Trade(symbol, _, price_ticks):
                    market = self._markets.get(symbol)
                    if market is not None:
                        market.last_ticks = price_ticks
                case FeedStatus(symbol, feed):
                    self._turn(symbol, feed)
                case Listing(instruments):
                    own = tuple(replace(one, venue=self.name) for one in instruments)
                    for instrument in own:
                        self._list(instrument)
                    yield Listing(own, output.ts_us)
                    continue
            yield output

    def _list(self, instrument: Instrument) -> None:
        symbol, known = instrument.symbol, self._listed.get(instrument.symbol)
        self._listed[symbol] = instrument
        if known is None or known.steps != instrument.steps:
            self._markets[symbol] = ReferenceMarket("live")
        native = self._native_name(instrument)
        self._natives[bare(symbol)], self._symbols[native] = native, bare(symbol)

    def _turn(self, symbol: str | None, feed: Feed) -> None:
        """Take in how current a symbol is, or the whole venue: no symbol is more current than that."""
        if symbol is not None:
            self._feeds[symbol] = feed
            return
        self._feed = feed
        if feed != "live":  # what comes after is said of each symbol again
            self._feeds.clear()

    def _current(self, symbol: str) -> Feed:
        return self._feeds.get(symbol, "live") if self._feed == "live" else self._feed
