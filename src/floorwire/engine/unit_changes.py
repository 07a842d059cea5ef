"""Unit changes: what becomes of an account's amounts when an asset is counted in finer or coarser units."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping
from typing import TypeAlias

import msgspec

from floorwire.core.account_events import Position
from floorwire.engine.account import Account
from floorwire.engine.holds import held
from floorwire.engine.instrument_units import InstrumentUnits

Units: TypeAlias = Mapping[str, InstrumentUnits]
"""The listed instruments and their units, by symbol."""


def amounts(account: Account, units: Units) -> Iterator[tuple[str, int]]:
    """Yield each amount of the account with its asset: balances, positions, holds and fee credits."""
    for asset, balance in account.balances.items():
        yield asset, max(balance.total, balance.held)
    for symbol, position in account.positions.items():
        instrument_units = units[symbol]
        yield instrument_units.base, max(position.quantity, position.bought)
        yield instrument_units.quote, max(position.cost, abs(position.realised))
    for order in account.open.values():
        instrument_units = units[order.ticket.symbol]
        yield instrument_units.quote if order.ticket.side == "buy" else instrument_units.base, order.held
        yield instrument_units.quote, order.fee_credit


def count_finer(account: Account, units: Units, factors: Mapping[str, int]) -> None:
    """Multiply the account's amounts in open orders and positions; ``factors`` by asset."""
    for order in list(account.open.values()):
        instrument_units = units[order.ticket.symbol]
        by = factors.get(instrument_units.quote if order.ticket.side == "buy" else instrument_units.base, 1)
        credit = order.fee_credit * factors.get(instrument_units.quote, 1)
        scaled = msgspec.structs.replace(order, held=order.held * by, fee_credit=credit)
        account.open[order.order_id] = scaled
    for symbol, position in account.positions.items():
        instrument_units = units[symbol]
        base, quote = factors.get(instrument_units.base, 1), factors.get(instrument_units.quote, 1)
        account.positions[symbol] = Position(
            symbol,
            position.quantity * base,
            position.bought * base,
            position.cost * quote,
            position.realised * quote,
            instrument_units.base_decimals,
            instrument_units.quote_decimals,
        )


def count_coarser(
    account: Account, units: Units, factors: Mapping[str, int], closed: Collection[str]
) -> None:
    """Divide the account's amounts by the factor of their asset, and compute its holds again.

    Holds are computed, not divided: a hold that was rounded down might not cover its order. Orders of
    ``closed`` symbols hold nothing, because they are cancelled next.
    """
    for order in list(account.open.values()):
        ticket, instrument_units = order.ticket, units[order.ticket.symbol]
        credit = order.fee_credit // factors.get(instrument_units.quote, 1)
        left_held = order.held
        if ticket.symbol in closed:
            left_held = 0
        elif (instrument_units.quote if ticket.side == "buy" else instrument_units.base) in factors:
            highest = max(order.price_ticks, order.asked_ticks)
            left = max(order.lots, order.asked_lots) - order.filled_lots
            left_held = held(
                ticket, instrument_units, highest, left, order.filled_turnover, order.fee_ppm, credit
            )
        changed = msgspec.structs.replace(order, held=left_held, fee_credit=credit)
        account.open[order.order_id] = changed
    for asset in factors.keys() & account.balances.keys():
        balance = account.balances[asset]
        account.balances[asset] = msgspec.structs.replace(balance, held=_held(account, units, asset))
    for symbol, position in account.positions.items():
        instrument_units = units[symbol]
        base, quote = factors.get(instrument_units.base, 1), factors.get(instrument_units.quote, 1)
        account.positions[symbol] = Position(
            symbol,
            position.quantity // base,
            position.bought // base,
            position.cost // quote,
            position.realised // quote,
            instrument_units.base_decimals,
            instrument_units.quote_decimals,
        )


def _held(account: Account, units: Units, asset: str) -> int:
    """Return how many units of the asset the account's open orders hold."""
    found = 0
    for order in account.open.values():
        instrument_units = units[order.ticket.symbol]
        if (instrument_units.quote if order.ticket.side == "buy" else instrument_units.base) == asset:
            found += order.held
    return found
