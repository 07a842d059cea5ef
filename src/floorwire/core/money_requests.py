"""Requests of operators about the paper money of accounts. Each is done once, by its ``request_id``.

Assets are identities. Amounts are decimal texts.
"""

from __future__ import annotations

from typing import TypeAlias

import msgspec

from floorwire.core.account_events import AccountReset, TransferSent, Withdrawn
from floorwire.core.units import format_units, trim


class Withdrawal(msgspec.Struct, frozen=True):
    """Take money from an account. Only what no open order holds can be taken."""

    request_id: str
    account: str
    asset: str
    amount: str


class Transfer(msgspec.Struct, frozen=True):
    """Move money from one account to another. Only what no open order holds can be moved."""

    request_id: str
    account: str
    receiver: str
    asset: str
    amount: str


class Reset(msgspec.Struct, frozen=True):
    """Give an account without open orders exactly these balances, and no positions."""

    request_id: str
    account: str
    balances: tuple[tuple[str, str], ...]
    """Asset and amount; all other balances become zero."""


MoneyRequest: TypeAlias = Withdrawal | Transfer | Reset


def described(event: Withdrawn | TransferSent | AccountReset) -> str:
    """Return what was asked for, from the event that it led to. An amount is the same in finer units."""
    if isinstance(event, AccountReset):
        amounts = [(one.asset, trim(format_units(one.total, one.decimals))) for one in event.balances]
        return f"reset {event.account} {balances_text(amounts)}"
    balance = event.balance
    amount = trim(format_units(event.units, balance.decimals))
    if isinstance(event, TransferSent):
        return f"transfer {event.account} {event.receiver} {balance.asset}={amount}"
    return f"withdrawal {event.account} {balance.asset}={amount}"


def balances_text(amounts: list[tuple[str, str]]) -> str:
    """Return the balances of a reset, sorted, without those of zero."""
    return " ".join(f"{asset}={amount}" for asset, amount in sorted(amounts) if amount != "0")
