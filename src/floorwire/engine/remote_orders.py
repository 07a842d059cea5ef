"""Remote orders: the life of one account's orders at one venue outside this process.

``docs/live-orders.md`` has the states. ``command`` tells what to send when an intent is durable, ``receive`` what
a report means, ``wake`` what is due. Each applies its events to the accounts, and returns them as journal entries
with the commands to send when these are durable.

What is only here, and not in the journal, is how the venue is asked. After a start or a failure of the journal
``begin`` makes it anew: each order that was on its way is unknown then, and every open one is looked up.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

import msgspec

from floorwire.core.account_events import AccountEntry, AccountEvent, Quarantined, QuarantineReleased
from floorwire.core.codes import Code
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import OPEN, Order
from floorwire.core.refusal import Refusal
from floorwire.core.remote_orders import (
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
    QueryFailed,
    QueryOrder,
    ReconcileAnswer,
    ReconcileFailed,
    RemoteCommand,
    RemotePolicy,
    RemoteReport,
)
from floorwire.engine.accounts import Accounts
from floorwire.engine.order_inquiries import OrderInquiries, OrderInquiry
from floorwire.engine.reconciliation import Reconciliation
from floorwire.engine.remote_commands import amend_order, place_order
from floorwire.engine.remote_settlement import RemoteSettlement, StrayError, limit_of, steps
from floorwire.engine.remote_state import RemoteOrder
from floorwire.engine.settlement import Settlement
from floorwire.engine.venue_order_ids import parsed

MOST_QUARANTINED = 1_000
"""Reports in quarantine. Further ones are counted and logged only."""
MOST_REPORT = 400
"""Characters of a stray report that are kept."""

_Reports: TypeAlias = "dict[type[RemoteReport], Callable[[RemoteReport], None]]"


class RemoteDecision(msgspec.Struct, frozen=True):
    """What to journal, and what to send when that is durable."""

    entries: list[AccountEntry]
    commands: list[RemoteCommand]


class RemoteOrders:
    """The orders of one account at one venue."""

    def __init__(
        self, accounts: Accounts, venue: str, account: str, policy: RemotePolicy, epoch: str, now_us: int
    ) -> None:
        self.venue = venue
        self.account = account
        self.policy = policy
        self.is_linked = False
        """Whether the private stream is up. Without it nothing is placed."""
        self.counts: Counter[str] = Counter()
        """What was left out, by reason: ``duplicate``, ``foreign``, ``forgotten``, ``quarantined``, ``stray``."""
        self._accounts = accounts
        self._epoch = epoch
        self._settlement = RemoteSettlement(accounts)
        self._positions = Settlement(accounts, 0, 0)
        self._inquiries = OrderInquiries(policy, now_us)
        self._reconciliation = Reconciliation(policy, now_us)
        self._quarantined = {one.order_id for one in self._own_quarantine() if one.order_id}
        self._strays = {one.client_id for one in self._own_quarantine() if not one.order_id}
        """Ids in quarantine that name no order of ours."""
        self._entries: list[AccountEntry] = []
        self._commands: list[RemoteCommand] = []
        self._now_us = now_us
        self._stamp_us = 0

    # --- what is asked ------------------------------------------------------------------------------

    @property
    def is_ready(self) -> bool:
        """Whether new orders may go to the venue: the stream is up, and the account was reconciled."""
        return self.is_linked and self._reconciliation.is_ready

    def open_orders(self) -> list[tuple[Order, RemoteOrder]]:
        """Return the open orders at this venue, the oldest first."""
        known = self._accounts.by_name.get(self.account)
        orders = self._accounts.remote.index.orders
        found = ((order, orders.get(order.order_id)) for order in known.open.values()) if known else ()
        return [(order, remote) for order, remote in found if remote is not None and remote.venue == self.venue]

    def due_us(self) -> int:
        """Return when ``wake`` has something to do."""
        return min(self._inquiries.due_us(), self._reconciliation.due_us())

    def unknown_count(self) -> int:
        """Return how many orders are unknown or on their way."""
        return sum(order.state in ("submitting", "unknown") for order, _ in self.open_orders())

    # --- what happens -------------------------------------------------------------------------------

    def begin(self, now_us: int, stamp_us: int) -> RemoteDecision:
        """The accounts were read: an order that was on its way may or may not be at the venue."""
        self._at(now_us, stamp_us)
        for order, _ in self.open_orders():
            if order.state == "submitting":
                self._book(self._settlement.unknown(order, stamp_us))
            self._inquiries.of(order.order_id, now_us).due(now_us)
            self._inquiries.schedule(order.order_id)
        return self._decision()

    def command(self, command: Command, now_us: int, stamp_us: int) -> RemoteDecision:
        """Return what to send for a command whose intent is durable."""
        self._at(now_us, stamp_us)
        order = self._accounts.orders.get(command.order_id)
        remote = self._accounts.remote.index.orders.get(command.order_id)
        if order is None or remote is None or order.state not in OPEN:
            return self._decision()  # it closed in the meantime
        if type(command) is Place:
            self._place(order, remote)
        elif type(command) is Cancel:
            self._cancel(order, remote)
        elif type(command) is Amend:
            self._amend(order, remote, command)
        return self._decision()

    def receive(self, report: RemoteReport, now_us: int, stamp_us: int) -> RemoteDecision:
        """Return what follows from a report. Never raises on anything that a venue reports."""
        self._at(now_us, stamp_us)
        self._receive(report)
        return self._decision()

    def wake(self, now_us: int, stamp_us: int) -> RemoteDecision:
        """Do what is due."""
        self._at(now_us, stamp_us)
        request = self._reconciliation.ask(now_us, self._cursor()) if self.is_linked else None
        if request is not None:
            self._commands.append(request)
        for order_id in self._inquiries.take_due(now_us):
            order = self._accounts.orders.get(order_id)
            if order is None or order.state not in OPEN or order_id in self._quarantined:
                self._inquiries.forget(order_id)
                continue
            if order.state == "submitting":
                self._book(self._settlement.unknown(order, stamp_us))
            self._query(order)
        return self._decision()

    def release(self, number: int, now_us: int, stamp_us: int, *, end: bool) -> RemoteDecision:
        """Release something from quarantine. Its order, if it is open, is asked for at the venue.

        ``end``: the operator knows that the order is over, and nothing of it is missing. Raises Refusal.
        """
        self._at(now_us, stamp_us)
        one = self._accounts.remote.quarantine.get(number)
        if one is None:
            raise Refusal(Code.BAD_REQUEST, f"nothing in quarantine has the number {number}", {"field": "number"})
        self._book(QuarantineReleased(one.account, number, stamp_us))
        self._strays.discard(one.client_id)
        self._quarantined.discard(one.order_id)
        self._inquiries.forget(one.order_id)
        order = self._accounts.orders.get(one.order_id)
        if order is not None and order.state in OPEN:
            if end:
                self._book(self._settlement.ended(order, "cancelled", Code.VENUE_UNAVAILABLE, stamp_us))
            else:
                self._ask_soon(order.order_id)
        return self._decision()

    # --- commands -----------------------------------------------------------------------------------

    def _place(self, order: Order, remote: RemoteOrder) -> None:
        if not self.is_linked:  # it never left, which is certain
            self._book(self._settlement.ended(order, "rejected", Code.VENUE_UNAVAILABLE, self._stamp_us))
            return
        inquiry = self._inquiries.of(order.order_id, self._now_us)
        inquiry.sent_us = self._now_us
        inquiry.due(self._now_us + self.policy.answer_us)
        self._inquiries.schedule(order.order_id)
        instrument = self._accounts.instrument_of(order)
        self._commands.append(place_order(order, remote.client_id, instrument))

    def _cancel(self, order: Order, remote: RemoteOrder) -> None:
        """Cancel it now, or as soon as the venue says that it has the order."""
        if order.state in ("submitting", "unknown"):
            return
        inquiry = self._inquiries.of(order.order_id, self._now_us)
        inquiry.cancel_sent_us = self._now_us
        inquiry.due(self._now_us + self.policy.answer_us)
        self._inquiries.schedule(order.order_id)
        self._commands.append(CancelOrder(remote.client_id, remote.venue_order_id, order.ticket.symbol))

    def _amend(self, order: Order, remote: RemoteOrder, command: Amend) -> None:
        if not self.is_linked or order.order_id in self._quarantined:
            self._book(self._settlement.amend_refused(order, Code.VENUE_UNAVAILABLE, self._stamp_us))
            return
        inquiry = self._inquiries.of(order.order_id, self._now_us)
        inquiry.amend_sent_us = self._now_us
        inquiry.due(self._now_us + self.policy.answer_us)
        self._inquiries.schedule(order.order_id)
        instrument = self._accounts.instrument_of(order)
        self._commands.append(amend_order(order, remote, command, instrument))

    def _query(self, order: Order) -> None:
        """Ask the venue about the order, once at a time."""
        query = self._inquiries.ask(order.order_id, self._now_us)
        if query is not None:
            remote = self._accounts.remote.index.orders[order.order_id]
            self._commands.append(
                QueryOrder(query, remote.client_id, remote.venue_order_id, order.ticket.symbol)
            )

    def _ask_soon(self, order_id: int, after_us: int = 0) -> None:
        self._inquiries.of(order_id, self._now_us).due(self._now_us + after_us)
        self._inquiries.schedule(order_id)

    # --- reports ------------------------------------------------------------------------------------

    def _receive(self, report: RemoteReport) -> None:
        if isinstance(report, Executed):
            self._about(report.client_id, report.venue_order_id, report)
        elif isinstance(report, OrderSeen):
            self._about(report.client_id, report.venue_order_id, report)
        elif isinstance(report, PlaceAnswer):
            self._about(report.client_id, report.venue_order_id, report)
        elif isinstance(report, CancelAnswer | AmendAnswer):
            self._about(report.client_id, "", report)
        elif isinstance(report, OrderAnswer):
            self._answered(report)
        elif isinstance(report, QueryFailed):
            order_id = self._inquiries.failed(report.query)
            if order_id is not None:
                self._ask_soon(order_id, self.policy.query_us)
        elif isinstance(report, LinkUp):
            self.is_linked = True
            self._reconciliation.start(self._now_us)
        elif isinstance(report, LinkDown):
            self._link_down()
        elif isinstance(report, ReconcileAnswer):
            self._reconciled(report)
        else:
            self._reconciliation.failed(report.request, self._now_us)

    def _link_down(self) -> None:
        self.is_linked = False
        self._reconciliation.stop()
        for order, _ in self.open_orders():  # the answer may have been on this stream
            if order.state == "submitting":
                self._book(self._settlement.unknown(order, self._stamp_us))
                self._ask_soon(order.order_id)

    def _about(
        self,
        client_id: str,
        venue_order_id: str,
        report: Executed | OrderSeen | PlaceAnswer | CancelAnswer | AmendAnswer,
    ) -> None:
        """Take in a report about one order. What cannot be true quarantines the order."""
        remote = self._accounts.remote.index.find(self.venue, client_id, venue_order_id)
        if remote is None:
            self._about_no_order(client_id, report)
            return
        if remote.order_id in self._quarantined:
            self.counts["quarantined"] += 1
            return
        order = self._accounts.orders[remote.order_id]
        try:
            if isinstance(report, Executed):
                self._executed(order, remote, report)
            elif isinstance(report, OrderSeen):
                self._seen(order, report)
            elif isinstance(report, PlaceAnswer):
                self._placed(order, report)
            elif isinstance(report, CancelAnswer):
                self._cancel_answered(order, report)
            else:
                self._amend_answered(order, report)
        except StrayError as error:
            self._quarantine(remote.order_id, remote.client_id, str(error), report)

    def _about_no_order(self, client_id: str, report: RemoteReport) -> None:
        """Somebody else's order; or one of ours that is forgotten; or of a history that was lost."""
        made = parsed(client_id)
        if made is None:
            self.counts["foreign"] += 1
        elif made[0] == self._epoch and made[1] <= self._accounts.last_order_id:
            self.counts["forgotten"] += 1
        elif client_id not in self._strays:
            self._quarantine(0, client_id, "the journal has no order with this id", report)
        else:
            self.counts["quarantined"] += 1

    def _placed(self, order: Order, answer: PlaceAnswer) -> None:
        is_new = order.state in ("submitting", "unknown")
        if answer.outcome == "accepted":
            if order.state == "rejected":
                raise StrayError("accepted, after it was rejected")
            if is_new:
                self._working(order, answer.venue_order_id)
        elif answer.outcome == "rejected":
            if is_new:
                self._end(order, "rejected", answer.code)
            elif order.state in OPEN:  # the stream has shown it open
                self._ask_soon(order.order_id)
        elif order.state == "submitting":
            self._book(self._settlement.unknown(order, self._stamp_us))
            self._ask_soon(order.order_id)

    def _working(self, order: Order, venue_order_id: str) -> Order:
        """The venue has the order. A cancel that was asked for meanwhile is sent now."""
        self._book(self._settlement.working(order, venue_order_id, self._stamp_us))
        self._inquiries.settle(order.order_id)
        known = self._accounts.orders[order.order_id]
        if known.cancelling:
            self._cancel(known, self._accounts.remote.index.orders[order.order_id])
        return known

    def _cancel_answered(self, order: Order, answer: CancelAnswer) -> None:
        if order.state in OPEN:  # the end itself comes as OrderSeen; if it does not, ask for it
            self._ask_soon(order.order_id, self.policy.fills_us if answer.outcome == "taken" else 0)

    def _amend_answered(self, order: Order, answer: AmendAnswer) -> None:
        if order.state not in OPEN or not order.amending:
            return
        if answer.outcome == "refused":
            self._book(self._settlement.amend_refused(order, answer.code, self._stamp_us))
        elif answer.outcome == "amended":
            self._inquiries.of(order.order_id, self._now_us).is_amended = True
            self._ask_soon(order.order_id, self.policy.fills_us)
        else:
            self._ask_soon(order.order_id)

    def _executed(self, order: Order, remote: RemoteOrder, executed: Executed) -> None:
        if executed.execution_id in remote.executions:
            self.counts["duplicate"] += 1
            return
        if order.state in ("submitting", "unknown"):
            self._settlement.filled(order, executed, self._stamp_us)  # only believe it if it can be booked
            order = self._working(order, executed.venue_order_id)
        event = self._settlement.filled(order, executed, self._stamp_us)
        self._reconciliation.money_moved()
        self._book(event)
        instrument_units = self._accounts.instrument_units[event.position.symbol]
        assets = {instrument_units.base, instrument_units.quote, event.fee_asset}
        moved = self._positions.positions_changed(self.account, sorted(assets), self._stamp_us)
        if moved is not None:
            self._book(moved)
        after = event.order
        if after.state in OPEN:
            self._end_if_complete(after)
        else:
            self._inquiries.forget(after.order_id)

    def _seen(self, order: Order, seen: OrderSeen) -> None:
        """Take in the venue's word about the order. What is older than what is known changes nothing."""
        instrument = self._accounts.instrument_of(order)
        filled_lots = steps(instrument.size, seen.filled, "filled quantity")
        if order.state not in OPEN:
            if filled_lots > order.filled_lots:
                raise StrayError(f"{filled_lots} lots are filled of an order that is {order.state}")
            return
        inquiry = self._inquiries.of(order.order_id, self._now_us)
        if seen.updated and seen.updated < inquiry.updated:
            return
        if seen.state != "open":
            if filled_lots < order.filled_lots:
                raise StrayError(f"{seen.state} with {filled_lots} filled lots, after {order.filled_lots}")
            inquiry.end, inquiry.end_lots = seen, filled_lots
        elif filled_lots < order.filled_lots:
            return  # a slower source of the venue: the quantity never goes back
        inquiry.updated = max(inquiry.updated, seen.updated)
        # a refused order was never working
        if order.state in ("submitting", "unknown") and (seen.state != "rejected" or filled_lots):
            order = self._working(order, seen.venue_order_id)
        if seen.state != "open":
            self._end_if_complete(order)
        else:
            inquiry.misses = 0
            price_ticks, lots = limit_of(instrument, seen.price, seen.quantity, order)
            self._amended(order, inquiry, price_ticks, lots)
            if filled_lots > order.filled_lots:
                self._ask_soon(order.order_id, self.policy.fills_us)

    def _amended(self, order: Order, inquiry: OrderInquiry, price_ticks: int, lots: int) -> None:
        """Book the price and the quantity that the venue has, where they are others than ours."""
        if order.ticket.price_ticks is None or order.ticket.lots is None:
            return  # what the venue makes of a market order is no limit of ours
        if (price_ticks, lots) != (order.price_ticks, order.lots):
            if lots >= order.filled_lots:
                self._book(self._settlement.amended(order, price_ticks, lots, self._stamp_us))
                inquiry.is_amended = False
        elif order.amending and inquiry.is_amended:
            self._book(self._settlement.amended(order, price_ticks, lots, self._stamp_us))
            inquiry.is_amended = False

    def _end_if_complete(self, order: Order) -> None:
        """Close the order where the venue said that it is over, and every fill is booked."""
        inquiry = self._inquiries.of(order.order_id, self._now_us)
        end = inquiry.end
        if end is None:
            return
        if inquiry.end_lots > order.filled_lots:
            self._ask_soon(order.order_id, self.policy.fills_us)
        elif end.state == "open":
            raise AssertionError("an open order has no end")
        else:
            self._end(order, end.state, end.code)

    # --- answers to queries -------------------------------------------------------------------------

    def _answered(self, answer: OrderAnswer) -> None:
        asked = self._inquiries.answered(answer.query)
        if asked is None:
            return  # of an earlier opening of the journal, or it came too late
        order_id, asked_us = asked
        remote = self._accounts.remote.index.orders[order_id]
        for executed in answer.executions:
            self._about(remote.client_id, "", executed)
        if answer.seen is not None:
            self._about(remote.client_id, "", answer.seen)
        order = self._accounts.orders.get(order_id)
        if order is None or order.state not in OPEN or order_id in self._quarantined:
            return
        inquiry = self._inquiries.of(order_id, self._now_us)
        if answer.seen is None:
            self._missed(order, inquiry, asked_us)
        elif inquiry.end is not None or answer.seen.state != "open":
            self._ask_soon(order_id, self.policy.query_us)  # fills are missing
        else:
            self._seen_open(order, inquiry, asked_us)

    def _missed(self, order: Order, inquiry: OrderInquiry, asked_us: int) -> None:
        """The venue does not find the order. Believe that after N misses, the last one T after it was sent."""
        inquiry.misses += 1
        if inquiry.misses < self.policy.misses or asked_us - inquiry.sent_us < self.policy.lag_us:
            self._ask_soon(order.order_id, self.policy.query_us)
        elif order.state in ("submitting", "unknown"):
            self._end(order, "rejected", Code.VENUE_UNAVAILABLE)
        else:
            remote = self._accounts.remote.index.orders[order.order_id]
            reason = f"the venue had the order, and does not find it any more ({inquiry.misses} queries)"
            self._quarantine(order.order_id, remote.client_id, reason, None)

    def _seen_open(self, order: Order, inquiry: OrderInquiry, asked_us: int) -> None:
        """A query found the order open. Requests that the venue must have got by now had no effect."""
        is_settled = True
        if order.amending and not inquiry.is_amended:
            is_settled = asked_us - inquiry.amend_sent_us >= self.policy.lag_us
            if is_settled:
                self._book(
                    self._settlement.amend_refused(order, Code.VENUE_UNAVAILABLE, self._stamp_us)
                )
        if order.cancelling:
            remote = self._accounts.remote.index.orders[order.order_id]
            if asked_us - inquiry.cancel_sent_us >= self.policy.lag_us:
                self._cancel(order, remote)  # to cancel twice does no harm
            is_settled = False
        if not is_settled:
            self._ask_soon(order.order_id, self.policy.query_us)

    # --- reconciliation -----------------------------------------------------------------------------

    def _cursor(self) -> str:
        return self._accounts.remote.cursors.get((self.venue, self.account), "")

    def _reconciled(self, answer: ReconcileAnswer) -> None:
        asked_us = self._reconciliation.answered(answer.request)
        if asked_us is None:
            return
        for executed in answer.executions:
            self._about(executed.client_id, executed.venue_order_id, executed)
        listed: set[int] = set()
        for seen in answer.open_orders:
            remote = self._accounts.remote.index.find(self.venue, seen.client_id, seen.venue_order_id)
            if remote is not None:
                listed.add(remote.order_id)
            self._about(seen.client_id, seen.venue_order_id, seen)
        for order, _ in self.open_orders():
            inquiry = self._inquiries.of(order.order_id, self._now_us)
            if order.order_id not in listed and order.state != "submitting" and inquiry.sent_us < asked_us:
                self._ask_soon(order.order_id)
        is_quiet = not self.unknown_count() and not self._inquiries.is_waiting_for_fills()
        for told in self._reconciliation.balances(answer, self._known_assets(), is_quiet, self._now_us):
            self._set_balance(told.asset, told.total)
        if answer.cursor != self._cursor():
            self._book(self._reconciliation.cursor_set(self.venue, self.account, answer.cursor, self._stamp_us))
