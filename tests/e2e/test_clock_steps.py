"""A real server whose system clock is set back and ahead: nothing but dates may notice."""

from __future__ import annotations

import asyncio
import signal
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest
from websockets.asyncio.client import connect

from floorwire.auth.grant import Grant
from floorwire.core.authorization import Scope
from floorwire.storage.data_dir import DataDir
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.stepped import StepClock, stepped
from tests.trading.trader import SCOPES, JsonValue, Trader, caller, key, trader

S = 1_000_000
HOUR = 3_600 * S
BACK_90_S = -90 * S
DAYS = [pytest.param(24 * HOUR, marks=pytest.mark.slow), pytest.param(-24 * HOUR, marks=pytest.mark.slow)]
LARGE = [HOUR, -HOUR, *DAYS]
SMALL = [pytest.param(step_us, marks=pytest.mark.slow) for step_us in (3 * S, -3 * S)]
STEPS = [*SMALL, *LARGE]
MARKET = ("ticker", "trades", "book")
NEVER_S, SOON_S = 3_600.0, 0.2


class SteppedServer:
    """A server, its clock, and keys for it."""

    def __init__(self, server: Server, clock: StepClock, folder: Path, bot: Issued, ops: Issued) -> None:
        self.server, self.clock, self.folder, self.bot, self.ops = server, clock, folder, bot, ops

    def believed(self) -> float:
        """Return how far the server's dates are from its system's clock, in seconds."""
        with caller(self.server, self.ops) as http:
            text = http.get(self.server.http("/metrics")).text
        (line,) = [line for line in text.splitlines() if line.startswith("floorwire_clock_error_seconds ")]
        return abs(float(line.split()[1]))

    async def until_believed(self) -> None:
        """Wait until dates follow the clock again."""
        async with asyncio.timeout(20):
            while await asyncio.to_thread(self.believed) > 0.01:
                await asyncio.sleep(0.05)


