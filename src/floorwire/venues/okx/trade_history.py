"""Trades of OKX's past: ``GET /api/v5/market/history-trades``, the latest first.

The channel ``trades`` tells as one trade what one taker order traded at one price. Here each part is a row,
and the id of the live trade is that of its last part.
"""

from __future__ import annotations

from typing import Annotated
from urllib.parse import quote

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.microseconds import MILLISECOND_US
from floorwire.core.past_candles import PastWanted
from floorwire.venues.common.trade_history import TradeRow, TradeRows
from floorwire.venues.okx import limits, mapping, public_answers

URL = "https://www.okx.com/api/v5/market/history-trades"
BY_ID, BY_TIME = "1", "2"


class PastTrade(msgspec.Struct, rename="camel"):
    """A row. Its side is the taker's, its time in milliseconds."""

    trade_id: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,18}$")]
    px: str
    sz: str
    side: str
    ts: Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,15}$")]


class OkxTrades:
    """What differs at OKX."""

    weight = 1
    is_oldest_first = False
    are_parts = True

    def first_cursor(self, wanted: PastWanted) -> str:
        """Return the id after a later trade, which has to be in the answer; "": the time is the end."""
        return str(int(wanted.before_id) + 1) if wanted.before_id else ""

    def url(self, of: Instrument, native: str, wanted: PastWanted, cursor: str) -> str:
        """Return the address of the trades before a time, or before an id. OKX: ``after`` means older."""
        kind = BY_ID if cursor else BY_TIME
        after = cursor or str(-(-wanted.to_us // MILLISECOND_US))
        return f"{URL}?instId={quote(native)}&type={kind}&after={after}&limit={limits.TRADES_PER_REQUEST}"

    def rows(self, body: bytes, cursor: str) -> TradeRows:
        """Return the rows of an answer. Raises ValueError, RecursionError, TooManyRequestsError."""
        found = msgspec.json.decode(public_answers.rows(body), type=list[PastTrade])
        rows = []
        for row in sorted(found, key=lambda row: int(row.trade_id)):
            side = mapping.SIDES.get(row.side)
            if side is None:
                raise ValueError(row.side)
            rows.append(TradeRow(str(int(row.trade_id)), int(row.ts) * MILLISECOND_US, row.px, row.sz, side))
        # Its answers lag behind the stream at times. Each id is there: it is asked for from a known one on.
        if cursor and rows and int(rows[-1].trade_id) != int(cursor) - 1:
            raise ValueError(f"the trades just before {cursor} are not there yet")
        return TradeRows(rows, rows[0].trade_id if rows else "", len(rows) < limits.TRADES_PER_REQUEST)
