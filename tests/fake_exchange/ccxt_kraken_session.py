"""An unmodified ccxt trades at the fake Kraken. It runs with any Python that has ccxt.

`python ccxt_kraken_session.py HTTP PUBLIC_WS PRIVATE_WS KEY SECRET` prints one JSON object of what it saw."""

import asyncio
import json
import sys

import ccxt.pro  # type: ignore[import-not-found]  # in a Python of its own

SYMBOL = "BTC/USD"


async def session(http: str, public_ws: str, private_ws: str, key: str, secret: str) -> dict[str, object]:
    exchange = ccxt.pro.kraken({"apiKey": key, "secret": secret, "enableRateLimit": False})
    api = exchange.urls["api"]
    api |= {"public": http, "private": http}
    api["ws"] |= {"publicV2": public_ws, "privateV2": private_ws, "private": private_ws}
    try:
        await exchange.load_markets()
        book = await exchange.watch_order_book(SYMBOL)
        orders_seen = asyncio.create_task(exchange.watch_orders(SYMBOL))
        balance_seen = asyncio.create_task(exchange.watch_balance())
        trades_seen = asyncio.create_task(exchange.watch_trades(SYMBOL))
        await asyncio.sleep(0.5)
        resting = await exchange.create_order(SYMBOL, "limit", "buy", 0.001, 50_000)
        opened = await exchange.fetch_open_orders(SYMBOL)
        await exchange.edit_order(resting["id"], SYMBOL, "limit", "buy", 0.002, 50_100)
        edited = await exchange.fetch_order(resting["id"], SYMBOL)
        await exchange.cancel_order(resting["id"], SYMBOL)
        cancelled = await exchange.fetch_order(resting["id"], SYMBOL)
        taken = await exchange.create_order(SYMBOL, "market", "buy", 0.001)
        filled = await exchange.fetch_order(taken["id"], SYMBOL)
        over_ws = await exchange.create_order_ws(SYMBOL, "limit", "sell", 0.0005, 70_000)
        edited_ws = await exchange.edit_order_ws(over_ws["id"], SYMBOL, "limit", "sell", 0.0006, 70_001)
        ended = await exchange.cancel_order_ws(over_ws["id"])
        stopped = await exchange.create_order_ws(
            SYMBOL, "limit", "sell", 0.0005, 49_900, {"stopLossPrice": 50_000}
        )
        waiting = await exchange.fetch_order(stopped["id"], SYMBOL)
        await exchange.cancel_order(stopped["id"], SYMBOL)
        by_rest = await exchange.create_order(
            SYMBOL, "limit", "sell", 0.0005, 49_900, {"stopLossPrice": 50_000}
        )
        await exchange.cancel_order(by_rest["id"], SYMBOL)
        live = await asyncio.wait_for(asyncio.gather(orders_seen, balance_seen, trades_seen), 10)
        for _ in range(20):
            book = await exchange.watch_order_book(SYMBOL)
        candles = await exchange.watch_ohlcv(SYMBOL)
        ticker = await exchange.watch_ticker(SYMBOL)
        return {
            "levels": [len(book["bids"]), len(book["asks"])],
            "uncrossed": book["bids"][0][0] < book["asks"][0][0],
            "open": [order["id"] for order in opened] == [resting["id"]],
            "edited": [edited["status"], edited["amount"], edited["price"]],
            "cancelled": cancelled["status"],
            "filled": [filled["status"], filled["fee"]["currency"]],
            "over_ws": over_ws["id"] == edited_ws["id"],
            "ended": ended["success"],
            "stop": [waiting["status"], waiting["stopLossPrice"], waiting["price"], by_rest["stopLossPrice"]],
            "live": [len(part) > 0 for part in live],
            "fills": [fill["amount"] for fill in await exchange.fetch_my_trades(SYMBOL)],
            "base": (await exchange.fetch_balance())["total"]["BTC"],
            "candles": len(candles) > 0,
            "ticker": ticker["bid"] < ticker["ask"],
        }
    finally:
        await exchange.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(session(*sys.argv[1:]))))
