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
from types import MappingProxyType

import structlog

from floorwire.clock import Clock
from floorwire.config import StorageSettings
from floorwire.core.account_events import AccountEntry, MoneyKind, PrivateChannel
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import NO_VENUES, VenueNames
from floorwire.engine.account_snapshot import AccountSnapshot
from floorwire.engine.order_manager import OrderManager
from floorwire.engine.venue_money import VenueMoneyError
from floorwire.ops.loop_stalls import LoopStalls
from floorwire.ops.stats import DeskFigures, DeskStats
from floorwire.protocol.desk_ports import DeskClient, Turns
from floorwire.protocol.replies import (
    HeldSubscription,
    error,
)
from floorwire.protocol.requests import Subscribe
from floorwire.protocol.trading_requests import (
    TradingRequest,
)
from floorwire.storage.account_history_index import AccountHistoryIndex
from floorwire.storage.key_store import Deposit
from floorwire.trading import desk_metrics
from floorwire.trading.account_history_handlers import AccountHistoryHandlers
from floorwire.trading.account_history_indexer import AccountHistoryIndexer
from floorwire.trading.account_store import AccountStore
from floorwire.trading.commit_batch import durable_reply, refusal_reply
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.desk_state import DeskLifecycle
from floorwire.trading.guard_cancels import GuardCancels
from floorwire.trading.handlers import Resolve
from floorwire.trading.mass_cancels import MassCancels
from floorwire.trading.money_operations import MoneyOperations
from floorwire.trading.operator_requests import OperatorRequests, journal_unavailable
from floorwire.trading.order_requests import OrderRequests
from floorwire.trading.order_restore import OrderRestore
from floorwire.trading.order_withdrawal import OrderWithdrawal
from floorwire.trading.private_fanout import PrivateFanout
from floorwire.trading.private_subscriptions import PrivateSubscriptions
from floorwire.trading.read_quota import ReadQuota
from floorwire.trading.recovery import JournalRecovery
from floorwire.trading.remote_venue import RemoteVenue, log_quarantined
from floorwire.trading.reply_order import ReplyOrder
from floorwire.trading.symbol_listing import SymbolListing
from floorwire.trading.venue_router import VenueRouter

BUSY_RETRY_US = 50_000
ORDERS_A_ROW = 10
"""Orders that ``order.cancel_all`` examines for the price of one row."""

log = structlog.get_logger("floorwire.desk")


