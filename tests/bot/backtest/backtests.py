"""Makes backtests of the recordings in tests/recorded."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from floorwire import config
from floorwire.bot import Bot
from floorwire.bot.backtest.backtest import Backtest
from floorwire.bot.backtest.market_player import NEVER, Batch
from floorwire.bot.backtest.recorded_markets import RecordedMarkets
from floorwire.bot.bot_limits import BotLimits
from floorwire.trading.configured_rules import trading_rules

RECORDED = Path(__file__).parents[2] / "recorded"
BINANCE = f"replay:{RECORDED}/sessions/BINANCE.ws.1.0"
OKX = f"replay:{RECORDED}/okx"
MONEY = {"USDT": "1000000", "ABC": "1000"}


def backtest(
    venues: Sequence[str] = (BINANCE,),
    *settings: str,
    deposits: Mapping[str, str] = MONEY,
    limits: BotLimits | None = None,
    seed: int = 0,
) -> Recorded:
    """Return one that has not begun."""
    found = config.load(None, {}, settings, {"venue": [*venues]})
    markets = RecordedMarkets(found)
    made = markets.venues()
    rules = trading_rules(found, made[0].name)
    return Recorded(markets, Backtest(made, rules, markets.begin_us, deposits, limits=limits, seed=seed))


class Recorded(NamedTuple):
    """A backtest, and the recordings that it plays."""

    markets: RecordedMarkets
    backtest: Backtest


def played(
    bot: Bot, made: Recorded, until_us: int = NEVER, batches: Iterable[Batch] | None = None
) -> Backtest:
    """Play it to the end. ``batches``: what the recordings say; None: it is decoded."""
    for _ in made.backtest.play(bot, batches or made.markets.play(bot), until_us):
        pass
    return made.backtest
