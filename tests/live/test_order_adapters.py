"""The order adapter of each exchange over real sockets, against an exchange that shares no code with it."""

from __future__ import annotations

import asyncio
from decimal import Decimal

import pytest
from msgspec.structs import replace

from floorwire.core.codes import Code
from floorwire.core.order_ports import SwitchChanged
from floorwire.core.remote_order_messages import (
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
from tests.fake_exchange.bybit import FakeBybit
from tests.fake_exchange.coinbase import FakeCoinbase
from tests.fake_exchange.kraken import FakeKraken
from tests.fake_exchange.okx import FakeOkx
from tests.fake_exchange.orders import Side
from tests.live.adapter_run import AdapterRun, adapter_of, run, session
from tests.live.faces import BINANCE, BYBIT, COINBASE, FACES, KRAKEN, OKX, Face, FakeMarket, served
from tests.venues import order_driver

pytestmark = pytest.mark.skipping
each_face = pytest.mark.parametrize("face", FACES, ids=str)
with_stops = pytest.mark.parametrize("face", [face for face in FACES if face.has_stops], ids=str)
MANY = 70


def order(face: Face, number: int = 1, **fields: object) -> PlaceOrder:
    """Return the command to buy 0.01 at 30000.0."""
    made = order_driver.place(face.client_id(number))
    return replace(made, symbol=face.symbol, **fields)


def at_market(face: Face, number: int, **fields: object) -> PlaceOrder:
    terms = {"type": "market", "time_in_force": "ioc", "price": None, "worst_price": "31000.0"}
    return order(face, number, **{**terms, **fields})


def cancel(face: Face, venue_order_id: str = "", number: int = 1) -> CancelOrder:
    return CancelOrder(face.client_id(number), venue_order_id, face.symbol)


def amend(
    face: Face, venue_order_id: str, price: str = "30000.0", quantity: str = "0.005", number: int = 1
) -> AmendOrder:
    return AmendOrder(face.client_id(number), venue_order_id, face.symbol, price, quantity)


def query(face: Face, venue_order_id: str = "", number: int = 1) -> QueryOrder:
    return QueryOrder(7, face.client_id(number), venue_order_id, face.symbol)


async def accepted(client: AdapterRun, command: PlaceOrder) -> str:
    """Place the order; return the exchange's id."""
    client.command(command)
    answer = await client.report(PlaceAnswer)
    assert answer.outcome == "accepted", answer
    seen = await client.report(OrderSeen, lambda one: one.client_id == command.client_id)
    return answer.venue_order_id or seen.venue_order_id


def sells(market: FakeMarket, size: str, price: str) -> None:
    """Let the other account sell."""
    market.trade(Side.SELL, size, price)


@each_face
async def test_life_of_an_order_with_fills(face: Face) -> None:
    fee = (Decimal("0.12"), "USD") if face.quote == "USD" else (Decimal("0.000004"), "BTC")
    async with session(face) as (market, client):
        venue_order_id = await accepted(client, order(face))
        sells(market, "0.004", "30000")
        executions = [await client.report(Executed)] if face.tells_fills else []
        await client.report(OrderSeen, lambda one: Decimal(one.filled) == Decimal("0.004"))
        for known in ("", venue_order_id):
            client.command(query(face, known))
            executions += (await client.report(OrderAnswer)).executions
        for executed in executions:
            assert executed.execution_id == executions[0].execution_id
            assert Decimal(executed.price) == 30_000
            assert Decimal(executed.quantity) == Decimal("0.004")
            assert (Decimal(executed.fee), executed.fee_asset, executed.liquidity) == (*fee, "maker")
        assert len(executions) == 2 + face.tells_fills
        client.command(cancel(face, venue_order_id))
        assert (await client.report(CancelAnswer)).outcome == "taken"
        state, _, filled = await client.end(face.client_id(1))
        assert (state, filled) == ("cancelled", Decimal("0.004"))
        assert await client.balances() == market.totals()


@with_stops
async def test_a_stop_order_waits_and_then_fills(face: Face) -> None:
    """It is open while it waits, for a query and a new process too, and fills once the market is there."""
    async with session(face) as (market, client):
        stop = order(face, type="stop_limit", stop_price="29000.0")
        venue_order_id = await accepted(client, stop)
        for known in ("", venue_order_id):
            client.command(query(face, known))
            seen = (await client.report(OrderAnswer)).seen
            assert seen is not None
            assert (seen.state, Decimal(seen.price or "0"), Decimal(seen.quantity or "0")) == (
                "open", Decimal(30_000), Decimal("0.01"),
            )  # fmt: skip
        client.command(Reconcile(3, ""))
        answer = await client.report(ReconcileAnswer)
        assert [one.client_id for one in answer.open_orders] == [face.client_id(1)]
        sells(market, "0.004", "29500")
        market.trade(Side.BUY, "0.001", "29500")
        await client.report(OrderSeen, lambda one: Decimal(one.filled) == Decimal("0.003"))
        client.command(cancel(face, venue_order_id))
        state, _, filled = await client.end(face.client_id(1))
        assert (state, filled) == ("cancelled", Decimal("0.003"))
        assert await client.balances() == market.totals()


@with_stops
async def test_a_stop_order_that_waits_can_be_cancelled(face: Face) -> None:
    async with session(face) as (market, client):
        venue_order_id = await accepted(client, order(face, type="stop_limit", stop_price="29000.0"))
        client.command(cancel(face, venue_order_id))
        assert (await client.report(CancelAnswer)).outcome == "taken"
        state, _, filled = await client.end(face.client_id(1))
        assert (state, filled) == ("cancelled", Decimal())
        assert not market.core.open_orders("first")


@each_face
async def test_amends(face: Face) -> None:
    # Binance keeps an order only where its quantity becomes less.
    price, quantity = ("30000.0", "0.005") if face is BINANCE else ("30001.0", "0.020")
    async with session(face) as (market, client):
        venue_order_id = await accepted(client, order(face))
        client.command(amend(face, venue_order_id, price, quantity))
        answer = await client.report(AmendAnswer)
        assert answer.outcome == "amended" or (face is COINBASE and answer.outcome == "unknown")
        client.command(query(face, venue_order_id))
        seen = (await client.report(OrderAnswer)).seen
        assert seen is not None
        assert Decimal(seen.price or "0") == Decimal(price)
        assert Decimal(seen.quantity or "0") == Decimal(quantity)
        assert len(market.core.open_orders("first")) == 1
        client.command(amend(face, venue_order_id, price, "90.0"))  # more than the account has
        assert (await client.report(AmendAnswer)).outcome == "refused"


@pytest.mark.parametrize(
    ("face", "fields", "code"),
    [
        *((face, {"quantity": "50"}, Code.INSUFFICIENT_BALANCE) for face in FACES),
        (BINANCE, {"price": "30000.005"}, Code.TICK_SIZE),
        (BINANCE, {"quantity": "0.0100001"}, Code.LOT_SIZE),
        (BYBIT, {"price": "30000.005"}, Code.TICK_SIZE),
        (BYBIT, {"quantity": "0.01000001"}, Code.LOT_SIZE),
        (COINBASE, {"price": "30000.005"}, Code.TICK_SIZE),
        (COINBASE, {"quantity": "0.01000001"}, Code.LOT_SIZE),
        (KRAKEN, {"price": "30000.05"}, Code.TICK_SIZE),
        (KRAKEN, {"quantity": "0.0000001"}, Code.MIN_NOTIONAL),
        (OKX, {"price": "30000.05"}, Code.TICK_SIZE),
        (OKX, {"quantity": "0.0000001"}, Code.MIN_NOTIONAL),
    ],
    ids=str,
)
async def test_refusals(face: Face, fields: dict[str, object], code: Code) -> None:
    async with session(face) as (market, client):
        client.command(order(face, 1, **fields))
        answer = await client.report(PlaceAnswer)
        assert (answer.outcome, answer.code) == ("rejected", code)
        assert not market.core.open_orders("first")


@pytest.mark.parametrize(
    ("face", "is_refused"), [(face, True) for face in FACES] + [(KRAKEN, False), (COINBASE, False)], ids=str
)
async def test_post_only_order_that_would_take(face: Face, is_refused: bool) -> None:
    async with session(face) as (market, client):
        if isinstance(market.fake, FakeKraken | FakeCoinbase):
            market.fake.trading.post_only_refused = is_refused
        sells(market, "0.004", "30500")
        client.command(order(face, post_only=True, price="30500.0"))
        state, code, filled = await client.end(face.client_id(1))
        assert filled == 0
        if face is COINBASE and not is_refused:
            assert state in ("rejected", "cancelled")
        else:
            assert (state, code) == ("rejected", Code.POST_ONLY_WOULD_CROSS)


@each_face
async def test_orders_that_do_not_rest(face: Face) -> None:
    async with session(face) as (market, client):
        sells(market, "0.004", "30500")
        client.command(order(face, 2, time_in_force="fok", price="30500.0"))
        state, code, _ = await client.end(face.client_id(2))
        assert (state, code) == ("rejected", Code.FOK_UNFILLED)
        client.command(at_market(face, 3))
        assert await client.end(face.client_id(3)) == ("cancelled", Code.NO_LIQUIDITY, Decimal("0.004"))
        sells(market, "0.01", "30500")
        client.command(order(face, 4, time_in_force="fok", price="30500.0"))
        assert (await client.end(face.client_id(4)))[0] == "filled"
        sells(market, "1", "31000")
        client.command(at_market(face, 5, quantity=None, quote_quantity="3100"))
        state, _, filled = await client.end(face.client_id(5))
        assert (state, filled) == ("filled", Decimal("0.1"))
        assert await client.balances() == market.totals()


@each_face
async def test_request_that_is_lost_is_unknown_and_never_placed(face: Face) -> None:
    async with session(face) as (market, client):
        market.faults.lose_request(face.place_path)
        client.command(order(face))
        assert (await client.report(PlaceAnswer)).outcome == "unknown"
        client.command(query(face))
        assert (await client.report(OrderAnswer)).seen is None
        assert not market.core.orders


@pytest.mark.parametrize("fault", ["lose_answer", "time_out_after_execution"])
@each_face
async def test_order_whose_answer_is_lost_is_found(face: Face, fault: str) -> None:
    async with session(face) as (market, client):
        getattr(market.faults, fault)(face.place_path)
        client.command(order(face))
        await client.report(PlaceAnswer)  # the stream may show it before the answer is lost
        client.command(query(face))
        seen = (await client.report(OrderAnswer)).seen
        assert seen is not None
        assert seen.state == "open"
        assert len(market.core.open_orders("first")) == 1


@each_face
async def test_fills_of_the_time_without_a_link_come_with_the_reconciliation(face: Face) -> None:
    async with session(face) as (market, client):
        venue_order_id = await accepted(client, order(face))
        await market.fake.disconnect_all()
        await client.report(LinkDown)
        sells(market, "0.01", "30000")
        await client.report(LinkUp)
        client.command(Reconcile(1, ""))
        told = await client.report(ReconcileAnswer)
        (executed,) = told.executions
        assert (executed.venue_order_id, Decimal(executed.quantity)) == (venue_order_id, Decimal("0.01"))
        assert [one for one in told.open_orders if one.state == "open"] == []
        client.command(query(face, venue_order_id))
        found = await client.report(OrderAnswer)
        assert found.seen is not None
        assert found.seen.state == "filled"
        assert [one.execution_id for one in found.executions] == [executed.execution_id]
        assert told.cursor
        client.command(Reconcile(2, told.cursor))
        again = await client.report(ReconcileAnswer)
        assert {one.execution_id for one in again.executions} <= {executed.execution_id}


@each_face
async def test_queries_that_lag_do_not_find_an_order_that_was_accepted(face: Face) -> None:
    async with session(face) as (market, client):
        market.fake.queries.freeze()
        client.command(order(face))
        assert (await client.report(PlaceAnswer)).outcome == "accepted"
        client.command(query(face))
        assert (await client.report(OrderAnswer)).seen is None
        market.fake.queries.thaw()
        client.command(query(face))
        assert (await client.report(OrderAnswer)).seen is not None


@pytest.mark.parametrize(("face", "frame"), [(COINBASE, '"user"'), (KRAKEN, '"executions"')], ids=str)
async def test_lost_frame_connects_anew(face: Face, frame: str) -> None:
    """Where frames have numbers."""
    async with session(face) as (market, client):
        await accepted(client, order(face))
        market.faults.drop_frame(frame)
        sells(market, "0.001", "30000")
        sells(market, "0.001", "30000")
        await client.report(LinkDown)
        await client.report(LinkUp)
        await client.report(OrderSeen, lambda one: Decimal(one.filled) == Decimal("0.002"))


@pytest.mark.parametrize("face", [face for face in FACES if face.tells_fills], ids=str)
async def test_fill_that_is_reported_twice_has_one_id(face: Face) -> None:
    async with session(face) as (market, client):
        await accepted(client, order(face))
        market.faults.repeat_next_fill()
        sells(market, "0.01", "30000")
        first, second = await client.report(Executed), await client.report(Executed)
        assert first.execution_id == second.execution_id


@each_face
async def test_cancel_while_the_link_is_down(face: Face) -> None:
    async with session(face) as (market, client):
        venue_order_id = await accepted(client, order(face))
        await market.fake.disconnect_all()
        await client.report(LinkDown)
        client.command(cancel(face, venue_order_id))
        assert (await client.report(CancelAnswer)).outcome == "taken"
        assert not market.core.open_orders("first")


# Coinbase cancels by its own ids only, and does not say what is over.
@pytest.mark.parametrize("face", [face for face in FACES if face is not COINBASE], ids=str)
async def test_cancel_of_an_order_that_is_over_or_never_was(face: Face) -> None:
    async with session(face) as (_, client):
        client.command(cancel(face))
        assert (await client.report(CancelAnswer)).outcome in ("over", "refused")
        venue_order_id = await accepted(client, order(face, 2))
        client.command(cancel(face, venue_order_id, 2))
        assert (await client.report(CancelAnswer)).outcome == "taken"
        client.command(cancel(face, venue_order_id, 2))
        assert (await client.report(CancelAnswer)).outcome in ("over", "refused")


@each_face
async def test_limits_of_the_exchange_are_never_met(face: Face) -> None:
    async with session(face) as (market, client):
        for number in range(1, MANY + 1):
            client.command(order(face, number, quantity="0.001"))
        answers = [await client.report(PlaceAnswer) for _ in range(MANY)]
        assert {one.outcome for one in answers} <= {"accepted", "rejected"}
        taken = [answer for answer in answers if answer.outcome == "accepted"]
        assert len(taken) >= 8
        left = {answer.client_id: answer.venue_order_id for answer in taken}
        while left:  # a cancel that waited too long is "unknown", and has to be asked for again
            for client_id, venue_order_id in left.items():
                client.command(CancelOrder(client_id, venue_order_id, face.symbol))
            for done in [await client.report(CancelAnswer) for _ in left]:
                assert done.outcome in ("taken", "unknown")
                if done.outcome == "taken":
                    del left[done.client_id]
            await asyncio.sleep(1)
        assert not market.core.open_orders("first")
        # Kraken does not say how many messages it allows. What it refuses for that is asked for again.
        assert set(market.fake.counts.refusals) <= ({"Exceeded msg rate"} if face is KRAKEN else set())


@each_face
async def test_maintenance_proves_nothing(face: Face) -> None:
    async with session(face) as (market, client):
        market.fake.start_maintenance()
        client.command(order(face))
        answer = await client.report(PlaceAnswer)
        assert answer.outcome == "unknown" or answer.code == Code.VENUE_UNAVAILABLE


@each_face
async def test_clock_that_is_minutes_off_is_no_fault(face: Face) -> None:
    async with session(face, skew_us=300_000_000) as (market, client):
        await accepted(client, order(face))
        assert not market.fake.counts.refusals


@pytest.mark.parametrize("account", [0, 1])
async def test_both_kinds_of_keys_of_coinbase_are_taken(account: int) -> None:
    async with session(COINBASE, account=account) as (market, client):
        client.command(order(COINBASE))
        assert (await client.report(PlaceAnswer)).outcome == "accepted"
        assert not market.fake.counts.refusals


@pytest.mark.parametrize(("face", "after_s"), [(OKX, 10), (KRAKEN, 60), (BYBIT, 30)], ids=str)
async def test_the_exchange_cancels_what_is_open_when_we_are_gone(face: Face, after_s: int) -> None:
    async with served(face) as market:
        if isinstance(market.fake, FakeBybit):
            market.fake.disconnect_cancel.enabled.add("first")
        async with run(adapter_of(market, cancel_all_after_s=after_s)) as client:
            assert await client.report(SwitchChanged) == SwitchChanged(True, "")
            await client.report(LinkUp)
            venue_order_id = await accepted(client, order(face))
            await asyncio.sleep(5 * after_s)  # it is set again in time
            assert [one.state.is_open for one in market.orders()] == [True]
        await asyncio.sleep(after_s + 1)
        assert [one.state.is_open for one in market.orders()] == [False]
        async with run(adapter_of(market)) as client:  # learned when the account is asked
            await client.report(LinkUp)
            client.command(query(face, venue_order_id))
            answer = await client.report(OrderAnswer)
            assert answer.seen is not None
            assert (answer.seen.state, answer.seen.code) == ("cancelled", None)


async def test_an_account_without_cancel_on_disconnect_at_bybit_is_told_so() -> None:
    async with served(BYBIT) as market, run(adapter_of(market, cancel_all_after_s=30)) as client:
        told = await client.report(SwitchChanged)
        assert told == SwitchChanged(False, "Bybit has not enabled DCP for spot orders of this account")
        await client.report(LinkUp)
        await accepted(client, order(BYBIT))


async def test_a_lost_link_does_not_cancel_at_bybit_if_another_comes_in_time() -> None:
    async with served(BYBIT) as market:
        assert isinstance(market.fake, FakeBybit)
        market.fake.disconnect_cancel.enabled.add("first")
        async with run(adapter_of(market, cancel_all_after_s=100)) as client:
            await client.report(LinkUp)
            await accepted(client, order(BYBIT))
            await asyncio.sleep(20)  # until the new time counts
            await market.fake.disconnect_all()
            await client.report(LinkDown)
            await client.report(LinkUp)
            await asyncio.sleep(150)
            assert [one.state.is_open for one in market.orders()] == [True]


async def test_a_service_that_ends_costs_no_report_at_okx() -> None:
    async with session(OKX) as (market, client):
        venue_order_id = await accepted(client, order(OKX))
        assert isinstance(market.fake, FakeOkx)
        market.fake.sockets.announce_upgrade()
        await asyncio.sleep(0.01)
        sells(market, "0.001", "30000")
        await client.report(Executed)
        await asyncio.sleep(10)  # another link has taken its place
        sells(market, "0.002", "30000")
        executed = await client.report(Executed, lambda one: Decimal(one.quantity) == Decimal("0.002"))
        assert executed.venue_order_id == venue_order_id
        assert {type(report) for report in client.reports}.isdisjoint({LinkUp, LinkDown})
