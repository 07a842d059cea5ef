"""The account history over real sockets: orders, balances, the summary; before and after a kill."""

from __future__ import annotations

import asyncio
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import FREE, JsonValue, Message, Trader, caller, key, serving, trader

MONEY = {"USDT": "1000000", "BTC": "10", "ETH": "100"}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("history")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder, money=MONEY)


@pytest.fixture(scope="module")
def narrow(folder: Path) -> Issued:
    return key(folder, money={}, symbols=("ETH-USDT",))


async def trade(client: Trader, name: str, count: int) -> None:
    """Place orders that fill, rest, are cancelled and are refused by the market. Wait until they are over.

    The reply to a query does not wait for the journal. Events do, so they may come after it.
    """
    unanswered: set[JsonValue] = set()
    for number in range(count):
        symbol = "ETH-USDT" if number % 3 == 0 else "BTC-USDT"
        far = "10" if symbol == "ETH-USDT" else "60000"
        order: dict[str, JsonValue] = {
            "client_order_id": f"{name}-{number}",
            "symbol": symbol,
            "quantity": "0.01",
        }
        match number % 4:
            case 0:
                order |= {"side": "buy", "type": "market"}
            case 1:
                order |= {"side": "sell", "type": "market"}
            case 2:
                order |= {"side": "buy", "price": far, "quantity": "1"}
            case _:
                order |= {"side": "buy", "price": far, "quantity": "1", "time_in_force": "ioc"}
        unanswered.add(await client.send("order.place", **order))
        if number % 8 == 2:
            unanswered.add(await client.send("order.cancel", client_order_id=f"{name}-{number}"))
    resting = {f"{name}-{number}" for number in range(6, count, 8)}
    while unanswered or open_orders(client) - resting:
        unanswered.discard((await client.receive()).get("id"))


def open_orders(client: Trader) -> set[JsonValue]:
    """Return which orders are not over, by the events that have come."""
    states = {
        event["client_order_id"]: event["state"]
        for event in client.events.get("orders", ())
        if "order_id" in event
    }
    return {name for name, state in states.items() if state in ("new", "partially_filled")}


@pytest.fixture(scope="module")
def told(folder: Path, issued: Issued) -> list[Message]:
    """Trade, and kill the server. Return the last event of each order."""

    async def run(server: Server) -> list[Message]:
        async with trader(server, issued, "orders") as client:
            await trade(client, "first", 80)
            last = {str(event["order_id"]): event for event in client.events["orders"] if "order_id" in event}
            return list(last.values())

    with serving(folder, *FREE) as server:
        told = asyncio.run(run(server))
        server.process.kill()
        return told


@pytest.fixture(scope="module")
def server(folder: Path, told: list[Message]) -> Iterator[Server]:
    assert told
    with serving(folder, *FREE) as running:
        yield running


async def paged(client: Trader, action: str, rows: str, **fields: JsonValue) -> list[Message]:
    """Return all rows, page by page."""
    found: list[Message] = []
    while True:
        reply = await client.ask(action, **fields)
        assert reply["status"] == "ok", reply
        listed = reply[rows]
        assert isinstance(listed, list)
        found += [row for row in listed if isinstance(row, dict)]
        if "next" not in reply:
            return found
        fields["before"] = reply["next"]


def ids(rows: list[Message]) -> list[int]:
    return [int(str(row["order_id"])) for row in rows]


async def test_orders_of_every_state_are_found_after_a_kill(
    server: Server, issued: Issued, told: list[Message]
) -> None:
    async with trader(server, issued) as client:
        everything = await paged(client, "orders", "orders", state="all", limit=7)
        states = {str(row["order_id"]): row["state"] for row in everything}
        assert {str(row["order_id"]): row["state"] for row in told}.items() <= states.items()
        assert len(set(states.values())) >= 3
        assert ids(everything) == sorted(set(ids(everything)), reverse=True)
        for state in ("closed", "filled", "cancelled", "rejected", "expired"):
            wanted = [
                row for row in everything
                if row["state"] == state or (state == "closed" and row["state"] != "new")
            ]  # fmt: skip
            assert await paged(client, "orders", "orders", state=state, limit=9) == wanted
        of_symbol = await paged(client, "orders", "orders", state="all", symbol="ETH-USDT", limit=5)
        assert of_symbol == [row for row in everything if row["symbol"] == "ETH-USDT"]
        resting = await paged(client, "orders", "orders")
        assert ids(resting) == sorted(ids([row for row in everything if row["state"] == "new"]))


