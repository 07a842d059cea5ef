"""A bot that quotes both sides and always knows its orders, also after lost replies, cuts and restarts.

    .venv/bin/floorwire keys create --account bot --scopes market,account,trade --deposit USDT=100000,BTC=1
    .venv/bin/python examples/bot.py KEY.SECRET BTC-USDT

The SDK sends each order until its outcome is known, and never twice. After a restart the bot first takes over
the open orders that it finds. Cancel on disconnect has a grace: if the bot does not come back in time, its
orders are cancelled.
"""

from __future__ import annotations

import argparse
import asyncio
import os
import secrets
import sys
from collections.abc import Iterator
from decimal import Decimal

from floorwire.client import (
    Client,
    ClientError,
    OrderRejectedError,
    OrdersSnapshot,
    OrdersUpdate,
    OrderTerms,
    Stream,
    StreamGap,
    Ticker,
)

NAME = "bot-"
SIZE = "0.001"
AWAY = Decimal("0.0005")
GRACE_S = 10
REFUSED_S = 1.0


class Bot:
    """Has one order on each side."""

    def __init__(self, fw: Client, symbol: str, tick: Decimal) -> None:
        self._fw = fw
        self._symbol = symbol
        self._tick = tick

    async def run(self) -> None:
        """Print what happens to the orders, and quote, without end."""
        async with self._fw.orders() as events:
            await anext(events)  # the open orders: we know them before we quote
            await asyncio.gather(self._show(events), self._quote())

    async def _show(self, events: Stream[OrdersSnapshot | OrdersUpdate | StreamGap]) -> None:
        async for event in events:
            if isinstance(event, OrdersUpdate):
                shown = event.seq, event.event, event.client_order_id, event.state, event.remaining_quantity
                print(*shown, flush=True)
            elif not isinstance(event, OrdersSnapshot):
                print("missed:", event.first, "to", event.last, event.reason, flush=True)

    async def _quote(self) -> None:
        async for ticker in self._fw.ticker(self._symbol):
            if isinstance(ticker, StreamGap) or ticker.feed:
                continue
            for terms in self._wanted(ticker):
                try:
                    await self._fw.place(terms).accepted()
                except OrderRejectedError as error:  # for example a halt: do not try again at each price
                    print("refused:", error, flush=True)
                    if error.code in ("forbidden", "unauthenticated"):
                        raise
                    await asyncio.sleep(REFUSED_S)

    def _wanted(self, ticker: Ticker) -> Iterator[OrderTerms]:
        """Yield the orders that are missing."""
        open_sides = {
            order.row.side if order.row else order.terms.side if order.terms else ""
            for order in self._fw.open_orders
            if order.client_order_id.startswith(NAME)
        }
        if ticker.bid is not None and "buy" not in open_sides:
            yield self._terms("buy", Decimal(ticker.bid) * (1 - AWAY))
        if ticker.ask is not None and "sell" not in open_sides:
            yield self._terms("sell", Decimal(ticker.ask) * (1 + AWAY))

    def _terms(self, side: str, price: Decimal) -> OrderTerms:
        return OrderTerms(
            symbol=self._symbol,
            side="buy" if side == "buy" else "sell",
            quantity=SIZE,
            limit=price // self._tick * self._tick,
            post_only=True,
            client_order_id=f"{NAME}{secrets.token_hex(6)}",
        )


async def main(bearer: str, symbol: str, url: str) -> None:
    """Run the bot."""
    try:
        async with Client(url, key=bearer, cancel_on_disconnect_s=GRACE_S) as fw:
            known = {row.symbol: row for row in await fw.rest.symbols()}
            if symbol not in known:
                raise SystemExit(f"there is no symbol {symbol}; there are {', '.join(known)}")
            await Bot(fw, symbol, Decimal(known[symbol].tick_size)).run()
    except (ClientError, ValueError) as error:
        raise SystemExit(f"{url}: {error}") from None


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Quote both sides of a symbol.")
    parser.add_argument("bearer", metavar="KEY.SECRET")
    parser.add_argument("symbol")
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:8000")
    try:
        asyncio.run(main(**vars(parser.parse_args())))
    except KeyboardInterrupt:
        pass
    except BrokenPipeError:  # nobody reads what is printed; what is left must not be written at the exit
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
