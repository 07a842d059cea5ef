"""Kraken's order adapter over real sockets, against an exchange that shares no code with it."""

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
from floorwire.venues.kraken.orders import order_adapter
from tests.fake_exchange import kraken
from tests.fake_exchange.kraken import FakeKraken
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running
from tests.live.adapter_run import AdapterRun, run
from tests.live.fake_account import give_money, of_the_exchange, other_trades, told_balances
from tests.venues import order_driver
from tests.venues.order_driver import Names


def name(number: int) -> str:
    return client_id("hex", "0000000a", number)


def order(number: int = 1, **fields: object) -> PlaceOrder:
    return replace(order_driver.place(name(number)), symbol="BTC-USD", **fields)


def market(number: int, **fields: object) -> PlaceOrder:
    return order(number, type="market", time_in_force="ioc", price=None, worst_price="31000.0", **fields)


def cancel(number: int = 1, venue_order_id: str = "") -> CancelOrder:
    return replace(order_driver.cancel(name(number), venue_order_id), symbol="BTC-USD")


def amend(venue_order_id: str, **fields: object) -> AmendOrder:
    return replace(order_driver.amend(name(1), venue_order_id), symbol="BTC-USD", **fields)


def query(number: int = 1, venue_order_id: str = "") -> QueryOrder:
    return QueryOrder(7, name(number), venue_order_id, "BTC-USD")


@asynccontextmanager
async def session(skew_us: int = 0) -> AsyncIterator[tuple[FakeKraken, AdapterRun]]:
    """Serve the exchange with two accounts that have money, and run the first one's adapter."""
    async with running(FakeKraken(kraken.default_markets(), skew_us=skew_us)) as fake:
        give_money(fake, "USD")
        credentials = VenueCredentials(fake.first.api_key, Secret(fake.first.secret))
        addresses = f"ws://127.0.0.1:{fake.port}/auth", f"http://127.0.0.1:{fake.port}"
        adapter = order_adapter(
            OrderSettings("kraken", *addresses, credentials), Names({"BTC-USD": "BTC/USD"}), Random(1)
        )
        async with run(adapter) as client:
            await client.report(LinkUp)
            yield fake, client


def sells(fake: FakeKraken, size: str, price: str) -> None:
    """Let the other account sell."""
    other_trades(fake, "BTCUSD", Side.SELL, size, price)


async def test_life_of_an_order_with_fills() -> None:
    async with session() as (fake, client):
        client.command(order())
        answer = await client.report(PlaceAnswer)
        assert answer.outcome == "accepted"
        sells(fake, "0.004", "30000")
        executed = await client.report(Executed)
        assert (Decimal(executed.price), Decimal(executed.quantity)) == (Decimal(30_000), Decimal("0.004"))
        assert (Decimal(executed.fee), executed.fee_asset, executed.liquidity) == (
            Decimal("0.12"),
            "USD",
            "maker",
        )
        await client.report(OrderSeen, lambda one: Decimal(one.filled) == Decimal("0.004"))
        for known in ("", answer.venue_order_id):
            client.command(query(1, known))
            found = await client.report(OrderAnswer)
            (same,) = found.executions
            assert same.execution_id == executed.execution_id
            assert (Decimal(same.fee), same.fee_asset) == (Decimal("0.12"), "USD")
        client.command(cancel(1, answer.venue_order_id))
        assert (await client.report(CancelAnswer)).outcome == "taken"
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, Decimal(end.filled)) == (name(1), "cancelled", Decimal("0.004"))
        assert await told_balances(client) == of_the_exchange(fake)


async def test_amends() -> None:
    async with session() as (_, client):
        client.command(order())
        answer = await client.report(PlaceAnswer)
        client.command(amend(answer.venue_order_id))
        assert (await client.report(AmendAnswer)).outcome == "amended"
        seen = await client.report(
            OrderSeen, lambda one: one.price is not None and Decimal(one.price) == 30_001
        )
        assert Decimal(seen.quantity or "0") == Decimal("0.02")
        client.command(amend(answer.venue_order_id, quantity="90.0"))  # more than the account has
        assert (await client.report(AmendAnswer)).outcome == "refused"
        client.command(amend("ONEVER-ONEVER-ONEVER"))
        assert (await client.report(AmendAnswer)).outcome == "refused"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (order(quantity="50"), Code.INSUFFICIENT_BALANCE),
        (order(quantity="0.0000001"), Code.MIN_NOTIONAL),
        (order(price="30000.05"), Code.TICK_SIZE),
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
            assert (end.state, end.code) == ("rejected", Code.POST_ONLY_WOULD_CROSS)


