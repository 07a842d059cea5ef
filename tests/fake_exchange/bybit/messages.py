"""Bybit's answers and pushes, from the core's orders, fills and balances."""

import uuid

from tests.fake_exchange.bybit.disconnect_cancel import REASON as DISCONNECTED
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
FIRST_ORDER_ID = 2_000_000_000_000_000_000  # more than a float holds exactly, as Bybit's ids are
SIDES = {Side.BUY: "Buy", Side.SELL: "Sell"}
SELF_TRADES = {
    SelfTrade.ALLOW: "None",
    SelfTrade.CANCEL_MAKER: "CancelMaker",
    SelfTrade.CANCEL_TAKER: "CancelTaker",
    SelfTrade.CANCEL_BOTH: "CancelBoth",
}


def order_id(number: int) -> str:
    return str(FIRST_ORDER_ID + number)


def price_text(market: Market, price_ticks: int) -> str:
    return plain_e8(price_ticks * market.tick_e8)


def quantity_text(market: Market, lots: int) -> str:
    return plain_e8(lots * market.step_e8)


def time_text(time_us: int) -> str:
    return str(time_us // 1_000)


def exec_id(fill: Fill) -> str:
    return str(uuid.uuid5(uuid.NAMESPACE_OID, f"{fill.symbol} {fill.trade_id} {fill.order_id}"))


def status(order: Order) -> str:
    if order.state in (OrderState.CANCELED, OrderState.EXPIRED):
        if order.end_reason == WOULD_TAKE:
            return "Rejected"
        # Bybit has this state on spot alone.
        return "PartiallyFilledCanceled" if order.filled_lots else "Cancelled"
    return {OrderState.NEW: "New", OrderState.PARTIALLY_FILLED: "PartiallyFilled"}.get(order.state, "Filled")


def order_view(order: Order) -> Body:
    """An order in a query and on the stream."""
    market = order.market
    size = quantity_text(market, order.lots) if order.quote_e8 is None else plain_e8(order.quote_e8)
    fees: dict[str, int] = {}
    for fill in order.fills:
        fees[fill.fee_asset] = fees.get(fill.fee_asset, 0) + fill.fee_e8
    average_e8 = order.filled_quote_e8 * 10**8 // (order.filled_lots * market.step_e8 or 1)
    is_open = order.state.is_open
    left = order.open_lots if is_open else 0
    return {
        "category": "spot",
        "symbol": market.symbol,
        "orderId": order_id(order.order_id),
        "orderLinkId": order.client_id,
        "blockTradeId": "",
        "side": SIDES[order.side],
        "orderType": "Market" if order.price_ticks is None else "Limit",
        "price": "0" if order.price_ticks is None else price_text(market, order.price_ticks),
        "qty": size,
        "marketUnit": "" if order.price_ticks is not None else _unit(order),
        "isLeverage": "0",
        "positionIdx": 0,
        "orderStatus": status(order),
        "cancelType": _cancel_type(order),
        "rejectReason": _reject_reason(order),
        "avgPrice": plain_e8(average_e8) if order.filled_lots else "",
        "leavesQty": quantity_text(market, left),
        "leavesValue": plain_e8(market.notional_e8(order.price_ticks or 0, left)),
        "cumExecQty": quantity_text(market, order.filled_lots),
        "cumExecValue": plain_e8(order.filled_quote_e8),
        "cumExecFee": "",
        "feeCurrency": "",
        "cumFeeDetail": {asset: plain_e8(amount_e8) for asset, amount_e8 in fees.items()},
        "timeInForce": "PostOnly" if order.post_only else order.time_in_force.value,
        "stopOrderType": "",
        "orderIv": "",
        "triggerPrice": "0",
        "takeProfit": "",
        "stopLoss": "",
        "tpTriggerBy": "",
        "slTriggerBy": "",
        "triggerDirection": 0,
        "triggerBy": "",
        "lastPriceOnCreated": "",
        "reduceOnly": False,
        "closeOnTrigger": False,
        "smpType": SELF_TRADES[order.self_trade],
        "smpGroup": 0,
        "smpOrderId": "",
        "tpslMode": "",
        "createType": "CreateByUser",
        "placeType": "",
        "createdTime": time_text(order.placed_us),
        "updatedTime": time_text(order.updated_us),
    }


def execution(fill: Fill, order: Order) -> Body:
    market = order.market
    filled_lots = 0
    for earlier in order.fills:
        filled_lots += earlier.lots
        if earlier is fill:
            break
    return {
        "category": "spot",
        "symbol": market.symbol,
        "orderId": order_id(order.order_id),
        "orderLinkId": order.client_id,
        "side": SIDES[fill.side],
        "orderPrice": "0" if order.price_ticks is None else price_text(market, order.price_ticks),
        "orderQty": quantity_text(market, order.lots),
        "leavesQty": quantity_text(market, order.lots - filled_lots),
        "orderType": "Market" if order.price_ticks is None else "Limit",
        "stopOrderType": "",
        "createType": "CreateByUser",
        "execId": exec_id(fill),
        "execPrice": price_text(market, fill.price_ticks),
        "execQty": quantity_text(market, fill.lots),
        "execValue": plain_e8(fill.quote_e8),
        "execFee": plain_e8(fill.fee_e8),
        "feeCurrency": fill.fee_asset,
        "feeRate": "0.001",
        "execType": "Trade",
        "execTime": time_text(fill.time_us),
        "isMaker": fill.is_maker,
        "isLeverage": "0",
        "markPrice": "",
        "indexPrice": "",
        "underlyingPrice": "",
        "blockTradeId": "",
        "closedSize": "",
        "tradeIv": "",
        "markIv": "",
        "seq": fill.trade_id,
    }


def fast_execution(fill: Fill, order: Order) -> Body:
    names = (
        "category",
        "symbol",
        "execId",
        "execPrice",
        "execQty",
        "orderId",
        "isMaker",
        "side",
        "execTime",
        "seq",
    )
    whole = execution(fill, order)
    # Bybit: the maker's own id is left out here.
    return {name: whole[name] for name in names} | {"orderLinkId": "" if fill.is_maker else order.client_id}


def wallet(core: MatchingCore, account: str, assets: list[str]) -> Body:
    coins: list[Body] = []
    for asset in assets:
        balance = core.balance(account, asset)
        total = plain_e8(balance.free_e8 + balance.locked_e8)
        coins.append(
            {
                "coin": asset,
                "equity": total,
                "walletBalance": total,
                "locked": plain_e8(balance.locked_e8),
                "spotBorrow": "0",
                "borrowAmount": "0",
                "accruedInterest": "0",
                "availableToWithdraw": "",
                "free": "",
                "usdValue": "",
                "unrealisedPnl": "0",
                "cumRealisedPnl": "0",
                "bonus": "0",
                "collateralSwitch": True,
                "marginCollateral": True,
            }
        )
    return {
        "accountType": "UNIFIED",
        "accountIMRate": "",
        "accountMMRate": "",
        "accountLTV": "",
        "totalEquity": "",
        "totalWalletBalance": "",
        "totalMarginBalance": "",
        "totalAvailableBalance": "",
        "totalPerpUPL": "",
        "totalInitialMargin": "",
        "totalMaintenanceMargin": "",
        "coin": coins,
    }


def instrument(market: Market) -> Body:
    return {
        "symbol": market.symbol,
        "baseCoin": market.base,
        "quoteCoin": market.quote,
        "innovation": "0",
        "status": "Trading" if market.is_trading else "Closed",
        "marginTrading": "none",
        "lotSizeFilter": {
            "basePrecision": plain_e8(market.step_e8),
            "quotePrecision": "0.00000001",
            "minOrderQty": quantity_text(market, market.min_lots),
            "maxOrderQty": quantity_text(market, market.max_lots),
            "minOrderAmt": plain_e8(market.min_notional_e8),
            "maxOrderAmt": "4000000",
            "maxLimitOrderQty": quantity_text(market, market.max_lots),
            "maxMarketOrderQty": quantity_text(market, market.max_lots),
            "postOnlyMaxLimitOrderSize": quantity_text(market, market.max_lots),
        },
        "priceFilter": {"tickSize": plain_e8(market.tick_e8)},
        "riskParameters": {"priceLimitRatioX": "0.05", "priceLimitRatioY": "0.05"},
    }


def trade_id(traded: Traded) -> str:
    return str(2_290_000_000_000_000_000 + traded.trade_id)


def trade_event(traded: Traded) -> Body:
    return {
        "T": traded.time_us // 1_000,
        "s": traded.symbol,
        "S": SIDES[traded.taker_side],
        "v": plain_e8(traded.size_e8),
        "p": plain_e8(traded.price_e8),
        "i": trade_id(traded),
        "BT": False,
        "RPI": False,
        "seq": traded.trade_id,
    }


def recent_trade(traded: Traded) -> Body:
    return {
        "execId": trade_id(traded),
        "symbol": traded.symbol,
        "price": plain_e8(traded.price_e8),
        "size": plain_e8(traded.size_e8),
        "side": SIDES[traded.taker_side],
        "time": time_text(traded.time_us),
        "isBlockTrade": False,
        "isRPITrade": False,
        "seq": str(traded.trade_id),
    }


def ticker(core: MatchingCore, market: Market) -> Body:
    """Bybit's spot ticker has no best prices. The prices of a day count all that was traded here."""
    day = core.days[market.symbol].candle()
    return {
        "symbol": market.symbol,
        "lastPrice": plain_e8(day.close_e8),
        "prevPrice24h": plain_e8(day.open_e8),
        "highPrice24h": plain_e8(day.high_e8),
        "lowPrice24h": plain_e8(day.low_e8),
        "volume24h": plain_e8(day.volume_e8),
        "turnover24h": plain_e8(day.quote_e8),
        "price24hPcnt": "0",
        "usdIndexPrice": "",
    }


def candle(c: Candle, interval: str, now_us: int) -> Body:
    return {
        "start": c.begin_us // 1_000,
        "end": c.end_us // 1_000 - 1,
        "interval": interval,
        "open": plain_e8(c.open_e8),
        "close": plain_e8(c.close_e8),
        "high": plain_e8(c.high_e8),
        "low": plain_e8(c.low_e8),
        "volume": plain_e8(c.volume_e8),
        "turnover": plain_e8(c.quote_e8),
        "confirm": c.is_closed,
        "timestamp": now_us // 1_000,
    }


def candle_row(c: Candle) -> list[str]:
    amounts = (c.open_e8, c.high_e8, c.low_e8, c.close_e8, c.volume_e8, c.quote_e8)
    return [time_text(c.begin_us), *map(plain_e8, amounts)]


def _unit(order: Order) -> str:
    return "baseCoin" if order.quote_e8 is None else "quoteCoin"


def _cancel_type(order: Order) -> str:
    if order.end_reason == SELF_TRADE:
        return "CancelBySmp"
    if order.end_reason == DISCONNECTED:
        return "CancelByDCP"
    is_own = order.state is OrderState.CANCELED and not order.end_reason
    return "CancelByUser" if is_own else "UNKNOWN"


def _reject_reason(order: Order) -> str:
    if order.end_reason == WOULD_TAKE:
        return "EC_PostOnlyWillTakeLiquidity"
    if order.state is not OrderState.EXPIRED:
        return "EC_NoError"
    return "EC_NoEnoughQtyToFill" if order.time_in_force is TimeInForce.FOK else "EC_NoImmediateQtyToFill"
