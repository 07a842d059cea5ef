"""Kinds of clients with a key: traders, orders under guards, REST and sign-ins."""

from __future__ import annotations

import asyncio
import time
from typing import Final, NamedTuple

import httpx2

from floorwire.engine.account import KEPT_CLOSED
from floorwire.protocol.requests import login_signature
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.soak.market_clients import market
from tests.soak.pace import Pace
from tests.soak.rounds import Rounds
from tests.trading.trader import JsonValue, Message, Trader, drop_connection, funded, trader

PAUSE_S: Final = 0.04
FILLED_AT_ONCE: Final = 5
"""Orders of a pause while the history is filled: it takes four minutes, between the events of the markets."""
FILLED_OF: Final = 10
"""One of so many orders buys at the market, and one sells the same."""
RESTS_AT: Final = {"BTC-USDT": "40000", "ETH-USDT": "2000", "SOL-USDT": "90"}
QUANTITY: Final = {"BTC-USDT": "0.001", "ETH-USDT": "0.01", "SOL-USDT": "0.2"}
REPLACED: Final = 3
"""How often the kept orders are replaced before the time that counts."""
CHANNELS: Final = ("orders", "fills", "balances", "positions")


async def order_flow(server: Server, rounds: Rounds, issued: Issued, symbol: str) -> None:
    """Place orders that fill, that end at once, and that rest until they are cancelled."""
    run = time.time_ns()
    async with trader(server, issued, *CHANNELS) as client:
        await funded(client)
        await _fill_history(client, rounds, symbol)
        pace = Pace(PAUSE_S)
        for number in range(10**9):
            name = f"{run}-{number}"
            kind = _kind(number, symbol)
            await _ask(client, rounds, name, symbol, **kind.fields)
            if kind.is_cancelled:
                await client.ask("order.cancel", client_order_id=name)
            rounds.add(kind.name)
            client.events.clear()
            await pace.wait()


async def _fill_history(client: Trader, rounds: Rounds, symbol: str) -> None:
    """Let the account have all the closed orders and fills that are kept, and replace them as later ones do.

    The first ones lie side by side in memory. Only those that replaced them, while the markets go on, lie as
    later ones will.
    """
    run = time.time_ns()
    waiting: set[JsonValue] = set()
    pace = Pace(PAUSE_S)
    for number in range(REPLACED * KEPT_CLOSED):
        kind, name = _kind(number, symbol), f"{run}-{number}f"
        fields = {"side": "buy", "symbol": symbol, "quantity": QUANTITY[symbol], **kind.fields}
        waiting.add(await client.send("order.place", client_order_id=name, **fields))
        if kind.is_cancelled:
            waiting.add(await client.send("order.cancel", client_order_id=name))
        if number % FILLED_AT_ONCE == 0:
            while waiting:
                waiting.discard(_accepted(await client.receive()))
            client.events.clear()
            await pace.wait()
    while waiting:
        waiting.discard(_accepted(await client.receive()))
    rounds.add("orders of the history", REPLACED * KEPT_CLOSED)


class _Kind(NamedTuple):
    """A kind of order."""

    name: str
    fields: dict[str, JsonValue]
    is_cancelled: bool = False


def _kind(number: int, symbol: str) -> _Kind:
    """Return of which kind this order is: one of ten buys at the market, one sells, one rests."""
    step = number % FILLED_OF
    if step < 2:
        return _Kind("orders at the market", {"type": "market", "side": ("buy", "sell")[step]})
    if step == 2:
        return _Kind("orders cancelled", {"price": RESTS_AT[symbol]}, is_cancelled=True)
    return _Kind("orders that end at once", {"price": RESTS_AT[symbol], "time_in_force": "ioc"})


def _accepted(message: Message) -> JsonValue:
    """Return the id of a reply, None for an event."""
    assert message.get("status") in (None, "accepted"), message
    return message.get("id")


async def _ask(client: Trader, rounds: Rounds, name: str, symbol: str, **terms: JsonValue) -> None:
    reply = await _place(client, name, {"symbol": symbol, "quantity": QUANTITY[symbol], **terms})
    if reply != "accepted":
        rounds.add(f"orders refused: {reply}")


async def _place(client: Trader, name: str, fields: dict[str, JsonValue]) -> str:
    reply = await client.ask("order.place", client_order_id=name, **{"side": "buy", **fields})
    return str(reply.get("code", reply["status"]))


async def guarded(server: Server, rounds: Rounds, issued: Issued) -> None:
    """Leave a resting order under each guard: one by being cut off, one by saying nothing more."""
    pace = Pace(6)
    async with trader(server, issued) as client:
        await funded(client)
        await _fill_history(client, rounds, "SOL-USDT")
    while True:
        for guard in ("disconnect", "deadman"):
            name = f"{guard}-{time.time_ns()}"
            async with trader(server, issued) as client:
                await _place(
                    client, name, {"symbol": "SOL-USDT", "quantity": "1", "price": RESTS_AT["SOL-USDT"]}
                )
                if guard == "disconnect":
                    await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=0.5)
                    drop_connection(client)
                else:
                    await client.ask("session.deadman", timeout_s=0.5)
            await asyncio.sleep(2.5)
            async with trader(server, issued) as client:
                order = (await client.ask("order.status", client_order_id=name))["order"]
                assert isinstance(order, dict)
                assert order["state"] == "cancelled", order
            rounds.add(f"orders cancelled by a guard ({guard})")
            await pace.wait()


async def rest(server: Server, rounds: Rounds, issued: Issued) -> None:
    """Ask over HTTP what an account has."""
    headers = {"authorization": f"Bearer {issued.key}.{issued.secret}"}
    async with httpx2.AsyncClient(base_url=server.http("/api/v1"), headers=headers, timeout=30) as client:
        pace = Pace(0.4)
        while True:
            for path in ("/orders", "/fills?limit=50", "/balances", "/positions"):
                try:
                    answer = await client.get(path)
                except httpx2.TransportError:  # a kept connection that was idle for long ended meanwhile
                    rounds.add("REST connections lost")
                    continue
                assert answer.status_code in (200, 429), (path, answer.text)
                rounds.add("REST queries")
                await pace.wait()


async def sign_ins(server: Server, rounds: Rounds, issued: Issued) -> None:
    """Sign in by bearer, by signature and by ticket, with a connection each."""
    headers = {"authorization": f"Bearer {issued.key}.{issued.secret}", "connection": "close"}
    async with httpx2.AsyncClient(base_url=server.http("/api/v1"), headers=headers, timeout=30) as client:
        pace = Pace(3)
        while True:
            async with trader(server, issued):
                rounds.add("good sign-ins")
            async with market(server) as connection:
                ts = time.time_ns() // 1000
                signature = login_signature(issued.secret, ts)
                reply = await Trader(connection).ask("login", key=issued.key, ts=ts, signature=signature)
                assert reply["status"] != "error", reply
                rounds.add("good sign-ins")
            ticket = (await client.post("/tickets")).json()["ticket"]
            async with market(server, path=f"/ws?ticket={ticket}") as connection:
                reply = await Trader(connection).ask("balances")
                assert reply["status"] == "ok", reply
                rounds.add("good sign-ins")
            await pace.wait()
