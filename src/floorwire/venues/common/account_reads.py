"""Account reads: queries of orders and reconciliations, each once at a time.

Whoever asks again while an answer is to come hears at once that this failed: the answer that comes is as
good, and two reads of the same use up the budget of each other.
"""

from __future__ import annotations

from collections.abc import Sequence

from floorwire.core.order_ports import OrderAdapterOutput
from floorwire.core.remote_order_messages import QueryFailed, QueryOrder, Reconcile, ReconcileFailed
from floorwire.venues.common.request_sequences import RequestSequences, Steps, Urgency

OPENING_LOOKS = 2
"""New orders wait for so many reconciliations at most, after the private link has come up. Those go first."""


class AccountReads:
    """What is read of one account. The requests are in ``RequestSequences``, with its limit."""

    def __init__(self, sequences: RequestSequences) -> None:
        self._sequences = sequences
        self._queries: dict[str, Steps] = {}
        """The queries that run, by client id: as many as sequences."""
        self._reconciling: Steps | None = None
        """The reconciliation that runs."""
        self._looks = 0
        """How often the account was reconciled since the private link came up."""

    def query(
        self, command: QueryOrder, steps: Steps, now_us: int, date_us: int
    ) -> Sequence[OrderAdapterOutput]:
        """Ask for an order; not while it is asked for already."""
        failed, sequences = QueryFailed(command.query), self._sequences
        if sequences.is_running(self._queries.get(command.client_id)):
            steps.close()
            return [failed]
        self._queries = {one: other for one, other in self._queries.items() if sequences.is_running(other)}
        self._queries[command.client_id] = steps
        return sequences.start(steps, (failed,), now_us, date_us, Urgency.READ)

    def reconcile(
        self, command: Reconcile, steps: Steps, now_us: int, date_us: int
    ) -> Sequence[OrderAdapterOutput]:
        """Read the account; not while it is read already."""
        failed = ReconcileFailed(command.request)
        if self._sequences.is_running(self._reconciling):
            steps.close()
            return [failed]
        self._reconciling = counted = self._counted(steps)
        urgency = Urgency.ACCOUNT if self._looks < OPENING_LOOKS else Urgency.READ
        return self._sequences.start(counted, (failed,), now_us, date_us, urgency)

    def link_up(self) -> None:
        """The private link is up: orders wait for what is read from now on."""
        self._looks = 0

    def link_down(self) -> Sequence[OrderAdapterOutput]:
        """The private link is down. What is read now lacks what happens until it is up again."""
        useless, self._reconciling = self._reconciling, None
        return self._sequences.give_up(useless)

    def _counted(self, steps: Steps) -> Steps:
        reports = yield from steps
        self._looks += 1
        return reports
