"""Coinbase's order configurations, checked as the exchange does."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from tests.fake_exchange.coinbase.errors import OrderFailure, invalid
from tests.fake_exchange.coinbase.messages import parse_time_us
from tests.fake_exchange.coinbase.products import QUOTE_INCREMENT_E8, CoinbaseProducts, Flags
from tests.fake_exchange.market import Market, parse_e8
from tests.fake_exchange.matching import FEE_PER_MILLION
from tests.fake_exchange.orders import Side, Stop, TimeInForce

Fields = Mapping[str, object]
CONFIGURATIONS = {
    "market_market_ioc": TimeInForce.IOC,
    "limit_limit_gtc": TimeInForce.GTC,
    "limit_limit_gtd": TimeInForce.GTC,
    "limit_limit_fok": TimeInForce.FOK,
    "sor_limit_ioc": TimeInForce.IOC,
    "stop_limit_stop_limit_gtc": TimeInForce.GTC,
    "stop_limit_stop_limit_gtd": TimeInForce.GTC,
}
STOPS = frozenset({"stop_limit_stop_limit_gtc", "stop_limit_stop_limit_gtd"})
DATED = frozenset({"limit_limit_gtd", "stop_limit_stop_limit_gtd"})
DIRECTIONS = {"STOP_DIRECTION_STOP_UP": True, "STOP_DIRECTION_STOP_DOWN": False}
# These exist at Coinbase, and the fake does not have them. market_market_fok is refused on spot there too.
NOT_HERE = frozenset({"market_market_fok", "trigger_bracket_gtc", "trigger_bracket_gtd", "twap_limit_gtd"})
ORDER = frozenset(
    {"client_order_id", "product_id", "side", "order_configuration", "self_trade_prevention_id"}
    | {"retail_portfolio_id", "leverage", "margin_type"}
)


@dataclass(frozen=True)
class NewOrder:
    market: Market
    product_id: str
    side: Side
    lots: int
    price_ticks: int | None
    time_in_force: TimeInForce
    post_only: bool
    quote_e8: int | None
    end_us: int | None
    configuration: dict[str, object]
    stop: Stop | None


def text_of(fields: Fields, name: str, default: str | None = None) -> str:
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise invalid(f"{name} is required" if value is None else f"{name} has to be a string")
    return value


def parse_order(
    fields: Fields,
    products: CoinbaseProducts,
    lots_for: Callable[[str, Side, int], int],
    now_us: int,
    last_price: Callable[[str], int | None],
) -> NewOrder:
    """Everything but the client's id and the money."""
    if set(fields) - ORDER:
        raise invalid(f"unknown field {min(set(fields) - ORDER)}")
    product_id = text_of(fields, "product_id")
    market = products.find(product_id)
    if market is None:
        raise OrderFailure("INVALID_PRODUCT_ID", "Product not found")
    if text_of(fields, "side") not in ("BUY", "SELL"):
        raise invalid("side is not BUY or SELL")
    side = Side(text_of(fields, "side"))
    name, terms = _configuration(fields)
    _check_mode(products.flags(market), name, terms)
    post_only = terms.get("post_only", False)
    if not isinstance(post_only, bool):
        raise invalid("post_only has to be a boolean")
    price_ticks, quote_e8 = None, None
    if name == "market_market_ioc":
        if ("quote_size" in terms) == ("base_size" in terms) or ("quote_size" in terms and side is Side.SELL):
            raise OrderFailure("UNSUPPORTED_ORDER_CONFIGURATION")
        if "quote_size" in terms:
            quote_e8 = _amount(text_of(terms, "quote_size"), QUOTE_INCREMENT_E8, "INVALID_SIZE_PRECISION")
            if quote_e8 < market.min_notional_e8:
                raise OrderFailure("PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL")
            # Coinbase: the fee is inside of what is spent.
            spendable_e8 = quote_e8 * 1_000_000 // (1_000_000 + FEE_PER_MILLION)
            lots = lots_for(market.symbol, side, spendable_e8)
    else:
        price_ticks = price_ticks_of(market, text_of(terms, "limit_price"))
    if quote_e8 is None:
        lots = lots_of(market, text_of(terms, "base_size"))
    end_us = _end_us(text_of(terms, "end_time"), now_us) if name in DATED else None
    stop = _stop(market, side, price_ticks or 0, terms, last_price(market.symbol)) if name in STOPS else None
    if price_ticks is not None:
        check_value(market, lots, price_ticks)
    if not lots:
        raise OrderFailure("PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")
    return NewOrder(
        market, product_id, side, lots, price_ticks, CONFIGURATIONS[name], post_only, quote_e8, end_us,
        {name: terms}, stop,
    )  # fmt: skip


