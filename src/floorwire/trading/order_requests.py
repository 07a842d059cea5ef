"""Requests of clients about orders and accounts: what the desk does for each, and its reply."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence
from functools import partial

from msgspec import UNSET, UnsetType

from floorwire.clock import Clock
from floorwire.config import StorageSettings
from floorwire.core.authorization import Action
from floorwire.core.codes import Code
from floorwire.core.dates import Moment
from floorwire.core.instrument import Instrument
from floorwire.core.refusal import Refusal
from floorwire.core.venue_names import VenueNames
from floorwire.engine.order_manager import OrderDecision
from floorwire.ops.stats import DeskStats
from floorwire.protocol.desk_ports import DeskClient, Reply, Turns
from floorwire.protocol.replies import AllCancelled, Guarded, OrderAcceptedReply, OrderError, order_error
from floorwire.protocol.requests import RequestId
from floorwire.protocol.trading_requests import (
    AccountSummary,
    CancelOnDisconnect,
    Deadman,
    Fills,
    Ledger,
    OrderAmend,
    OrderCancel,
    OrderCancelAll,
    OrderPlace,
    Orders,
    Query,
    TradingRequest,
)
from floorwire.trading import account_history_handlers, desk_metrics, handlers
from floorwire.trading.account_history_handlers import AccountHistoryHandlers
from floorwire.trading.account_history_requests import AccountHistoryRequests
from floorwire.trading.commit_batch import OUTCOME_UNKNOWN, durable_reply
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.desk_state import DeskLifecycle
from floorwire.trading.early_orders import EarlyOrders
from floorwire.trading.fill_search import FillSearch
from floorwire.trading.guard_timers import GuardTimers, owner_of
from floorwire.trading.handlers import Resolve
from floorwire.trading.mass_cancels import MassCancels
from floorwire.trading.query_turns import QueryTurns
from floorwire.trading.read_quota import ReadQuota
from floorwire.trading.reply_order import ReplyOrder
from floorwire.trading.visibility import Visibility

BUSY_RETRY_US = 50_000
ORDERS_A_ROW = 10
"""Orders that ``order.cancel_all`` examines for the price of one row."""


class OrderRequests:
    """Decides about each request and carries it out. The desk sends the replies when they are durable."""

    def __init__(
        self,
        lifecycle: DeskLifecycle,
        executor: DecisionExecutor,
        mass_cancels: MassCancels,
        guards: GuardTimers,
        reply_order: ReplyOrder,
        read_quota: ReadQuota,
        resolve: Resolve,
        instruments: Callable[[], Iterable[Instrument]],
        clock: Clock,
        storage: StorageSettings,
        stats: DeskStats,
        turns: Turns,
        names: VenueNames,
        history: AccountHistoryHandlers,
        remote_venues: Collection[str],
    ) -> None:
        self._early_orders = EarlyOrders(resolve, remote_venues)
        self.history_requests = AccountHistoryRequests(reply_order, self.count_outcome)
        self._history = history
        self._lifecycle = lifecycle
        self._executor = executor
        self._mass_cancels = mass_cancels
        self._guards = guards
        self._reply_order = reply_order
        self._read_quota = read_quota
        self._cancel_quota = ReadQuota()
        """Of ``order.cancel_all``, which examines every open order. Reading much does not use it up."""
        self._resolve = resolve
        self._instruments = instruments
        self._clock = clock
        self._storage = storage
        self._stats = stats
        self._names = names
        self._query_turns = QueryTurns(reply_order, turns, self.count_outcome)

    def count_outcome(self, request: TradingRequest, reply: Reply) -> Reply:
        """Count the reply for the metrics, and return it."""
        if type(reply) is OrderAcceptedReply and reply.duplicate is UNSET:  # ``outcome`` says the same
            self._stats.commands[type(request), "accepted"] += 1
        else:
            self._stats.commands[type(request), desk_metrics.outcome(reply)] += 1
        return reply

    def reply(
        self, committer: Committer, client: DeskClient, request: TradingRequest, at: Moment
    ) -> Reply | None:
        """Carry out the request. Return the reply; None where it is sent later.

        Raises Refusal, and what a venue raises. What was executed is then unknown.
        """
        order_manager, principal = committer.store.order_manager, client.principal
        match request:
            case OrderPlace():
                self._check_accepts_orders(committer)
                decision = self._early_orders.place(committer, principal, request, at)
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

    # --- parts --------------------------------------------------------------------------------------

    def _answer_query(
        self, committer: Committer, client: DeskClient, request: Query, at: Moment
    ) -> Reply | None:
        order_manager, principal = committer.store.order_manager, client.principal
        visibility = Visibility(principal, self._instruments, self._names)
        self._read_quota.charge(
            principal.account, handlers.row_count(order_manager, principal.account, request), at.now_us
        )
        wall_us = at.wall_us
        if isinstance(request, Fills):
            read_of = partial(self._history.fills, order_manager, principal, visibility, request, wall_us)
            if request.from_us is UNSET and request.to_us is UNSET:
                fills = handlers.list_fills(
                    order_manager, self._resolve, principal, visibility, request, wall_us
                )

                def read_on(client: DeskClient, search: FillSearch) -> Reply | None:
                    if search.is_done:
                        return search.reply(request.id)
                    self.history_requests.submit(committer, client, request, read_of(search))
                    return None

                return self._query_turns.answer(committer, client, request, fills, read_on)
            read = read_of(None)
        elif isinstance(request, Orders):
            if account_history_handlers.is_of_open_orders(request):
                page = handlers.list_orders(
                    order_manager, self._resolve, principal, visibility, request, wall_us
                )
                return self._query_turns.answer(committer, client, request, page, lambda _, reply: reply)
            read = self._history.orders(order_manager, principal, visibility, request, wall_us)
        elif isinstance(request, Ledger):
            read = self._history.ledger(order_manager, principal, visibility, request, wall_us)
        elif isinstance(request, AccountSummary):
            read = self._history.account(order_manager, principal, visibility, request, wall_us)
        else:
            return handlers.answer_query(order_manager, principal, visibility, request, wall_us)
        self.history_requests.submit(committer, client, request, read)
        return None

    def _check_accepts_orders(self, committer: Committer) -> None:
        """Raise Refusal while draining, or while the disk is behind (backpressure). Not for cancels."""
        if self._lifecycle.state.is_draining:
            raise Refusal(Code.DRAINING, Code.DRAINING.meaning)
        if committer.store.journal.undurable_records > self._storage.waiting_records // 2:
            raise Refusal(Code.RATE_LIMITED, "the journal is behind", wait_us=BUSY_RETRY_US)

    def _check_accepts_cancels(self, committer: Committer) -> None:
        """Raise Refusal while the disk is far behind. The rest of the queue is for guards, halts and fills.

        If the queue were full, the journal would fail for everybody.
        """
        if committer.store.journal.undurable_records > self._storage.waiting_records * 3 // 4:
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
        if code is None:
            return OrderAcceptedReply(
                id=request_id,
                order_id=str(order.order_id),
                client_order_id=order.ticket.client_order_id,
                duplicate=True if decision.duplicate else UNSET,
                state=order.state if order.state == "submitting" or order.state == "unknown" else UNSET,
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
            reply = self.count_outcome(request, handlers.all_cancelled(request, order_ids))
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


def _us(seconds: float) -> int:
    return round(seconds * 1_000_000) or int(seconds > 0)
