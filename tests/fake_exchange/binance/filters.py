"""Binance's filters of an order's prices, its value, and how many stop orders an account may have."""

from tests.fake_exchange.binance.errors import filter_failure
from tests.fake_exchange.market import UNIT, Market
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side, Stop

MAX_PRICE_E8 = 1_000_000 * UNIT
MAX_PRICE_RATIO = 5
"""A limit may be five times the last price, or a fifth of it."""
MAX_STOPS = 5
"""How many open stop orders an account may have in a market, triggered ones included."""


def check_price(market: Market, price_e8: int) -> None:
    """PRICE_FILTER, for the limit and for the stop price."""
    if not 0 < price_e8 <= MAX_PRICE_E8 or price_e8 % market.tick_e8:
        raise filter_failure("PRICE_FILTER")


def check_limit(price_ticks: int | None, last_ticks: int | None) -> None:
    """PERCENT_PRICE_BY_SIDE is for the limit alone, and measures from the last price: avgPriceMins is 0."""
    if price_ticks is None or last_ticks is None:
        return
    if not last_ticks <= price_ticks * MAX_PRICE_RATIO <= last_ticks * MAX_PRICE_RATIO**2:
        raise filter_failure("PERCENT_PRICE_BY_SIDE")


def check_notional(
    core: MatchingCore, market: Market, side: Side, lots: int, price_ticks: int | None, stop: Stop | None
) -> None:
    """A stop order without a limit is worth what its stop price says."""
    if price_ticks is None and stop is not None:
        price_ticks = stop.price_ticks
    if price_ticks is None:
        opposite = core.levels(market.symbol, side.opposite)
        if not opposite:
            raise filter_failure("MARKET_LOT_SIZE")
        price_ticks = opposite[0][0]
    if market.notional_e8(price_ticks, lots) < market.min_notional_e8:
        raise filter_failure("NOTIONAL")


def check_stops(core: MatchingCore, account: str, symbol: str) -> None:
    """MAX_NUM_ALGO_ORDERS, before a further stop order."""
    if sum(order.stop is not None for order in core.open_orders(account, symbol)) >= MAX_STOPS:
        raise filter_failure("MAX_NUM_ALGO_ORDERS")
