"""Binance's answers and events, from the core's orders, fills and levels."""

from collections.abc import Sequence

from tests.fake_exchange.market import Market, text_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Fill, Order, OrderChanged, Side, Traded
from tests.fake_exchange.trade_statistics import Candle

Body = dict[str, object]


def order_type(order: Order) -> str:
    if order.price_ticks is None:
        return "MARKET"
    return "LIMIT_MAKER" if order.post_only else "LIMIT"


def order_price(order: Order) -> str:
    return order.market.price_text(order.price_ticks or 0)


def order_view(order: Order) -> Body:
    """The answer to a query of an order."""
    return _common(order) | {
        "stopPrice": "0.00000000",
        "icebergQty": "0.00000000",
        "time": order.placed_us // 1_000,
        "updateTime": order.updated_us // 1_000,
        "isWorking": True,
    }


def placed(order: Order, response_type: str) -> Body:
    ack: Body = {
        "symbol": order.market.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "transactTime": order.placed_us // 1_000,
    }
    if response_type == "ACK":
        return ack
    result = ack | _common(order)
    if response_type == "RESULT":
        return result
    fills = [
        {
            "price": order.market.price_text(fill.price_ticks),
            "qty": order.market.quantity_text(fill.lots),
            "commission": text_e8(fill.fee_e8),
            "commissionAsset": fill.fee_asset,
            "tradeId": fill.trade_id,
        }
        for fill in order.fills
    ]
    return result | {"fills": fills}


def cancelled(order: Order, request_id: str) -> Body:
    return _common(order) | {
        "origClientOrderId": order.client_id,
        "clientOrderId": request_id,
        "transactTime": order.updated_us // 1_000,
    }


def trade_view(fill: Fill, market: Market) -> Body:
    return {
        "symbol": fill.symbol,
        "id": fill.trade_id,
        "orderId": fill.order_id,
        "orderListId": -1,
        "price": market.price_text(fill.price_ticks),
        "qty": market.quantity_text(fill.lots),
        "quoteQty": text_e8(fill.quote_e8),
        "commission": text_e8(fill.fee_e8),
        "commissionAsset": fill.fee_asset,
        "time": fill.time_us // 1_000,
        "isBuyer": fill.side is Side.BUY,
        "isMaker": fill.is_maker,
        "isBestMatch": True,
    }


def execution_report(changed: OrderChanged, execution_id: int) -> Body:
    order, fill = changed.order, changed.fill
    is_cancel = changed.kind == "CANCELED"
    time_ms = order.updated_us // 1_000
    return {
        "e": "executionReport",
        "E": time_ms,
        "s": order.market.symbol,
        # In the report of a cancel, c is the cancel's own id and C the order's.
        "c": changed.request_id if is_cancel else order.client_id,
        "S": order.side.value,
        "o": order_type(order),
        "f": order.time_in_force.value,
        "q": order.market.quantity_text(order.lots),
        "p": order_price(order),
        "P": "0.00000000",
        "F": "0.00000000",
        "g": -1,
        "C": order.client_id if is_cancel else "",
        "x": changed.kind,
        "X": order.state.value,
        "r": "NONE",
        "i": order.order_id,
        "l": order.market.quantity_text(fill.lots if fill else 0),
        "z": order.market.quantity_text(order.filled_lots),
        "L": order.market.price_text(fill.price_ticks if fill else 0),
        "n": text_e8(fill.fee_e8) if fill else "0",
        "N": fill.fee_asset if fill else None,
        "T": time_ms,
        "t": fill.trade_id if fill else -1,
        "I": execution_id,
        "w": order.state.is_open,
        "m": bool(fill and fill.is_maker),
        "M": False,
        "O": order.placed_us // 1_000,
        "Z": text_e8(order.filled_quote_e8),
        "Y": text_e8(fill.quote_e8 if fill else 0),
        "Q": text_e8(order.quote_e8 or 0),
        "W": order.placed_us // 1_000,
        "V": "NONE",
    }


