"""An unmodified ccxt reads the past of a fake exchange. It runs with any Python that has ccxt.

`python ccxt_history_session.py NAME HTTP SYMBOL SINCE_MS` prints one JSON object of what ccxt saw."""

import asyncio
import json
import sys

import ccxt.async_support as ccxt  # type: ignore[import-not-found]  # in a Python of its own

ADDRESSES = {
    "binance": {"public": "{http}/api/v3", "private": "{http}/api/v3"},
    "bybit": {"public": "{http}", "private": "{http}"},
    "coinbase": {"rest": "{http}"},
    "kraken": {"public": "{http}", "private": "{http}"},
    "okx": {"rest": "{http}"},
}


def client(name: str, http: str) -> ccxt.Exchange:
    exchange = getattr(ccxt, name)({"enableRateLimit": False})
    exchange.options |= {"fetchMargins": False, "fetchCurrencies": False}
    exchange.options["fetchMarkets"] = {"types": ["spot"]}
    exchange.has["fetchCurrencies"] = False
    exchange.urls["api"] |= {key: text.format(http=http) for key, text in ADDRESSES[name].items()}
    return exchange


async def session(name: str, http: str, symbol: str, since_ms: int) -> dict[str, object]:
    exchange = client(name, http)
    first_day_ms = (since_ms // 86_400_000 - 2) * 86_400_000
    try:
        await exchange.load_markets()
        return {
            "newest": await exchange.fetch_ohlcv(symbol, "1m", limit=20),
            "since": await exchange.fetch_ohlcv(symbol, "1m", since_ms, 30),
            "hours": await exchange.fetch_ohlcv(symbol, "1h", since_ms, 4),
            "days": await exchange.fetch_ohlcv(symbol, "1d", first_day_ms, 2),
            "trades": [
                [int(trade["id"]), trade["timestamp"], trade["price"], trade["amount"], trade["side"]]
                for trade in await exchange.fetch_trades(symbol, limit=50)
            ],
        }
    finally:
        await exchange.close()


if __name__ == "__main__":
    print(json.dumps(asyncio.run(session(sys.argv[1], sys.argv[2], sys.argv[3], int(sys.argv[4])))))
