"""The trades channel."""

from __future__ import annotations

from msgspec import UNSET

from floorwire.channels.trades import CHANNEL
from floorwire.core.market_events import Trade
from floorwire.core.notices import SymbolFeedChanged
from floorwire.protocol.channel_events import Trades, TradesFeed
from floorwire.protocol.replies import Gap
from tests.channels.stream_driver import EPOCH, RECV_US, SENT_US, Drive


def test_every_trade_is_one_message_however_alike_they_are() -> None:
    drive = Drive(CHANNEL)
    trade = Trade("BTC-USDT", "t-1", 6_543_212, 1500, "sell", 77)
    said = drive.feed(trade, trade)
    assert said == [
        Trades(
            epoch=EPOCH,
            seq=seq,
            ts=77,
            recv=RECV_US,
            sent=SENT_US,
            symbol="BTC-USDT",
            trade_id="t-1",
            price="65432.12",
            size="1.500",
            side="sell",
        )
        for seq in (1, 2)
    ]
    assert drive.state() is None


def test_a_slow_client_skips_trades_or_is_disconnected() -> None:
    assert CHANNEL.on_slow == "skip"
    assert CHANNEL.contracts == {"skip", "disconnect"}


def test_a_notice_in_a_trades_place_says_that_the_feed_is_not_current() -> None:
    drive = Drive(CHANNEL)
    trade = Trade("BTC-USDT", "t-1", 6_543_212, 1500, "sell", 77)
    notice, stale = drive.feed(SymbolFeedChanged("BTC-USDT", "stale", "link_lost", 5), trade)
    assert notice == TradesFeed(
        epoch=EPOCH,
        seq=1,
        ts=5,
        recv=RECV_US,
        sent=SENT_US,
        symbol="BTC-USDT",
        gap=Gap(1, 1, "feed"),
        feed="stale",
        reason="link_lost",
    )
    assert isinstance(stale, Trades)
    assert stale.feed == "stale"
    _, live = drive.feed(SymbolFeedChanged("BTC-USDT", "live", "heard", 6), trade)
    assert isinstance(live, Trades)
    assert live.feed is UNSET
