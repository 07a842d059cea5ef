"""The article's client: it sends two fields, receives two fields, and then prices.

    .venv/bin/python examples/ticker.py BTC-USDT

Needs `pip install websockets`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import sys

import websockets


async def main(symbol: str, url: str) -> None:
    """Print prices for as long as the connection lasts."""
    try:
        async with websockets.connect(url) as socket:
            await socket.send(json.dumps({"action": "subscribe", "symbol": symbol}))
            answer = await socket.recv()
            reply = json.loads(answer)
            if reply["status"] == "error":
                raise SystemExit(f"{reply['code']}: {reply['message']}")
            print(answer, flush=True)
            async for text in socket:
                ticker = json.loads(text)
                print(ticker["symbol"], ticker["bid"], ticker["ask"], flush=True)
    except BrokenPipeError:  # nobody reads what is printed
        raise
    except (OSError, websockets.WebSocketException) as error:
        raise SystemExit(f"{url}: {error}") from None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Print the prices of a symbol.")
    parser.add_argument("symbol")
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:8000/ws/ticker")
    try:
        asyncio.run(main(**vars(parser.parse_args())))
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # nobody reads what is printed; what is left must not be written at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
