"""The market: instruments by every name, and how current each symbol's feed is."""

from __future__ import annotations

import pytest

from floorwire import channels
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import Feed, FeedStatus, Listing, Quote
from floorwire.core.refusal import Refusal
from floorwire.hub.market_state import MarketState
from floorwire.protocol.topic_names import TopicChoice, TopicName

BTC = Instrument("BTC-USDT", "BTC", "USDT", "one", "0.1", "1")
ETH = Instrument("ETH-USDT", "ETH", "USDT", "one", "0.1", "1")
OTHER_BTC = Instrument("two:BTC-USDT", "BTC", "USDT", "two", "0.1", "1")


def market_of(*instruments: Instrument) -> MarketState:
    """Return a market with the instruments and every channel."""
    market = MarketState(channels.discover())
    market.update_instruments(Listing(instruments, 0))
    return market


def status(feed: Feed, symbol: str | None = None) -> FeedStatus:
    """Return what a venue says of a symbol or of all."""
    return FeedStatus(symbol, feed, "because", 0)


# --- what there is to subscribe to ------------------------------------------------------------------


def test_a_choice_has_the_canonical_name_and_the_one_asked_for() -> None:
    chosen = market_of(BTC).choose("book", "btcusdt", 5, None)
    assert isinstance(chosen, TopicChoice)
    assert (chosen.topic, chosen.asked) == (TopicName("book", "BTC-USDT", 5), "btcusdt")
    assert chosen.on_slow in chosen.contracts


@pytest.mark.parametrize(
    ("channel", "depth", "interval", "option"),
    [("ticker", None, None, None), ("book", None, None, 10), ("candles", None, "1h", "1h")],
)
def test_an_option_left_out_is_the_default(
    channel: str, depth: int | None, interval: str | None, option: int | str | None
) -> None:
    assert market_of(BTC).choose(channel, "BTC-USDT", depth, interval).topic.option == option


@pytest.mark.parametrize(
    ("channel", "symbol", "depth", "interval", "code", "field"),
    [
        ("news", "BTC-USDT", None, None, Code.UNKNOWN_CHANNEL, None),
        ("ticker", "DOGE-USDT", None, None, Code.UNKNOWN_SYMBOL, None),
        ("ticker", "", None, None, Code.UNKNOWN_SYMBOL, None),
        ("ticker", "x" * 10_000, None, None, Code.UNKNOWN_SYMBOL, None),
        ("ticker", None, None, None, Code.BAD_REQUEST, "symbol"),
        ("heartbeat", "BTC-USDT", None, None, Code.BAD_REQUEST, "symbol"),
        ("ticker", "BTC-USDT", 5, None, Code.BAD_REQUEST, "depth"),
        ("book", "BTC-USDT", 7, None, Code.BAD_REQUEST, "depth"),
        ("book", "BTC-USDT", 0, None, Code.BAD_REQUEST, "depth"),
        ("candles", "BTC-USDT", None, "2m", Code.BAD_REQUEST, "interval"),
        ("candles", "BTC-USDT", None, "", Code.BAD_REQUEST, "interval"),
    ],
)
def test_what_is_not_there_is_refused(
    channel: str, symbol: str | None, depth: int | None, interval: str | None, code: Code, field: str | None
) -> None:
    with pytest.raises(Refusal) as refused:
        market_of(BTC).choose(channel, symbol, depth, interval)
    assert refused.value.code is code
    assert refused.value.details.get("field") == field
    assert len(refused.value.message) < 300


def test_an_unknown_channel_is_answered_with_those_there_are() -> None:
    with pytest.raises(Refusal) as refused:
        market_of(BTC).choose("news", "BTC-USDT", None, None)
    private = {"orders", "fills", "balances", "positions"}
    assert refused.value.details["channels"] == sorted(channels.discover().keys() | private)


