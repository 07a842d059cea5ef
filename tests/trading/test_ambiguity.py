"""The ambiguity test: replies are cut off at random, the client sends the same again; never two orders."""

from __future__ import annotations

import random
from pathlib import Path

from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import FREE, Message, Trader, key, serving, trader

ORDERS = 60
CUT = 0.4
TERMS: Message = {"symbol": "BTC-USDT", "side": "buy", "price": "61000", "quantity": "0.001"}


async def stubborn(server: Server, issued: Issued, mine: str, rng: random.Random) -> tuple[Message, int]:
    """Send an order, losing replies, until one comes; return it and how often it was sent."""
    sent = 0
    while True:
        async with trader(server, issued) as client:
            is_lost = rng.random() < CUT
            sent += 1
            if not is_lost:
                return await client.place(mine, **TERMS), sent
            await lose(client, mine, rng)


async def lose(client: Trader, mine: str, rng: random.Random) -> None:
    """Send an order, and be gone before the reply is read; now and then with a reset."""
    await client.send("order.place", client_order_id=mine, **TERMS)
    if rng.random() < 0.5:
        client.socket.transport.abort()


async def test_an_order_whose_reply_was_lost_is_never_two(tmp_path: Path) -> None:
    rng = random.Random(11)
    issued = key(tmp_path)
    ids: dict[str, str] = {}
    duplicates = 0
    with serving(tmp_path, *FREE) as server:
        for number in range(ORDERS):
            mine = f"amb-{number}"
            reply, sent = await stubborn(server, issued, mine, rng)
            assert reply["status"] == "accepted", reply
            duplicates += reply.get("duplicate") is True
            assert sent > 1 or "duplicate" not in reply
            ids[mine] = str(reply["order_id"])
        async with trader(server, issued) as client:
            rows = await client.rows("orders")
    assert sorted((row["client_order_id"], row["order_id"]) for row in rows) == sorted(ids.items())
    assert duplicates
