"""``floorwire keys``: make, list, revoke and rotate API keys, beside a running server or without one."""

from __future__ import annotations

import getpass
import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from datetime import UTC, datetime
from difflib import get_close_matches
from pathlib import Path
from typing import Annotated

import msgspec
import typer

from floorwire import config
from floorwire.auth import grant
from floorwire.auth.grant import Grant, GrantError
from floorwire.auth.keyring import KeyInfo
from floorwire.cli.output import Table, echo, print_table
from floorwire.config import SettingsError
from floorwire.core.authorization import Action
from floorwire.storage.audit_log import AuditEntry, append
from floorwire.storage.data_dir import DataDir, DataDirError, check_exists
from floorwire.storage.database import DatabaseError
from floorwire.storage.key_store import Issued, UnknownKeyError

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
    with _exit_on_error(), _data_dir(data, is_made=True) as data_dir:
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
        _check_assets(deposits)
        issued = data_dir.keys.create(allowed, deposits, now_us)
        _show_issued(issued, json)
        _note(data_dir, Action.KEYS_CREATE, issued.key)


@app.command("list")
def list_(data: Data = None, json: Json = False) -> None:
    """List the keys, revoked and expired ones too; never a secret."""
    with _exit_on_error(), _data_dir(data) as data_dir:
        rows = [KeyInfo.of(key) for key in data_dir.keys.list_keys()]
        if json:
            echo(msgspec.json.encode(rows))
            return
        table = Table()
        table.add_column("key", no_wrap=True)  # whoever revokes it copies it, from however narrow a window
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
        print_table(table)


@app.command()
def revoke(key: KeyId, data: Data = None) -> None:
    """End a key for good; a running server closes its connections within a second."""
    with _exit_on_error(), _data_dir(data) as data_dir:
        data_dir.keys.revoke(key, _now_us())
        echo(f"revoked {key}")
        _note(data_dir, Action.KEYS_REVOKE, key)


@app.command()
def rotate(key: KeyId, data: Data = None, json: Json = False) -> None:
    """Give a key a new secret and print it, the only time; the old one ends at once."""
    with _exit_on_error(), _data_dir(data) as data_dir:
        _show_issued(data_dir.keys.rotate(key), json)
        _note(data_dir, Action.KEYS_ROTATE, key)


@contextmanager
def _exit_on_error() -> Iterator[None]:
    """On an error print one sentence and exit."""
    try:
        yield
    except (GrantError, SettingsError, DataDirError, DatabaseError, UnknownKeyError, OSError) as error:
        echo(f"floorwire: {error.args[0] if isinstance(error, LookupError) else error}", err=True)
        raise typer.Exit(2) from None


@contextmanager
def _data_dir(data: str | None, *, is_made: bool = False) -> Iterator[DataDir]:
    """Yield the data folder. ``is_made``: it is made where it is missing."""
    folder = Path(config.load(environment=os.environ, flags={"data": data}).data).expanduser()
    if not is_made:
        check_exists(folder)
    yield DataDir(folder, os.environ)


def _check_assets(deposits: Mapping[str, str]) -> None:
    """Refuse money that no market here trades: it is a mistyped name. Raises GrantError, SettingsError."""
    known = _known_assets() if deposits else None
    for asset in deposits:
        if known is not None and asset not in known:
            close = get_close_matches(asset, known, n=1, cutoff=0.7)
            meant = f"did you mean {close[0]}?" if close else f"there are {', '.join(sorted(known))}"
            raise GrantError(
                "deposit",
                f"no market here trades {asset}; {meant} "
                "(the markets of another --venue: set FLOORWIRE_VENUE as for the server)",
            )


def _known_assets() -> frozenset[str] | None:
    from floorwire.connectors.venue_registry import known_assets

    return known_assets(config.load(environment=os.environ))


def _note(data_dir: DataDir, action: Action, key: str) -> None:
    who = f"os:{getpass.getuser()}"
    entry = AuditEntry(ts=_now_us(), event=action, account=who, how="command line", target=key)
    append(data_dir.audit_path, [entry])


def _show_issued(issued: Issued, as_json: bool) -> None:
    if as_json:
        echo(msgspec.json.encode(issued))
        return
    echo(f"key     {issued.key}\nsecret  {issued.secret}")
    echo("The secret is not shown again. Sign in with the header:", err=True)
    echo(f"  Authorization: Bearer {issued.key}.SECRET", err=True)


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
