"""Fill search: a page of fills out of those that are in memory, the latest of each account."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import UNSET, UnsetType

from floorwire.core.account_events import OrderFilled
from floorwire.protocol.account_rows import FillRow
from floorwire.protocol.replies import FillList
from floorwire.protocol.requests import RequestId
from floorwire.trading.visibility import Visibility


class FillSearch:
    """The state of one search. ``add`` gets the account's fills from the latest to the first."""

    def __init__(
        self,
        fills: int,
        row: Callable[[OrderFilled], FillRow],
        visibility: Visibility,
        limit: int,
        before: int,
        symbol: str | None = None,
    ) -> None:
        """``fills``: how many the account has. ``limit``: how many are wanted, older than the id ``before``.

        ``symbol``: only fills of this symbol.
        """
        self.remaining = fills
        """How many older fills are not checked yet: the seq of the next one on the channel ``fills``."""
        self.last_id = 0
        """The id of the fill that was checked last."""
        self.rows: list[FillRow] = []
        self._before = before
        self._row = row
        self._visibility = visibility
        self._limit = limit
        self._symbol = symbol

    @property
    def is_done(self) -> bool:
        """Whether the page is full, or no fill remains."""
        return not self.remaining or len(self.rows) == self._limit

    def add(self, fills: Iterable[OrderFilled]) -> None:
        """Check the next older fills, and keep those that are wanted."""
        for fill in fills:
            if self.is_done:
                return
            self.remaining -= 1
            self.last_id = fill.fill_id
            if fill.fill_id < self._before and self._wants(fill):
                self.rows.append(self._row(fill))

    def _wants(self, fill: OrderFilled) -> bool:
        return self._symbol in (None, fill.order.ticket.symbol) and self._visibility.part_of(fill) is not None

    def reply(self, request_id: RequestId | UnsetType) -> FillList:
        """Return the page, and where the next begins."""
        return FillList(id=request_id, fills=self.rows, next=str(self.last_id) if self.remaining else UNSET)
