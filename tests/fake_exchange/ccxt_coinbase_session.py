"""An unmodified ccxt trades at the fake Coinbase. It runs with any Python that has ccxt.

`python ccxt_coinbase_session.py HTTP WS KEY SECRET` prints one JSON object of what it saw."""

import asyncio
import json
import sys

import ccxt.pro  # type: ignore[import-not-found]  # in a Python of its own

SYMBOL = "BTC/USD"


async def session(http: str, ws: str, key: str, secret: str) -> dict[str, object]:
    exchange = ccxt.pro.coinbase({"apiKey": key, "secret": secret, "enableRateLimit": False})
    # The lists of currencies are those of another API of Coinbase.
    exchange.options["fetchCurrencies"] = False
    exchange.has["fetchCurrencies"] = False
    exchange.urls["api"] |= {"rest": http, "ws": ws}
    try:
        await exchange.load_markets()
        book = await exchange.watch_order_book(SYMBOL)
        # ccxt signs the user channel with ES256 keys alone.
        watch = exchange.watch_orders if secret.startswith("-----BEGIN") else exchange.watch_ticker
        orders_seen = asyncio.create_task(watch(SYMBOL))
        trades_seen = asyncio.create_task(exchange.watch_trades(SYMBOL))
        await asyncio.sleep(0.5)
        resting = await exchange.create_order(SYMBOL, "limit", "buy", 0.001, 50_000)
        opened = await exchange.fetch_open_orders(SYMBOL)
        await exchange.edit_order(resting["id"], SYMBOL, "limit", "buy", 0.002, 50_100)
        edited = await exchange.fetch_order(resting["id"], SYMBOL)
        await exchange.cancel_order(resting["id"], SYMBOL)
        cancelled = await exchange.fetch_order(resting["id"], SYMBOL)
        stopped = await exchange.create_order(
            SYMBOL, "limit", "sell", 0.001, 49_900, {"stopLossPrice": 50_000}
        )
        waiting = await exchange.fetch_order(stopped["id"], SYMBOL)
        await exchange.cancel_order(stopped["id"], SYMBOL)
        taken = await exchange.create_order(SYMBOL, "market", "sell", 0.001)
        filled = await exchange.fetch_order(taken["id"], SYMBOL)
        bought = await exchange.create_order(SYMBOL, "market", "buy", 60, params={"cost": 60})
        by_value = await exchange.fetch_order(bought["id"], SYMBOL)
        live = await asyncio.wait_for(asyncio.gather(orders_seen, trades_seen), 10)
        for _ in range(10):
            book = await exchange.watch_order_book(SYMBOL)
        ticker = await exchange.watch_ticker(SYMBOL)
        fills = await exchange.fetch_my_trades(SYMBOL)
        return {
            "uncrossed": book["bids"][0][0] < book["asks"][0][0],
            "open": [order["id"] for order in opened] == [resting["id"]],
            "edited": [edited["status"], edited["amount"], edited["price"]],
            "cancelled": cancelled["status"],
            "stop": [waiting["status"], waiting["triggerPrice"], waiting["price"]],
            "filled": [filled["status"], filled["filled"], filled["fee"]["currency"]],
            "by_value": by_value["status"],
            "live": [len(part) > 0 for part in live],
            "fills": sorted({fill["order"] for fill in fills}) == sorted([taken["id"], bought["id"]]),
            "base": (await exchange.fetch_balance({"v3": True}))["total"]["BTC"] > 0.999,
            "ticker": ticker["bid"] < ticker["ask"],
        }
    finally:
        await exchange.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(session(*sys.argv[1:]))))
