"""Plays the frames of ``benchmarks.frames`` to ccxt.pro. It runs in ccxt's own environment.

ccxt's WebSocket client decodes a frame, with orjson where that is installed, and gives the result to the
exchange: so it is done here. The book that Binance's changes follow is there from the start. Everything is
subscribed to. It reads Kraken's present protocol only, so it cannot play the session of 2021.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable

import ccxt.pro  # type: ignore[import-not-found]  # in a Python of its own
from ccxt.async_support.base.ws.client import Client  # type: ignore[import-not-found]  # in a Python of its own

from benchmarks.frame_timing import Session, run

try:
    from orjson import loads  # type: ignore[import-not-found]
except ImportError:
    loads = json.loads

URLS = {"binance": "wss://stream.binance.com:9443/stream", "okx": "wss://ws.okx.com:8443/ws/v5/public"}


def make_player(session: Session) -> Callable[[tuple[str, float]], object]:
    """Return what takes one frame."""
    exchange = getattr(ccxt.pro, session.exchange)({"newUpdates": True})
    is_no = dict.fromkeys(("contract", "inverse", "linear", "swap", "future", "option"), False)
    markets = [
        {
            "id": native,
            "symbol": f"{base}/{quote}",
            "base": base,
            "quote": quote,
            "type": "spot",
            "spot": True,
        }
        | is_no
        for native, (base, quote) in session.symbols.items()
    ]
    exchange.set_markets(markets)
    client = Client(URLS[session.exchange], None, None, None, None)
    for market in markets:
        client.subscriptions[f"books:{market['symbol']}"] = True
        if session.book:
            whole = json.loads(session.book)
            book = exchange.order_book({}, 1_000)
            book.reset(exchange.parse_order_book(whole, market["symbol"]))
            book["nonce"] = whole["lastUpdateId"]
            exchange.orderbooks[market["symbol"]] = book

    def play(frame: tuple[str, float]) -> None:
        exchange.handle_message(client, loads(frame[0]))

    return play


async def main() -> None:
    """Time the session. ccxt needs a running event loop for its futures."""
    run(make_player)


if __name__ == "__main__":
    asyncio.run(main())
