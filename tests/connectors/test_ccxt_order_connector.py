"""The connector of orders through ccxt, with a stand-in that has the methods of ccxt's documentation."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager

import msgspec
import pytest

from floorwire.connectors.ccxt_exchange import Structure
from floorwire.connectors.ccxt_order_connector import MOST_FAILURES, CcxtOrderConnector
from floorwire.core.ports import Answer, Close, Closed, Fetch, Frame, Open, Opened, VenueInput
from floorwire.venues.ccxt.order_messages import (
    Call,
    CancelCall,
    CreateOrder,
    EditCall,
    ExecutionRow,
    Failure,
    FetchBalance,
    FetchList,
    FetchOrder,
    OrderRow,
)

ORDER: Structure = {
    "id": 17, "clientOrderId": "fw1", "symbol": "A/B", "status": "open", "filled": 1e-08, "amount": 0.1,
    "price": 100.5, "timestamp": 7, "lastUpdateTimestamp": None, "info": {},
}  # fmt: skip
TRADE: Structure = {
    "id": "t1", "order": "17", "symbol": "A/B", "price": 100.5, "amount": 0.1, "takerOrMaker": "maker",
    "timestamp": 7, "fee": {"cost": -1e-05, "currency": "B"},
}  # fmt: skip


class BaseError(Exception):
    """As ccxt's."""


class ExchangeError(BaseError):
    """As ccxt's."""


class InvalidOrder(ExchangeError):
    """As ccxt's."""


class StandIn:
    """An exchange whose answers a test gives."""

    def __init__(self) -> None:
        self.has: Mapping[str, object] = {"watchOrders": True}
        self.calls: list[tuple[object, ...]] = []
        self.fails: Exception | None = None
        self.holds = asyncio.Event()
        self.holds.set()
        self.shown: asyncio.Queue[list[Structure] | Exception] = asyncio.Queue()
        self.is_closed = False

    async def _say(self, said: object, *call: object) -> object:
        self.calls.append(call)
        await self.holds.wait()
        if self.fails is not None:
            raise self.fails
        return said

    async def load_markets(self) -> Mapping[str, Structure]:
        return {}

    async def fetch_balance(self) -> object:
        return await self._say({"total": {"A": 1e-05, "B": 0, "C": None}, "A": {}}, "fetch_balance")

    async def create_order(self, *call: object) -> object:
        return await self._say(ORDER, "create_order", *call)

    async def edit_order(self, *call: object) -> object:
        return await self._say(ORDER, "edit_order", *call)

    async def cancel_order(self, *call: object) -> object:
        return await self._say(None, "cancel_order", *call)

    async def fetch_order(self, *call: object) -> object:
        return await self._say(ORDER, "fetch_order", *call)

    async def fetch_open_orders(self, *call: object) -> object:
        return await self._say([ORDER], "fetch_open_orders", *call)

    fetch_orders = fetch_closed_orders = fetch_canceled_orders = fetch_open_orders

    async def fetch_my_trades(self, *call: object) -> object:
        return await self._say([TRADE], "fetch_my_trades", *call)

    async def watch_orders(self) -> Sequence[Structure]:
        shown = await self.shown.get()
        if isinstance(shown, Exception):
            raise shown
        return shown

    async def close(self) -> object:
        self.is_closed = True
        raise ConnectionError


class Running:
    """A connector with its stand-ins, the latest one last."""

    def __init__(self, prepare: Callable[[StandIn], None]) -> None:
        self.made: list[StandIn] = []
        self._prepare = prepare
        self.connector = CcxtOrderConnector("here", self._make, ("hushhush",))  # type: ignore[arg-type]
        self._due = asyncio.Event()
        self.connector.start(self._due.set)

    def _make(self) -> StandIn:
        self.made.append(StandIn())
        self._prepare(self.made[-1])
        return self.made[-1]

    async def next(self) -> VenueInput:
        async with asyncio.timeout(5):
            while (happened := self.connector.next_input()) is None:
                self._due.clear()
                await self._due.wait()
            return happened

    async def answer(self, call: Call, timeout_us: int = 10_000_000) -> Answer:
        """Make a call, and return the answer."""
        body = msgspec.json.encode(call)
        self.connector.carry_out(Fetch(9, "ccxt://x/y", "POST", (), body, timeout_us))
        answer = await self.next()
        assert isinstance(answer, Answer)
        assert answer.request == 9
        return answer

    async def signed_in(self) -> StandIn:
        self.connector.carry_out(Open("private", "ccxt://x"))
        assert await self.next() == Opened("private")
        assert await self.next() == Frame("private", b'{"type":"signed_in"}')
        return self.made[-1]


@asynccontextmanager
async def running(prepare: Callable[[StandIn], None] = lambda one: None) -> AsyncIterator[Running]:
    found = Running(prepare)
    try:
        yield found
    finally:
        await found.connector.close()
    assert all(one.is_closed for one in found.made)


ROW = OrderRow("17", "fw1", "A/B", "open", "0.00000001", "0.1", "100.5", 7)


