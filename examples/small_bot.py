"""Buys at the best bid, then sells at the best ask, and so on. It runs unchanged on any venue.

    .venv/bin/python examples/small_bot.py KEY.SECRET BTC-USDT 0.001

The simulator, a replayed recording or an exchange: only the server's settings differ. It shows the shape of a
bot; examples/bot.py also outlives lost replies, cuts and restarts. Needs `pip install websockets`.
"""

import asyncio
import json
import secrets
import sys

import websockets


async def main(bearer: str, symbol: str, quantity: str, url: str = "ws://127.0.0.1:8000/ws") -> None:
    """Have one order at a time, until the connection ends."""
    async with websockets.connect(url, additional_headers={"Authorization": f"Bearer {bearer}"}) as socket:
        for request in ({"channel": "orders"}, {"channel": "ticker", "symbol": symbol}):
            await socket.send(json.dumps({"action": "subscribe", **request}))
        side, name = "buy", ""
        async for text in socket:
            message = json.loads(text)
            if message.get("status") == "error":
                print("refused:", message["code"], message["message"], flush=True)
                if not message["retry"]:
                    raise SystemExit(1)
                name = ""  # Try again with the next price.
                await asyncio.sleep(1)
            elif message.get("client_order_id") == name and "event" in message:
                print(message["event"], side, message["state"], message["remaining_quantity"], flush=True)
                if message["state"] not in ("submitting", "new", "partially_filled", "unknown"):
                    side, name = ("sell" if message["state"] == "filled" and side == "buy" else "buy"), ""
            elif message.get("bid") and message.get("ask") and not name:
                name = secrets.token_hex(8)
                order = {"client_order_id": name, "symbol": symbol, "side": side, "type": "limit"}
                order |= {"quantity": quantity, "price": message["bid" if side == "buy" else "ask"]}
                await socket.send(json.dumps({"action": "order.place", "id": name, **order}))


if __name__ == "__main__":
    asyncio.run(main(*sys.argv[1:]))
