"""A bot over the SDK on a whole gateway: reload, and how a run ends. ``test_equal_runs`` has the rest."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest

from floorwire.bot import Bot, BotOrder, Ticker, Trades
from floorwire.bot.bot_limits import BotLimits
from floorwire.bot.live_run import BotRunError
from floorwire.bot.run import RunState
from tests.bot import late_recording
from tests.bot.paper_run import on_paper
from tests.frozen_loop import run

MONEY = {"USDT": "100000", "ABC": "100"}


class Resting(Bot):
    """Has one order far from the price."""

    symbols = ("ABC-USDT",)

    def on_start(self) -> None:
        self.events: list[str | None] = []
        self.prices = self.trades = 0

    def on_ticker(self, ticker: Ticker) -> None:
        self.prices += 1
        if not self.open_orders and ticker.feed not in ("connecting", "stale"):
            self.buy("ABC-USDT", "0.1", limit="1450")

    def on_order(self, order: BotOrder) -> None:
        self.events.append(order.event)


class Reading(Resting):
    """Reads trades in place of prices."""

    on_ticker = Bot.on_ticker

    def on_trade(self, trade: Trades) -> None:
        self.trades += 1


def test_a_reloaded_bot_has_the_orders_and_gets_its_own_channels(tmp_path: Path) -> None:
    recording = late_recording.write(tmp_path, "binance")
    first, second = Resting(), Reading()
    ended = run(
        on_paper(first, recording, tmp_path / "data", deposits=MONEY, seconds=12, after=6, then=second)
    )
    assert first.events == ["new"]
    assert first.prices > 10
    assert first.trades == 0
    assert second.events == ["cancelled"]
    assert second.trades > 10
    assert second.prices == 0
    assert (ended.state, ended.failure, ended.open_orders) == (RunState.ENDED, None, ())


def test_a_symbol_that_there_is_not(tmp_path: Path) -> None:
    bot = Resting()
    bot.symbols = ("QQ-USDT",)
    recording = late_recording.write(tmp_path, "okx")
    with pytest.raises(BotRunError, match="there is no symbol QQ-USDT; there are "):
        run(on_paper(bot, recording, tmp_path / "data", deposits=MONEY, seconds=3))


class Raising(Resting):
    def on_order(self, order: BotOrder) -> None:
        raise KeyError("oh")


def test_a_bot_that_raises_ends_the_run_and_its_orders(tmp_path: Path) -> None:
    recording = late_recording.write(tmp_path, "binance")
    ended = run(on_paper(Raising(), recording, tmp_path / "data", deposits=MONEY, seconds=12))
    assert str(ended.failure) == "Raising: KeyError: 'oh'"
    assert ended.state is RunState.ENDED
    assert ended.record.end_us - ended.record.begin_us < 6_000_000


def test_limits_hold_at_a_server_too(tmp_path: Path) -> None:
    recording = late_recording.write(tmp_path, "binance")
    limits = BotLimits(max_order_notional=Decimal(1))
    ended = run(on_paper(Resting(), recording, tmp_path / "data", deposits=MONEY, seconds=5, limits=limits))
    assert ended.record.refusals.keys() == {"max_notional"}
    assert ended.record.orders.keys() == {"refused"}
