"""Guards outlive the server that promised them: it is killed with -9, and another one keeps the promise."""

from __future__ import annotations

import asyncio
import signal
from contextlib import AsyncExitStack
from pathlib import Path
from typing import TypeAlias

import pytest

from floorwire.core.account_events import AccountEvent, Guard, GuardSet, OrderEnded
from floorwire.core.codes import Code
from floorwire.core.ports import Prices
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.storage.journal_sqlite import SqliteJournal
from floorwire.storage.key_store import Issued
from floorwire.trading.account_store import EPOCH_KIND, decode_entry
from tests.servers import Server
from tests.trading.trader import FREE, JsonValue, Trader, key, serving, trader

GRACE_S = 2.0
GRACE_US = 2_000_000
TIMERS_US = 50_000
"""What timers may be early by the clock on the wall."""
LONG_S = 600
Asked: TypeAlias = tuple[str, dict[str, JsonValue]]
DEADMAN: Asked = ("session.deadman", {"timeout_s": GRACE_S})
GUARDED: dict[str, tuple[Asked, ...]] = {
    "at-once": (("session.cancel_on_disconnect", {"enabled": True}),),
    "away": (("session.cancel_on_disconnect", {"enabled": True, "grace_s": GRACE_S}),),
    "back": (("session.cancel_on_disconnect", {"enabled": True, "grace_s": GRACE_S}),),
    "dead": (DEADMAN, DEADMAN, DEADMAN),
    "alive": (DEADMAN,),
    "off": (
        ("session.cancel_on_disconnect", {"enabled": True}),
        ("session.deadman", {"timeout_s": LONG_S}),
        ("session.cancel_on_disconnect", {"enabled": False}),
        ("session.deadman", {"timeout_s": 0}),
    ),
    "plain": (),
}
"""What each bot asks for, each with a key of its own; its order has its name."""


async def guarded(server: Server, bots: dict[str, Issued], stack: AsyncExitStack) -> None:
    """Let all bots come, ask for their guards, and place an order each."""
    for name, issued in bots.items():
        client = await stack.enter_async_context(trader(server, issued))
        for action, fields in GUARDED[name]:
            assert (await client.ask(action, **fields))["status"] == "ok"
        assert (await client.place(name))["status"] == "accepted"


async def until_open(client: Trader, names: set[str]) -> None:
    """Wait until exactly these orders are open."""
    for _ in range(200):
        if {row["client_order_id"] for row in await client.rows("orders")} == names:
            return
        await asyncio.sleep(0.05)
    raise AssertionError(f"open: {await client.rows('orders')}")


def journalled(folder: Path) -> tuple[OrderManager, list[AccountEvent]]:
    """Return what is on the disk of a server that is gone: all events, and what they come to."""
    order_manager, happened = OrderManager(TradingRules(), lambda _: Prices(0, 0, 0, "connecting")), []
    journal = SqliteJournal(folder, 1000)
    try:
        for record in journal.read():
            if record.kind != EPOCH_KIND:
                happened.append(decode_entry(record.n, record.payload).event)
                order_manager.apply(happened[-1])
    finally:
        journal.close()
    return order_manager, happened


def guards(folder: Path, bots: dict[str, Issued]) -> dict[str, Guard]:
    """Return what the journal says of the bots' guards."""
    names = {issued.key: name for name, issued in bots.items()}
    return {names[of]: guard for _, of, guard in journalled(folder)[0].guards()}


async def test_a_killed_servers_guards_are_the_next_ones(tmp_path: Path) -> None:
    bots = {name: key(tmp_path, money=None if name == "plain" else {}) for name in GUARDED}
    with serving(tmp_path, *FREE) as server:
        async with AsyncExitStack() as stack:
            await guarded(server, bots, stack)
            server.signal(signal.SIGKILL)
            server.process.wait()
    assert guards(tmp_path, bots) == {
        "at-once": Guard(grace_us=0),
        "away": Guard(grace_us=GRACE_US),
        "back": Guard(grace_us=GRACE_US),
        "dead": Guard(deadman_us=GRACE_US),
        "alive": Guard(deadman_us=GRACE_US),
    }
    sets = [event for event in journalled(tmp_path)[1] if isinstance(event, GuardSet)]
    assert sum(event.key == bots["dead"].key for event in sets) == 1, "asking again is no change"
    with serving(tmp_path, *FREE) as server:
        async with trader(server, bots["back"]) as back, trader(server, bots["alive"]) as alive:
            await back.ask("session.cancel_on_disconnect", enabled=True, grace_s=GRACE_S)
            await alive.ask("session.deadman", timeout_s=LONG_S)
            await until_open(alive, {"back", "alive", "off", "plain"})
            server.signal(signal.SIGKILL)
            server.process.wait()
        assert "orders=6" in server.log, "all but at-once went back into the market"
    assert guards(tmp_path, bots) == {
        "back": Guard(grace_us=GRACE_US),
        "alive": Guard(deadman_us=LONG_S * 1_000_000),
    }
    check_times(journalled(tmp_path)[1], bots)


def check_times(happened: list[AccountEvent], bots: dict[str, Issued]) -> None:
    """A grace ran from the start to its end; there was none for who had none."""
    sets = [event for event in happened if isinstance(event, GuardSet) and event.key == bots["away"].key]
    ended = {event.order.ticket.client_order_id: event for event in happened if isinstance(event, OrderEnded)}
    (ends_us,) = [event.guard.cancels_us for event in sets if event.guard.cancels_us is not None]
    assert ends_us >= ended["at-once"].ts_us + GRACE_US - TIMERS_US
    assert ended["away"].ts_us >= ends_us - TIMERS_US
    assert ended["dead"].ts_us >= ended["at-once"].ts_us + GRACE_US - TIMERS_US
    assert {name: event.order.code for name, event in ended.items()} == {
        "at-once": Code.DISCONNECTED,
        "away": Code.DISCONNECTED,
        "dead": Code.DEADMAN,
    }


@pytest.mark.slow
async def test_the_shortest_grace_of_a_keys_connections_holds(tmp_path: Path) -> None:
    bots = {"at-once": key(tmp_path)}
    with serving(tmp_path, *FREE) as server:
        async with trader(server, bots["at-once"]) as client, trader(server, bots["at-once"]) as other:
            await client.ask("session.cancel_on_disconnect", enabled=True)
            await other.ask("session.cancel_on_disconnect", enabled=True, grace_s=LONG_S)
            await client.place("at-once")
            server.signal(signal.SIGKILL)
            server.process.wait()
    with serving(tmp_path, *FREE) as server:
        async with trader(server, bots["at-once"]) as client:
            assert await client.rows("orders") == []
            await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=LONG_S)
            await client.ask("session.deadman", timeout_s=LONG_S)
            await client.place("stopped")
        server.process.terminate()
        assert server.wait() == 0
    order_manager, _ = journalled(tmp_path)
    assert order_manager.guards() == [], "a server that goes cancels for all of them"
    assert order_manager.open_orders("alice") == []
