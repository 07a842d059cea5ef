"""Books are reconciled over real sockets: every fill back to the first, without a hole or a repeat."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from pathlib import Path

import httpx2
import pytest

from floorwire.engine.account import KEPT_FILLS
from floorwire.protocol.trading_requests import MAX_FILLS
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import FREE, JsonValue, Message, Trader, key, serving, trader

MONEY = {"USDT": "10000000", "BTC": "100", "ETH": "1000"}
FILLS = KEPT_FILLS + 300
OF_FILL = ("fill_id", "order_id", "symbol", "side", "price", "quantity", "fee", "liquidity", "time")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("fills")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder, money=MONEY)


@pytest.fixture(scope="module")
def narrow(folder: Path) -> Issued:
    return key(folder, money={}, symbols=("ETH-USDT",))


@pytest.fixture(scope="module")
def told(folder: Path, issued: Issued) -> list[Message]:
    """Trade until there are more fills than are at hand, and kill the server; return what was told of."""

    async def trade(server: Server) -> list[Message]:
        async with trader(server, issued, "fills") as client:
            return await traded(client, FILLS, "first")

    with serving(folder, *FREE) as first:
        told = asyncio.run(trade(first))
        first.process.kill()
        return told


@pytest.fixture(scope="module")
def server(folder: Path, told: list[Message], narrow: Issued) -> Iterator[Server]:
    assert len(told) >= FILLS, "before this server began"
    with serving(folder, *FREE) as running:
        yield running


async def traded(client: Trader, count: int, name: str) -> list[Message]:
    """Take until there were so many fills; return them as they were told of, the latest first."""
    events, number = client.events["fills"], 0
    begin = len(events)
    while len(events) - begin < count:
        for _ in range(50):
            number += 1
            await client.send("order.place", client_order_id=f"{name}-{number}", type="market",
                              symbol="ETH-USDT" if number % 3 == 0 else "BTC-USDT",
                              side="buy" if number % 4 < 2 else "sell", quantity="0.01")  # fmt: skip
        (latest,) = await client.rows("fills", limit=1)
        while events[-1].get("fill_id") != latest["fill_id"]:
            await client.receive()
    return events[: begin - 1 : -1]


def plain(fills: list[Message]) -> list[Message]:
    """Return what a fill is, whether it was told of or listed."""
    return [{name: fill[name] for name in OF_FILL} for fill in fills]


async def paged(client: Trader, limit: int, **fields: JsonValue) -> list[Message]:
    """Return all fills, page by page."""
    found: list[Message] = []
    while True:
        reply = await client.ask("fills", limit=limit, **fields)
        if "is being indexed" in str(reply.get("message")):  # a slow machine: it says when to ask again
            await asyncio.sleep(0.1)
            continue
        assert reply["status"] == "ok", reply
        rows = reply["fills"]
        assert isinstance(rows, list)
        found += [row for row in rows if isinstance(row, dict)]
        if "next" not in reply:
            return found
        fields["before"] = reply["next"]


@pytest.mark.parametrize("limit", [pytest.param(100, marks=pytest.mark.slow), 333, MAX_FILLS])
async def test_pages_lead_to_the_first_fill_while_new_ones_come(
    server: Server, issued: Issued, told: list[Message], limit: int
) -> None:
    async with trader(server, issued) as client, trader(server, issued, "fills") as hands:
        newer, found = await asyncio.gather(traded(hands, 50, f"more-{limit}"), paged(client, limit))
        assert len(newer) >= 50
        first = [fill["fill_id"] for fill in found].index(told[0]["fill_id"])
        assert plain(found[first:]) == plain(told)
        ids = [int(str(fill["fill_id"])) for fill in found]
        assert ids == sorted(set(ids), reverse=True)


async def test_http_pages_are_the_same(server: Server, issued: Issued, told: list[Message]) -> None:
    headers = {"authorization": f"Bearer {issued.key}.{issued.secret}"}
    found: list[Message] = []
    async with httpx2.AsyncClient(
        base_url=server.http("/api/v1"), headers=headers, timeout=10, verify=False
    ) as client:
        query: dict[str, str | int] = {"limit": 250, "before": str(told[10]["fill_id"])}
        while True:
            page = (await client.get("/fills", params=query)).json()
            found += page["fills"]
            if "next" not in page:
                break
            query["before"] = page["next"]
    assert plain(found) == plain(told[11:])


async def test_a_narrow_key_pages_through_its_symbols_only(
    server: Server, narrow: Issued, told: list[Message]
) -> None:
    mine = [fill for fill in told if fill["symbol"] == "ETH-USDT"]
    async with trader(server, narrow) as client:
        found = await paged(client, 50, before=told[0]["fill_id"])
        assert plain(found) == plain([fill for fill in mine if fill is not told[0]])
        assert 0 < len(found) < len(told)


async def test_answers_come_in_the_order_asked(server: Server, issued: Issued, told: list[Message]) -> None:
    async with trader(server, issued) as client:
        sent = []
        for number in range(6):
            sent.append(await client.send("fills", before=told[-9 - number]["fill_id"]))
            sent.append(await client.send("order.status", order_id="1"))
            sent.append(await client.send("fills", limit=1))
        sent.append(await client.send("order.cancel_all"))
        replies = [await client.receive() for _ in sent]
    assert [reply["id"] for reply in replies] == sent
    pages = [reply["fills"] for reply in replies[0::3] if "fills" in reply]
    assert [len(page) for page in pages if isinstance(page, list)] == [8 + number for number in range(6)]


async def test_too_many_at_once_are_refused_and_may_come_again(
    server: Server, issued: Issued, told: list[Message]
) -> None:
    async with trader(server, issued) as client:
        for _ in range(100):
            await client.send("fills", limit=MAX_FILLS, before=told[-200]["fill_id"])
        replies = [await client.receive() for _ in range(100)]
        outcomes = {str(reply.get("code", reply["status"])) for reply in replies}
        assert outcomes == {"ok", "rate_limited"}
        pages = [reply["fills"] for reply in replies if "fills" in reply]
        assert pages.count(pages[0]) == len(pages)
        again = await client.ask("fills", limit=MAX_FILLS, before=told[-200]["fill_id"])
        while again["status"] != "ok":  # the server says how long to wait; a fast one has let less time pass
            wait_ms = again["retry_after_ms"]
            assert again["code"] == "rate_limited"
            assert isinstance(wait_ms, int)
            await asyncio.sleep(wait_ms / 1000)
            again = await client.ask("fills", limit=MAX_FILLS, before=told[-200]["fill_id"])
        assert again["fills"] == pages[0]


async def test_memory_says_where_it_ends(tmp_path: Path) -> None:
    issued = key(tmp_path, money=MONEY)
    with serving(tmp_path, *FREE, "--set=journal=memory", "--set=storage.memory_records=100") as server:
        async with trader(server, issued, "fills") as client:
            told = await traded(client, FILLS, "memory")
            found = plain(await paged(client, MAX_FILLS))
            assert found == plain(told)[: len(found)]
            assert len(found) >= KEPT_FILLS
            last = await client.ask("fills", before=found[-1]["fill_id"])
            assert (last["fills"], "next" in last) == ([], False)
            assert last["gap"] == {"from": 1, "to": len(told) - len(found), "reason": "expired"}
            narrow = await client.ask("fills", limit=MAX_FILLS, symbol="ETH-USDT")
            assert isinstance(narrow["fills"], list)
            rows = plain([row for row in narrow["fills"] if isinstance(row, dict)])
            assert rows == [fill for fill in found if fill["symbol"] == "ETH-USDT"]
            assert (narrow["gap"], "next" in narrow) == (last["gap"], False)
