"""The trading desk: takes requests about orders and accounts, and replies when their effects are durable.

In one turn of the event loop each request is authorised (``handlers``), decided (``OrderManager``) and
executed on its venue in memory (``DecisionExecutor``). All entries of the turn are one append to the journal
(``Committer``). When that is durable, replies are sent, then private events.

When the journal fails, waiting requests get an error: their outcome is unknown. New requests are
refused until the accounts have been read again (``recovery.py``). Market data goes on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType

import structlog
from msgspec import UNSET, UnsetType

from floorwire.clock import Clock
from floorwire.config import StorageSettings
from floorwire.core.account_events import AccountEntry, MassCancel, Money, PrivateChannel
from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import NO_VENUES, VenueNames
from floorwire.engine.account_snapshot import AccountSnapshot
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.engine.venue_money import VenueMoneyError
from floorwire.ops.loop_stalls import LoopStalls
from floorwire.ops.stats import DeskFigures, DeskStats
from floorwire.protocol.desk_ports import DeskClient, Reply, Turns
from floorwire.protocol.replies import (
    AllCancelled,
    Guarded,
    HeldSubscription,
    OrderAcceptedReply,
    OrderError,
    error,
    order_error,
)
from floorwire.protocol.requests import RequestId, Subscribe
from floorwire.protocol.trading_requests import (
    CancelOnDisconnect,
    Deadman,
    Fills,
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    Orders,
    Query,
    TradingRequest,
)
from floorwire.storage.key_store import Deposit
from floorwire.trading import desk_metrics, handlers
from floorwire.trading.account_store import AccountStore
from floorwire.trading.commit_batch import OUTCOME_UNKNOWN, DurableReply, durable_reply, refusal_reply
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.desk_state import DeskLifecycle
from floorwire.trading.fill_history import FillHistory
from floorwire.trading.guard_cancels import GuardCancels
from floorwire.trading.guard_timers import owner_of
from floorwire.trading.handlers import Resolve
from floorwire.trading.mass_cancels import MassCancels
from floorwire.trading.order_restore import OrderRestore
from floorwire.trading.order_withdrawal import OrderWithdrawal
from floorwire.trading.private_fanout import PrivateFanout
from floorwire.trading.private_subscriptions import PrivateSubscriptions
from floorwire.trading.query_turns import QueryTurns
from floorwire.trading.read_quota import ReadQuota
from floorwire.trading.recovery import JournalRecovery
from floorwire.trading.reply_order import ReplyOrder
from floorwire.trading.risk_status import RiskStatus
from floorwire.trading.symbol_listing import SymbolListing
from floorwire.trading.venue_router import VenueRouter
from floorwire.trading.visibility import Visibility

BUSY_RETRY_US = 50_000
ORDERS_A_ROW = 10
"""Orders that ``order.cancel_all`` examines for the price of one row."""

log = structlog.get_logger("floorwire.desk")


class Desk:
    """There is one in a process. ``open`` it, then ``run`` it, and ``close`` it at the end.

    ``open_account_store`` opens the journal and reads the accounts; it blocks, so it runs in a thread.
    ``resolve`` turns a symbol as a client writes it into an instrument.
    """

    def __init__(
        self,
        open_account_store: Callable[[], AccountStore],
        router: VenueRouter,
        resolve: Resolve,
        instruments: Callable[[], Iterable[Instrument]],
        clock: Clock,
        storage: StorageSettings,
        loop_stalls: LoopStalls,
        turns: Turns,
        names: VenueNames = NO_VENUES,
        venue_money: Mapping[str, Money] = MappingProxyType({}),
    ) -> None:
        """``venue_money``: what money each venue of this process has, by id."""
        self.names = names
        self._venue_money = venue_money
        self.venue_money_error: VenueMoneyError | None = None
        """Why the desk does not work with these venues on this journal."""
        self._router = router
        self._resolve = resolve
        self._instruments = instruments
        self._clock = clock
        self._storage = storage
        self._lifecycle = DeskLifecycle()
        self._stats = DeskStats()
        self._recovery = JournalRecovery(self._lifecycle, open_account_store, self._stats, self)
        self._executor = DecisionExecutor(router, clock)
        self._mass_cancels = MassCancels(self._executor, clock)
        self._order_restore = OrderRestore(self._executor, router, self._mass_cancels, clock)
        self._symbol_listing = SymbolListing(self._executor, router, self._mass_cancels, self._order_restore)
        self._order_withdrawal = OrderWithdrawal(router, clock)
        self._guard_cancels = GuardCancels(self._lifecycle, self._mass_cancels, clock, loop_stalls)
        self._guards = self._guard_cancels.guards
        self._private_fanout = PrivateFanout(self._instrument_of, clock)
        self._read_quota = ReadQuota()
        self._cancel_quota = ReadQuota()
        """Of ``order.cancel_all``, which examines every open order. Reading much does not use it up."""
        self._private_subscriptions = PrivateSubscriptions(
            self._private_fanout, self._read_quota, instruments, clock, turns, names
        )
        self._reply_order = ReplyOrder()
        self._fill_history = FillHistory(self._reply_order, self._count_outcome)
        self._query_turns = QueryTurns(self._reply_order, turns, self._count_outcome)
        self._deposits: list[Deposit] = []
        """All deposits of the key store. Those that the journal lost are credited again after recovery."""

    # --- life cycle (the work is in recovery.py) ----------------------------------------------------

    async def open(self) -> None:
        """Read the accounts and start. Where that fails, ``run`` tries again."""
        await self._recovery.open()

    async def run(self) -> None:
        """Recover when the journal fails; read older events and fills for clients. Until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._private_subscriptions.run())
            tasks.create_task(self._fill_history.run())
            tasks.create_task(self._recovery.run())

    def drain(self) -> None:
        """Refuse new orders and amends from now on; cancels are still accepted."""
        self._recovery.drain()

    async def when_answered(self) -> None:
        """Return when all requests so far are durable and answered, or have failed."""
        committer = self._lifecycle.state.committer
        if committer is not None:
            await committer.wait_until_durable()

    async def close(self) -> None:
        """Fire all cancel guards, wait until everything is durable, and close the journal."""
        self._order_restore.stop()
        await self._recovery.close()

    # --- RecoveryHooks of recovery.py ---------------------------------------------------------------

    def make_committer(self, store: AccountStore, on_failure: Callable[[Exception], None]) -> Committer:
        """Return the committer of this journal; it calls ``on_failure`` once, with the error."""
        return Committer(store, self._private_fanout, self._storage.snapshot_records, on_failure, self._stats)

    def on_accounts_ready(self, committer: Committer) -> None:
        """Start with these accounts: cancels that are due first, then open orders go back to their venues."""
        stamp_us = self._clock.stamp_us()
        money_entries = self._set_venue_money(committer, stamp_us)
        committer.write_opening_records(stamp_us)
        committer.add_entries(money_entries)
        self._private_fanout.epoch = committer.store.epoch
        instruments = self._router.instruments()
        self._order_restore.hold(committer, [instrument.symbol for instrument in instruments])
        self._mass_cancels.resume(committer)
        self._guard_cancels.restore(committer)
        self._symbol_listing.list_instruments(committer, instruments)
        for venue in self._router.open_venues:
            self._symbol_listing.restore(committer, self._router.symbols_of(venue))
        self._credit(committer, self._deposits)

    def _set_venue_money(self, committer: Committer, stamp_us: int) -> list[AccountEntry]:
        """Record what money the venues have. Raises VenueMoneyError where the journal has the other kind."""
        try:
            return committer.store.order_manager.set_venue_money(self._venue_money, stamp_us)
        except VenueMoneyError as error:
            self.venue_money_error = error
            raise

    def resend_missed_events(self, committer: Committer) -> None:
        """Send subscribers of the private channels the events that they missed."""
        self._private_subscriptions.resend_missed(committer)

    def withdraw_orders(self, order_manager: OrderManager) -> None:
        """Begin to cancel all orders at the venues, without journalling it. Never raises."""
        self._order_withdrawal.start(order_manager)

    async def orders_withdrawn(self) -> None:
        """Wait until no order is left at a venue."""
        await self._order_withdrawal.finished()

    def fire_guards(self) -> None:
        """Cancel now for each guard: no process will be there when its time is up."""
        self._guards.fire_all()

    async def finish_cancels(self, committer: Committer) -> None:
        """Wait until every mass cancel has cancelled its orders."""
        await self._mass_cancels.finish(committer)

    # --- requests of clients ------------------------------------------------------------------------

    def submit(self, client: DeskClient, request: TradingRequest, at: Moment) -> None:
        """Handle a request. It gets one reply, in the order of the requests, when its effects are durable.

        ``at``: when the request was read.
        """
        committer = self._lifecycle.state.committer
        if committer is None:
            self._reply_order.target(client).answer(
                self._count_outcome(request, refusal_reply(request, self._journal_unavailable()))
            )
            client.flush()
            return
        try:
            reply = self._reply(committer, client, request, at)
        except Refusal as refusal:
            reply = refusal_reply(request, refusal)
        except Exception as error:  # a bug of ours or of a venue: the outcome is unknown
            log.exception("fault", request=type(request).__name__)
            self._stats.commands[type(request), Code.INTERNAL.value] += 1
            committer.reply_when_durable(durable_reply(self._reply_order.target(client), request, None))
            committer.fail(error)
            return
        if reply is not None:
            committer.reply_when_durable(
                durable_reply(self._reply_order.target(client), request, self._count_outcome(request, reply))
            )

    def _count_outcome(self, request: TradingRequest, reply: Reply) -> Reply:
        """Count the reply for the metrics, and return it."""
        self._stats.commands[type(request), desk_metrics.outcome(reply)] += 1
        return reply

    def _reply(
        self, committer: Committer, client: DeskClient, request: TradingRequest, at: Moment
    ) -> Reply | None:
        """Return the reply; None where it is sent later."""
        order_manager, principal = committer.store.order_manager, client.principal
        match request:
            case OrderPlace():
                self._check_accepts_orders(committer)
                decision = handlers.place(order_manager, self._resolve, principal, request, at)
                return self._execute_order_decision(committer, decision, request.id, at.stamp_us)
            case OrderAmend():
                self._check_accepts_orders(committer)
                decision = handlers.amend(order_manager, principal, request, at)
                return self._execute_order_decision(committer, decision, request.id, at.stamp_us)
            case OrderCancel():
                self._check_accepts_cancels(committer)
                decision = handlers.cancel(order_manager, principal, request, at.wall_us)
                return self._execute_order_decision(committer, decision, request.id, at.stamp_us)
            case OrderCancelAll():
                self._check_accepts_cancels(committer)
                return self._cancel_all(committer, client, request, at)
            case CancelOnDisconnect() | Deadman():
                self._check_accepts_cancels(committer)
                return self._set_guard(client, request, at.wall_us)
            case _:
                return self._answer_query(committer, client, request, at)

    def _answer_query(
        self, committer: Committer, client: DeskClient, request: Query, at: Moment
    ) -> Reply | None:
        order_manager, principal = committer.store.order_manager, client.principal
        visibility = Visibility(principal, self._instruments, self.names)
        self._read_quota.charge(
            principal.account, handlers.row_count(order_manager, principal.account, request), at.now_us
        )
        if isinstance(request, Fills):
            fills = handlers.list_fills(
                order_manager, self._resolve, principal, visibility, request, at.wall_us
            )
            read_on = partial(self._fill_history.answer, committer, request)
            return self._query_turns.answer(committer, client, request, fills, read_on)
        if isinstance(request, Orders):
            page = handlers.list_orders(
                order_manager, self._resolve, principal, visibility, request, at.wall_us
            )
            return self._query_turns.answer(committer, client, request, page, lambda _, reply: reply)
        return handlers.answer_query(order_manager, principal, visibility, request, at.wall_us)

    def _check_accepts_orders(self, committer: Committer) -> None:
        """Raise Refusal while draining, or while the disk is behind (backpressure). Not for cancels."""
        if self._lifecycle.state.is_draining:
            raise Refusal(Code.DRAINING, Code.DRAINING.meaning)
        if committer.undurable_records > self._storage.waiting_records // 2:
            raise Refusal(Code.RATE_LIMITED, "the journal is behind", wait_us=BUSY_RETRY_US)

    def _check_accepts_cancels(self, committer: Committer) -> None:
        """Raise Refusal while the disk is far behind. The rest of the queue is for guards, halts and fills.

        If the queue were full, the journal would fail for everybody.
        """
        if committer.undurable_records > self._storage.waiting_records * 3 // 4:
            raise Refusal(Code.RATE_LIMITED, "the journal is far behind", wait_us=BUSY_RETRY_US)

    def _execute_order_decision(
        self, committer: Committer, decision: OrderDecision, request_id: RequestId | UnsetType, stamp_us: int
    ) -> OrderAcceptedReply | OrderError:
        """Execute a decision about one order, and return the reply."""
        assert decision.order is not None
        reports = self._executor.execute(committer, decision, stamp_us)
        before = decision.order
        order = committer.store.order_manager.find(before.ticket.account, before.order_id)
        code = order.code if order.state == "rejected" else handlers.refusal_code(reports, order)
        duplicate = True if decision.duplicate else UNSET
        if code is None:
            return OrderAcceptedReply(
                id=request_id,
                order_id=str(order.order_id),
                client_order_id=order.ticket.client_order_id,
                duplicate=duplicate,
            )
        details = {"order_id": str(order.order_id), "client_order_id": order.ticket.client_order_id}
        refusal = Refusal(code, code.meaning, details)
        return order_error(refusal, request_id, "rejected", duplicate=decision.duplicate)

    def _cancel_all(
        self, committer: Committer, client: DeskClient, request: OrderCancelAll, at: Moment
    ) -> AllCancelled | None:
        mass_cancel = handlers.cancel_all(self._resolve, client.principal, request, at.wall_us)
        account = client.principal.account
        examined = committer.store.order_manager.open_order_count(account)
        self._cancel_quota.charge(account, examined // ORDERS_A_ROW, at.now_us)
        slots: list[DeskClient] = []
        """Where the reply goes if it is sent later; replies to later requests wait for it."""

        def on_found(order_ids: Sequence[int] | None) -> None:
            (slot,) = slots
            if order_ids is None:
                slot.answer(order_error(OUTCOME_UNKNOWN, request.id, "unknown"))
                slot.flush()
                return
            reply = self._count_outcome(request, handlers.all_cancelled(request, order_ids))
            committer.reply_when_durable(durable_reply(slot, request, reply))

        order_ids = self._mass_cancels.start(committer, mass_cancel, on_found)
        if order_ids is None:
            slots.append(self._reply_order.reserve(client))
            return None
        return handlers.all_cancelled(request, order_ids)

    def _set_guard(self, client: DeskClient, request: CancelOnDisconnect | Deadman, wall_us: int) -> Guarded:
        if isinstance(request, Deadman):
            handlers.authorise(client.principal, Action.DEADMAN, wall_us)
            timeout_us = handlers.deadman_us(request)
            self._guards.set_deadman(owner_of(client), timeout_us)
            cancels_at = wall_us + timeout_us if timeout_us else UNSET
            return Guarded(id=request.id, timeout_s=request.timeout_s, cancels_at=cancels_at)
        handlers.authorise(client.principal, Action.CANCEL_ON_DISCONNECT, wall_us)
        if request.enabled:
            self._guards.enable_disconnect(client, _us(request.grace_s))
        else:
            self._guards.disable_disconnect(client)
        return Guarded(id=request.id, enabled=request.enabled, grace_s=request.grace_s)

    def subscribe(self, client: DeskClient, request: Subscribe, channel: PrivateChannel) -> None:
        """Tell the client all that happens to its account there, from a snapshot or from where it was."""
        committer = self._lifecycle.state.committer
        if committer is None:
            client.answer(error(self._journal_unavailable(), request.id))
            client.flush()
        else:
            self._private_subscriptions.subscribe(committer, client, request, channel)

    def unsubscribe(self, client: DeskClient, channel: PrivateChannel) -> None:
        """Tell it no more."""
        self._private_fanout.remove(client, channel)

    def subscription(self, client: DeskClient, channel: PrivateChannel) -> HeldSubscription:
        """Return the subscription as it stands."""
        return self._private_subscriptions.subscription(client, channel)

    def on_disconnect(self, client: DeskClient) -> None:
        """The connection is gone."""
        self._private_fanout.remove_client(client)
        self._guards.on_disconnect(client)

    # --- reports of venues --------------------------------------------------------------------------

    def listed(self, instruments: Sequence[Instrument]) -> None:
        """A venue lists these, new or changed. Open orders of new symbols go to it, where it has opened."""
        instruments = [self.names.identified(instrument) for instrument in instruments]
        new = self._router.list_instruments(instruments)
        committer = self._lifecycle.state.committer
        if committer is None:
            return  # ``on_accounts_ready`` lists them
        with committer.fail_on_error("listing"):
            self._order_restore.hold(committer, new)
            self._symbol_listing.list_instruments(committer, instruments)
            for venue in self._router.open_venues:
                self._symbol_listing.restore(committer, new & self._router.symbols_of(venue))

    def opened(self, venue: str) -> None:
        """A venue has opened. It has none of our orders yet: send the open ones."""
        self._router.open_venues.add(venue)
        committer = self._lifecycle.state.committer
        if committer is not None:
            with committer.fail_on_error("opening"):
                self._symbol_listing.restore(committer, self._router.symbols_of(venue))

    def reported(self, reports: Sequence[Report]) -> None:
        """Book what happened to resting orders."""
        committer = self._lifecycle.state.committer
        if committer is None:
            return
        try:
            committer.add_entries(committer.store.order_manager.settle(reports, self._clock.stamp_us()))
        except Exception as fault:  # as in submit
            log.exception("a venue reports what cannot be")
            committer.fail(fault)

    # --- requests of operators ----------------------------------------------------------------------

    def administer(
        self,
        client: DeskClient,
        reply: Reply,
        change: Callable[[OrderManager, int], tuple[Sequence[AccountEntry], MassCancel | None]],
        on_counted: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Make an operator's change (kill switch, limits), and reply when it is durable.

        ``change`` returns the entries to journal and which orders to cancel then. Where it raises Refusal,
        that is the reply. ``on_counted`` gets the number of orders that are cancelled, before the reply.
        """
        committer, stamp_us = self._lifecycle.state.committer, self._clock.stamp_us()
        if committer is None:
            client.answer(error(self._journal_unavailable()))
            return
        try:
            entries, mass_cancel = change(committer.store.order_manager, stamp_us)
        except Refusal as refusal:
            client.answer(error(refusal))
            return
        except Exception as fault:  # as in submit
            log.exception("fault in an operator's change")
            client.answer(error(Refusal(Code.INTERNAL, Code.INTERNAL.meaning)))
            committer.fail(fault)
            return
        committer.add_risk_entries(entries)
        if mass_cancel is None:
            committer.reply_when_durable(DurableReply(client, UNSET, reply))
            return

        def on_found(order_ids: Sequence[int] | None) -> None:
            on_counted(len(order_ids or ()))
            committer.reply_when_durable(DurableReply(client, UNSET, reply))  # an error, if it has failed

        order_ids: Sequence[int] | None = ()
        with committer.fail_on_error("halt"):
            order_ids = self._mass_cancels.start(committer, mass_cancel, on_found)
        if order_ids is not None:
            on_found(order_ids)

    def risk_status(self) -> RiskStatus:
        """Return halts and limits, also while the journal is broken. Raises Refusal before the first read."""
        risk_status = self._lifecycle.state.risk_status
        if risk_status is None:
            raise self._journal_unavailable()
        return risk_status

    def halted_symbols(self) -> frozenset[str] | None:
        """Return the symbols in which an operator halted trading. None: all trading is halted."""
        risk_status = self._lifecycle.state.risk_status
        halts = [] if risk_status is None else risk_status.halts()
        if ("all", "") in halts:
            return None
        return frozenset(name for scope, name in halts if scope == "symbol")

    def order_manager(self) -> OrderManager:
        """Return the order manager, for reading only. Raises Refusal while the journal is broken."""
        return self._require_committer().store.order_manager

    def state(self) -> tuple[int, AccountSnapshot]:
        """Return the number of the last record appended, and a snapshot of all accounts at that record.

        Raises Refusal while the journal is broken.
        """
        committer = self._require_committer()
        committer.commit()
        return committer.store.journal.last_n, committer.store.order_manager.snapshot()

    def _require_committer(self) -> Committer:
        committer = self._lifecycle.state.committer
        if committer is None:
            raise self._journal_unavailable()
        return committer

    def figures(self) -> DeskFigures:
        """Return the numbers for the metrics."""
        committer = self._lifecycle.state.committer
        refusing = {
            "journal": committer is None,
            "behind": committer is not None
            and committer.undurable_records > self._storage.waiting_records // 2,
            "draining": self._lifecycle.state.is_draining,
        }
        records = None if committer is None else desk_metrics.records(committer)
        return DeskFigures(self._stats, refusing, self._guards.armed(), records)

    def credited(self, store: str) -> int | None:
        """Return the id of the last credited deposit of this key store. None while the journal is broken."""
        committer = self._lifecycle.state.committer
        return None if committer is None else committer.store.order_manager.last_deposit_id(store)

    def deposit(self, deposits: Sequence[Deposit]) -> None:
        """Credit further deposits of the key store, in order. Those that are credited already count once."""
        self._deposits += deposits
        committer = self._lifecycle.state.committer
        if committer is not None:
            self._credit(committer, deposits)

    # --- parts --------------------------------------------------------------------------------------

    def _credit(self, committer: Committer, deposits: Sequence[Deposit]) -> None:
        order_manager, stamp_us = committer.store.order_manager, self._clock.stamp_us()
        for deposit in deposits:
            try:
                entries = order_manager.deposit(
                    deposit.account,
                    self.names.identity(deposit.asset),
                    deposit.amount,
                    deposit.id,
                    stamp_us,
                    deposit.store,
                )
                committer.add_entries(entries)
            except Exception as reason:  # noqa: BLE001 - one bad deposit must not stop the others
                self._stats.uncredited.add(deposit.id)
                log.error("deposit not credited", account=deposit.account, id=deposit.id, reason=str(reason))

    def _instrument_of(self, order: Order) -> Instrument:
        return self.order_manager().instrument_of(order)

    def _journal_unavailable(self) -> Refusal:
        return Refusal(Code.INTERNAL, "the journal cannot be written; nothing is accepted until it can")


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000) or int(seconds > 0)
