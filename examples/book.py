"""A client that keeps a book correct: it applies updates, checks each checksum, and resumes after a cut.

    .venv/bin/python examples/book.py BTC-USDT

Needs `pip install websockets`.
"""

from __future__ import annotations

import argparse
import asyncio
import json
import os
import random
import sys
from decimal import Decimal
from typing import TypedDict
from zlib import crc32

import websockets

RETRY_S = 10.0
CHECKED_LEVELS = 10


class Message(TypedDict):
    """The fields of a book message that the client needs."""

    epoch: str
    seq: int
    type: str
    prev: int
    bids: list[tuple[str, str]]
    asks: list[tuple[str, str]]
    checksum: int


class WrongBookError(Exception):
    """The book differs from the gateway's. The client must start again from a snapshot."""


class Book:
    """Both sides, sizes by price, and the epoch and seq of the last message."""

    def __init__(self) -> None:
        self.epoch = ""
        self.seq = 0
        self._bids: dict[str, str] = {}
        self._asks: dict[str, str] = {}

    def apply(self, message: Message) -> None:
        """Apply a snapshot or an update. Raises WrongBookError."""
        if message["type"] == "snapshot":
            self._bids.clear()
            self._asks.clear()
        elif message["prev"] != self.seq:
            raise WrongBookError(f"after {self.seq} comes an update of {message['prev']}")
        for side, levels in ((self._bids, message["bids"]), (self._asks, message["asks"])):
            for price, size in levels:
                if size == "0":
                    side.pop(price, None)
                else:
                    side[price] = size
        self.epoch, self.seq = message["epoch"], message["seq"]
        if self._checksum() != message["checksum"]:
            raise WrongBookError(f"checksum at {self.seq}")

    def best(self) -> tuple[list[tuple[str, str]], list[tuple[str, str]]]:
        """Return the levels of both sides, best first."""
        bids = sorted(self._bids.items(), key=lambda level: Decimal(level[0]), reverse=True)
        return bids, sorted(self._asks.items(), key=lambda level: Decimal(level[0]))

    def _checksum(self) -> int:
        bids, asks = self.best()
        levels = bids[:CHECKED_LEVELS] + asks[:CHECKED_LEVELS]
        return crc32("|".join(f"{price}:{size}" for price, size in levels).encode())


async def follow(symbol: str, url: str, book: Book) -> None:
    """Follow the book on one connection; resume after the last seq, if there is one."""
    async with websockets.connect(url) as socket:
        request = {"action": "subscribe", "channel": "book", "symbol": symbol, "depth": 25}
        if book.epoch:
            request["resume"] = {"epoch": book.epoch, "seq": book.seq}
        await socket.send(json.dumps(request))
        async for text in socket:
            message = json.loads(text)
            if message.get("status") == "error":
                raise SystemExit(f"{message['code']}: {message['message']}")
            if "status" in message:
                print("feed:", message["feed"], "missed:", message.get("gap", "nothing"), flush=True)
            else:
                book.apply(message)
                bids, asks = book.best()
                print(book.seq, *bids[:1], *asks[:1], flush=True)


def is_for_good(error: Exception) -> bool:
    """Return whether a new try cannot help: no address, refused, or closed with 4500 to 4999."""
    if isinstance(error, websockets.InvalidStatus):
        return 400 <= error.response.status_code < 500
    if isinstance(error, websockets.ConnectionClosed) and error.rcvd is not None:
        return 4500 <= error.rcvd.code < 5000
    return isinstance(error, websockets.InvalidURI)


async def main(symbol: str, url: str) -> None:
    """Follow the book without end. Waits grow and are random, so that not all clients reconnect at once."""
    book, tries = Book(), 0
    while True:
        try:
            await follow(symbol, url, book)
        except BrokenPipeError:  # nobody reads what is printed
            raise
        except (OSError, websockets.WebSocketException) as error:
            if is_for_good(error):
                raise SystemExit(f"{url}: {error}") from None
            print("lost:", error, flush=True)
        except WrongBookError as error:
            print("wrong book:", error, flush=True)
            book = Book()
        tries = tries + 1 if not book.epoch else 1
        await asyncio.sleep(random.uniform(0, min(RETRY_S, 0.1 * 2**tries)))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Rebuild the book of a symbol, and check it.")
    parser.add_argument("symbol")
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:8000/ws")
    try:
        asyncio.run(main(**vars(parser.parse_args())))
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # nobody reads what is printed; what is left must not be written at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
