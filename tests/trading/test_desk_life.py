"""The desk through its whole life: opened, failing, read again, drained and closed in every order.

At every point clients ask. Each request is answered once; what was acknowledged is there after every failure;
at most one journal is open; without accounts nothing is in the market.
"""

from __future__ import annotations

import asyncio
import threading
from collections.abc import Sequence

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from floorwire.config import StorageSettings
from floorwire.core import account_events
from floorwire.core.account_events import PrivateChannel
from floorwire.core.execution_reports import Ended, Report, Working
from floorwire.core.instrument import Instrument
from floorwire.core.order_commands import Cancel, Command, Place
from floorwire.core.ports import Prices
from floorwire.core.refusal import Refusal
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.trading_rules import TradingRules
from floorwire.hub.turn_queue import TurnQueue
from floorwire.ops.loop_stalls import LoopStalls
from floorwire.ops.stats import Stats
from floorwire.protocol.codec import JSON
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.replies import AllCancelled, Done, Error, Guarded, OrderAcceptedReply, OrderError
from floorwire.protocol.requests import Subscribe
from floorwire.protocol.trading_requests import (
    CancelOnDisconnect,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    Orders,
    TradingRequest,
)
from floorwire.storage.journal import Journal
from floorwire.storage.key_store import Deposit
from floorwire.trading.account_store import AccountStore, open_account_store
from floorwire.trading.desk import Desk
from floorwire.trading.desk_state import DeskPhase, IllegalTransitionError
from floorwire.trading.venue_router import VenueRouter
from tests.clocks import following, moment
from tests.trading.flaky import ALICE, Disk, FlakyJournal

NOW_US = 1_800_000_000_000_000
BTC = Instrument("BTC-USDT", "BTC", "USDT", "market", tick_size="1", lot_size="1")
PRICES = Prices(99, 101, 100, "live")
TRIES = 5_000
"""Times that a thread is waited for, a millisecond each; it takes some three of them."""
WORKING = (DeskPhase.RUNNING, DeskPhase.DRAINING)
WITHOUT_ACCOUNTS = (DeskPhase.FAILED, DeskPhase.RECOVERING)


class Market:
    """A venue in which every order rests; now and then it has a fault."""

    def __init__(self) -> None:
        self.orders: dict[int, Place] = {}
        self.seen: set[int] = set()
        """The ids of all orders that ever were here."""
        self.has_fault = False

    def execute(self, command: Command) -> Sequence[Report]:
        """Rest or cancel, or raise once."""
        is_of_desk = isinstance(command, Cancel) and command.code is None  # those of failures must succeed
        if self.has_fault and not is_of_desk:
            self.has_fault = False
            raise ZeroDivisionError("a venue's bug")
        if isinstance(command, Place):
            self.orders[command.order_id] = command
            self.seen.add(command.order_id)
            return [Working(command.order_id, NOW_US)]
        assert isinstance(command, Cancel)
        lots = self.orders.pop(command.order_id).lots
        return [Ended(command.order_id, lots, "cancelled", command.code, NOW_US)]

    def prices(self, symbol: str) -> Prices:
        """Return the same always."""
        return PRICES


class RecordingClient:
    """A client that keeps what it was answered."""

    codec = JSON
    principal = ALICE

    def __init__(self) -> None:
        self.asked = 0
        self.replies: list[Reply] = []

    def answer(self, reply: Reply) -> None:
        """Keep it."""
        self.replies.append(reply)

    def queue_events(self, frames: bytes) -> None:
        """Events are looked at elsewhere."""

    def has_room(self, size: int) -> bool:
        """It reads."""
        return True

    def flush(self) -> None:
        """Nothing waits."""

    def close_slow(self) -> None:
        """It reads."""
        raise AssertionError("closed as slow")


class CountedJournal(FlakyJournal):
    """Knows whether it was closed."""

    is_closed = False

    def close(self) -> None:
        """Close."""
        super().close()
        self.is_closed = True


