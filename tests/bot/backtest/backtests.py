"""Makes backtests of the recordings in tests/recorded."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from floorwire import config
from floorwire.bot import Bot
from floorwire.bot.backtest.backtest import NEVER, Backtest
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
    is_taped: bool = False,
) -> Backtest:
    """Return one that has not begun."""
    found = config.load(None, {}, settings, {"venue": [*venues]})
    markets = RecordedMarkets(found)
    made = markets.venues()
    if is_taped:
        decoders = list(markets.decoders())
        for decoder in decoders:
            for _ in decoder.steps():
                pass
        made = markets.taped([decoder.tape() for decoder in decoders])
    rules = trading_rules(found, made[0].name)
    return Backtest(made, rules, markets.begin_us, deposits, limits=limits, seed=seed)


def played(bot: Bot, made: Backtest, until_us: int = NEVER) -> Backtest:
    """Play it to the end."""
    for _ in made.play(bot, until_us):
        pass
    return made
