"""A subscription to all symbols of a venue: what it asks for, and which listings are its own."""

from __future__ import annotations

import msgspec
import pytest
from msgspec import UNSET

from floorwire.client.stream_gap import StreamGap
from floorwire.client.subscription import State, Subscription, Topic
from floorwire.client.venue_subscription import VenueSubscription, VenueTopic
from floorwire.protocol.channel_events import ListedNotice
from floorwire.protocol.replies import HeldSubscription, SubscribedAll
from floorwire.protocol.requests import Subscribe, Unsubscribe


def held(
    symbol: str = "ETH-USDT", seq: int = 5, epoch: str = "a", channel: str = "ticker"
) -> HeldSubscription:
    return HeldSubscription(
        channel=channel,
        symbol=symbol,
        instrument=symbol,
        on_slow="conflate",
        epoch=epoch,
        seq=seq,
        feed="live",
    )


def listed(venue: str = "sim", code: str | None = None, **options: object) -> ListedNotice:
    subscription = UNSET if code else msgspec.structs.replace(held(), **options)
    return ListedNotice(
        channel="ticker",
        symbol="ETH-USDT",
        venue=venue,
        subscription=subscription,
        code=code or UNSET,
        sent=1,
    )


def venue(topic: VenueTopic, gaps: list[StreamGap] | None = None) -> VenueSubscription:
    def ignore(_: object) -> None:
        pass

    to_gaps = ignore if gaps is None else gaps.append
    return VenueSubscription(topic, lambda one: Subscription(one, ignore), to_gaps, on_slow="conflate")


def confirmed(topic: VenueTopic) -> VenueSubscription:
    made = venue(topic)
    made.request()
    made.confirmed(SubscribedAll(channel=topic.channel, all=True, venue="sim", subscriptions=[]))
    return made


@pytest.mark.parametrize(
    ("topic", "fields"),
    [
        (VenueTopic("ticker"), {}),
        (VenueTopic("book", "kraken", 25), {"venue": "kraken", "depth": 25}),
        (VenueTopic("candles", None, "5m", True), {"interval": "5m", "closed_only": True}),
    ],
)
def test_it_asks_for_all_of_a_venue(topic: VenueTopic, fields: dict[str, object]) -> None:
    made = venue(topic)
    channel = topic.channel
    assert made.request() == Subscribe(channel=channel, all=True, on_slow="conflate", **fields)  # type: ignore[arg-type]
    made.cut()
    assert made.state is State.WANTED
    assert made.end() == Unsubscribe(channel=channel, all=True, **fields)  # type: ignore[arg-type]


def test_each_symbol_has_one_subscription() -> None:
    made = confirmed(VenueTopic("ticker"))
    first = made.symbol(held("ETH-USDT"))
    assert first.topic == Topic("ticker", "ETH-USDT")
    assert first.waits_for_listing
    assert made.symbol(held("ETH-USDT", 9)) is first
    assert made.symbol(held("BTC-USDT")) is not first


def test_listings_of_its_venue_channel_and_option_are_its_own() -> None:
    tickers = confirmed(VenueTopic("ticker"))
    assert tickers.has(listed())
    assert tickers.has(listed(code="too_many_subscriptions"))
    assert not tickers.has(listed("kraken"))
    assert not tickers.has(listed(depth=10))
    assert not confirmed(VenueTopic("trades")).has(listed())
    assert not venue(VenueTopic("ticker")).has(listed()), "it was not confirmed yet"


def test_a_symbol_without_a_subscription_is_a_gap_of_unknown_length() -> None:
    gaps: list[StreamGap] = []
    venue(VenueTopic("ticker"), gaps).left_out(listed(code="too_many_subscriptions"))
    assert gaps == [StreamGap("ticker", "ETH-USDT", "", 1, 0, "too_many_subscriptions")]
