"""A gateway with one venue outside the process: the test plays the venue, without sockets."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeVar

import pytest

from floorwire.app import Gateway
from floorwire.config import LiveSettings, Settings, VenueSettings
from floorwire.core.capabilities import Capabilities
from floorwire.core.instrument import Instrument
from floorwire.core.market_events import BookSnapshot, FeedStatus, Listing, Trade
from floorwire.core.order_ports import InstrumentNames, OrderAdapterInput, OrderAdapterOutput, OrderSettings
from floorwire.core.ports import Random, VenueInput, VenueOutput
from floorwire.core.remote_order_messages import (
    CancelOrder,
    Executed,
    LinkUp,
    OrderAnswer,
    OrderSeen,
    PlaceOrder,
    QueryOrder,
    Reconcile,
    ReconcileAnswer,
    RemoteCommand,
    RemotePolicy,
    RemoteReport,
    VenueBalance,
)
from floorwire.trading import recovery
from floorwire.trading.remote_venue import RemotePhase, RemoteVenue
from floorwire.venues.live import LiveVenue
from tests.hub.hub_harness import Message
from tests.trading.flaky import Disk, GatewayHarness

BTC = Instrument("rem:BTC-USDT", "BTC", "USDT", "rem", "0.5", "0.01")
POLICY = RemotePolicy(
    can_amend=True,
    amends_stops=False,
    misses=2,
    lag_us=30_000,
    answer_us=60_000_000,
    query_us=10_000,
    fills_us=10_000,
)
"""An answer is never late, however slow the machine is: what a test leaves open stays open."""
MONEY = (VenueBalance("USDT", "1000000"), VenueBalance("BTC", "10"))
NEAR: Message = {"symbol": "BTC-USDT", "side": "buy", "price": "60000", "quantity": "0.10"}
CommandT = TypeVar("CommandT", bound=RemoteCommand)


class StaticPrices:
    """A venue whose prices never change, unless the test says so."""

    name = "static"

    def __init__(self, instrument: Instrument = BTC) -> None:
        self.instrument = instrument
        self.next: list[VenueOutput] = []

    def start(self, now_us: int) -> Sequence[VenueOutput]:
        """Say everything at once."""
        symbol = self.instrument.symbol
        return [
            Listing((self.instrument,), now_us),
            FeedStatus(None, "live", "", now_us),
            BookSnapshot(symbol, ((120_000, 100),), ((120_002, 100),), now_us),
            Trade(symbol, "t", 120_001, 1, "buy", now_us),
        ]

    def receive(self, happened: VenueInput, now_us: int) -> Sequence[VenueOutput]:
        """Say nothing more."""
        return []


class ScriptedAdapter:
    """Notes the commands. ``answer`` says what follows; accounts and queries are answered by themselves."""

    def __init__(self, settings: OrderSettings, names: InstrumentNames, random: Random) -> None:
        self.policy = POLICY
        self.settings = settings
        self.names = names
        self.commands: list[RemoteCommand] = []
        self.prepared: list[PlaceOrder] = []
        self.answer: Callable[[RemoteCommand], Sequence[OrderAdapterOutput]] = lambda _: ()
        self.known: dict[str, OrderSeen] = {}
        """What queries find, by client id."""
        self.look_up: Callable[[QueryOrder], OrderSeen | None] = lambda query: self.known.get(query.client_id)
        self.executions: dict[str, tuple[Executed, ...]] = {}
        self.money: tuple[VenueBalance, ...] = MONEY
        self.is_linked = True

    def start(self, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """The stream is up at once."""
        return [LinkUp()] if self.is_linked else []

    def prepare(self, command: PlaceOrder, now_us: int, date_us: int) -> None:
        """Note it."""
        self.prepared.append(command)

    def command(self, command: RemoteCommand, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Answer as the script says."""
        self.commands.append(command)
        if isinstance(command, Reconcile):
            seen = tuple(one for one in self.known.values() if one.state == "open")
            executions = tuple(one for several in self.executions.values() for one in several)
            return [ReconcileAnswer(command.request, seen, executions, self.money, "c")]
        if isinstance(command, QueryOrder):
            return [
                OrderAnswer(command.query, self.look_up(command), self.executions.get(command.client_id, ()))
            ]
        return self.answer(command)

    def receive(self, happened: OrderAdapterInput, now_us: int, date_us: int) -> Sequence[OrderAdapterOutput]:
        """Nothing comes on links."""
        return []


