"""Backtests: the same again, the order of what happens, and how they end."""

from __future__ import annotations

from collections.abc import Sequence
from decimal import Decimal
from typing import ClassVar

import pytest

from floorwire.bot import Bot, BotOrder, OrderRejectedError, Ticker, Trades
from floorwire.bot.backtest.market_player import BacktestError
from floorwire.bot.bot_limits import BotLimits
from floorwire.bot.run import Run, RunState
from floorwire.config import SettingsError
from tests.bot import trading_bots
from tests.bot.backtest.backtests import BINANCE, OKX, backtest, played


def everything(symbol: str = "ABC-USDT") -> Bot:
    bot = trading_bots.Everything()
    bot.symbols = (symbol,)
    return bot


def everything_at(symbols: Sequence[str]) -> Bot:
    bot = everything()
    bot.symbols = symbols
    return bot


def result(run: Run) -> object:
    record = run.record
    return [*record.lines], [*record.fills], record.orders, record.profits, record.curves["USDT"].points


def test_the_same_again_for_a_seed() -> None:
    first, again, other = (played(everything(), backtest(seed=seed)).run for seed in (5, 5, 6))
    assert result(first) == result(again)
    assert result(first) != result(other)
    assert first.record.fill_count > 10


def test_what_was_decoded_before_gives_the_same() -> None:
    venues, settings = [BINANCE, OKX], "paper.latency_us=30000"
    bots = [everything(), everything(), everything()]
    for bot in bots:
        bot.symbols = ("ABC-USDT", "okx:ABC-USDT")
    deposits = {"USDT": "100000", "ABC": "1000", "okx:USDT": "100000", "okx:ABC": "1000"}
    plain = played(bots[0], backtest(venues, settings, deposits=deposits))
    made = backtest(venues, settings, deposits=deposits)
    batches = list(made.markets.play(everything_at(bots[0].symbols)))
    for bot in bots[1:]:
        again = played(bot, backtest(venues, settings, deposits=deposits), batches=batches)
        assert result(plain.run) == result(again.run)
        assert plain.market_events == again.market_events
    assert {fill.symbol for fill in plain.run.record.fills} == {"ABC-USDT", "okx:ABC-USDT"}


def test_accounts_are_conserved() -> None:
    made = played(everything(), backtest())
    assert made.order_manager.conserved()


class Impatient(Bot):
    """Buys at the first price, and notes when it hears of it."""

    symbols = ("ABC-USDT",)

    def on_start(self) -> None:
        self.heard: list[tuple[str | None, int]] = []

    def on_ticker(self, ticker: Ticker) -> None:
        if ticker.ask is not None and ticker.feed not in ("connecting", "stale") and not self.heard:
            self.sent_us = self.now_us
            self.buy("ABC-USDT", "0.1")
            self.heard.append(("sent", 0))

    def on_order(self, order: BotOrder) -> None:
        self.heard.append((order.event, self.now_us - self.sent_us))


@pytest.mark.parametrize("latency_us", [0, 123_457])
def test_orders_reach_the_market_after_the_latency(latency_us: int) -> None:
    bot = Impatient()
    played(bot, backtest((BINANCE,), f"paper.latency_us={latency_us}"))
    assert bot.heard == [("sent", 0), ("new", 0), ("fill", latency_us)]


class Timed(Bot):
    symbols = ("ABC-USDT",)
    timer_s: ClassVar[float] = 0.75

    def on_start(self) -> None:
        self.times = [self.now_us]

    def on_timer(self) -> None:
        self.times.append(self.now_us)


def test_timer() -> None:
    bot = Timed()
    run = played(bot, backtest()).run
    assert len(bot.times) > 10
    assert {later - earlier for earlier, later in zip(bot.times, bot.times[1:], strict=False)} == {750_000}
    assert run.state is RunState.ENDED


class Raising(Bot):
    symbols = ("ABC-USDT",)

    def on_trade(self, trade: Trades) -> None:
        self.buy(trade.symbol, "0.1", limit="1")
        raise KeyError("oh")

    def on_stop(self) -> None:
        raise AssertionError("it is not asked any more")


def test_a_bot_that_raises_ends_the_run() -> None:
    run = played(Raising(), backtest()).run
    assert run.failure is not None
    assert str(run.failure) == "Raising: KeyError: 'oh'"
    assert run.state is RunState.ENDED


class Loser(Bot):
    symbols = ("ABC-USDT",)

    def on_start(self) -> None:
        self.codes: list[str] = []

    def on_trade(self, trade: Trades) -> None:
        if self.position(trade.symbol):
            self.sell(trade.symbol, "1")
        else:
            self.buy(trade.symbol, "1")

    def on_refused(self, order: BotOrder, error: OrderRejectedError) -> None:
        self.codes.append(error.code)


def test_max_loss_ends_the_run() -> None:
    free = played(Loser(), backtest()).run
    lost = -free.record.profits["USDT"]
    assert lost > 5
    made = backtest(limits=BotLimits(max_loss=Decimal(5)))
    run = played(Loser(), made).run
    assert run.ending.startswith("stopped: it lost 5.")
    assert 5 <= -run.record.profits["USDT"] < lost
    assert run.record.fill_count < free.record.fill_count


def test_without_a_deposit_there_is_play_money_of_each_quote() -> None:
    bot = Loser()
    run = played(bot, backtest(deposits={})).run
    assert run.record.fill_count > 5
    poor = Loser()
    played(poor, backtest(deposits={"USDT": "100"}))
    assert "insufficient_balance" in poor.codes


def test_open_orders_are_cancelled_at_the_end() -> None:
    class Resting(Bot):
        symbols = ("ABC-USDT",)

        def on_trade(self, trade: Trades) -> None:
            if not self.open_orders:
                self.buy(trade.symbol, "0.1", limit="1000")

    run = played(Resting(), backtest((BINANCE,), "paper.latency_us=50000")).run
    assert run.open_orders == ()
    assert run.record.orders["cancelled"] == 1


def test_it_ends_at_a_time() -> None:
    made = backtest()
    until_us = made.markets.begin_us + 4_000_000
    run = played(everything(), made, until_us).run
    assert run.record.end_us == until_us
    assert run.record.lines[-1][0] <= until_us


def test_what_cannot_be_run() -> None:
    with pytest.raises(
        BacktestError, match="there is no symbol QQ-USDT; there are ABC-USDT, XYZ-EUR, QRS-USDT"
    ):
        played(everything("QQ-USDT"), backtest())
    with pytest.raises(BacktestError, match="deposit USDT=much: amount"):
        played(everything(), backtest(deposits={"USDT": "much"}))
    with pytest.raises(SettingsError, match="venue: sim is no recording"):
        backtest(("sim",))