async def test_dates_limit_a_list(server: Server, issued: Issued, told: list[Message]) -> None:
    async with trader(server, issued) as client:
        everything = await paged(client, "orders", "orders", state="all")
        begin, end = (int(str(everything[place]["created"])) for place in (-20, -40))
        found = await paged(client, "orders", "orders", state="all", limit=6, **{"from": begin, "to": end})
        assert found == [row for row in everything if begin <= int(str(row["created"])) < end]
        assert len(found) == 20
        for action, rows in (("fills", "fills"), ("ledger", "entries")):
            whole = await paged(client, action, rows)
            begin, end = (int(str(whole[place]["time"])) for place in (-5, -15))
            part = await paged(client, action, rows, limit=3, **{"from": begin, "to": end})
            assert part == [row for row in whole if begin <= int(str(row["time"])) < end]
            assert part


async def test_pages_are_stable_while_orders_come_in(
    server: Server, issued: Issued, told: list[Message]
) -> None:
    async with trader(server, issued) as client, trader(server, issued) as hands:
        before = await paged(client, "orders", "orders", state="closed")
        found, _ = await asyncio.gather(
            paged(client, "orders", "orders", state="closed", limit=3), trade(hands, "more", 60)
        )
        assert len(ids(found)) == len(set(ids(found)))
        assert found[-len(before) :] == before
        after = await paged(client, "orders", "orders", state="closed")
        assert len(after) > len(before)


async def test_the_ledger_adds_up_to_the_balances(
    server: Server, issued: Issued, told: list[Message]
) -> None:
    async with trader(server, issued) as client:
        entries = await paged(client, "ledger", "entries", limit=11)
        sums: dict[str, Decimal] = {}
        for entry in reversed(entries):
            asset = str(entry["asset"])
            sums[asset] = sums.get(asset, Decimal(0)) + Decimal(str(entry["amount"]))
            assert sums[asset] == Decimal(str(entry["balance"]))
        rows = await client.rows("balances")
        assert sums == {str(row["asset"]): Decimal(str(row["total"])) for row in rows}
        assert {entry["cause"] for entry in entries} == {"deposit", "fill", "fee"}
        numbers = [int(str(entry["entry_id"])) for entry in entries]
        assert numbers == sorted(set(numbers), reverse=True)
        assert await paged(client, "ledger", "entries", limit=4, asset="btc") == [
            entry for entry in entries if entry["asset"] == "BTC"
        ]
        fees = sum(Decimal(str(fill["fee"])) for fill in await paged(client, "fills", "fills"))
        assert -fees == sum(Decimal(str(entry["amount"])) for entry in entries if entry["cause"] == "fee")


async def test_the_summary_values_what_has_a_price(
    server: Server, issued: Issued, told: list[Message]
) -> None:
    async with trader(server, issued) as client:
        summary = await client.ask("account", currency="USDT", days=2)
        assert (summary["status"], summary["currency"], summary["unpriced"]) == ("ok", "USDT", [])
        balances = summary["balances"]
        assert isinstance(balances, list)
        values = [Decimal(str(row["value"])) for row in balances if isinstance(row, dict)]
        assert abs(sum(values) - Decimal(str(summary["equity"]))) < Decimal("0.0001")
        assert sum(values) > 1_000_000
        days = summary["days"]
        assert isinstance(days, list)
        (day,) = [row for row in days if isinstance(row, dict)]
        fills = await paged(client, "fills", "fills")
        turnover = sum(Decimal(str(fill["price"])) * Decimal(str(fill["quantity"])) for fill in fills)
        fees = sum(Decimal(str(fill["fee"])) for fill in fills)
        assert (Decimal(str(day["turnover"])), Decimal(str(day["fees"]))) == (turnover, fees)
        assert day["fills"] == len(fills)
        in_btc = await client.ask("account", currency="btc", days=0)
        assert (in_btc["currency"], in_btc["days"]) == ("BTC", [])
        assert Decimal(str(in_btc["equity"])) > 10
        assert (await client.ask("account", currency="NOPE"))["code"] == "bad_request"


