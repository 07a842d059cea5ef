"""Venue identities: gives a journal of earlier versions the identities of its instruments and balances.

Earlier versions named an instrument by its symbol alone, and with the venue where several venues ran. An
account had one balance of each asset, whatever venue it traded at. ``plan`` decides once which venue has
what. Its event is in the journal, and ``apply`` carries it out, at once and at each later start.

- An instrument belongs to the venue that listed it last.
- A balance is divided. Each venue gets what open orders hold there, then what was bought there, as far as it
  goes. The rest goes to one venue: to the default venue if it trades the asset or nobody does, otherwise to
  the first one by name that does.
- Fees stay in one piece, where the rest of the asset is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TYPE_CHECKING

from msgspec.structs import replace

from floorwire.core.account_events import (
    AccountEntry,
    AccountEvent,
    Balance,
    Deposited,
    Identified,
    OrderFilled,
    Position,
    PositionsChanged,
)
from floorwire.core.instrument import Instrument
from floorwire.core.orders import Order
from floorwire.core.venue_names import bare, venue_of
from floorwire.engine.account import KEPT_CLOSED, KEPT_FILLS, Account
from floorwire.engine.account_snapshot import FormerInstrument
from floorwire.engine.chunked_history import ChunkedHistory

if TYPE_CHECKING:
    from floorwire.engine.accounts import Accounts


# --- the decision -----------------------------------------------------------------------------------------


def plan(accounts: Accounts, default: str, stamp_us: int) -> Identified | None:
    """Return the event that gives everything its identity; None where everything has one.

    ``default``: the id of the default venue.
    """
    if not _is_needed(accounts):
        return None
    symbols = _symbols(accounts)
    homes = _homes(accounts, symbols, default)
    balances = tuple(
        (name, tuple(_divided(accounts, account, symbols, homes)))
        for name, account in accounts.by_name.items()
        if account.balances
    )
    return Identified(tuple(sorted((symbols | homes).items())), balances, stamp_us)


def _is_needed(accounts: Accounts) -> bool:
    assets = {asset for account in accounts.by_name.values() for asset in account.balances}
    assets.update(known.base for known in accounts.instrument_units.values())
    return any(":" not in asset for asset in assets)


def _symbols(accounts: Accounts) -> dict[str, str]:
    """Return the identity of each symbol.

    An instrument that was listed both with its venue and without it becomes one, if both count in the same
    steps. Otherwise the second one gets a venue of its own.
    """
    symbols: dict[str, str] = {}
    known: dict[str, str] = {}
    for symbol in sorted(accounts.instrument_units):
        venue = venue_of(symbol) or accounts.instrument_units[symbol].instrument.venue
        identity, number = f"{venue}:{bare(symbol)}", 1
        while identity in known and not _are_one(accounts, known[identity], symbol):
            number += 1
            identity = f"{venue}-{number}:{bare(symbol)}"
        known.setdefault(identity, symbol)
        symbols[symbol] = identity
    return symbols


def _are_one(accounts: Accounts, one: str, other: str) -> bool:
    if one in accounts.former or other in accounts.former:
        return False
    known = accounts.instrument_units
    return known[one].instrument.steps == known[other].instrument.steps


def _homes(accounts: Accounts, symbols: Mapping[str, str], default: str) -> dict[str, str]:
    """Return for each asset its identity at the venue that gets what belongs to no order and no position."""
    venues: dict[str, set[str]] = {asset: set() for asset in accounts.ledger.decimals}
    for account in accounts.by_name.values():
        for asset in account.balances:
            venues.setdefault(asset, set())
    for symbol, known in accounts.instrument_units.items():
        for asset in (known.base, known.quote):
            venues.setdefault(asset, set()).add(venue_of(symbols[symbol]))
    return {
        asset: f"{default if default in traded or not traded else min(traded)}:{asset}"
        for asset, traded in venues.items()
        if ":" not in asset
    }


def _divided(
    accounts: Accounts, account: Account, symbols: Mapping[str, str], homes: Mapping[str, str]
) -> Iterable[Balance]:
    """Yield the account's balances at venues."""
    held: dict[str, int] = {}
    for order in account.open.values():
        known = accounts.instrument_units[order.ticket.symbol]
        asset = known.quote if order.ticket.side == "buy" else known.base
        identity = f"{venue_of(symbols[order.ticket.symbol])}:{asset}"
        held[identity] = held.get(identity, 0) + order.held
    bought: dict[str, int] = {}
    for symbol, position in account.positions.items():
        identity = f"{venue_of(symbols[symbol])}:{accounts.instrument_units[symbol].base}"
        bought[identity] = bought.get(identity, 0) + position.bought
    for asset, balance in sorted(account.balances.items()):
        if ":" in asset:
            yield balance
            continue
        totals = {at: units for at, units in sorted(held.items()) if bare(at) == asset}
        rest = balance.total - sum(totals.values())
        for at, units in sorted(bought.items()):
            if bare(at) == asset:
                more = max(0, min(rest, units - totals.get(at, 0)))
                totals[at] = totals.get(at, 0) + more
                rest -= more
        if rest or not totals:
            home = homes[asset]
            totals[home] = totals.get(home, 0) + rest
        for at, total in sorted(totals.items()):
            yield Balance(at, total, held.get(at, 0), balance.decimals)


