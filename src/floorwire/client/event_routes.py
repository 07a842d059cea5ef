"""The topic of each event and notice: what of its fields names the stream that it belongs to."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Final, TypeAlias

from floorwire.protocol.channel_events import (
    BookEvent,
    Candles,
    Heartbeat,
    SkippedNotice,
    System,
    Ticker,
    Trades,
    TradesFeed,
)
from floorwire.protocol.client_codec import ServerMessage
from floorwire.protocol.market_replies import CandleHistory, TradeHistory
from floorwire.protocol.private_events import (
    BalancesEvent,
    FillsSnapshot,
    FillsUpdate,
    OrdersSnapshot,
    OrdersUpdate,
    PositionsEvent,
)

Route: TypeAlias = tuple[str, str | None, int | str | None, bool]
"""Equal to the ``Topic`` with these fields, and quicker to make."""


def _ticker(event: Ticker) -> Route:
    return ("ticker", event.symbol, None, False)


def _trades(event: Trades) -> Route:
    return ("trades", event.symbol, None, False)


def _book(event: BookEvent) -> Route:
    return ("book", event.symbol, event.depth, False)


def _candles(event: Candles | CandleHistory) -> Route:
    return ("candles", event.symbol, event.interval, event.closed_only is True)


def _of_channel(channel: str) -> Callable[[object], Route]:
    route: Route = (channel, None, None, False)
    return lambda _: route


TOPICS: Final[Mapping[type[ServerMessage], Callable[..., Route]]] = {  # type: ignore[explicit-any] # its own type
    Ticker: _ticker,
    Trades: _trades,
    BookEvent: _book,
    Candles: _candles,
    Heartbeat: _of_channel("heartbeat"),
    System: _of_channel("system"),
    OrdersSnapshot: _of_channel("orders"),
    OrdersUpdate: _of_channel("orders"),
    FillsSnapshot: _of_channel("fills"),
    FillsUpdate: _of_channel("fills"),
    BalancesEvent: _of_channel("balances"),
    PositionsEvent: _of_channel("positions"),
}
"""Events that have a seq -> their topic."""
NOTICES: Final = frozenset({SkippedNotice, TradesFeed, TradeHistory, CandleHistory})
"""What else belongs to a stream."""


def notice_topic(notice: ServerMessage) -> Route:
    """Return the topic of a notice, or of rows of the past."""
    if isinstance(notice, CandleHistory):
        return _candles(notice)
    if isinstance(notice, SkippedNotice):
        option = notice.depth or notice.interval or None
        return (notice.channel, notice.symbol or None, option, notice.closed_only is True)
    assert isinstance(notice, TradesFeed | TradeHistory)
    return ("trades", notice.symbol, None, False)