@pytest.fixture(
    scope="module",
    params=[NEVER_S, pytest.param(SOON_S, marks=pytest.mark.slow)],
    ids=["not-believed", "believed"],
)
def stepped_server(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[SteppedServer]:
    folder = tmp_path_factory.mktemp("stepped")
    bot, ops = key(folder), key(folder, "ops", (*SCOPES, Scope.ADMIN, Scope.MONITOR))
    with stepped(folder, request.param) as (server, clock):
        yield SteppedServer(server, clock, folder, bot, ops)


async def everything_works(stepped_server: SteppedServer, client: Trader, name: str) -> None:
    """Do all that is limited by a rate, of the connection that is there and of new ones."""
    for number in range(10):
        assert (await client.ask("ping"))["status"] == "pong", number
    assert (await client.place(name))["status"] == "accepted"
    assert (await client.ask("order.amend", client_order_id=name, quantity="0.002"))["status"] == "accepted"
    assert (await client.ask("order.cancel_all"))["status"] == "accepted"
    async with trader(stepped_server.server, stepped_server.bot) as another:
        assert (await another.ask("ping"))["status"] == "pong"
    await asyncio.to_thread(over_http, stepped_server)


def over_http(stepped_server: SteppedServer) -> None:
    with caller(stepped_server.server, stepped_server.ops) as http:
        for _ in range(5):
            assert http.get("/orders").status_code == 200
        assert http.post("/halts", json={"scope": "symbol", "name": "BTC-USDT"}).status_code == 200
        assert http.delete("/halts", params={"scope": "symbol", "name": "BTC-USDT"}).status_code == 200


async def hear_market(client: Trader, since: dict[str, int]) -> None:
    """Wait until each channel has said more."""
    async with asyncio.timeout(15):
        while any(len(client.events.get(name, ())) < count + 3 for name, count in since.items()):
            await client.receive()


async def hear_candles(client: Trader) -> None:
    """Wait until two more candles of a second have closed."""
    count = len(closed(client)) + 2
    async with asyncio.timeout(15):
        while len(closed(client)) < count:
            await client.receive()


def closed(client: Trader) -> list[int]:
    """Return when the candles that have closed began."""
    return [int(str(message["start"])) for message in client.events.get("candles", ()) if message["closed"]]


def heard(client: Trader) -> dict[str, int]:
    return {name: len(client.events.get(name, ())) for name in MARKET}


def check_streams(client: Trader) -> None:
    """No stream's dates go back, no candle closes twice, and no feed was ever stale."""
    for name, messages in client.events.items():
        for field in ("sent", "ts"):
            dates = [message[field] for message in messages if isinstance(message.get(field), int)]
            assert all(early <= late for early, late in pairwise(dates)), (name, field)  # type: ignore[operator]
    assert all(early < late for early, late in pairwise(closed(client)))
    assert all(message.get("feed", "live") == "live" for message in client.events.get("system", ()))


async def follow(client: Trader) -> None:
    for name in (*MARKET, "candles"):
        fields: dict[str, JsonValue] = {"interval": "1s"} if name == "candles" else {}
        said = await client.ask("subscribe", channel=name, symbol="BTC-USDT", **fields)
        assert said["status"] == "subscribed"
    assert (await client.ask("subscribe", channel="system"))["status"] == "subscribed"


@pytest.mark.parametrize("step_us", STEPS)
async def test_a_step_locks_nobody_out_and_stops_no_market(
    stepped_server: SteppedServer, step_us: int
) -> None:
    async with trader(stepped_server.server, stepped_server.bot, "orders") as client:
        await follow(client)
        await everything_works(stepped_server, client, f"before{step_us}")
        for number in range(3):
            since = heard(client)
            stepped_server.clock.step(step_us)
            await everything_works(stepped_server, client, f"{step_us}.{number}")
            await hear_market(client, since)
        await hear_candles(client)
        stepped_server.clock.set(0)
        since = heard(client)
        await everything_works(stepped_server, client, f"after{step_us}")
        await hear_market(client, since)
        await hear_candles(client)
        check_streams(client)


@pytest.mark.slow
async def test_ahead_for_two_seconds_and_back_locks_nobody_out(stepped_server: SteppedServer) -> None:
    async with trader(stepped_server.server, stepped_server.bot, "orders") as client:
        await follow(client)
        for number in range(2):
            stepped_server.clock.step(2 * S)
            await everything_works(stepped_server, client, f"ahead{number}")
            await asyncio.sleep(1)
            await everything_works(stepped_server, client, f"still{number}")
            stepped_server.clock.step(-2 * S)
            since = heard(client)
            await everything_works(stepped_server, client, f"back{number}")
            await hear_market(client, since)
        check_streams(client)
    await stepped_server.until_believed()


@pytest.mark.parametrize("step_us", [BACK_90_S, *STEPS])
async def test_guards_wait_as_long_as_they_said(stepped_server: SteppedServer, step_us: int) -> None:
    async with trader(stepped_server.server, stepped_server.bot, "orders") as client:
        async with trader(stepped_server.server, stepped_server.bot) as leaver:
            await leaver.ask("session.cancel_on_disconnect", enabled=True, grace_s=0.5)
            await leaver.place(f"gone{step_us}")
        stepped_server.clock.step(step_us)
        await client.ask("ping")
        assert [row["client_order_id"] for row in await client.rows("orders")] == [f"gone{step_us}"]
        async with asyncio.timeout(5):
            await client.until("orders", "cancelled", f"gone{step_us}")
        assert (await client.ask("session.deadman", timeout_s=0.5))["status"] == "ok"
        await client.place(f"dead{step_us}")
        stepped_server.clock.step(-step_us)
        await client.ask("ping")
        assert [row["client_order_id"] for row in await client.rows("orders")] == [f"dead{step_us}"]
        async with asyncio.timeout(5):
            await client.until("orders", "cancelled", f"dead{step_us}")
        await client.ask("session.deadman", timeout_s=0)
    await asyncio.sleep(2 * SOON_S)


@pytest.mark.parametrize("step_us", LARGE)
async def test_orders_expire_by_the_date_that_is_believed(
    stepped_server: SteppedServer, step_us: int
) -> None:
    async with trader(stepped_server.server, stepped_server.bot, "orders") as client, asyncio.timeout(30):
        for name, us in (("far", 2 * HOUR), ("near", 2 * S)):
            date_us = stepped_server.clock.date_us() + us
            placed = await client.place(f"{name}{step_us}", time_in_force="gtd", expires=date_us)
            assert placed["status"] == "accepted", placed
        stepped_server.clock.step(step_us)
        await asyncio.sleep(2 * SOON_S)
        is_believed = await asyncio.to_thread(stepped_server.believed) < 1
        if is_believed:
            date_us = stepped_server.clock.date_us() + S
            placed = await client.place(f"again{step_us}", time_in_force="gtd", expires=date_us)
            assert placed["status"] == "accepted", placed
            await client.until("orders", "expired", f"again{step_us}")
            assert stepped_server.clock.date_us() >= date_us
        if step_us > 0 or not is_believed:
            await client.until("orders", "expired", f"near{step_us}")
        open_ids = {row["client_order_id"] for row in await client.rows("orders")}
        assert (f"far{step_us}" in open_ids) is not (is_believed and step_us > 2 * HOUR)
        assert (f"near{step_us}" in open_ids) is (is_believed and step_us < 0)
        await client.ask("order.cancel_all")
        stepped_server.clock.set(0)
        await asyncio.sleep(2 * SOON_S)


@pytest.mark.parametrize("step_us", [BACK_90_S, HOUR])
async def test_a_deadline_is_judged_by_the_date_that_is_believed(
    stepped_server: SteppedServer, step_us: int
) -> None:
    async with trader(stepped_server.server, stepped_server.bot) as client:
        stepped_server.clock.step(step_us)
        await client.ask("ping")
        await asyncio.sleep(2 * SOON_S)
        is_believed = await asyncio.to_thread(stepped_server.believed) < 1
        right_us = stepped_server.clock.date_us() - (0 if is_believed else step_us)
        names = {"late": -10 * S, "soon": 10 * S}
        said = {
            name: await client.place(f"{name}{step_us}", deadline=right_us + us) for name, us in names.items()
        }
        assert said["late"].get("code") == "deadline_passed"
        assert said["soon"]["status"] == "accepted", said["soon"]
        await client.ask("order.cancel_all")
        stepped_server.clock.set(0)
        await asyncio.sleep(2 * SOON_S)


@pytest.mark.parametrize("step_us", [BACK_90_S, pytest.param(HOUR, marks=pytest.mark.slow)])
async def test_a_mass_cancel_and_a_stall_do_not_ask_the_clock(
    stepped_server: SteppedServer, step_us: int
) -> None:
    """Turns, and the wait for input after a stall, are in monotonic time."""
    async with trader(stepped_server.server, stepped_server.bot, "orders") as client:
        for number in range(150):
            await client.send(
                "order.place", client_order_id=f"m{number}.{step_us}", symbol="BTC-USDT", side="buy",
                quantity="0.001", price="30000",
            )  # fmt: skip
        assert (await client.ask("session.deadman", timeout_s=0.3))["status"] == "ok"
        stepped_server.server.signal(signal.SIGSTOP)
        stepped_server.clock.step(step_us)
        await client.send("session.deadman", timeout_s=600)
        await asyncio.sleep(0.6)
        stepped_server.server.signal(signal.SIGCONT)
        assert (await client.ask("ping"))["status"] == "pong"
        await asyncio.sleep(1)
        assert len(await client.rows("orders")) == 150
        assert (await client.ask("order.cancel_all"))["count"] == 150
        async with asyncio.timeout(10):
            await client.until("orders", "cancelled", f"m149.{step_us}")
        await client.ask("session.deadman", timeout_s=0)
        stepped_server.clock.set(0)
        await asyncio.sleep(2 * SOON_S)


@pytest.mark.slow
@pytest.mark.parametrize("step_us", [BACK_90_S, pytest.param(HOUR, marks=pytest.mark.slow)])
async def test_guards_outlive_a_crash_with_a_step_in_between(tmp_path: Path, step_us: int) -> None:
    at_once, dead, alive = key(tmp_path), key(tmp_path, money={}), key(tmp_path, money={})
    with stepped(tmp_path, NEVER_S) as (server, _):
        async with (
            trader(server, at_once) as first,
            trader(server, dead) as second,
            trader(server, alive) as third,
        ):
            await first.ask("session.cancel_on_disconnect", enabled=True)
            for name, client in (("dead", second), ("alive", third)):
                await client.ask("session.deadman", timeout_s=3)
                await client.place(name)
            await first.place("at-once")
            server.signal(signal.SIGKILL)
            server.process.wait()
    with stepped(tmp_path, NEVER_S, offset_us=step_us) as (server, _):
        async with trader(server, alive, "orders") as client:
            await client.ask("session.deadman", timeout_s=600)
            assert {row["client_order_id"] for row in await client.rows("orders")} == {"dead", "alive"}
            async with asyncio.timeout(10):
                await client.until("orders", "cancelled", "dead")
            assert {row["client_order_id"] for row in await client.rows("orders")} == {"alive"}


async def test_a_key_ends_by_the_date_that_is_believed(stepped_server: SteppedServer) -> None:
    ends_us = time.time_ns() // 1000 + 2 * HOUR
    grant = Grant("alice", SCOPES, expires_us=ends_us)
    issued = DataDir(stepped_server.folder, {}).keys.create(grant, {}, time.time_ns() // 1000)
    async with trader(stepped_server.server, issued) as client:
        stepped_server.clock.step(3 * HOUR)
        await client.ask("ping")
        await asyncio.sleep(2 * SOON_S)
        if await asyncio.to_thread(stepped_server.believed) < 1:
            async with asyncio.timeout(10):
                await client.socket.wait_closed()
            assert client.socket.close_code == 4501
        else:
            assert (await client.ask("ping"))["status"] == "pong"
            stepped_server.clock.step(-6 * HOUR)
            assert (await client.ask("ping"))["status"] == "pong"
    stepped_server.clock.set(0)
    await asyncio.sleep(2 * SOON_S)


@pytest.mark.parametrize("step_us", STEPS)
async def test_tickets_and_what_was_used_do_not_ask_the_clock(
    stepped_server: SteppedServer, step_us: int
) -> None:
    async with trader(stepped_server.server, stepped_server.bot):  # the key is known
        with caller(stepped_server.server, stepped_server.bot) as http:
            before, used = (http.post("/tickets").json()["ticket"] for _ in range(2))
            async with connect(stepped_server.server.ws(f"/ws?ticket={used}")):
                pass
            stepped_server.clock.step(step_us)
            after = http.post("/tickets").json()["ticket"]
        for good in (before, after):
            async with connect(stepped_server.server.ws(f"/ws?ticket={good}")) as socket:
                await socket.send('{"action": "ping", "id": 1}')
                assert '"pong"' in str(await socket.recv())
        for again in (used, before, after):
            async with connect(stepped_server.server.ws(f"/ws?ticket={again}")) as refused:
                await refused.wait_closed()
                assert refused.close_code == 4500
    stepped_server.clock.set(0)
    await asyncio.sleep(2 * SOON_S)