async def test_a_narrow_key_sees_its_symbols_only(
    server: Server, issued: Issued, narrow: Issued, told: list[Message]
) -> None:
    async with trader(server, narrow) as client, trader(server, issued) as whole:
        orders = await paged(client, "orders", "orders", state="all", limit=4)
        assert orders
        assert {row["symbol"] for row in orders} == {"ETH-USDT"}
        assert orders == await paged(whole, "orders", "orders", state="all", symbol="ETH-USDT")
        entries = await paged(client, "ledger", "entries", limit=9)
        wanted = [
            entry for entry in await paged(whole, "ledger", "entries")
            if entry.get("symbol", "ETH-USDT") == "ETH-USDT" and entry["asset"] != "BTC"
        ]  # fmt: skip
        assert entries == wanted
        summary = await client.ask("account")
        positions, balances = summary["positions"], summary["balances"]
        assert isinstance(positions, list)
        assert isinstance(balances, list)
        assert [row["symbol"] for row in positions if isinstance(row, dict)] == ["ETH-USDT"]
        assert {row["asset"] for row in balances if isinstance(row, dict)} == {"ETH", "USDT"}


@pytest.mark.parametrize(
    ("action", "fields", "field"),
    [
        ("orders", {"state": "closed", "after": "1"}, "after"),
        ("orders", {"before": "1"}, "before"),
        ("orders", {"state": "open", "from": 1}, "from"),
        ("orders", {"to": 1}, "to"),
        ("orders", {"state": "close"}, "state"),
        ("orders", {"state": "all", "from": -1}, "from"),
        ("ledger", {"asset": "NOPE"}, "asset"),
        ("ledger", {"symbol": "BTC-USDT"}, "symbol"),
        ("account", {"days": 367}, "days"),
    ],
)
async def test_wrong_fields_are_named(
    server: Server, issued: Issued, action: str, fields: dict[str, JsonValue], field: str
) -> None:
    async with trader(server, issued) as client:
        reply = await client.ask(action, **fields)
        assert (reply["code"], reply["details"]) == ("bad_request", {"field": field})


async def test_a_page_before_an_order_that_is_not_ours_is_refused(server: Server, issued: Issued) -> None:
    async with trader(server, issued) as client:
        for before in ("999999", "9999999999999999999"):
            reply = await client.ask("orders", state="closed", before=before)
            assert (reply["code"], reply["details"]) == ("unknown_order", {"field": "before"})
        for action in ("fills", "ledger"):
            reply = await client.ask(action, before="9999999999999999999", limit=1)
            assert reply["status"] == "ok"


async def test_http_has_the_same(server: Server, issued: Issued, told: list[Message]) -> None:
    with caller(server, issued) as http:
        async with trader(server, issued) as client:
            asked: list[tuple[str, str, dict[str, str | int]]] = [
                ("orders", "/orders", {"state": "all", "limit": 20, "symbol": "BTC-USDT"}),
                ("orders", "/orders", {"state": "cancelled", "from": 1, "to": 9 * 10**15}),
                ("fills", "/fills", {"from": 5, "limit": 2}),
                ("ledger", "/ledger", {"asset": "USDT", "limit": 6}),
            ]
            for action, path, query in asked:
                reply = await client.ask(action, **query)
                del reply["id"]
                assert http.get(path, params=query).json() == reply
        account = http.get("/account", params={"currency": "BTC", "days": "1"}).json()
        assert (account["status"], account["currency"]) == ("ok", "BTC")
        assert http.get("/ledger", params={"form": "1"}).json()["code"] == "bad_request"
        assert http.get("/orders", params={"state": "all", "from": "x"}).json()["code"] == "bad_request"