async def test_an_order_is_one_call_with_floats() -> None:
    async with running() as here:
        call = CreateOrder("A/B", "buy", "0.10", "100.5", {"clientOrderId": "fw1"})
        answer = await here.answer(call)
        assert (answer.status, msgspec.json.decode(answer.body, type=OrderRow)) == (200, ROW)
        [stand_in] = here.made
        assert stand_in.calls == [
            ("create_order", "A/B", "limit", "buy", 0.1, 100.5, {"clientOrderId": "fw1"})
        ]


@pytest.mark.parametrize(
    ("call", "made", "kind", "told"),
    [
        (
            EditCall("17", "A/B", "0.10", "100.5"),
            ("edit_order", "17", "A/B", "limit", None, 0.1, 100.5), OrderRow, ROW,
        ),
        (CancelCall("17", "A/B"), ("cancel_order", "17", "A/B"), OrderRow, OrderRow("17")),
        (FetchOrder("17", "A/B"), ("fetch_order", "17", "A/B"), OrderRow, ROW),
        (
            FetchList("fetchClosedOrders", "A/B", 5, 50), ("fetch_open_orders", "A/B", 5, 50), list[OrderRow],
            [ROW],
        ),
        (
            FetchList("fetchMyTrades", "A/B", 5, 50), ("fetch_my_trades", "A/B", 5, 50), list[ExecutionRow],
            [ExecutionRow("t1", "17", "A/B", "100.5", "0.1", True, "-0.00001", "B", 7)],
        ),
        (FetchBalance(), ("fetch_balance",), dict[str, str], {"A": "0.00001", "B": "0"}),
    ],
)  # fmt: skip
async def test_calls_and_their_results(
    call: Call, made: tuple[object, ...], kind: type[object], told: object
) -> None:
    async with running() as here:
        answer = await here.answer(call)
        assert msgspec.json.decode(answer.body, type=kind) == told
        assert here.made[0].calls == [made]


@pytest.mark.parametrize(
    ("error", "status", "failure"),
    [
        (InvalidOrder("x no"), 400, Failure(("InvalidOrder", "ExchangeError"), "x no")),
        (ExchangeError("x hushhush"), 400, Failure(("ExchangeError",), "x ***")),
        (ExchangeError("x GET https://x/?signature=a"), 400, Failure(("ExchangeError",), "")),
        (ConnectionError("x"), 0, None),
        (ValueError("x"), 0, None),
    ],
)
async def test_errors(error: Exception, status: int, failure: Failure | None) -> None:
    def fail(stand_in: StandIn) -> None:
        stand_in.fails = error

    async with running(fail) as here:
        answer = await here.answer(FetchBalance())
        assert answer.status == status
        assert failure is None or msgspec.json.decode(answer.body, type=Failure) == failure


async def test_a_call_that_takes_too_long_has_no_answer() -> None:
    async with running(lambda one: one.holds.clear()) as here:
        assert (await here.answer(FetchBalance(), timeout_us=1_000)).status == 0


async def test_what_is_no_structure_of_ccxt_has_no_answer() -> None:
    async with running() as here:
        here.connector.carry_out(Fetch(1, "ccxt://x/y", "POST", (), b"[]", 1_000_000))
        assert await here.next() == Answer(1, 0, b"")


async def test_the_stream_of_orders_is_told_until_it_ends() -> None:
    async with running() as here:
        stand_in = await here.signed_in()
        stand_in.shown.put_nowait([ORDER])
        frame = await here.next()
        assert isinstance(frame, Frame)
        assert msgspec.json.decode(frame.data)["orders"][0]["id"] == "17"
        stand_in.shown.put_nowait(ConnectionError("x"))
        assert await here.next() == Closed("private", "ConnectionError")
        await here.signed_in()


async def test_a_key_that_is_not_taken_ends_the_link() -> None:
    def fail(stand_in: StandIn) -> None:
        stand_in.fails = ExchangeError("no")

    async with running(fail) as here:
        here.connector.carry_out(Open("private", "ccxt://x"))
        assert await here.next() == Closed("private", "ExchangeError")


async def test_calls_without_answers_end_the_link() -> None:
    async with running() as here:
        stand_in = await here.signed_in()
        stand_in.fails = ConnectionError("x")
        for _ in range(MOST_FAILURES):
            assert (await here.answer(FetchBalance())).status == 0
        assert await here.next() == Closed("private", "calls are not answered")


async def test_after_a_reset_nothing_comes_of_what_was_before() -> None:
    async with running() as here:
        stand_in = await here.signed_in()
        stand_in.holds.clear()
        here.connector.carry_out(
            Fetch(1, "ccxt://x/y", "POST", (), msgspec.json.encode(FetchBalance()), 10_000_000)
        )
        here.connector.carry_out(Close("private", "unwanted"))
        assert await here.next() == Closed("private", "unwanted")
        here.connector.reset()
        stand_in.holds.set()
        assert (await here.answer(FetchOrder("17", "A/B"))).status == 200
        assert len(here.made) == 2
