"""The order connector: commands and reports in order, a fault that stays where it is, and the dry run."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager

import pytest
from structlog.testing import capture_logs

from floorwire.clock import Clock
from floorwire.connectors import dry_run, order_connector
from floorwire.connectors.network_route import NetworkRoute
from floorwire.connectors.order_connector import OrderConnector
from floorwire.connectors.venue_connector import VenueConnector
from floorwire.core.codes import Code
from floorwire.core.credentials import Secret, VenueCredentials
from floorwire.core.order_ports import OrderAdapterInput, OrderAdapterOutput
from floorwire.core.ports import Answer, Closed, Fetch, Open, Send, Wake, Woke
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    AmendOrder,
    CancelAnswer,
    CancelOrder,
    LinkDown,
    LinkUp,
    PlaceAnswer,
    PlaceOrder,
    QueryFailed,
    QueryOrder,
    Reconcile,
    ReconcileFailed,
    RemoteCommand,
    RemotePolicy,
    RemoteReport,
)
from floorwire.venues.common.rate_limits import CONNECTIONS, Allowance, RateLimits

CREDENTIALS = VenueCredentials("PUBLICKEY", Secret("hushhush"), Secret("phrase1"))
PLACE = PlaceOrder("c1", 1, "BTC-USDT", "buy", "limit", "gtc", "1", None, "5", "5", None, False, False, None)
NOWHERE = "http://127.0.0.1:9/x?signature=abc"


class Adapter:
    """Answers each order with an HTTP request to nowhere, and notes what it is told."""

    policy = RemotePolicy()

    def __init__(self) -> None:
        self.happened: list[OrderAdapterInput] = []
        self.commands: list[RemoteCommand] = []
        self.prepared: list[PlaceOrder] = []
        self.fails = False

    def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        return [LinkUp(), Wake(now_us + 1_000)]

    def prepare(self, command: PlaceOrder, now_us: int, date_us: int) -> None:
        if self.fails:
            raise ZeroDivisionError
        self.prepared.append(command)

    def command(self, command: RemoteCommand, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        if self.fails:
            raise ZeroDivisionError
        self.commands.append(command)
        headers = (("X-KEY", "PUBLICKEY"), ("X-SIGN", "abc"))
        return [
            Fetch(len(self.commands), NOWHERE, "POST", headers, b'{"sign": "abc", "qty": "1"}'),
            PlaceAnswer("c1", "unknown"),
        ]

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        self.happened.append(happened)
        return []


class Running:
    def __init__(self, *, is_dry: bool) -> None:
        self.made: list[Adapter] = []
        self.reports: list[RemoteReport] = []
        links = VenueConnector("rem", NetworkRoute())
        self.connector = OrderConnector("rem", self._make, links, Clock(), CREDENTIALS if is_dry else None)
        self.connector.listen(self)

    def _make(self) -> Adapter:
        self.made.append(Adapter())
        return self.made[-1]

    def reported(self, report: RemoteReport) -> None:
        self.reports.append(report)

    async def until(self, count: int) -> list[RemoteReport]:
        for _ in range(2_000):
            if len(self.reports) >= count:
                return self.reports[:count]
            await asyncio.sleep(0.001)
        raise AssertionError(self.reports)


@asynccontextmanager
async def running(*, is_dry: bool = False) -> AsyncIterator[Running]:
    made = Running(is_dry=is_dry)
    task = asyncio.create_task(made.connector.run())
    await made.until(1)
    try:
        yield made
    finally:
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task


async def test_commands_effects_and_reports_go_in_order() -> None:
    async with running() as run:
        run.connector.send(PLACE)
        assert await run.until(2) == [LinkUp(), PlaceAnswer("c1", "unknown")]
        adapter = run.made[-1]
        for _ in range(2_000):
            if any(isinstance(one, Answer) for one in adapter.happened):
                break
            await asyncio.sleep(0.001)
        assert adapter.happened[-1] == Answer(1, 0, b"")
        assert Woke() in adapter.happened
    assert run.reports[-1] == LinkDown()


async def test_an_order_is_prepared_and_nothing_is_sent() -> None:
    async with running() as run:
        run.connector.prepare(PLACE)
        assert (run.made[-1].prepared, run.made[-1].commands) == ([PLACE], [])
        assert run.connector.connector.traffic.requested == 0
    run.connector.prepare(PLACE)  # it does not run any more
    assert run.made[-1].prepared == [PLACE]


async def test_an_adapter_that_fails_to_prepare_is_made_anew(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_connector, "RESTART_S", 0.01)
    async with running() as run:
        run.made[-1].fails = True
        run.connector.prepare(PLACE)
        assert await run.until(3) == [LinkUp(), LinkDown(), LinkUp()]
        run.connector.prepare(PLACE)
        assert run.made[-1].prepared == [PLACE]


async def test_a_link_over_the_limit_of_the_address_waits_until_it_is_allowed() -> None:
    class Opening(Adapter):
        def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
            return [Open("private", "ws://127.0.0.1:9/")]

    clock, limits = Clock(), RateLimits({CONNECTIONS: Allowance(1, 300_000)})
    assert limits.allow(CONNECTIONS, 1, clock.monotonic_us()), "for prices"
    adapter, links = Opening(), VenueConnector("rem", NetworkRoute())
    connector = OrderConnector("rem", lambda: adapter, links, clock, None, limits)
    task = asyncio.create_task(connector.run())
    for _ in range(4_000):
        if adapter.happened:
            break
        await asyncio.sleep(0.001)
    (closed,) = adapter.happened  # it was tried: nobody listens there
    assert isinstance(closed, Closed)
    assert "allows" not in closed.reason
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_command_leaves_at_once_and_its_reports_come_later() -> None:
    async with running() as run:
        run.connector.send(PLACE)
        assert run.made[-1].commands == [PLACE]
        assert run.connector.connector.traffic.requested == 1, "before the next turn"
        assert run.reports == [LinkUp()]
        assert await run.until(2) == [LinkUp(), PlaceAnswer("c1", "unknown")]


async def test_a_command_that_follows_from_a_report_waits_for_the_rest_of_the_outputs() -> None:
    class Repeats(Running):
        def reported(self, report: RemoteReport) -> None:
            super().reported(report)
            if isinstance(report, LinkUp):
                self.connector.send(PLACE)
                assert not self.made[-1].commands

    run = Repeats(is_dry=False)
    task = asyncio.create_task(run.connector.run())
    assert await run.until(2) == [LinkUp(), PlaceAnswer("c1", "unknown")]
    assert run.made[-1].commands == [PLACE]
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


async def test_a_fault_ends_the_links_and_a_new_adapter_starts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_connector, "RESTART_S", 0.01)
    async with running() as run:
        run.made[-1].fails = True
        run.connector.send(PLACE)
        run.connector.send(CancelOrder("c2", "", "BTC-USDT"))
        reports = await run.until(4)
        assert reports[1:] == [LinkDown(), CancelAnswer("c2", "unknown"), LinkUp()]
        assert len(run.made) == 2


@pytest.mark.parametrize(
    ("command", "answer"),
    [
        (PLACE, PlaceAnswer("c1", "rejected", "", Code.VENUE_UNAVAILABLE, Code.VENUE_UNAVAILABLE.meaning)),
        (AmendOrder("c1", "v", "B", "1", "1"), AmendAnswer("c1", "refused", Code.VENUE_UNAVAILABLE)),
        (CancelOrder("c1", "v", "B"), CancelAnswer("c1", "unknown")),
        (QueryOrder(7, "c1", "v", "B"), QueryFailed(7)),
        (Reconcile(8, ""), ReconcileFailed(8)),
    ],
)
async def test_what_never_leaves_is_answered(command: RemoteCommand, answer: RemoteReport) -> None:
    stopped = Running(is_dry=False)
    stopped.connector.send(command)
    assert stopped.reports == []
    assert await stopped.until(1) == [answer]


async def test_a_dry_run_shows_signed_requests_and_sends_none() -> None:
    async with running(is_dry=True) as run:
        with capture_logs() as logs:
            run.connector.send(PLACE)
            run.connector.send(CancelOrder("c1", "v", "BTC-USDT"))
            reports = await run.until(4)
        assert isinstance(reports[2], PlaceAnswer)
        assert (reports[2].outcome, reports[2].code) == ("rejected", Code.DRY_RUN)
        await asyncio.sleep(0.02)
        assert not [one for one in run.made[-1].happened if isinstance(one, Answer)]
        assert run.made[-1].commands == [PLACE]
        (sent,) = [line for line in logs if line["event"] == "dry run: not sent"]
        assert (sent["method"], sent["url"]) == ("POST", "http://127.0.0.1:9/x?signature=***")
        assert (sent["headers"], sent["body"]) == ("X-KEY=*** X-SIGN=***", '{"sign":"***","qty":"1"}')
        assert not any("hushhush" in str(line) for line in logs)


def test_no_credential_is_shown_wherever_it_stands() -> None:
    text = '{"op": "login", "args": [{"apiKey": "PUBLICKEY", "x": "hushhush"}], "passphrase": "phrase1"}'
    shown = dry_run.shown(Send("private", text), CREDENTIALS)
    assert shown["text"] == '{"op":"login","args":[{"apiKey":"***","x":"***"}],"passphrase":"***"}'
    form = Fetch(1, "https://e/0", "POST", (), b"nonce=1&pair=BTC&otp=5&PUBLICKEY=1")
    assert dry_run.shown(form, CREDENTIALS)["body"] == "nonce=1&pair=BTC&otp=***&***=1"
