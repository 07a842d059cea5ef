"""Coinbase's order adapter over real sockets, against an exchange that shares no code with it."""

from __future__ import annotations

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal
from random import Random

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.credentials import Secret, VenueCredentials
from floorwire.core.order_ports import OrderSettings
from floorwire.core.remote_orders import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    Executed,
    LinkDown,
    LinkUp,
    OrderAnswer,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryOrder,
    Reconcile,
    ReconcileAnswer,
)
from floorwire.engine.venue_order_ids import client_id
from floorwire.venues.coinbase.orders import order_adapter
from tests.fake_exchange import coinbase
from tests.fake_exchange.coinbase import FakeCoinbase
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running
from tests.live.adapter_run import AdapterRun, run
from tests.live.fake_account import give_money, of_the_exchange, other_trades, told_balances
from tests.venues import order_driver
from tests.venues.order_driver import Names

ORDERS = "/orders"


def name(number: int) -> str:
    return client_id("uuid", "0000000a", number)


def order(number: int = 1, **fields: object) -> PlaceOrder:
    return replace(order_driver.place(name(number)), symbol="BTC-USD", **fields)


def market(number: int, **fields: object) -> PlaceOrder:
    return order(number, type="market", time_in_force="ioc", price=None, worst_price="31000.0", **fields)


def cancel(venue_order_id: str, number: int = 1) -> CancelOrder:
    return replace(order_driver.cancel(name(number), venue_order_id), symbol="BTC-USD")


def amend(venue_order_id: str, **fields: object) -> AmendOrder:
    return replace(order_driver.amend(name(1), venue_order_id), symbol="BTC-USD", **fields)


def query(venue_order_id: str = "", number: int = 1) -> QueryOrder:
    return QueryOrder(7, name(number), venue_order_id, "BTC-USD")


@asynccontextmanager
async def session(which: int = 0, skew_us: int = 0) -> AsyncIterator[tuple[FakeCoinbase, AdapterRun]]:
    """Serve the exchange with two accounts that have money, and run the adapter of one of them."""
    async with running(FakeCoinbase(coinbase.default_markets(), skew_us=skew_us)) as fake:
        give_money(fake, "USD")
        account = fake.accounts[which]
        credentials = VenueCredentials(account.key_name, Secret(account.secret))
        addresses = f"ws://127.0.0.1:{fake.port}/user", f"http://127.0.0.1:{fake.port}"
        adapter = order_adapter(
            OrderSettings("coinbase", *addresses, credentials), Names({"BTC-USD": "BTC-USD"}), Random(1)
        )
        async with run(adapter) as client:
            await client.report(LinkUp)
            yield fake, client


def sells(fake: FakeCoinbase, size: str, price: str) -> None:
    """Let the other account sell."""
    other_trades(fake, "BTCUSD", Side.SELL, size, price)


@pytest.mark.parametrize("which", [0, 1])
async def test_both_kinds_of_keys_are_taken(which: int) -> None:
    async with session(which) as (fake, client):
        client.command(order())
        assert (await client.report(PlaceAnswer)).outcome == "accepted"
        assert not fake.counts.refusals


async def test_life_of_an_order_with_fills() -> None:
    async with session() as (fake, client):
        client.command(order())
        answer = await client.report(PlaceAnswer)
        assert answer.outcome == "accepted"
        sells(fake, "0.004", "30000")
        await client.report(OrderSeen, lambda one: Decimal(one.filled) == Decimal("0.004"))
        executions: list[Executed] = []
        for known in ("", answer.venue_order_id):
            client.command(query(known))
            found = await client.report(OrderAnswer)
            executions += found.executions
        executed, same = executions
        assert executed == same
        assert (Decimal(executed.price), Decimal(executed.quantity)) == (Decimal(30_000), Decimal("0.004"))
        assert (Decimal(executed.fee), executed.fee_asset, executed.liquidity) == (
            Decimal("0.12"),
            "USD",
            "maker",
        )
        client.command(cancel(answer.venue_order_id))
        assert (await client.report(CancelAnswer)).outcome == "taken"
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, Decimal(end.filled)) == (name(1), "cancelled", Decimal("0.004"))
        assert await told_balances(client) == of_the_exchange(fake)


async def test_amends() -> None:
    async with session() as (_, client):
        client.command(order())
        answer = await client.report(PlaceAnswer)
        client.command(amend(answer.venue_order_id))
        assert (await client.report(AmendAnswer)).outcome in ("amended", "unknown")
        client.command(query(answer.venue_order_id))
        found = await client.report(OrderAnswer)
        assert found.seen is not None
        assert Decimal(found.seen.price or "0") == 30_001
        assert Decimal(found.seen.quantity or "0") == Decimal("0.02")
        client.command(amend(answer.venue_order_id, quantity="90.0"))  # more than the account has
        assert (await client.report(AmendAnswer)).outcome == "refused"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (order(quantity="50"), Code.INSUFFICIENT_BALANCE),
        (order(price="30000.005"), Code.TICK_SIZE),
        (order(quantity="0.01000001"), Code.LOT_SIZE),
    ],
)
async def test_refusals(command: PlaceOrder, code: Code) -> None:
    async with session() as (fake, client):
        client.command(command)
        answer = await client.report(PlaceAnswer)
        assert (answer.outcome, answer.code) == ("rejected", code)
        assert not fake.core.open_orders("first")


