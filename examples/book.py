"""A book that is kept correct: checked at each message, fetched anew when it is wrong, resumed after a cut.

.venv/bin/python examples/book.py BTC-USDT
"""

from __future__ import annotations

import argparse
import asyncio
import os
import sys

from floorwire.client import Client, ClientError, StreamGap


async def main(symbol: str, url: str) -> None:
    """Print the best bid and ask each time that the book has changed."""
    try:
        async with Client(url) as fw:
            async for book in fw.book(symbol, depth=25):
                if isinstance(book, StreamGap):
                    print("missed:", book.first, "to", book.last, book.reason, flush=True)
                else:
                    print(book.seq, book.best_bid, book.best_ask, book.feed or "live", flush=True)
    except (ClientError, ValueError) as error:
        raise SystemExit(f"{url}: {error}") from None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Keep the book of a symbol.")
    parser.add_argument("symbol")
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:8000")
    try:
        asyncio.run(main(**vars(parser.parse_args())))
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # nobody reads what is printed; what is left must not be written at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
