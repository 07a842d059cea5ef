"""What stands: halts and limits, readable also while the journal is broken, and what of them is in doubt."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence

import msgspec

from floorwire.core.account_events import AccountEntry, Halted, HaltScope, LimitsSet, Resumed
from floorwire.core.limits import Limits
from floorwire.engine.order_manager import OrderManager


class _HaltOf(msgspec.Struct, frozen=True):
    scope: HaltScope
    name: str


class _LimitsOf(msgspec.Struct, frozen=True):
    account: str
    key: str | None


class RiskStatus:
    """One house's, as it is now; once the journal has failed: as it was then.

    What was changed then and is not durable is in doubt: the next opening of the journal tells.
    """

    def __init__(self, order_manager: OrderManager) -> None:
        self._order_manager = order_manager
        self.is_current = True
        """Whether the journal works, so that this may be changed."""
        self._doubts: Counter[_HaltOf | _LimitsOf] = Counter()

    def doubt(self, entries: Sequence[AccountEntry]) -> None:
        """These were changed; ``settle`` is told of the same when that is durable."""
        self._doubts.update(_changed(entries))

    def settle(self, entries: Sequence[AccountEntry]) -> None:
        """What these changed holds."""
        self._doubts -= Counter(_changed(entries))

    def halts(self) -> list[tuple[HaltScope, str]]:
        """Return the halts in force, without those in doubt."""
        doubts = self.halts_in_doubt()
        return [halt for halt in self._order_manager.halts() if halt not in doubts]

    def halts_in_doubt(self) -> list[tuple[HaltScope, str]]:
        """Return the halts that were made or ended last, and of which nobody knows whether that holds."""
        if self.is_current:
            return []
        return sorted((of.scope, of.name) for of in self._doubts if isinstance(of, _HaltOf))

    def limits(self, account: str, key: str | None = None) -> Limits:
        """Return the account's limits as they hold, the default's included; or a key's own."""
        return self._order_manager.limits(account, key)

    def unknown_assets(self, account: str, key: str | None = None) -> list[str]:
        """Return the assets that these limits name and no instrument trades."""
        return self._order_manager.unknown_assets(self.limits(account, key))

    def limits_are_in_doubt(self, account: str, key: str | None = None) -> bool:
        """Return whether nobody knows whether the limits were changed to these."""
        return not self.is_current and _LimitsOf(account, key) in self._doubts


def _changed(entries: Sequence[AccountEntry]) -> list[_HaltOf | _LimitsOf]:
    changed: list[_HaltOf | _LimitsOf] = []
    for entry in entries:
        event = entry.event
        if isinstance(event, LimitsSet):
            changed.append(_LimitsOf(event.account, event.key))
        elif isinstance(event, Halted | Resumed):
            changed.append(_HaltOf(event.scope, event.name))
    return changed
