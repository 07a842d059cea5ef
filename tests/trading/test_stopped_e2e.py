"""A server that is stopped (SIGSTOP) and goes on: it reads what came meanwhile before its timers judge."""

from __future__ import annotations

import asyncio
import signal
from pathlib import Path

from floorwire.core.authorization import Scope
from floorwire.storage.key_store import Issued
from tests.servers import Server, eventually, metrics
from tests.trading.trader import FREE, SCOPES, drop_connection, key, serving, trader

STOPPED_S = 1.2
PATIENCE_S = 30.0


async def back(server: Server, issued: Issued) -> None:
    """Come back within the grace, as the client sees it."""
    async with trader(server, issued) as client:
        await client.ask("session.cancel_on_disconnect", enabled=True, grace_s=600)


async def test_keepalives_in_the_socket_count_after_a_stop(tmp_path: Path) -> None:
    bots = {
        name: key(tmp_path, money=None if name == "alive" else {})
        for name in ("alive", "dead", "back", "gone")
    }
    watching = key(tmp_path, money={}, scopes=(*SCOPES, Scope.MONITOR))
    with serving(tmp_path, *FREE) as server:
        async with (
            trader(server, watching, "orders") as watcher,
            trader(server, bots["alive"]) as alive,
            trader(server, bots["dead"]) as dead,
        ):
            for name in ("back", "gone"):
                async with trader(server, bots[name]) as leaver:
                    await leaver.ask("session.cancel_on_disconnect", enabled=True, grace_s=0.6)
                    await leaver.place(name)
                    drop_connection(leaver)
            for name, client in (("alive", alive), ("dead", dead)):
                await client.place(name)
                await client.ask("session.deadman", timeout_s=0.6)
            server.signal(signal.SIGSTOP)
            for number in range(200):  # many reads before the one that matters
                await alive.send("orders", after=str(number + 1))
            await alive.send("session.deadman", timeout_s=600)
            coming = asyncio.create_task(back(server, bots["back"]))
            await asyncio.sleep(STOPPED_S)
            server.signal(signal.SIGCONT)
            for name in ("dead", "gone"):
                await asyncio.wait_for(watcher.until("orders", "cancelled", name), PATIENCE_S)
            await coming
            open_ids = {row["client_order_id"] for row in await watcher.rows("orders")}
            assert open_ids == {"alive", "back"}
        assert eventually(lambda: metrics(server)["floorwire_event_loop_stalls_total"] >= 1)
        assert metrics(server)["floorwire_event_loop_stalled_seconds_total"] > STOPPED_S / 2
        assert eventually(lambda: "the event loop stood still" in server.log)
