"""Candles that a test makes of trades that it read, to compare them with those that it read."""

from collections.abc import Iterable
from decimal import Decimal

# Time in milliseconds, price and amount.
ReadTrade = tuple[int, Decimal, Decimal]
# When it begins in milliseconds; open, high, low, close and volume.
ReadCandle = tuple[int, Decimal, Decimal, Decimal, Decimal, Decimal]


def candles_of(trades: Iterable[ReadTrade], length_ms: int) -> list[ReadCandle]:
    """The oldest first, as the trades are. One in which nothing was traded is left out."""
    groups: dict[int, list[ReadTrade]] = {}
    for trade in trades:
        groups.setdefault(trade[0] - trade[0] % length_ms, []).append(trade)
    return [
        (begin_ms, p[0], max(p), min(p), p[-1], sum((trade[2] for trade in group), Decimal()))
        for begin_ms, group in groups.items()
        for p in [[trade[1] for trade in group]]
    ]


def read_candle(begin_ms: int, texts: Iterable[str]) -> ReadCandle:
    """From open, high, low, close and volume."""
    first, high, low, last, volume = map(Decimal, texts)
    return begin_ms, first, high, low, last, volume
