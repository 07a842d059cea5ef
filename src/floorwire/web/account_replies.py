"""What the routes of a key's own accounts and of tickets answer. They are over HTTP only."""

from __future__ import annotations

import msgspec


class AccountNames(msgspec.Struct, frozen=True, kw_only=True):
    """The account of the key, and those that its owner made."""

    status: str = "ok"
    accounts: list[str]


class AccountMade(msgspec.Struct, frozen=True, kw_only=True):
    """A new account, and a key for it with its secret, which nothing shows again."""

    status: str = "ok"
    account: str
    key: str
    secret: str


class TicketIssued(msgspec.Struct, frozen=True, kw_only=True):
    """A ticket for one WebSocket. ``expires``: microseconds since the epoch, UTC."""

    status: str = "ok"
    ticket: str
    expires: int