# --- carrying it out --------------------------------------------------------------------------------------


def apply(accounts: Accounts, event: Identified) -> None:
    """Give the instruments, balances, orders and halts of these accounts their identities."""
    names = dict(event.names)
    accounts.identities.update(names)
    accounts.venue_money.update((venue_of(identity), "paper") for identity in names.values())
    _move_ledger(accounts, event, names)
    instruments = [_renamed(known.instrument, names) for known in accounts.instrument_units.values()]
    accounts.former = {
        names.get(symbol, symbol): [
            FormerInstrument(_renamed(former.instrument, names), former.last_order_id) for former in of_symbol
        ]
        for symbol, of_symbol in accounts.former.items()
    }
    accounts.instrument_units = {}
    accounts.set_instrument_units(instruments)
    accounts.orders = {}
    for account in accounts.by_name.values():
        _move_account(accounts, account, names)
    accounts.halts = {
        (scope, names.get(name, name) if scope == "symbol" else name) for scope, name in accounts.halts
    }
    for number, started in accounts.mass_cancels.items():
        symbol = started.mass_cancel.symbol
        if symbol is not None:
            mass_cancel = replace(started.mass_cancel, symbol=names.get(symbol, symbol))
            accounts.mass_cancels[number] = replace(started, mass_cancel=mass_cancel)


def _renamed(instrument: Instrument, names: Mapping[str, str]) -> Instrument:
    symbol = names.get(instrument.symbol, instrument.symbol)
    venue = venue_of(symbol)
    base, quote = f"{venue}:{bare(instrument.base)}", f"{venue}:{bare(instrument.quote)}"
    return replace(instrument, symbol=symbol, venue=venue, base=base, quote=quote)


def _move_ledger(accounts: Accounts, event: Identified, names: Mapping[str, str]) -> None:
    """Replace the balances, with the units and the totals of the other parties. Each asset sums to zero."""
    ledger = accounts.ledger
    decimals = dict(ledger.decimals)
    divided = dict(event.balances)
    totals: dict[str, int] = {}
    for name, account in accounts.by_name.items():
        account.balances = {balance.asset: balance for balance in divided.get(name, ())}
        for balance in account.balances.values():
            totals[balance.asset] = totals.get(balance.asset, 0) + balance.total
            ledger.decimals[balance.asset] = balance.decimals
    for symbol, known in accounts.instrument_units.items():
        venue = venue_of(names.get(symbol, symbol))
        for asset in (known.base, known.quote):
            if asset in decimals:
                ledger.decimals[f"{venue}:{bare(asset)}"] = decimals[asset]
    for asset, places in decimals.items():
        if ":" not in asset:
            ledger.decimals.setdefault(names[asset], places)
            del ledger.decimals[asset]
    fees = {names.get(asset, asset): units for asset, units in ledger.fees.items()}
    ledger.fees.clear()
    ledger.fees.update(fees)
    ledger.outside.clear()
    for asset in {*totals, *fees}:
        ledger.outside[asset] = -totals.get(asset, 0) - fees.get(asset, 0)


