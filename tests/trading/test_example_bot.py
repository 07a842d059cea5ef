"""``examples/bot.py`` as a program, against a real server."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.servers import Server
from tests.trading.trader import Message, Trader, key, serving, trader

BOT = Path(__file__).parents[2] / "examples" / "bot.py"


@contextmanager
def bot(server: Server, bearer: str) -> Iterator[None]:
    """Run the bot; in the end it is killed, as a crash would."""
    command = [sys.executable, str(BOT), bearer, "BTC-USDT", server.ws("/ws")]
    process = subprocess.Popen(command, stdout=subprocess.DEVNULL)
    try:
        yield
    finally:
        process.kill()
        process.wait()


async def both_sides(client: Trader) -> list[Message]:
    """Return the open orders when there are some on both sides."""
    while True:
        rows = await client.rows("orders")
        if {row["side"] for row in rows} == {"buy", "sell"}:
            return rows
        await client.receive()


@pytest.mark.slow
async def test_a_bot_that_is_started_anew_takes_its_orders_over(tmp_path: Path) -> None:
    issued = key(tmp_path)
    bearer = f"{issued.key}.{issued.secret}"
    with serving(tmp_path) as server:
        async with trader(server, issued, "orders") as client:
            with bot(server, bearer):
                await both_sides(client)
            for _ in range(2):  # the second buy comes after whatever the bot did at its start
                (buy,) = [row for row in await client.rows("orders") if row["side"] == "buy"]
                await client.ask("order.cancel", order_id=buy["order_id"])
                with bot(server, bearer):
                    rows = await both_sides(client)
            assert sorted(str(row["side"]) for row in rows) == ["buy", "sell"]
