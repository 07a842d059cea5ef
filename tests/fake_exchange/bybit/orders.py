"""Bybit's bodies of orders and amendments, checked as strictly as the exchange does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fake_exchange.bybit.errors import BybitError, bad_parameter
from tests.fake_exchange.market import Market, parse_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Order, SelfTrade, Side, TimeInForce

Fields = Mapping[str, object]
CLIENT_ID = re.compile(r"[A-Za-z0-9_\-]{1,36}")
SELF_TRADES = {
    "None": SelfTrade.ALLOW,
    "CancelMaker": SelfTrade.CANCEL_MAKER,
    "CancelTaker": SelfTrade.CANCEL_TAKER,
    "CancelBoth": SelfTrade.CANCEL_BOTH,
}
PLACE = frozenset(
    {"category", "symbol", "side", "orderType", "qty", "price", "timeInForce", "orderLinkId", "isLeverage"}
    | {"orderFilter", "marketUnit", "smpType"}
)
AMEND = frozenset({"category", "symbol", "orderId", "orderLinkId", "qty", "price"})
CANCEL = frozenset({"category", "symbol", "orderId", "orderLinkId", "orderFilter"})


@dataclass(frozen=True)
class NewOrder:
    market: Market
    side: Side
    price_ticks: int | None
    lots: int
    quote_e8: int | None
    time_in_force: TimeInForce
    post_only: bool
    client_id: str
    self_trade: SelfTrade


def refuse_unknown(fields: Fields, known: frozenset[str]) -> None:
    for name in fields:
        if name not in known:
            raise bad_parameter(name)


def text_of(fields: Fields, name: str, default: str = "") -> str:
    """Numbers are texts at Bybit."""
    value = fields.get(name, default)
    if not isinstance(value, str):
        raise bad_parameter(name)
    return value


def client_id_of(fields: Fields) -> str:
    text = text_of(fields, "orderLinkId")
    if text and not CLIENT_ID.fullmatch(text):
        raise bad_parameter("orderLinkId")
    return text


def market_of(core: MatchingCore, fields: Fields) -> Market:
    if text_of(fields, "category") != "spot":
        raise bad_parameter("category")
    market = core.markets.get(text_of(fields, "symbol"))
    if market is None or not market.is_trading:
        raise BybitError(170121, "Invalid symbol.")
    return market


def parse_order(core: MatchingCore, fields: Fields) -> NewOrder:
    refuse_unknown(fields, PLACE)
    market = market_of(core, fields)
    if text_of(fields, "side") not in ("Buy", "Sell"):
        raise bad_parameter("side")
    order_type = text_of(fields, "orderType")
    if order_type not in ("Limit", "Market"):
        raise bad_parameter("orderType")
    if text_of(fields, "orderFilter", "Order") != "Order" or fields.get("isLeverage", 0) != 0:
        raise bad_parameter("orderFilter")
    self_trade = SELF_TRADES.get(text_of(fields, "smpType", "None"))
    if self_trade is None:
        raise bad_parameter("smpType")
    side = Side.BUY if fields["side"] == "Buy" else Side.SELL
    words = text_of(fields, "timeInForce", "GTC")
    if words not in ("GTC", "IOC", "FOK", "PostOnly"):
        raise bad_parameter("timeInForce")
    is_market = order_type == "Market"
    lots, quote_e8 = _size(core, market, side, is_market, fields)
    price_ticks = None if is_market else _price_ticks(market, fields)
    if quote_e8 is None:
        _check_value(core, market, side, lots, price_ticks)
    # Bybit: a market order ends at once, whatever else it says.
    time_in_force = TimeInForce.IOC if is_market else TimeInForce.GTC
    if not is_market and words in ("IOC", "FOK"):
        time_in_force = TimeInForce(words)
    return NewOrder(
        market, side, price_ticks, lots, quote_e8, time_in_force, words == "PostOnly" and not is_market,
        client_id_of(fields), self_trade,
    )  # fmt: skip


def parse_amendment(order: Order, fields: Fields) -> tuple[int, int]:
    """The new lots, filled ones included, and the new price in ticks."""
    refuse_unknown(fields, AMEND)
    if order.price_ticks is None or not (fields.get("qty") or fields.get("price")):
        raise bad_parameter("qty")
    price_ticks = _price_ticks(order.market, fields) if fields.get("price") else order.price_ticks
    lots = _lots(order.market, fields) if fields.get("qty") else order.lots
    if lots <= order.filled_lots:
        raise BybitError(10001, "The quantity has to exceed what is filled.")
    if (lots, price_ticks) == (order.lots, order.price_ticks):
        raise BybitError(10001, "The order remains unchanged.")
    return lots, price_ticks


def _size(
    core: MatchingCore, market: Market, side: Side, is_market: bool, fields: Fields
) -> tuple[int, int | None]:
    """The lots, and the amount of the quote asset if that was named."""
    unit = text_of(fields, "marketUnit")
    if unit not in ("", "baseCoin", "quoteCoin"):
        raise bad_parameter("marketUnit")
    # Bybit: the quantity of a market buy is in the quote asset if nothing else is said.
    in_quote = unit == "quoteCoin" or (not unit and side is Side.BUY)
    if not is_market or not in_quote:
        return _lots(market, fields), None
    quote_e8 = parse_e8(text_of(fields, "qty"))
    if not quote_e8:
        raise bad_parameter("qty")
    if quote_e8 < market.min_notional_e8:
        raise BybitError(170140, "Order value exceeded lower limit.")
    lots = core.lots_for_quote(market.symbol, side, quote_e8)
    if not lots:
        raise BybitError(170136, "Order quantity exceeded lower limit.")
    return lots, quote_e8


def _lots(market: Market, fields: Fields) -> int:
    quantity_e8 = parse_e8(text_of(fields, "qty"))
    if not quantity_e8:
        raise bad_parameter("qty")
    if quantity_e8 % market.step_e8:
        raise BybitError(170137, "Order volume decimal too long.")
    lots = quantity_e8 // market.step_e8
    if lots < market.min_lots:
        raise BybitError(170136, "Order quantity exceeded lower limit.")
    if lots > market.max_lots:
        raise BybitError(170135, "Order quantity exceeded upper limit.")
    return lots


def _price_ticks(market: Market, fields: Fields) -> int:
    price_e8 = parse_e8(text_of(fields, "price"))
    if not price_e8:
        raise bad_parameter("price")
    if price_e8 % market.tick_e8:
        raise BybitError(170134, "Order price decimal too long.")
    return price_e8 // market.tick_e8


def _check_value(core: MatchingCore, market: Market, side: Side, lots: int, price_ticks: int | None) -> None:
    if price_ticks is None:
        opposite = core.levels(market.symbol, side.opposite)
        price_ticks = opposite[0][0] if opposite else 0
    if market.notional_e8(price_ticks, lots) < market.min_notional_e8:
        raise BybitError(170140, "Order value exceeded lower limit.")
