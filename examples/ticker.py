"""The article's client: two fields out, two fields back, then prices.

    .venv/bin/python examples/ticker.py BTC-USDT

Needs `pip install websockets`.
"""

from __future__ import annotations

import asyncio
import json
import sys

import websockets


async def main(symbol: str, url: str = "ws://127.0.0.1:8000/ws/ticker") -> None:
    """Print prices for as long as the connection lasts."""
    async with websockets.connect(url) as socket:
        await socket.send(json.dumps({"action": "subscribe", "symbol": symbol}))
        print(await socket.recv())
        async for text in socket:
            ticker = json.loads(text)
            print(ticker["symbol"], ticker["bid"], ticker["ask"])


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
