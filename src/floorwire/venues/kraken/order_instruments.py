"""The instruments and assets of Kraken, by their names.

The WebSocket writes BTC/USD. REST writes XXBTZUSD or XBTUSD, and XXBT and ZUSD for the assets.
"""

from __future__ import annotations

import msgspec

from floorwire.venues.common.order_clock import InstrumentReads
from floorwire.venues.common.request_sequences import HttpRequest
from floorwire.venues.kraken import order_messages as messages
from floorwire.venues.kraken.pair_names import current_coin

PAIRS = "/0/public/AssetPairs"
MOST_LOT_DECIMALS = 18


class Pair(msgspec.Struct, frozen=True):
    """An instrument by its names."""

    symbol: str
    """On the WebSocket: BTC/USD."""
    rest_name: str
    base: str
    quote: str
    lot_size: str


class OrderInstruments:
    """The instruments and the assets."""

    def __init__(self) -> None:
        self._by_symbol: dict[str, Pair] = {}
        self._by_rest_name: dict[str, Pair] = {}
        self._assets: dict[str, str] = {}
        """From the names of REST: XXBT -> BTC."""

    def pair(self, symbol: str) -> Pair | None:
        """Return the instrument by its name on the WebSocket."""
        return self._by_symbol.get(symbol)

    def pair_of_rest(self, name: str) -> Pair | None:
        """Return the instrument by one of its names on REST."""
        return self._by_rest_name.get(name)

    def asset(self, name: str) -> str:
        """Return the asset as the WebSocket names it."""
        return self._assets.get(name) or current_coin(name)

    def read(self) -> InstrumentReads:
        """Read the instruments."""
        answer = yield HttpRequest(PAIRS, budget="public", is_signed=False)
        self._take(messages.usable_pairs(answer))

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