def _history_in_memory(_is_new: bool) -> AccountHistoryIndex:
    return AccountHistoryIndex(None)


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
        venue_money: Mapping[str, MoneyKind] = MappingProxyType({}),
        remote_venues: Mapping[str, RemoteVenue] = MappingProxyType({}),
        open_history: Callable[[bool], AccountHistoryIndex] = _history_in_memory,
        currency: str = "USDT",
        live_accounts: Mapping[str, str] = MappingProxyType({}),
    ) -> None:
        """``venue_money``: what money each venue of this process has, by id.

        ``remote_venues``: those whose orders leave this process. ``open_history`` opens the index of the
        account history, and with True makes it anew. ``currency``: what accounts are valued in.
        ``live_accounts``: each account that trades at a venue with real money, and the venue.
        """
        self.names = names
        self._remote_venues = remote_venues
        self._venue_money = venue_money
        self.venue_money_error: VenueMoneyError | None = None
        """Why the desk does not work with these venues on this journal."""
        self._router = router
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
        read_quota = ReadQuota()
        self._private_subscriptions = PrivateSubscriptions(
            self._private_fanout, read_quota, instruments, clock, turns, names
        )
        self._reply_order = ReplyOrder()
        self._indexer = AccountHistoryIndexer(open_history)
        self._order_requests = OrderRequests(
            self._lifecycle,
            self._executor,
            self._mass_cancels,
            self._guards,
            self._reply_order,
            read_quota,
            resolve,
            instruments,
            clock,
            storage,
            self._stats,
            turns,
            names,
            AccountHistoryHandlers(self._indexer, turns, resolve, instruments, router.prices, currency),
            remote_venues,
        )
        self.operators = OperatorRequests(self._lifecycle, self._mass_cancels, remote_venues, clock)
        """Requests of operators."""
        self.money = MoneyOperations(self._lifecycle, self._mass_cancels, clock, live_accounts)
        """Requests of operators about paper money."""
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
            tasks.create_task(self._order_requests.history_requests.run())
            tasks.create_task(self._indexer.run())
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
        committer.store.order_manager.on_stray(log_quarantined)
        self._router.set_live(committer.store.order_manager.live_venues())
        for remote_venue in self._remote_venues.values():
            remote_venue.open(committer)
        instruments = self._router.instruments()
        self._hold(committer, [instrument.symbol for instrument in instruments])
        self._mass_cancels.resume(committer)
        self._guard_cancels.restore(committer)
        self._symbol_listing.list_instruments(committer, instruments)
        for venue in self._router.open_venues:
            self._symbol_listing.restore(committer, self._router.symbols_of(venue))
        for remote_venue in self._remote_venues.values():
            remote_venue.start(committer)
        self._credit(committer, self._deposits)
        self._indexer.start(committer.store.journal, committer.store.order_manager.identified_entry)

    def _hold(self, committer: Committer, symbols: Iterable[str]) -> None:
        """Hold the symbols whose markets lack our orders. Those outside this process keep them."""
        in_process = [symbol for symbol in symbols if not self._router.is_remote(symbol)]
        self._order_restore.hold(committer, in_process)

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
        """Begin to cancel all orders at the venues, without journalling it. Never raises.

        Those outside this process keep their orders.
        """
        for remote_venue in self._remote_venues.values():
            remote_venue.close()
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
        for remote_venue in self._remote_venues.values():
            await remote_venue.last_commands(committer)

    # --- requests of clients ------------------------------------------------------------------------

    def submit(self, client: DeskClient, request: TradingRequest, at: Moment) -> None:
        """Handle a request. It gets one reply, in the order of the requests, when its effects are durable.

        ``at``: when the request was read.
        """
        committer = self._lifecycle.state.committer
        if committer is None:
            refused = refusal_reply(request, journal_unavailable())
            self._reply_order.target(client).answer(self._order_requests.count_outcome(request, refused))
            client.flush()
            return
        try:
            reply = self._order_requests.reply(committer, client, request, at)
        except Refusal as refusal:
            reply = refusal_reply(request, refusal)
        except Exception as error:  # a bug of ours or of a venue: the outcome is unknown
            log.exception("fault", request=type(request).__name__)
            self._stats.commands[type(request), Code.INTERNAL.value] += 1
            committer.reply_when_durable(durable_reply(self._reply_order.target(client), request, None))
            committer.fail(error)
            return
        if reply is not None:
            reply = self._order_requests.count_outcome(request, reply)
            committer.reply_when_durable(durable_reply(self._reply_order.target(client), request, reply))

    def subscribe(self, client: DeskClient, request: Subscribe, channel: PrivateChannel) -> None:
        """Tell the client all that happens to its account there, from a snapshot or from where it was."""
        committer = self._lifecycle.state.committer
        if committer is None:
            client.answer(error(journal_unavailable(), request.id))
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
            self._hold(committer, new)
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

    # --- the state ----------------------------------------------------------------------------------

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
            raise journal_unavailable()
        return committer

    def figures(self) -> DeskFigures:
        """Return the numbers for the metrics."""
        committer = self._lifecycle.state.committer
        refusing = {
            "journal": committer is None,
            "behind": committer is not None
            and committer.store.journal.undurable_records > self._storage.waiting_records // 2,
            "draining": self._lifecycle.state.is_draining,
        }
        records = None if committer is None else desk_metrics.records(committer)
        remote = {venue: one.figures() for venue, one in self._remote_venues.items()}
        return DeskFigures(
            self._stats,
            refusing,
            self._guards.armed(),
            records,
            remote,
            self._indexer.lag_records,
            self._indexer.failures,
        )

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