def _stop(market: Market, side: Side, price_ticks: int, terms: Fields, last_ticks: int | None) -> Stop:
    """Coinbase refuses a stop that would be triggered at once, or whose limit does not reach its price."""
    direction = text_of(terms, "stop_direction")
    if direction not in DIRECTIONS:
        raise invalid(f"unknown stop_direction {direction}")
    stop = Stop(price_ticks_of(market, text_of(terms, "stop_price")), DIRECTIONS[direction])
    if side is Side.BUY and price_ticks < stop.price_ticks:
        raise OrderFailure("PREVIEW_STOP_PRICE_ABOVE_LIMIT_PRICE")
    if side is Side.SELL and price_ticks > stop.price_ticks:
        raise OrderFailure("PREVIEW_STOP_PRICE_BELOW_LIMIT_PRICE")
    if last_ticks is not None and stop.is_reached(last_ticks):
        raise OrderFailure(
            "PREVIEW_STOP_PRICE_BELOW_LAST_TRADE_PRICE"
            if stop.rises
            else "PREVIEW_STOP_PRICE_ABOVE_LAST_TRADE_PRICE"
        )
    return stop


def price_ticks_of(market: Market, text: str) -> int:
    return _amount(text, market.tick_e8, "INVALID_PRICE_PRECISION") // market.tick_e8


def lots_of(market: Market, text: str) -> int:
    lots = _amount(text, market.step_e8, "INVALID_SIZE_PRECISION") // market.step_e8
    if lots < market.min_lots:
        raise OrderFailure("PREVIEW_INVALID_BASE_SIZE_TOO_SMALL")
    if lots > market.max_lots:
        raise OrderFailure("PREVIEW_INVALID_BASE_SIZE_TOO_LARGE")
    return lots


def check_value(market: Market, lots: int, price_ticks: int) -> None:
    if market.notional_e8(price_ticks, lots) < market.min_notional_e8:
        raise OrderFailure("PREVIEW_INVALID_QUOTE_SIZE_TOO_SMALL")


def _configuration(fields: Fields) -> tuple[str, dict[str, object]]:
    configuration = fields.get("order_configuration")
    if not isinstance(configuration, dict) or len(configuration) != 1:
        raise invalid("order_configuration has to have one configuration")
    ((name, terms),) = configuration.items()
    if name in NOT_HERE:
        raise OrderFailure("UNSUPPORTED_ORDER_CONFIGURATION")
    if name not in CONFIGURATIONS or not isinstance(terms, dict):
        raise invalid(f"unknown configuration {name}")
    known = {"base_size", "quote_size"} if name == "market_market_ioc" else {"base_size", "limit_price"}
    if name in ("limit_limit_gtc", "limit_limit_gtd"):
        known.add("post_only")
    if name in DATED:
        known.add("end_time")
    if name in STOPS:
        known |= {"stop_price", "stop_direction"}
    if set(terms) - known:
        raise invalid(f"unknown field {min(set(terms) - known)} in {name}")
    return name, terms


def _check_mode(flags: Flags, name: str, terms: Fields) -> None:
    if flags.view_only or flags.is_disabled:
        raise OrderFailure("UNTRADABLE_PRODUCT")
    if flags.trading_disabled or flags.cancel_only or flags.status != "online":
        raise OrderFailure("ORDER_ENTRY_DISABLED")
    if flags.limit_only and name == "market_market_ioc":
        raise OrderFailure("UNSUPPORTED_ORDER_CONFIGURATION")
    if flags.post_only and terms.get("post_only") is not True:
        raise OrderFailure("UNSUPPORTED_ORDER_CONFIGURATION")


def _end_us(text: str, now_us: int) -> int:
    end_us = parse_time_us(text)
    if end_us is None:
        raise invalid("end_time")
    if end_us <= now_us:
        raise OrderFailure("PREVIEW_INVALID_END_TIME", "End time is in the past")
    return end_us


def _amount(text: str, step_e8: int, failure: str) -> int:
    amount_e8 = parse_e8(text)
    if not amount_e8 or amount_e8 % step_e8:
        raise OrderFailure(failure)
    return amount_e8
