"""A live venue: what it shows passes through, and the checks of orders get its prices."""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from floorwire.core.capabilities import Capabilities
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookChange, BookSnapshot, FeedStatus, Listing, Trade
from floorwire.core.order_ports import InstrumentNames, OrderAdapter, OrderSettings
from floorwire.core.ports import Prices, Random, VenueInput, VenueOutput, Wake, Woke
from floorwire.venues.live import LiveVenue

BTC = Instrument("x:BTC-USDT", "BTC", "USDT", "binance", "0.1", "0.01")


class Scripted:
    """Says what the test wants."""

    name = "binance"

    def __init__(self) -> None:
        self.next: Sequence[VenueOutput] = ()
        self.happened: list[VenueInput] = []

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        return self.next

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        self.happened.append(happened)
        return self.next


def make(_settings: OrderSettings, _names: InstrumentNames, _random: Random) -> OrderAdapter:
    raise NotImplementedError


def live(scripted: Scripted) -> LiveVenue:
    return LiveVenue(scripted, "x", Capabilities("binance"), lambda one: one.base + one.quote, make)


def test_prices_and_names_follow_the_venue() -> None:
    scripted = Scripted()
    venue = live(scripted)
    assert venue.prices("x:BTC-USDT") == Prices(0, 0, 0, "connecting")
    assert venue.native("BTC-USDT") is None
    scripted.next = (Listing((BTC,), 1), FeedStatus(None, "live", "", 1), Wake(5))
    (listing, _, wake) = venue.start(1)
    assert isinstance(listing, Listing)
    assert listing.instruments[0].venue == "x"
    assert wake == Wake(5)
    assert (venue.native("BTC-USDT"), venue.native("x:BTC-USDT")) == ("BTCUSDT", "BTCUSDT")
    assert (venue.symbol("BTCUSDT"), venue.symbol("ETHUSDT")) == ("BTC-USDT", None)
    scripted.next = (
        BookSnapshot(BTC.symbol, ((100, 1),), ((102, 1),), 2),
        BookChange(BTC.symbol, ((101, 2),), (), 3),
        Trade(BTC.symbol, "t", 101, 1, "buy", 3),
        Trade("x:OTHER-USDT", "t", 7, 1, "buy", 3),
    )
    assert venue.receive(Woke(), 2) == list(scripted.next)
    assert venue.prices(BTC.symbol) == Prices(101, 102, 101, "live")
    scripted.next = (FeedStatus(BTC.symbol, "stale", "gap", 4),)
    venue.receive(Woke(), 4)
    assert venue.prices(BTC.symbol).feed == "stale"
    scripted.next = (FeedStatus(None, "connecting", "lost", 5), FeedStatus(None, "live", "", 6))
    venue.receive(Woke(), 5)
    assert venue.prices(BTC.symbol).feed == "live"


def test_other_steps_begin_a_new_book() -> None:
    scripted = Scripted()
    venue = live(scripted)
    scripted.next = (
        Listing((BTC,), 1),
        BookSnapshot(BTC.symbol, ((100, 1),), ((102, 1),), 2),
        Listing((BTC,), 3),
    )
    venue.start(1)
    assert venue.prices(BTC.symbol).bid_ticks == 100
    scripted.next = (Listing((replace(BTC, tick_size="0.01"),), 4),)
    venue.receive(Woke(), 4)
    assert venue.prices(BTC.symbol).bid_ticks == 0
