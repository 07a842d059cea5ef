"""The ledger: double-entry bookkeeping of all assets, in whole units.

The unit of an asset is ten to the power of ``-decimals``. It is fine enough that price times size is a
whole number of units in every listed instrument. What one party gains, another loses. The parties are the
accounts, the operator (fees), and the outside: other participants of the market, and the sources of deposits.
The sum of each asset over all parties is zero.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from typing import TypeAlias

from floorwire.core.account_events import Balance
from floorwire.core.instrument import Instrument

LEAST_DECIMALS = 8
"""The decimals of an asset's unit, where no instrument needs more."""
MOST_UNITS = 1 << 62
"""The largest balance that a deposit or an order may lead to."""
MOST_RECORDED = (1 << 63) - 1
"""The largest signed 64-bit integer. The journal's records hold no larger one."""


Balances: TypeAlias = dict[str, Balance]
"""The balances of one account, by asset."""


class Ledger:
    """The units of each asset, and the totals of the parties that are no account: fees and the outside."""

    __slots__ = ("decimals", "fees", "outside")

    def __init__(self) -> None:
        self.decimals: dict[str, int] = {}
        self.fees: dict[str, int] = defaultdict(int)
        self.outside: dict[str, int] = defaultdict(int)

    def decimals_of(self, asset: str) -> int:
        """Return the decimals of the asset's unit."""
        return self.decimals.get(asset, LEAST_DECIMALS)

    def factors(self, instrument: Instrument) -> Mapping[str, int]:
        """Return the factor of each asset's amounts if the instrument were listed."""
        return {
            asset: 10 ** max(0, decimals - self.decimals_of(asset))
            for asset, decimals in needed(instrument).items()
        }

    def fit(self, instrument: Instrument, holders: Iterable[Balances]) -> Mapping[str, int]:
        """Make the units fine enough for the instrument. Return the factor of each asset's amounts.

        Converts the balances of ``holders``. The caller converts orders and positions.
        """
        everybody = list(holders)
        return {
            asset: self._refine(asset, decimals, everybody) for asset, decimals in needed(instrument).items()
        }

    def coarsen(self, asset: str, decimals: int, holders: Iterable[Balances]) -> int:
        """Count the asset in units of these decimals. Return what amounts were divided by.

        Fractions of a unit become fees, so that the asset still sums to zero. Sets ``held`` to 0 in the
        balances of ``holders``: the caller computes the holds again.
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
        """Set an account's balances. The difference to the old ones comes from the outside, or goes there."""
        for balance in changed:
            asset = balance.asset
            before = balances.get(asset)
            balances[asset] = balance
            gained = balance.total if before is None else balance.total - before.total
            if gained:
                self.outside[asset] -= gained

    def charge(self, asset: str, units: int) -> None:
        """Book a fee that an account has paid. ``put`` booked it to the outside first."""
        self.fees[asset] += units
        self.outside[asset] -= units

    def sum(self, asset: str, holders: Iterable[Balances]) -> int:
        """Return the sum of the asset over all parties. It is always 0."""
        accounts = sum(balances[asset].total for balances in holders if asset in balances)
        return accounts + self.fees.get(asset, 0) + self.outside.get(asset, 0)


def needed(instrument: Instrument) -> dict[str, int]:
    """Return the fewest decimals that each asset of the instrument needs."""
    size = instrument.size.decimals
    return {instrument.base: size, instrument.quote: instrument.price.decimals + size}