class DeskMachine(RuleBasedStateMachine):
    """The desk, and what is known of it from outside."""

    @initialize(lasts=st.integers(0, 25), is_full=st.booleans(), at_once=st.booleans())
    def begin(self, lasts: int, is_full: bool, at_once: bool) -> None:
        """Make a desk and open it; it is closed after so many steps at the earliest.

        Where not ``at_once``, reading the journal takes until ``let_read``.
        """
        self.left = lasts
        self.patch = pytest.MonkeyPatch()
        self.patch.setattr("floorwire.trading.recovery.RETRY_S", 0.001)
        self.patch.setattr("floorwire.trading.mass_cancels.EXAMINED_A_TURN", 3)
        self.patch.setattr("floorwire.trading.mass_cancels.CANCELS_A_TURN", 2)
        self.patch.setattr("floorwire.trading.mass_cancels.STEP", 1)
        self.patch.setattr("floorwire.trading.order_restore.PLACES_A_TURN", 1)
        self.patch.setattr("floorwire.trading.order_restore.STEP", 1)
        self.patch.setattr("floorwire.trading.order_withdrawal.CANCELS_A_TURN", 1)
        self.patch.setattr("floorwire.trading.order_withdrawal.EXAMINED_A_STEP", 1)
        self.patch.setattr("floorwire.ops.loop_stalls.STALL_S", 3600.0)  # the loop stands still between steps
        self.runner = asyncio.Runner()
        self.disk, self.market, self.may_read = Disk(), Market(), threading.Event()
        self.disk.is_full = is_full
        if at_once:
            self.may_read.set()
        self.journals: list[CountedJournal] = []
        self.reading = 0
        """Threads that open a journal."""
        router = VenueRouter()
        router.set_venues({"market": self.market})
        storage = StorageSettings(waiting_records=1000, snapshot_records=5)
        self.desk = Desk(
            lambda: self.read(router),
            router,
            lambda symbol: BTC,
            lambda: [BTC],
            following(lambda: NOW_US),
            storage,
            LoopStalls(Stats()),
            TurnQueue(lambda: NOW_US, lambda turn: asyncio.get_running_loop().call_soon(turn)),
        )
        self.desk.listed([BTC])
        self.desk.opened("market")
        self.desk.deposit([Deposit(1, "alice", "USDT", "1000000000", NOW_US)])
        self.client = RecordingClient()
        self.is_drained = self.is_closed = self.is_watching = False
        self.placed = 0
        self.open_ids: set[str] = set()
        """Client ids of orders whose place was acknowledged, and no cancel of which was asked for."""
        self.doubtful: set[str] = set()
        """Of orders that may be open or not."""
        self.gone: set[str] = set()
        """Of orders that must not be open: cancelled for good."""
        self.life = self.runner.run(self._start())
        self.runner.run(self.settle())

    async def _start(self) -> asyncio.Task[None]:
        async def live() -> None:
            await self.desk.open()
            await self.desk.run()

        life = asyncio.create_task(live())
        await asyncio.sleep(0)
        return life

    def read(self, router: VenueRouter) -> AccountStore:
        """Read the accounts; in a thread."""
        self.reading += 1
        try:
            return open_account_store(self.open_journal, TradingRules(), router.prices)
        finally:
            self.reading -= 1

    def open_journal(self) -> Journal:
        """Open it when that may be; never two at once."""
        assert self.may_read.wait(20)
        assert all(journal.is_closed for journal in self.journals), "two journals are open"
        if self.disk.is_full:
            return self.disk.open()  # raises
        self.journals.append(CountedJournal(self.disk))
        return self.journals[-1]

    @property
    def phase(self) -> DeskPhase:
        """The phase that the desk is in."""
        return self.desk._lifecycle.state.phase

    async def until(self, *phases: DeskPhase) -> None:
        """Wait until the desk is in one of these."""
        for _ in range(TRIES):
            if self.phase in phases:
                return
            assert not self.life.done(), "its tasks have ended"
            await asyncio.sleep(0.001)
        raise AssertionError(f"{self.phase} instead of {phases}")

    async def settle(self) -> None:
        """Wait until nothing moves any more, with the journal as it is."""
        if self.is_closed:
            await asyncio.sleep(0)
        elif not self.may_read.is_set():
            await self.until(DeskPhase.OPENING, DeskPhase.RECOVERING, *WORKING)
        elif self.disk.is_full:
            await self.until(*WITHOUT_ACCOUNTS, *WORKING)
        else:
            await self.until(DeskPhase.DRAINING if self.is_drained else DeskPhase.RUNNING)
        for _ in range(100):  # turns of the loop: what is appended becomes durable, mass cancels end
            await asyncio.sleep(0)

    async def _ask(self, request: TradingRequest) -> Reply:
        self.desk.submit(self.client, request, moment(NOW_US))
        return await self._answered()

    async def _answered(self) -> Reply:
        self.client.asked += 1
        for _ in range(20):
            if len(self.client.replies) == self.client.asked:
                break
            await asyncio.sleep(0)
        assert len(self.client.replies) == self.client.asked, "each request is answered once"
        return self.client.replies[-1]

    # --- what clients do --------------------------------------------------------------------------

    @rule()
    def place(self) -> None:
        """Place an order that rests."""
        before, seen = self.phase, set(self.market.seen)
        self.placed += 1
        mine = f"n{self.placed}"
        reply = self.runner.run(
            self._ask(
                OrderPlace(client_order_id=mine, symbol="BTC-USDT", side="buy", price="90", quantity="1")
            )
        )
        if isinstance(reply, OrderAcceptedReply):
            assert before is DeskPhase.RUNNING
            assert int(reply.order_id) not in seen, "the market may remember another order of this id"
            self.open_ids.add(mine)
            return
        assert isinstance(reply, OrderError)
        if before is DeskPhase.RUNNING:
            assert (reply.code, reply.order) == ("internal", "unknown")
            self.doubtful.add(mine)
        elif before is DeskPhase.DRAINING:
            assert (reply.code, reply.order) == ("draining", "rejected")
        else:
            assert (reply.code, reply.order) == ("internal", "rejected")

    @precondition(lambda self: self.open_ids)
    @rule(data=st.data())
    def cancel(self, data: st.DataObject) -> None:
        """Cancel an order that is open."""
        before = self.phase
        mine = data.draw(st.sampled_from(sorted(self.open_ids)))
        reply = self.runner.run(self._ask(OrderCancel(client_order_id=mine)))
        if isinstance(reply, OrderAcceptedReply):
            assert before in WORKING
            self.open_ids.remove(mine)
            self.gone.add(mine)
            return
        assert isinstance(reply, OrderError)
        assert reply.code == "internal"
        if before in WORKING:
            assert reply.order == "unknown"
            self.open_ids.remove(mine)
            self.doubtful.add(mine)

    @rule(turns=st.integers(0, 8), fails=st.booleans())
    def cancel_all(self, turns: int, fails: bool) -> None:
        """Cancel all orders, in turns; the disk may fail midway."""
        before = self.phase

        async def ask() -> Reply:
            self.desk.submit(self.client, OrderCancelAll(), moment(NOW_US))
            for _ in range(turns):
                await asyncio.sleep(0)
            self.disk.is_full |= fails
            return await self._answered()

        reply = self.runner.run(ask())
        if isinstance(reply, AllCancelled):
            assert before in WORKING
            self._all_gone()
            return
        assert isinstance(reply, OrderError)
        if before in WORKING:
            assert reply.order == "unknown"
            self.doubtful |= self.open_ids
            self.open_ids.clear()

    @rule()
    def look(self) -> None:
        """List the orders."""
        before = self.phase
        reply = self.runner.run(self._ask(Orders()))
        assert isinstance(reply, Error) == (before not in WORKING) or self.disk.is_full

    @rule(channel=st.sampled_from(["orders", "fills", "balances", "positions"]))
    def follow(self, channel: PrivateChannel) -> None:
        """Follow a private channel."""

        async def follow() -> Reply:
            self.desk.subscribe(self.client, Subscribe(channel=channel), channel)
            return await self._answered()

        before = self.phase
        reply = self.runner.run(follow())
        assert isinstance(reply, Error) == (before not in WORKING) or self.disk.is_full

    @rule()
    def watch(self) -> None:
        """Ask for cancel on disconnect."""
        before = self.phase
        reply = self.runner.run(self._ask(CancelOnDisconnect(enabled=True)))
        self.is_watching |= before in WORKING
        assert isinstance(reply, Guarded | Error)
        assert before in WORKING or isinstance(reply, Error)

    @rule()
    def leave(self) -> None:
        """Leave; the next client is another one."""

        async def leave() -> None:
            self.desk.on_disconnect(self.client)
            for _ in range(20):
                await asyncio.sleep(0)
            await asyncio.sleep(0.001)  # a grace of 0 is over

        self.runner.run(leave())
        if self.is_watching:
            self._all_gone()
        self.is_watching = False
        self.client = RecordingClient()

    def _all_gone(self) -> None:
        self.gone |= self.open_ids | self.doubtful
        self.open_ids.clear()
        self.doubtful.clear()

    @rule()
    def halt(self) -> None:
        """Halt somebody else, as an operator."""

        def change(
            order_manager: OrderManager, now_us: int
        ) -> tuple[Sequence[account_events.AccountEntry], account_events.MassCancel | None]:
            return [order_manager.halt("account", "bob", now_us)], None

        async def administer() -> Reply:
            self.desk.operators.administer(self.client, Done(), change)
            return await self._answered()

        before = self.phase
        reply = self.runner.run(administer())
        assert isinstance(reply, Done | Error)
        assert before in WORKING or isinstance(reply, Error)

    # --- what happens to it -----------------------------------------------------------------------

    @rule()
    def fill_disk(self) -> None:
        """Let the next commit fail."""
        self.disk.is_full = True
        self.place()

    @rule(keeps=st.booleans())
    def free_disk(self, keeps: bool) -> None:
        """Let commits succeed; the next that fails leaves its records, or not."""
        self.disk.is_full, self.disk.keeps_what_it_fails = False, keeps
        self.runner.run(self.settle())

    @rule()
    def mend(self) -> None:
        """Let everything succeed."""
        self.market.has_fault = False
        self.disk.is_full = False
        self.let_read()

    @rule()
    def place_and_watch(self) -> None:
        """Trade as bots do."""
        self.mend()
        self.watch()
        self.place()

    @rule()
    def let_market_fail(self) -> None:
        """Let the market raise at the next order that enters."""
        self.market.has_fault = True

    @rule()
    def hold_reading(self) -> None:
        """Let opening the journal take long."""
        self.may_read.clear()

    @rule()
    def let_read(self) -> None:
        """Let it end."""
        self.may_read.set()
        self.runner.run(self.settle())

    @precondition(lambda self: self.phase is not DeskPhase.CLOSED)
    @rule()
    def restart_market(self) -> None:
        """Let the venue begin anew, with no orders in it."""
        if self.market.has_fault:
            return  # the fault would be the feed's to see to
        self.market.orders.clear()
        self.desk.opened("market")

    @precondition(lambda self: self.left <= 0)
    @rule()
    def drain(self) -> None:
        """Drain it, once or again."""
        self.desk.drain()
        self.is_drained = True
        self.runner.run(self.settle())

    @precondition(lambda self: self.left <= 0 and not self.is_closed)
    @rule()
    def close(self) -> None:
        """Close it, in whatever state it is."""
        before = self.phase
        # A fault of the market fails the guards' cancels too; the next start makes them.
        will_fail = self.disk.is_full or (self.is_watching and self.market.has_fault)
        self.is_closed = True
        self.most_opened = len(self.journals) + 1  # one may be being opened
        self.runner.run(self.desk.close())
        assert self.phase is DeskPhase.CLOSED
        if before in WORKING:
            assert all(journal.is_closed for journal in self.journals)
            if self.is_watching and not will_fail:
                self._all_gone()
            if not will_fail:
                self._compare(self._read())

    @precondition(lambda self: self.is_closed)
    @rule()
    def close_again(self) -> None:
        """It cannot be closed twice, nor opened again."""
        with pytest.raises(IllegalTransitionError):
            self.runner.run(self.desk.close())
        with pytest.raises(IllegalTransitionError):
            self.runner.run(self.desk.open())

    # --- what holds always ------------------------------------------------------------------------

    @invariant()
    def nothing_is_lost(self) -> None:
        """What was acknowledged is there; the market has what the accounts have."""
        if not hasattr(self, "life"):
            return
        self.left -= 1
        self.runner.run(self.settle())
        assert not self.life.done(), "its tasks have ended"
        if self.phase in WITHOUT_ACCOUNTS:
            assert not self.market.orders, "nobody would book what happens to them"
        if self.phase in WORKING:
            order_manager = self.desk.order_manager()
            self._compare(order_manager)
            assert {order.order_id for order in order_manager.open_orders("alice")} == set(self.market.orders)

    @invariant()
    def halts_are_readable_once_read(self) -> None:
        """Halts and limits are told also while the journal is broken."""
        if not hasattr(self, "life"):
            return
        if self.phase in (DeskPhase.NEW, DeskPhase.OPENING):
            with pytest.raises(Refusal):
                self.desk.operators.risk_status()
        elif self.phase in WORKING:
            assert self.desk.operators.risk_status().is_current
        figures = self.desk.figures()
        assert figures.refusing["journal"] == (self.phase not in WORKING)

    def _compare(self, order_manager: OrderManager) -> None:
        found = {order.ticket.client_order_id for order in order_manager.open_orders("alice")}
        assert self.open_ids <= found <= self.open_ids | self.doubtful
        assert not found & self.gone

    def _read(self) -> OrderManager:
        return AccountStore(FlakyJournal(self.disk), TradingRules(), lambda _: PRICES).order_manager

    def teardown(self) -> None:
        """Close what is open, and see that nothing stays."""
        if not hasattr(self, "life"):
            return

        async def end() -> None:
            if not self.is_closed:
                await self.desk.close()
            self.may_read.set()
            while self.reading:
                await asyncio.sleep(0.001)
            await asyncio.sleep(0.002)
            assert not self.life.done(), "its tasks have ended"
            self.life.cancel()
            await asyncio.gather(self.life, return_exceptions=True)

        self.runner.run(end())
        self.runner.close()
        self.patch.undo()
        assert all(journal.is_closed for journal in self.journals)
        assert not self.is_closed or len(self.journals) <= self.most_opened


TestDeskLife = DeskMachine.TestCase
TestDeskLife.settings = settings(max_examples=40, stateful_step_count=30)
