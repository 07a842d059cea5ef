"""Orders over real sockets: what is asked, what is answered, and what is told of it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import AsyncIterator, Iterator
from decimal import Decimal
from pathlib import Path

import pytest

from floorwire.core.authorization import Scope
from floorwire.storage.key_store import Issued
from tests.servers import Server
from tests.trading.trader import FREE, JsonValue, Message, Trader, amount, funded, key, serving, trader

RECORDED = Path(__file__).parents[1] / "recorded" / "coinbase" / "COINBASE.0"
CHANNELS = ("orders", "fills", "balances", "positions")


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("desk")


@pytest.fixture(scope="module")
def issued(folder: Path) -> Issued:
    return key(folder)


@pytest.fixture(scope="module")
def server(folder: Path, issued: Issued) -> Iterator[Server]:
    with serving(folder, *FREE) as running:
        yield running


@pytest.fixture
async def alice(server: Server, issued: Issued) -> AsyncIterator[Trader]:
    async with trader(server, issued, *CHANNELS) as client:
        yield client


async def test_an_accepted_order_rests_until_it_is_cancelled(alice: Trader) -> None:
    placed = await alice.place("rest-1")
    assert placed["status"] == "accepted"
    assert placed["client_order_id"] == "rest-1"
    new = await alice.until("orders", "new", "rest-1")
    assert (new["state"], new["price"], new["remaining_quantity"]) == ("new", "61000.0", "0.00100")
    assert new["order_id"] == placed["order_id"]
    assert placed["order_id"] in [row["order_id"] for row in await alice.rows("orders")]
    assert (await alice.ask("order.cancel", order_id=placed["order_id"]))["status"] == "accepted"
    gone = await alice.until("orders", "cancelled", "rest-1")
    assert (gone["state"], gone["remaining_quantity"]) == ("cancelled", "0")
    assert placed["order_id"] not in [row["order_id"] for row in await alice.rows("orders")]


async def test_a_market_order_fills_pays_its_fee_and_makes_a_position(alice: Trader) -> None:
    before = await alice.rows("balances")
    assert (await alice.place("take-1", type="market", quantity="0.01"))["status"] == "accepted"
    done = await alice.until("orders", "fill", "take-1")
    while done["state"] != "filled":
        alice.events["orders"].remove(done)
        done = await alice.until("orders", "fill", "take-1")
    fills = [fill for fill in await alice.rows("fills") if fill["client_order_id"] == "take-1"]
    after = await alice.rows("balances")
    cost = sum(Decimal(str(f["price"])) * Decimal(str(f["quantity"])) for f in fills)
    fees = sum(Decimal(str(f["fee"])) for f in fills)
    assert {fill["liquidity"] for fill in fills} == {"taker"}
    assert 0 < fees <= cost * Decimal("0.0005") + Decimal("0.0000001") * len(fills)
    assert Decimal(amount(before, "USDT")) - Decimal(amount(after, "USDT")) == cost + fees
    assert Decimal(amount(after, "BTC")) - Decimal(amount(before, "BTC")) == Decimal("0.01")
    assert "BTC-USDT" in [position["symbol"] for position in await alice.rows("positions")]


async def test_an_order_larger_than_the_best_level_fills_in_parts(alice: Trader) -> None:
    await alice.place("parts-1", type="market", side="sell", quantity="4")
    first = await alice.until("orders", "fill", "parts-1")
    assert first["state"] == "partially_filled"
    fill = first["fill"]
    assert isinstance(fill, dict)
    assert first["filled_quantity"] == fill["quantity"]
    fills = [one for one in await alice.rows("fills") if one["client_order_id"] == "parts-1"]
    assert len(fills) > 1
    assert len({one["fill_id"] for one in fills}) == len(fills)


async def test_an_amend_changes_price_and_quantity(alice: Trader) -> None:
    await alice.place("amend-1")
    reply = await alice.ask("order.amend", client_order_id="amend-1", price="60999.5", quantity="0.002")
    assert reply["status"] == "accepted"
    amended = await alice.until("orders", "amended", "amend-1")
    assert (amended["price"], amended["quantity"]) == ("60999.5", "0.00200")


async def test_an_amend_that_the_market_refuses_is_told_on_the_channel_too(alice: Trader) -> None:
    await alice.place("amend-2", post_only=True)
    reply = await alice.ask("order.amend", client_order_id="amend-2", price="66000")
    assert reply["code"] == "post_only_would_cross"
    refused = await alice.until("orders", "amend_refused", "amend-2")
    assert refused["code"] == "post_only_would_cross"
    assert (refused["state"], refused["price"]) == ("new", "61000.0")
    assert (await alice.ask("order.cancel", client_order_id="amend-2"))["status"] == "accepted"
    assert "code" not in await alice.until("orders", "cancelled", "amend-2")


async def test_cancel_all_takes_one_symbol_or_everything(alice: Trader) -> None:
    await alice.place("all-1")
    await alice.place("all-2", symbol="ETH-USDT", price="3100", quantity="0.01")
    await alice.ask("order.cancel_all", symbol="ETH-USDT")
    symbols = {row["symbol"] for row in await alice.rows("orders")}
    assert symbols == {"BTC-USDT"}
    reply = await alice.ask("order.cancel_all")
    assert reply["status"] == "accepted"
    assert await alice.rows("orders") == []


async def test_the_same_again_is_the_first_outcome_again(alice: Trader) -> None:
    first = await alice.place("twice-1")
    again = await alice.place("twice-1")
    assert (again["order_id"], again["duplicate"]) == (first["order_id"], True)
    refused = await alice.place("twice-2", post_only=True, price="66000")
    assert refused["code"] == "post_only_would_cross"
    refused_again = await alice.place("twice-2", post_only=True, price="66000")
    assert (refused_again["code"], refused_again["duplicate"]) == ("post_only_would_cross", True)


async def test_numbers_on_each_private_channel_have_no_holes(alice: Trader) -> None:
    for number in range(5):
        await alice.place(f"seq-{number}", type="market", quantity="0.001")
    await alice.ask("orders")
    for channel in CHANNELS:
        snapshot, *updates = alice.events[channel]
        assert snapshot["event"] == "snapshot"
        seqs = [message["seq"] for message in alice.events[channel]]
        assert seqs == list(range(int(str(seqs[0])), int(str(seqs[0])) + len(seqs)))
        assert updates


ERRORS: list[tuple[str, str, Message]] = [
    ("bad_request", "order.place", {"client_order_id": "no spaces"}),
    ("bad_request", "order.place", {"client_order_id": "e", "price": 61000}),
    ("bad_request", "order.place", {"client_order_id": "e", "pirce": "1"}),
    ("bad_request", "order.place", {"client_order_id": "e", "time_in_force": "gtd"}),
    ("bad_request", "order.amend", {"quantity": "1"}),
    ("unknown_symbol", "order.place", {"client_order_id": "e", "symbol": "NO-SUCH"}),
    ("deadline_passed", "order.place", {"client_order_id": "e", "deadline": 1}),
    ("duplicate_client_order_id", "order.place", {"client_order_id": "taken", "price": "61001"}),
    ("unknown_order", "order.cancel", {"client_order_id": "never"}),
    ("unknown_order", "order.amend", {"order_id": "999999", "price": "1"}),
    ("order_closed", "order.cancel", {"client_order_id": "closed"}),
    ("tick_size", "order.place", {"client_order_id": "e", "price": "61000.3"}),
    ("lot_size", "order.place", {"client_order_id": "e", "quantity": "0.0000001"}),
    ("min_notional", "order.place", {"client_order_id": "e", "quantity": "0.00001"}),
    ("price_band", "order.place", {"client_order_id": "e", "price": "90000"}),
    ("max_notional", "order.place", {"client_order_id": "e", "quantity": "20"}),
    ("insufficient_balance", "order.place", {"client_order_id": "e", "symbol": "ETH-BTC", "price": "0.048",
                                             "quantity": "5000"}),
    ("post_only_would_cross", "order.place", {"client_order_id": "e1", "price": "66000", "post_only": True}),
    ("fok_unfilled", "order.place", {"client_order_id": "e2", "time_in_force": "fok"}),
]  # fmt: skip


PLACED: Message = {"symbol": "BTC-USDT", "side": "buy", "quantity": "0.001", "price": "61000"}


@pytest.mark.parametrize(("code", "action", "fields"), ERRORS, ids=lambda value: str(value)[:60])
async def test_each_refusal_has_its_code_and_says_what_became_of_the_order(
    alice: Trader, code: str, action: str, fields: Message
) -> None:
    await alice.place("taken")
    await alice.place("closed")
    await alice.ask("order.cancel", client_order_id="closed")
    reply = await alice.ask(action, **({**PLACED, **fields} if action == "order.place" else fields))
    assert (reply["status"], reply["code"], reply["order"]) == ("error", code, "rejected"), reply


async def test_a_key_does_what_its_scopes_say_and_no_more(server: Server, folder: Path) -> None:
    for scopes, may in (((Scope.MARKET,), False), ((Scope.MARKET, Scope.ACCOUNT), True)):
        only = key(folder, "bob", scopes)
        async with trader(server, only) as bob:
            assert (await bob.place("x"))["code"] == "forbidden"
            assert (await bob.ask("order.cancel_all"))["code"] == "forbidden"
            assert (await bob.ask("session.deadman", timeout_s=1))["code"] == "forbidden"
            assert ((await bob.ask("balances")).get("code") != "forbidden") is may
            assert ((await bob.ask("subscribe", channel="fills"))["status"] == "subscribed") is may


async def test_a_key_for_one_symbol_sees_and_trades_only_that(server: Server, folder: Path) -> None:
    wide, narrow = key(folder, "carol"), key(folder, "carol", money={}, symbols=("ETH-USDT",))
    async with trader(server, wide) as all_of_it, trader(server, narrow, "orders", "balances") as part:
        await funded(all_of_it)
        assert (await all_of_it.place("hidden-1"))["status"] == "accepted"
        await all_of_it.place("shown-1", symbol="ETH-USDT", price="3100", quantity="0.01")
        assert (await part.place("no"))["code"] == "forbidden"
        assert (await part.ask("order.cancel", client_order_id="hidden-1"))["code"] == "forbidden"
        assert [row["client_order_id"] for row in await part.rows("orders")] == ["shown-1"]
        shown = await part.until("orders", "new", "shown-1")
        assert shown["hidden"] == 1
        assert "BTC" not in [row["asset"] for row in await part.rows("balances")]
        assert (await part.ask("order.cancel_all"))["count"] == 1, "what it may see"
        assert [row["client_order_id"] for row in await all_of_it.rows("orders")] == ["hidden-1"]


async def test_a_key_with_a_largest_order_places_none_larger(server: Server, folder: Path) -> None:
    async with trader(server, key(folder, "dave", max_notional="100")) as dave:
        await funded(dave)
        assert (await dave.place("big"))["status"] == "accepted"
        assert (await dave.place("bigger", quantity="0.002"))["code"] == "max_notional"


async def test_an_account_never_hears_of_another(server: Server, folder: Path, alice: Trader) -> None:
    async with trader(server, key(folder, "erin"), *CHANNELS) as erin:
        placed = await alice.place("mine-1", type="market", quantity="0.001")
        assert (await erin.ask("order.status", order_id=placed["order_id"]))["code"] == "unknown_order"
        assert await erin.rows("orders") == []
        told = [message for channel in CHANNELS for message in erin.events[channel][1:]]
        assert [message["channel"] for message in told if message["channel"] != "balances"] == []


async def test_an_order_past_its_date_expires(alice: Trader) -> None:
    expires = time.time_ns() // 1000 + 300_000
    await alice.place("gtd-1", time_in_force="gtd", expires=expires)
    gone = await alice.until("orders", "expired", "gtd-1")
    assert gone["state"] == "expired"


async def test_replies_come_in_the_order_of_their_requests(alice: Trader) -> None:
    sent = [
        await alice.send("order.place", client_order_id=f"row-{n}", symbol="BTC-USDT", side="buy",
                         price="61000", quantity="0.001" if n % 3 else "0.0000001")
        for n in range(30)
    ]  # fmt: skip
    heard: list[JsonValue] = []
    while len(heard) < len(sent):
        message = await alice.receive()
        if "status" in message:
            heard.append(message["id"])
    assert heard == sent


async def test_orders_of_a_venue_that_is_not_there_any_more_can_be_cancelled(tmp_path: Path) -> None:
    issued = key(tmp_path)
    with serving(tmp_path) as server:
        async with trader(server, issued) as client:
            await client.place("left-1")
            await client.place("left-2")
    with serving(tmp_path, "--venue", f"replay:{RECORDED},adapter=coinbase", "--loop") as server:
        async with trader(server, issued) as client:
            assert len(await client.rows("orders")) == 2
            assert (await client.place("new-1"))["code"] in (
                "venue_unavailable",
                "unknown_symbol",
                "stale_market",
            )
            assert (await client.ask("order.amend", client_order_id="left-1", quantity="0.002"))["order"]
            assert (await client.ask("order.cancel", client_order_id="left-1"))["status"] == "accepted"
            assert (await client.ask("order.cancel_all"))["status"] == "accepted"
            assert await client.rows("orders") == []
            balance = await client.rows("balances")
            assert amount(balance, "USDT", "held") == "0"


async def test_orders_fill_against_a_replayed_market(tmp_path: Path) -> None:
    issued = key(tmp_path)
    with serving(tmp_path, "--venue", f"replay:{RECORDED},adapter=coinbase", "--loop") as server:
        async with trader(server, issued, "orders") as client:
            placed = await client.place("p-1", symbol="ABC-USDT", type="market", quantity="1")
            while placed.get("code") in ("stale_market", "no_liquidity"):
                await asyncio.sleep(0.02)
                placed = await client.place("p-1", symbol="ABC-USDT", type="market", quantity="1")
            assert placed["status"] == "accepted", placed
            assert (await client.until("orders", "fill", "p-1"))["average_price"] is not None