def account_position(core: MatchingCore, account: str, assets: tuple[str, ...], now_us: int) -> Body:
    balances = [
        {
            "a": asset,
            "f": text_e8(core.balance(account, asset).free_e8),
            "l": text_e8(core.balance(account, asset).locked_e8),
        }
        for asset in assets
    ]
    return {"e": "outboundAccountPosition", "E": now_us // 1_000, "u": now_us // 1_000, "B": balances}


def trade_event(trade: Traded) -> Body:
    return {
        "e": "trade",
        "E": trade.time_us // 1_000,
        "s": trade.symbol,
        "t": trade.trade_id,
        "p": text_e8(trade.price_e8),
        "q": text_e8(trade.size_e8),
        "T": trade.time_us // 1_000,
        "m": trade.taker_side is Side.SELL,
        "M": True,
    }


def trade_row(trade: Traded) -> Body:
    return {
        "id": trade.trade_id,
        "price": text_e8(trade.price_e8),
        "qty": text_e8(trade.size_e8),
        "quoteQty": text_e8(trade.quote_e8),
        "time": trade.time_us // 1_000,
        "isBuyerMaker": trade.taker_side is Side.SELL,
        "isBestMatch": True,
    }


def aggregated_row(number: int, trades: Sequence[Traded]) -> Body:
    """The fills of one order at one price and time."""
    first = trades[0]
    return {
        "a": number,
        "p": text_e8(first.price_e8),
        "q": text_e8(sum(trade.size_e8 for trade in trades)),
        "f": first.trade_id,
        "l": trades[-1].trade_id,
        "T": first.time_us // 1_000,
        "m": first.taker_side is Side.SELL,
        "M": True,
    }


def kline_event(c: Candle, symbol: str, interval: str, now_us: int) -> Body:
    return {
        "e": "kline",
        "E": now_us // 1_000,
        "s": symbol,
        "k": {
            "t": c.begin_us // 1_000,
            "T": c.end_us // 1_000 - 1,
            "s": symbol,
            "i": interval,
            "f": c.first_trade_id,
            "L": c.last_trade_id,
            "o": text_e8(c.open_e8),
            "c": text_e8(c.close_e8),
            "h": text_e8(c.high_e8),
            "l": text_e8(c.low_e8),
            "v": text_e8(c.volume_e8),
            "n": c.trades,
            "x": c.is_closed,
            "q": text_e8(c.quote_e8),
            "V": text_e8(c.bought_e8),
            "Q": text_e8(c.bought_quote_e8),
            "B": "0",
        },
    }


def kline_row(c: Candle) -> list[object]:
    prices = [text_e8(price_e8) for price_e8 in (c.open_e8, c.high_e8, c.low_e8, c.close_e8)]
    bought = [text_e8(c.bought_e8), text_e8(c.bought_quote_e8)]
    ends = [text_e8(c.volume_e8), c.end_us // 1_000 - 1, text_e8(c.quote_e8), c.trades]
    return [c.begin_us // 1_000, *prices, *ends, *bought, "0"]


def depth(core: MatchingCore, market: Market, limit: int) -> Body:
    def side(side: Side) -> list[list[str]]:
        levels = core.levels(market.symbol, side)[:limit]
        return [[market.price_text(price_ticks), market.quantity_text(lots)] for price_ticks, lots in levels]

    return {
        "lastUpdateId": core.update_ids[market.symbol],
        "bids": side(Side.BUY),
        "asks": side(Side.SELL),
    }


def instrument(market: Market) -> Body:
    return {
        "symbol": market.symbol,
        "status": "TRADING" if market.is_trading else "BREAK",
        "baseAsset": market.base,
        "baseAssetPrecision": 8,
        "quoteAsset": market.quote,
        "quotePrecision": 8,
        "quoteAssetPrecision": 8,
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET"],
        "icebergAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": text_e8(market.tick_e8),
                "maxPrice": "1000000.00000000",
                "tickSize": text_e8(market.tick_e8),
            },
            {
                "filterType": "LOT_SIZE",
                "minQty": text_e8(market.step_e8),
                "maxQty": market.quantity_text(market.max_lots),
                "stepSize": text_e8(market.step_e8),
            },
            {
                "filterType": "NOTIONAL",
                "minNotional": text_e8(market.min_notional_e8),
                "applyMinToMarket": True,
                "maxNotional": "9000000.00000000",
                "applyMaxToMarket": False,
                "avgPriceMins": 5,
            },
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }


def _common(order: Order) -> Body:
    return {
        "symbol": order.market.symbol,
        "orderId": order.order_id,
        "orderListId": -1,
        "clientOrderId": order.client_id,
        "price": order_price(order),
        "origQty": order.market.quantity_text(order.lots),
        "executedQty": order.market.quantity_text(order.filled_lots),
        "origQuoteOrderQty": text_e8(order.quote_e8 or 0),
        "cummulativeQuoteQty": text_e8(order.filled_quote_e8),
        "status": order.state.value,
        "timeInForce": order.time_in_force.value,
        "type": order_type(order),
        "side": order.side.value,
        "workingTime": order.placed_us // 1_000,
        "selfTradePreventionMode": "NONE",
    }
