"""Buys at the best bid, then sells at the best ask, and so on. It runs unchanged on any venue.

    .venv/bin/python examples/small_bot.py KEY.SECRET BTC-USDT 0.001

The simulator, a replayed recording or an exchange: only the server's settings differ.
"""

import argparse
import asyncio

from floorwire.client import Client, ClientError, Order, OrderRejectedError, StreamGap


def show(order: Order) -> None:
    """Print what has happened to the order."""
    if order.row is not None:
        print(order.row.side, order.row.state, order.row.remaining_quantity, flush=True)


async def main(bearer: str, symbol: str, quantity: str, url: str) -> None:
    """Have one order at a time."""
    side = "buy"
    async with Client(url, key=bearer) as fw:
        async for tick in fw.ticker(symbol):
            if isinstance(tick, StreamGap) or tick.bid is None or tick.ask is None:
                continue
            try:
                if side == "buy":
                    order = await fw.buy(symbol, quantity, limit=tick.bid)
                else:
                    order = await fw.sell(symbol, quantity, limit=tick.ask)
            except OrderRejectedError as error:
                print("refused:", error, flush=True)
                await asyncio.sleep(1)  # then try again with the next price
                continue
            order.on_change = show
            show(order)
            await order.done()
            if side == "sell" or (order.row is not None and order.row.state == "filled"):
                side = "sell" if side == "buy" else "buy"


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Buy and sell in turn.")
    parser.add_argument("bearer", metavar="KEY.SECRET")
    parser.add_argument("symbol")
    parser.add_argument("quantity")
    parser.add_argument("url", nargs="?", default="ws://127.0.0.1:8000")
    arguments = parser.parse_args()
    try:
        asyncio.run(main(**vars(arguments)))
    except (ClientError, ValueError) as error:
        raise SystemExit(f"{arguments.url}: {error}") from None
    except KeyboardInterrupt:
        pass
