"""A backtest gives the very same run as the bot on a whole gateway that plays the recording at real speed."""

from __future__ import annotations

from pathlib import Path

import pytest

from floorwire import config
from floorwire.bot import Bot
from floorwire.bot.backtest.backtest import Backtest
from floorwire.bot.backtest.recorded_markets import RecordedMarkets
from floorwire.bot.run import Run
from floorwire.trading.configured_rules import trading_rules
from tests.bot import late_recording, trading_bots
from tests.bot.paper_run import on_paper
from tests.frozen_loop import run as run_frozen

MONEY = {
    "USDT": "1000000",
    "EUR": "1000000",
    "USD": "1000000",
    "ABC": "1000",
    "XYZ": "100000",
    "QRS": "10000",
}
SECONDS = 13.3
"""The recordings have some tenths of a second more."""


def in_backtest(bot: Bot, recording: Path, latency_us: int) -> Run:
    settings = config.load(None, {}, [f"paper.latency_us={latency_us}"], {"venue": [f"replay:{recording}"]})
    markets = RecordedMarkets(settings)
    venues = markets.venues()
    backtest = Backtest(venues, trading_rules(settings, venues[0].name), markets.begin_us, MONEY)
    for _ in backtest.play(bot, markets.play(bot), markets.begin_us + round(SECONDS * 1_000_000)):
        pass
    return backtest.run


def told(run: Run) -> dict[str, object]:
    """Return all of a run that has to be equal. Times are those since the first line of the bot's log."""
    begin_us = run.record.lines[0][0]
    return {
        "failure": run.failure,
        "lines": [(ts_us - begin_us, text) for ts_us, text in run.record.lines],
        "fills": [
            (fill.time - begin_us, fill.client_order_id, fill.trade_id, fill.side, fill.price, fill.quantity,
             fill.fee, fill.liquidity)
            for fill in run.record.fills
        ],
        "orders": dict(run.record.orders),
        "refusals": dict(run.record.refusals),
        "profits": dict(run.record.profits),
    }  # fmt: skip


@pytest.mark.parametrize("latency_us", [pytest.param(0, marks=pytest.mark.slow), 70_000])
@pytest.mark.parametrize("kind", ["Joiner", "Taker", "Book5", "Second", "Everything"])
@pytest.mark.parametrize("exchange", ["binance", "okx"])
def test_backtest_and_gateway_give_the_same_run(
    tmp_path: Path, kind: str, exchange: str, latency_us: int
) -> None:
    def bot() -> Bot:
        made: Bot = getattr(trading_bots, kind)()
        made.symbols = ("ABC-USDT",)
        return made

    recording = late_recording.write(tmp_path, exchange)
    expected = told(in_backtest(bot(), recording, latency_us))
    live = run_frozen(
        on_paper(bot(), recording, tmp_path / "data", deposits=MONEY, latency_us=latency_us, seconds=SECONDS)
    )
    assert shown(told(live)) == shown(expected)
    assert expected["fills"] or kind == "Second"


def shown(run: dict[str, object]) -> list[str]:
    return [
        f"{key}: {line}"
        for key, value in run.items()
        for line in (value if isinstance(value, list) else [value])
    ]
