"""Several venues in one process: their symbols, money and positions are apart, whatever runs beside them."""

from __future__ import annotations

import asyncio
from pathlib import Path

from floorwire.core.authorization import Scope
from tests.trading.trader import SCOPES, amount, caller, key, serving, trader

RECORDED = Path(__file__).parent.parent / "recorded" / "coinbase"
REPLAY, LOOP = f"--venue=replay:{RECORDED}", "--set=replay.loop=true"


async def test_money_and_positions_belong_to_their_venue_whatever_runs(tmp_path: Path) -> None:
    money = {"USDT": "1000", "coinbase:USDT": "500"}
    alice = key(tmp_path, money=money)
    with serving(tmp_path, "--venue=sim", REPLAY, LOOP) as server:
        async with trader(server, alice, "balances") as client:
            venues = {row["symbol"]: row["venue"] for row in await client.rows("symbols")}
            assert venues["BTC-USDT"] == "sim"
            assert venues["coinbase:ABC-USDT"] == "coinbase"
            reply = await client.ask("symbols")
            shared = {
                "orders": "paper",
                "amends": True,
                "book_depth": None,
                "order_types": ["limit", "market", "stop", "stop_limit"],
                "times_in_force": ["gtc", "ioc", "fok", "gtd"],
            }
            given = ["quote", "trades", "book"]
            assert reply["venues"] == [
                {
                    "venue": "sim",
                    "kind": "sim",
                    "default": True,
                    "streams": given,
                    "candle_intervals": [],
                    **shared,
                },
                {
                    "venue": "coinbase",
                    "kind": "coinbase",
                    "default": False,
                    "streams": [*given, "candles"],
                    "candle_intervals": ["5m"],
                    **shared,
                },
            ]
            rows = await client.rows("balances")
            assert (amount(rows, "USDT"), amount(rows, "coinbase:USDT")) == ("1000", "500")
            # one account's money at one venue is not usable at another
            for attempt in range(500):
                too_much = await client.place(
                    f"much-{attempt}", symbol="coinbase:ABC-USDT", quantity="80", price="10"
                )
                if too_much.get("code") == "insufficient_balance":
                    break
                await asyncio.sleep(0.02)  # the recording loses its link now and then
            details = too_much["details"]
            assert isinstance(details, dict)
            assert (too_much["code"], details["asset"]) == ("insufficient_balance", "USDT")
            assert str(details["available"]).startswith("500.0")
            bought = await client.place("buy", symbol="sim:btcusdt", type="market", quantity="0.002")
            assert bought["status"] == "accepted"
            order = (await client.ask("order.status", client_order_id="buy"))["order"]
            assert isinstance(order, dict)
            assert order["symbol"] == "BTC-USDT"
            [position] = await client.rows("positions")
            assert position["symbol"] == "BTC-USDT"
            rows = await client.rows("balances")
            left, btc = amount(rows, "USDT"), amount(rows, "BTC")
            assert amount(rows, "coinbase:USDT") == "500"
    with serving(tmp_path, REPLAY, "--venue=sim", LOOP) as server:
        async with trader(server, alice, "fills") as client:
            rows = await client.rows("balances")
            assert (amount(rows, "USDT"), amount(rows, "sim:USDT")) == ("500", left)
            assert amount(rows, "sim:BTC") == btc
            [other] = await client.rows("positions")
            assert other == {**position, "symbol": "sim:BTC-USDT"}
            [fill] = await client.rows("fills")
            assert (fill["symbol"], fill["fee_asset"]) == ("sim:BTC-USDT", "sim:USDT")
            assert (await client.ask("subscribe", channel="ticker", symbol="sim:BTC-USDT"))["status"] == (
                "subscribed"
            )
            event = client.events["ticker"][0] if "ticker" in client.events else await client.receive()
            while event.get("channel") != "ticker":
                event = await client.receive()
            assert event["symbol"] == "sim:BTC-USDT"
    with serving(tmp_path, "--venue=sim") as server:
        async with trader(server, alice) as client:
            assert await client.rows("positions") == [position]
            rows = await client.rows("balances")
            assert (amount(rows, "USDT"), amount(rows, "coinbase:USDT")) == (left, "500")


async def test_halts_and_keys_name_one_venue_or_all(tmp_path: Path) -> None:
    ops = key(tmp_path, "ops", (*SCOPES, Scope.ADMIN), {})
    narrow = key(tmp_path, "bob", symbols=("small:BTC-USDT",))
    both = key(tmp_path, "carol", symbols=("BTC-USDT",))
    small = ("--set=venues.small.kind=sim", "--set=venues.small.symbols=BTC-USDT,ETH-USDT")
    with serving(tmp_path, "--venue=sim", "--venue=small", *small) as server, caller(server, ops) as http:
        halted = http.post("/halts", json={"scope": "symbol", "name": "btcusdt"}).json()
        assert (halted["status"], halted["name"]) == ("ok", "BTC-USDT")
        async with trader(server, narrow) as client:
            rows = await client.rows("symbols")
            assert [(row["symbol"], row["state"]) for row in rows] == [("small:BTC-USDT", "open")]
            venues = (await client.ask("symbols"))["venues"]
            assert isinstance(venues, list)
            assert [venue["venue"] for venue in venues if isinstance(venue, dict)] == ["small"]
            refused = await client.ask("subscribe", channel="ticker", symbol="BTC-USDT")
            assert (refused["code"], refused["details"]) == ("forbidden", {"symbol": "BTC-USDT"})
            found = await client.ask("subscribe", channel="ticker", symbol="small:BTC-USDT")
            assert (found["symbol"], found["instrument"]) == ("small:BTC-USDT", "small:BTC-USDT")
        async with trader(server, both) as client:
            assert {(row["symbol"], row["state"]) for row in await client.rows("symbols")} == {
                ("BTC-USDT", "halted"),
                ("small:BTC-USDT", "open"),
            }
            assert (await client.place("a"))["code"] == "market_halted"
            lacking = await client.place("b", symbol="small:BTC-USDT")
            assert lacking["code"] == "insufficient_balance"
        halted = http.post("/halts", json={"scope": "symbol", "name": "small:BTC-USDT"}).json()
        assert halted["name"] == "small:BTC-USDT"
        assert http.get("/halts").json()["halts"] == [
            {"scope": "symbol", "name": "BTC-USDT"},
            {"scope": "symbol", "name": "small:BTC-USDT"},
        ]
        limits = {"max_position": {"BTC": "0", "small:BTC": "1", "NOPE": "1"}}
        assert http.put("/limits/carol", json=limits).status_code == 200
        assert http.get("/limits/carol").json()["unknown_assets"] == ["NOPE"]
    with serving(tmp_path, "--venue=small", "--venue=sim", *small) as server, caller(server, ops) as http:
        assert http.get("/halts").json()["halts"] == [
            {"scope": "symbol", "name": "sim:BTC-USDT"},
            {"scope": "symbol", "name": "BTC-USDT"},
        ]
        ended = http.delete("/halts", params={"scope": "symbol", "name": "sim:BTC-USDT"}).json()
        assert (ended["status"], ended["name"]) == ("ok", "sim:BTC-USDT")
        assert http.get("/halts").json()["halts"] == [{"scope": "symbol", "name": "BTC-USDT"}]
