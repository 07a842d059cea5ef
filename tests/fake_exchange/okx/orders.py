"""OKX's bodies of orders and amendments, checked as strictly as the exchange does."""

import re
from collections.abc import Mapping
from dataclasses import dataclass

from tests.fake_exchange.market import Market, parse_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.okx.errors import OrderError, bad_parameter
from tests.fake_exchange.orders import Order, SelfTrade, Side, TimeInForce

Fields = Mapping[str, object]
# OKX: letters and digits only, at most 32.
CLIENT_ID = re.compile(r"[a-zA-Z0-9]{1,32}")
TAG = re.compile(r"[a-zA-Z0-9]{1,16}")
TIMES_IN_FORCE = {"ioc": TimeInForce.IOC, "fok": TimeInForce.FOK}
ORDER_TYPES = frozenset({"limit", "market", "post_only", "ioc", "fok"})
SELF_TRADES = {
    "cancel_maker": SelfTrade.CANCEL_MAKER,
    "cancel_taker": SelfTrade.CANCEL_TAKER,
    "cancel_both": SelfTrade.CANCEL_BOTH,
}
PLACE = frozenset(
    {"instId", "instIdCode", "tdMode", "side", "ordType", "sz", "px", "clOrdId", "tag", "tgtCcy"}
    | {"banAmend", "stpMode", "tradeQuoteCcy"}
)
AMEND = frozenset({"instId", "instIdCode", "ordId", "clOrdId", "newSz", "newPx", "reqId", "cxlOnFail"})
CANCEL = frozenset({"instId", "instIdCode", "ordId", "clOrdId"})


@dataclass(frozen=True)
class NewOrder:
    market: Market
    side: Side
    order_type: str
    price_ticks: int | None
    lots: int
    quote_e8: int | None
    client_id: str
    tag: str
    self_trade: SelfTrade

    @property
    def time_in_force(self) -> TimeInForce:
        return TIMES_IN_FORCE.get(self.order_type, TimeInForce.GTC)


@dataclass(frozen=True)
class Amendment:
    lots: int
    price_ticks: int
    request_id: str
    cancels_on_failure: bool


def refuse_unknown(fields: Fields, known: frozenset[str]) -> None:
    for name in fields:
        if name not in known:
            raise bad_parameter(name)


def text_of(fields: Fields, name: str) -> str:
    """An empty text is the same as none."""
    value = fields.get(name, "")
    if not isinstance(value, str):
        raise bad_parameter(name)
    return value


def client_id_of(fields: Fields, name: str = "clOrdId") -> str:
    text = text_of(fields, name)
    if text and not CLIENT_ID.fullmatch(text):
        raise bad_parameter(name)
    return text


def parse_order(core: MatchingCore, market: Market, fields: Fields) -> NewOrder:
    refuse_unknown(fields, PLACE)
    if text_of(fields, "tdMode") != "cash":
        raise bad_parameter("tdMode")
    if text_of(fields, "side") not in ("buy", "sell"):
        raise bad_parameter("side")
    order_type = text_of(fields, "ordType")
    if order_type not in ORDER_TYPES:
        raise bad_parameter("ordType")
    tag = text_of(fields, "tag")
    if tag and not TAG.fullmatch(tag):
        raise bad_parameter("tag")
    self_trade = SELF_TRADES.get(text_of(fields, "stpMode") or "cancel_maker")
    # OKX: a fill-or-kill order can not cancel both.
    if self_trade is None or (self_trade is SelfTrade.CANCEL_BOTH and order_type == "fok"):
        raise bad_parameter("stpMode")
    if text_of(fields, "tradeQuoteCcy") not in ("", market.quote):
        raise bad_parameter("tradeQuoteCcy")
    side = Side.BUY if fields["side"] == "buy" else Side.SELL
    lots, quote_e8 = _size(core, market, side, order_type, fields)
    price_ticks = None if order_type == "market" else _price_ticks(market, fields, "px")
    return NewOrder(
        market, side, order_type, price_ticks, lots, quote_e8, client_id_of(fields), tag, self_trade
    )


def parse_amendment(order: Order, fields: Fields) -> Amendment:
    refuse_unknown(fields, AMEND)
    if not text_of(fields, "newSz") and not text_of(fields, "newPx"):
        raise bad_parameter("newSz")
    assert order.price_ticks is not None
    price_ticks = _price_ticks(order.market, fields, "newPx") if fields.get("newPx") else order.price_ticks
    # OKX: the new size counts what is filled. One that is filled already ends the order as filled.
    lots = _lots(order.market, fields, "newSz") if fields.get("newSz") else order.lots
    on_failure = fields.get("cxlOnFail", False)
    if not isinstance(on_failure, bool):
        raise bad_parameter("cxlOnFail")
    return Amendment(max(lots, order.filled_lots), price_ticks, client_id_of(fields, "reqId"), on_failure)


def _size(
    core: MatchingCore, market: Market, side: Side, order_type: str, fields: Fields
) -> tuple[int, int | None]:
    """The lots, and the amount of the quote asset if that was named."""
    target = text_of(fields, "tgtCcy")
    if target not in ("", "base_ccy", "quote_ccy"):
        raise bad_parameter("tgtCcy")
    # OKX: the size of a market buy is in the quote asset if nothing else is said.
    in_quote = target == "quote_ccy" or (not target and side is Side.BUY)
    if order_type != "market" or not in_quote:
        return _lots(market, fields, "sz"), None
    quote_e8 = parse_e8(text_of(fields, "sz"))
    if not quote_e8:
        raise bad_parameter("sz")
    lots = core.lots_for_quote(market.symbol, side, quote_e8)
    if lots < market.min_lots:
        raise OrderError("51020", "Your order should meet or exceed the minimum order amount.")
    return lots, quote_e8


def _lots(market: Market, fields: Fields, name: str) -> int:
    size_e8 = parse_e8(text_of(fields, name))
    if not size_e8:
        raise bad_parameter(name)
    if size_e8 % market.step_e8:
        raise OrderError("51121", "Order quantity must be a multiple of the lot size.")
    lots = size_e8 // market.step_e8
    if lots < market.min_lots:
        raise OrderError("51020", "Your order should meet or exceed the minimum order amount.")
    if lots > market.max_lots:
        raise bad_parameter(name)
    return lots


def _price_ticks(market: Market, fields: Fields, name: str) -> int:
    price_e8 = parse_e8(text_of(fields, name))
    if not price_e8:
        raise bad_parameter(name)
    if price_e8 % market.tick_e8:
        raise OrderError("51150", "The precision of the trading price is not supported.")
    return price_e8 // market.tick_e8
