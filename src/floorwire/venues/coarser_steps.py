"""Tells an adapter's events in coarser ticks and lots.

For recordings without the list of instruments: their adapters use steps of eight decimals, which are too fine
to trade in. The recording shows which steps its prices and sizes really have.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from math import gcd
from typing import NamedTuple

from msgspec.structs import replace

from floorwire.core.instrument import Instrument
from floorwire.core.market_events import (
    BookChange,
    BookSnapshot,
    Candle,
    DayStats,
    Level,
    Listing,
    Quote,
    Trade,
)
from floorwire.core.ports import VenueInput, VenueOutput
from floorwire.core.units import format_units, trim
from floorwire.venues.recorded_round import Adapter

MAX_FACTOR = 10**8
"""No step becomes coarser than 1."""


class Factors(NamedTuple):
    """How many of the adapter's ticks and lots one of the coarser ones has: powers of ten."""

    ticks: int
    lots: int


class CoarserSteps:
    """An adapter whose events are told in coarser steps. Prices and sizes are whole numbers of them.

    What is not, as a statistic of the past may not be, is floored.
    """

    def __init__(self, adapter: Adapter, factors: Mapping[str, Factors]) -> None:
        """``factors``: by symbol. Other symbols stay as they are."""
        self.name = adapter.name
        self._adapter = adapter
        self._factors = factors
        self.skipped: Counter[str] = adapter.skipped
        """What the adapter left out, by reason."""

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Start the adapter."""
        return [self._told(output) for output in self._adapter.start(now_us)]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Give the adapter an input."""
        return [self._told(output) for output in self._adapter.receive(happened, now_us)]

    def _told(self, output: VenueOutput) -> VenueOutput:
        match output:
            case Listing(instruments):
                return replace(output, instruments=tuple(map(self._instrument, instruments)))
            case Trade() | Quote() | BookSnapshot() | BookChange() | DayStats() | Candle():
                factors = self._factors.get(output.symbol)
                return output if factors is None else _converted(output, factors)
        return output

    def _instrument(self, of: Instrument) -> Instrument:
        factors = self._factors.get(of.symbol)
        if factors is None:
            return of
        tick = trim(format_units(of.price.step * factors.ticks, of.price.decimals))
        lot = trim(format_units(of.size.step * factors.lots, of.size.decimals))
        return replace(of, tick_size=tick, lot_size=lot)


class ObservedSteps:
    """Finds the coarsest steps in which all events of a symbol can be told."""

    def __init__(self) -> None:
        self._divisors: dict[str, Factors] = {}
        """By symbol: the greatest common divisors of all prices and of all sizes."""

    def observe(self, output: VenueOutput) -> None:
        """Take in an event."""
        match output:
            case Trade(symbol, _, price_ticks, size_lots):
                self._add(symbol, (price_ticks,), (size_lots,))
            case Quote(symbol, bid_ticks, bid_lots, ask_ticks, ask_lots):
                self._add(symbol, (bid_ticks, ask_ticks), (bid_lots, ask_lots))
            case BookSnapshot(symbol, bids, asks) | BookChange(symbol, bids, asks):
                levels = (*bids, *asks)
                self._add(symbol, [ticks for ticks, _ in levels], [lots for _, lots in levels])
            case _:
                pass

    def factors(self) -> dict[str, Factors]:
        """Return what to divide by, for each symbol of which something was observed."""
        return {
            symbol: Factors(_power_of_ten(found.ticks), _power_of_ten(found.lots))
            for symbol, found in self._divisors.items()
        }

    def _add(self, symbol: str, ticks: Sequence[int], lots: Sequence[int]) -> None:
        found = self._divisors.get(symbol, Factors(0, 0))
        self._divisors[symbol] = Factors(gcd(found.ticks, *ticks), gcd(found.lots, *lots))


def _power_of_ten(divisor: int) -> int:
    """Return the greatest power of ten that divides it, up to MAX_FACTOR; 1 for 0."""
    factor = 1
    while divisor and factor < MAX_FACTOR and not divisor % (10 * factor):
        factor *= 10
    return factor


def _converted(
    event: Trade | Quote | BookSnapshot | BookChange | DayStats | Candle, by: Factors
) -> Trade | Quote | BookSnapshot | BookChange | DayStats | Candle:
    match event:
        case Trade():
            return replace(
                event, price_ticks=event.price_ticks // by.ticks, size_lots=event.size_lots // by.lots
            )
        case Quote():
            return replace(
                event,
                bid_ticks=event.bid_ticks // by.ticks,
                bid_lots=event.bid_lots // by.lots,
                ask_ticks=event.ask_ticks // by.ticks,
                ask_lots=event.ask_lots // by.lots,
            )
        case BookSnapshot() | BookChange():
            return replace(event, bids=_levels(event.bids, by), asks=_levels(event.asks, by))
        case DayStats():
            return replace(
                event,
                open_ticks=event.open_ticks // by.ticks,
                high_ticks=event.high_ticks // by.ticks,
                low_ticks=event.low_ticks // by.ticks,
                volume_lots=event.volume_lots // by.lots,
                turnover=None if event.turnover is None else event.turnover // (by.ticks * by.lots),
            )
        case Candle():
            return replace(
                event,
                open_ticks=event.open_ticks // by.ticks,
                high_ticks=event.high_ticks // by.ticks,
                low_ticks=event.low_ticks // by.ticks,
                close_ticks=event.close_ticks // by.ticks,
                volume_lots=event.volume_lots // by.lots,
            )


def _levels(levels: tuple[Level, ...], by: Factors) -> tuple[Level, ...]:
    return tuple((ticks // by.ticks, lots // by.lots) for ticks, lots in levels)
