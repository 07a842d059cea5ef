"""Orders at a fake exchange through an unmodified ccxt: a command, and a server that is killed."""

from __future__ import annotations

import asyncio
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, STDOUT
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.connectors.test_ccxt_prices import RUN, packages
from tests.live.faces import BINANCE, OKX, FakeMarket, environment, trading, write_settings
from tests.live.live_server import until_open
from tests.live.test_kill import until_equal
from tests.servers import Server, running
from tests.trading.trader import FREE, Trader, key, trader

pytestmark = pytest.mark.slow


def through_ccxt(folder: Path, market: FakeMarket, *more: str) -> Path:
    """Write the settings of a server whose venue is reached through ccxt; return their file."""
    file, kind = write_settings(folder, [market], *more), market.face.kind
    file.write_text(file.read_text().replace(f'kind = "{kind}"', f'kind = "ccxt:{kind}"'))
    return file


async def doctor(folder: Path, market: FakeMarket, *more: str) -> tuple[int | None, str]:
    """Return how ``doctor venue --orders`` ends, and what it prints."""
    config = ("--config", str(through_ccxt(folder, market, *more)), "--seconds", "4", "--orders")
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", RUN.format("floorwire"), await packages()),
        *("doctor", "venue", market.face.kind, *config),
        env={**os.environ, "NO_PROXY": "127.0.0.1", "COLUMNS": "150", **environment([market])},
        stdout=PIPE,
        stderr=STDOUT,
    )
    output = (await process.communicate())[0].decode()
    return process.returncode, output


async def test_an_order_is_placed_found_and_cancelled(tmp_path: Path) -> None:
    async with trading(BINANCE, quote=100_000, base=0) as market:
        output = (await doctor(tmp_path, market))[1]
    wrong = re.findall(r"wrong: (\S+ \S+)", output)
    assert wrong in ([], ["link day"]), output  # the fake has no figures of the day
    (order,) = market.orders()
    assert not order.state.is_open
    for said in ("private stream: up", "account: 100000", "accepted as", "query: open", "cancel: cancelled"):
        assert said in output


async def test_a_dry_run_shows_the_call_and_sends_nothing(tmp_path: Path) -> None:
    async with trading(BINANCE, quote=100_000, base=0) as market:
        code, output = await doctor(tmp_path, market, "dry_run = true")
    assert code == 1
    assert "dry_run" in output
    assert "ccxt://binance/createOrder" in output
    assert not market.orders()


@asynccontextmanager
async def serving(folder: Path, config: Path, market: FakeMarket) -> AsyncIterator[Server]:
    """Run a server that has ccxt."""
    command = [
        sys.executable,
        "-c",
        RUN.format("floorwire"),
        await packages(),
        "serve",
        "--live",
        "--port",
        "0",
    ]
    command += ["--config", str(config), "--data", str(folder / "data"), "--set=drain.seconds=0.1", *FREE]
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("NO_PROXY", "127.0.0.1")
        for name, text in environment([market]).items():
            patch.setenv(name, text)
        process = running(command)
        server = await asyncio.to_thread(process.__enter__)
    try:
        yield server
    finally:
        await asyncio.to_thread(process.__exit__, None, None, None)


async def place(client: Trader, name: str, price: str, **more: str) -> None:
    terms: dict[str, str] = {"client_order_id": name, "symbol": BINANCE.symbol, "type": "limit", **more}
    reply = await client.ask("order.place", side="buy", quantity="0.01", price=price, **terms)
    assert reply["status"] == "accepted", reply


async def test_an_order_is_amended_in_place(tmp_path: Path) -> None:
    """At OKX, whose amends keep the order: Binance's do not, and are refused."""
    issued = key(tmp_path / "data", money={})
    async with trading(OKX) as market:
        config = through_ccxt(tmp_path, market)
        async with serving(tmp_path, config, market) as server, trader(server, issued) as client:
            await until_open(server, [market])
            await place(client, "one", "55000", symbol=OKX.symbol)
            await until_equal(client, [market])
            terms = {"client_order_id": "one", "price": "55001", "quantity": "0.02"}
            reply = await client.ask("order.amend", **terms)
            assert reply["status"] == "accepted", reply
            async with asyncio.timeout(30):
                while market.orders()[0].lots != 2 * 10**6 // market.market.step_e8:
                    await asyncio.sleep(0.05)
            await until_equal(client, [market])
            found = await client.ask("order.status", client_order_id="one")
            order = found["order"]
            assert isinstance(order, dict)
            assert (order["price"], order["quantity"], order["state"]) == ("55001.0", "0.0200000", "new")
    assert len(market.orders()) == 1


async def test_orders_of_a_killed_server_are_found_and_none_is_sent_twice(tmp_path: Path) -> None:
    issued = key(tmp_path / "data", money={})
    async with trading(BINANCE) as market:
        config = through_ccxt(tmp_path, market)
        async with serving(tmp_path, config, market) as server, trader(server, issued) as client:
            await until_open(server, [market])
            await place(client, "resting", "55000")
            await place(client, "taking", "65000", time_in_force="ioc")
            await until_equal(client, [market])
            market.faults.lose_answer("/api/v3/order")
            await place(client, "unanswered", "54000")
            while len(market.orders()) < 3:
                await asyncio.sleep(0.05)
            server.signal(signal.SIGKILL)
        async with serving(tmp_path, config, market) as server, trader(server, issued) as client:
            await until_open(server, [market])
            await until_equal(client, [market])
            found = await client.ask("order.status", client_order_id="unanswered")
            assert found["order"]["state"] == "new"  # type: ignore[index, call-overload]
            market.faults.lose_request("/api/v3/order")
            await place(client, "lost", "53000")
            await until_equal(client, [market])
            lost = await client.ask("order.status", client_order_id="lost")
            assert lost["order"]["state"] == "rejected"  # type: ignore[index, call-overload]
            await client.ask("order.cancel_all")
            async with asyncio.timeout(30):
                while market.core.open_orders("first"):
                    await asyncio.sleep(0.05)
            await until_equal(client, [market])
            assert len(market.orders()) == 3
            assert market.fake.credentials()[1] not in server.log
    assert not {429, 418} & set(market.fake.counts.refusals)
