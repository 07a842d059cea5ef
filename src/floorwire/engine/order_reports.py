"""Order reports: what a remote venue's report means for one order. ``docs/live-orders.md`` has the rules.

What was filled never goes back. A report that is older than what is known changes nothing. A report that
cannot be true of the order puts the order in quarantine.
"""

from __future__ import annotations

from typing import TypeAlias

from floorwire.core.codes import Code
from floorwire.core.orders import OPEN, Order
from floorwire.core.remote_order_messages import (
    AmendAnswer,
    CancelAnswer,
    Executed,
    OrderAnswer,
    OrderSeen,
    PlaceAnswer,
)
from floorwire.engine.order_inquiries import OrderInquiry
from floorwire.engine.remote_account import RemoteAccount
from floorwire.engine.remote_settlement import StrayError, limit_of, steps
from floorwire.engine.remote_state import RemoteOrder
from floorwire.engine.venue_order_ids import parsed

OrderReport: TypeAlias = Executed | OrderSeen | PlaceAnswer | CancelAnswer | AmendAnswer
ON_THE_WAY = ("submitting", "unknown")


class OrderReports:
    """Takes in reports about single orders."""

    def __init__(self, remote_account: RemoteAccount, epoch: str) -> None:
        """``epoch``: of the journal. It is in the ids of the orders that this journal made."""
        self._book = remote_account
        self._epoch = epoch

    def receive(self, report: OrderReport) -> None:
        """Take in a report. Never raises."""
        client_id = report.client_id
        venue_order_id = "" if isinstance(report, CancelAnswer | AmendAnswer) else report.venue_order_id
        remote = self._book.accounts.remote.index.find(self._book.venue, client_id, venue_order_id)
        if remote is None:
            self._about_no_order(client_id, report)
        else:
            self._about(remote, report)

    def _about_no_order(self, client_id: str, report: OrderReport) -> None:
        """Somebody else's order; or one of ours that is forgotten; or one of a history that was lost."""
        made, counts = parsed(client_id), self._book.counts
        if made is None:
            counts["foreign"] += 1
        elif made[0] == self._epoch and made[1] <= self._book.accounts.last_order_id:
            counts["forgotten"] += 1
        elif client_id in self._book.stray_ids:
            counts["quarantined"] += 1
        else:
            self._book.quarantine(0, client_id, "the journal has no order with this id", report)

    def _about(self, remote: RemoteOrder, report: OrderReport) -> None:
        if remote.order_id in self._book.quarantined:
            self._book.counts["quarantined"] += 1
            return
        order = self._book.accounts.orders[remote.order_id]
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
            self._book.quarantine(remote.order_id, remote.client_id, str(error), report)

    # --- answers ------------------------------------------------------------------------------------

    def _placed(self, order: Order, answer: PlaceAnswer) -> None:
        is_on_the_way = order.state in ON_THE_WAY
        if answer.outcome == "accepted":
            if order.state == "rejected":
                raise StrayError("accepted, after it was rejected")
            if is_on_the_way:
                self._shown(order)
                self._book.working(order, answer.venue_order_id)
        elif answer.outcome == "rejected":
            if is_on_the_way:
                self._book.end(order, "rejected", answer.code)
            elif order.state in OPEN:  # the stream has shown it open: what holds?
                self._book.ask_soon(order)
        elif order.state == "submitting":
            self._book.unknown(order)

    def _cancel_answered(self, order: Order, answer: CancelAnswer) -> None:
        if order.state in OPEN:  # the end comes as OrderSeen; where it does not, it is asked for
            self._book.ask_soon(order, self._book.policy.fills_us if answer.outcome == "taken" else 0)

    def _amend_answered(self, order: Order, answer: AmendAnswer) -> None:
        if order.state not in OPEN or not order.amending:
            return
        stamp_us = self._book.stamp_us
        if answer.outcome == "refused":
            self._book.book(self._book.settlement.amend_refused(order, answer.code, stamp_us))
            self._book.ask_soon(order)  # it may be over
        elif answer.outcome == "amended":
            inquiry = self._book.inquiry(order)
            inquiry.updated = max(inquiry.updated, answer.updated)
            price_ticks, lots = inquiry.asked_amend
            self._book.book(
                self._book.settlement.amended(order, price_ticks, max(lots, order.filled_lots), stamp_us)
            )
        else:
            self._book.ask_soon(order)

    # --- the venue's own word -----------------------------------------------------------------------

    def _executed(self, order: Order, remote: RemoteOrder, executed: Executed) -> None:
        if executed.execution_id in remote.executions:
            self._book.counts["duplicate"] += 1
            return
        settlement, stamp_us = self._book.settlement, self._book.stamp_us
        event = settlement.filled(order, executed, stamp_us)
        if order.state in OPEN:
            self._shown(order)
        if order.state in ON_THE_WAY:
            self._book.working(order, executed.venue_order_id)
            event = settlement.filled(self._book.accounts.orders[order.order_id], executed, stamp_us)
        self._book.book(event)
        self._book.money_events += 1
        units = self._book.accounts.instrument_units[event.position.symbol]
        self._book.move_positions({units.base, units.quote, event.fee_asset})
        if event.order.state in OPEN:
            self._end_if_complete(event.order)
        else:
            self._book.inquiries.forget(order.order_id)

    def _seen(self, order: Order, seen: OrderSeen) -> None:
        instrument = self._book.accounts.instrument_of(order)
        filled_lots = steps(instrument.size, seen.filled, "filled quantity")
        if order.state not in OPEN:
            if filled_lots > order.filled_lots:
                raise StrayError(f"{filled_lots} lots are filled of an order that is {order.state}")
            return
        inquiry = self._shown(order)
        if seen.state == "open":
            # A slower source of the venue: neither the quantity nor the order's end goes back.
            if filled_lots < order.filled_lots or seen.updated < inquiry.updated or inquiry.end is not None:
                return
        elif filled_lots < order.filled_lots:
            raise StrayError(f"{seen.state} with {filled_lots} filled lots, after {order.filled_lots}")
        inquiry.updated = max(inquiry.updated, seen.updated)
        if seen.state != "open":
            inquiry.end, inquiry.end_lots = seen, filled_lots
        # a refused order was never working
        if order.state in ON_THE_WAY and (seen.state != "rejected" or filled_lots):
            order = self._book.working(order, seen.venue_order_id)
        if seen.state != "open":
            self._end_if_complete(order)
            return
        inquiry.misses = 0
        price_ticks, lots = limit_of(instrument, seen.price, seen.quantity, order)
        has_limit = order.ticket.price_ticks is not None and order.ticket.lots is not None
        # What a venue makes of a market order is no limit of ours.
        if has_limit and (price_ticks, lots) != (order.price_ticks, order.lots) and lots >= filled_lots:
            self._book.book(self._book.settlement.amended(order, price_ticks, lots, self._book.stamp_us))
        if filled_lots > order.filled_lots:
            self._book.ask_soon(order, self._book.policy.fills_us)

    def _shown(self, order: Order) -> OrderInquiry:
        """Record that the venue shows the order now, and return its inquiry."""
        inquiry = self._book.inquiry(order)
        inquiry.shown_us = self._book.now_us
        return inquiry

    def _end_if_complete(self, order: Order) -> None:
        """Close the order where the venue said that it is over, and every fill is booked."""
        inquiry = self._book.inquiry(order)
        end = inquiry.end
        if end is None:
            return
        if inquiry.end_lots > order.filled_lots:
            self._book.ask_soon(order, self._book.policy.fills_us)
        elif inquiry.end_lots < order.filled_lots:
            raise StrayError(
                f"{order.filled_lots} lots are filled of an order that ended with {inquiry.end_lots}"
            )
        elif end.state != "open":
            self._book.end(order, end.state, end.code)

    # --- answers to queries -------------------------------------------------------------------------

    def answered(self, answer: OrderAnswer) -> None:
        """Take in the answer to a query."""
        asked = self._book.inquiries.answered(answer.query)
        if asked is None:
            return  # it came too late, or is of an earlier opening of the journal
        order_id, asked_us = asked
        remote = self._book.accounts.remote.index.orders[order_id]
        for executed in answer.executions:
            self._about(remote, executed)
            remote = self._book.accounts.remote.index.orders[order_id]
        if answer.seen is not None:
            self._about(remote, answer.seen)
        order = self._book.order(order_id)
        if order is None:
            return
        inquiry = self._book.inquiry(order)
        if answer.seen is None:
            self._missed(order, inquiry, asked_us)
        elif inquiry.end is not None or self._lacks_fills(order, answer.seen):
            self._book.ask_soon(order, self._book.policy.query_us)
        else:
            self._seen_open(order, inquiry, asked_us)

    def _lacks_fills(self, order: Order, seen: OrderSeen) -> bool:
        size = self._book.accounts.instrument_of(order).size
        return seen.state != "open" or steps(size, seen.filled, "filled quantity") > order.filled_lots

    def _missed(self, order: Order, inquiry: OrderInquiry, asked_us: int) -> None:
        """The venue does not find the order: believed after N misses, the last one T after it was sent."""
        policy = self._book.policy
        if asked_us < inquiry.shown_us:  # a late answer: the venue has shown the order since
            self._book.ask_soon(order, policy.query_us)
            return
        inquiry.misses += 1
        if inquiry.misses < policy.misses or asked_us - inquiry.sent_us < policy.lag_us:
            self._book.ask_soon(order, policy.query_us)
        elif order.state in ON_THE_WAY:
            self._book.end(order, "rejected", Code.VENUE_UNAVAILABLE)
        else:
            reason = f"the venue had the order, and {inquiry.misses} queries did not find it"
            self._book.quarantine(order.order_id, self._book.remote(order).client_id, reason, None)

    def _seen_open(self, order: Order, inquiry: OrderInquiry, asked_us: int) -> None:
        """A query found it open. What was asked of the venue longer ago than it may lag had no effect."""
        book, lag_us = self._book, self._book.policy.lag_us
        if order.amending:
            if asked_us - inquiry.amend_sent_us < lag_us:
                book.ask_soon(order, book.policy.query_us)
            else:
                book.book(book.settlement.amend_refused(order, Code.VENUE_UNAVAILABLE, book.stamp_us))
        if order.cancelling:
            if asked_us - inquiry.cancel_sent_us < lag_us:
                book.ask_soon(order, book.policy.query_us)
            else:
                book.cancel(order)  # again: to cancel twice does no harm
