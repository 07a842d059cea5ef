"""Why an order was cancelled, over real sockets: as it happens, when asked, and from the journal."""

from __future__ import annotations

import signal
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from floorwire.core.authorization import Scope
from floorwire.protocol.trading_requests import MIN_DEADMAN_S
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import (
    FREE,
    SCOPES,
    JsonValue,
    Message,
    Trader,
    caller,
    drop_connection,
    key,
    serving,
    trader,
)

RECORDED = Path(__file__).parent.parent / "recorded" / "coinbase"
PAPER = (f"--venue=replay:{RECORDED}", "--set=replay.loop=true", "--set=paper.latency_us=20000")
WAYS: dict[str, str | None] = {
    "cancel": None,
    "cancel_all": None,
    "halt-all": "market_halted",
    "halt-account": "market_halted",
    "halt-key": "market_halted",
    "halt-symbol": "market_halted",
    "drop_connection": "disconnected",
    "grace": "disconnected",
    "deadman": "deadman",
    "revoke": "disconnected",
}
"""How an order, which has the way's name, is cancelled, and the code that says so."""
MARKETS: dict[str, tuple[tuple[str, ...], Message]] = {
    "simulated": ((), {}),
    "paper": (PAPER, {"symbol": "ABC-USDT", "price": "9.95", "quantity": "0.2"}),
}


class Cast:
    """Keys of one data folder: a bot's, its owner's who watches, an operator's."""

    def __init__(self, folder: Path) -> None:
        self.bot = key(folder)
        self.owner = key(folder, money={})
        self.operator = key(folder, "ops", (*SCOPES, Scope.ADMIN), {})

    def halt(self, server: Server, scope: str, symbol: str) -> None:
        """Halt, and go on."""
        name = {"all": "", "account": "alice", "key": self.bot.key, "symbol": symbol}[scope]
        with caller(server, self.operator) as ops:
            assert ops.post("/halts", json={"scope": scope, "name": name}).json()["cancelled"] == 1
            assert ops.delete("/halts", params={"scope": scope, "name": name}).status_code == 200

    def revoke(self, server: Server) -> None:
        """Revoke the bot's key, which closes its connections."""
        with caller(server, self.operator) as ops:
            assert ops.delete(f"/keys/{self.bot.key}").status_code == 200


@asynccontextmanager
async def resting(
    server: Server, issued: Issued, name: str, terms: dict[str, JsonValue]
) -> AsyncIterator[Trader]:
    """Connect, and place an order once the feed is live: a recording loses its link and begins again."""
    async with trader(server, issued) as client:
        await client.ask("subscribe", channel="heartbeat")
        for _ in range(1_000):
            reply = await client.place(name, **terms)
            if reply.get("code") not in ("stale_market", "venue_unavailable"):
                break
            await client.receive()
        assert reply["status"] == "accepted", reply
        yield client


async def end(way: str, server: Server, cast: Cast, client: Trader, symbol: str) -> None:
    """Have the client's only order cancelled."""
    match way.split("-"):
        case ["cancel"]:
            await client.ask("order.cancel", client_order_id=way)
        case ["cancel_all"]:
            await client.ask("order.cancel_all")
        case ["halt", scope]:
            cast.halt(server, scope, symbol)
        case ["deadman"]:
            await client.ask("session.deadman", timeout_s=MIN_DEADMAN_S)
        case ["revoke"]:
            await client.ask("session.cancel_on_disconnect", enabled=True)
            cast.revoke(server)
        case _:
            await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=0.02 * (way == "grace"))
            drop_connection(client)


def told(rows: list[Message]) -> dict[str, JsonValue]:
    """Return the codes of orders that are cancelled, by their names."""
    assert {row["state"] for row in rows} == {"cancelled"}
    return {str(row["client_order_id"]): row.get("code") for row in rows}


async def asked(server: Server, cast: Cast, ids: list[str]) -> None:
    """Ask for the orders over both wires."""
    with caller(server, cast.owner) as owner:
        assert told([owner.get(f"/orders/{order_id}").json()["order"] for order_id in ids]) == WAYS
    async with trader(server, cast.owner) as client:
        rows = [(await client.ask("order.status", order_id=order_id))["order"] for order_id in ids]
        assert told([row for row in rows if isinstance(row, dict)]) == WAYS


@pytest.mark.parametrize("market", MARKETS)
async def test_who_cancelled_an_order_is_told_wherever_orders_are(tmp_path: Path, market: str) -> None:
    arguments, terms = MARKETS[market]
    cast, symbol = Cast(tmp_path), str(terms.get("symbol", "BTC-USDT"))
    with serving(tmp_path, *FREE, *arguments) as server:
        async with trader(server, cast.owner, "orders") as watcher:
            for way in WAYS:
                async with resting(server, cast.bot, way, terms) as client:
                    await end(way, server, cast, client, symbol)
                    await watcher.until("orders", "cancelled", way)
            first, *live = watcher.events["orders"]
            gone = [event for event in live if event["event"] == "cancelled"]
            assert told(gone) == WAYS
            ids = [str(event["order_id"]) for event in gone]
        await asked(server, cast, ids)
        server.signal(signal.SIGKILL)
        server.wait()
    with serving(tmp_path, *FREE, *arguments) as server:
        await asked(server, cast, ids)
        async with trader(server, cast.owner) as back:
            resume: Message = {"epoch": first["epoch"], "seq": first["seq"]}
            reply = await back.ask("subscribe", channel="orders", resume=resume)
            while back.events.get("orders", [first])[-1]["seq"] != reply["seq"]:
                await back.receive()
            again = back.events["orders"]
    assert [{**event, "sent": 0} for event in again] == [{**event, "sent": 0} for event in live]
