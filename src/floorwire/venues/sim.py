"""The simulated venue: a market that is always open, on the real matching engine.

The dozen instruments below trade among simulated participants (``engine.participants`` tells who they are and
what their parameters mean). The same randomness and the same start give the same events, however often and
whenever ``receive`` is called. Orders of accounts enter the same books, and the same participants see and
take them. To change an instrument, change its profile; to add one, add a profile, and an ``Asset`` where its
base is new.

The market's time is a date that never goes back. Where the date is set back, the market goes on at half
speed until the date has caught up (``core.dates``). Orders expire by the date.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from math import log

from msgspec.structs import replace

from floorwire.core.capabilities import Capabilities
from floorwire.core.codes import Code
from floorwire.core.dates import ForwardDate
from floorwire.core.execution_reports import Ended, Report, Working
from floorwire.core.market_events import FeedStatus, Listing, MarketEvent, VenueTime
from floorwire.core.microseconds import SECOND_US
from floorwire.core.order_commands import Command, Place
from floorwire.core.ports import Execution, Prices, Random, Reported, VenueInput, VenueOutput, Wake
from floorwire.engine.execution_reporter import refused
from floorwire.engine.matching import Matching
from floorwire.engine.matching_events import Rejected
from floorwire.engine.participants.profile import Asset, Profile
from floorwire.engine.participants.simulation import Simulation
from floorwire.venues import sim_past
from floorwire.venues.sim_past import PastCandles

NAME = "sim"
CASH = "USDT"
"""The asset that values are measured in."""
CAPABILITIES = Capabilities(NAME, streams=("quote", "trades", "book"), places_orders=True, amends_orders=True)
"""Candles and the day are counted from the trades."""
WAKE_US = 5_000
"""The finest step that the venue asks to be woken in: what happens within it comes in one batch."""
CATCH_UP_US = SECOND_US
"""The most that one call makes up for. Where more time is lost (a suspended laptop, a stalled process), the
market stood still for the rest: its clock jumps, and it goes on from where it was."""

ASSETS = (
    Asset("BTC", volatility=0.20, beta=1.0),
    Asset("ETH", volatility=0.35, beta=1.2),
    Asset("SOL", volatility=0.60, beta=1.5),
    Asset("XRP", volatility=0.65, beta=1.1),
    Asset("BNB", volatility=0.35, beta=0.9),
    Asset("DOGE", volatility=0.75, beta=1.6),
    Asset("ADA", volatility=0.60, beta=1.3),
    Asset("LINK", volatility=0.60, beta=1.3),
    Asset("AVAX", volatility=0.65, beta=1.4),
    Asset("LTC", volatility=0.50, beta=1.0),
    Asset("XMR", volatility=0.45, beta=0.6),
)

PROFILES = (
    Profile(
        symbol="BTC-USDT", price="64250.0", tick_size="0.5", lot_size="0.00001", trade_size="0.006",
        arrivals=7, half_spread=0.9, layer_step=3, look_s=0.35, crowd=1500, reach=250, eager=0.45, edge=5,
    ),
    Profile(
        symbol="ETH-USDT", price="3180.00", tick_size="0.05", lot_size="0.0001", trade_size="0.1",
        arrivals=6, half_spread=1.0, layer_step=3, look_s=0.4, crowd=1400, reach=220, eager=0.4, edge=4,
    ),
    Profile(
        symbol="SOL-USDT", price="148.20", tick_size="0.01", lot_size="0.001", trade_size="1.6",
        arrivals=4, half_spread=1.0, layer_step=2, look_s=0.6, crowd=1000, reach=100, edge=2.5,
    ),
    Profile(
        symbol="XRP-USDT", price="0.5915", tick_size="0.0001", lot_size="0.1", trade_size="350",
        arrivals=3, half_spread=0.8, layer_step=1, look_s=0.8, crowd=900, reach=50, edge=1.5,
    ),
    Profile(
        symbol="DOGE-USDT", price="0.13240", tick_size="0.00001", lot_size="1", trade_size="1500",
        arrivals=3, half_spread=1.0, layer_step=2, look_s=0.9, crowd=800, reach=80, edge=2.5,
    ),
    Profile(
        symbol="BNB-USDT", price="585.2", tick_size="0.1", lot_size="0.001", trade_size="0.35",
        arrivals=2.5, half_spread=0.8, layer_step=1, look_s=1.0, crowd=700, reach=45, edge=1.5,
    ),
    Profile(
        symbol="ADA-USDT", price="0.4420", tick_size="0.0001", lot_size="0.1", trade_size="400",
        arrivals=2, half_spread=0.8, layer_step=1, look_s=1.2, crowd=700, reach=45, edge=1.5,
    ),
    Profile(
        symbol="LINK-USDT", price="14.250", tick_size="0.001", lot_size="0.01", trade_size="12",
        arrivals=1.5, half_spread=2.0, layer_step=4, look_s=1.2, crowd=600, reach=80, edge=4,
    ),
    Profile(
        symbol="AVAX-USDT", price="34.10", tick_size="0.01", lot_size="0.01", trade_size="5",
        arrivals=1.2, half_spread=0.8, layer_step=1, look_s=1.5, crowd=500, reach=45, edge=1.5,
    ),
    Profile(
        symbol="LTC-USDT", price="82.40", tick_size="0.01", lot_size="0.001", trade_size="2",
        arrivals=1, half_spread=1.0, layer_step=2, look_s=2.0, crowd=450, reach=45, edge=2,
    ),
    Profile(
        symbol="ETH-BTC", price="0.04950", tick_size="0.00001", lot_size="0.0001", trade_size="0.15",
        min_notional="0.0001",
        arrivals=0.8, half_spread=0.8, layer_step=1, look_s=2.0, crowd=400, reach=45, edge=1.5,
    ),
    Profile(
        symbol="XMR-BTC", price="0.002615", tick_size="0.000001", lot_size="0.001", trade_size="0.8",
        min_notional="0.0001",
        arrivals=0.02, half_spread=2.5, layer_step=2, look_s=45, makers=1, crowd=60, reach=20, eager=0.03,
        edge=5,
    ),
)  # fmt: skip


class UnlistedError(ValueError):
    """A symbol that the venue does not have."""

    def __init__(self, symbol: str) -> None:
        listed = ", ".join(profile.symbol for profile in PROFILES)
        super().__init__(f"{symbol} is not simulated; there are {listed}")
        self.symbol = symbol


class SimVenue:
    """Opens when started, never closes, and needs no link to anywhere."""

    capabilities = CAPABILITIES

    def __init__(self, profiles: Sequence[Profile], rng: Random, name: str = NAME, prefix: str = "") -> None:
        self.name = name
        self._profiles = tuple(replace(each, symbol=prefix + each.symbol) for each in profiles)
        self._rng = rng
        self._offset_us = 0
        self._dates = ForwardDate(0, 0)
        self._is_ahead = False
        """The market's time is ahead of the date, which was set back."""
        self._reached_us = 0
        self._second_us = 0
        self._markets: Mapping[str, Matching] = {}
        """By symbol. There are none before the start."""
        self._log_values: Mapping[str, float] = {}
        """Where the values of assets begin that are not the opening ones."""

    def past(self, rng: Random, until_us: int) -> list[PastCandles]:
        """Return candles of the time before a first start, up to this date."""
        return sim_past.make(self._profiles, ASSETS, rng, until_us)

    def continue_from(self, prices: Mapping[str, str]) -> None:
        """Begin with these prices at the start, by symbol, as far as the assets' values have them."""
        ratios: dict[str, float] = {}
        for profile in self._profiles:
            if profile.symbol in prices:
                ratios[f"{profile.base}-{profile.quote}"] = log(
                    float(prices[profile.symbol]) / float(profile.price)
                )
        values = {
            pair.removesuffix(f"-{CASH}"): ratio for pair, ratio in ratios.items() if pair.endswith(CASH)
        }
        for pair, ratio in ratios.items():
            base, _, quote = pair.partition("-")
            if base not in values:
                values[base] = ratio + values.get(quote, 0.0)
        self._log_values = values

    def date(self, offset_us: int) -> None:
        """Take in what the date is: ``now_us + offset_us``."""
        self._offset_us = offset_us

    def _market_us(self, now_us: int) -> int:
        """Return the market's time; tell the simulation how far that is ahead of the date."""
        wall_us = now_us + self._offset_us
        market_us = self._dates.at(now_us, wall_us)
        if market_us != wall_us or self._is_ahead:
            self._is_ahead = market_us != wall_us
            self._simulation.date(market_us - wall_us)
        return market_us

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Open the markets: what is listed, every book and its best prices. Started again, opens anew: no
        account's order is in the new markets."""
        wall_us = now_us + self._offset_us
        at_us = self._dates.at(now_us, wall_us)
        self._simulation = simulation = Simulation(self._profiles, ASSETS, self._rng, at_us, self._log_values)
        self._markets = simulation.exchange.markets
        self._is_ahead = at_us != wall_us
        simulation.date(at_us - wall_us)
        self._reach(at_us)
        return [
            Listing(tuple(profile.instrument(self.name) for profile in self._profiles), at_us),
            *simulation.snapshots(at_us),
            *simulation.quotes(at_us),
            FeedStatus(None, "live", "synced", at_us),
            self._wake(now_us, at_us),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Return all that happened up to now; any input tells the time, and nothing else."""
        at_us = self._market_us(now_us)
        shown: list[VenueOutput] = [*self._advance(at_us)]
        reports = self._simulation.reports()
        if reports:
            shown.append(Reported(tuple(reports)))
        shown.append(self._wake(now_us, at_us))
        return shown

    def execute(self, command: Command, now_us: int) -> Execution:
        """Let everything happen up to now, and then the command."""
        at_us = self._market_us(now_us)
        outputs: list[VenueOutput] = [*self._advance(at_us)]
        if command.symbol not in self._simulation.exchange.markets:
            refusal = refused(command, Rejected(command.order_id, Code.UNKNOWN_SYMBOL), at_us)
            return Execution([*self._simulation.reports(), refusal], outputs)
        if type(command) is Place and command.expires_us is not None:
            if command.expires_us <= now_us + self._offset_us:
                return Execution([*self._simulation.reports(), *_late(command, at_us)], outputs)
            outputs += self._simulation.execute(command, at_us)
            outputs.append(self._wake(now_us, at_us))
        else:
            outputs += self._simulation.execute(command, at_us)
        return Execution(self._simulation.reports(), outputs)

    def prices(self, symbol: str) -> Prices:
        """Return the best prices as they are in the book, and the last trade's."""
        market = self._markets.get(symbol)
        if market is None:
            return Prices(0, 0, 0, "connecting")
        return Prices(market.bids.best_ticks(), market.asks.best_ticks(), market.last_ticks, "live")

    def _advance(self, at_us: int) -> list[MarketEvent]:
        """Return all that is shown up to now, in the market's time."""
        lost_us = at_us - self._reached_us - CATCH_UP_US
        if lost_us > 0:
            self._simulation.postpone(lost_us)
            self._reach(self._reached_us + lost_us)
        shown: list[MarketEvent] = []
        while self._second_us <= at_us:
            shown += self._simulation.run(self._second_us)
            shown.append(VenueTime(self._second_us))
            self._second_us += SECOND_US
        shown += self._simulation.run(at_us)
        self._reached_us = max(at_us, self._reached_us)
        return shown

    def _reach(self, at_us: int) -> None:
        self._reached_us = at_us
        self._second_us = at_us - at_us % SECOND_US + SECOND_US

    def _wake(self, now_us: int, at_us: int) -> Wake:
        """Return when to be woken: in monotonic time, for what is due in the market's."""
        due_us = min(self._simulation.next_us(), self._second_us)
        return Wake(now_us + max(due_us - at_us, WAKE_US))


def _late(place: Place, at_us: int) -> list[Report]:
    """Return the reports of an order whose time had come before it came (back)."""
    left_lots = place.lots - place.filled_lots
    return [Working(place.order_id, at_us), Ended(place.order_id, left_lots, "expired", None, at_us)]


def symbols_traded() -> frozenset[str]:
    """Return the symbols of all instruments."""
    return frozenset(profile.symbol for profile in PROFILES)


def venue(
    rng: Random, symbols: tuple[str, ...] | None = None, name: str = NAME, prefix: str = ""
) -> SimVenue:
    """Return the venue with all of its instruments, or those named. Raises UnlistedError.

    ``prefix`` goes before each symbol.
    """
    by_symbol = {profile.symbol: profile for profile in PROFILES}
    for symbol in symbols or ():
        if symbol not in by_symbol:
            raise UnlistedError(symbol)
    return SimVenue([by_symbol[symbol] for symbol in symbols or by_symbol], rng, name, prefix)
