"""An unmodified ccxt places stop orders at the fake Binance. It runs with any Python that has ccxt.

`python ccxt_binance_stops_session.py HTTP WS KEY SECRET` prints one JSON object of what it saw."""

import asyncio
import json
import sys

import ccxt.pro  # type: ignore[import-not-found]  # in a Python of its own
from ccxt_session import binance  # type: ignore[import-not-found]  # beside it

SYMBOL = "BTC/USDT"
AMOUNT = 0.001


async def session(exchange: ccxt.pro.Exchange) -> dict[str, object]:
    exchange.options["fetchCurrencies"] = False
    exchange.has["fetchCurrencies"] = False
    try:
        await exchange.load_markets()
        seen_orders = asyncio.create_task(exchange.watch_orders(SYMBOL))
        await asyncio.sleep(0.5)
        by_rest = await exchange.create_order(
            SYMBOL, "limit", "sell", AMOUNT, 49_900, {"stopLossPrice": 50_000}
        )
        waiting = await exchange.fetch_order(by_rest["id"], SYMBOL)
        opened = await exchange.fetch_open_orders(SYMBOL)
        edited = await exchange.edit_order(
            by_rest["id"], SYMBOL, "STOP_LOSS_LIMIT", "sell", AMOUNT, 49_800, {"stopPrice": 49_900}
        )
        await exchange.cancel_order(edited["id"], SYMBOL)
        cancelled = await exchange.fetch_order(edited["id"], SYMBOL)
        # Over the WebSocket ccxt sends its own names of prices too, so Binance's name is taken.
        over_ws = await exchange.create_order_ws(
            SYMBOL, "TAKE_PROFIT_LIMIT", "buy", AMOUNT, 55_000, {"stopPrice": 55_100}
        )
        takes_profit = await exchange.fetch_order(over_ws["id"], SYMBOL)
        await exchange.cancel_order_ws(over_ws["id"], SYMBOL)
        market = await exchange.create_order(
            SYMBOL, "market", "sell", AMOUNT, None, {"stopLossPrice": 50_000}
        )
        try:
            await exchange.create_order(SYMBOL, "limit", "sell", AMOUNT, 70_000, {"stopLossPrice": 71_000})
            refused = ""
        except ccxt.ExchangeError as error:
            refused = f"{type(error).__name__}: {error}"
        reported = (await asyncio.wait_for(seen_orders, 10))[-1]
        return {
            "waiting": [waiting[name] for name in ("status", "type", "triggerPrice", "price")],
            "raw": [waiting["info"][name] for name in ("type", "isWorking", "workingTime")],
            "open": [order["id"] for order in opened] == [by_rest["id"]],
            "edited": edited["id"] != by_rest["id"],
            "cancelled": [cancelled["status"], cancelled["triggerPrice"]],
            "takes_profit": [takes_profit["info"]["type"], takes_profit["triggerPrice"]],
            "market": (await exchange.fetch_order(market["id"], SYMBOL))["info"]["type"],
            "refused": refused,
            "reported": [reported["id"] == by_rest["id"], reported["triggerPrice"]],
        }
    finally:
        await exchange.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(session(binance(*sys.argv[1:])))))
