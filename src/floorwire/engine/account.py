"""One account: its balances, orders, fills, positions, limits and guards."""

from __future__ import annotations

from floorwire.core.account_events import Guard, OrderFilled, Position, Seqs
from floorwire.core.orders import Order
from floorwire.core.risk_limits import Limits
from floorwire.engine.account_snapshot import AccountHistory
from floorwire.engine.chunked_history import ChunkedHistory
from floorwire.engine.ledger import Balances

KEPT_CLOSED = 10_000
"""How many closed orders of an account are kept. The one that closed first is dropped first."""
KEPT_FILLS = 1_000
"""How many fills of an account are kept in memory. The journal has the older ones."""
NO_GUARD = Guard()


class Account:
    """The state of one account."""

    __slots__ = (
        "balances",
        "buying",
        "by_client",
        "closed",
        "fills",
        "guards",
        "key_limits",
        "limits",
        "open",
        "open_by_key",
        "owner",
        "positions",
        "seqs",
    )

    def __init__(self, owner: int) -> None:
        self.owner = owner
        """The number of the account, from 1. The venue prevents self-trades by it."""
        self.balances: Balances = {}
        self.open: dict[int, Order] = {}
        """Open orders by order id, the oldest first."""
        self.open_by_key: dict[str, int] = {}
        """How many open orders each key has; a key without one has no entry."""
        self.closed: ChunkedHistory[Order] = ChunkedHistory(KEPT_CLOSED)
        self.by_client: dict[str, int] = {}
        """Order ids by client order id, of open orders and of kept closed ones."""
        self.buying: dict[str, int] = {}
        """Unfilled lots of the open buy orders, by symbol."""
        self.fills: ChunkedHistory[OrderFilled] = ChunkedHistory(KEPT_FILLS)
        self.positions: dict[str, Position] = {}
        self.limits = Limits()
        self.key_limits: dict[str, Limits] = {}
        self.guards: dict[str, Guard] = {}
        """By key. A key without a guard has no entry."""
        self.seqs = Seqs()

    def restore_history(self, kept: AccountHistory) -> None:
        """Restore the closed orders and the fills of a snapshot."""
        self.closed = ChunkedHistory(KEPT_CLOSED, kept.closed, kept.state.closed_forgotten)
        self.fills = ChunkedHistory(KEPT_FILLS, kept.fills, kept.state.fills_forgotten)
