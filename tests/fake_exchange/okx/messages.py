"""OKX's answers and pushes, from the core's orders, fills and balances."""

from tests.fake_exchange.market import Market, plain_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import (
    SELF_TRADE,
    WOULD_TAKE,
    Fill,
    Order,
    OrderState,
    SelfTrade,
    Side,
    TimeInForce,
    Traded,
)
from tests.fake_exchange.trade_statistics import Candle

Body = dict[str, object]
STATES = {
    OrderState.NEW: "live",
    OrderState.PARTIALLY_FILLED: "partially_filled",
    OrderState.FILLED: "filled",
    OrderState.CANCELED: "canceled",
    OrderState.EXPIRED: "canceled",
}
SELF_TRADES = {
    SelfTrade.ALLOW: "",
    SelfTrade.CANCEL_MAKER: "cancel_maker",
    SelfTrade.CANCEL_TAKER: "cancel_taker",
    SelfTrade.CANCEL_BOTH: "cancel_both",
}


FIRST_ORDER_ID = 2_000_000_000_000_000_000  # more than a float holds exactly, as OKX's ids are


def ord_id(order_id: int) -> str:
    return str(FIRST_ORDER_ID + order_id)


def inst_id(market: Market) -> str:
    return f"{market.base}-{market.quote}"


def price_text(market: Market, price_ticks: int) -> str:
    return plain_e8(price_ticks * market.tick_e8)


def size_text(market: Market, lots: int) -> str:
    return plain_e8(lots * market.step_e8)