def _move_account(accounts: Accounts, account: Account, names: Mapping[str, str]) -> None:
    account.open = {order_id: _identified_order(order, names) for order_id, order in account.open.items()}
    account.closed = ChunkedHistory(
        KEPT_CLOSED,
        [tuple(_identified_order(order, names) for order in chunk) for chunk in account.closed.chunks()],
        account.closed.dropped,
    )
    account.fills = ChunkedHistory(
        KEPT_FILLS,
        [tuple(_identified_fill(fill, names) for fill in chunk) for chunk in account.fills.chunks()],
        account.fills.dropped,
    )
    for order in account.closed:
        accounts.orders[order.order_id] = order
    accounts.orders.update(account.open)
    positions: dict[str, Position] = {}
    for position in account.positions.values():
        moved = _identified_position(position, names)
        positions[moved.symbol] = _joined(positions.get(moved.symbol), moved)
    account.positions = positions
    buying: dict[str, int] = {}
    for symbol, lots in account.buying.items():
        identity = names.get(symbol, symbol)
        buying[identity] = buying.get(identity, 0) + lots
    account.buying = buying


def _joined(one: Position | None, other: Position) -> Position:
    """Return the position of an instrument that earlier versions had under two symbols."""
    if one is None:
        return other
    return replace(
        one,
        bought=one.bought + other.bought,
        cost=one.cost + other.cost,
        realised=one.realised + other.realised,
    )


# --- records of earlier versions --------------------------------------------------------------------------


def identified_entry(entry: AccountEntry, names: Mapping[str, str]) -> AccountEntry:
    """Return an entry of the journal with the identities of what it names. ``names``: as in the event."""
    event = identified(entry.event, names) if names else entry.event
    return entry if event is entry.event else AccountEntry(event, entry.seqs)


def identified(event: AccountEvent, names: Mapping[str, str]) -> AccountEvent:
    """Return an event of orders and balances with the identities of what it names."""
    if isinstance(event, OrderFilled):
        return _identified_fill(event, names)
    if isinstance(event, PositionsChanged):
        positions = tuple(_identified_position(position, names) for position in event.positions)
        return replace(event, positions=positions)
    if isinstance(event, Deposited):
        asset = event.balance.asset
        return replace(event, balance=replace(event.balance, asset=names.get(asset, asset)))
    order = getattr(event, "order", None)
    if not isinstance(order, Order):
        return event
    moved = _identified_order(order, names)
    balances = getattr(event, "balances", None)
    if balances is None:
        return replace(event, order=moved)
    venue = venue_of(moved.ticket.symbol)
    return replace(event, order=moved, balances=tuple(_at(balance, venue) for balance in balances))


def _identified_order(order: Order, names: Mapping[str, str]) -> Order:
    symbol = order.ticket.symbol
    identity = names.get(symbol, symbol)
    return order if identity == symbol else replace(order, ticket=replace(order.ticket, symbol=identity))


def _identified_fill(fill: OrderFilled, names: Mapping[str, str]) -> OrderFilled:
    order = _identified_order(fill.order, names)
    venue, (quote, base) = venue_of(order.ticket.symbol), fill.balances
    return replace(
        fill,
        order=order,
        balances=(_at(quote, venue), _at(base, venue)),
        position=_identified_position(fill.position, names),
    )


def _identified_position(position: Position, names: Mapping[str, str]) -> Position:
    return replace(position, symbol=names.get(position.symbol, position.symbol))


def _at(balance: Balance, venue: str) -> Balance:
    return balance if ":" in balance.asset else replace(balance, asset=f"{venue}:{balance.asset}")
