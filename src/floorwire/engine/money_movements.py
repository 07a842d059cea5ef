"""Money movements: what an operator's withdrawal, transfer or reset does to the balances of paper accounts.

It computes events and applies none of them. Each request is done once: the accounts remember the latest ids,
with what was asked for.
"""

from __future__ import annotations

from typing import TypeAlias

from msgspec.structs import replace

from floorwire.core.account_events import (
    AccountReset,
    Balance,
    Position,
    TransferReceived,
    TransferSent,
    Withdrawn,
)
from floorwire.core.codes import Code
from floorwire.core.money_requests import MoneyRequest, Reset, Transfer, Withdrawal, balances_text
from floorwire.core.refusal import Refusal
from floorwire.core.units import InexactError, Scale, format_units, trim
from floorwire.core.venue_names import bare, venue_of
from floorwire.engine.accounts import Accounts
from floorwire.engine.ledger import MOST_UNITS

MoneyEvent: TypeAlias = Withdrawn | TransferSent | TransferReceived | AccountReset


def events(accounts: Accounts, request: MoneyRequest, stamp_us: int) -> list[MoneyEvent]:
    """Return the events of a request; none where it was done before.

    Raises Refusal: ``insufficient_balance``, ``bad_request``, ``duplicate_request_id``.
    """
    known = accounts.money_requests.get(request.request_id)
    if known is not None:
        if known == _described(accounts, request):
            return []
        text = f"{request.request_id} was used for another request"
        raise Refusal(Code.DUPLICATE_REQUEST_ID, text, {"request_id": request.request_id})
    if isinstance(request, Reset):
        return [_reset(accounts, request, stamp_us)]
    if isinstance(request, Transfer):
        return _transferred(accounts, request, stamp_us)
    return [_withdrawn(accounts, request, stamp_us)]


def _described(accounts: Accounts, request: MoneyRequest) -> str:
    """Return the request as ``Accounts`` remembers it, by its event."""
    if isinstance(request, Reset):
        amounts = [(asset, _exact(accounts, asset, amount)) for asset, amount in request.balances]
        return f"reset {request.account} {balances_text(amounts)}"
    amount = _exact(accounts, request.asset, request.amount)
    if isinstance(request, Transfer):
        return f"transfer {request.account} {request.receiver} {request.asset}={amount}"
    return f"withdrawal {request.account} {request.asset}={amount}"


def _withdrawn(accounts: Accounts, request: Withdrawal, stamp_us: int) -> Withdrawn:
    units, balance = _taken(accounts, request)
    return Withdrawn(request.account, request.request_id, units, balance, stamp_us)


def _transferred(accounts: Accounts, request: Transfer, stamp_us: int) -> list[MoneyEvent]:
    if request.account == request.receiver:
        raise Refusal(Code.BAD_REQUEST, "to: has to be another account", {"field": "to"})
    units, balance = _taken(accounts, request)
    before = accounts.balance(request.receiver, request.asset)
    if units > MOST_UNITS - before.total:
        text = f"amount: too much for {request.receiver}"
        raise Refusal(Code.BAD_REQUEST, text, {"field": "amount"})
    after = replace(before, total=before.total + units)
    request_id = request.request_id
    return [
        TransferSent(request.account, request_id, request.receiver, units, balance, stamp_us),
        TransferReceived(request.receiver, request_id, request.account, units, after, stamp_us),
    ]


def _taken(accounts: Accounts, request: Withdrawal | Transfer) -> tuple[int, Balance]:
    """Return the units to take, and the balance without them. Only what no order holds may be taken."""
    _refuse_live(accounts, request.asset)
    has = accounts.balance(request.account, request.asset)
    units = _units(accounts, request.asset, request.amount)
    if not units:
        raise Refusal(Code.BAD_REQUEST, "amount: has to be more than 0", {"field": "amount"})
    if units > has.available:
        needed, available = (format_units(amount, has.decimals) for amount in (units, has.available))
        asset = bare(request.asset)
        details = {"asset": asset, "needed": needed, "available": available}
        text = f"needs {needed} {asset}, has {available} that no order holds"
        raise Refusal(Code.INSUFFICIENT_BALANCE, text, details)
    return units, replace(has, total=has.total - units)


def _reset(accounts: Accounts, request: Reset, stamp_us: int) -> AccountReset:
    account = accounts.by_name.get(request.account)
    before = {} if account is None else account.balances
    if account is not None and account.open:
        text = f"{request.account} has open orders"
        raise Refusal(Code.BAD_REQUEST, text, {"field": "account"})
    units: dict[str, int] = {}
    for asset, amount in request.balances:
        if asset in units:
            raise Refusal(Code.BAD_REQUEST, f"balances: {bare(asset)} is given twice", {"field": "balances"})
        units[asset] = _units(accounts, asset, amount)
    for asset in {*units, *(asset for asset, balance in before.items() if balance.total)}:
        _refuse_live(accounts, asset)
    balances = tuple(
        Balance(asset, units.get(asset, 0), 0, accounts.balance(request.account, asset).decimals)
        for asset in sorted({*units, *before})
    )
    positions = () if account is None else tuple(account.positions.values())
    anew = tuple(_anew(accounts, position, units) for position in positions)
    return AccountReset(request.account, request.request_id, balances, anew, stamp_us)


def _anew(accounts: Accounts, position: Position, units: dict[str, int]) -> Position:
    """Return the position without anything bought, and without profit."""
    base = accounts.instrument_units[position.symbol].base
    return replace(position, quantity=units.get(base, 0), bought=0, cost=0, realised=0)


def _refuse_live(accounts: Accounts, asset: str) -> None:
    venue = venue_of(asset)
    if accounts.venue_money.get(venue, "paper") != "paper":
        text = f"{venue} has real money, which only the venue can move"
        raise Refusal(Code.BAD_REQUEST, text, {"field": "asset"})


def _units(accounts: Accounts, asset: str, amount: str) -> int:
    try:
        units = Scale(accounts.ledger.decimals_of(asset), 1).parse(amount)
    except InexactError as error:
        raise Refusal(Code.BAD_REQUEST, f"amount: {error}", {"field": "amount"}) from None
    if not 0 <= units <= MOST_UNITS:
        raise Refusal(Code.BAD_REQUEST, f"amount: {amount} {bare(asset)} is too much", {"field": "amount"})
    return units


def _exact(accounts: Accounts, asset: str, amount: str) -> str:
    """Return the amount in the one way in which it is remembered."""
    return trim(format_units(_units(accounts, asset, amount), accounts.ledger.decimals_of(asset)))
