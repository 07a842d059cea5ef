"""The trades channel."""

from __future__ import annotations

from floorwire.channels.trades import CHANNEL
from floorwire.core.market_events import Trade
from floorwire.protocol.channel_events import Trades
from tests.channels.drive import EPOCH, RECV_US, SENT_US, Drive


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
