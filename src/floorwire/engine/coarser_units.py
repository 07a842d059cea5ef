"""Coarser units: chooses them where an amount is too large for a record. Earlier versions let that happen."""

from __future__ import annotations

from floorwire.engine.accounts import Accounts
from floorwire.engine.ledger import LEAST_DECIMALS, MOST_RECORDED, MOST_UNITS, needed


def coarser_units(accounts: Accounts) -> tuple[tuple[tuple[str, int], ...], tuple[str, ...]] | None:
    """Return the decimals of each asset to coarsen, and the symbols that need finer ones. None: all fit."""
    largest = accounts.largest()
    assets = [asset for asset, amount in sorted(largest.items()) if amount > MOST_RECORDED]
    if not assets:
        return None
    coarser = tuple((asset, _decimals_for(accounts, asset, largest[asset])) for asset in assets)
    decimals = dict(coarser)
    symbols = tuple(
        symbol
        for symbol, known in sorted(accounts.instrument_units.items())
        if any(fine > decimals.get(asset, fine) for asset, fine in needed(known.instrument).items())
    )
    return coarser, symbols


def _decimals_for(accounts: Accounts, asset: str, largest: int) -> int:
    """Return the most decimals that an instrument needs and in which the largest amount fits."""
    known = accounts.ledger.decimals_of(asset)
    needs = {needed(known.instrument).get(asset, 0) for known in accounts.instrument_units.values()}
    for decimals in sorted({max(LEAST_DECIMALS, fine) for fine in needs}, reverse=True):
        if decimals < known and largest // 10 ** (known - decimals) <= MOST_UNITS:
            return decimals
    return LEAST_DECIMALS
