"""OKX's order adapter over real sockets, against an exchange that shares no code with it."""

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
    CancelAnswer,
    Executed,
    LinkDown,
    LinkUp,
    OrderAnswer,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    Reconcile,
    ReconcileAnswer,
)
from floorwire.venues.okx.orders import order_adapter
from tests.fake_exchange import okx
from tests.fake_exchange.okx import FakeOkx
from tests.fake_exchange.orders import Side
from tests.fake_exchange.serving import running
from tests.live.adapter_run import AdapterRun, run
from tests.live.fake_account import give_money, of_the_exchange, other_trades, told_balances
from tests.venues.order_driver import Names, amend, cancel, place, query

MARKET = place(type="market", time_in_force="ioc", price=None, worst_price="31000.0")


@asynccontextmanager
async def session(skew_us: int = 0) -> AsyncIterator[tuple[FakeOkx, AdapterRun]]:
    """Serve the exchange with two accounts that have money, and run the first one's adapter."""
    async with running(FakeOkx(okx.default_markets(), skew_us=skew_us)) as fake:
        give_money(fake, "USDT")
        first = fake.first
        credentials = VenueCredentials(first.api_key, Secret(first.secret), Secret(first.passphrase))
        addresses = f"ws://127.0.0.1:{fake.port}", f"http://127.0.0.1:{fake.port}"
        adapter = order_adapter(
            OrderSettings("okx", *addresses, credentials), Names({"BTC-USDT": "BTC-USDT"}), Random(1)
        )
        async with run(adapter) as client:
            await client.report(LinkUp)
            yield fake, client


def sells(fake: FakeOkx, size: str, price: str) -> None:
    """Let the other account sell."""
    other_trades(fake, "BTCUSDT", Side.SELL, size, price)


async def test_life_of_an_order_with_fills() -> None:
    async with session() as (fake, client):
        client.command(place())
        answer = await client.report(PlaceAnswer)
        assert answer.outcome == "accepted"
        sells(fake, "0.004", "30000")
        executed = await client.report(Executed)
        assert (executed.price, executed.quantity, executed.liquidity) == ("30000", "0.004", "maker")
        assert (Decimal(executed.fee), executed.fee_asset) == (Decimal("0.000004"), "BTC")
        seen = await client.report(OrderSeen, lambda one: Decimal(one.filled) > 0)
        assert (seen.state, Decimal(seen.filled)) == ("open", Decimal("0.004"))
        client.command(query())
        found = await client.report(OrderAnswer)
        assert found.executions == (executed,)  # by REST the same one
        client.command(cancel())
        assert (await client.report(CancelAnswer)).outcome == "taken"
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.state, Decimal(end.filled)) == ("cancelled", Decimal("0.004"))
        assert await told_balances(client) == of_the_exchange(fake)


async def test_amends() -> None:
    async with session() as (fake, client):
        client.command(place())
        await client.report(OrderSeen)
        client.command(amend())
        assert (await client.report(AmendAnswer)).outcome == "amended"
        seen = await client.report(OrderSeen, lambda one: one.price == "30001")
        assert Decimal(seen.quantity or "0") == Decimal("0.02")
        assert len(fake.core.open_orders("first")) == 1
        client.command(replace(amend(), quantity="90.0", price="30001.0"))  # more than the account has
        assert (await client.report(AmendAnswer)).outcome == "refused"
        client.command(replace(amend(), client_id="fw0000000a2"))
        assert (await client.report(AmendAnswer)).outcome == "refused"


@pytest.mark.parametrize(
    ("command", "code"),
    [
        (place(quantity="50"), Code.INSUFFICIENT_BALANCE),
        (place(quantity="0.0000001", price="30000.0"), None),
        (place(price="30000.05"), Code.TICK_SIZE),
    ],
)
async def test_refusals(command: PlaceOrder, code: Code | None) -> None:
    async with session() as (fake, client):
        client.command(command)
        answer = await client.report(PlaceAnswer)
        assert answer.outcome == "rejected"
        assert code is None or answer.code == code
        assert not fake.core.open_orders("first")