@pytest.mark.parametrize("is_refused", [False, True])
async def test_post_only_order_that_would_take(is_refused: bool) -> None:
    async with session() as (fake, client):
        fake.trading.post_only_refused = is_refused
        sells(fake, "0.004", "30500")
        client.command(order(1, post_only=True, price="30500.0"))
        answer = await client.report(PlaceAnswer)
        if is_refused:
            assert (answer.outcome, answer.code) == ("rejected", Code.POST_ONLY_WOULD_CROSS)
        else:
            end = await client.report(OrderSeen, lambda one: one.state != "open")
            assert end.state in ("rejected", "cancelled")
            assert Decimal(end.filled) == 0


async def test_orders_that_do_not_rest() -> None:
    async with session() as (fake, client):
        sells(fake, "0.004", "30500")
        client.command(order(2, time_in_force="fok", price="30500.0"))
        answer = await client.report(PlaceAnswer)
        if answer.outcome == "accepted":
            end = await client.report(OrderSeen, lambda one: one.state != "open")
            assert (end.client_id, end.state, end.code) == (name(2), "rejected", Code.FOK_UNFILLED)
        client.command(market(3))
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, end.code) == (name(3), "cancelled", Code.NO_LIQUIDITY)
        assert Decimal(end.filled) == Decimal("0.004")
        sells(fake, "1", "31000")
        client.command(market(4, quantity=None, quote_quantity="3100"))
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, Decimal(end.filled)) == (name(4), "filled", Decimal("0.1"))
        assert await told_balances(client) == of_the_exchange(fake)


async def test_request_that_is_lost_is_unknown_and_never_placed() -> None:
    async with session() as (fake, client):
        fake.faults.lose_request(ORDERS)
        client.command(order())
        assert (await client.report(PlaceAnswer)).outcome == "unknown"
        client.command(query())
        assert (await client.report(OrderAnswer)).seen is None
        assert not fake.core.orders


@pytest.mark.parametrize("fault", ["lose_answer", "time_out_after_execution"])
async def test_order_whose_answer_is_lost_is_found(fault: str) -> None:
    async with session() as (fake, client):
        getattr(fake.faults, fault)(ORDERS)
        client.command(order())
        await client.report(PlaceAnswer)  # the stream may show it before the answer is lost
        client.command(query())
        found = await client.report(OrderAnswer)
        assert found.seen is not None
        assert found.seen.state == "open"
        assert len(fake.core.open_orders("first")) == 1


async def test_fills_of_the_time_without_a_link_come_with_the_reconciliation() -> None:
    async with session() as (fake, client):
        client.command(order())
        answer = await client.report(PlaceAnswer)
        await fake.disconnect_all()
        await client.report(LinkDown)
        sells(fake, "0.01", "30000")
        await client.report(LinkUp)
        client.command(Reconcile(1, ""))
        told = await client.report(ReconcileAnswer)
        (executed,) = told.executions
        assert (executed.venue_order_id, Decimal(executed.quantity)) == (
            answer.venue_order_id,
            Decimal("0.01"),
        )
        assert [one.state for one in told.open_orders] == ["filled"]
        client.command(query(answer.venue_order_id))
        found = await client.report(OrderAnswer)
        assert [one.execution_id for one in found.executions] == [executed.execution_id]
        assert told.cursor


async def test_lost_frame_connects_anew() -> None:
    async with session() as (fake, client):
        client.command(order())
        await client.report(OrderSeen)
        fake.faults.drop_frame('"user"')
        sells(fake, "0.001", "30000")
        await client.report(LinkDown)  # with the next heartbeat
        await client.report(LinkUp)
        await client.report(OrderSeen, lambda one: Decimal(one.filled) == Decimal("0.001"))


async def test_cancels_that_wait_go_together() -> None:
    async with session() as (fake, client):
        answers = []
        for number in range(1, 9):
            client.command(order(number, quantity="0.001"))
            answers.append(await client.report(PlaceAnswer))
        for number, answer in enumerate(answers, 1):
            client.command(cancel(answer.venue_order_id, number))
        outcomes = [(await client.report(CancelAnswer)).outcome for _ in answers]
        assert outcomes == ["taken"] * len(answers)
        assert not fake.core.open_orders("first")
        assert not fake.counts.refusals


async def test_maintenance_whose_answers_are_html_proves_nothing() -> None:
    async with session() as (fake, client):
        fake.start_maintenance()
        client.command(order())
        answer = await client.report(PlaceAnswer)
        assert answer.outcome in ("unknown", "rejected")
        assert answer.outcome == "unknown" or answer.code == Code.VENUE_UNAVAILABLE


async def test_clock_that_is_minutes_off_is_no_fault() -> None:
    async with session(skew_us=300_000_000) as (fake, client):
        client.command(order())
        assert (await client.report(PlaceAnswer)).outcome == "accepted"
        assert not fake.counts.refusals
