"""Binance's answers and events, from the core's fills, trades and levels. Orders have a file of their own."""

from collections.abc import Sequence

from tests.fake_exchange.binance.filters import MAX_PRICE_E8, MAX_PRICE_RATIO, MAX_STOPS
from tests.fake_exchange.binance.stops import STOP_TYPES
from tests.fake_exchange.market import Market, text_e8
from tests.fake_exchange.matching import MatchingCore
from tests.fake_exchange.orders import Fill, Side, Traded
from tests.fake_exchange.trade_statistics import Candle

Body = dict[str, object]


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
        "orderTypes": ["LIMIT", "LIMIT_MAKER", "MARKET", *STOP_TYPES],
        "icebergAllowed": False,
        "ocoAllowed": False,
        "otoAllowed": False,
        "quoteOrderQtyMarketAllowed": True,
        "allowTrailingStop": False,
        "cancelReplaceAllowed": True,
        "amendAllowed": True,
        "isSpotTradingAllowed": True,
        "isMarginTradingAllowed": False,
        "filters": [
            {
                "filterType": "PRICE_FILTER",
                "minPrice": text_e8(market.tick_e8),
                "maxPrice": text_e8(MAX_PRICE_E8),
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
            {
                "filterType": "PERCENT_PRICE_BY_SIDE",
                "bidMultiplierUp": str(MAX_PRICE_RATIO),
                "bidMultiplierDown": str(1 / MAX_PRICE_RATIO),
                "askMultiplierUp": str(MAX_PRICE_RATIO),
                "askMultiplierDown": str(1 / MAX_PRICE_RATIO),
                "avgPriceMins": 0,
            },
            {"filterType": "MAX_NUM_ALGO_ORDERS", "maxNumAlgoOrders": MAX_STOPS},
        ],
        "permissions": [],
        "permissionSets": [["SPOT"]],
        "defaultSelfTradePreventionMode": "NONE",
        "allowedSelfTradePreventionModes": ["NONE"],
    }
