"""The numbers behind the desk's metrics."""

from __future__ import annotations

import time
from collections import Counter
from typing import get_args

from msgspec import UNSET

from floorwire.core.account_events import HaltScope
from floorwire.engine.order_manager import OrderManager
from floorwire.ops.stats import Records
from floorwire.protocol.desk_ports import Reply
from floorwire.protocol.replies import Error, OrderAcceptedReply
from floorwire.trading.committer import Committer


def outcome(reply: Reply) -> str:
    """Return the outcome of a request: ``accepted``, ``duplicate``, ``ok`` or the code of its error."""
    if type(reply) is OrderAcceptedReply:
        return "accepted" if reply.duplicate is UNSET else "duplicate"
    return reply.code if isinstance(reply, Error) else reply.status


def records(committer: Committer) -> Records:
    """Return the journal's positions, and counts over all accounts."""
    order_manager, journal = committer.store.order_manager, committer.store.journal
    names = list(order_manager.accounts())
    return Records(
        last_n=journal.last_n,
        durable_n=journal.durable_n,
        snapshot_n=committer.saved_snapshot_n,
        snapshot_age_s=time.monotonic() - committer.snapshot_saved_s if committer.snapshot_saved_s else None,
        checkpoint_failures=journal.checkpoint_failures,
        accounts=len(names),
        open_orders=sum(len(order_manager.open_orders(name)) for name in names),
        fills=sum(order_manager.seqs(name).fills for name in names),
        halts=_halts(order_manager),
        quarantined=len(order_manager.quarantine()),
    )


def _halts(order_manager: OrderManager) -> dict[str, int]:
    found = Counter(scope for scope, _ in order_manager.halts())
    return {scope: found[scope] for scope in get_args(HaltScope)}
