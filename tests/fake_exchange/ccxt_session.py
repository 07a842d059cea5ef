"""An unmodified ccxt trades at a fake exchange. It runs with any Python that has ccxt.

`python ccxt_session.py NAME HTTP WS KEY SECRET [PASSWORD]` prints one JSON object of what ccxt saw."""

import asyncio
import json
import sys

import ccxt.pro  # type: ignore[import-not-found]  # in a Python of its own


def binance(http: str, ws: str, key: str, secret: str) -> ccxt.pro.Exchange:
    exchange = ccxt.pro.binance({"apiKey": key, "secret": secret, "enableRateLimit": False})
    exchange.options |= {"fetchMargins": False, "warnOnFetchOpenOrdersWithoutSymbol": False}
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    api = exchange.urls["api"]
    api |= {"public": f"{http}/api/v3", "private": f"{http}/api/v3"}
    api["ws"]["spot"] = f"{ws}/ws"
    api["ws"]["ws-api"]["spot"] = f"{ws}/ws-api/v3"
    return exchange


def okx(http: str, ws: str, key: str, secret: str, password: str = "") -> ccxt.pro.Exchange:
    exchange = ccxt.pro.okx({"apiKey": key, "secret": secret, "password": password, "enableRateLimit": False})
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    # A market buy names its size in the base asset.
    exchange.options["tgtCcy"] = "base_ccy"
    exchange.urls["api"] |= {"rest": http, "ws": ws}
    return exchange


def bybit(http: str, ws: str, key: str, secret: str) -> ccxt.pro.Exchange:
    exchange = ccxt.pro.bybit({"apiKey": key, "secret": secret, "enableRateLimit": False})
    exchange.options |= {"enableUnifiedMargin": False, "enableUnifiedAccount": True, "unifiedMarginStatus": 6}
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    # Without this ccxt asks for two orders where it could ask for one.
    exchange.options["fetchOrder"] = {"acknowledged": True}
    api = exchange.urls["api"]
    api |= {"public": http, "private": http}
    api["ws"]["public"]["spot"] = f"{ws}/public/spot"
    api["ws"]["private"] |= {"contract": f"{ws}/private", "trade": f"{ws}/trade"}
    api["ws"]["private"]["spot"]["unified"] = f"{ws}/private"
    return exchange


EXCHANGES = {"binance": binance, "bybit": bybit, "okx": okx}


async def session(exchange: ccxt.pro.Exchange) -> dict[str, object]:
    exchange.options["fetchCurrencies"] = False
    exchange.has["fetchCurrencies"] = False
    symbol = "BTC/USDT"
    try:
        await exchange.load_markets()
        book = await exchange.watch_order_book(symbol)
        seen_orders = asyncio.create_task(exchange.watch_orders(symbol))
        seen_fills = asyncio.create_task(exchange.watch_my_trades(symbol))
        seen_trades = asyncio.create_task(exchange.watch_trades(symbol))
        seen_balance = asyncio.create_task(exchange.watch_balance())
        await asyncio.sleep(0.5)
        resting = await exchange.create_order(symbol, "limit", "buy", 0.001, 50_000)
        opened = await exchange.fetch_open_orders(symbol)
        queried = await exchange.fetch_order(resting["id"], symbol)
        edited = await exchange.edit_order(resting["id"], symbol, "limit", "buy", 0.002, 50_100)
        amended = await exchange.fetch_order(edited["id"], symbol)
        await exchange.cancel_order(edited["id"], symbol)
        cancelled = await exchange.fetch_order(edited["id"], symbol)
        filled = await exchange.create_order(symbol, "market", "buy", 0.001)
        over_ws = await exchange.create_order_ws(symbol, "limit", "sell", 0.0005, 70_000)
        await exchange.cancel_order_ws(over_ws["id"], symbol)
        live = await asyncio.wait_for(asyncio.gather(seen_orders, seen_fills, seen_trades, seen_balance), 10)
        for _ in range(3):
            book = await exchange.watch_order_book(symbol)
        return {
            "bids": len(book["bids"]),
            "uncrossed": book["bids"][0][0] < book["asks"][0][0],
            "open": [order["id"] for order in opened] == [resting["id"]],
            "queried": queried["status"],
            "edited": amended["amount"],
            "cancelled": cancelled["status"],
            "filled": (await exchange.fetch_order(filled["id"], symbol))["status"],
            "over_ws": (await exchange.fetch_order(over_ws["id"], symbol))["status"],
            "order_events": len(live[0]) > 0,
            "fill_events": live[1][-1]["order"] == filled["id"],
            "trade_events": len(live[2]) > 0,
            "fills": [fill["amount"] for fill in await exchange.fetch_my_trades(symbol)],
            "base": (await exchange.fetch_balance())["total"]["BTC"],
        }
    finally:
        await exchange.close()


if __name__ == "__main__":
    client = EXCHANGES[sys.argv[1]](*sys.argv[2:])
    print(json.dumps(asyncio.run(session(client))))