async def test_orders_that_do_not_rest() -> None:
    async with session() as (fake, client):
        sells(fake, "0.004", "30500")
        client.command(market(3))
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, end.code) == (name(3), "cancelled", Code.NO_LIQUIDITY)
        assert Decimal(end.filled) == Decimal("0.004")
        sells(fake, "1", "31000")
        client.command(market(4, quantity=None, quote_quantity="3100"))
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, Decimal(end.filled)) == (name(4), "filled", Decimal("0.1"))
        assert await told_balances(client) == of_the_exchange(fake)


async def test_fill_or_kill_goes_by_rest() -> None:
    async with session() as (fake, client):
        sells(fake, "0.01", "30500")
        client.command(order(2, time_in_force="fok", price="30500.0"))
        assert (await client.report(PlaceAnswer)).outcome == "accepted"
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state) == (name(2), "filled")


async def test_request_that_is_lost_with_the_link_is_unknown_and_never_placed() -> None:
    async with session() as (fake, client):
        fake.faults.lose_request("add_order")
        client.command(order())
        await fake.disconnect_all()
        assert (await client.report(PlaceAnswer)).outcome == "unknown"
        await client.report(LinkDown)
        await client.report(LinkUp)
        client.command(query())
        assert (await client.report(OrderAnswer)).seen is None
        assert not fake.core.orders


@pytest.mark.parametrize("fault", ["lose_answer", "time_out_after_execution"])
async def test_order_whose_answer_is_lost_is_found(fault: str) -> None:
    async with session() as (fake, client):
        getattr(fake.faults, fault)("add_order")
        client.command(order())
        await client.report(PlaceAnswer)
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
        assert told.open_orders == ()
        (executed,) = told.executions
        assert (executed.venue_order_id, Decimal(executed.quantity)) == (
            answer.venue_order_id,
            Decimal("0.01"),
        )
        client.command(query(1, answer.venue_order_id))
        found = await client.report(OrderAnswer)
        assert found.seen is not None
        assert found.seen.state == "filled"
        assert [one.execution_id for one in found.executions] == [executed.execution_id]
        assert told.cursor


async def test_rest_that_lags_does_not_find_an_order_that_the_stream_shows() -> None:
    async with session() as (fake, client):
        fake.queries.freeze()
        client.command(order())
        answer = await client.report(PlaceAnswer)
        assert answer.outcome == "accepted"
        client.command(query())
        assert (await client.report(OrderAnswer)).seen is None
        fake.queries.thaw()
        client.command(query())
        assert (await client.report(OrderAnswer)).seen is not None


async def test_lost_frame_connects_anew() -> None:
    async with session() as (fake, client):
        client.command(order())
        await client.report(OrderSeen)
        fake.faults.drop_frame('"executions"')
        sells(fake, "0.001", "30000")
        sells(fake, "0.001", "30000")
        await client.report(LinkDown)
        await client.report(LinkUp)


async def test_fill_that_is_reported_twice_has_one_id() -> None:
    async with session() as (fake, client):
        client.command(order())
        await client.report(OrderSeen)
        fake.faults.repeat_next_fill()
        sells(fake, "0.01", "30000")
        first, second = await client.report(Executed), await client.report(Executed)
        assert first.execution_id == second.execution_id


async def test_cancel_while_the_link_is_down_goes_by_rest() -> None:
    async with session() as (fake, client):
        client.command(order())
        await client.report(OrderSeen)
        await fake.disconnect_all()
        await client.report(LinkDown)
        client.command(cancel())
        assert (await client.report(CancelAnswer)).outcome == "taken"
        assert not fake.core.open_orders("first")
        client.command(cancel())
        assert (await client.report(CancelAnswer)).outcome == "over"


async def test_orders_above_the_count_of_the_exchange_are_not_sent() -> None:
    async with session() as (fake, client):
        for number in range(1, 71):
            client.command(order(number, quantity="0.001"))
        answers = [await client.report(PlaceAnswer) for _ in range(70)]
        assert {one.outcome for one in answers} == {"accepted", "rejected"}
        assert not [error for error in fake.counts.refusals if "Rate limit" in str(error)]


async def test_clock_that_is_minutes_off_is_no_fault() -> None:
    async with session(skew_us=300_000_000) as (fake, client):
        client.command(order())
        assert (await client.report(PlaceAnswer)).outcome == "accepted"
        assert not fake.counts.refusals