class RemoteHarness(GatewayHarness):
    """The gateway, its client, and the venue in the test's hands."""

    adapter: ScriptedAdapter

    @property
    def remote(self) -> RemoteVenue:
        """The desk's side of the venue."""
        return self.gateway._live_orders.venues["rem"]

    def phase(self) -> RemotePhase:
        """Return the state that the desk has it in."""
        return self.remote.phase

    def report(self, report: RemoteReport) -> None:
        """The venue says this."""
        self.gateway._live_orders.connectors[0]._report(report)

    async def until_open(self) -> None:
        """Wait until the venue takes orders."""
        await self.until_phase(RemotePhase.OPEN)

    async def until_phase(self, phase: RemotePhase) -> None:
        for _ in range(5_000):
            if self.remote.phase is phase:
                return
            await asyncio.sleep(0.001)
        raise AssertionError(f"the venue is {self.remote.phase}")

    async def sent(self, kind: type[CommandT], count: int = 1) -> CommandT:
        """Wait until so many commands of the kind were sent; return the last one."""
        for _ in range(2_000):
            found = [command for command in self.adapter.commands if isinstance(command, kind)]
            if len(found) >= count:
                return found[count - 1]
            await asyncio.sleep(0.001)
        raise AssertionError(f"sent were only {self.adapter.commands[-5:]}")

    def count(self, kind: type[RemoteCommand]) -> int:
        """Return how many commands of the kind were sent."""
        return sum(isinstance(command, kind) for command in self.adapter.commands)

    async def placed(self, client_order_id: str = "a", **fields: object) -> PlaceOrder:
        """Place an order. Return the command that left."""
        before = self.count(PlaceOrder)
        reply = await self.ask("order.place", client_order_id=client_order_id, **{**NEAR, **fields})
        assert (reply["status"], reply.get("state")) == ("accepted", "submitting"), reply
        return await self.sent(PlaceOrder, before + 1)

    async def rows(self, action: str) -> list[Message]:
        """Return what ``balances``, ``fills`` and so on list."""
        listed = (await self.ask(action))["venues" if action == "symbols" else action]
        assert isinstance(listed, list)
        return [row for row in listed if isinstance(row, dict)]

    async def state(self, client_order_id: str = "a") -> str:
        """Return the state of an order."""
        order = (await self.ask("order.status", client_order_id=client_order_id))["order"]
        assert isinstance(order, dict)
        return str(order["state"])

    async def news(self, event: str, client_order_id: str = "a") -> Message:
        """Return the event of the order on the channel ``orders``."""
        return await self.until(
            lambda one: one.get("event") == event and one.get("client_order_id") == client_order_id
        )


def fill(command: PlaceOrder, quantity: str = "0.10", execution_id: str = "e1") -> Executed:
    """Return an execution of the order at its price."""
    return Executed(
        command.client_id, "V1", execution_id, "t1", command.worst_price, quantity, "maker", "0.5", "USDT"
    )


def seen(command: PlaceOrder | CancelOrder, state: str = "open", filled: str = "0") -> OrderSeen:
    """Return the venue's word about the order."""
    return OrderSeen(command.client_id, "V1", state, filled)  # type: ignore[arg-type]


@asynccontextmanager
async def served(
    disk: Disk,
    folder: Path,
    *,
    dry_run: bool = False,
    prepare: Callable[[ScriptedAdapter], None] = lambda _: None,
    last_wait_s: float = 0.05,
) -> AsyncIterator[RemoteHarness]:
    """Run a gateway with the venue ``rem``, whose orders are alice's, until the body ends.

    ``prepare``: changes the adapter before it starts. ``last_wait_s``: how long the end waits for answers.
    """
    own = VenueSettings(
        kind="rem", orders="live", account="alice", key="PUBLIC", secret_env="REM_SECRET", dry_run=dry_run
    )
    settings = Settings(
        venue=("rem",), venues={"rem": own}, data=str(folder), live=LiveSettings(enabled=True)
    )
    made: list[ScriptedAdapter] = []

    def make(order_settings: OrderSettings, names: InstrumentNames, random: Random) -> ScriptedAdapter:
        made.append(ScriptedAdapter(order_settings, names, random))
        prepare(made[-1])
        return made[-1]

    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("REM_SECRET", "hush")
        patch.setattr(recovery, "RETRY_S", 0.01)
        patch.setattr("floorwire.app.open_journal", lambda *_: disk.open())
        patch.setattr("floorwire.engine.reconciliation.RETRY_US", 10_000)
        patch.setattr("floorwire.trading.remote_venue.LAST_WAIT_S", last_wait_s)
        venue = LiveVenue(StaticPrices(), "rem", Capabilities("rem"), lambda one: one.base + one.quote, make)
        gateway = Gateway(settings, [venue])
        gateway.data_dir.keys.open_account("alice", {}, 1)
        async with gateway.running():
            while not gateway.hub.market.symbols:
                await asyncio.sleep(0.001)
            harness = RemoteHarness(gateway, disk)
            harness.adapter = made[-1]
            yield harness
