"""Requests of operators: the kill switch, limits, and orders in quarantine."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import TypeAlias, TypeVar

import structlog
from msgspec import UNSET

from floorwire.clock import Clock
from floorwire.core.account_events import AccountEntry, MassCancel, Quarantined
from floorwire.core.codes import Code
from floorwire.core.refusal import Refusal
from floorwire.engine.order_manager import OrderManager
from floorwire.protocol.desk_ports import DeskClient, Reply
from floorwire.protocol.replies import error
from floorwire.trading.commit_batch import DurableReply
from floorwire.trading.committer import Committer
from floorwire.trading.desk_state import DeskLifecycle
from floorwire.trading.mass_cancels import MassCancels
from floorwire.trading.remote_venue import RemoteVenue
from floorwire.trading.risk_status import RiskStatus

Change: TypeAlias = Callable[[OrderManager, int], tuple[Sequence[AccountEntry], MassCancel | None]]
"""Makes a change: returns its journal entries, and which orders to cancel then, if any."""

DecisionT = TypeVar("DecisionT")

log = structlog.get_logger("floorwire.desk")


class OperatorRequests:
    """Makes the changes of operators, and replies when they are durable."""

    def __init__(
        self,
        lifecycle: DeskLifecycle,
        mass_cancels: MassCancels,
        remote_venues: Mapping[str, RemoteVenue],
        clock: Clock,
    ) -> None:
        self._lifecycle = lifecycle
        self._mass_cancels = mass_cancels
        self._remote_venues = remote_venues
        self._clock = clock

    def administer(
        self,
        client: DeskClient,
        reply: Reply,
        change: Change,
        on_counted: Callable[[int], None] = lambda _: None,
    ) -> None:
        """Make an operator's change (kill switch, limits), and reply when it is durable.

        ``change`` returns the entries to journal and which orders to cancel then. Where it raises Refusal,
        that is the reply. ``on_counted`` gets the number of orders that are cancelled, before the reply.
        """
        committer, stamp_us = self._lifecycle.state.committer, self._clock.stamp_us()
        if committer is None:
            client.answer(error(journal_unavailable()))
            return
        changed = _decided(client, committer, partial(change, committer.store.order_manager, stamp_us))
        if changed is None:
            return
        entries, mass_cancel = changed
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
            raise journal_unavailable()
        return risk_status

    def quarantine(self) -> list[Quarantined]:
        """Return what is in quarantine. Raises Refusal while the journal is broken."""
        committer = self._lifecycle.state.committer
        if committer is None:
            raise journal_unavailable()
        return committer.store.order_manager.quarantine()

    def release(self, client: DeskClient, reply: Reply, number: int, *, is_over: bool) -> None:
        """Release an entry from quarantine, and reply when that is durable.

        ``is_over``: its order has ended at the venue, and no fill of it is missing.
        """
        committer = self._lifecycle.state.committer
        if committer is None:
            client.answer(error(journal_unavailable()))
            return
        now_us, stamp_us = self._clock.monotonic_us(), self._clock.stamp_us()
        order_manager = committer.store.order_manager
        venue = next((one.venue for one in order_manager.quarantine() if one.number == number), "")
        release = partial(order_manager.release, number, now_us, stamp_us, is_over=is_over)
        decision = _decided(client, committer, release)
        if decision is None:
            return
        committer.add_entries(decision.entries)
        remote_venue = self._remote_venues.get(venue)
        if remote_venue is not None:
            remote_venue.send_when_durable(committer, decision.commands)
        committer.reply_when_durable(DurableReply(client, UNSET, reply))


def journal_unavailable() -> Refusal:
    """Return the refusal of everything while there are no accounts."""
    return Refusal(Code.INTERNAL, "the journal cannot be written; nothing is accepted until it can")


def _decided(client: DeskClient, committer: Committer, decide: Callable[[], DecisionT]) -> DecisionT | None:
    """Return the decision of the order manager; None: the client was told why there is none."""
    try:
        return decide()
    except Refusal as refusal:
        client.answer(error(refusal))
    except Exception as fault:  # as in Desk.submit
        log.exception("fault in an operator's change")
        client.answer(error(Refusal(Code.INTERNAL, Code.INTERNAL.meaning)))
        committer.fail(fault)
    return None
