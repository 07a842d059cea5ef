"""The desk: takes requests about orders and money, and answers when what came of them is durable.

One turn of the event loop: each request is authorised, decided by the order manager, executed on its venue in
memory and booked, and so is each report of the venues; the turn's entries are one append to the journal;
when that is durable, the answers leave, and then the private events. Where the journal fails, whoever waits
is told that nothing is certain, and new requests are refused until the accounts have been read again
(``recovery.py``); the market runs on.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterable, Sequence

import structlog
from msgspec import UNSET, UnsetType

from floorwire.clock import Clock
from floorwire.config import StorageSettings
from floorwire.core.account_events import AccountEntry, PrivateChannel
from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.execution_reports import Report
from floorwire.core.instrument import Instrument
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
from floorwire.trading.cancel_guards import owner
from floorwire.trading.commit_batch import PendingAnswer, answered, refused
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.desk_state import DeskLife
from floorwire.trading.fill_history import FillHistory
from floorwire.trading.guard_cancels import GuardCancels
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

log = structlog.get_logger("floorwire.desk")


class Desk:
    """There is one in a process. ``open`` it, then ``run`` it, and ``close`` it at the end.

    ``open_book`` reads the accounts and may block.
    """

    def __init__(
        self,
        open_book: Callable[[], AccountStore],
        floor: VenueRouter,
        resolve: Resolve,
        instruments: Callable[[], Iterable[Instrument]],
        clock: Clock,
        storage: StorageSettings,
    ) -> None:
        self._floor = floor
        self._resolve = resolve
        self._instruments = instruments
        self._clock = clock
        self._storage = storage
        self._life = DeskLife()
        self._stats = DeskStats()
        self._recovery = JournalRecovery(self._life, open_book, self._stats, self)
        self._executor = DecisionExecutor(floor, clock)
        self._guard_cancels = GuardCancels(self._life, self._executor, clock)
        self._guards = self._guard_cancels.guards
        self._streams = PrivateFanout(self._instrument_of, clock)
        self._read_quota = ReadQuota()
        self._private_subscriptions = PrivateSubscriptions(
            self._streams, self._read_quota, instruments, clock
        )
        self._lines = ReplyOrder()
        self._fill_history = FillHistory(self._lines, self._counted)
        self._deposits: Sequence[Deposit] = ()
        """All that there are; those that the journal lost are credited again."""

    # --- its life: what is behind it is in recovery.py ----------------------------------------------

    async def open(self) -> None:
        """Read the accounts and begin. Where that cannot be, ``run`` tries again."""
        await self._recovery.open()

    async def run(self) -> None:
        """Recover when the journal fails, and serve readers of the past. Runs until cancelled."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._private_subscriptions.run())
            tasks.create_task(self._fill_history.run())
            tasks.create_task(self._recovery.run())

    def drain(self) -> None:
        """Take no more orders; cancels go on."""
        self._recovery.drain()

    async def close(self) -> None:
        """Cancel for whoever is not there to do it, and close the journal when all is durable."""
        await self._recovery.close()

    # --- what recovery asks: Work of recovery.py ----------------------------------------------------

    def make_committer(self, book: AccountStore, on_failure: Callable[[Exception], None]) -> Committer:
        """Return what takes the entries for this journal; ``on_failure`` is called once, with why."""
        return Committer(book, self._streams, self._storage.snapshot_records, on_failure, self._stats)

    def begin_work(self, committer: Committer) -> None:
        """Put the accounts to work: guards first, then the orders go back into their markets."""
        committer.begin(self._clock.stamp_us())
        self._streams.epoch = committer.book.epoch
        self._guard_cancels.begin(committer)
        self._executor.list_instruments(committer, self._floor.instruments())
        for venue in self._floor.opened:
            self._executor.put_back(committer, venue, self._floor.at(venue))
        self.deposit(self._deposits)

    def tell_followers(self, committer: Committer) -> None:
        """Tell followers of the private channels what they missed."""
        self._private_subscriptions.go_on(committer)

    def take_orders_out(self, order_manager: OrderManager) -> None:
        """Take the accounts' orders out of the market. Never raises."""
        self._executor.take_out(order_manager)

    def end_guards(self) -> None:
        """Cancel now what guards would cancel when nobody is there any more."""
        self._guards.end()

    # --- what clients ask ---------------------------------------------------------------------------

    def submit(self, client: DeskClient, request: TradingRequest) -> None:
        """See to a request; it is answered once, in order, when what came of it is durable."""
        committer = self._life.state.committer
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
        order_manager, principal, at = committer.book.order_manager, client.principal, self._clock.moment()
        match request:
            case OrderPlace():
                self._check_open(committer)
                decision = handlers.place(order_manager, self._resolve, principal, request, at)
                return self._outcome(committer, decision, request.id, at.stamp_us)
            case OrderAmend():
                self._check_open(committer)
                decision = handlers.amend(order_manager, principal, request, at)
                return self._outcome(committer, decision, request.id, at.stamp_us)
            case OrderCancel():
                decision = handlers.cancel(order_manager, principal, request, at.wall_us)
                return self._outcome(committer, decision, request.id, at.stamp_us)
            case OrderCancelAll():
                decision = handlers.cancel_all(order_manager, self._resolve, principal, request, at.wall_us)
                self._executor.execute(committer, decision, at.stamp_us)
                order_ids = [str(command.order_id) for command in decision.commands]
                return AllCancelled(id=request.id, order_ids=order_ids)
            case CancelOnDisconnect() | Deadman():
                return self._guard(client, request, at.wall_us)
            case _:
                return self._look(committer, client, request, at)

    def _look(self, committer: Committer, client: DeskClient, request: Query, at: Moment) -> Reply | None:
        order_manager, principal = committer.book.order_manager, client.principal
        visibility = Visibility(principal, self._instruments)
        self._read_quota.take(
            principal.account, handlers.rows(order_manager, principal.account, request), at.now_us
        )
        if isinstance(request, Fills):
            begun = handlers.list_fills(
                order_manager, self._resolve, principal, visibility, request, at.wall_us
            )
            return self._fill_history.search(committer, client, request, begun)
        return handlers.answer(order_manager, self._resolve, principal, visibility, request, at.wall_us)

    def _check_open(self, committer: Committer) -> None:
        if self._life.state.is_draining:
            raise Refusal(Code.DRAINING, Code.DRAINING.meaning)
        if self._is_behind(committer):
            raise Refusal(Code.RATE_LIMITED, "the journal is behind", wait_us=BUSY_WAIT_US)

    def _is_behind(self, committer: Committer) -> bool:
        return committer.behind > self._storage.waiting_records // 2

    def _outcome(
        self, committer: Committer, decision: OrderDecision, request_id: RequestId | UnsetType, stamp_us: int
    ) -> OrderAcceptedReply | OrderError:
        """Carry a decision about one order out, and return what came of it."""
        assert decision.order is not None
        reports = self._executor.execute(committer, decision, stamp_us)
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

    def _guard(self, client: DeskClient, request: CancelOnDisconnect | Deadman, wall_us: int) -> Guarded:
        if isinstance(request, Deadman):
            handlers.authorise(client.principal, Action.DEADMAN, wall_us)
            timeout_us = _us(request.timeout_s)
            self._guards.arm(owner(client), timeout_us)
            cancels_at = wall_us + timeout_us if timeout_us else UNSET
            return Guarded(id=request.id, timeout_s=request.timeout_s, cancels_at=cancels_at)
        handlers.authorise(client.principal, Action.CANCEL_ON_DISCONNECT, wall_us)
        if request.enabled:
            self._guards.watch(client, _us(request.grace_s))
        else:
            self._guards.ignore(client)
        return Guarded(id=request.id, enabled=request.enabled, grace_s=request.grace_s)

    def follow(self, client: DeskClient, request: Subscribe, channel: PrivateChannel) -> None:
        """Tell the client all that happens to its account there, from a snapshot or from where it was."""
        committer = self._life.state.committer
        if committer is None:
            client.answer(error(self._out_of_order(), request.id))
            client.flush()
        else:
            self._private_subscriptions.begin(committer, client, request, channel)

    def unfollow(self, client: DeskClient, channel: PrivateChannel) -> None:
        """Tell it no more."""
        self._streams.leave(client, channel)

    def subscription(self, client: DeskClient, channel: PrivateChannel) -> HeldSubscription:
        """Return the subscription as it stands."""
        return self._private_subscriptions.held(client, channel)

    def on_disconnect(self, client: DeskClient) -> None:
        """The connection is gone."""
        self._streams.left(client)
        self._guards.left(client)

    # --- what venues tell ---------------------------------------------------------------------------

    def listed(self, instruments: Sequence[Instrument]) -> None:
        """A trading venue lists these, new or changed; where it has opened, orders of the new enter now."""
        new = self._floor.list_instruments(instruments)
        committer = self._life.state.committer
        if committer is None:
            return  # they are listed when the accounts have been read
        with committer.failing_alone("listing"):
            self._executor.list_instruments(committer, instruments)
            for venue in self._floor.opened:
                self._executor.put_back(committer, venue, new)

    def opened(self, venue: str) -> None:
        """A trading venue has opened, without any order of ours in it."""
        self._floor.opened.add(venue)
        committer = self._life.state.committer
        if committer is not None:
            with committer.failing_alone("opening"):
                self._executor.put_back(committer, venue, self._floor.at(venue))

    def reported(self, reports: Sequence[Report]) -> None:
        """This happened to orders that rest."""
        committer = self._life.state.committer
        if committer is None:
            return
        try:
            committer.book_entries(committer.book.order_manager.settle(reports, self._clock.stamp_us()))
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
        committer, stamp_us = self._life.state.committer, self._clock.stamp_us()
        if committer is None:
            client.answer(error(self._out_of_order()))
            return
        try:
            entries, decision = change(committer.book.order_manager, stamp_us)
        except Refusal as refusal:
            client.answer(error(refusal))
            return
        except Exception as fault:  # as in trade
            log.exception("fault in an operator's change")
            client.answer(error(Refusal(Code.INTERNAL, Code.INTERNAL.meaning)))
            committer.fail(fault)
            return
        committer.rule(entries)
        committer.answer(PendingAnswer(client, UNSET, reply))
        if decision is not None:
            self._executor.execute_or_fail(committer, decision, stamp_us)

    def risk_status(self) -> RiskStatus:
        """Return the halts and limits, of a broken journal too. Raises Refusal where none was ever read."""
        risk_status = self._life.state.risk_status
        if risk_status is None:
            raise self._out_of_order()
        return risk_status

    def halted_symbols(self) -> frozenset[str] | None:
        """Return the symbols in which an operator halted trading. None: all trading is halted."""
        risk_status = self._life.state.risk_status
        halts = [] if risk_status is None else risk_status.halts()
        if ("all", "") in halts:
            return None
        return frozenset(name for scope, name in halts if scope == "symbol")

    def order_manager(self) -> OrderManager:
        """Return the accounts, to look at. Raises Refusal where they cannot be read."""
        return self._working().book.order_manager

    def state(self) -> tuple[int, AccountSnapshot]:
        """Return how many records there are with those on their way, and all the accounts as of then.

        Raises Refusal where the accounts cannot be read.
        """
        committer = self._working()
        committer.end_turn()
        return committer.book.journal.last_n, committer.book.order_manager.snapshot()

    def _working(self) -> Committer:
        committer = self._life.state.committer
        if committer is None:
            raise self._out_of_order()
        return committer

    def figures(self) -> DeskFigures:
        """Return how everything is, for whoever watches."""
        committer = self._life.state.committer
        refusing = {
            "journal": committer is None,
            "behind": committer is not None and self._is_behind(committer),
            "draining": self._life.state.is_draining,
        }
        records = None if committer is None else desk_metrics.records(committer)
        return DeskFigures(self._stats, refusing, self._guards.armed(), records)

    def credited(self, store: str) -> int | None:
        """Return the id of the key store's last deposit that was credited. None without accounts."""
        committer = self._life.state.committer
        return None if committer is None else committer.book.order_manager.last_deposit_id(store)

    def deposit(self, deposits: Sequence[Deposit]) -> None:
        """Credit what of these is not credited yet; all there are, in their order."""
        self._deposits = deposits
        committer = self._life.state.committer
        if committer is None:
            return
        order_manager, stamp_us = committer.book.order_manager, self._clock.stamp_us()
        for one in deposits:
            try:
                entries = order_manager.deposit(
                    one.account, one.asset, one.amount, one.id, stamp_us, one.store
                )
                committer.book_entries(entries)
            except Exception as reason:  # noqa: BLE001 - one deposit's fault: the others are credited
                self._stats.uncredited.add(one.id)
                log.error("deposit not credited", account=one.account, id=one.id, reason=str(reason))

    # --- parts --------------------------------------------------------------------------------------

    def _instrument_of(self, order: Order) -> Instrument:
        return self.order_manager().instrument_of(order)

    def _out_of_order(self) -> Refusal:
        return Refusal(Code.INTERNAL, "the journal cannot be written; nothing is accepted until it can")


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000) or int(seconds > 0)
