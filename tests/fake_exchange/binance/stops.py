"""Binance's stop orders: their types, in which direction the price has to go, and what they may name."""

from collections.abc import Mapping

from tests.fake_exchange.binance.errors import BinanceError, illegal, not_required
from tests.fake_exchange.binance.filters import check_price
from tests.fake_exchange.market import Market, parse_e8
from tests.fake_exchange.orders import Side, Stop

STOP_TYPES = ("STOP_LOSS", "STOP_LOSS_LIMIT", "TAKE_PROFIT", "TAKE_PROFIT_LIMIT")


def rises(kind: str, side: Side) -> bool:
    """Binance: the stop price is above the market's for STOP_LOSS BUY and TAKE_PROFIT SELL."""
    return kind.startswith("STOP_LOSS") is (side is Side.BUY)


def stop_type(side: Side, stop: Stop, price_ticks: int | None) -> str:
    kind = "STOP_LOSS" if stop.rises is (side is Side.BUY) else "TAKE_PROFIT"
    return kind if price_ticks is None else f"{kind}_LIMIT"


def parse_stop(market: Market, kind: str, side: Side, params: Mapping[str, str]) -> Stop | None:
    """The stop of an order. None: its type has none."""
    if kind not in STOP_TYPES:
        for name in ("stopPrice", "trailingDelta"):
            if name in params:
                raise not_required(name)
        return None
    if "trailingDelta" in params:
        # exchangeInfo says it: allowTrailingStop.
        raise BinanceError(400, -1013, "Trailing stop orders are not supported for this symbol.")
    text = params.get("stopPrice")
    if not text:
        raise BinanceError(
            400, -1102, "Param 'stopPrice' or 'trailingDelta' must be sent, but both were empty/null!"
        )
    price_e8 = parse_e8(text)
    if price_e8 is None:
        raise illegal("stopPrice")
    check_price(market, price_e8)
    return Stop(price_e8 // market.tick_e8, rises(kind, side))


def check_trigger(stop: Stop, last_ticks: int | None) -> None:
    """The engine refuses a stop that the last price has reached already."""
    if last_ticks is not None and stop.is_reached(last_ticks):
        # The documents have "Order would trigger immediately." The exchange says this since 2020 (ccxt 8194).
        raise BinanceError(400, -2010, "Stop price would trigger immediately.")