def time_text(time_us: int) -> str:
    return str(time_us // 1_000)


def order_type(order: Order) -> str:
    if order.price_ticks is None:
        return "market"
    if order.post_only:
        return "post_only"
    return {TimeInForce.IOC: "ioc", TimeInForce.FOK: "fok"}.get(order.time_in_force, "limit")


def cancel_source(order: Order) -> str:
    """Why the order ended: 1 by its owner, 31 post-only that would take."""
    if order.state not in (OrderState.CANCELED, OrderState.EXPIRED):
        return ""
    if order.end_reason in (WOULD_TAKE, SELF_TRADE):
        return "31" if order.end_reason == WOULD_TAKE else "32"
    if order.state is OrderState.CANCELED:
        return "1"
    return "13" if order.time_in_force is TimeInForce.FOK else "14"


def order_view(order: Order, tag: str) -> Body:
    """The answer to a query. It has the last fill."""
    last = order.fills[-1] if order.fills else None
    return _order(order, tag) | _fill_fields(order.market, last)


def order_push(order: Order, tag: str, fill: Fill | None) -> Body:
    """One frame of the orders channel. Without a fill its fields are empty."""
    fields = _fill_fields(order.market, fill)
    return _order(order, tag) | fields | {
        "fillFee": "0" if fill is None else plain_e8(-fill.fee_e8),
        "fillFeeCcy": "" if fill is None else fill.fee_asset,
        "fillSz": fields["fillSz"] or "0",
        "execType": "" if fill is None else _maker_or_taker(fill),
        "fillPnl": "0",
        "fillNotionalUsd": "",
        "notionalUsd": "",
        "amendResult": "",
        "reqId": "",
        "code": "0",
        "msg": "",
    }  # fmt: skip


def fill_view(fill: Fill, order: Order, tag: str, bill_id: int) -> Body:
    market = order.market
    return {
        "instType": "SPOT",
        "instId": inst_id(market),
        "tradeId": str(fill.trade_id),
        "ordId": ord_id(fill.order_id),
        "clOrdId": order.client_id,
        "billId": str(bill_id),
        "tag": tag,
        "fillPx": price_text(market, fill.price_ticks),
        "fillSz": size_text(market, fill.lots),
        "fillIdxPx": "",
        "fillPnl": "0",
        "side": fill.side.value.lower(),
        "posSide": "",
        "execType": _maker_or_taker(fill),
        "feeCcy": fill.fee_asset,
        "fee": plain_e8(-fill.fee_e8),
        "ts": time_text(fill.time_us),
        "fillTime": time_text(fill.time_us),
        "feeRate": "-0.001",
    }


def balance_details(core: MatchingCore, account: str, assets: list[str], now_us: int) -> list[Body]:
    details: list[Body] = []
    for asset in assets:
        balance = core.balance(account, asset)
        cash = plain_e8(balance.free_e8 + balance.locked_e8)
        details.append(
            {
                "ccy": asset,
                "cashBal": cash,
                "eq": cash,
                "availBal": plain_e8(balance.free_e8),
                "availEq": "",
                "frozenBal": plain_e8(balance.locked_e8),
                "ordFrozen": plain_e8(balance.locked_e8),
                "eqUsd": "",
                "disEq": "",
                "liab": "",
                "upl": "",
                "uTime": time_text(now_us),
            }
        )
    return details


def held_assets(core: MatchingCore, account: str) -> list[str]:
    """OKX lists no asset of which there is nothing."""
    return [asset for asset, b in core.balances(account).items() if b.free_e8 or b.locked_e8]


def account_body(core: MatchingCore, account: str, assets: list[str], now_us: int) -> Body:
    return {
        "uTime": time_text(now_us),
        "totalEq": "",
        "adjEq": "",
        "imr": "",
        "isoEq": "0",
        "mgnRatio": "",
        "mmr": "",
        "ordFroz": "",
        "notionalUsd": "",
        "upl": "",
        "details": balance_details(core, account, assets, now_us),
    }


def instrument(market: Market, code: int, *, listed_us: int, expires_us: int | None = None) -> Body:
    return {
        "instType": "SPOT",
        "instId": inst_id(market),
        "instIdCode": code,
        "baseCcy": market.base,
        "quoteCcy": market.quote,
        "tickSz": plain_e8(market.tick_e8),
        "lotSz": plain_e8(market.step_e8),
        "minSz": size_text(market, market.min_lots),
        "maxLmtSz": size_text(market, market.max_lots),
        "maxMktSz": "1000000",
        "maxLmtAmt": "20000000",
        "maxMktAmt": "1000000",
        "state": "live" if market.is_trading else "expired",
        "listTime": time_text(listed_us),
        "contTdSwTime": "",
        "expTime": "" if expires_us is None else time_text(expires_us),
        "openType": "",
        "ruleType": "normal",
        "category": "1",
        "alias": "",
        "ctMult": "",
        "ctType": "",
        "ctVal": "",
        "ctValCcy": "",
        "settleCcy": "",
        "instFamily": "",
        "uly": "",
        "lever": "",
        "optType": "",
        "stk": "",
        "groupId": "1",
        "tradeQuoteCcyList": [market.quote],
    }


def trade(market: Market, traded: Traded, size_e8: int) -> Body:
    return {
        "instId": inst_id(market),
        "tradeId": str(traded.trade_id),
        "px": plain_e8(traded.price_e8),
        "sz": plain_e8(size_e8),
        "side": traded.taker_side.value.lower(),
        "ts": time_text(traded.time_us),
        "source": "0",
    }


def ticker(core: MatchingCore, market: Market, now_us: int) -> Body:
    """OKX: an empty text where there is nothing. The numbers of a day count all that was traded here."""
    tops = {}
    for side, name in ((Side.BUY, "bid"), (Side.SELL, "ask")):
        top = core.levels(market.symbol, side)[:1]
        tops[f"{name}Px"] = price_text(market, top[0][0]) if top else ""
        tops[f"{name}Sz"] = size_text(market, top[0][1]) if top else ""
    trades = core.days[market.symbol]
    day = trades.candle()
    return {
        "instType": "SPOT",
        "instId": inst_id(market),
        "last": plain_e8(day.close_e8) if day.trades else "",
        "lastSz": plain_e8(trades.last_size_e8) if day.trades else "",
        **tops,
        "open24h": plain_e8(day.open_e8) if day.trades else "",
        "high24h": plain_e8(day.high_e8) if day.trades else "",
        "low24h": plain_e8(day.low_e8) if day.trades else "",
        "vol24h": plain_e8(day.volume_e8),
        "volCcy24h": plain_e8(day.quote_e8),
        "sodUtc0": "",
        "sodUtc8": "",
        "ts": time_text(now_us),
    }


def candle(c: Candle) -> list[str]:
    """OKX: open time, prices, volume, the quote amount twice, and whether it is closed."""
    amounts = (c.open_e8, c.high_e8, c.low_e8, c.close_e8, c.volume_e8, c.quote_e8, c.quote_e8)
    return [time_text(c.begin_us), *map(plain_e8, amounts), "1" if c.is_closed else "0"]


def _maker_or_taker(fill: Fill) -> str:
    return "M" if fill.is_maker else "T"


def _fill_fields(market: Market, fill: Fill | None) -> Body:
    if fill is None:
        return {"tradeId": "", "fillPx": "", "fillSz": "", "fillTime": ""}
    return {
        "tradeId": str(fill.trade_id),
        "fillPx": price_text(market, fill.price_ticks),
        "fillSz": size_text(market, fill.lots),
        "fillTime": time_text(fill.time_us),
    }


def _order(order: Order, tag: str) -> Body:
    market = order.market
    size = size_text(market, order.lots) if order.quote_e8 is None else plain_e8(order.quote_e8)
    target = ""
    if order.price_ticks is None:
        target = "base_ccy" if order.quote_e8 is None else "quote_ccy"
    average_e8 = order.filled_quote_e8 * 10**8 // (order.filled_lots * market.step_e8 or 1)
    return {
        "instType": "SPOT",
        "instId": inst_id(market),
        "ordId": ord_id(order.order_id),
        "clOrdId": order.client_id,
        "tag": tag,
        "px": "" if order.price_ticks is None else price_text(market, order.price_ticks),
        "sz": size,
        "ordType": order_type(order),
        "side": order.side.value.lower(),
        "posSide": "",
        "tdMode": "cash",
        "tgtCcy": target,
        "ccy": "",
        "accFillSz": size_text(market, order.filled_lots),
        "avgPx": plain_e8(average_e8),
        "state": STATES[order.state],
        "fee": plain_e8(-sum(fill.fee_e8 for fill in order.fills)),
        "feeCcy": market.base if order.side is Side.BUY else market.quote,
        "rebate": "0",
        "rebateCcy": market.quote if order.side is Side.BUY else market.base,
        "pnl": "0",
        "source": "",
        "category": "normal",
        "lever": "",
        "reduceOnly": "false",
        "stpId": "",
        "stpMode": SELF_TRADES[order.self_trade],
        "cancelSource": cancel_source(order),
        "cancelSourceReason": "",
        "attachAlgoOrds": [],
        "algoId": "",
        "algoClOrdId": "",
        "isTpLimit": "false",
        "cTime": time_text(order.placed_us),
        "uTime": time_text(order.updated_us),
        "tradeQuoteCcy": market.quote,
    }
