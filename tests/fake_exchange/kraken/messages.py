"""Kraken's answers, from the core's orders and fills."""

from collections.abc import Mapping

from tests.fake_exchange.kraken.names import (
    TransactionIds,
    alternative_of,
    asset_alternative,
    asset_id,
    pair_id_of,
    symbol_of,
    websocket_name_of,
)
from tests.fake_exchange.kraken.number_texts import (
    amount,
    decimals_of,
    fixed,
    increment,
    price_text,
    quantity_text,
    seconds,
)
from tests.fake_exchange.market import UNIT, Market, plain_e8
from tests.fake_exchange.matching import FEE_PER_MILLION
from tests.fake_exchange.orders import OUT_OF_TIME, SELF_TRADE, WOULD_TAKE, Fill, Order, OrderState, Side

Body = dict[str, object]
COST_DECIMALS = 5
FEE_PERCENT = FEE_PER_MILLION / 10_000


def order_type(order: Order) -> str:
    if order.stop is not None:
        return "stop-loss" if order.price_ticks is None else "stop-loss-limit"
    return "market" if order.price_ticks is None else "limit"


def fees_e8(order: Order) -> int:
    return sum(fill.fee_e8 for fill in order.fills)


def average_e8(order: Order) -> int:
    base_e8 = order.filled_lots * order.market.step_e8
    return order.filled_quote_e8 * UNIT // base_e8 if base_e8 else 0


def end_reason(order: Order) -> str:
    if order.end_reason == WOULD_TAKE:
        return "Post only order"
    if order.end_reason == SELF_TRADE:
        return "Self trade prevention"
    if order.end_reason == OUT_OF_TIME:
        return "Order expired"
    if order.state is OrderState.EXPIRED:
        return "Immediate order not fully filled"
    return order.end_reason or "User requested"


def description(order: Order) -> str:
    market, side = order.market, order.side.value.lower()
    text = f"{side} {quantity_text(market, order.lots)} {alternative_of(market)} @"
    if order.stop is not None:
        text += f" stop loss {price_text(market, order.stop.price_ticks)}"
        text += "" if order.price_ticks is None else " -> limit"
    else:
        text += f" {order_type(order)}"
    return text if order.price_ticks is None else f"{text} {price_text(market, order.price_ticks)}"


def _prices(order: Order) -> tuple[str, str]:
    """The price and price2 of a description: of a stop order the trigger's price and the limit."""
    limit = "0" if order.price_ticks is None else price_text(order.market, order.price_ticks)
    return (limit, "0") if order.stop is None else (price_text(order.market, order.stop.price_ticks), limit)


def order_flags(order: Order) -> str:
    return "post,fciq" if order.post_only else "fciq"


def order_view(order: Order, user_ref: int, end_us: int | None, ids: TransactionIds) -> Body:
    """An order as REST's queries have it, with its fills."""
    market = order.market
    states = {OrderState.FILLED: "closed", OrderState.CANCELED: "canceled", OrderState.EXPIRED: "canceled"}
    status = "expired" if order.end_reason == OUT_OF_TIME else states.get(order.state, "open")
    average = fixed(average_e8(order), decimals_of(market.tick_e8)) if order.filled_lots else "0"
    view: Body = {
        "refid": None,
        "userref": user_ref,
        "status": status,
        "opentm": seconds(order.placed_us),
        "starttm": 0,
        "expiretm": 0 if end_us is None else seconds(end_us),
        "descr": {
            "pair": alternative_of(market),
            "type": order.side.value.lower(),
            "ordertype": order_type(order),
            "price": _prices(order)[0],
            "price2": _prices(order)[1],
            "leverage": "none",
            "order": description(order),
            "close": "",
        },
        "vol": quantity_text(market, order.lots),
        "vol_exec": quantity_text(market, order.filled_lots),
        "cost": fixed(order.filled_quote_e8, COST_DECIMALS),
        "fee": fixed(fees_e8(order), COST_DECIMALS),
        "price": average,
        "stopprice": "0.00000",
        "limitprice": "0.00000",
        "misc": "",
        "oflags": order_flags(order),
    }
    if order.client_id:
        view["cl_ord_id"] = order.client_id
    if order.stop is not None:
        view |= {"stopprice": price_text(market, order.stop.price_ticks), "trigger": "last"}
    if not order.state.is_open:
        view |= {"closetm": seconds(order.updated_us), "reason": None}
        if order.state is not OrderState.FILLED:
            view["reason"] = end_reason(order)
    view["trades"] = [ids.of_fill(fill) for fill in order.fills]
    return view


