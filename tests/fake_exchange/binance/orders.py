"""Binance's parameters of an order, checked as strictly as the exchange does."""

import re
import secrets
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fake_exchange.binance.errors import BinanceError, filter_failure, illegal, missing, not_required
from tests.fake_exchange.binance.filters import check_limit, check_notional, check_price, check_stops
from tests.fake_exchange.binance.stops import STOP_TYPES, parse_stop
from tests.fake_exchange.market import Market, parse_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Side, Stop, TimeInForce

CLIENT_ID = re.compile(r"[a-zA-Z0-9\-_]{1,36}")
# The web firewall refuses words of SQL anywhere in the parameters.
FIREWALL = re.compile(r"select|union|drop", re.IGNORECASE)
SIGNING = frozenset({"timestamp", "recvWindow", "signature", "apiKey", "returnRateLimits"})
PLACE = frozenset(
    {"symbol", "side", "type", "timeInForce", "price", "quantity", "quoteOrderQty", "newClientOrderId"}
    | {"newOrderRespType", "selfTradePreventionMode", "stopPrice", "trailingDelta", "icebergQty"}
)
TYPES = ("LIMIT", "LIMIT_MAKER", "MARKET", *STOP_TYPES)
MARKET_TYPES = ("MARKET", "STOP_LOSS", "TAKE_PROFIT")
TIMED_TYPES = ("LIMIT", "STOP_LOSS_LIMIT", "TAKE_PROFIT_LIMIT")


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
    response_type: str
    stop: Stop | None


def refuse_unknown(params: Mapping[str, str], known: frozenset[str]) -> None:
    if set(params) - known - SIGNING:
        raise BinanceError(400, -1104, "Not all sent parameters were read; check the parameters sent.")
    if any(FIREWALL.search(value) for name, value in params.items() if name.endswith("ClientOrderId")):
        raise BinanceError(403, 0, "Forbidden by the web firewall.")


def market_of(core: MatchingCore, params: Mapping[str, str]) -> Market:
    if "symbol" not in params:
        raise missing("symbol")
    market = core.markets.get(params["symbol"])
    if market is None or not market.is_listed:
        raise BinanceError(400, -1121, "Invalid symbol.")
    return market


def number(params: Mapping[str, str], name: str, default: int, most: int = 10**15) -> int:
    """A parameter that is a whole number; more than `most` counts as that."""
    text = params.get(name, str(default))
    if not (text.isascii() and text.isdigit()):
        raise illegal(name)
    return min(most, int(text))


def client_id_of(params: Mapping[str, str], name: str) -> str:
    """The client's id, or one of the exchange's own."""
    if name not in params:
        return secrets.token_hex(11)
    if not CLIENT_ID.fullmatch(params[name]):
        raise illegal(name)
    return params[name]


def parse_order(core: MatchingCore, params: Mapping[str, str]) -> NewOrder:
    refuse_unknown(params, PLACE)
    market = market_of(core, params)
    for name in ("side", "type"):
        if name not in params:
            raise missing(name)
    if params["side"] not in ("BUY", "SELL"):
        raise BinanceError(400, -1117, "Invalid side.")
    kind = params["type"]
    if kind not in TYPES:
        raise BinanceError(400, -1116, "Invalid orderType.")
    if params.get("selfTradePreventionMode", "NONE") != "NONE":
        raise BinanceError(400, -1013, "This symbol does not allow the specified self-trade prevention mode.")
    if "icebergQty" in params:
        raise BinanceError(400, -1013, "Iceberg orders are not supported for this symbol.")
    response_type = params.get("newOrderRespType", "FULL" if kind in ("LIMIT", "MARKET") else "ACK")
    if response_type not in ("ACK", "RESULT", "FULL"):
        raise illegal("newOrderRespType")
    side = Side(params["side"])
    lots, quote_e8 = _size(core, market, side, kind, params)
    return NewOrder(
        market,
        side,
        _price_ticks(market, kind, params),
        lots,
        quote_e8,
        _time_in_force(kind, params),
        kind == "LIMIT_MAKER",
        client_id_of(params, "newClientOrderId"),
        response_type,
        parse_stop(market, kind, side, params),
    )


def check_filters(core: MatchingCore, account: str, order: NewOrder) -> None:
    market = order.market
    check_limit(order.price_ticks, core.last_price(market.symbol))
    if order.quote_e8 is None:
        check_notional(core, market, order.side, order.lots, order.price_ticks, order.stop)
    if order.stop is not None:
        check_stops(core, account, market.symbol)


def _size(
    core: MatchingCore, market: Market, side: Side, kind: str, params: Mapping[str, str]
) -> tuple[int, int | None]:
    """The lots, and the amount of the quote asset if that was named: by market orders alone."""
    text = params.get("quoteOrderQty")
    if text is None:
        if "quantity" not in params:
            raise missing("quantity")
        return _lots(market, params["quantity"]), None
    if kind != "MARKET" or "quantity" in params:
        raise not_required("quoteOrderQty")
    quote_e8 = parse_e8(text)
    if quote_e8 is None:
        raise illegal("quoteOrderQty")
    lots = core.lots_for_quote(market.symbol, side, quote_e8)
    if quote_e8 < market.min_notional_e8 or not lots:
        raise filter_failure("NOTIONAL")
    return lots, quote_e8


def parse_new_quantity(market: Market, params: Mapping[str, str]) -> int:
    if "newQty" not in params:
        raise missing("newQty")
    return _lots(market, params["newQty"])


def _time_in_force(kind: str, params: Mapping[str, str]) -> TimeInForce:
    text = params.get("timeInForce")
    if kind not in TIMED_TYPES:
        if text is not None:
            raise not_required("timeInForce")
        return TimeInForce.GTC
    if text is None:
        raise missing("timeInForce")
    if text not in ("GTC", "IOC", "FOK"):
        raise BinanceError(400, -1115, "Invalid timeInForce.")
    return TimeInForce(text)


def _price_ticks(market: Market, kind: str, params: Mapping[str, str]) -> int | None:
    if kind in MARKET_TYPES:
        if "price" in params:
            raise not_required("price")
        return None
    if "price" not in params:
        raise missing("price")
    price_e8 = parse_e8(params["price"])
    if price_e8 is None:
        raise illegal("price")
    check_price(market, price_e8)
    return price_e8 // market.tick_e8


def _lots(market: Market, text: str) -> int:
    quantity_e8 = parse_e8(text)
    if quantity_e8 is None:
        raise illegal("quantity")
    if quantity_e8 <= 0 or quantity_e8 % market.step_e8 or quantity_e8 // market.step_e8 > market.max_lots:
        raise filter_failure("LOT_SIZE")
    return quantity_e8 // market.step_e8
