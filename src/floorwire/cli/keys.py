"""``floorwire keys``: make, list, revoke and rotate API keys, beside a running server or without one."""

from __future__ import annotations

import getpass
import os
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.table import Column, Table

from floorwire import config
from floorwire.auth import grant
from floorwire.auth.grant import Grant, GrantError
from floorwire.auth.keyring import KeyInfo
from floorwire.config import SettingsError
from floorwire.core.authorization import Action
from floorwire.storage.audit_log import AuditEntry, append
from floorwire.storage.data_dir import DataDir, DataDirError
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import Issued, UnknownKeyError, new_key

TAMPERED = 1
"""The exit code of ``list`` if rows of keys.db are not as they were written."""

app = typer.Typer(name="keys", help="API keys: who may sign in, and what for.", no_args_is_help=True)

Data = Annotated[str | None, typer.Option(help="The server's folder for what survives a restart.")]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]
KeyId = Annotated[str, typer.Argument(metavar="KEY", help="The key, without its secret.")]


@app.command()
def create(
    account: Annotated[str, typer.Option(help="Whose key it is; made if it is new.")],
    scopes: Annotated[str, typer.Option(help="What it is for: market,account,trade,admin,monitor.")],
    symbols: Annotated[str | None, typer.Option(help="Only these: BTC-USDT,ETH-USDT.")] = None,
    accounts: Annotated[
        str | None, typer.Option(help="Whom it may act for, its own account among them.")
    ] = None,
    max_notional: Annotated[
        str | None, typer.Option(help="The most that one order may be worth, in quote currency.")
    ] = None,
    addresses: Annotated[str | None, typer.Option(help="Only from these: 192.0.2.7,2001:db8::/32.")] = None,
    expires: Annotated[str | None, typer.Option(help="30d, 12h, or a date: 2030-01-31.")] = None,
    deposit: Annotated[
        list[str] | None, typer.Option(help="Play money for the account: USDT=1000000. May be given again.")
    ] = None,
    data: Data = None,
    json: Json = False,
) -> None:
    """Make a key and print its secret, the only time."""
    with _exit_on_error(), _data_dir(data) as data_dir:
        now_us = _now_us()
        allowed = Grant(
            account=account,
            scopes=grant.scopes(scopes),
            symbols=_several(symbols),
            accounts=_several(accounts),
            max_notional=max_notional,
            addresses=_several(addresses) or (),
            expires_us=None if expires is None else grant.expiry(expires, now_us),
        )
        deposits = grant.deposits([part for text in deposit or () for part in text.split(",")])
        issued = new_key()
        with _showing(issued, json, "the key was not made"):
            data_dir.keys.add(issued, allowed, deposits, now_us)
        _note(data_dir, Action.KEYS_CREATE, issued.key)


@app.command("list")
def list_(data: Data = None, json: Json = False) -> None:
    """List the keys, revoked and expired ones too; never a secret."""
    with _exit_on_error(), _data_dir(data) as data_dir:
        stored = data_dir.keys.read()
        rows = [KeyInfo.of(key) for key in stored.keys]
        for fault in stored.faults():
            typer.echo(f"floorwire: {fault}", err=True)
        if json:
            typer.echo(msgspec.json.encode(rows))
        else:
            _show_table(rows)
        if stored.faults():
            typer.echo("floorwire: docs/operations.md has what to do (KeysTampered)", err=True)
            raise typer.Exit(TAMPERED)


def _show_table(rows: Sequence[KeyInfo]) -> None:
    table = Table(Column("key", no_wrap=True))  # whoever revokes it copies it, from however narrow a window
    for name in ("account", "scopes", "narrowed to", "state", "created", "expires"):
        table.add_column(name, overflow="fold")
    for row in rows:
        table.add_row(
            row.key,
            row.account,
            ",".join(row.scopes),
            _narrowed(row),
            _state(row),
            _date(row.created),
            _date(row.expires),
        )
    Console().print(table)


@app.command()
def revoke(key: KeyId, data: Data = None) -> None:
    """End a key for good; a running server closes its connections within a second."""
    with _exit_on_error(), _data_dir(data) as data_dir:
        data_dir.keys.revoke(key, _now_us())
        typer.echo(f"revoked {key}")
        _note(data_dir, Action.KEYS_REVOKE, key)


@app.command()
def rotate(key: KeyId, data: Data = None, json: Json = False) -> None:
    """Give a key a new secret and print it, the only time; then the old one ends at once."""
    with _exit_on_error(), _data_dir(data) as data_dir:
        issued = data_dir.keys.new_secret(key)
        with _showing(issued, json, "the new secret is not good, the old one still is"):
            data_dir.keys.replace_secret(issued)
        _note(data_dir, Action.KEYS_ROTATE, key)


@app.command()
def accept(data: Data = None) -> None:
    """Take the keys as ``list`` shows them, after keys.db was damaged or changed by somebody else."""
    with _exit_on_error(), _data_dir(data) as data_dir:
        removed = data_dir.keys.accept()
        _note(data_dir, "keys.accept", ",".join(removed))
        typer.echo(f"accepted {len(data_dir.keys.list_keys())} keys, removed {len(removed)}")
        for key in removed:
            typer.echo(f"removed {key!r}")


@contextmanager
def _exit_on_error() -> Iterator[None]:
    """On an error print one sentence and exit."""
    try:
        yield
    except (GrantError, SettingsError, DataDirError, DatabaseError, UnknownKeyError, OSError) as error:
        typer.echo(f"floorwire: {error.args[0] if isinstance(error, LookupError) else error}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def _data_dir(data: str | None) -> Iterator[DataDir]:
    settings = config.load(environment=os.environ, flags={"data": data})
    data_dir = DataDir(Path(settings.data), os.environ)
    for notice in data_dir.keys.notices:
        typer.echo(f"floorwire: {notice}", err=True)
    yield data_dir


def _note(data_dir: DataDir, action: str, key: str) -> None:
    who = f"os:{getpass.getuser()}"
    entry = AuditEntry(ts=_now_us(), event=action, account=who, how="command line", target=key)
    append(data_dir.audit_path, [entry])


@contextmanager
def _showing(issued: Issued, as_json: bool, failure: str) -> Iterator[None]:
    """Print the secret, and then let the body make it good: no secret is ever good that nobody saw.

    ``failure`` is said if the body cannot.
    """
    typer.echo(msgspec.json.encode(issued) if as_json else f"key     {issued.key}\nsecret  {issued.secret}")
    sys.stdout.flush()
    try:
        yield
    except (DatabaseError, UnknownKeyError) as error:
        raise DatabaseError(f"{failure}: {error.args[0]}") from None
    if as_json:
        return
    typer.echo("The secret is not shown again. Sign in with the header:", err=True)
    typer.echo(f"  Authorization: Bearer {issued.key}.SECRET", err=True)


def _several(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _narrowed(row: KeyInfo) -> str:
    parts = [*(row.symbols or ()), *(row.accounts or ()), *row.addresses]
    if row.max_notional is not None:
        parts.append(f"up to {row.max_notional} an order")
    return " ".join(parts)


def _state(row: KeyInfo) -> str:
    if row.revoked is not None:
        return "revoked"
    return "expired" if row.expires is not None and row.expires <= _now_us() else "live"


def _date(at_us: int | None) -> str:
    return "" if at_us is None else datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")


def _now_us() -> int:
    return time.time_ns() // 1_000
