"""An unmodified ccxt trades at a fake exchange. It runs with any Python that has ccxt.

`python ccxt_session.py HTTP WS KEY SECRET` prints one JSON object of what ccxt saw."""

import asyncio
import json
import sys

import ccxt.pro  # type: ignore[import-not-found]  # in a Python of its own


async def session(http: str, ws: str, key: str, secret: str) -> dict[str, object]:
    exchange = ccxt.pro.binance({"apiKey": key, "secret": secret, "enableRateLimit": False})
    exchange.options |= {
        "fetchCurrencies": False,
        "fetchMargins": False,
        "warnOnFetchOpenOrdersWithoutSymbol": False,
    }
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    exchange.has["fetchCurrencies"] = False
    api = exchange.urls["api"]
    api |= {"public": f"{http}/api/v3", "private": f"{http}/api/v3"}
    api["ws"]["spot"] = f"{ws}/ws"
    api["ws"]["ws-api"]["spot"] = f"{ws}/ws-api/v3"
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
        cancelled = await exchange.cancel_order(edited["id"], symbol)
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
            "edited": edited["amount"],
            "cancelled": cancelled["status"],
            "filled": filled["status"],
            "over_ws": over_ws["status"],
            "order_events": len(live[0]) > 0,
            "fill_events": live[1][-1]["order"] == filled["id"],
            "trade_events": len(live[2]) > 0,
            "fills": [fill["amount"] for fill in await exchange.fetch_my_trades(symbol)],
            "base": (await exchange.fetch_balance())["total"]["BTC"],
        }
    finally:
        await exchange.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(session(*sys.argv[1:]))))
