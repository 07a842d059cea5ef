"""The ledger: who has how much of what, in whole units, double entry.

An asset's unit is ten to the power ``-decimals``, fine enough that every price x size of every listed
instrument is a whole number of units. Whatever an account gains somebody loses: another account, the house
(fees), or the outside (the market's other participants, and whoever makes deposits). Over all of them each
asset sums to zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from floorwire.core.account_events import Balance
from floorwire.core.instrument import Instrument

LEAST_DECIMALS = 8
MOST_UNITS = 1 << 62
"""No deposit and no order may bring an account more of an asset."""
MOST_RECORDED = (1 << 63) - 1
"""The largest integer of a record: MessagePack holds no larger one."""


Balances: TypeAlias = dict[str, Balance]
"""One account's, by asset."""


class Ledger:
    """The assets, and the sides of every booking that no account is on."""

    __slots__ = ("decimals", "fees", "outside")

    def __init__(self) -> None:
        self.decimals: dict[str, int] = {}
        self.fees: dict[str, int] = defaultdict(int)
        self.outside: dict[str, int] = defaultdict(int)

    def decimals_of(self, asset: str) -> int:
        """Return the decimals of the asset's unit."""
        return self.decimals.get(asset, LEAST_DECIMALS)

    def factors(self, instrument: Instrument) -> Mapping[str, int]:
        """Return by what its assets' units would be multiplied if the instrument were listed."""
        return {
            asset: 10 ** max(0, decimals - self.decimals_of(asset))
            for asset, decimals in needed(instrument).items()
        }

    def fit(self, instrument: Instrument, holders: Iterable[Balances]) -> Mapping[str, int]:
        """Make units fine enough for the instrument; return by what its assets' units were multiplied."""
        everybody = list(holders)
        return {
            asset: self._refine(asset, decimals, everybody) for asset, decimals in needed(instrument).items()
        }

    def coarsen(self, asset: str, decimals: int, holders: Iterable[Balances]) -> int:
        """Count the asset in units of these decimals; return by what amounts were divided.

        What is less than a unit goes to the house. What is held is left to the caller.
        """
        factor: int = 10 ** (self.decimals_of(asset) - decimals)
        self.decimals[asset] = decimals
        self.fees[asset] //= factor
        total = self.fees[asset]
        for balances in holders:
            if asset in balances:
                units = balances[asset].total // factor
                balances[asset] = Balance(asset, units, 0, decimals)
                total += units
        self.outside[asset], rest = divmod(self.outside[asset], factor)
        self.fees[asset] -= total + self.outside[asset]
        assert 0 <= rest < factor
        return factor

    def _refine(self, asset: str, decimals: int, holders: Iterable[Balances]) -> int:
        known = self.decimals_of(asset)
        self.decimals[asset] = finer = max(known, decimals)
        factor: int = 10 ** (finer - known)
        if factor > 1:
            self.fees[asset] *= factor
            self.outside[asset] *= factor
            for balances in holders:
                if asset in balances:
                    old = balances[asset]
                    balances[asset] = Balance(asset, old.total * factor, old.held * factor, finer)
        return factor

    def put(self, balances: Balances, changed: Iterable[Balance]) -> None:
        """Set balances; what they rose by came from outside, what they fell by went there."""
        for balance in changed:
            asset = balance.asset
            before = balances.get(asset)
            balances[asset] = balance
            gained = balance.total if before is None else balance.total - before.total
            if gained:
                self.outside[asset] -= gained

    def charge(self, asset: str, units: int) -> None:
        """Give the house a fee that an account has paid (``put`` took it outside)."""
        self.fees[asset] += units
        self.outside[asset] -= units

    def sum(self, asset: str, holders: Iterable[Balances]) -> int:
        """Return the asset's sum over everybody: always 0."""
        accounts = sum(balances[asset].total for balances in holders if asset in balances)
        return accounts + self.fees.get(asset, 0) + self.outside.get(asset, 0)


def needed(instrument: Instrument) -> dict[str, int]:
    """Return the decimals that the units of the instrument's assets need at least."""
    size = instrument.size.decimals
    return {instrument.base: size, instrument.quote: instrument.price.decimals + size}
