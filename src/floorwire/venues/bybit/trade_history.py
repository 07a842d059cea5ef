"""The latest trades of Bybit: ``GET /v5/market/recent-trade``, the latest first. There are no older ones."""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.microseconds import MILLISECOND_US
from floorwire.core.past_candles import PastWanted
from floorwire.venues.bybit import limits, mapping, public_answers
from floorwire.venues.common.trade_history import TradeRow, TradeRows

URL = "https://api.bybit.com/v5/market/recent-trade?category=spot"


class PastTrade(msgspec.Struct, rename="camel"):
    """A row. Its id is that of the stream, its side the taker's, its time in milliseconds."""

    exec_id: Annotated[str, msgspec.Meta(min_length=1, max_length=64)]
    price: str
    size: str
    side: str
    time: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,15}$")]


class BybitTrades:
    """What differs at Bybit."""

    weight = 1
    is_oldest_first = False
    are_parts = False

    def first_cursor(self, wanted: PastWanted) -> str:
        """Return nothing: there is one page."""
        return ""

    def url(self, of: Instrument, native: str, wanted: PastWanted, cursor: str) -> str:
        """Return the address of the latest trades."""
        return f"{URL}&symbol={quote(native)}&limit={limits.TRADES_PER_REQUEST}"

    def rows(self, body: bytes, cursor: str) -> TradeRows:
        """Return the rows of an answer. Raises ValueError, RecursionError, TooManyRequestsError."""
        rows = []
        for row in reversed(msgspec.json.decode(public_answers.rows(body), type=list[PastTrade])):
            side = mapping.SIDES.get(row.side)
            if side is None:
                raise ValueError(row.side)
            rows.append(TradeRow(row.exec_id, int(row.time) * MILLISECOND_US, row.price, row.size, side))
        return TradeRows(rows, "", len(rows) < limits.TRADES_PER_REQUEST)
