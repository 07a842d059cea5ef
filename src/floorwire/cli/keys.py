"""``floorwire keys``: make, list, revoke and rotate API keys, beside a running server or without one."""

from __future__ import annotations

import sys
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.console import Console

from floorwire.auth import grant
from floorwire.auth.grant import Grant
from floorwire.auth.keyring import KeyInfo
from floorwire.cli.chosen_server import Json
from floorwire.cli.command_error import fail
from floorwire.cli.data_folder import Data, check_names, exit_on_error, note, now_us, open_data_dir
from floorwire.cli.exit_codes import ExitCode
from floorwire.cli.output import Table, echo, print_table
from floorwire.core.authorization import Action
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import Issued, UnknownKeyError, new_key

app = typer.Typer(name="keys", help="API keys: who may sign in, and what for.", no_args_is_help=True)


class RevokedOutput(msgspec.Struct, frozen=True):
    """The key that was revoked."""

    revoked: str


class AcceptedOutput(msgspec.Struct, frozen=True):
    """How many keys there are, and which rows were removed."""

    accepted: int
    removed: list[str]


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
    with exit_on_error(), open_data_dir(data, is_made=True) as data_dir:
        at_us = now_us()
        allowed = Grant(
            account=account,
            scopes=grant.scopes(scopes),
            symbols=_several(symbols),
            accounts=_several(accounts),
            max_notional=max_notional,
            addresses=_several(addresses) or (),
            expires_us=None if expires is None else grant.expiry(expires, at_us),
        )
        deposits = grant.deposits([part for text in deposit or () for part in text.split(",")])
        check_names(allowed.symbols, deposits)
        issued = new_key()
        with _showing(issued, json, "the key was not made"):
            data_dir.keys.add(issued, allowed, deposits, at_us)
        note(data_dir, Action.KEYS_CREATE, issued.key)


@app.command("list")
def list_(data: Data = None, json: Json = False) -> None:
    """List the keys, revoked and expired ones too; never a secret. In a pipe, a line a key, with tabs."""
    with exit_on_error(), open_data_dir(data) as data_dir:
        stored = data_dir.keys.read()
        rows = [KeyInfo.of(key) for key in stored.keys]
        for fault in stored.faults():
            echo(f"floorwire: {fault}", err=True)
        if json:
            echo(msgspec.json.encode(rows))
        else:
            _show(rows)
        if stored.faults():
            fail("docs/operations.md has what to do (KeysTampered)", ExitCode.FAILED)


def _show(rows: Sequence[KeyInfo]) -> None:
    """Print a table on a terminal; elsewhere a line for each key, with tabs."""
    if Console().is_terminal:
        print_table(_table(rows))
        return
    for row in rows:
        echo("\t".join((*_head(row), ",".join(row.scopes), _narrowed(row), *_dates(row))))


@app.command()
def revoke(key: KeyId, data: Data = None, json: Json = False) -> None:
    """End a key for good; a running server closes its connections within a second."""
    with exit_on_error(), open_data_dir(data) as data_dir:
        data_dir.keys.revoke(key, now_us())
        echo(msgspec.json.encode(RevokedOutput(key)) if json else f"revoked {key}")
        note(data_dir, Action.KEYS_REVOKE, key)


@app.command()
def rotate(key: KeyId, data: Data = None, json: Json = False) -> None:
    """Give a key a new secret and print it, the only time; then the old one ends at once."""
    with exit_on_error(), open_data_dir(data) as data_dir:
        issued = data_dir.keys.new_secret(key)
        with _showing(issued, json, "the new secret is not good, the old one still is"):
            data_dir.keys.replace_secret(issued)
        note(data_dir, Action.KEYS_ROTATE, key)


@app.command()
def accept(data: Data = None, json: Json = False) -> None:
    """Take the keys as "keys list" shows them, after keys.db was damaged or changed by somebody else."""
    with exit_on_error(), open_data_dir(data) as data_dir:
        removed = data_dir.keys.accept()
        note(data_dir, "keys.accept", ",".join(removed))
        accepted = len(data_dir.keys.list_keys())
        if json:
            echo(msgspec.json.encode(AcceptedOutput(accepted, list(removed))))
            return
        echo(f"accepted {accepted} keys, removed {len(removed)}")
        for key in removed:
            echo(f"removed {key!r}")


@contextmanager
def _showing(issued: Issued, as_json: bool, failure: str) -> Iterator[None]:
    """Print the secret, and then let the body make it good: no secret is ever good that nobody saw.

    ``failure`` is said if the body cannot.
    """
    echo(msgspec.json.encode(issued) if as_json else f"key     {issued.key}\nsecret  {issued.secret}")
    sys.stdout.flush()
    try:
        yield
    except (DatabaseError, UnknownKeyError) as error:
        raise DatabaseError(f"{failure}: {error.args[0]}") from None
    if as_json:
        return
    echo("The secret is not shown again. Sign in with the header:", err=True)
    echo(f"  Authorization: Bearer {issued.key}.SECRET", err=True)


def _several(text: str | None) -> tuple[str, ...] | None:
    return None if text is None else tuple(part.strip() for part in text.split(","))


def _table(rows: Sequence[KeyInfo]) -> Table:
    """Return a table for 80 columns. What a key may do is one column, with its limits below its scopes."""
    table = Table(box=None, pad_edge=False)
    table.add_column("key", no_wrap=True)  # whoever revokes it copies it, from however narrow a window
    for name in ("account", "state", "may", "created", "expires"):
        table.add_column(name, overflow="fold", max_width=10 if name in ("created", "expires") else None)
    for row in rows:
        may = "\n".join(filter(None, (" ".join(row.scopes), _narrowed(row))))
        table.add_row(*_head(row), may, *_dates(row))
    return table


def _head(row: KeyInfo) -> tuple[str, str, str]:
    return row.key, row.account, _state(row)


def _dates(row: KeyInfo) -> tuple[str, str]:
    return _date(row.created), _date(row.expires)


def _narrowed(row: KeyInfo) -> str:
    parts = [*(row.symbols or ()), *(row.accounts or ()), *row.addresses]
    if row.max_notional is not None:
        parts.append(f"up to {row.max_notional} an order")
    return " ".join(parts)


def _state(row: KeyInfo) -> str:
    if row.revoked is not None:
        return "revoked"
    return "expired" if row.expires is not None and row.expires <= now_us() else "live"


def _date(at_us: int | None) -> str:
    return "" if at_us is None else datetime.fromtimestamp(at_us // 1_000_000, UTC).strftime("%Y-%m-%d %H:%M")