def test_a_name_that_two_venues_have_names_neither() -> None:
    market = market_of(BTC, OTHER_BTC)
    with pytest.raises(Refusal) as refused:
        market.choose("ticker", "btcusdt", None, None)
    assert refused.value.code is Code.UNKNOWN_SYMBOL
    assert market.choose("ticker", "two:btcusdt", None, None).topic.symbol == "two:BTC-USDT"


# --- listings ---------------------------------------------------------------------------------------


def test_a_symbol_has_listeners_from_its_listing_on() -> None:
    market = market_of(BTC)
    assert market.states.get("BTC-USDT") is not None
    assert market.states.get("ETH-USDT") is None
    assert market.states.get(None) is market.states[None]
    assert market.symbols_of("one") == ["BTC-USDT"]
    assert market.symbols_of("two") == []


def test_a_changed_instrument_keeps_its_listeners() -> None:
    market = market_of(BTC, ETH)
    before = market.states.get("BTC-USDT")
    halted = Instrument("BTC-USDT", "BTC", "USDT", "one", "0.1", "1", state="halted")
    assert market.update_instruments(Listing((halted,), 1)) == []
    assert market.states.get("BTC-USDT") is before
    assert before is not None
    assert before.instrument == halted
    assert market.symbols.resolve("BTC-USDT") == halted


@pytest.mark.parametrize(("tick", "lot"), [("0.01", "1"), ("0.1", "0.1")])
def test_an_instrument_with_other_steps_is_told_and_goes_on(tick: str, lot: str) -> None:
    market = market_of(BTC, ETH)
    before = market.states.get("BTC-USDT")
    finer = Instrument("BTC-USDT", "BTC", "USDT", "one", tick, lot)
    assert market.update_instruments(Listing((finer, ETH), 1)) == ["BTC-USDT"]
    assert market.states.get("BTC-USDT") is before
    assert before is not None
    assert before.instrument == finer


def test_what_nobody_listens_to_is_no_harm() -> None:
    listeners = market_of(BTC).states.get(None)
    assert listeners is not None
    listeners.apply(Quote("BTC-USDT", 1, 1, 2, 1, 0))


# --- feeds ------------------------------------------------------------------------------------------


def test_a_feed_is_connecting_until_the_venue_says_more() -> None:
    market = market_of(BTC)
    assert (market.feed("BTC-USDT"), market.feed(None)) == ("connecting", "connecting")
    market.update_feed("one", status("live"))
    assert (market.feed("BTC-USDT"), market.feed(None)) == ("live", "live")


def test_a_symbol_may_be_worse_than_its_venue_but_not_better() -> None:
    market = market_of(BTC, ETH)
    market.update_feed("one", status("live"))
    market.update_feed("one", status("stale", "BTC-USDT"))
    assert (market.feed("BTC-USDT"), market.feed("ETH-USDT")) == ("stale", "live")
    market.update_feed("one", status("stale"))
    market.update_feed("one", status("live", "BTC-USDT"))
    assert (market.feed("BTC-USDT"), market.feed("ETH-USDT")) == ("stale", "stale")


def test_what_was_said_of_symbols_ends_with_their_venues_feed() -> None:
    market = market_of(BTC)
    market.update_feed("one", status("live"))
    market.update_feed("one", status("stale", "BTC-USDT"))
    market.update_feed("one", status("connecting"))
    market.update_feed("one", status("live"))
    assert market.feed("BTC-USDT") == "live"


@pytest.mark.parametrize(
    ("one", "two", "both"),
    [
        ("live", "live", "live"),
        ("live", "connecting", "connecting"),
        ("stale", "connecting", "stale"),
        ("live", "stale", "stale"),
    ],
)
def test_all_feeds_together_are_as_the_worst(one: Feed, two: Feed, both: Feed) -> None:
    market = market_of(BTC, OTHER_BTC)
    market.update_feed("one", status(one))
    market.update_feed("two", status(two))
    assert (market.feed("BTC-USDT"), market.feed("two:BTC-USDT"), market.feed(None)) == (one, two, both)
