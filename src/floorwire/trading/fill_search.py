"""A search: which fills of an account are asked for, and what was found of them so far."""

from __future__ import annotations

from collections.abc import Callable, Iterable

from msgspec import UNSET, UnsetType

from floorwire.core.account_events import OrderFilled
from floorwire.protocol.replies import FillList, Gap
from floorwire.protocol.requests import RequestId
from floorwire.protocol.rows import FillRow
from floorwire.trading.visibility import Visibility


class FillSearch:
    """Goes from the account's latest fill to its first; ``look`` at all of them in that order."""

    def __init__(
        self,
        fills: int,
        row: Callable[[OrderFilled], FillRow],
        visibility: Visibility,
        limit: int,
        before: int,
        symbol: str | None = None,
    ) -> None:
        """``fills``: how many the account has; of those older than the fill ``before`` so many are wanted.

        ``symbol``: only fills of this one are wanted.
        """
        self.left = fills
        """How many there are older than what was looked at: the seq of the next on the channel ``fills``."""
        self.last_id = 0
        """The fill that was looked at last."""
        self.before = before
        self.rows: list[FillRow] = []
        self._row = row
        self._visibility = visibility
        self._limit = limit
        self._symbol = symbol

    @property
    def is_over(self) -> bool:
        """Whether everything was found."""
        return not self.left or len(self.rows) == self._limit

    def look(self, fills: Iterable[OrderFilled]) -> None:
        """Look at the next fills, as far as that is needed."""
        for fill in fills:
            if self.is_over:
                return
            self.left -= 1
            self.last_id = fill.fill_id
            if fill.fill_id < self.before and self._wants(fill):
                self.rows.append(self._row(fill))

    def _wants(self, fill: OrderFilled) -> bool:
        return self._symbol in (None, fill.order.ticket.symbol) and self._visibility.part_of(fill) is not None

    def reply(self, request_id: RequestId | UnsetType, *, forgotten: bool = False) -> FillList:
        """Return what was found, and where to go on; ``forgotten``: what is left is not kept any more."""
        return FillList(
            id=request_id,
            fills=self.rows,
            next=str(self.last_id) if self.left and not forgotten else UNSET,
            gap=Gap(1, self.left, "expired") if forgotten else UNSET,
        )
