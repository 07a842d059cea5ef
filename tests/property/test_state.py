"""The state is the latest of what was said: nothing older follows when it stands in for missed messages."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from floorwire.channels import Channel, Option
from floorwire.channels.candles import CHANNEL as CANDLES
from floorwire.channels.ticker import CHANNEL as TICKER
from floorwire.core.market_events import MarketEvent
from floorwire.protocol.channel_events import AnyEvent, Candles
from tests.channels.stream_driver import Drive

from . import market_event_strategies as any_

happened_lists = st.lists(
    st.one_of(
        any_.trades,
        any_.clocks,
        any_.candles,
        any_.quotes,
        any_.snapshots,
        any_.changes,
        any_.day_stats,
    ),
    max_size=25,
)


@pytest.mark.parametrize(
    ("channel", "option"), [(TICKER, None), (CANDLES, "1s"), (CANDLES, "1m"), (CANDLES, "1d")]
)
@given(happened_lists)
def test_the_state_is_the_last_message(channel: Channel, option: Option, happened: list[MarketEvent]) -> None:
    drive = Drive(channel, option)
    last: AnyEvent | None = None
    for event in happened:
        for message in drive.feed(event):
            assert not (isinstance(message, Candles) and isinstance(last, Candles)) or (
                (last.start, last.closed) <= (message.start, message.closed)
                and not (last.closed and last.start == message.start)
            ), "a candle after a later one, or after it closed"
            last = message
        assert drive.state() == last
        if last is not None:
            assert drive.state(conflated=7) == replace(last, conflated=7)
            assert Drive(channel, option, drive.tracker, drive.seq).state() == last
