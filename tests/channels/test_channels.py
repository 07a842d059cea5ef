"""The package of channels: what is offered, and how options are refused."""

from __future__ import annotations

import pytest
from msgspec import UNSET

from floorwire.channels import BadOptionError, Channel, discover
from floorwire.core.market_events import BookSnapshot, FeedStatus, Listing, Quote, Trade, VenueTime
from floorwire.core.notices import DrainBegun, SecondPassed, VenueFeedChanged
from floorwire.protocol.channel_events import Event, TradesFeed
from tests.channels.stream_driver import BTC, Drive

CHANNELS = discover()

HAPPENINGS = (
    Listing((BTC,), 5),
    VenueTime(10),
    Trade("BTC-USDT", "1", 100, 1, "buy", 20),
    Quote("BTC-USDT", 99, 1, 101, 1, 21),
    BookSnapshot("BTC-USDT", ((99, 1),), ((101, 1),), 22),
    SecondPassed(30),
    VenueFeedChanged("sim", FeedStatus(None, "stale", "silent", 31)),
    DrainBegun(5, 32),
)


@pytest.fixture(params=sorted(CHANNELS))
def channel(request: pytest.FixtureRequest) -> Channel:
    return CHANNELS[str(request.param)]


def test_every_module_here_is_a_channel() -> None:
    assert set(CHANNELS) == {"ticker", "trades", "book", "candles", "heartbeat", "system"}


def test_the_default_contract_is_one_of_the_contracts(channel: Channel) -> None:
    assert channel.on_slow in channel.contracts
    assert "disconnect" in channel.contracts


def test_what_an_option_defaults_to() -> None:
    defaults = {name: channel.option(None, None) for name, channel in CHANNELS.items()}
    assert defaults == {
        "ticker": None,
        "trades": None,
        "book": 10,
        "candles": "1m",
        "heartbeat": None,
        "system": None,
    }


def test_the_option_of_another_channel_is_refused_by_its_name(channel: Channel) -> None:
    if channel.name != "book":
        with pytest.raises(BadOptionError) as refused:
            channel.option(10, None)
        assert refused.value.field == "depth"
    if channel.name != "candles":
        with pytest.raises(BadOptionError) as refused:
            channel.option(None, "1m")
        assert refused.value.field == "interval"


def test_a_stream_says_only_what_it_listens_to_and_can_be_conflated_where_it_has_a_state(
    channel: Channel,
) -> None:
    drive = Drive(channel, channel.option(None, None))
    assert drive.state() is None
    for event in HAPPENINGS:
        if not isinstance(event, channel.event_types):
            drive.tracker.apply(event)
            assert drive.follow(event) == []
    said = drive.feed(*HAPPENINGS)
    assert said
    state = drive.state(conflated=3)
    if "conflate" in channel.contracts:
        assert state is not None
        assert not isinstance(state, TradesFeed)
        assert (state.seq, state.conflated) == (drive.seq, 3)
        assert drive.state() != state
    else:
        assert state is None
    assert not [message for message in said if isinstance(message, Event) and message.conflated is not UNSET]
