"""Trades of Kraken's past: ``GET /0/public/Trades``, from a time on, the oldest first."""

from __future__ import annotations

from decimal import Decimal
from typing import Annotated, TypeAlias
from urllib.parse import quote

import msgspec

from floorwire.core.instrument import Instrument, Side
from floorwire.core.past_candles import PastWanted
from floorwire.venues.common.trade_history import TradeRow, TradeRows
from floorwire.venues.kraken import limits, public_answers
from floorwire.venues.kraken.candle_history import OLD_NAMES

URL = "https://api.kraken.com/0/public/Trades"
LAST = "last"
"""In the result, beside the pair: from where on to ask next, in nanoseconds as text."""
SIDES: dict[str, Side] = {"b": "buy", "s": "sell"}
"""The letter that Kraken has for the side of the taker."""
NANOSECONDS = 1_000
"""In a microsecond."""

Cursor: TypeAlias = Annotated[str, msgspec.Meta(pattern=r"^[0-9]{1,20}$")]


class PastTrade(msgspec.Struct, array_like=True):
    """A row. Its time is in seconds, with up to nine decimals."""

    price: str
    volume: str
    time: Decimal
    side: str
    kind: str
    notes: str
    trade_id: int


class KrakenTrades:
    """What differs at Kraken."""

    weight = 1
    is_oldest_first = True
    are_parts = False

    def first_cursor(self, wanted: PastWanted) -> str:
        """Return the last nanosecond before the time: the trade of ``since`` is not in the answer."""
        return str(max(1, wanted.from_us * NANOSECONDS - 1))

    def url(self, of: Instrument, native: str, wanted: PastWanted, cursor: str) -> str:
        """Return the address."""
        coins = (OLD_NAMES.get(coin, coin) for coin in (of.base, of.quote))
        return f"{URL}?pair={quote(''.join(coins))}&since={cursor}&count={limits.TRADES_PER_REQUEST}"

    def rows(self, body: bytes, cursor: str) -> TradeRows:
        """Return the rows of an answer. Raises ValueError, RecursionError, TooManyRequestsError."""
        result = public_answers.result(body)
        (found,) = (rows for name, rows in result.items() if name != LAST)
        rows = []
        for row in msgspec.json.decode(found, type=list[PastTrade]):
            side = SIDES.get(row.side)
            if side is None or not 0 <= row.time < limits.LATEST_S:
                raise ValueError(f"{row} is no trade")
            rows.append(TradeRow(str(row.trade_id), int(row.time * 1_000_000), row.price, row.volume, side))
        last = msgspec.json.decode(result.get(LAST, b"null"), type=Cursor)
        return TradeRows(rows, last, len(rows) < limits.TRADES_PER_REQUEST)
