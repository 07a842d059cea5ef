"""Halts and limits: readable also while the journal is broken, with what is uncertain then."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from floorwire.core.account_events import AccountEntry, Halted, HaltScope, LimitsSet, Resumed
from floorwire.core.risk_limits import Limits
from floorwire.engine.order_manager import OrderManager


class _HaltKey(msgspec.Struct, frozen=True):
    scope: HaltScope
    name: str


class _LimitsKey(msgspec.Struct, frozen=True):
    account: str
    key: str | None


class RiskStatus:
    """Halts (the kill switch) and limits as they are now, or as they were when the journal failed.

    After a failure, changes that were not durable are uncertain until the journal is read again.
    """

    def __init__(self, order_manager: OrderManager) -> None:
        self._order_manager = order_manager
        self.is_current = True
        """Whether the journal works. While it does not, no change is accepted."""
        self._uncertain: Counter[_HaltKey | _LimitsKey] = Counter()

    def mark_uncertain(self, entries: Sequence[AccountEntry]) -> None:
        """Remember changes that are not durable yet; call ``mark_durable`` with the same entries later."""
        self._uncertain.update(_changed(entries))

    def mark_durable(self, entries: Sequence[AccountEntry]) -> None:
        """Forget these changes: they are durable."""
        self._uncertain -= Counter(_changed(entries))

    def halts(self) -> list[tuple[HaltScope, str]]:
        """Return the halts in force, without the uncertain ones."""
        uncertain = self.uncertain_halts()
        return [halt for halt in self._order_manager.halts() if halt not in uncertain]

    def uncertain_halts(self) -> list[tuple[HaltScope, str]]:
        """Return halts whose last change was not durable when the journal failed."""
        if self.is_current:
            return []
        return sorted((of.scope, of.name) for of in self._uncertain if isinstance(of, _HaltKey))

    def limits(self, account: str, key: str | None = None) -> Limits:
        """Return the effective limits of the account, defaults included; with ``key``: the key's own."""
        return self._order_manager.limits(account, key)

    def unknown_assets(self, account: str, key: str | None = None) -> list[str]:
        """Return assets that the limits name although no instrument trades them."""
        return self._order_manager.unknown_assets(self.limits(account, key))

    def limits_are_uncertain(self, account: str, key: str | None = None) -> bool:
        """Return whether the last change of these limits was not durable when the journal failed."""
        return not self.is_current and _LimitsKey(account, key) in self._uncertain


def _changed(entries: Sequence[AccountEntry]) -> list[_HaltKey | _LimitsKey]:
    changed: list[_HaltKey | _LimitsKey] = []
    for entry in entries:
        event = entry.event
        if isinstance(event, LimitsSet):
            changed.append(_LimitsKey(event.account, event.key))
        elif isinstance(event, Halted | Resumed):
            changed.append(_HaltKey(event.scope, event.name))
    return changed
