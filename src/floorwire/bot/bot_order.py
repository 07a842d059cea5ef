"""An order as the bot sees it: what it asked for, and what the gateway last said of it."""

from __future__ import annotations

from decimal import Decimal
from typing import Protocol

from floorwire.client.errors import OrderRejectedError
from floorwire.client.order import AmountLike, OrderTerms
from floorwire.core.orders import OPEN
from floorwire.protocol.account_rows import OrderRow
from floorwire.protocol.private_events import OrderNews


class OrderCommands(Protocol):
    """Sends what an order is told to do."""

    def amend(self, order: BotOrder, price: AmountLike | None, quantity: AmountLike | None) -> None:
        """Send an amend. Returns at once."""
        ...

    def cancel(self, order: BotOrder) -> None:
        """Send a cancel. Returns at once."""
        ...


class BotOrder:
    """One order of a bot. Its state changes before ``on_order`` and ``on_refused`` are called."""

    __slots__ = ("_commands", "client_order_id", "event", "refusal", "row", "sent_us", "terms")

    def __init__(
        self, terms: OrderTerms, client_order_id: str, sent_us: int, commands: OrderCommands
    ) -> None:
        self.terms = terms
        self.client_order_id = client_order_id
        self.sent_us = sent_us
        """When it was sent, by the bot's clock."""
        self.row: OrderRow | None = None
        """What the gateway last said of it; None: nothing yet."""
        self.event: OrderNews | None = None
        """What the last message of it said that happened. None: none came, or it was read after a gap."""
        self.refusal: OrderRejectedError | None = None
        """Why there is no such order."""
        self._commands = commands

    @property
    def is_open(self) -> bool:
        """Whether it may still be filled: it was sent and not refused, and is not closed."""
        if self.row is not None:
            return self.row.state in OPEN
        return self.refusal is None

    @property
    def filled(self) -> Decimal:
        """How much of it is filled."""
        return Decimal(0) if self.row is None else Decimal(self.row.filled_quantity)

    @property
    def remaining(self) -> Decimal:
        """How much of it is not filled; 0 where that is an amount of money, and nothing is known yet."""
        if self.row is not None:
            return Decimal(self.row.remaining_quantity)
        return Decimal(0) if self.terms.quantity is None else Decimal(self.terms.quantity)

    def amend(self, *, price: AmountLike | None = None, quantity: AmountLike | None = None) -> None:
        """Ask for another price, another quantity (the total), or both. Does nothing where it is closed."""
        if self.is_open:
            self._commands.amend(self, price, quantity)

    def cancel(self) -> None:
        """Ask to cancel what is open of it. Does nothing where it is closed."""
        if self.is_open:
            self._commands.cancel(self)
