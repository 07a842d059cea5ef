"""Remote orders: the life of one account's orders at one venue outside this process.

``docs/live-orders.md`` has the states. ``command`` says what to send when an intent is durable,
``receive`` what a report means, ``wake`` what is due. Each applies its events to the accounts, and returns
them as journal entries with the commands to send when these are durable.

What is only here, and not in the journal, is how the venue is asked. After a start or a failure of the
journal ``start`` makes it anew: each order that was on its way is unknown then, and is looked up.
"""

from __future__ import annotations

from collections.abc import Sequence

from msgspec.structs import replace

from floorwire.core.account_events import Balance, OrderSubmitting, VenueBalanceSet, VenueCursorSet
from floorwire.core.codes import Code
from floorwire.core.order_commands import Amend, Cancel, Command, Place
from floorwire.core.orders import OPEN, Order
from floorwire.core.refusal import Refusal
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    CancelAnswer,
    CancelOrder,
    Executed,
    LinkDown,
    LinkUp,
    OrderAnswer,
    OrderSeen,
    PlaceAnswer,
    PlaceOrder,
    QueryFailed,
    ReconcileAnswer,
    RemotePolicy,
    RemoteReport,
    VenueBalance,
)
from floorwire.core.venue_names import bare, venue_of
from floorwire.engine.accounts import Accounts
from floorwire.engine.order_reports import OrderReports
from floorwire.engine.reconciliation import Reconciliation
from floorwire.engine.remote_account import RemoteAccount, RemoteDecision
from floorwire.engine.remote_commands import amend_order, place_order
from floorwire.engine.remote_settlement import StrayError
from floorwire.engine.venue_order_ids import client_id


