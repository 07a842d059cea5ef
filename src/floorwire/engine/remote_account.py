"""Remote account: one account at one remote venue, as commands and reports change it.

It books events, and collects the journal entries and the commands of one call.
"""

from __future__ import annotations

from collections import Counter

import msgspec

from floorwire.core.account_events import AccountEntry, AccountEvent, Quarantined, QuarantineReleased
from floorwire.core.codes import Code
from floorwire.core.orders import OPEN, Order, OrderState
from floorwire.core.remote_order_messages import (
    CancelOrder,
    QueryOrder,
    RemoteCommand,
    RemotePolicy,
    RemoteReport,
)
from floorwire.core.venue_names import bare
from floorwire.engine.accounts import Accounts
from floorwire.engine.order_inquiries import OrderInquiries, OrderInquiry
from floorwire.engine.remote_settlement import RemoteSettlement
from floorwire.engine.remote_state import RemoteOrder
from floorwire.engine.settlement import Settlement

MOST_QUARANTINED = 1_000
"""Entries in quarantine, of all venues. Further reports that cannot be are counted, and change nothing."""
MOST_REPORT = 400
"""Characters of a report that the quarantine keeps."""


class RemoteDecision(msgspec.Struct, frozen=True):
    """What to journal, and what to send when that is durable."""

    entries: list[AccountEntry]
    commands: list[RemoteCommand]


class RemoteAccount:
    """One account at one remote venue."""

    def __init__(
        self, accounts: Accounts, venue: str, account: str, policy: RemotePolicy, now_us: int
    ) -> None:
        self.venue = venue
        self.account = account
        self.policy = policy
        self.accounts = accounts
        self.settlement = RemoteSettlement(accounts)
        self.inquiries = OrderInquiries(policy, now_us)
        self.counts: Counter[str] = Counter()
        """Reports that changed nothing, by reason: ``duplicate``, ``foreign``, ``forgotten``,
        ``quarantined``."""
        self.is_linked = False
        """Whether the private stream is up. Without it nothing is placed or amended."""
        self.money_events = 0
        """How many fills were booked."""
        self.now_us = now_us
        self.stamp_us = 0
        self._positions = Settlement(accounts, 0, 0)
        own = [
            one for one in accounts.remote.quarantine.values() if (one.venue, one.account) == (venue, account)
        ]
        self.quarantined = {one.order_id for one in own if one.order_id}
        """Ids of orders in quarantine: nothing is booked for them."""
        self.stray_ids = {one.client_id for one in own if not one.order_id}
        """Ids in quarantine that name no order of ours."""
        self._entries: list[AccountEntry] = []
        self._commands: list[RemoteCommand] = []

    # --- one call -----------------------------------------------------------------------------------

    def at(self, now_us: int, stamp_us: int) -> None:
        """Begin a call."""
        self.now_us, self.stamp_us = now_us, stamp_us

    def decision(self) -> RemoteDecision:
        """End a call: return what it collected."""
        decision = RemoteDecision(self._entries, self._commands)
        self._entries, self._commands = [], []
        return decision

    def book(self, event: AccountEvent) -> None:
        """Apply an event, and journal it."""
        self._entries.append(AccountEntry(event, self.accounts.apply(event)))

    def send(self, command: RemoteCommand) -> None:
        """Send the command when all that was booked is durable."""
        self._commands.append(command)

    # --- orders -------------------------------------------------------------------------------------

    def open_orders(self) -> list[Order]:
        """Return the open orders at this venue, the oldest first."""
        known = self.accounts.by_name.get(self.account)
        index = self.accounts.remote.index.orders
        orders = list(known.open.values()) if known is not None else []
        return [
            order for order in orders if order.order_id in index and index[order.order_id].venue == self.venue
        ]

    def order(self, order_id: int) -> Order | None:
        """Return the order as it is now, if it is open and not in quarantine."""
        order = self.accounts.orders.get(order_id)
        is_free = order is not None and order.state in OPEN and order_id not in self.quarantined
        return order if is_free else None

    def remote(self, order: Order) -> RemoteOrder:
        """Return the ids that the order has at the venue."""
        return self.accounts.remote.index.orders[order.order_id]

    def inquiry(self, order: Order) -> OrderInquiry:
        """Return what is going on about the order."""
        return self.inquiries.of(order.order_id, self.now_us)

    def ask_soon(self, order: Order, after_us: int = 0) -> None:
        """Ask the venue about the order, after some time."""
        self.inquiries.ask_at(order.order_id, self.now_us + after_us, self.now_us)

    def query(self, order: Order) -> None:
        """Ask the venue about the order now, unless a query is on its way."""
        number = self.inquiries.ask(order.order_id, self.now_us)
        if number is not None:
            remote = self.remote(order)
            symbol = bare(order.ticket.symbol)
            self.send(QueryOrder(number, remote.client_id, remote.venue_order_id, symbol))

    def cancel(self, order: Order) -> None:
        """Cancel it now; or when the venue says that it has the order (``working``)."""
        if order.state in ("submitting", "unknown"):
            return
        remote, inquiry = self.remote(order), self.inquiry(order)
        if inquiry.is_cancel_sent and self.now_us - inquiry.cancel_sent_us < self.policy.query_us:
            return  # a client that repeats its cancel uses up no budget of the venue
        inquiry.is_cancel_sent, inquiry.cancel_sent_us = True, self.now_us
        self.ask_soon(order, self.policy.answer_us)
        self.send(CancelOrder(remote.client_id, remote.venue_order_id, bare(order.ticket.symbol)))

    def working(self, order: Order, venue_order_id: str) -> Order:
        """The venue has the order. A cancel that was asked for meanwhile is sent now."""
        self.book(self.settlement.working(order, venue_order_id, self.stamp_us))
        self.inquiries.settle(order.order_id)
        known = self.accounts.orders[order.order_id]
        if known.cancelling:
            self.cancel(known)
        return known

    def unknown(self, order: Order) -> None:
        """Nobody knows whether the venue has the order: look it up."""
        self.book(self.settlement.unknown(order, self.stamp_us))
        self.ask_soon(order)

    def end(self, order: Order, state: OrderState, code: Code | None) -> None:
        """The order is over. Its hold is released."""
        self.book(self.settlement.ended(order, state, code, self.stamp_us))
        self.inquiries.forget(order.order_id)

    def move_positions(self, assets: set[str]) -> None:
        """Correct the positions of these assets after their balances have changed."""
        moved = self._positions.positions_changed(self.account, sorted(assets), self.stamp_us)
        if moved is not None:
            self.book(moved)

    # --- quarantine ---------------------------------------------------------------------------------

    def quarantine(self, order_id: int, client_id: str, reason: str, report: RemoteReport | None) -> None:
        """Book nothing more for this order, until an operator releases it."""
        state = self.accounts.remote
        if len(state.quarantine) >= MOST_QUARANTINED:
            self.counts["quarantine_full"] += 1
            return
        text = "" if report is None else repr(report)[:MOST_REPORT]
        self.book(
            Quarantined(
                self.account,
                state.last_number + 1,
                self.venue,
                order_id,
                client_id[:MOST_REPORT],
                reason,
                text,
                self.stamp_us,
            )
        )
        if order_id:
            self.quarantined.add(order_id)
        else:
            self.stray_ids.add(client_id)

    def release(self, one: Quarantined) -> Order | None:
        """Release an entry. Return its order, if that is open."""
        self.book(QuarantineReleased(one.account, one.number, self.stamp_us))
        self.stray_ids.discard(one.client_id)
        self.quarantined.discard(one.order_id)
        self.inquiries.forget(one.order_id)
        return self.order(one.order_id)