async def test_orders_that_do_not_rest() -> None:
    async with session() as (fake, client):
        sells(fake, "0.004", "30500")
        client.command(place("fwa1", post_only=True, price="30500.0"))
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, end.code) == ("fwa1", "rejected", Code.POST_ONLY_WOULD_CROSS)
        client.command(place("fwa2", time_in_force="fok", price="30500.0"))
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, end.code) == ("fwa2", "rejected", Code.FOK_UNFILLED)
        client.command(replace(MARKET, client_id="fwa3"))
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, end.code) == ("fwa3", "cancelled", Code.NO_LIQUIDITY)
        assert Decimal(end.filled) == Decimal("0.004")
        sells(fake, "1", "31000")
        spending = replace(MARKET, client_id="fwa4", quantity=None, quote_quantity="3100")
        client.command(spending)
        end = await client.report(OrderSeen, lambda one: one.state != "open")
        assert (end.client_id, end.state, Decimal(end.filled)) == ("fwa4", "filled", Decimal("0.1"))
        assert await told_balances(client) == of_the_exchange(fake)


async def test_request_that_is_lost_with_the_link_is_unknown_and_never_placed() -> None:
    async with session() as (fake, client):
        fake.faults.lose_request("/ws/order")
        client.command(place())
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
        getattr(fake.faults, fault)("/ws/order")
        client.command(place())
        await client.report(PlaceAnswer)  # the channel may show it before the answer is lost
        client.command(query())
        found = await client.report(OrderAnswer)
        assert found.seen is not None
        assert found.seen.state == "open"
        assert len(fake.core.open_orders("first")) == 1


async def test_fills_of_the_time_without_a_link_come_with_the_reconciliation() -> None:
    async with session() as (fake, client):
        client.command(place())
        await client.report(OrderSeen)
        await fake.disconnect_all()
        await client.report(LinkDown)
        sells(fake, "0.01", "30000")
        await client.report(LinkUp)
        client.command(Reconcile(1, ""))
        answer = await client.report(ReconcileAnswer)
        assert answer.open_orders == ()
        (executed,) = answer.executions
        assert (executed.client_id, executed.quantity) == ("fw0000000a1", "0.01")
        client.command(query())
        found = await client.report(OrderAnswer)
        assert found.seen is not None
        assert (found.seen.state, found.executions) == ("filled", (executed,))
        client.command(Reconcile(2, answer.cursor))
        assert (await client.report(ReconcileAnswer)).executions == ()


async def test_fill_that_is_reported_twice_has_one_id() -> None:
    async with session() as (fake, client):
        client.command(place())
        await client.report(OrderSeen)
        fake.faults.repeat_next_fill()
        sells(fake, "0.01", "30000")
        first, second = await client.report(Executed), await client.report(Executed)
        assert first == second


async def test_cancel_while_the_link_is_down_goes_by_rest() -> None:
    async with session() as (fake, client):
        client.command(place())
        await client.report(OrderSeen)
        await fake.disconnect_all()
        await client.report(LinkDown)
        client.command(cancel())
        assert (await client.report(CancelAnswer)).outcome == "taken"
        assert not fake.core.open_orders("first")


async def test_cancel_of_an_order_that_is_over() -> None:
    async with session() as (_, client):
        client.command(cancel("fwnever"))
        assert (await client.report(CancelAnswer)).outcome in ("over", "refused")


async def test_limits_of_the_exchange_are_never_met() -> None:
    async with session() as (fake, client):
        for number in range(40):
            client.command(place(f"fw{number}", quantity="0.001"))
        answers = [await client.report(PlaceAnswer) for _ in range(40)]
        assert {one.outcome for one in answers} == {"accepted", "rejected"}
        for number in range(40):
            client.command(cancel(f"fw{number}"))
        outcomes = [(await client.report(CancelAnswer)).outcome for _ in range(40)]
        assert outcomes.count("taken") == [one.outcome for one in answers].count("accepted")
        assert not fake.core.open_orders("first")
        assert not {"50011", "50061", "60014"} & set(fake.counts.refusals)


async def test_clock_that_is_minutes_off_is_no_fault() -> None:
    async with session(skew_us=300_000_000) as (fake, client):
        client.command(place())
        assert (await client.report(PlaceAnswer)).outcome == "accepted"
        assert not fake.counts.refusals
