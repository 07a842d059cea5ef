"""What Kraken has to say before orders are placed: its time, and the names of its instruments and assets.

The WebSocket writes BTC/USD. REST writes XXBTZUSD or XBTUSD, and XXBT and ZUSD for the assets.
"""

from __future__ import annotations

import msgspec

from floorwire.venues.common.pending_requests import NEVER_US
from floorwire.venues.common.request_sequences import HttpRequest, Steps
from floorwire.venues.kraken import order_messages as messages
from floorwire.venues.kraken.mapping import current_coin

SECOND_US = 1_000_000
TIME = "/0/public/Time"
PAIRS = "/0/public/AssetPairs"
REFRESH_US = 600 * SECOND_US
RETRY_US = 5 * SECOND_US
MOST_LOT_DECIMALS = 18


class Pair(msgspec.Struct, frozen=True):
    """An instrument by its names."""

    symbol: str
    """On the WebSocket: BTC/USD."""
    rest_name: str
    base: str
    quote: str
    lot_size: str


class OrderReference:
    """The venue's clock, its instruments and its assets."""

    def __init__(self) -> None:
        self.is_complete = False
        """Whether all were read once."""
        self._is_reading = False
        self._due_us = 0
        self._offset_us = 0
        """The venue's time minus the date."""
        self._date_us = 0
        self._now_us = 0
        self._by_symbol: dict[str, Pair] = {}
        self._by_rest_name: dict[str, Pair] = {}
        self._assets: dict[str, str] = {}
        """From the names of REST: XXBT -> BTC."""

    def at(self, now_us: int, date_us: int) -> None:
        """Take in the time."""
        self._now_us, self._date_us = now_us, date_us

    @property
    def venue_us(self) -> int:
        """The date by the venue's clock, to about a second."""
        return self._date_us + self._offset_us

    def pair(self, symbol: str) -> Pair | None:
        """Return the instrument by its name on the WebSocket."""
        return self._by_symbol.get(symbol)

    def pair_of_rest(self, name: str) -> Pair | None:
        """Return the instrument by one of its names on REST."""
        return self._by_rest_name.get(name)

    def asset(self, name: str) -> str:
        """Return the asset as the WebSocket names it."""
        return self._assets.get(name) or current_coin(name)

    @property
    def is_due(self) -> bool:
        """Whether to read them now."""
        return not self._is_reading and self._now_us >= self._due_us

    @property
    def wake_us(self) -> int:
        """When they are due; never while they are read."""
        return NEVER_US if self._is_reading else self._due_us

    def read(self) -> Steps:
        """Return the sequence that reads the time, then the instruments. If it fails it is due again soon."""
        self._due_us = self._now_us + RETRY_US
        return self._read(self._date_us)

    def _read(self, sent_us: int) -> Steps:
        self._is_reading = True
        try:
            answer = yield HttpRequest(TIME, budget="public", is_signed=False)
            time = messages.result(answer, messages.ServerTime)
            if not 0 <= time.unixtime < 4_102_444_800:  # up to the year 2100
                raise ValueError(time.unixtime)
            # Kraken cuts off the second: half of one is added
            self._offset_us = time.unixtime * SECOND_US + SECOND_US // 2 - (sent_us + self._date_us) // 2
            answer = yield HttpRequest(PAIRS, budget="public", is_signed=False)
            self._take(messages.usable_pairs(answer))
            self.is_complete, self._due_us = True, self._now_us + REFRESH_US
        finally:
            self._is_reading = False
        return ()

    def _take(self, listed: dict[str, messages.PairInfo]) -> None:
        self._by_symbol, self._by_rest_name = {}, {}
        for name, info in listed.items():
            base, slash, quote = info.wsname.partition("/")
            if not slash or not 0 <= info.lot_decimals <= MOST_LOT_DECIMALS:
                continue
            base, quote = current_coin(base), current_coin(quote)
            lot_size = f"0.{'1':0>{info.lot_decimals}}" if info.lot_decimals else "1"
            pair = Pair(f"{base}/{quote}", info.altname, base, quote, lot_size)
            self._by_symbol[pair.symbol] = pair
            self._by_rest_name[name] = self._by_rest_name[info.altname] = pair
            self._assets[info.base], self._assets[info.quote] = base, quote
