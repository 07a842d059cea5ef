"""Reads tickers to the last one, in a process: ``python -m benchmarks.ticker_reader KIND URL COUNT``.

It prints, as JSON, the seconds and the CPU seconds from the first ticker to the last. What is read of each is
its symbol, bid and ask.
"""

from __future__ import annotations

import asyncio
import json
import sys
import time
from collections.abc import Awaitable, Callable

from floorwire.client import Client, Ticker
from floorwire.client.gateway import Encoding

SYMBOL = "BTC-USDT"


class Clock:
    """The time and the CPU time since the first ticker."""

    def __init__(self) -> None:
        self._began = (0.0, 0.0)

    def start(self) -> None:
        """Begin to measure."""
        self._began = time.monotonic(), time.process_time()

    def text(self) -> str:
        """Return the seconds and the CPU seconds."""
        now = time.monotonic(), time.process_time()
        return json.dumps([then - begin for then, begin in zip(now, self._began, strict=True)])


async def with_sdk(url: str, count: int, encoding: Encoding) -> str:
    """Read by ``floorwire.client``."""
    clock, seen = Clock(), 0
    async with Client(url, encoding=encoding) as client:
        async for ticker in client.ticker(SYMBOL, on_slow="end", queue=count):
            if not isinstance(ticker, Ticker):
                raise SystemExit(f"an event is missing: {ticker}")
            if not seen:
                clock.start()
            _ = (ticker.symbol, ticker.bid, ticker.ask)
            seen += 1
            if ticker.seq == count:
                break
    if seen != count:
        raise SystemExit(f"{seen} of {count} tickers")
    return clock.text()


async def with_websockets(url: str, count: int) -> str:
    """Read by websockets and ``json.loads``."""
    import websockets

    clock, seen = Clock(), 0
    async with websockets.connect(url, compression=None) as socket:
        await socket.send(json.dumps({"action": "subscribe", "channel": "ticker", "symbol": SYMBOL}))
        await socket.recv()
        async for text in socket:
            ticker = json.loads(text)
            if not seen:
                clock.start()
            _ = (ticker["symbol"], ticker["bid"], ticker["ask"])
            seen += 1
            if ticker["seq"] == count:
                break
    return clock.text()


READERS: dict[str, Callable[[str, int], Awaitable[str]]] = {
    "websockets": with_websockets,
    "json": lambda url, count: with_sdk(url, count, "json"),
    "msgpack": lambda url, count: with_sdk(url, count, "msgpack"),
}


async def main(kind: str, url: str, count: int) -> None:
    """Read, and print the figures."""
    print(await READERS[kind](url, count))


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3])))