class RemoteOrders:
    """The orders of one account at one venue."""

    def __init__(
        self, accounts: Accounts, venue: str, account: str, policy: RemotePolicy, epoch: str, now_us: int
    ) -> None:
        """``now_us``: monotonic. Numbers of queries begin at it, so that none comes again in a process."""
        self.venue = venue
        self.account = account
        self.policy = policy
        self._accounts = accounts
        self._epoch = epoch
        self._book = RemoteAccount(accounts, venue, account, policy, now_us)
        self._reports = OrderReports(self._book, epoch)
        self._reconciliation = Reconciliation(policy, now_us)
        self._prepared: PlaceOrder | None = None
        """What ``prepare`` made last."""

    @property
    def is_ready(self) -> bool:
        """Whether new orders may go to the venue: the stream is up, and the account was reconciled."""
        return self._book.is_linked and self._reconciliation.is_ready

    @property
    def is_linked(self) -> bool:
        """Whether the account's private stream is up."""
        return self._book.is_linked

    @property
    def counts(self) -> dict[str, int]:
        """Reports that changed nothing, by reason."""
        return dict(self._book.counts)

    def due_us(self) -> int:
        """Return when ``wake`` has something to do."""
        return min(self._book.inquiries.due_us(), self._reconciliation.due_us())

    def unknown_count(self) -> int:
        """Return how many orders are on their way, or unknown."""
        return sum(order.state in ("submitting", "unknown") for order in self._book.open_orders())

    def is_quarantined(self, order_id: int) -> bool:
        """Return whether nothing is booked for the order until an operator releases it."""
        return order_id in self._book.quarantined

    def intent(self, order: Order, balances: tuple[Balance, ...], stamp_us: int) -> OrderSubmitting:
        """Return the event that accepts a new order. ``command`` sends it when that is durable."""
        submitting = replace(order, state="submitting")
        venue_id = client_id(self.policy.client_ids, self._epoch, order.order_id)
        return OrderSubmitting(self.account, submitting, balances, stamp_us, venue_id)

    def cancel_command(self, order_id: int) -> CancelOrder | None:
        """Return the command that cancels an order, whatever is known of it; None if it is closed."""
        order = self._accounts.orders.get(order_id)
        remote = self._accounts.remote.index.orders.get(order_id)
        if order is None or remote is None or order.state not in OPEN:
            return None
        return CancelOrder(remote.client_id, remote.venue_order_id, bare(order.ticket.symbol))

    def is_waiting_for_answers(self) -> bool:
        """Return whether the answer to an order, an amend or a cancel has not come."""
        return any(
            order.cancelling or order.amending or order.state == "submitting"
            for order in self._book.open_orders()
        )

    # --- what happens -------------------------------------------------------------------------------

    def start(self, now_us: int, stamp_us: int, *, is_linked: bool = False) -> RemoteDecision:
        """The accounts were read. An order that was on its way may be at the venue or not.

        ``is_linked``: whether the private stream is up already.
        """
        book = self._book
        book.at(now_us, stamp_us)
        for order in book.open_orders():
            book.inquiry(order)  # "not found" counts from now on
            if order.state == "submitting":
                book.unknown(order)
            elif order.state == "unknown" or order.cancelling or order.amending:
                book.ask_soon(order)
        if is_linked:
            self._link_up()
        return book.decision()

    def prepare(self, command: Place) -> PlaceOrder | None:
        """Return what ``command`` sends for it, if nothing changes until then. Nothing is decided yet."""
        order = self._accounts.orders.get(command.order_id)
        if order is None or order.state != "submitting":
            return None
        self._prepared = self._place_order(order)
        return self._prepared

    def command(self, command: Command, now_us: int, stamp_us: int) -> RemoteDecision:
        """Return what to send for a command whose intent is durable."""
        book = self._book
        book.at(now_us, stamp_us)
        order = self._accounts.orders.get(command.order_id)
        if order is not None and order.state in OPEN:  # else it closed in the meantime
            if type(command) is Place:
                self._place(order)
            elif type(command) is Cancel:
                book.cancel(order)
            elif type(command) is Amend:
                self._amend(order, command)
        return book.decision()

    def receive(self, report: RemoteReport, now_us: int, stamp_us: int) -> RemoteDecision:
        """Return what follows from a report. Never raises on anything that a venue reports."""
        self._book.at(now_us, stamp_us)
        if isinstance(report, Executed | OrderSeen | PlaceAnswer | CancelAnswer | AmendAnswer):
            self._reports.receive(report)
        elif isinstance(report, OrderAnswer):
            self._reports.answered(report)
        elif isinstance(report, QueryFailed):
            self._query_failed(report)
        elif isinstance(report, LinkUp):
            self._link_up()
        elif isinstance(report, LinkDown):
            self._link_down()
        elif isinstance(report, ReconcileAnswer):
            self._reconciled(report)
        else:
            self._reconciliation.failed(report.request, now_us)
        return self._book.decision()

    def wake(self, now_us: int, stamp_us: int) -> RemoteDecision:
        """Do what is due."""
        book = self._book
        book.at(now_us, stamp_us)
        request = self._reconciliation.ask(now_us, self._cursor())
        if request is not None:
            book.send(request)
        for order_id in book.inquiries.pop_due(now_us):
            order = book.order(order_id)
            if order is None:
                book.inquiries.forget(order_id)
                continue
            if order.state == "submitting":
                book.unknown(order)
            book.query(order)
        return book.decision()

    def release(self, number: int, now_us: int, stamp_us: int, *, is_over: bool) -> RemoteDecision:
        """Release an entry from quarantine. Its order, if that is open, is asked for at the venue.

        ``is_over``: the operator knows that the order has ended, and that no fill of it is missing. Raises
        Refusal: ``bad_request``.
        """
        book = self._book
        book.at(now_us, stamp_us)
        one = self._accounts.remote.quarantine.get(number)
        if one is None or (one.venue, one.account) != (self.venue, self.account):
            raise Refusal(
                Code.BAD_REQUEST, f"nothing in quarantine has the number {number}", {"field": "number"}
            )
        order = book.release(one)
        if order is not None and is_over:
            book.end(order, "cancelled", Code.VENUE_UNAVAILABLE)
        elif order is not None:
            book.ask_soon(order)
        return book.decision()

    # --- commands -----------------------------------------------------------------------------------

    def _place(self, order: Order) -> None:
        book = self._book
        inquiry = book.inquiry(order)
        if order.state != "submitting" or inquiry.is_sent:
            return  # it is sent once
        if not book.is_linked or order.cancelling:  # it never leaves, which is certain
            if order.cancelling:
                book.end(order, "cancelled", None)
            else:
                book.end(order, "rejected", Code.VENUE_UNAVAILABLE)
            return
        inquiry.is_sent, inquiry.sent_us = True, book.now_us
        book.ask_soon(order, book.policy.answer_us)
        prepared, self._prepared = self._prepared, None
        if prepared is None or prepared.order_id != order.order_id:
            prepared = self._place_order(order)
        book.send(prepared)

    def _place_order(self, order: Order) -> PlaceOrder:
        client_id = self._book.remote(order).client_id
        return place_order(order, client_id, self._accounts.instrument_of(order))

    def _amend(self, order: Order, command: Amend) -> None:
        book = self._book
        if not book.is_linked or book.order(order.order_id) is None:
            book.book(book.settlement.amend_refused(order, Code.VENUE_UNAVAILABLE, book.stamp_us))
            return
        price_ticks, lots = command.price_ticks or order.price_ticks, command.lots or order.lots
        inquiry = book.inquiry(order)
        inquiry.amend_sent_us, inquiry.asked_amend = book.now_us, (price_ticks, lots)
        book.ask_soon(order, book.policy.answer_us)
        instrument = self._accounts.instrument_of(order)
        book.send(amend_order(order, book.remote(order), price_ticks, lots, instrument))

    # --- the link, queries --------------------------------------------------------------------------

    def _link_up(self) -> None:
        self._book.is_linked = True
        self._reconciliation.start(self._book.now_us)

    def _link_down(self) -> None:
        self._book.is_linked = False
        self._reconciliation.stop()
        for order in self._book.open_orders():  # the answer would have come on this stream
            if order.state == "submitting":
                self._book.unknown(order)

    def _query_failed(self, failed: QueryFailed) -> None:
        asked = self._book.inquiries.answered(failed.query)
        order = None if asked is None else self._book.order(asked[0])
        if order is not None:
            self._book.ask_soon(order, self._book.policy.query_us)

    # --- reconciliation -----------------------------------------------------------------------------

    def _cursor(self) -> str:
        return self._accounts.remote.cursors.get((self.venue, self.account), "")

    def _reconciled(self, answer: ReconcileAnswer) -> None:
        asked_us = self._reconciliation.answered(answer.request)
        if asked_us is None:
            return
        for executed in answer.executions:
            self._reports.receive(executed)
        if not answer.is_second_look:
            self._compare_orders(answer.open_orders, asked_us)
        self._compare_balances(answer)
        if answer.cursor != self._cursor():
            self._book.book(VenueCursorSet(self.account, self.venue, answer.cursor, self._book.stamp_us))

    def _compare_orders(self, open_orders: Sequence[OrderSeen], asked_us: int) -> None:
        book, index = self._book, self._accounts.remote.index
        listed: set[int] = set()
        for seen in open_orders:
            self._reports.receive(seen)
            remote = index.find(self.venue, seen.client_id, seen.venue_order_id)
            if remote is not None:
                listed.add(remote.order_id)
        for order in book.open_orders():
            was_sent = order.state != "submitting" and book.inquiry(order).sent_us < asked_us
            if was_sent and order.order_id not in listed and order.order_id not in book.quarantined:
                book.ask_soon(order)

    def _compare_balances(self, answer: ReconcileAnswer) -> None:
        book = self._book
        events = {event.balance.asset: event for event in self._differences(answer)}
        has = self._accounts.balance
        more = {
            asset: event.balance.total - has(self.account, asset).total for asset, event in events.items()
        }
        is_quiet = not self.unknown_count() and not book.inquiries.is_waiting_for_fills()
        believed = self._reconciliation.confirm(more, book.money_events, book.now_us, is_quiet=is_quiet)
        for asset in believed:
            book.book(events[asset])
        if believed:
            book.move_positions(set(believed))

    def _differences(self, answer: ReconcileAnswer) -> list[VenueBalanceSet]:
        """Return the events that would set each balance that is not as the venue says."""
        book = self._book
        known = self._accounts.by_name.get(self.account)
        listed = {told.asset for told in answer.balances}
        missing = [
            VenueBalance(bare(asset), "0")
            for asset, balance in (known.balances.items() if known is not None else ())
            if balance.total and venue_of(asset) == self.venue and bare(asset) not in listed
        ]
        found: list[VenueBalanceSet] = []
        for told in (*answer.balances, *missing):
            try:
                event = book.settlement.balance_set(self.account, self.venue, told, book.stamp_us)
            except StrayError:
                book.counts["bad_balance"] += 1
                continue
            if event is not None:
                found.append(event)
        return found
