"""Trades of Coinbase's past: those of a product in a time, the latest first."""

from __future__ import annotations

from urllib.parse import quote

import msgspec

from floorwire.core.instrument import Instrument
from floorwire.core.microseconds import SECOND_US
from floorwire.core.past_candles import PastWanted
from floorwire.venues.coinbase import limits, mapping, messages_advanced
from floorwire.venues.common.decimals import rfc3339_us
from floorwire.venues.common.trade_history import TradeRow, TradeRows

URL = "https://api.coinbase.com/api/v3/brokerage/market/products"


class Answer(msgspec.Struct):
    """The answer: trades as in the channel ``market_trades``. Refusals have another status than 200."""

    trades: list[messages_advanced.Trade]


class CoinbaseTrades:
    """What differs at Coinbase: times are in seconds, and the end belongs to them."""

    weight = 1
    is_oldest_first = False
    are_parts = False

    def first_cursor(self, wanted: PastWanted) -> str:
        """Return the last second."""
        return str(-(-wanted.to_us // SECOND_US))

    def url(self, of: Instrument, native: str, wanted: PastWanted, cursor: str) -> str:
        """Return the address. The cursor is the end."""
        time = f"start={wanted.from_us // SECOND_US}&end={cursor}"
        return f"{URL}/{quote(native, safe='')}/ticker?limit={limits.TRADES_PER_REQUEST}&{time}"

    def rows(self, body: bytes, cursor: str) -> TradeRows:
        """Return the rows of an answer. Raises ValueError, RecursionError."""
        found = msgspec.json.decode(body, type=Answer).trades
        rows = [
            TradeRow(
                trade.trade_id,
                rfc3339_us(trade.time),
                trade.price,
                trade.size,
                mapping.TAKER_SIDE[messages_advanced.MAKER_SIDE[trade.side]],
            )
            for trade in sorted(found, key=lambda trade: int(trade.trade_id))
        ]
        # All of this second is asked for again: it may be part of the answer.
        end = str(rows[0].ts_us // SECOND_US) if rows else ""
        return TradeRows(rows, end, len(rows) < limits.TRADES_PER_REQUEST)
