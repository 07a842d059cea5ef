"""What recordings say, in batches: order of time, what a bot is told, and when it starts."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from floorwire import config
from floorwire.bot import Book, Bot, Candles, Ticker, Trades
from floorwire.bot.backtest.backtest_venue import BacktestVenue
from floorwire.bot.backtest.market_player import Batch, heard
from floorwire.bot.backtest.recorded_markets import RecordedMarkets
from floorwire.client.stream_gap import StreamGap
from floorwire.core.capabilities import Capabilities
from floorwire.core.market_events import BookChange, BookSnapshot, FeedStatus, Listing, Quote, Trade
from floorwire.core.order_commands import Place
from floorwire.core.ports import Reported, Wake
from tests.bot.backtest.backtests import BINANCE, OKX
from tests.engine.market import BTC


class Listener(Bot):
    """Hears all, and must never be called."""

    symbols: Sequence[str] = ("ABC-USDT",)
    closed_candles: bool = True  # type: ignore[misc] # a test sets it for one bot

    def on_ticker(self, ticker: Ticker) -> None:
        raise AssertionError

    def on_trade(self, trade: Trades) -> None:
        raise AssertionError

    def on_book(self, book: Book) -> None:
        raise AssertionError

    def on_candle(self, candle: Candles) -> None:
        raise AssertionError


def played(bot: Bot, *venues: str) -> list[Batch]:
    return list(RecordedMarkets(config.load(None, {}, (), {"venue": [*venues]})).play(bot))


def test_batches_are_in_the_order_of_time_and_the_bot_starts_once() -> None:
    batches = played(Listener(), BINANCE)
    times = [batch.at_us for batch in batches]
    assert times == sorted(times)
    (start,) = [number for number, batch in enumerate(batches) if batch.starts]
    assert any(isinstance(event, Listing) for batch in batches[:start] for event in batch.events)
    assert not any(batch.told for batch in batches[:start])
    assert sum(batch.count for batch in batches) > 500


def test_what_is_told_names_the_callback_of_its_kind() -> None:
    kinds: dict[str, set[type]] = {}
    bot = Listener()
    bot.closed_candles = False
    for batch in played(bot, BINANCE):
        for callback, message in batch.told:
            kinds.setdefault(callback, set()).add(type(message))
    assert kinds == {
        "on_ticker": {Ticker},
        "on_trade": {Trades},
        "on_book": {Book},
        "on_candle": {Candles},
        "on_gap": {StreamGap},
    }


def test_quotes_are_told_and_do_not_go_to_the_orders() -> None:
    batches = played(Listener(), BINANCE)
    kinds = {type(event) for batch in batches for event in batch.events}
    assert {Trade, BookChange, BookSnapshot, Listing, FeedStatus} <= kinds
    assert Quote not in kinds
    assert any(batch.told and not batch.events for batch in batches)


def test_venues_are_numbered_and_play_together() -> None:
    bot = Listener()
    bot.symbols = ("ABC-USDT", "okx:ABC-USDT")
    batches = played(bot, BINANCE, OKX)
    assert {batch.venue for batch in batches} == {0, 1}
    listed = {
        (batch.venue, one.venue)
        for batch in batches
        for event in batch.events
        if isinstance(event, Listing)
        for one in event.instruments
    }
    assert listed == {(0, "binance"), (1, "okx")}
    times = [batch.at_us for batch in batches]
    assert times == sorted(times)


def test_who_hears_the_same() -> None:
    one, other = Listener(), Listener()
    assert heard(one) == heard(other)
    for name, value in (
        ("interval", "5m"),
        ("depth", 50),
        ("symbols", ("XYZ-EUR",)),
        ("closed_candles", False),
    ):
        other = Listener()
        assert getattr(other, name) != value
        setattr(other, name, value)
        assert heard(one) != heard(other), name


@pytest.mark.parametrize("latency_us", [0, 40])
def test_a_venue_fills_orders_against_what_it_is_handed(latency_us: int) -> None:
    venue = BacktestVenue("sim", latency_us, Capabilities("sim"))
    assert venue.paper.start(0) == []
    venue.apply([Listing((BTC,), 1), FeedStatus(None, "live", "", 1)], 1)
    venue.apply([BookSnapshot("BTC-USDT", ((99, 5),), ((101, 5),), 2)], 2)
    execution = venue.paper.execute(Place("BTC-USDT", 1, 1, "buy", 3, 101), 10)
    assert bool(execution.reports) is not bool(latency_us)
    if latency_us:
        assert execution.outputs == (Wake(50),)
        outputs = venue.apply((), 50)
        assert [type(output) for output in outputs] == [Reported]