def fill_view(fill: Fill, order: Order, ids: TransactionIds) -> Body:
    """A fill as TradesHistory has it."""
    market = order.market
    return {
        "ordertxid": ids.of_order(order),
        "postxid": "TKH2SE-M7IF5-CFI7LT",
        "pair": pair_id_of(market),
        "time": seconds(fill.time_us),
        "type": fill.side.value.lower(),
        "ordertype": order_type(order),
        "price": price_text(market, fill.price_ticks),
        "cost": fixed(fill.quote_e8, COST_DECIMALS),
        "fee": fixed(fill.fee_e8, COST_DECIMALS),
        "vol": quantity_text(market, fill.lots),
        "margin": "0.00000",
        "misc": "",
        "trade_id": fill.trade_id,
        "maker": fill.is_maker,
        "ledgers": [ids.make("L", f"{ids.of_fill(fill)} {side}") for side in ("base", "quote")],
    }


def asset_pair(market: Market, status: str) -> Body:
    return {
        "altname": alternative_of(market),
        "wsname": websocket_name_of(market),
        "aclass_base": "currency",
        "base": asset_id(market.base),
        "aclass_quote": "currency",
        "quote": asset_id(market.quote),
        "lot": "unit",
        "cost_decimals": COST_DECIMALS,
        "pair_decimals": decimals_of(market.tick_e8),
        "lot_decimals": decimals_of(market.step_e8),
        "lot_multiplier": 1,
        "leverage_buy": [],
        "leverage_sell": [],
        "fees": [[0, FEE_PERCENT]],
        "fees_maker": [[0, FEE_PERCENT]],
        "fee_volume_currency": "ZUSD",
        "margin_call": 80,
        "margin_stop": 40,
        "ordermin": plain_e8(market.min_lots * market.step_e8),
        "costmin": plain_e8(market.min_notional_e8),
        "tick_size": plain_e8(market.tick_e8),
        "status": status,
    }


def asset(name: str) -> Body:
    return {
        "aclass": "currency",
        "altname": asset_alternative(name),
        "decimals": 10 if name not in ("USD", "EUR", "GBP") else 4,
        "display_decimals": 5,
        "status": "enabled",
    }


def instrument_pair(market: Market, status: str) -> Body:
    """A pair of the channel `instrument`."""
    return {
        "symbol": symbol_of(market),
        "base": market.base,
        "quote": market.quote,
        "status": status,
        "qty_precision": decimals_of(market.step_e8),
        "qty_increment": increment(market.step_e8),
        "price_precision": decimals_of(market.tick_e8),
        "cost_precision": COST_DECIMALS,
        "marginable": False,
        "has_index": True,
        "cost_min": amount(market.min_notional_e8),
        "tick_size": increment(market.tick_e8),
        "price_increment": increment(market.tick_e8),
        "qty_min": increment(market.min_lots * market.step_e8),
    }


def instrument_asset(name: str) -> Body:
    return {
        "id": name,
        "status": "enabled",
        "precision": 10 if name not in ("USD", "EUR", "GBP") else 4,
        "precision_display": 5,
        "borrowable": False,
        "collateral_value": amount(0),
        "margin_rate": amount(0),
    }


def depth(market: Market, levels: Mapping[Side, list[tuple[int, int]]], now_us: int) -> Body:
    """REST writes prices with five decimals and quantities with three, unless they need more."""

    def side(side: Side) -> list[list[object]]:
        rows: list[list[object]] = []
        for price_ticks, lots in levels[side]:
            decimals = max(3, decimals_of(lots * market.step_e8))
            row_price = fixed(price_ticks * market.tick_e8, max(5, decimals_of(market.tick_e8)))
            rows.append([row_price, fixed(lots * market.step_e8, decimals), now_us // 1_000_000])
        return rows

    return {pair_id_of(market): {"asks": side(Side.SELL), "bids": side(Side.BUY)}}
