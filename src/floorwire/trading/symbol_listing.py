"""Symbol listing: journals what venues list. Where the steps change, the open orders are cancelled first.

These cancels are a mass cancel, so that many of them take turns. The new steps are journalled after its end.
If the process ends in between, the next one finishes the mass cancel, and the venue lists the steps again.

A venue outside this process has to say of each order that it is closed. The new steps wait for that.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Sequence
from functools import partial

from floorwire.core.account_events import MassCancel
from floorwire.core.codes import Code
from floorwire.core.instrument import Instrument
from floorwire.trading.committer import Committer
from floorwire.trading.decision_executor import DecisionExecutor
from floorwire.trading.mass_cancels import MassCancels
from floorwire.trading.order_restore import OrderRestore
from floorwire.trading.venue_router import VenueRouter

CLOSED_S = 1.0
"""How often it is looked whether a venue outside this process has closed all orders of a symbol."""


class SymbolListing:
    """Lists instruments, and keeps those whose orders have to be cancelled first."""

    def __init__(
        self,
        executor: DecisionExecutor,
        router: VenueRouter,
        mass_cancels: MassCancels,
        order_restore: OrderRestore,
    ) -> None:
        self._executor = executor
        self._router = router
        self._mass_cancels = mass_cancels
        self._order_restore = order_restore
        self._committer: Committer | None = None
        """The one that ``_waiting`` belongs to."""
        self._waiting: dict[str, Instrument] = {}
        """By symbol: what to list when its orders are cancelled; the last that the venue said."""

    def list_instruments(self, committer: Committer, instruments: Collection[Instrument]) -> None:
        """Journal instruments that are new or have changed, now or when their orders are cancelled."""
        if committer is not self._committer:
            self._committer, self._waiting = committer, {}
        order_manager = committer.store.order_manager
        changed = [
            one for one in instruments if one.symbol in self._waiting or order_manager.ends_orders(one)
        ]
        self._executor.list_instruments(committer, [one for one in instruments if one not in changed])
        for instrument in changed:
            is_first = instrument.symbol not in self._waiting
            self._waiting[instrument.symbol] = instrument
            if is_first:
                self._cancel_orders(committer, instrument.symbol)

    def restore(self, committer: Committer, symbols: set[str]) -> None:
        """Send the open orders of these symbols to their venues, but for those that are cancelled first."""
        self._order_restore.restore(committer, symbols - self._waiting.keys())

    def _cancel_orders(self, committer: Committer, symbol: str) -> None:
        # A venue in this process has none of them: a market begins anew with other steps.
        self._order_restore.hold(committer, (symbol,))
        self._mass_cancels.start(committer, MassCancel(symbol=symbol, code=Code.MARKET_HALTED), _ignore)
        self._mass_cancels.after_running(committer, partial(self._list, committer, symbol))

    def _list(self, committer: Committer, symbol: str) -> None:
        is_remote = self._router.is_remote(symbol)
        if is_remote and committer.store.order_manager.has_open_orders(symbol):
            asyncio.get_running_loop().call_later(CLOSED_S, self._list_later, committer, symbol)
            return
        instrument = self._waiting.pop(symbol)
        self._executor.list_instruments(committer, (instrument,), has_orders=False)
        if is_remote:
            self._router.release((symbol,))
        elif instrument.venue in self._router.open_venues:
            self._order_restore.restore(committer, (symbol,))

    def _list_later(self, committer: Committer, symbol: str) -> None:
        if committer is self._committer and not committer.has_failed:
            with committer.fail_on_error("listing"):
                self._list(committer, symbol)


def _ignore(_order_ids: Sequence[int] | None) -> None:
    """Nobody asks which orders are cancelled."""
