"""Trades of Binance's past: ``GET /api/v3/historicalTrades``, by the ids of the stream ``trade``.

Aggregated trades can be asked for by time, but have other ids.
"""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.past_candles import PastWanted
from floorwire.venues.binance import limits
from floorwire.venues.binance.messages import Time
from floorwire.venues.common.decimals import epoch_us
from floorwire.venues.common.trade_history import TradeRow, TradeRows

API_URL = "https://api.binance.com/api/v3"


class PastTrade(msgspec.Struct, rename={"buyer_makes": "isBuyerMaker"}):
    """A row. If the buyer is the maker, the taker sold."""

    id: int
    price: str
    qty: str
    time: Time
    buyer_makes: bool


class BinanceTrades:
    """What differs at Binance: ids rise by one, and a request begins at an id."""

    weight = limits.TRADES_WEIGHT
    is_oldest_first = False
    are_parts = False

    def first_cursor(self, wanted: PastWanted) -> str:
        """Return the id of a later trade; "": the latest trades are asked for."""
        return wanted.before_id

    def url(self, of: Instrument, native: str, wanted: PastWanted, cursor: str) -> str:
        """Return the address of the trades before an id."""
        if not cursor:
            return f"{API_URL}/trades?symbol={quote(native)}&limit={limits.TRADES_PER_REQUEST}"
        first = _first_id(cursor)
        count = max(1, int(cursor) - first)
        return f"{API_URL}/historicalTrades?symbol={quote(native)}&fromId={first}&limit={count}"

    def rows(self, body: bytes, cursor: str) -> TradeRows:
        """Return the rows of an answer. Raises ValueError, RecursionError."""
        found = sorted(msgspec.json.decode(body, type=list[PastTrade]), key=lambda row: row.id)
        rows = [
            TradeRow(
                str(row.id), epoch_us(row.time), row.price, row.qty, "sell" if row.buyer_makes else "buy"
            )
            for row in found
        ]
        if not cursor:
            return TradeRows(rows, str(found[0].id) if found else "", len(rows) < limits.TRADES_PER_REQUEST)
        # Its answers lag behind the stream at times.
        if not found or found[-1].id < int(cursor) - 1:
            raise ValueError(f"the trades just before {cursor} are not there yet")
        return TradeRows(rows, str(found[0].id), _first_id(cursor) == 0)


def _first_id(cursor: str) -> int:
    return max(0, int(cursor) - limits.TRADES_PER_REQUEST)
