"""Whether there are keys of a name that an operator typed: a mistyped one must not pass for done."""

from __future__ import annotations

import msgspec
import typer

from floorwire.cli.admin_client import AdminClient


class _Key(msgspec.Struct, frozen=True):
    key: str
    account: str


class _Keys(msgspec.Struct, frozen=True):
    keys: list[_Key]


def warn_of_stranger(server: AdminClient, account: str = "", key: str = "") -> None:
    """Warn where no key is of the account, or where the key is none, or none of the account."""
    keys = server.ask("GET", "/keys", _Keys).keys
    if any((not account or one.account == account) and (not key or one.key == key) for one in keys):
        return
    which = " ".join(part for part in (key, f"of the account {account}" if account else "") if part)
    typer.echo(f"warning: no key here is {which}; is the name right?", err=True)
