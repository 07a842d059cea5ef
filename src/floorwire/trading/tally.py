"""The tally: what the desk's work adds up to, for whoever watches it."""

from __future__ import annotations

import time
from collections import Counter
from typing import get_args

from msgspec import UNSET

from floorwire.core.accounts import HaltScope
from floorwire.engine.house import House
from floorwire.ops.stats import Records
from floorwire.protocol.answers import Accepted
from floorwire.protocol.counter import Reply
from floorwire.protocol.replies import Error
from floorwire.trading.commits import Commits


def outcome(reply: Reply) -> str:
    """Return what a request came to: ``accepted``, ``duplicate``, ``ok`` or the code of its error."""
    if type(reply) is Accepted:
        return "accepted" if reply.duplicate is UNSET else "duplicate"
    return reply.code if isinstance(reply, Error) else reply.status


def records(commits: Commits) -> Records:
    """Return where the journal is, and what its accounts add up to."""
    house, journal = commits.book.house, commits.book.journal
    names = list(house.accounts())
    return Records(
        last_n=journal.last_n,
        durable_n=journal.durable_n,
        snapshot_n=commits.saved_n,
        snapshot_age_s=time.monotonic() - commits.saved_s if commits.saved_s else None,
        checkpoint_failures=journal.checkpoint_failures,
        accounts=len(names),
        open_orders=sum(len(house.open_orders(name)) for name in names),
        fills=sum(house.seqs(name).fills for name in names),
        halts=_halts(house),
    )


def _halts(house: House) -> dict[str, int]:
    found = Counter(scope for scope, _ in house.halts())
    return {scope: found[scope] for scope in get_args(HaltScope)}
