"""The desk: takes requests about orders and money, and answers when what came of them is durable.

One turn of the event loop: each request is authorised, decided by the house, executed on its venue in
memory and booked, and so is each report of the venues; the turn's entries are one append to the journal;
when that is durable, the answers leave, and then the private events. Where the journal fails, whoever waits
is told that nothing is certain, new requests are refused, and the accounts are read from the journal again;
the market runs on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence
from functools import partial

import structlog
from msgspec import UNSET, UnsetType

from floorwire.config import StorageSettings
from floorwire.core.account_events import AccountEntry, Guard, PrivateChannel
from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
from floorwire.core.order_commands import Cancel
from floorwire.core.orders import Order
from floorwire.core.refusal import Refusal
from floorwire.engine.account_snapshot import AccountSnapshot
from floorwire.engine.order_manager import OrderDecision, OrderManager
from floorwire.ops.stats import DeskFigures, DeskStats
from floorwire.protocol.answers import AllCancelled, Guarded, OrderAcceptedReply, OrderError, order_error
from floorwire.protocol.desk_ports import DeskClient, Reply
from floorwire.protocol.replies import HeldSubscription, error
from floorwire.protocol.requests import RequestId, Subscribe
from floorwire.protocol.trading_requests import (
    CancelOnDisconnect,
    Deadman,
    Fills,
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    Query,
    TradingRequest,
)
from floorwire.storage.key_store import Deposit
from floorwire.trading import desk_metrics, handlers
from floorwire.trading.account_store import AccountStore
from floorwire.trading.cancel_guards import CancelGuards, GuardOwner, owner
from floorwire.trading.commit_batch import PendingAnswer, answered, refused
from floorwire.trading.committer import Committer
from floorwire.trading.fill_history import FillHistory
from floorwire.trading.handlers import Resolve
from floorwire.trading.private_fanout import PrivateFanout
from floorwire.trading.private_subscriptions import PrivateSubscriptions
from floorwire.trading.read_quota import ReadQuota
from floorwire.trading.recovery import JournalRecovery
from floorwire.trading.reply_order import ReplyOrder
from floorwire.trading.risk_status import RiskStatus
from floorwire.trading.venue_router import VenueRouter
from floorwire.trading.visibility import Visibility

BUSY_WAIT_US = 50_000
RETRY_S = 1.0

log = structlog.get_logger("floorwire.desk")


class Desk:
    """One process's. ``run`` is its life; before it ``read`` and ``open``, after it ``close``."""

    def __init__(
        self,
        recovery: JournalRecovery,
        floor: VenueRouter,
        resolve: Resolve,
        instruments: Callable[[], Iterable[Instrument]],
        clock: Callable[[], int],
        storage: StorageSettings,
    ) -> None:
        self._recovery = recovery
        self._floor = floor
        self._resolve = resolve
        self._instruments = instruments
        self._clock = clock
        self._storage = storage
        self._streams = PrivateFanout(self._instrument_of, clock)
        self._read_quota = ReadQuota()
        self._private_subscriptions = PrivateSubscriptions(
            self._streams, self._read_quota, instruments, clock
        )
        self._lines = ReplyOrder()
        self._fill_history = FillHistory(self._lines, self._counted)
        self._guards = CancelGuards(clock, self._cancel_for, self._keep_guard)
        self._stats = DeskStats()
        self._committer: Committer | None = None
        self._risk_status: RiskStatus | None = None
        self._read: AccountStore | None = None
        self._failed: AccountStore | None = None
        self._has_failed = asyncio.Event()
        self._deposits: Sequence[Deposit] = ()
        self._spared_id = 0  # order ids up to this one may be known to markets
        self._due: list[tuple[GuardOwner, Code]] = []
        """Whose orders guards have to cancel, and why, each until that is durable."""
        self._is_draining = self._is_closed = False

    # --- its life -----------------------------------------------------------------------------------

    def read(self) -> None:
        """Read the accounts, before anybody comes; blocks, and may be off the loop."""
        self._read = self._recovery.open()

    def open(self) -> None:
        """Begin with what was read. Where it could not be, ``run`` tries on."""
        if self._read is None:
            self._has_failed.set()
        else:
            self._begin(self._read)
        self._read = None

    def _begin(self, book: AccountStore) -> None:
        self._committer = committer = Committer(
            book, self._streams, self._storage.snapshot_records, self._fail, self._stats
        )
        self._risk_status = committer.risk_status
        book.order_manager.spare(self._spared_id)
        committer.begin(self._clock())
        self._streams.epoch = book.epoch
        self._stand_guard(committer)
        self._list(self._floor.instruments())
        for venue in self._floor.opened:
            self._put_back(venue, self._floor.at(venue))
        self.deposit(self._deposits)

    def _stand_guard(self, committer: Committer) -> None:
        """Cancel what guards could not while there were no accounts: it is in no market, and stays out."""
        order_manager, now_us = committer.book.order_manager, self._clock()
        kept = {GuardOwner(account, key): guard for account, key, guard in order_manager.guards()}
        gone = [(whose, Code.DISCONNECTED) for whose in self._guards.begin(kept)]
        due, self._due = dict.fromkeys([*self._due, *gone]), []
        for whose, code in due:
            entries = order_manager.withdraw(whose.account, whose.key, code, now_us)
            committer.book_entries(entries)
            self._see_to(committer, whose, code)
            log.info("cancelled", account=whose.account, key=whose.key, code=code.value, orders=len(entries))
        for whose in sorted({*kept, *self._guards.owners()}):
            self._keep_guard(whose, self._guards.of(whose))

    async def run(self) -> None:
        """Save snapshots, and begin anew where the journal failed, until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._private_subscriptions.run())
            tasks.create_task(self._fill_history.run())
            while True:
                saving = (
                    None if self._committer is None else tasks.create_task(self._committer.save_snapshots())
                )
                await self._has_failed.wait()
                self._has_failed.clear()
                if saving is not None:
                    saving.cancel()
                failed, self._failed = self._failed, None
                await self._begin_again(await self._recovery.reopen(failed))

    async def _begin_again(self, book: AccountStore) -> None:
        try:
            self._begin(book)
        except Exception as error:  # of a venue: market data and the other venues must not end with it
            log.exception("accounts read, but not put to work")
            if self._committer is not None:
                self._committer.fail(error)
            await asyncio.sleep(RETRY_S)
            return
        if self._committer is not None:
            self._private_subscriptions.go_on(self._committer)

    def _fail(self, error: Exception) -> None:
        """The journal failed: take the accounts' orders out of the market, and begin anew."""
        committer, self._committer = self._committer, None
        if committer is None or self._is_closed:
            return  # nobody begins anew
        self._stats.failures += 1
        log.error("the journal failed; orders are refused", error=str(error))
        self._recovery.trouble = str(error)
        self._spared_id = committer.book.order_manager.last_order_id()
        self._take_out(committer.book.order_manager)
        self._failed = committer.book
        self._has_failed.set()

    def _take_out(self, order_manager: OrderManager) -> None:
        try:
            for command in order_manager.cancel_all().commands:
                self._floor.execute(command, self._clock())
        except Exception:  # a venue's fault, maybe the one that brought us here
            log.exception("orders may still be in the market")

    async def close(self) -> None:
        """Cancel for whoever is not there to do it, and close the journal when all is durable."""
        self._guards.end()
        committer, self._is_closed = self._committer, True
        if committer is not None:
            await committer.settled()
            self._committer = None  # what venues report from now on is the next process's to find out
            await asyncio.to_thread(committer.book.journal.close)

    def drain(self) -> None:
        """Take no more orders; cancels go on."""
        self._is_draining = True

    # --- what clients ask ---------------------------------------------------------------------------

    def trade(self, client: DeskClient, request: TradingRequest) -> None:
        """See to a request; it is answered once, in order, when what came of it is durable."""
        committer = self._committer
        if committer is None:
            self._lines.stand(client).answer(self._counted(request, refused(request, self._out_of_order())))
            client.flush()
            return
        try:
            reply = self._reply(committer, client, request)
        except Refusal as refusal:
            reply = refused(request, refusal)
        except Exception as error:  # a fault of ours or of a venue: what was done is not known
            log.exception("fault", request=type(request).__name__)
            self._stats.commands[type(request), Code.INTERNAL.value] += 1
            committer.answer(answered(self._lines.stand(client), request, None))
            committer.fail(error)
            return
        if reply is not None:
            committer.answer(answered(self._lines.stand(client), request, self._counted(request, reply)))

    def _counted(self, request: TradingRequest, reply: Reply) -> Reply:
        self._stats.commands[type(request), desk_metrics.outcome(reply)] += 1
        return reply

    def _reply(self, committer: Committer, client: DeskClient, request: TradingRequest) -> Reply | None:
        """Return the answer; None where it follows by itself."""
        order_manager, principal, now_us = committer.book.order_manager, client.principal, self._clock()
        match request:
            case OrderPlace():
                self._check_open(committer)
                decision = handlers.place(order_manager, self._resolve, principal, request, now_us)
                return self._outcome(committer, decision, request.id, now_us)
            case OrderAmend():
                self._check_open(committer)
                decision = handlers.amend(order_manager, principal, request, now_us)
                return self._outcome(committer, decision, request.id, now_us)
            case OrderCancel():
                decision = handlers.cancel(order_manager, principal, request, now_us)
                return self._outcome(committer, decision, request.id, now_us)
            case OrderCancelAll():
                decision = handlers.cancel_all(order_manager, self._resolve, principal, request, now_us)
                self._carry_out(committer, decision, now_us)
                order_ids = [str(command.order_id) for command in decision.commands]
                return AllCancelled(id=request.id, order_ids=order_ids)
            case CancelOnDisconnect() | Deadman():
                return self._guard(client, request, now_us)
            case _:
                return self._look(committer, client, request, now_us)

    def _look(self, committer: Committer, client: DeskClient, request: Query, now_us: int) -> Reply | None:
        order_manager, principal = committer.book.order_manager, client.principal
        visibility = Visibility(principal, self._instruments)
        self._read_quota.take(
            principal.account, handlers.rows(order_manager, principal.account, request), now_us
        )
        if isinstance(request, Fills):
            begun = handlers.list_fills(order_manager, principal, visibility, request, now_us)
            return self._fill_history.search(committer, client, request, begun)
        return handlers.answer(order_manager, principal, visibility, request, now_us)

    def _check_open(self, committer: Committer) -> None:
        if self._is_draining:
            raise Refusal(Code.DRAINING, Code.DRAINING.meaning)
        if self._is_behind(committer):
            raise Refusal(Code.RATE_LIMITED, "the journal is behind", wait_us=BUSY_WAIT_US)

    def _is_behind(self, committer: Committer) -> bool:
        return committer.behind > self._storage.waiting_records // 2

    def _outcome(
        self, committer: Committer, decision: OrderDecision, request_id: RequestId | UnsetType, now_us: int
    ) -> OrderAcceptedReply | OrderError:
        """Carry a decision about one order out, and return what came of it."""
        assert decision.order is not None
        reports = self._carry_out(committer, decision, now_us)
        before = decision.order
        order = committer.book.order_manager.find(before.ticket.account, before.order_id)
        code = order.code if order.state == "rejected" else handlers.refused(reports, order)
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

    def _guard(self, client: DeskClient, request: CancelOnDisconnect | Deadman, now_us: int) -> Guarded:
        if isinstance(request, Deadman):
            handlers.authorise(client.principal, Action.DEADMAN, now_us)
            timeout_us = _us(request.timeout_s)
            self._guards.arm(owner(client), timeout_us)
            cancels_at = now_us + timeout_us if timeout_us else UNSET
            return Guarded(id=request.id, timeout_s=request.timeout_s, cancels_at=cancels_at)
        handlers.authorise(client.principal, Action.CANCEL_ON_DISCONNECT, now_us)
        if request.enabled:
            self._guards.watch(client, _us(request.grace_s))
        else:
            self._guards.ignore(client)
        return Guarded(id=request.id, enabled=request.enabled, grace_s=request.grace_s)

    def follow(self, client: DeskClient, request: Subscribe, channel: PrivateChannel) -> None:
        """Tell the client all that happens to its account there, from a snapshot or from where it was."""
        if self._committer is None:
            client.answer(error(self._out_of_order(), request.id))
            client.flush()
        else:
            self._private_subscriptions.begin(self._committer, client, request, channel)

    def unfollow(self, client: DeskClient, channel: PrivateChannel) -> None:
        """Tell it no more."""
        self._streams.leave(client, channel)

    def held(self, client: DeskClient, channel: PrivateChannel) -> HeldSubscription:
        """Return the subscription as it stands."""
        return self._private_subscriptions.held(client, channel)

    def left(self, client: DeskClient) -> None:
        """The connection is gone."""
        self._streams.left(client)
        self._guards.left(client)

    # --- what venues tell ---------------------------------------------------------------------------

    def listed(self, instruments: Sequence[Instrument]) -> None:
        """A trading venue lists these, new or changed; where it has opened, orders of the new enter now."""
        new = self._floor.list_instruments(instruments)
        self._list(instruments)
        for venue in self._floor.opened:
            self._put_back(venue, new)

    def opened(self, venue: str) -> None:
        """A trading venue has opened, without any order of ours in it."""
        self._floor.opened.add(venue)
        self._put_back(venue, self._floor.at(venue))

    def reported(self, reports: Sequence[Report]) -> None:
        """This happened to orders that rest."""
        committer = self._committer
        if committer is None:
            return
        try:
            committer.book_entries(committer.book.order_manager.settle(reports, self._clock()))
        except Exception as fault:  # as in trade
            log.exception("a venue reports what cannot be")
            committer.fail(fault)

    # --- what operators do --------------------------------------------------------------------------

    def administer(
        self,
        client: DeskClient,
        reply: Reply,
        change: Callable[[OrderManager, int], tuple[Sequence[AccountEntry], OrderDecision | None]],
    ) -> None:
        """Make a change, carry out what follows, and answer when it is durable, or with the refusal."""
        committer, now_us = self._committer, self._clock()
        if committer is None:
            client.answer(error(self._out_of_order()))
            return
        try:
            entries, decision = change(committer.book.order_manager, now_us)
        except Refusal as refusal:
            client.answer(error(refusal))
            return
        committer.rule(entries)
        committer.answer(PendingAnswer(client, UNSET, reply))
        if decision is not None:
            self._try(committer, decision, now_us)

    def risk_status(self) -> RiskStatus:
        """Return the halts and limits, of a broken journal too. Raises Refusal where none was ever read."""
        if self._risk_status is None:
            raise self._out_of_order()
        return self._risk_status

    def order_manager(self) -> OrderManager:
        """Return the accounts, to look at. Raises Refusal where they cannot be read."""
        if self._committer is None:
            raise self._out_of_order()
        return self._committer.book.order_manager

    def state(self) -> tuple[int, AccountSnapshot]:
        """Return how many records there are with those on their way, and all the accounts as of then.

        Raises Refusal where the accounts cannot be read.
        """
        order_manager = self.order_manager()
        assert self._committer is not None
        self._committer.end_turn()
        return self._committer.book.journal.last_n, order_manager.snapshot()

    def figures(self) -> DeskFigures:
        """Return how everything is, for whoever watches."""
        committer = self._committer
        refusing = {
            "journal": committer is None,
            "behind": committer is not None and self._is_behind(committer),
            "draining": self._is_draining,
        }
        records = None if committer is None else desk_metrics.records(committer)
        return DeskFigures(self._stats, refusing, self._guards.armed(), records)

    def deposit(self, deposits: Sequence[Deposit]) -> None:
        """Credit what of these is not credited yet; all there are, in their order."""
        self._deposits = deposits
        committer = self._committer
        if committer is None:
            return
        order_manager, now_us = committer.book.order_manager, self._clock()
        for one in deposits:
            try:
                committer.book_entries(
                    order_manager.deposit(one.account, one.asset, one.amount, one.id, now_us)
                )
            except Refusal as refusal:
                self._stats.uncredited.add(one.id)
                log.error("deposit not credited", account=one.account, id=one.id, reason=str(refusal))

    # --- parts --------------------------------------------------------------------------------------

    def _carry_out(self, committer: Committer, decision: OrderDecision, now_us: int) -> list[Report]:
        """Journal the decision and what the venues make of it; return their reports."""
        committer.book_entries(decision.entries)
        happened: list[Report] = []
        for command in decision.commands:
            reports = self._floor.execute(command, now_us)
            entries = committer.book.order_manager.settle(reports, now_us)
            if type(command) is Cancel:
                entries += committer.book.order_manager.keep_cancel(command, now_us)
            if entries:
                committer.book_entries(entries)
            happened += reports
        return happened

    def _list(self, instruments: Iterable[Instrument]) -> None:
        committer = self._committer
        if committer is not None:
            committer.book_entries(committer.book.order_manager.list_instruments(instruments, self._clock()))

    def _put_back(self, venue: str, symbols: set[str]) -> None:
        """Put the open orders of those of the symbols that the venue lists into its market as it is now."""
        committer, now_us = self._committer, self._clock()
        here = symbols & self._floor.at(venue)
        if committer is None or not here:
            return
        decision = committer.book.order_manager.put_back(here, now_us)
        self._carry_out(committer, decision, now_us)
        if decision.commands:
            log.info("orders are in the market again", venue=venue, orders=len(decision.commands))

    def _keep_guard(self, whose: GuardOwner, guard: Guard) -> None:
        """Journal a key's guard where it is another now; without accounts, when they have been read."""
        committer = self._committer
        if committer is not None:
            order_manager = committer.book.order_manager
            committer.book_entries(order_manager.set_guard(whose.account, whose.key, guard, self._clock()))

    def _see_to(self, committer: Committer, whose: GuardOwner, code: Code) -> None:
        """Cancel for it again, where what was cancelled is not durable before the journal fails."""
        self._due.append((whose, code))
        committer.then(partial(self._due.remove, (whose, code)))

    def _cancel_for(self, whose: GuardOwner, code: Code) -> None:
        committer = self._committer
        if committer is None:
            self._due.append((whose, code))
            return
        self._see_to(committer, whose, code)
        decision = committer.book.order_manager.cancel_all(account=whose.account, key=whose.key, code=code)
        if self._try(committer, decision, self._clock()):
            orders = len(decision.commands)
            log.info("cancelled", account=whose.account, key=whose.key, code=code.value, orders=orders)

    def _try(self, committer: Committer, decision: OrderDecision, now_us: int) -> bool:
        try:
            self._carry_out(committer, decision, now_us)
        except Exception as fault:  # as in trade
            log.exception("fault", commands=len(decision.commands))
            committer.fail(fault)
        return self._committer is committer

    def _instrument_of(self, order: Order) -> Instrument:
        return self.order_manager().instrument_of(order)

    def _out_of_order(self) -> Refusal:
        return Refusal(Code.INTERNAL, "the journal cannot be written; nothing is accepted until it can")


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000) or int(seconds > 0)
